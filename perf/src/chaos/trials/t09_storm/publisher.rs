//! Those who go on posting, whatever happens to the others.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::rc::Rc;
use std::time::Duration;

use serde_json::json;

use super::crowd::Shared;
use crate::chaos::heard::Heard;
use crate::chaos::peer::{Beat, Occasion, Peer};
use crate::chaos::server::Server;
use crate::clock::nanos;

/// What is behind the number in every text, so that a burst is more than a room keeps in memory.
const FILLER_CHARS: usize = 1_000;

/// Posts in one room.
#[derive(Debug)]
pub(super) struct Publisher {
    room: usize,
    every: Duration,
    is_over: Cell<bool>,
    /// Posts that are to be made besides.
    burst: Cell<usize>,
    /// What is not answered yet, by its reference.
    open: RefCell<HashMap<String, String>>,
    acknowledged: RefCell<Vec<(u64, String)>>,
}

impl Publisher {
    pub(super) fn new(room: usize, every: Duration) -> Self {
        Self {
            room,
            every,
            is_over: Cell::new(false),
            burst: Cell::new(0),
            open: RefCell::default(),
            acknowledged: RefCell::default(),
        }
    }

    /// Opens its session, in its room.
    pub(super) async fn enter(&self, server: &Server) -> Result<Peer, String> {
        let name = format!("publisher-{}", self.room);
        let mut peer = Peer::watching(server, &name).await?;
        let room = super::room_name(self.room);
        peer.must(json!({"type": "join", "room": room})).await?;
        Ok(peer)
    }

    pub(super) fn burst(&self, posts: usize) {
        self.burst.set(posts);
    }

    pub(super) fn stop(&self) {
        self.is_over.set(true);
    }

    pub(super) fn has_open(&self) -> bool {
        !self.open.borrow().is_empty()
    }

    /// The last record that was acknowledged.
    pub(super) fn head(&self) -> u64 {
        let acknowledged = self.acknowledged.borrow();
        acknowledged
            .iter()
            .map(|(seq, _)| *seq)
            .max()
            .unwrap_or_default()
    }

    /// Room, seq and text of every post that was acknowledged.
    pub(super) fn acknowledged(&self) -> Vec<(usize, u64, String)> {
        let acknowledged = self.acknowledged.borrow();
        let acknowledged = acknowledged.iter();
        acknowledged
            .map(|(seq, text)| (self.room, *seq, text.clone()))
            .collect()
    }

    fn post(&self, number: u64) -> String {
        let text = format!("{number}-{}", self.room);
        self.open.borrow_mut().insert(text.clone(), text.clone());
        let post = json!({
            "type": "post", "room": super::room_name(self.room), "text": text, "ref": text,
            "metadata": {"filler": "x".repeat(FILLER_CHARS)},
        });
        post.to_string()
    }

    fn hears(&self, text: &[u8]) -> Result<(), String> {
        let heard = Heard::read(text)?;
        let Some(asked) = heard.reference.as_deref() else {
            return Ok(());
        };
        let Some(text) = self.open.borrow_mut().remove(asked) else {
            return Ok(());
        };
        match heard.seq {
            Some(seq) if heard.kind == "event" => {
                self.acknowledged.borrow_mut().push((seq, text));
                Ok(())
            }
            // It may be busy; then nothing was acknowledged.
            _ => Ok(()),
        }
    }
}

/// Posts at its rhythm, and faster when a burst is wanted, until it is told to stop.
pub(super) async fn publishes(shared: Rc<Shared>, publisher: Rc<Publisher>, mut peer: Peer) {
    let why = works(&shared, &publisher, &mut peer).await;
    shared.complains(format!("the publisher of room {}: {why}", publisher.room));
}

async fn works(shared: &Shared, publisher: &Publisher, peer: &mut Peer) -> String {
    let every = nanos(publisher.every);
    let beat = Beat {
        clock: shared.clock,
        first: shared.clock.nanos() + every * (publisher.room as u64 % 100) / 100,
        every,
    };
    let mut number = 0;
    let act = |occasion: Occasion<'_>| match occasion {
        Occasion::Heard(text) => publisher.hears(text).map(|()| Vec::new()),
        Occasion::Due(_) if publisher.is_over.get() => Ok(Vec::new()),
        Occasion::Due(_) => {
            let posts = 1 + publisher.burst.take();
            let posts = (0..posts).map(|_| {
                number += 1;
                publisher.post(number)
            });
            Ok(posts.collect())
        }
    };
    peer.work(Some(beat), act).await.err().unwrap_or_default()
}
