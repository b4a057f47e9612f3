//! `/metrics`: what the server measures, in the text form of Prometheus.

use std::collections::HashMap;

use actix_web::dev::Payload;
use actix_web::http::header::{FORWARDED, HeaderName, VIA};
use actix_web::web::Data;
use actix_web::{FromRequest, HttpRequest, HttpResponse};
use bridge_core::ClientId;
use bridge_core::principal::Action;

use super::Answer;
use crate::config::MetricsOpen;
use crate::telemetry::metrics::{Connected, Observed, Transport};
use crate::transport::State;
use crate::transport::auth::Caller;

const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// What a proxy adds to a request that comes from elsewhere.
const OF_A_PROXY: [HeaderName; 4] = [
    FORWARDED,
    VIA,
    HeaderName::from_static("x-forwarded-for"),
    HeaderName::from_static("x-real-ip"),
];

/// `GET /metrics`
pub(in crate::transport) async fn show(request: HttpRequest, state: Data<State>) -> Answer {
    let is_open = match state.metrics_open {
        MetricsOpen::Everybody => true,
        MetricsOpen::Loopback => is_from_this_machine(&request),
        MetricsOpen::Nobody => false,
    };
    if !is_open {
        let caller = Caller::from_request(&request, &mut Payload::None).await?;
        caller.principal.allows(Action::Measure)?;
    }
    let observed = observed(&state);
    let text = state.bridge.metrics().render(&observed);
    Ok(HttpResponse::Ok().content_type(CONTENT_TYPE).body(text))
}

/// A proxy on this machine speaks for others, and says so.
fn is_from_this_machine(request: &HttpRequest) -> bool {
    let is_loopback = |peer: std::net::SocketAddr| peer.ip().to_canonical().is_loopback();
    request.peer_addr().is_some_and(is_loopback)
        && OF_A_PROXY
            .iter()
            .all(|header| !request.headers().contains_key(header))
}

/// How often each client is connected, if they are shown by name.
fn clients(state: &State) -> Vec<Connected> {
    if !state.bridge.metrics().shows_names() {
        return Vec::new();
    }
    let mut clients: HashMap<ClientId, [usize; 2]> = HashMap::new();
    for (client, sessions) in state.bridge.sessions_by_client() {
        clients.entry(client).or_default()[Transport::Ws as usize] = sessions;
    }
    for (client, streams) in state.streams.by_client() {
        clients.entry(client).or_default()[Transport::Sse as usize] = streams;
    }
    clients.into_iter().collect()
}

fn observed(state: &State) -> Observed {
    let tree = state.bridge.supervision();
    let mut restarts: Vec<(&'static str, u64)> = tree
        .branches
        .iter()
        .map(|branch| (branch.branch.name(), branch.failures))
        .collect();
    restarts.push(("log_writer", state.bridge.log_health().restarts()));
    Observed {
        rooms_awake: state.bridge.rooms_awake(),
        rooms_quarantined: state.bridge.rooms_quarantined(),
        connected: [state.bridge.sessions_total(), state.streams.in_use()],
        clients: clients(state),
        restarts,
    }
}
