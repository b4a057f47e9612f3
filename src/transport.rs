//! HTTP and WebSocket: parse, one call, map.

mod auth;
mod connections;
mod error;
mod exit;
mod extract;
mod faults;
mod front;
mod gather;
mod request_id;
mod rest;
mod routes;
mod socket;
mod streams;
mod unread;

use std::net::TcpListener;
use std::sync::Arc;

use actix_web::dev::Server;
use actix_web::middleware::from_fn;
use actix_web::{App, web};
use bridge_core::limits;

use crate::actors::Bridge;
use crate::backups::Backups;
use crate::config::{MetricsOpen, Tuning};
use crate::system::Stopwatch;
use crate::tokens::{Tickets, Tokens};

pub use connections::Connections;
pub use streams::EventStreams;

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
    pub streams: EventStreams,
    /// Copies of the database.
    pub backups: Backups,
    /// Connections that are open.
    pub connections: Connections,
    /// Who may read what is measured without a token.
    pub metrics_open: MetricsOpen,
    /// Since the start.
    pub since: Stopwatch,
}

/// How connections are served.
#[derive(Debug, Clone, Copy)]
pub struct Serving {
    /// Threads; 0 means one for each core.
    pub workers: usize,
    /// Connections that may be open at once. More wait in the system's queue.
    pub connections_max: usize,
    /// How patient it is with them.
    pub tuning: Tuning,
}

/// What is served in a place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Routes {
    /// Everything.
    All,
    /// Everything but what is measured, which has a place of its own.
    ButMetrics,
    /// What is measured.
    MetricsOnly,
}

/// Starts to serve on a listener.
///
/// # Errors
/// When the listener cannot be used.
pub fn serve(
    state: State,
    listener: TcpListener,
    routes: Routes,
    serving: Serving,
) -> std::io::Result<Server> {
    let Serving {
        workers,
        connections_max,
        tuning,
    } = serving;
    let workers = if workers == 0 {
        std::thread::available_parallelism().map_or(2, std::num::NonZero::get)
    } else {
        workers
    };
    let configure = match routes {
        Routes::All => routes::all,
        Routes::ButMetrics => routes::but_metrics,
        Routes::MetricsOnly => routes::metrics_only,
    };
    let connections = state.connections.clone();
    let state = web::Data::new(state);
    let app = move || {
        App::new()
            .app_data(state.clone())
            .wrap(from_fn(faults::places))
            .wrap(from_fn(connections::attend))
            .wrap(from_fn(request_id::attach))
            .wrap(from_fn(unread::end))
            .wrap(from_fn(exit::take))
            .configure(configure)
    };
    let builder = Server::build()
        // Each thread has its own count, and takes the next connection whose turn it is.
        .max_concurrent_connections(connections_max.div_ceil(workers))
        .workers(workers)
        .shutdown_timeout(limits::SHUTDOWN_WITHIN.as_secs())
        .disable_signals();
    let stop = builder.graceful_shutdown_signal();
    let stops = move || {
        let stop = stop.clone();
        async move { stop.notified().await }
    };
    let each = move || front::new(app(), connections.clone(), stops.clone(), tuning);
    Ok(builder.listen("front", listener, each)?.run())
}
