//! `/v1/dead-letters`: messages that were tried as often as may be.

use actix_web::HttpRequest;
use actix_web::http::StatusCode;
use actix_web::web::Data;

use super::{Answer, json_text};
use crate::transport::State;
use crate::transport::auth::Caller;
use crate::transport::extract;
use crate::wire::encode;
use crate::wire::rest::DeadLettersQuery;

/// `GET /v1/dead-letters`: of messages that the caller sent or was to get, the newest first.
pub(in crate::transport) async fn own(
    request: HttpRequest,
    state: Data<State>,
    caller: Caller,
) -> Answer {
    list(&request, &state, caller, false).await
}

/// `GET /v1/admin/dead-letters`: everybody's.
pub(in crate::transport) async fn everybodys(
    request: HttpRequest,
    state: Data<State>,
    caller: Caller,
) -> Answer {
    list(&request, &state, caller, true).await
}

async fn list(request: &HttpRequest, state: &State, caller: Caller, everybodys: bool) -> Answer {
    let DeadLettersQuery { after, limit } = extract::query(request)?;
    let limit = extract::limit(limit)?;
    let (letters, next) = state
        .bridge
        .dead_letters(caller.principal, everybodys, after, limit)
        .await?;
    Ok(json_text(
        StatusCode::OK,
        encode::dead_letters_text(&letters, next),
    ))
}
