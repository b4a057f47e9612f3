//! `/v1/rooms/{room}/decisions/…` and `/v1/decisions/{decision}`

use actix_web::HttpRequest;
use actix_web::http::StatusCode;
use actix_web::web::{Data, Payload};
use bridge_core::command::{RoomCommand, Withdraw};
use bridge_core::ports;
use bridge_core::{DecisionId, Reject, RoomId};

use super::{Answer, change, changed, created, json_text};
use crate::actors::bridge::Shown;
use crate::transport::State;
use crate::transport::auth::Caller;
use crate::transport::extract;
use crate::wire::encode;
use crate::wire::frame::{AdoptBody, AmendBody, ArgueBody, ProposeBody, VoteBody};
use crate::wire::rest::DecisionsQuery;

/// `POST …/decisions`
pub(in crate::transport) async fn propose(
    request: HttpRequest,
    state: Data<State>,
    caller: Caller,
    payload: Payload,
) -> Answer {
    let body: ProposeBody = extract::body(payload).await?;
    let command = body.into_command(state.bridge.ids().decision());
    change_and_show(&request, &state, caller, command, created).await
}

/// `GET …/decisions`: the newest first, without their histories.
pub(in crate::transport) async fn list(
    request: HttpRequest,
    state: Data<State>,
    caller: Caller,
) -> Answer {
    let room: RoomId = extract::path(&request, "room")?;
    let DecisionsQuery {
        state: in_state,
        after,
        limit,
    } = extract::query(&request)?;
    let query = ports::DecisionsQuery {
        state: in_state,
        before: after,
        rows_max: extract::limit(limit)?,
    };
    let found = state.bridge.decisions(&caller.principal, &room, query);
    let (page, next) = found.await?;
    let items = page
        .iter()
        .map(|shown| (&shown.dossier, shown.live.as_ref()));
    let text = encode::decisions_text(items, next);
    Ok(json_text(StatusCode::OK, text))
}

/// `GET …/{decision}`
pub(in crate::transport) async fn show(
    request: HttpRequest,
    state: Data<State>,
    caller: Caller,
) -> Answer {
    let room: RoomId = extract::path(&request, "room")?;
    let id = decision(&request)?;
    let shown = state.bridge.decision_in(&caller.principal, &room, id);
    Ok(object(StatusCode::OK, &shown.await?))
}

/// `GET /v1/decisions/{decision}`: when its room is not known.
pub(in crate::transport) async fn find(
    request: HttpRequest,
    state: Data<State>,
    caller: Caller,
) -> Answer {
    let shown = state
        .bridge
        .decision(&caller.principal, decision(&request)?);
    Ok(object(StatusCode::OK, &shown.await?))
}

/// `PUT …/{decision}/ballot`
pub(in crate::transport) async fn vote(
    request: HttpRequest,
    state: Data<State>,
    caller: Caller,
    payload: Payload,
) -> Answer {
    let id = decision(&request)?;
    let body: VoteBody = extract::body(payload).await?;
    change_and_show(&request, &state, caller, body.into_command(id), changed).await
}

/// `DELETE …/{decision}`: withdraw.
pub(in crate::transport) async fn withdraw(
    request: HttpRequest,
    state: Data<State>,
    caller: Caller,
) -> Answer {
    let decision = decision(&request)?;
    let command = RoomCommand::Withdraw(Withdraw { decision });
    change_and_show(&request, &state, caller, command, changed).await
}

/// `POST …/{decision}/amendments`
pub(in crate::transport) async fn amend(
    request: HttpRequest,
    state: Data<State>,
    caller: Caller,
    payload: Payload,
) -> Answer {
    let id = decision(&request)?;
    let body: AmendBody = extract::body(payload).await?;
    change(&request, &state, caller, body.into_command(id), created).await
}

/// `PUT …/{decision}/amendments/{amendment}/ballot`
pub(in crate::transport) async fn adopt(
    request: HttpRequest,
    state: Data<State>,
    caller: Caller,
    payload: Payload,
) -> Answer {
    let id = decision(&request)?;
    let amendment: u32 = extract::path(&request, "amendment")?;
    let body: AdoptBody = extract::body(payload).await?;
    let command = body.into_command(id, amendment);
    change_and_show(&request, &state, caller, command, changed).await
}

/// `POST …/{decision}/arguments`
pub(in crate::transport) async fn argue(
    request: HttpRequest,
    state: Data<State>,
    caller: Caller,
    payload: Payload,
) -> Answer {
    let id = decision(&request)?;
    let body: ArgueBody = extract::body(payload).await?;
    change(&request, &state, caller, body.into_command(id), created).await
}

/// The decision in the path.
pub(super) fn decision(request: &HttpRequest) -> Result<DecisionId, Reject> {
    extract::path(request, "decision")
}

fn object(status: StatusCode, shown: &Shown) -> actix_web::HttpResponse {
    let text = encode::decision_text(&shown.dossier, shown.live.as_ref());
    json_text(status, text)
}

/// Carries out a command to the room in the path, and answers with the decision as it is then.
async fn change_and_show(
    request: &HttpRequest,
    state: &State,
    caller: Caller,
    command: RoomCommand,
    status: fn(bool) -> StatusCode,
) -> Answer {
    let room: RoomId = extract::path(request, "room")?;
    let key = extract::key(request)?;
    let by = caller.principal;
    let receipt = state.bridge.command(&room, command, by.clone(), key);
    let receipt = receipt.await?;
    let about = receipt.record()?.event.decision();
    let id = about.ok_or_else(|| Reject::Internal {
        detail: "a record about no decision".into(),
    })?;
    let shown = state.bridge.decision_in(&by, &room, id).await?;
    Ok(object(status(receipt.duplicate), &shown))
}
