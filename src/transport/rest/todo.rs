//! `/v1/todo`: what waits for the caller.

use actix_web::http::StatusCode;
use actix_web::web::Data;

use super::{Answer, json_text};
use crate::transport::State;
use crate::transport::auth::Caller;
use crate::wire::encode;

/// `GET /v1/todo`: the most urgent first.
pub(in crate::transport) async fn show(state: Data<State>, caller: Caller) -> Answer {
    let todo = state.bridge.todo(&caller.principal).await?;
    let text = encode::todo_text(&todo.items, todo.complete);
    Ok(json_text(StatusCode::OK, text))
}
