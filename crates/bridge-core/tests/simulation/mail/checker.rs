//! The invariants of a mailbox, as far as they can be seen in its log.

use std::collections::{BTreeMap, HashMap};

use bridge_core::event::{About, Envelope, Event, MessageStored, Stream};
use bridge_core::fake::MemoryStore;
use bridge_core::mailbox::Mailbox;
use bridge_core::message::{Ending, Stage, Via};
use bridge_core::ports::Reader;
use bridge_core::{ClientId, IdempotencyKey, MessageId, Seq, Timestamp};

use super::RULES;
use super::desk::Home;
use crate::checker::Violation;

/// A message, as the log has it.
pub(super) struct Track {
    pub(super) id: MessageId,
    pub(super) from: ClientId,
    pub(super) expects_reply: bool,
    pub(super) stage: Stage,
    ends_at: Timestamp,
    leased_until: Option<Timestamp>,
    not_before: Timestamp,
    attempts: u32,
    failures: usize,
}

impl Track {
    fn new(envelope: &Envelope, stored: &MessageStored) -> Self {
        Self {
            id: stored.id,
            from: envelope.by.clone(),
            expects_reply: stored.expects_reply,
            stage: Stage::Stored,
            ends_at: stored.ends_at(),
            leased_until: None,
            not_before: envelope.at,
            attempts: 0,
            failures: 0,
        }
    }

    fn is_open(&self) -> bool {
        matches!(self.stage, Stage::Stored | Stage::Delivered)
    }

    fn is_due(&self, now: Timestamp) -> bool {
        let lease_is_over = self.leased_until.is_some_and(|until| now >= until);
        !self.stage.is_terminal() && (now >= self.ends_at || (self.is_open() && lease_is_over))
    }

    /// Takes in a record about it, if it may be there.
    fn follow(&mut self, envelope: &Envelope) -> Result<(), &'static str> {
        let at = envelope.at;
        let must = |holds: bool, why| if holds { Ok(()) } else { Err(why) };
        must(!self.stage.is_terminal(), "something after its end")?;
        match &envelope.event {
            Event::MessageDelivered(delivered) => {
                must(self.is_open(), "handed over after it was seen")?;
                must(self.leased_until.is_none(), "handed over twice at once")?;
                must(
                    delivered.attempt == self.attempts + 1,
                    "attempts miscounted",
                )?;
                // What is written to a session is looked at when it is written.
                if delivered.via == Via::Call {
                    must(at < self.ends_at, "handed over after its time")?;
                    must(
                        at >= self.not_before,
                        "handed over before its back-off ended",
                    )?;
                }
                self.attempts = delivered.attempt;
                self.leased_until = Some(delivered.until);
                self.stage = Stage::Delivered;
            }
            Event::LeaseExtended(extended) => {
                let is_over = self.leased_until.is_some_and(|until| at >= until);
                must(
                    is_over && at < extended.until,
                    "a lease that went on already",
                )?;
                must(extended.attempt == self.attempts, "another attempt's lease")?;
                self.leased_until = Some(extended.until);
            }
            Event::MessageReturned(returned) => {
                let was_seen = self.stage == Stage::Seen;
                must(was_seen == returned.reopened.is_some(), "wrongly reopened")?;
                if returned.ending == Ending::LeaseExpired {
                    let is_over = self.leased_until.is_some_and(|until| at >= until);
                    must(is_over, "a lease that ended early")?;
                }
                self.failures += usize::from(returned.ending.counts());
                must(
                    self.failures < RULES.attempts_max as usize,
                    "tried too often",
                )?;
                self.leased_until = None;
                self.not_before = returned.not_before;
                self.stage = Stage::Delivered;
            }
            Event::MessageSeen(_) => {
                must(self.is_open(), "seen twice")?;
                self.leased_until = None;
                self.stage = Stage::Seen;
            }
            Event::MessageDone(done) => {
                let is_wanted = done.reply.is_none() || self.expects_reply;
                must(is_wanted, "done by an answer that nobody wanted")?;
                self.stage = Stage::Done;
            }
            Event::MessageExpired(_) => {
                must(at >= self.ends_at, "expired early")?;
                self.stage = Stage::Expired;
            }
            Event::MessageDied(died) => {
                let max = RULES.attempts_max as usize;
                let is_so = died.failures.len() == self.failures + 1 && died.failures.len() >= max;
                must(is_so, "given up early")?;
                self.stage = Stage::Dead;
            }
            _ => return Err("a record about a message that says nothing of it"),
        }
        Ok(())
    }
}

/// What a mailbox's log was when it was looked at last.
pub(super) struct Mirror {
    stream: Stream,
    log: Vec<Envelope>,
    keys: HashMap<(ClientId, IdempotencyKey), Seq>,
    pub(super) tracks: BTreeMap<Seq, Track>,
    by_id: HashMap<MessageId, Seq>,
    /// The mailbox after as many records as its owner has shown.
    mailbox: Mailbox,
}

impl Mirror {
    pub(super) fn new(client: &ClientId) -> Self {
        Self {
            stream: Stream::Mailbox(client.clone()),
            log: Vec::new(),
            keys: HashMap::new(),
            tracks: BTreeMap::new(),
            by_id: HashMap::new(),
            mailbox: Mailbox::vacant(client.clone()),
        }
    }

    pub(super) fn len(&self) -> usize {
        self.log.len()
    }

    pub(super) fn log(&self) -> &[Envelope] {
        &self.log
    }

    pub(super) fn find(&self, by: &ClientId, word: Option<&IdempotencyKey>) -> Option<Seq> {
        self.keys.get(&(by.clone(), word?.clone())).copied()
    }

    pub(super) fn message(&self, id: MessageId) -> Option<(Seq, &Track)> {
        let seq = *self.by_id.get(&id)?;
        Some((seq, &self.tracks[&seq]))
    }

    pub(super) fn has_due(&self, now: Timestamp) -> bool {
        self.tracks.values().any(|track| track.is_due(now))
    }

    pub(super) fn is_over(&self) -> bool {
        self.tracks.values().all(|track| track.stage.is_terminal())
    }

    /// Positions are dense, times do not run backwards, a key stands in the log once, and every
    /// message goes its way.
    pub(super) fn look(&mut self, store: &MemoryStore) -> Result<(), Violation> {
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
                    return Err(format!("{} stands at {first} and {due}", key.word));
                }
            }
            self.follow(&envelope)?;
            self.log.push(envelope);
        }
        Ok(())
    }

    fn follow(&mut self, envelope: &Envelope) -> Result<(), Violation> {
        if let Event::MessageStored(stored) = &envelope.event {
            let track = Track::new(envelope, stored);
            self.tracks.insert(envelope.seq, track);
            return match self.by_id.insert(stored.id, envelope.seq) {
                None => Ok(()),
                Some(first) => Err(format!(
                    "{} stands at {first} and {}",
                    stored.id, envelope.seq
                )),
            };
        }
        let Some(About { message, id, from }) = envelope.event.about() else {
            return Ok(());
        };
        let wrong = |why| {
            let kind = envelope.event.kind();
            format!("the {kind} at {}:{}: {why}", self.stream, envelope.seq)
        };
        let Some(track) = self.tracks.get_mut(message) else {
            return Err(wrong("of a message that never was"));
        };
        if (track.id, &track.from) != (*id, from) {
            return Err(wrong("of another message"));
        }
        track.follow(envelope).map_err(wrong)
    }

    /// What the owner shows is what its log says, and nothing that is not durable.
    pub(super) fn compare(&mut self, home: &Home) -> Result<(), Violation> {
        let shown = home.owner.state();
        if !home.was_read {
            return Ok(());
        }
        let head = bridge_core::aggregate::Aggregate::head(shown);
        let mine = bridge_core::aggregate::Aggregate::head(&self.mailbox);
        if head == mine {
            return Ok(());
        }
        for seq in mine.get()..head.get() {
            let index = usize::try_from(seq).expect("a log fits in memory");
            let Some(envelope) = self.log.get(index) else {
                return Err(format!("the owner shows {head}, which is not in the log"));
            };
            self.mailbox.apply(envelope);
        }
        let mine = &self.mailbox;
        let is_same = shown.open().eq(mine.open())
            && shown.receipts() == mine.receipts()
            && (shown.is_known(), shown.broadcasts_read())
                == (mine.is_known(), mine.broadcasts_read());
        if !is_same {
            return Err(format!(
                "at {head} the owner shows another mailbox than its log"
            ));
        }
        Ok(())
    }

    /// At the end: nothing that was there has changed.
    pub(super) fn is_unchanged(&self, store: &MemoryStore) -> Result<(), Violation> {
        if store.all(&self.stream) == self.log {
            return Ok(());
        }
        Err(format!("records of {} have changed", self.stream))
    }
}
