//! One connection: how it begins, stays alive and ends.

mod bounds;
mod ending;
mod heartbeat;
mod hello;
mod opening;

use crate::support::{Rest, TestServer, within};

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
