//! Those who fall silent, and those who come back.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use serde_json::json;
use tokio::sync::watch;
use tokio::time::timeout;

use super::{BACK_WITHIN, MESSAGES, PATIENCE};
use crate::chaos::peer::Peer;
use crate::chaos::server::Server;
use crate::clock::{Clock, nanos};
use crate::socket::{Line, cut};

/// How slowly somebody reads who is catching up.
const SIP_EVERY: Duration = Duration::from_millis(20);
const SIP_FRAMES: usize = 4;

/// A client that will not be heard of again.
pub(super) struct Gone {
    /// Its connection stays open for as long as this lives.
    _peer: Peer,
    pub(super) name: String,
    /// Its last words were sent after the first moment and had been heard by the second.
    pub(super) between: (u64, u64),
}

/// A client that came back, and what it was given.
pub(super) struct Back {
    /// Messages, each once.
    pub(super) messages: usize,
    /// Of those, how many came in a further attempt.
    pub(super) again: usize,
    /// Of those, how many came late.
    pub(super) late: usize,
}

/// Where everybody is.
#[derive(Clone)]
pub(super) struct World {
    pub(super) server: Arc<Server>,
    pub(super) clock: Clock,
}

impl World {
    /// Holds messages until it is told to go.
    pub(super) async fn holds(
        self,
        name: String,
        is_cut: bool,
        going: watch::Receiver<bool>,
    ) -> Result<Gone, String> {
        let peer = Peer::taking_mail(&self.server, &name).await?;
        self.goes(peer, is_cut, going).await
    }

    /// Sits in a room until it is told to go.
    pub(super) async fn sits(
        self,
        name: String,
        is_cut: bool,
        going: watch::Receiver<bool>,
    ) -> Result<Gone, String> {
        let mut peer = Peer::watching(&self.server, &name).await?;
        peer.must(json!({"type": "join", "room": "den"})).await?;
        self.goes(peer, is_cut, going).await
    }

    async fn goes(
        self,
        mut peer: Peer,
        is_cut: bool,
        mut going: watch::Receiver<bool>,
    ) -> Result<Gone, String> {
        tokio::select! {
            over = peer.listen(|_| Ok(())) => {
                let why = over.err().unwrap_or_default();
                return Err(format!("{} was not to go yet: {why}", peer.name()));
            }
            told = going.wait_for(|is_time| *is_time) => drop(told),
        }
        let before = self.clock.nanos();
        peer.sign_of_life().await?;
        self.gone(peer, before, is_cut)
    }

    /// Says hello, reads slowly for a while, and is gone in the middle of it. At first the server
    /// reads pages for all of them, and what it does then for one is late because of the others.
    pub(super) async fn catches_up(
        self,
        name: String,
        is_cut: bool,
        reads_for: Duration,
    ) -> Result<Gone, String> {
        let rest = self.server.rest(&name)?;
        let (path, anyhow) = (["v1", "rooms", "archive", "members", "me"], json!({}));
        let joined = rest.put(&path, &anyhow).await;
        joined.map_err(|why| why.to_string())?;
        let mut peer = Peer::connect_over(Line::NARROW, &self.server, &name).await?;
        let hello =
            json!({"type": "hello", "messages": false, "resume": {"rooms": {"archive": 0}}});
        peer.ask(hello).await?;
        let begun = self.clock.nanos();
        while self.clock.nanos() - begun < nanos(reads_for) {
            tokio::time::sleep(SIP_EVERY).await;
            for _ in 0..SIP_FRAMES {
                peer.next().await?;
            }
        }
        // The system tells the server of room for more only when there is much of it, so the last
        // sips need not have been noticed.
        self.gone(peer, begun, is_cut)
    }

    fn gone(&self, mut peer: Peer, before: u64, is_cut: bool) -> Result<Gone, String> {
        let after = self.clock.nanos();
        if is_cut {
            let done = cut(peer.socket().stream());
            done.map_err(|why| format!("cutting a line: {why}"))?;
        }
        Ok(Gone {
            name: peer.name().to_owned(),
            _peer: peer,
            between: (before, after),
        })
    }

    /// Comes back, takes what there is, and finishes with it.
    pub(super) async fn comes_back(self, name: String) -> Result<Back, String> {
        let mut peer = Peer::taking_mail(&self.server, &name).await?;
        let begun = self.clock.nanos();
        let mut back = Back {
            messages: 0,
            again: 0,
            late: 0,
        };
        let mut seen = BTreeSet::new();
        while back.messages < MESSAGES {
            let Ok(frame) = timeout(PATIENCE / 2, peer.next()).await else {
                break;
            };
            let frame = frame?;
            if frame["type"] != "message" || !seen.insert(frame["id"].to_string()) {
                continue;
            }
            back.messages += 1;
            back.again += usize::from(frame["attempt"] == 2);
            back.late += usize::from(self.clock.nanos() - begun > nanos(BACK_WITHIN));
            let done = json!({"type": "ack", "id": frame["id"], "stage": "done"});
            peer.must(done).await?;
        }
        Ok(back)
    }
}
