//! REST: one file for each resource.

pub(super) mod admin;
pub(super) mod backup;
pub(super) mod critiques;
pub(super) mod dead_letters;
pub(super) mod decisions;
pub(super) mod events;
pub(super) mod mailbox;
pub(super) mod members;
pub(super) mod messages;
pub(super) mod metrics;
pub(super) mod posts;
pub(super) mod rooms;
pub(super) mod service;
pub(super) mod tickets;
pub(super) mod todo;

use actix_web::http::StatusCode;
use actix_web::http::header::ContentType;
use actix_web::{HttpRequest, HttpResponse};
use bridge_core::RoomId;
use bridge_core::command::RoomCommand;

use super::State;
use super::auth::Caller;
use super::error::ApiError;
use super::extract;
use crate::wire::encode;

type Answer = Result<HttpResponse, ApiError>;

/// An answer whose JSON is written already.
fn json_text(status: StatusCode, text: Vec<u8>) -> HttpResponse {
    HttpResponse::build(status)
        .content_type(ContentType::json())
        .body(text)
}

/// Carries out a command to the room in the path, and answers with the event that followed.
async fn change(
    request: &HttpRequest,
    state: &State,
    caller: Caller,
    command: RoomCommand,
    status: fn(bool) -> StatusCode,
) -> Answer {
    let room: RoomId = extract::path(request, "room")?;
    let key = extract::key(request)?;
    let receipt = state.bridge.command(&room, command, caller.principal, key);
    let receipt = receipt.await?;
    let text = encode::event(receipt.record()?).answer_text(None, receipt.duplicate);
    Ok(json_text(status(receipt.duplicate), text))
}

/// 200, whether it is new or not.
const fn changed(_: bool) -> StatusCode {
    StatusCode::OK
}

/// 201 for what is new, 200 for the original answer to a repeat.
const fn created(duplicate: bool) -> StatusCode {
    if duplicate {
        StatusCode::OK
    } else {
        StatusCode::CREATED
    }
}
