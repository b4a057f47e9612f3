//! Who has something that ends by itself while the clock is set, and who is there meanwhile.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bridge_core::limits::RETRY_AFTER_FAILED;
use serde_json::{Value, json};
use tokio::sync::watch;
use tokio::time::timeout;

use super::LEASE;
use crate::chaos::mail::Mailer;
use crate::chaos::peer::Peer;
use crate::clock::Clock;

/// How long a message may take to come, beyond when it is due.
const COMES_WITHIN: Duration = Duration::from_secs(15);

/// What it has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    /// A lease, over a session.
    Silent,
    /// A lease, by a call.
    Call,
    /// A back-off, because it said that it failed.
    Failed,
}

impl Way {
    const fn lasts(self) -> Duration {
        match self {
            Self::Silent | Self::Call => LEASE,
            Self::Failed => RETRY_AFTER_FAILED[0],
        }
    }
}

/// When the message came again: how much earlier or later than it was due, by a clock that nobody
/// sets.
#[derive(Debug, Clone, Copy)]
pub(super) struct Held {
    pub(super) way: Way,
    pub(super) early: Duration,
    pub(super) late: Duration,
}

/// Takes a message and holds it until it comes again; `None` when it does not.
pub(super) async fn hold(
    mailer: Mailer,
    id: String,
    way: Way,
    clock: Clock,
    ready: Arc<AtomicUsize>,
) -> Result<Option<Held>, String> {
    let (mut peer, since) = match way {
        Way::Call => {
            let page = mailer.call(10).await?;
            let since = clock.nanos();
            if page["items"][0]["id"] != id.as_str() {
                return Err(format!(
                    "{} got no message by its call: {page}",
                    mailer.name
                ));
            }
            (mailer.session().await?, since)
        }
        Way::Silent | Way::Failed => {
            let mut peer = mailer.session().await?;
            if !comes(&mut peer, &id, COMES_WITHIN).await? {
                return Ok(None);
            }
            let mut since = clock.nanos();
            if way == Way::Failed {
                let ack = json!({"type": "ack", "id": id, "stage": "failed"});
                peer.must(ack).await?;
                since = clock.nanos();
            }
            (peer, since)
        }
    };
    ready.fetch_add(1, Ordering::Relaxed);
    if !comes(&mut peer, &id, way.lasts() + COMES_WITHIN).await? {
        return Ok(None);
    }
    let took = Duration::from_nanos(clock.nanos() - since);
    peer.must(json!({"type": "ack", "id": id, "stage": "done"}))
        .await?;
    Ok(Some(Held {
        way,
        early: way.lasts().saturating_sub(took),
        late: took.saturating_sub(way.lasts()),
    }))
}

async fn comes(peer: &mut Peer, id: &str, within: Duration) -> Result<bool, String> {
    let coming = async {
        loop {
            let frame = peer.came().await?;
            if frame["type"] == "message" && frame["id"] == id {
                return Ok(());
            }
        }
    };
    match timeout(within, coming).await {
        Ok(came) => came.map(|()| true),
        Err(_) => Ok(false),
    }
}

/// Answers pings until it is told to stop. Whether its session was lost before.
pub(super) async fn is_there(
    mailer: Mailer,
    mut stopping: watch::Receiver<bool>,
) -> Result<bool, String> {
    let mut peer = mailer.session().await?;
    let lost = tokio::select! {
        _ = peer.listen(|_| Ok(())) => true,
        _ = stopping.wait_for(|is_over| *is_over) => false,
    };
    Ok(lost)
}

/// Comes, takes what there is for a while, and is done with it.
pub(super) async fn visit(mailer: Mailer, listens: Duration) -> Result<Vec<String>, String> {
    let mut peer = mailer.session().await?;
    let mut came = Vec::new();
    let listening = async {
        loop {
            let frame: Value = peer.came().await?;
            if frame["type"] == "message" {
                let id = frame["id"].as_str().unwrap_or_default();
                peer.send(&json!({"type": "ack", "id": id, "stage": "done"}))
                    .await?;
                came.push(id.to_owned());
            }
        }
    };
    let ended: Result<Result<(), String>, _> = timeout(listens, listening).await;
    match ended {
        Ok(ended) => ended.map(|()| came),
        Err(_) => Ok(came),
    }
}
