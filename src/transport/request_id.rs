//! A name for each request, in its answer and in the log.

use std::fmt;
use std::panic::AssertUnwindSafe;

use actix_web::body::MessageBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::StatusCode;
use actix_web::http::header::{HeaderName, HeaderValue};
use actix_web::middleware::Next;
use actix_web::{Error, HttpResponse, ResponseError, web};
use bridge_core::Reject;
use bridge_core::id::RequestId;
use futures_util::FutureExt;

use super::State;
use super::error::ApiError;
use crate::actors::supervisor::Branch;
use crate::telemetry::spans::{self, Remote};

const HEADER: HeaderName = HeaderName::from_static("x-request-id");
/// What W3C's *Trace Context* has for it.
const TRACE_PARENT: HeaderName = HeaderName::from_static("traceparent");
/// Characters of an id that a client brings.
const FOREIGN_ID_CHARS_MAX: usize = 64;

/// Gives the request its id: the client's own when it brings a decent one.
pub(super) async fn attach(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<impl MessageBody>, Error> {
    let id = foreign(&request).unwrap_or_else(|| own(&request));
    // What a handler was changing when it panicked goes with it.
    let state = request.app_data::<web::Data<State>>().cloned();
    let remote = state.as_ref().and_then(|state| remote(state, &request));
    let handled = AssertUnwindSafe(spans::within(remote, next.call(request)));
    let handled = handled.catch_unwind().await;
    let Ok(handled) = handled else {
        if let Some(state) = &state {
            state.bridge.count_failure(Branch::Requests);
        }
        let detail = "a handler panicked".to_owned();
        let error = ApiError::from(Reject::Internal { detail });
        error.log(&id);
        return Err(Panicked { error, id }.into());
    };
    let response = handled?.map_into_boxed_body();
    let error = response
        .response()
        .error()
        .and_then(|error| error.as_error::<ApiError>());
    let answer = error.map(|error| {
        error.log(&id);
        if let Some(state) = &state {
            state.bridge.metrics().refused_as(error.word());
        }
        error.response(&id)
    });
    let mut response = match answer {
        Some(answer) => response.into_response(answer),
        None => response,
    };
    if let Ok(value) = HeaderValue::from_str(&id) {
        response.headers_mut().insert(HEADER, value);
    }
    Ok(response)
}

/// A request whose handler panicked. The rest of the connection goes on. The request itself went with
/// its handler, so that its answer cannot be made from it.
#[derive(Debug)]
struct Panicked {
    error: ApiError,
    id: String,
}

impl fmt::Display for Panicked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.error.fmt(f)
    }
}

impl ResponseError for Panicked {
    fn status_code(&self) -> StatusCode {
        self.error.status_code()
    }

    fn error_response(&self) -> HttpResponse {
        let mut response = self.error.response(&self.id);
        if let Ok(value) = HeaderValue::from_str(&self.id) {
            response.headers_mut().insert(HEADER, value);
        }
        response
    }
}

/// What the request is a part of, as it says itself, if messages are followed.
fn remote(state: &State, request: &ServiceRequest) -> Option<Remote> {
    if !state.bridge.spans().is_on() {
        return None;
    }
    let header = request.headers().get(TRACE_PARENT)?;
    Remote::parse(header.to_str().ok()?)
}

fn foreign(request: &ServiceRequest) -> Option<String> {
    let id = request.headers().get(HEADER)?.to_str().ok()?;
    let is_decent = !id.is_empty()
        && id.len() <= FOREIGN_ID_CHARS_MAX
        && id
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b"._-".contains(&b));
    is_decent.then(|| id.to_owned())
}

fn own(request: &ServiceRequest) -> String {
    let state = request.app_data::<web::Data<State>>();
    state.map_or_else(String::new, |state| {
        RequestId::from_uuid(state.bridge.ids().uuid()).to_string()
    })
}

#[cfg(test)]
mod tests;
