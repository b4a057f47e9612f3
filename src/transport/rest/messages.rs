//! `/v1/messages`: direct messages and messages to `all`, as their senders see them.

use actix_web::http::StatusCode;
use actix_web::web::{Data, Payload};
use actix_web::{HttpRequest, HttpResponse};
use bridge_core::message::Trace;
use bridge_core::{MessageId, Reject};

use super::{Answer, created, json_text};
use crate::actors::bridge::{Acknowledgement, Sent};
use crate::transport::State;
use crate::transport::auth::Caller;
use crate::transport::extract;
use crate::wire::encode::{self, MessageFacts, RecipientFacts};
use crate::wire::frame::{AckBody, SendBody};
use crate::wire::rest::WaitQuery;

/// `POST /v1/messages`
pub(in crate::transport) async fn send(
    request: HttpRequest,
    state: Data<State>,
    caller: Caller,
    payload: Payload,
) -> Answer {
    let key = extract::key(&request)?;
    let body: SendBody = extract::body(payload).await?;
    let begun = Trace::begin(state.bridge.ids().uuid());
    let message = body.into_message(state.bridge.new_message(), begun)?;
    let sent = state.bridge.send(message, caller.principal, key).await?;
    Ok(stored(created(sent.duplicate), sent))
}

/// `GET /v1/messages/{id}`: with its stages; with `wait`, when it has ended.
pub(in crate::transport) async fn show(
    request: HttpRequest,
    state: Data<State>,
    caller: Caller,
) -> Answer {
    let id: MessageId = extract::path(&request, "id")?;
    let WaitQuery { wait } = extract::query(&request)?;
    let wait = extract::wait(wait)?;
    let history = state.bridge.message(caller.principal, id, wait).await?;
    let stored = history.stored().ok_or(Reject::MessageNotFound(id))?;
    let recipients = history.by_recipient().into_iter();
    let facts = MessageFacts {
        stored,
        recipients: recipients
            .map(|(client, records)| RecipientFacts { client, records })
            .collect(),
    };
    Ok(json_text(StatusCode::OK, encode::history_text(&facts)))
}

/// `POST /v1/messages/{id}/ack`
pub(in crate::transport) async fn acknowledge(
    request: HttpRequest,
    state: Data<State>,
    caller: Caller,
    payload: Payload,
) -> Answer {
    let id: MessageId = extract::path(&request, "id")?;
    let key = extract::key(&request)?;
    let AckBody { stage, reason } = extract::body(payload).await?;
    let said = Acknowledgement { id, stage, reason };
    let done = state.bridge.acknowledge(said, caller.principal, key);
    Ok(stored(StatusCode::OK, done.await?))
}

fn stored(status: StatusCode, sent: Sent) -> HttpResponse {
    let Sent { id, at, duplicate } = sent;
    HttpResponse::build(status).json(encode::stored_body(None, id, at, duplicate))
}
