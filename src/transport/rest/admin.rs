//! `/v1/admin`: what the operator measures, and puts right.

use actix_web::HttpResponse;
use actix_web::web::Data;
use bridge_core::Reject;
use bridge_core::event::Stream;
use bridge_core::principal::Action;
use serde_json::{Value, json};

use super::Answer;
use super::service::log_word;
use crate::actors::supervisor::{BranchReport, Quarantined, TreeReport};
use crate::log_writer::{LogState, LogStats};
use crate::telemetry::{self, SetLevelError};
use crate::transport::State;
use crate::transport::auth::Caller;
use crate::transport::extract;
use crate::wire::rest::{LogLevelRequest, ReleaseRequest};
use crate::wire::time;

/// `GET /v1/admin/stats`: what the operator measures.
pub(in crate::transport) async fn stats(state: Data<State>, caller: Caller) -> Answer {
    caller.principal.allows(Action::Administer)?;
    let log = state.bridge.log_health().stats();
    Ok(HttpResponse::Ok().json(json!({
        "uptime_seconds": state.since.elapsed().as_secs(),
        "sessions": state.bridge.sessions_total(),
        "event_streams": state.streams.in_use(),
        "connections": state.connections.count(),
        "rooms_awake": state.bridge.rooms_awake(),
        "rooms_quarantined": state.bridge.rooms_quarantined(),
        "log": {
            "batches": log.batches,
            "records": log.records,
            "commit_micros": log.commit_micros,
            "failures": log.failures,
            "restarts": log.restarts,
            "state": log_word(log.state),
            "broken": log.state == LogState::Broken,
            "at_work_millis": log.at_work.map(|time| time.as_millis()),
        },
        "reads": { "total": state.bridge.reads_total() },
        "actors": tree(&state.bridge.supervision(), &log),
    })))
}

/// `POST /v1/admin/actors/release`: gives what is held back another chance.
pub(in crate::transport) async fn release(
    payload: actix_web::web::Payload,
    state: Data<State>,
    caller: Caller,
) -> Answer {
    caller.principal.allows(Action::Administer)?;
    let ReleaseRequest { actor } = extract::body(payload).await?;
    let named = actor.split_once(':');
    let stream = named.and_then(|(kind, name)| Stream::from_words(kind, name));
    let Some(stream) = stream else {
        let why = "it must be named like room:design, mailbox:maya or broadcast:all";
        return Err(Reject::field("actor", why).into());
    };
    let released = state.bridge.release(&stream);
    let actor = stream.to_string();
    Ok(HttpResponse::Ok().json(json!({ "actor": actor, "released": released })))
}

/// `GET /v1/admin/log-level`: what is written to the log.
pub(in crate::transport) async fn log_level(caller: Caller) -> Answer {
    caller.principal.allows(Action::Administer)?;
    Ok(HttpResponse::Ok().json(json!({ "level": telemetry::level() })))
}

/// `PUT /v1/admin/log-level`: changes it, until the server ends.
pub(in crate::transport) async fn set_log_level(
    payload: actix_web::web::Payload,
    caller: Caller,
) -> Answer {
    caller.principal.allows(Action::Administer)?;
    let LogLevelRequest { level } = extract::body(payload).await?;
    let before = telemetry::set_level(&level).map_err(|why| match why {
        SetLevelError::NoFilter(why) => Reject::field("level", why),
        SetLevelError::NoLog(detail) => Reject::Internal { detail },
    })?;
    Ok(HttpResponse::Ok().json(json!({ "level": level, "before": before })))
}

/// The tree; the log writer, which watches itself, comes last.
fn tree(report: &TreeReport, log: &LogStats) -> Value {
    let mut parts: Vec<Value> = report.branches.iter().map(branch).collect();
    parts.push(json!({
        "name": "log writer",
        "live": u8::from(log.state != LogState::Broken),
        "failures": log.failures,
        "quarantined": [],
    }));
    json!({ "parts": parts, "given_up": report.given_up })
}

fn branch(report: &BranchReport) -> Value {
    let held: Vec<Value> = report.quarantined.iter().map(quarantined).collect();
    json!({
        "name": report.branch.name(),
        "live": report.live,
        "failures": report.failures,
        "quarantined": held,
    })
}

fn quarantined(held: &Quarantined) -> Value {
    json!({
        "actor": held.stream.to_string(),
        "since": time::to_text(held.since),
    })
}
