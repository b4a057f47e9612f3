//! Connections whose clients do not do what clients do.

mod bounds;
mod heads;
mod stalled;
mod upgrades;

use crate::support::{TestServer, within};

/// How many connections the server says are open, the one that asks not counted.
async fn open(server: &TestServer) -> u64 {
    let admin = server.rest_with("root", "admin");
    let stats = admin.get("/v1/admin/stats").await.ok(200);
    stats["connections"].as_u64().expect("a number") - 1
}

/// Waits until so many are open. An earlier question's own may take a moment to go.
async fn until_open(server: &TestServer, connections: u64) {
    let counted = async {
        while open(server).await != connections {
            tokio::task::yield_now().await;
        }
    };
    within(&format!("{connections} connections"), counted).await;
}
