//! A name for each request, in its answer and in the log.

use actix_web::body::MessageBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header::{HeaderName, HeaderValue};
use actix_web::middleware::Next;
use actix_web::{Error, web};
use bridge_core::id::RequestId;

use super::State;
use super::error::ApiError;

const HEADER: HeaderName = HeaderName::from_static("x-request-id");
/// Characters of an id that a client brings.
const FOREIGN_ID_CHARS_MAX: usize = 64;

/// Gives the request its id: the client's own when it brings a decent one.
pub(super) async fn attach(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<impl MessageBody>, Error> {
    let id = foreign(&request).unwrap_or_else(|| own(&request));
    let response = next.call(request).await?.map_into_boxed_body();
    let error = response
        .response()
        .error()
        .and_then(|error| error.as_error::<ApiError>());
    let answer = error.map(|error| {
        error.log(&id);
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
