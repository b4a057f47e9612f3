//! Is the server alive, ready, and what does it do?

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::web::Data;
use bridge_core::limits;
use serde_json::json;

use super::Answer;
use crate::log_writer::LogState;
use crate::transport::State;
use crate::wire::rest::StatusBody;
use crate::wire::time;

/// `GET /health`: the process answers.
pub(in crate::transport) async fn health(state: Data<State>) -> HttpResponse {
    let now = time::to_text(state.bridge.clock().now());
    HttpResponse::Ok().json(json!({ "status": "healthy", "timestamp": now }))
}

/// `GET /ready`: the server can take traffic.
pub(in crate::transport) async fn ready(state: Data<State>) -> HttpResponse {
    let before = state.bridge.log_health().state();
    let reading = tokio::time::timeout(limits::READY_READ_WITHIN, state.bridge.can_read());
    let database = match reading.await {
        Ok(Ok(())) => OK,
        Ok(Err(_)) => "failed",
        Err(_) => "stalled",
    };
    // The reading may have waited until the log was well again.
    let log = log_word(match before {
        LogState::Ok => state.bridge.log_health().state(),
        failing => failing,
    });
    let is_draining = state.bridge.is_draining();
    let is_ready = log == OK && database == OK && !is_draining;
    let status = if is_ready {
        StatusCode::OK
    } else {
        StatusCode::SERVICE_UNAVAILABLE
    };
    HttpResponse::build(status).json(json!({
        "ready": is_ready,
        "draining": is_draining,
        "dependencies": { "log": log, "database": database },
    }))
}

const OK: &str = "ok";

/// A log's state in a word.
pub(super) const fn log_word(state: LogState) -> &'static str {
    match state {
        LogState::Ok => OK,
        LogState::Restarting => "restarting",
        LogState::Unavailable => "unavailable",
        LogState::Stalled => "stalled",
        LogState::Broken => "failed",
    }
}

/// `GET /status`: a few totals.
pub(in crate::transport) async fn status(state: Data<State>) -> Answer {
    Ok(HttpResponse::Ok().json(StatusBody {
        uptime_seconds: state.since.elapsed().as_secs(),
        total_messages: state.bridge.posts_total().await?,
        active_connections: state.bridge.sessions_total(),
        active_rooms: state.bridge.rooms_awake(),
        version: env!("CARGO_PKG_VERSION"),
    }))
}
