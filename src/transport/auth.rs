//! Who calls: the token in the request becomes a principal.

use actix_web::dev::Payload;
use actix_web::http::header::{AUTHORIZATION, SEC_WEBSOCKET_PROTOCOL};
use actix_web::{FromRequest, HttpRequest, web};
use bridge_core::{Principal, Reject, Timestamp};
use futures_util::FutureExt;
use futures_util::future::LocalBoxFuture;

use super::State;
use super::error::ApiError;
use crate::telemetry::metrics::Shown;
use crate::tokens::Verified;

/// What stands before a token among the subprotocols of a browser's WebSocket.
const SUBPROTOCOL_PREFIX: &str = "bearer.";

/// What stands before a ticket in the address of a WebSocket.
const TICKET: &str = "ticket";

/// An authenticated caller.
#[derive(Debug)]
pub(super) struct Caller {
    /// Who it is.
    pub(super) principal: Principal,
    /// Until when its token is good.
    pub(super) expires_at: Timestamp,
}

impl From<Verified> for Caller {
    fn from(verified: Verified) -> Self {
        Self {
            principal: verified.principal,
            expires_at: verified.expires_at,
        }
    }
}

/// Whoever opens a WebSocket: with a token, or with a ticket in the address. Nothing else takes a
/// ticket.
#[derive(Debug)]
pub(super) struct Opener(pub(super) Caller);

type Extracting<T> = LocalBoxFuture<'static, Result<T, ApiError>>;

impl FromRequest for Caller {
    type Error = ApiError;
    type Future = Extracting<Self>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        meet(request, caller(request))
    }
}

impl FromRequest for Opener {
    type Error = ApiError;
    type Future = Extracting<Self>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let opened = meet(request, opener(request));
        async move { opened.await.map(Self) }.boxed_local()
    }
}

/// A client is known from the first time that its token is good.
fn meet(request: &HttpRequest, caller: Result<Caller, Reject>) -> Extracting<Caller> {
    let bridge = state(request).map(|state| state.bridge.clone());
    if let (Err(Reject::Unauthorized(_)), Ok(bridge)) = (&caller, &bridge) {
        bridge.metrics().not_let_in(shown(request));
    }
    async move {
        let caller = caller?;
        bridge?.meet(&caller.principal).await;
        Ok(caller)
    }
    .boxed_local()
}

fn caller(request: &HttpRequest) -> Result<Caller, Reject> {
    let state = state(request)?;
    let token = token(request).ok_or(Reject::Unauthorized(
        "send a token: `Authorization: Bearer …`",
    ))?;
    let clock = state.bridge.clock();
    let verified = state.tokens.verify(token, clock.wall(), clock.now());
    verified.map(Caller::from)
}

/// A ticket beside a token is refused, not overlooked: it would stay good, in an address.
fn opener(request: &HttpRequest) -> Result<Caller, Reject> {
    let mut query = form_urlencoded::parse(request.query_string().as_bytes());
    let Some((_, ticket)) = query.find(|(name, _)| name == TICKET) else {
        return caller(request);
    };
    if token(request).is_some() {
        return Err(Reject::field(
            TICKET,
            "goes without a token; send one of them",
        ));
    }
    let state = state(request)?;
    let now = state.bridge.clock().moment();
    state.tickets.redeem(&ticket, now).map(Caller::from)
}

/// What somebody showed who was not let in.
fn shown(request: &HttpRequest) -> Shown {
    let mut query = form_urlencoded::parse(request.query_string().as_bytes());
    if token(request).is_some() {
        Shown::Token
    } else if query.any(|(name, _)| name == TICKET) {
        Shown::Ticket
    } else {
        Shown::Nothing
    }
}

fn state(request: &HttpRequest) -> Result<&State, Reject> {
    let state = request.app_data::<web::Data<State>>();
    state
        .map(web::Data::get_ref)
        .ok_or_else(|| Reject::Internal {
            detail: "no state in the app".into(),
        })
}

fn token(request: &HttpRequest) -> Option<&str> {
    bearer(request).or_else(|| among_subprotocols(request))
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
