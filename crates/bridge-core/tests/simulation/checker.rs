//! The invariants, as far as they can be seen from outside.

mod motions;

use std::collections::HashMap;

use bridge_core::decision::Verdict;
use bridge_core::event::{Envelope, Event, Stream};
use bridge_core::fake::MemoryStore;
use bridge_core::ports::Reader;
use bridge_core::room::{Life, Room};
use bridge_core::{ChannelName, ClientId, IdempotencyKey, RoomId, Seq, limits};

use crate::clients::Intent;
use crate::house::Home;

/// What is wrong, for the one who has to find out why.
pub(crate) type Violation = String;

/// What a log was when it was looked at last.
pub(crate) struct Mirror {
    stream: Stream,
    log: Vec<Envelope>,
    keys: HashMap<(ClientId, IdempotencyKey), Seq>,
    /// The room after as many records as its owner has shown.
    room: Room,
}

impl Mirror {
    pub(crate) fn new(id: &RoomId) -> Self {
        Self {
            stream: Stream::Room(id.clone()),
            log: Vec::new(),
            keys: HashMap::new(),
            room: Room::vacant(id.clone()),
        }
    }

    /// Positions are dense, times do not run backwards, and a key stands in the log once.
    pub(crate) fn look(&mut self, store: &MemoryStore) -> Result<(), Violation> {
        let seen = Seq::new(self.log.len() as u64);
        let new = store.page(&self.stream, seen, usize::MAX);
        for envelope in new.expect("the memory store can be read") {
            let due = self.log.len() as u64 + 1;
            if envelope.seq.get() != due {
                return Err(format!("{} stands where {due} is due", envelope.seq));
            }
            if self.log.last().is_some_and(|last| last.at > envelope.at) {
                return Err(format!("time runs backwards at {due}"));
            }
            if let Some(key) = &envelope.key {
                let name = (envelope.by.clone(), key.word.clone());
                if let Some(first) = self.keys.insert(name, envelope.seq) {
                    return Err(format!(
                        "{} of {} stands at {first} and {due}",
                        key.word, envelope.by
                    ));
                }
            }
            self.log.push(envelope);
        }
        Ok(())
    }

    /// What the owner shows is what its log says, and nothing that is not durable.
    pub(crate) fn compare(&mut self, home: &Home) -> Result<(), Violation> {
        let shown = home.owner.state();
        if home.tail.is_none() || shown.head() == self.room.head() {
            return Ok(());
        }
        while self.room.head() < shown.head() {
            let index = usize::try_from(self.room.head().get()).expect("a log fits in memory");
            let Some(envelope) = self.log.get(index) else {
                return Err(format!(
                    "the owner shows {}, which is not in the log",
                    shown.head()
                ));
            };
            is_lawful(&self.room, &self.log[..index], envelope)?;
            self.room.apply(envelope);
        }
        if shown.to_snapshot() != self.room.to_snapshot() {
            return Err(format!(
                "at {} the owner shows another room than its log",
                shown.head()
            ));
        }
        Ok(())
    }

    /// The room as it was shown last.
    pub(crate) const fn room(&self) -> &Room {
        &self.room
    }

    /// Where the draft of a key is.
    pub(crate) fn find(&self, intent: &Intent) -> Option<Seq> {
        let word = intent.key.clone()?;
        self.keys.get(&(intent.client.clone(), word)).copied()
    }

    /// Whether an owner may have forgotten the key of a record: its memory has a bound, in which
    /// what is in flight counts too, and a snapshot has no keys in it.
    pub(crate) fn may_be_forgotten(
        &self,
        seq: Seq,
        remembers_after: Seq,
        in_flight: usize,
    ) -> bool {
        let index = usize::try_from(seq.get()).expect("a log fits in memory");
        let keys_since = self.log[index..]
            .iter()
            .filter(|envelope| envelope.key.is_some());
        seq <= remembers_after || keys_since.count() + in_flight >= limits::RECENT_KEYS_MAX
    }

    /// How motions of the room ended.
    pub(crate) fn verdicts(&self) -> impl Iterator<Item = Verdict> {
        self.log.iter().filter_map(|record| match &record.event {
            Event::Decided(decided) => Some(decided.verdict),
            _ => None,
        })
    }

    pub(crate) fn len(&self) -> usize {
        self.log.len()
    }

    /// How often each text was posted.
    pub(crate) fn texts(&self) -> HashMap<&str, usize> {
        let mut texts = HashMap::new();
        for envelope in &self.log {
            if let Event::Posted(posted) = &envelope.event {
                *texts.entry(&*posted.text).or_default() += 1;
            }
        }
        texts
    }

    /// At the end: nothing that was there has changed.
    pub(crate) fn is_unchanged(&self, store: &MemoryStore) -> Result<(), Violation> {
        if store.all(&self.stream) == self.log {
            return Ok(());
        }
        Err(format!("records of {} have changed", self.stream))
    }
}

/// Whether a record fits the room at its place: it was not decided on a state that never was.
fn is_lawful(room: &Room, log: &[Envelope], envelope: &Envelope) -> Result<(), Violation> {
    let is_channel = |name: &ChannelName| room.channels().any(|c| c.name.folded() == name.folded());
    let fits = match &envelope.event {
        Event::RoomCreated(_) => room.life() == Life::Vacant,
        Event::MemberJoined(joined) => !room.is_member(&joined.client),
        Event::MemberLeft(left) => room.is_member(&left.client),
        Event::ChannelCreated(made) => !is_channel(&made.channel),
        Event::Posted(posted) => room.is_member(&envelope.by) && is_channel(&posted.channel),
        Event::RoomClosed(_) => room.life() == Life::Open,
        Event::MemberRemoved(_) | Event::RoleGranted(_) => true,
        event if event.is_about_decisions() => {
            // What follows may follow from somebody's going, or from time.
            let is_consequence = matches!(event, Event::Decided(_) | Event::VetoWindowClosed(_));
            let is_entitled = is_consequence || room.is_member(&envelope.by);
            is_entitled && motions::is_lawful(log, envelope)?
        }
        _ => false,
    };
    if fits {
        return Ok(());
    }
    let kind = envelope.event.kind();
    Err(format!(
        "the {kind} at {} does not follow from what is before it",
        envelope.seq
    ))
}

/// Whether somebody may be told of a record: it is durable, as it is.
pub(crate) fn is_in_the_log(
    store: &MemoryStore,
    envelope: &Envelope,
    what: &str,
) -> Result<(), Violation> {
    if record(store, &envelope.stream, envelope.seq).as_ref() == Some(envelope) {
        return Ok(());
    }
    Err(format!(
        "{what} is not in the log: {} {}",
        envelope.stream, envelope.seq
    ))
}

/// Whether a receipt is one: what was asked for stands there.
pub(crate) fn is_a_receipt(
    store: &MemoryStore,
    stream: &Stream,
    intent: &Intent,
    seq: Seq,
) -> Result<(), Violation> {
    let Some(envelope) = record(store, stream, seq) else {
        return Err(format!(
            "an acknowledged record is not in the log: {stream} {seq}"
        ));
    };
    let word = envelope.key.as_ref().map(|key| &key.word);
    let says = match &envelope.event {
        Event::Posted(posted) => Some(&*posted.text),
        _ => None,
    };
    if envelope.by != intent.client || word != intent.key.as_ref() || says != intent.text() {
        return Err(format!(
            "{stream} {seq} is not what {} asked for",
            intent.client
        ));
    }
    if intent.receipt.is_some_and(|first| first != seq) {
        return Err(format!(
            "a repeat got the receipt {seq}, not {:?}",
            intent.receipt
        ));
    }
    Ok(())
}

fn record(store: &MemoryStore, stream: &Stream, seq: Seq) -> Option<Envelope> {
    let page = store
        .page(stream, seq.prev(), 1)
        .expect("the memory store can be read");
    page.into_iter().next()
}
