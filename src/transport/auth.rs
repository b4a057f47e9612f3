//! Who calls: the token in the request becomes a principal.

use std::future::{Ready, ready};

use actix_web::dev::Payload;
use actix_web::http::header::{AUTHORIZATION, SEC_WEBSOCKET_PROTOCOL};
use actix_web::{FromRequest, HttpRequest, web};
use bridge_core::{Principal, Reject, Timestamp};

use super::State;
use super::error::ApiError;

/// What stands before a token among the subprotocols of a browser's WebSocket.
const SUBPROTOCOL_PREFIX: &str = "bearer.";

/// An authenticated caller.
#[derive(Debug)]
pub(super) struct Caller {
    /// Who it is.
    pub(super) principal: Principal,
    /// Until when its token is good.
    pub(super) expires_at: Timestamp,
}

impl FromRequest for Caller {
    type Error = ApiError;
    type Future = Ready<Result<Self, ApiError>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(caller(request).map_err(ApiError::from))
    }
}

fn caller(request: &HttpRequest) -> Result<Caller, Reject> {
    let state = request
        .app_data::<web::Data<State>>()
        .ok_or_else(|| Reject::Internal {
            detail: "no state in the app".into(),
        })?;
    let token = bearer(request)
        .or_else(|| among_subprotocols(request))
        .ok_or(Reject::Unauthorized(
            "send a token: `Authorization: Bearer …`",
        ))?;
    let now = state.bridge.clock().now();
    let verified = state.tokens.verify(token, now)?;
    Ok(Caller {
        principal: verified.principal,
        expires_at: verified.expires_at,
    })
}

fn bearer(request: &HttpRequest) -> Option<&str> {
    let value = request.headers().get(AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

/// A browser cannot set headers on a WebSocket, but it can name subprotocols.
fn among_subprotocols(request: &HttpRequest) -> Option<&str> {
    let values = request.headers().get_all(SEC_WEBSOCKET_PROTOCOL);
    let named = values
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','));
    named
        .map(str::trim)
        .find_map(|name| name.strip_prefix(SUBPROTOCOL_PREFIX))
}
