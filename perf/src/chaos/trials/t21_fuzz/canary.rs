//! A client that behaves, while others do not.

use std::sync::Arc;
use std::time::Duration;

use serde_json::json;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::chaos::peer::Peer;
use crate::chaos::server::Server;
use crate::clock::Clock;
use crate::figures::Latencies;

/// Between an answer and the next request.
const PAUSE: Duration = Duration::from_millis(50);

/// Posts, and waits for the answer, again and again.
pub(super) struct Canary {
    stop: watch::Sender<bool>,
    working: JoinHandle<Result<Latencies, String>>,
}

impl Canary {
    /// It has its own room.
    pub(super) async fn begin(server: &Arc<Server>) -> Result<Self, String> {
        let mut peer = Peer::watching(server, "well").await?;
        peer.must(json!({"type": "create_room", "room": "calm"}))
            .await?;
        let (stop, stopped) = watch::channel(false);
        let working = tokio::spawn(works(peer, stopped));
        Ok(Self { stop, working })
    }

    /// How long its answers took.
    pub(super) async fn end(self) -> Result<Latencies, String> {
        self.stop.send_replace(true);
        self.working.await.map_err(|why| why.to_string())?
    }
}

async fn works(mut peer: Peer, stopped: watch::Receiver<bool>) -> Result<Latencies, String> {
    let clock = Clock::start();
    let mut latencies = Latencies::new();
    while !*stopped.borrow() {
        let begun = clock.nanos();
        let post = json!({"type": "post", "room": "calm", "text": "still here"});
        peer.must(post)
            .await
            .map_err(|why| format!("a client that behaves: {why}"))?;
        latencies.record(clock.nanos() - begun);
        tokio::time::sleep(PAUSE).await;
    }
    Ok(latencies)
}
