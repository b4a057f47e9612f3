//! HTTP and WebSocket: parse, one call, map.

mod auth;
mod error;
mod extract;
mod gather;
mod request_id;
mod rest;
mod routes;
mod socket;
mod unread;

use std::net::TcpListener;
use std::sync::Arc;

use actix_web::dev::Server;
use actix_web::middleware::from_fn;
use actix_web::{App, HttpServer, web};
use bridge_core::limits;

use crate::actors::Bridge;
use crate::permits::Permits;
use crate::system::Stopwatch;
use crate::tokens::{Tickets, Tokens};

/// What every handler can reach.
#[derive(Debug, Clone)]
pub struct State {
    /// The server's inside.
    pub bridge: Bridge,
    /// Who may come in.
    pub tokens: Arc<Tokens>,
    /// Who may open a WebSocket without a token.
    pub tickets: Arc<Tickets>,
    /// Streams of events that are open.
    pub streams: Permits,
    /// Since the start.
    pub since: Stopwatch,
}

/// Starts to serve on a listener.
///
/// # Errors
/// When the listener cannot be used.
pub fn serve(state: State, listener: TcpListener, workers: usize) -> std::io::Result<Server> {
    let workers = if workers == 0 {
        std::thread::available_parallelism().map_or(2, std::num::NonZero::get)
    } else {
        workers
    };
    let state = web::Data::new(state);
    let server = HttpServer::new(move || {
        App::new()
            .app_data(state.clone())
            .wrap(from_fn(request_id::attach))
            .wrap(from_fn(unread::end))
            .configure(routes::configure)
    })
    .on_connect(socket::keep_descriptor)
    .tcp_nodelay(true)
    // A client that has gone is noticed while it is waited for.
    .h1_allow_half_closed(false)
    .workers(workers)
    .shutdown_timeout(limits::SHUTDOWN_WITHIN.as_secs())
    .disable_signals()
    .listen(listener)?;
    Ok(server.run())
}
