//! The books of one sender and its only recipient: what was sent, that each message that is stored
//! arrives once, and in which order.

use std::collections::{BTreeMap, HashMap, HashSet};

/// What a recipient was told that it should not have been told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Flaw {
    /// A message that was told already.
    Twice,
    /// One that its sender knew to be stored before it sent another, which was told before.
    Order,
    /// A number that its sender has not come to.
    Stranger,
    /// The sender was told that it is not stored.
    Refused,
}

impl Flaw {
    pub(super) const fn word(self) -> &'static str {
        match self {
            Self::Twice => "flaw: a message twice",
            Self::Order => "flaw: a message after a later one",
            Self::Stranger => "flaw: a message that nobody sent",
            Self::Refused => "flaw: a message that was refused",
        }
    }
}

/// What is known of a message, until both ends have told.
#[derive(Debug, Default, Clone, Copy)]
struct Known {
    stored: bool,
    delivered: bool,
}

/// One sender and its recipient.
#[derive(Debug, Default)]
pub(super) struct Flow {
    sent: u64,
    /// Sent, and not answered: when each was due.
    unanswered: BTreeMap<u64, u64>,
    /// Sent, and not both answered and delivered.
    open: HashMap<u64, Known>,
    refused: HashSet<u64>,
    /// Nobody knows whether they are stored, so they may arrive or not.
    unsure: HashSet<u64>,
    delivered: u64,
    /// The sender was told that the recipient has confirmed them.
    done: u64,
    /// Confirmations of the recipient that were refused.
    unconfirmed: u64,
    /// Nothing up to this number may come any more.
    passed: u64,
}

impl Flow {
    /// A message is sent: its number, and up to which all earlier ones are known to be stored.
    pub(super) fn sends(&mut self, due: u64) -> (u64, u64) {
        let first = self.unanswered.first_key_value();
        let answered = first.map_or(self.sent, |(first, _)| first - 1);
        self.sent += 1;
        self.unanswered.insert(self.sent, due);
        self.open.insert(self.sent, Known::default());
        (self.sent, answered)
    }

    /// The sender was told that a message is durable: when it was due, unless it was answered
    /// already.
    pub(super) fn stores(&mut self, number: u64) -> Option<u64> {
        let due = self.unanswered.remove(&number)?;
        self.both_told(number, |known| known.stored = true);
        Some(due)
    }

    /// The sender was told that a message was not stored.
    pub(super) fn refuses(&mut self, number: u64) {
        self.unanswered.remove(&number);
        if self.open.remove(&number).is_some() {
            self.refused.insert(number);
        }
    }

    /// The sender was not told whether a message was stored, and never will be.
    pub(super) fn loses(&mut self, number: u64) {
        self.unanswered.remove(&number);
        if self
            .open
            .remove(&number)
            .is_some_and(|known| !known.delivered)
        {
            self.unsure.insert(number);
        }
    }

    /// The recipient is told a message, before which all up to `after` must have come.
    pub(super) fn delivers(&mut self, number: u64, after: u64) -> Result<(), Flaw> {
        if number == 0 || number > self.sent {
            return Err(Flaw::Stranger);
        }
        let is_new = match self.open.get(&number) {
            Some(known) => !known.delivered,
            None if self.refused.contains(&number) => return Err(Flaw::Refused),
            None => self.unsure.remove(&number),
        };
        if !is_new {
            return Err(Flaw::Twice);
        }
        self.both_told(number, |known| known.delivered = true);
        self.delivered += 1;
        let is_late = number <= self.passed;
        self.passed = self.passed.max(after);
        if is_late { Err(Flaw::Order) } else { Ok(()) }
    }

    /// The sender was told that its recipient has confirmed a message.
    pub(super) fn finishes(&mut self) {
        self.done += 1;
    }

    /// A confirmation of the recipient was refused: of which message is not said.
    pub(super) fn confirms_in_vain(&mut self) {
        self.unconfirmed += 1;
    }

    /// Whether a message may be handed over again: what was not confirmed is, after its lease.
    pub(super) fn may_come_again(&self) -> bool {
        self.unconfirmed > 0
    }

    fn both_told(&mut self, number: u64, told: impl FnOnce(&mut Known)) {
        if let Some(known) = self.open.get_mut(&number) {
            told(known);
            if known.stored && known.delivered {
                self.open.remove(&number);
            }
        }
    }

    /// Messages that are not answered.
    pub(super) fn unanswered(&self) -> u64 {
        self.unanswered.len() as u64
    }

    /// Messages that their sender was told are durable, and that did not arrive.
    pub(super) fn undelivered(&self) -> u64 {
        let lost = |known: &&Known| known.stored && !known.delivered;
        self.open.values().filter(lost).count() as u64
    }

    /// Messages that were confirmed, and whose sender was not told that they are done.
    pub(super) fn unfinished(&self) -> u64 {
        self.delivered.saturating_sub(self.done + self.unconfirmed)
    }

    /// Whether nothing is under way.
    pub(super) fn is_settled(&self) -> bool {
        self.unanswered.is_empty() && self.undelivered() == 0 && self.unfinished() == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_settled_when_everybody_was_told() {
        let mut flow = Flow::default();
        assert_eq!(flow.sends(9), (1, 0));
        assert_eq!((flow.unanswered(), flow.is_settled()), (1, false));
        assert_eq!(
            flow.delivers(1, 0),
            Ok(()),
            "it may arrive before the answer"
        );
        assert_eq!(flow.unfinished(), 1);
        assert_eq!(flow.stores(1), Some(9));
        assert_eq!(flow.stores(1), None, "it was answered");
        flow.finishes();
        assert!(flow.is_settled() && flow.open.is_empty());
        assert_eq!(flow.sends(9), (2, 1));
        flow.stores(2);
        assert_eq!((flow.undelivered(), flow.is_settled()), (1, false));
    }

    #[test]
    fn only_what_was_answered_before_has_to_come_before() {
        let mut flow = Flow::default();
        assert_eq!((flow.sends(9), flow.sends(9)), ((1, 0), (2, 0)));
        flow.stores(2);
        assert_eq!(flow.sends(9), (3, 0), "the first is still under way");
        flow.stores(1);
        assert_eq!(flow.sends(9), (4, 2), "the third is");
        assert_eq!(flow.delivers(2, 0), Ok(()));
        assert_eq!(flow.delivers(4, 2), Ok(()));
        assert_eq!(flow.delivers(3, 0), Ok(()), "it was sent beside the fourth");
        assert_eq!(flow.delivers(1, 0), Err(Flaw::Order));
    }

    #[test]
    fn what_could_not_be_confirmed_is_not_waited_for() {
        let mut flow = Flow::default();
        flow.sends(9);
        flow.stores(1);
        assert_eq!(flow.delivers(1, 0), Ok(()));
        assert!(!flow.may_come_again() && !flow.is_settled());
        flow.confirms_in_vain();
        assert!(flow.may_come_again() && flow.is_settled());
    }

    #[test]
    fn repeats_and_strangers_are_noticed() {
        let mut flow = Flow::default();
        flow.sends(9);
        assert_eq!(flow.delivers(2, 0), Err(Flaw::Stranger));
        assert_eq!(flow.delivers(0, 0), Err(Flaw::Stranger));
        assert_eq!(flow.delivers(1, 0), Ok(()));
        assert_eq!(flow.delivers(1, 0), Err(Flaw::Twice));
        flow.stores(1);
        assert_eq!(flow.delivers(1, 0), Err(Flaw::Twice));
    }

    #[test]
    fn what_was_refused_must_not_come_and_what_is_unsure_may() {
        let mut flow = Flow::default();
        for _ in 0..4 {
            flow.sends(9);
        }
        flow.refuses(1);
        flow.loses(2);
        flow.loses(3);
        assert_eq!(flow.delivers(1, 0), Err(Flaw::Refused));
        assert_eq!(flow.delivers(2, 0), Ok(()));
        assert_eq!(flow.delivers(2, 0), Err(Flaw::Twice));
        assert_eq!(flow.delivers(4, 0), Ok(()));
        flow.loses(4);
        assert_eq!(flow.delivers(4, 0), Err(Flaw::Twice));
        assert_eq!((flow.unanswered(), flow.undelivered()), (0, 0));
        flow.finishes();
        flow.finishes();
        assert!(flow.is_settled());
    }
}
