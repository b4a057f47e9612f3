//! Is the server alive, ready, and what does it do?

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::web::Data;
use bridge_core::principal::Action;
use serde_json::json;

use super::Answer;
use crate::transport::State;
use crate::transport::auth::Caller;
use crate::wire::rest::StatusBody;
use crate::wire::time;

/// `GET /health`: the process answers.
pub(in crate::transport) async fn health(state: Data<State>) -> HttpResponse {
    let now = time::to_text(state.bridge.clock().now());
    HttpResponse::Ok().json(json!({ "status": "healthy", "timestamp": now }))
}

/// `GET /ready`: the server can take traffic.
pub(in crate::transport) async fn ready(state: Data<State>) -> HttpResponse {
    let log = state.bridge.log_health().broken().is_none();
    let database = state.bridge.can_read().await.is_ok();
    let is_ready = log && database;
    let word = |is_good: bool| if is_good { "ok" } else { "failed" };
    let status = if is_ready {
        StatusCode::OK
    } else {
        StatusCode::SERVICE_UNAVAILABLE
    };
    HttpResponse::build(status).json(json!({
        "ready": is_ready,
        "dependencies": { "log": word(log), "database": word(database) },
    }))
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

/// `GET /v1/admin/stats`: what the operator measures.
pub(in crate::transport) async fn stats(state: Data<State>, caller: Caller) -> Answer {
    caller.principal.allows(Action::Administer)?;
    let log = state.bridge.log_health().stats();
    Ok(HttpResponse::Ok().json(json!({
        "uptime_seconds": state.since.elapsed().as_secs(),
        "sessions": state.bridge.sessions_total(),
        "event_streams": state.streams.in_use(),
        "rooms_awake": state.bridge.rooms_awake(),
        "rooms_quarantined": state.bridge.rooms_quarantined(),
        "log": {
            "batches": log.batches,
            "records": log.records,
            "commit_micros": log.commit_micros,
        },
        "reads": { "total": state.bridge.reads_total() },
    })))
}
