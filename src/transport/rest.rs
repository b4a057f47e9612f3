//! REST: one file for each resource.

pub(super) mod events;
pub(super) mod members;
pub(super) mod messages;
pub(super) mod rooms;
pub(super) mod service;

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::http::header::ContentType;

use super::error::ApiError;

type Answer = Result<HttpResponse, ApiError>;

/// An answer whose JSON is written already.
fn json_text(status: StatusCode, text: Vec<u8>) -> HttpResponse {
    HttpResponse::build(status)
        .content_type(ContentType::json())
        .body(text)
}

/// 201 for what is new, 200 for the original answer to a repeat.
const fn created(duplicate: bool) -> StatusCode {
    if duplicate {
        StatusCode::OK
    } else {
        StatusCode::CREATED
    }
}
