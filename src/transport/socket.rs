//! WebSockets: a handshake, a stream of frames in, a body of frames out. Nothing about rooms.
//!
//! Every use of `actix-web-actors` is in this file, so that leaving it is a change of one file.

mod inbound;

use std::any::Any;
use std::net::{Shutdown, TcpStream};
use std::sync::Arc;

use actix_web::dev::Extensions;
use actix_web::web::{Data, Payload};
use actix_web::{HttpRequest, HttpResponse};
use actix_web_actors::ws;
use bridge_core::{ClientId, Reject};

use super::State;
use super::auth::Opener;
use super::error::ApiError;
use super::extract;
use crate::actors::{self, Connection};
use inbound::InboundFrames;

/// The protocol that this server speaks.
pub(super) const SUBPROTOCOL: &str = "agent-bridge.v1";

/// A second descriptor of a connection's socket. Stopping an actor does not close the socket of a
/// client that does not read; shutting this down does, at once.
#[derive(Debug, Clone)]
struct Descriptor(Arc<TcpStream>);

/// Keeps a second descriptor of every new connection.
pub(super) fn keep_descriptor(connection: &dyn Any, data: &mut Extensions) {
    let Some(stream) = connection.downcast_ref::<actix_web::rt::net::TcpStream>() else {
        return;
    };
    match duplicate(stream) {
        Ok(stream) => {
            data.insert(Descriptor(Arc::new(stream)));
        }
        Err(why) => tracing::warn!(error = %why, "a connection cannot be shut down by force"),
    }
}

#[cfg(unix)]
fn duplicate(stream: &actix_web::rt::net::TcpStream) -> std::io::Result<TcpStream> {
    use std::os::fd::AsFd;
    stream.as_fd().try_clone_to_owned().map(TcpStream::from)
}

#[cfg(not(unix))]
fn duplicate(_: &actix_web::rt::net::TcpStream) -> std::io::Result<TcpStream> {
    // The server runs on Linux and macOS; elsewhere only the client commands are used.
    Err(std::io::ErrorKind::Unsupported.into())
}

/// `GET /ws/{client}`
pub(super) async fn open(
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
    let connection = Connection {
        principal: caller.principal,
        expires_at: caller.expires_at,
        hang_up: hang_up(&request),
    };
    let body = actors::open(&state.bridge, connection, |gate| {
        InboundFrames::new(payload.into_inner(), gate)
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
    let descriptor = request.conn_data::<Descriptor>().cloned();
    Box::new(move || {
        let Some(Descriptor(stream)) = &descriptor else {
            return;
        };
        if let Err(why) = stream.shutdown(Shutdown::Both) {
            // The client was faster.
            tracing::trace!(error = %why, "a socket was closed already");
        }
    })
}
