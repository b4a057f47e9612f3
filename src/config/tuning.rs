//! What no operator needs to choose.

use std::time::Duration;

use bridge_core::limits;

/// How patient the server is with connections, and how many it has room for. A test chooses less.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tuning {
    /// For the head of the first request.
    pub request_head: Duration,
    /// Between two requests.
    pub keep_alive: Duration,
    /// For a client to read the rest, when its connection is being closed.
    pub disconnect: Duration,
    /// For a connection that serves nothing, for whatever reason.
    pub idle: Duration,
    /// Between two looks for those.
    pub look_every: Duration,
    /// For a session's socket to take what waits for it.
    pub write: Duration,
    /// For the other side to acknowledge what was sent, or to open its window.
    pub unacknowledged: Duration,
    /// Connections besides those of sessions and streams of events.
    pub connections_spare: usize,
}

impl Default for Tuning {
    fn default() -> Self {
        Self {
            request_head: limits::REQUEST_HEAD_WITHIN,
            keep_alive: limits::KEEP_ALIVE,
            disconnect: limits::DISCONNECT_WITHIN,
            idle: limits::CONNECTION_IDLE_MAX,
            look_every: limits::CONNECTIONS_LOOK_EVERY,
            write: limits::WRITE_WITHIN,
            unacknowledged: limits::UNACKNOWLEDGED_WITHIN,
            connections_spare: limits::CONNECTIONS_SPARE,
        }
    }
}
