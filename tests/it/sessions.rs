//! One connection: how it begins, stays alive and ends.

mod bounds;
mod draining;
mod ending;
mod heartbeat;
mod hello;
mod opening;
mod tickets;

use reqwest::{Method, RequestBuilder};

use crate::support::{Rest, TestServer, within};

const PROTOCOL: &str = "sec-websocket-protocol";

/// How many sessions the server says it has.
async fn live(server: &TestServer) -> u64 {
    let status = Rest::new(server.addr, None).get("/status").await.ok(200);
    status["active_connections"].as_u64().expect("a number")
}

/// Waits until the server has so many sessions. One that ends is given a moment to go by itself.
async fn until_live(server: &TestServer, sessions: u64) {
    let counted = async {
        while live(server).await != sessions {
            tokio::task::yield_now().await;
        }
    };
    within(&format!("{sessions} sessions"), counted).await;
}

/// An upgrade by hand, whose refusal can be read whole.
fn upgrade_over_http(rest: &Rest, path: &str) -> RequestBuilder {
    rest.request(Method::GET, path)
        .header("connection", "upgrade")
        .header("upgrade", "websocket")
        .header("sec-websocket-version", "13")
        .header("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ==")
}
