//! How patient the server is with a connection.

use std::time::Duration;

use bridge_core::limits;

/// Times that no operator needs to choose. A test chooses shorter ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timings {
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
}

impl Default for Timings {
    fn default() -> Self {
        Self {
            request_head: limits::REQUEST_HEAD_WITHIN,
            keep_alive: limits::KEEP_ALIVE,
            disconnect: limits::DISCONNECT_WITHIN,
            idle: limits::CONNECTION_IDLE_MAX,
            look_every: limits::CONNECTIONS_LOOK_EVERY,
            write: limits::WRITE_WITHIN,
            unacknowledged: limits::UNACKNOWLEDGED_WITHIN,
        }
    }
}
