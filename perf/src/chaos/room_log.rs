//! The log of a room, as everybody was told of it: over sessions, streams and pages. All must have
//! been told the same at the same place.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::{Mutex, MutexGuard, PoisonError};

use agent_bridge::client::RestClient;
use bridge_core::limits::PAGE_RECORDS_MAX;
use serde::Serialize;
use serde_json::Value;

/// How far ahead of everybody else somebody may be told of something.
const AHEAD_MAX: usize = 1_000_000;
/// Disagreements that are told in words.
const TOLD_MAX: usize = 3;

/// Which post it is: whose, and which of that one's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Post {
    pub(super) by: usize,
    pub(super) number: u64,
}

impl Post {
    /// What it says: always the same, of a length of its own.
    pub(super) fn text(self) -> String {
        let length = usize::try_from(self.number * 37 % 200).unwrap_or_default();
        format!("{}/{} {}", self.by, self.number, ".".repeat(length))
    }

    /// The post that says this.
    pub(super) fn read(text: &str) -> Option<Self> {
        let (by, number) = text.split_once(' ')?.0.split_once('/')?;
        let post = Self {
            by: by.parse().ok()?,
            number: number.parse().ok()?,
        };
        (post.text() == text).then_some(post)
    }
}

/// The name of a client by its number.
pub(super) fn client(number: usize) -> String {
    format!("client-{number}")
}

/// How what was told, and what is in the log, is wrong.
#[derive(Debug, Default, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Flaws {
    /// Acknowledged, and not in the log.
    pub(super) lost: u64,
    /// In the log more than once.
    pub(super) duplicates: u64,
    /// Positions that were left out, in the log or for one reader.
    pub(super) gaps: u64,
    /// Two were told different things of one position.
    pub(super) mismatches: u64,
    /// Acknowledged at another position than where it is.
    pub(super) moved: u64,
    /// In the log, and never posted.
    pub(super) strangers: u64,
    /// The first of them, in words.
    pub(super) told: Vec<String>,
}

impl Flaws {
    pub(super) const fn total(&self) -> u64 {
        self.lost + self.duplicates + self.gaps + self.mismatches + self.moved + self.strangers
    }

    pub(super) fn add(&mut self, other: Self) {
        self.lost += other.lost;
        self.duplicates += other.duplicates;
        self.gaps += other.gaps;
        self.mismatches += other.mismatches;
        self.moved += other.moved;
        self.strangers += other.strangers;
        for told in other.told {
            self.tell(told);
        }
    }

    fn tell(&mut self, what: String) {
        if self.told.len() < TOLD_MAX {
            self.told.push(what);
        }
    }
}

/// One reader's way through a log: what it is told next stands behind what it was told last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Cursor(u64);

impl Cursor {
    /// A reader that has everything up to here.
    pub(super) const fn at(seq: u64) -> Self {
        Self(seq)
    }

    pub(super) const fn seq(self) -> u64 {
        self.0
    }
}

/// What is known of a room's log.
#[derive(Debug)]
pub(super) struct RoomLog {
    pub(super) room: String,
    /// A digest of what stands at each position, as it was told first; 0 when nobody was told.
    digests: Vec<u64>,
    /// Up to where the log itself was read.
    head: u64,
    /// Where the log has each post: of each client, by number. 0 is nowhere.
    places: HashMap<usize, Vec<u64>>,
    pub(super) flaws: Flaws,
}

impl RoomLog {
    pub(super) fn new(room: impl Into<String>) -> Self {
        Self {
            room: room.into(),
            digests: Vec::new(),
            head: 0,
            places: HashMap::new(),
            flaws: Flaws::default(),
        }
    }

    /// Somebody was told of an event, in whatever way. Returns its position.
    pub(super) fn hear(&mut self, event: &Value) -> u64 {
        let end = self.digests.len() + AHEAD_MAX;
        let seq = event["seq"].as_u64().unwrap_or_default();
        let place = usize::try_from(seq).ok().and_then(|seq| seq.checked_sub(1));
        let Some(place) = place.filter(|place| *place < end) else {
            self.flaws.gaps += 1;
            self.flaws
                .tell(format!("an event without a possible place: {event}"));
            return seq;
        };
        let digest = digest(event);
        if place >= self.digests.len() {
            self.digests.resize(place + 1, 0);
        }
        let known = &mut self.digests[place];
        if *known == 0 {
            *known = digest;
        } else if *known != digest {
            self.flaws.mismatches += 1;
            let room = &self.room;
            self.flaws.tell(format!(
                "{room}: others were told another {seq} than {event}"
            ));
        }
        seq
    }

    /// The same for one who reads one event after the other.
    pub(super) fn follow(&mut self, reader: &mut Cursor, event: &Value) {
        let seq = self.hear(event);
        if seq != reader.0 + 1 {
            self.flaws.gaps += 1;
            let (room, after) = (&self.room, reader.0);
            self.flaws
                .tell(format!("{room}: a reader was told {seq} after {after}"));
        }
        reader.0 = seq;
    }

    /// Up to where the log itself was read.
    pub(super) const fn head(&self) -> u64 {
        self.head
    }

    /// Up to where anybody was told of anything.
    pub(super) fn known(&self) -> u64 {
        self.digests.len() as u64
    }

    /// The log will be read again from its beginning. What was told of it is remembered.
    pub(super) fn read_again(&mut self) {
        self.head = 0;
        self.places.clear();
    }

    /// Notes where a post is.
    fn place(&mut self, seq: u64, event: &Value) {
        if event["kind"] != "posted" {
            return;
        }
        let Some(post) = event["text"].as_str().and_then(Post::read) else {
            self.flaws.strangers += 1;
            self.flaws.tell(format!("nobody posted this: {event}"));
            return;
        };
        let places = self.places.entry(post.by).or_default();
        let number = usize::try_from(post.number).unwrap_or(usize::MAX);
        if number >= places.len() {
            places.resize(number + 1, 0);
        }
        let first = std::mem::replace(&mut places[number], seq);
        if first != 0 {
            self.flaws.duplicates += 1;
            self.flaws
                .tell(format!("{post:?} is stored at {first} and at {seq}"));
        }
    }

    /// Where a post is, in what was read of the log.
    pub(super) fn place_of(&self, post: Post) -> Option<u64> {
        let number = usize::try_from(post.number).ok()?;
        let place = *self.places.get(&post.by)?.get(number)?;
        (place != 0).then_some(place)
    }

    /// A post was acknowledged at a position, and must be there. Only after [`read`].
    pub(super) fn must_have(&mut self, post: Post, seq: u64) {
        match self.place_of(post) {
            Some(place) if place == seq => {}
            Some(place) => {
                self.flaws.moved += 1;
                self.flaws.tell(format!(
                    "{post:?} was acknowledged at {seq}, and is at {place}"
                ));
            }
            None => {
                self.flaws.lost += 1;
                let (room, head) = (&self.room, self.head);
                self.flaws.tell(format!(
                    "{post:?} was acknowledged at {seq} of {room}, whose head is {head}, and is gone"
                ));
            }
        }
    }

    /// A client has posted only so many.
    pub(super) fn must_have_no_more(&mut self, by: usize, posted: u64) {
        let stored = self.places.get(&by).map_or(0, Vec::len) as u64;
        if stored > posted {
            self.flaws.strangers += stored - posted;
            self.flaws.tell(format!(
                "client {by} posted {posted}, and {stored} are there"
            ));
        }
    }
}

/// Reads what a log has got since the last time, over REST.
pub(super) async fn read(log: &Mutex<RoomLog>, rest: &RestClient) -> Result<(), String> {
    let room = lock(log).room.clone();
    let mut cursor = Cursor::at(lock(log).head);
    loop {
        let page = page(rest, &room, cursor.seq(), PAGE_RECORDS_MAX).await?;
        let mut log = lock(log);
        let Some(items) = page["items"].as_array().filter(|items| !items.is_empty()) else {
            log.head = cursor.seq();
            return Ok(());
        };
        for event in items {
            log.follow(&mut cursor, event);
            log.place(cursor.seq(), event);
        }
    }
}

/// A room's log, for a moment. Whoever panicked has left nothing half done in it.
pub(super) fn lock(log: &Mutex<RoomLog>) -> MutexGuard<'_, RoomLog> {
    log.lock().unwrap_or_else(PoisonError::into_inner)
}

/// One page of a room's log.
pub(super) async fn page(
    rest: &RestClient,
    room: &str,
    after: u64,
    limit: usize,
) -> Result<Value, String> {
    let query = [("after", after.to_string()), ("limit", limit.to_string())];
    let page = rest.get(&["v1", "rooms", room, "events"], &query).await;
    page.map_err(|why| format!("reading the log of {room}: {why}"))
}

/// Of an event as everybody is told of it: its sender finds a `ref` on it, and its repeat says so.
fn digest(event: &Value) -> u64 {
    let mut hasher = DefaultHasher::new();
    for (name, value) in event.as_object().into_iter().flatten() {
        if name != "ref" && name != "duplicate" {
            name.hash(&mut hasher);
            value.hash(&mut hasher);
        }
    }
    hasher.finish() | 1
}

#[cfg(test)]
mod tests;
