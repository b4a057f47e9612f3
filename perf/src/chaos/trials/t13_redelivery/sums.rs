//! What was found in all rounds.

use std::time::Duration;

use agent_bridge::client::message::RecipientFacts;

use super::plan::Rules;
use super::receiver::Receiver;
use super::verdict::Flaws;
use crate::chaos::outcome::Outcome;
use crate::clock::nanos;
use crate::figures::Latencies;

/// What was found in all rounds.
#[derive(Debug, Default)]
pub(super) struct Sums {
    pub(super) messages: u64,
    pub(super) kills: u64,
    pub(super) again: u64,
    pub(super) late_is: Duration,
    pub(super) late: u64,
    pub(super) latencies: Option<Latencies>,
    pub(super) wrong_attempts: u64,
    pub(super) strangers: u64,
    pub(super) lost: u64,
    pub(super) dead: u64,
    pub(super) receipts_missing: u64,
    pub(super) flaws: Flaws,
}

/// How often it came too late.
pub(super) fn late_ones(receiver: &Receiver) -> u64 {
    let found = &receiver.found.late;
    let late = found.iter().filter(|late| **late > nanos(receiver.late()));
    late.count() as u64
}

impl Sums {
    /// Adds what one receiver found, and what the server has written down of its message.
    pub(super) fn add(
        &mut self,
        receiver: &Receiver,
        way: &RecipientFacts,
        rules: &Rules,
    ) -> Result<(), String> {
        let found = &receiver.found;
        self.messages += 1;
        self.again += found.late.len() as u64;
        self.late_is = rules.late;
        self.late += late_ones(receiver);
        let latencies = self.latencies.get_or_insert_with(Latencies::new);
        found.late.iter().for_each(|late| latencies.record(*late));
        self.wrong_attempts += found.wrong_attempts;
        self.strangers += found.strangers;
        self.lost += u64::from(found.lost.is_some());
        self.flaws.told.extend(found.lost.clone());
        if found.wrong_attempts > 0 && self.flaws.told.len() < 3 {
            let (name, diary) = (&receiver.mailer.name, found.diary.join(" / "));
            self.flaws.told.push(format!("{name}: {diary}"));
        }
        self.flaws.look_at(way, found, rules)
    }

    pub(super) fn tell(self, outcome: &mut Outcome) {
        outcome.figure("messages", self.messages);
        outcome.figure("kills", self.kills);
        outcome.figure("redelivered", self.again);
        outcome.figure("late is after ms", self.late_is.as_millis() as u64);
        if let Some(latencies) = self.latencies {
            let found = latencies.quantiles();
            outcome.figure("after it was due p50 ms", found.p50_ms.round());
            outcome.figure("p99 ms", found.p99_ms.round());
            outcome.figure("the latest ms", found.max_ms.round());
        }
        outcome.must_be_zero("late", self.late);
        outcome.must_be_zero("leases that went on", self.flaws.lease_late);
        outcome.must_be_zero("early", self.flaws.early);
        outcome.must_be_zero("never again", self.lost);
        let attempts = self.wrong_attempts + self.flaws.attempts;
        outcome.must_be_zero("wrong attempt numbers", attempts);
        outcome.must_be_zero("wrong reasons", self.flaws.reasons);
        outcome.must_be_zero("to the wrong one", self.strangers);
        outcome.must_be_zero("without one end", self.flaws.ends);
        outcome.figure("dead letters", self.dead);
        outcome.must_be_zero("dead letters missing", self.flaws.letters_missing);
        outcome.must_be_zero("dead letters twice", self.flaws.letters_twice);
        outcome.must_be_zero("senders not told", self.receipts_missing);
        for told in self.flaws.told {
            outcome.flaw(told);
        }
    }
}
