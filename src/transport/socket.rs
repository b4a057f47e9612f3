//! WebSockets: a handshake, a stream of frames in, a body of frames out. Nothing about rooms.
//!
//! Every use of `actix-web-actors` is in this file, so that leaving it is a change of one file.

mod inbound;
mod line;
pub(super) mod pump;

use actix_web::web::{Data, Payload};
use actix_web::{HttpRequest, HttpResponse};
use actix_web_actors::ws;
use bridge_core::{ClientId, Reject};

use super::State;
use super::auth::Opener;
use super::connections::Connection;
use super::error::ApiError;
use super::exit::Exit;
use super::extract;
use crate::actors;
use crate::telemetry::metrics::Transport;
use inbound::InboundFrames;
use line::Incoming;

pub(super) use line::Line;

/// The protocol that this server speaks.
pub(super) const SUBPROTOCOL: &str = "agent-bridge.v1";

/// `GET /ws/{client}`
pub(super) async fn open(
    request: HttpRequest,
    payload: Payload,
    state: Data<State>,
    opener: Opener,
) -> Result<HttpResponse, ApiError> {
    let metrics = state.bridge.metrics().clone();
    let opened = shake_hands(request, payload, state, opener);
    metrics.connected(Transport::Ws, opened.is_ok());
    opened
}

fn shake_hands(
    request: HttpRequest,
    payload: Payload,
    state: Data<State>,
    opener: Opener,
) -> Result<HttpResponse, ApiError> {
    let client: ClientId = extract::path(&request, "client")?;
    let Opener(caller) = opener;
    if client != *caller.principal.client() {
        let why = "the path must name the client of the token, or of the ticket";
        return Err(Reject::Forbidden(why).into());
    }
    if !speaks_our_protocol(&request) {
        return Err(ApiError::NoSubprotocol);
    }
    let mut response = ws::handshake_with_protocols(&request, &[SUBPROTOCOL])
        .map_err(|why| Reject::field("Upgrade", why))?;
    let connection = actors::Connection {
        principal: caller.principal,
        expires_at: caller.expires_at,
        hang_up: hang_up(&request),
    };
    let line = Exit::of(&request).map(|exit| exit.open_line());
    let incoming = Incoming::new(payload.into_inner(), line);
    let body = actors::open(&state.bridge, connection, |gate| {
        InboundFrames::new(incoming, gate)
    });
    Ok(response.streaming(body))
}

fn speaks_our_protocol(request: &HttpRequest) -> bool {
    let values = request.headers().get_all("Sec-WebSocket-Protocol");
    let mut named = values
        .filter_map(|value| value.to_str().ok())
        .flat_map(|v| v.split(','));
    named.any(|name| name.trim() == SUBPROTOCOL)
}

/// What shuts a request's connection down, whether or not its client reads.
pub(super) fn hang_up(request: &HttpRequest) -> actors::HangUp {
    let connection = Connection::of(request);
    Box::new(move || {
        if let Some(connection) = &connection {
            connection.shut_down();
        }
    })
}
