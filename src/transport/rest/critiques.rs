//! `…/critiques`: of messages and of decisions.

use actix_web::HttpRequest;
use actix_web::http::StatusCode;
use actix_web::web::{Data, Payload};
use bridge_core::decision::Target;
use bridge_core::ports;
use bridge_core::{CritiqueId, RoomId};

use super::decisions::decision;
use super::{Answer, change, changed, created, json_text};
use crate::transport::State;
use crate::transport::auth::Caller;
use crate::transport::extract;
use crate::wire::encode;
use crate::wire::frame::{AnswerBody, CritiqueBody};
use crate::wire::rest::{CritiquesOf, CritiquesQuery};

/// `POST …/decisions/{decision}/critiques`
pub(in crate::transport) async fn of_decision(
    request: HttpRequest,
    state: Data<State>,
    caller: Caller,
    payload: Payload,
) -> Answer {
    let target = Target::Decision(decision(&request)?);
    make(&request, &state, caller, payload, target).await
}

/// `POST …/messages/{id}/critiques`
pub(in crate::transport) async fn of_message(
    request: HttpRequest,
    state: Data<State>,
    caller: Caller,
    payload: Payload,
) -> Answer {
    let target = Target::Message(extract::path(&request, "id")?);
    make(&request, &state, caller, payload, target).await
}

async fn make(
    request: &HttpRequest,
    state: &State,
    caller: Caller,
    payload: Payload,
    target: Target,
) -> Answer {
    let body: CritiqueBody = extract::body(payload).await?;
    let command = body.into_command(state.bridge.ids().critique(), target);
    change(request, state, caller, command, created).await
}

/// `GET …/critiques`: the newest first.
pub(in crate::transport) async fn list(
    request: HttpRequest,
    state: Data<State>,
    caller: Caller,
) -> Answer {
    let room: RoomId = extract::path(&request, "room")?;
    let CritiquesQuery {
        state: in_state,
        after,
        limit,
    } = extract::query(&request)?;
    let query = ports::CritiquesQuery {
        is_open: in_state.map(|state| state == CritiquesOf::Open),
        before: after,
        rows_max: extract::limit(limit)?,
    };
    let found = state.bridge.critiques(&caller.principal, &room, query);
    let (page, next) = found.await?;
    let text = encode::critiques_text(&page, next);
    Ok(json_text(StatusCode::OK, text))
}

/// `POST …/critiques/{critique}/resolve`
pub(in crate::transport) async fn resolve(
    request: HttpRequest,
    state: Data<State>,
    caller: Caller,
    payload: Payload,
) -> Answer {
    let critique: CritiqueId = extract::path(&request, "critique")?;
    let body: AnswerBody = extract::optional_body(payload).await?;
    change(&request, &state, caller, body.resolving(critique), changed).await
}

/// `POST …/critiques/{critique}/waive`
pub(in crate::transport) async fn waive(
    request: HttpRequest,
    state: Data<State>,
    caller: Caller,
    payload: Payload,
) -> Answer {
    let critique: CritiqueId = extract::path(&request, "critique")?;
    let body: AnswerBody = extract::optional_body(payload).await?;
    change(&request, &state, caller, body.waiving(critique), changed).await
}
