//! Readers: they come, catch up, are live, go, and come back with what they had.

use bridge_core::event::{Envelope, Stream};
use bridge_core::fake::MemoryStore;
use bridge_core::id::Epoch;
use bridge_core::ports::Reader as _;
use bridge_core::replay::{Claim, Cursor, resume};
use bridge_core::{Seq, replay::Resumed};

use crate::checker::{Violation, is_in_the_log};
use crate::house::House;
use crate::rng::Rng;

#[derive(Debug, Clone, Copy, PartialEq)]
enum State {
    /// With what the client has, when it has something.
    Away(Option<Claim>),
    Behind(Cursor),
    Live(Cursor),
}

pub(crate) struct Reader {
    pub(crate) house: usize,
    state: State,
}

impl Reader {
    pub(crate) fn new(house: usize) -> Self {
        Self {
            house,
            state: State::Away(None),
        }
    }

    pub(crate) fn is_live(&self) -> bool {
        matches!(self.state, State::Live(_))
    }

    pub(crate) fn has_seen(&self) -> Option<Seq> {
        match self.state {
            State::Live(cursor) | State::Behind(cursor) => Some(cursor.seq()),
            State::Away(_) => None,
        }
    }

    /// The connection is gone. Now and then the last records got lost on the way, or the client
    /// has forgotten what it read and begins at the beginning.
    pub(crate) fn disconnect(&mut self, rng: &mut Rng, epoch: Epoch) {
        let Some(seen) = self.has_seen() else { return };
        let lost = Seq::new(if rng.one_in(3) {
            rng.below(4) as u64
        } else {
            0
        });
        let seq = Seq::new(seen.get().saturating_sub(lost.get()));
        let seq = if rng.one_in(10) { Seq::ZERO } else { seq };
        let epoch = if rng.one_in(10) { None } else { Some(epoch) };
        self.state = State::Away(Some(Claim { epoch, seq }));
    }

    /// What the owner sends to those who are live.
    pub(crate) fn takes(
        &mut self,
        envelope: &Envelope,
        store: &MemoryStore,
    ) -> Result<(), Violation> {
        if let State::Live(cursor) | State::Behind(cursor) = &mut self.state {
            cursor
                .advance(envelope.seq)
                .map_err(|why| format!("a reader: {why}"))?;
            is_in_the_log(store, envelope, "a record that a reader got")?;
        }
        Ok(())
    }

    pub(crate) fn act(
        &mut self,
        rng: &mut Rng,
        house: &House,
        store: &MemoryStore,
    ) -> Result<(), Violation> {
        match self.state {
            State::Away(claim) if rng.one_in(6) => self.connect(rng, claim, house, store),
            State::Behind(_) if rng.one_in(2) => self.catch_up(rng, house, store),
            State::Live(_) if rng.one_in(40) => {
                self.disconnect(rng, store.epoch());
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn connect(
        &mut self,
        rng: &mut Rng,
        claim: Option<Claim>,
        house: &House,
        store: &MemoryStore,
    ) -> Result<(), Violation> {
        let head = head(store, &house.stream());
        let elsewhere = Epoch::from_uuid(uuid::Uuid::from_u128(99));
        let claim = match claim {
            // From another life of the log, or ahead of this one: it is noticed.
            Some(claim) if rng.one_in(12) => Some(Claim {
                epoch: Some(elsewhere),
                ..claim
            }),
            Some(claim) if rng.one_in(12) => Some(Claim {
                seq: head.plus(3),
                ..claim
            }),
            claim => claim,
        };
        let resumed = resume(claim, store.epoch(), head);
        let is_honest = claim.is_none_or(|c| c.epoch != Some(elsewhere) && c.seq <= head);
        let from = claim.filter(|_| is_honest).map_or(head, |claim| claim.seq);
        let expected = Resumed {
            from,
            to: head,
            complete: is_honest,
        };
        if resumed != expected {
            return Err(format!("{claim:?} at {head} was resumed as {resumed:?}"));
        }
        self.state = State::Behind(Cursor::at(resumed.from));
        Ok(())
    }

    /// The rest of the tail, if it reaches back that far; else a page of the log.
    fn catch_up(
        &mut self,
        rng: &mut Rng,
        house: &House,
        store: &MemoryStore,
    ) -> Result<(), Violation> {
        let State::Behind(cursor) = self.state else {
            return Ok(());
        };
        let tail = house.home.as_ref().and_then(|home| home.tail.as_ref());
        if let Some(rest) = tail.and_then(|tail| tail.after(cursor.seq())) {
            for (seq, envelope) in rest {
                if seq != envelope.seq {
                    return Err(format!("the tail has {} at {seq}", envelope.seq));
                }
                self.takes(envelope, store)?;
            }
            let State::Behind(cursor) = self.state else {
                return Ok(());
            };
            self.state = State::Live(cursor);
            return Ok(());
        }
        let page = store.page(&house.stream(), cursor.seq(), 1 + rng.below(9));
        for envelope in page.expect("the memory store can be read") {
            self.takes(&envelope, store)?;
        }
        Ok(())
    }
}

pub(crate) fn head(store: &MemoryStore, stream: &Stream) -> Seq {
    store.head(stream).expect("the memory store can be read")
}
