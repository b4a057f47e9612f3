//! What all clients share: who they are, the books, and the counts. They take turns on one thread.

use std::cell::RefCell;

use super::flow::Flow;
use super::message::{self, Message, Stamp};
use crate::clock::Clock;
use crate::rooms::{Rejected, Tally};

/// Nobody knows what became of a request that is refused with this.
const UNKNOWN: &str = "outcome_unknown";

#[derive(Debug)]
pub(super) struct Shared {
    pub(super) clock: Clock,
    pub(super) text_bytes: usize,
    /// Of the clients, in the order of the ring.
    pub(super) names: Vec<String>,
    /// Of each client, and the next one of the ring.
    pub(super) flows: RefCell<Vec<Flow>>,
    pub(super) tally: RefCell<Tally>,
}

impl Shared {
    /// To whom a client sends.
    pub(super) fn next(&self, client: usize) -> &str {
        &self.names[(client + 1) % self.names.len()]
    }

    /// Whose messages a client gets.
    fn previous(&self, client: usize) -> usize {
        (client + self.names.len() - 1) % self.names.len()
    }

    pub(super) fn key(&self, client: usize, number: u64) -> String {
        format!("{}-{number}", self.names[client])
    }

    /// Whether messages are still sent.
    pub(super) fn is_on(&self, now: u64) -> bool {
        now < self.tally.borrow().window().end
    }

    /// A client sends a message.
    pub(super) fn sends(&self, client: usize, due: u64, now: u64) -> Stamp {
        let (number, after) = self.flows.borrow_mut()[client].sends(due);
        self.tally.borrow_mut().posts(due, now);
        Stamp { number, after, due }
    }

    /// A client was told that its message is durable.
    pub(super) fn stores(&self, client: usize, number: Option<u64>, duplicate: bool, now: u64) {
        let mut flows = self.flows.borrow_mut();
        let due = number.and_then(|number| flows[client].stores(number));
        let mut tally = self.tally.borrow_mut();
        match due {
            Some(due) => tally.acknowledges(due, now),
            None => tally.errs("flaw: an answer to what was not asked", 1),
        }
        if duplicate {
            tally.errs("flaw: a new key counted as a repeat", 1);
        }
    }

    /// A client was told that something is refused. Without a number that is a confirmation.
    pub(super) fn refuses(&self, client: usize, number: Option<u64>, why: &str, code: &str) {
        self.tally.borrow_mut().errs(why, 1);
        let mut flows = self.flows.borrow_mut();
        match number {
            Some(number) if code == UNKNOWN => flows[client].loses(number),
            Some(number) => flows[client].refuses(number),
            None => {}
        }
    }

    /// The same on a session.
    pub(super) fn rejects(&self, client: usize, rejected: &Rejected) {
        let number = rejected.reference.as_deref();
        let number = number.and_then(|word| word.parse().ok());
        let what = if number.is_some() {
            "rejected"
        } else {
            "ack rejected"
        };
        let why = format!("{what}: {}", rejected.code);
        self.refuses(client, number, &why, &rejected.code);
    }

    /// The answer to a message was lost.
    pub(super) fn loses(&self, client: usize, number: u64, why: &str) {
        self.tally.borrow_mut().errs(&format!("request: {why}"), 1);
        self.flows.borrow_mut()[client].loses(number);
    }

    /// A client was told that the next one is done with a message.
    pub(super) fn finishes(&self, client: usize) {
        self.flows.borrow_mut()[client].finishes();
    }

    /// A client is handed a message.
    pub(super) fn delivers(&self, client: usize, message: &Message<'_>, now: u64) {
        let mut tally = self.tally.borrow_mut();
        let Some(stamp) = message::stamp(message.text) else {
            return tally.errs("flaw: a text that nobody sent", 1);
        };
        let sender = self.previous(client);
        if self.names[sender] != message.from {
            return tally.errs("flaw: a message of somebody else", 1);
        }
        let delivered = self.flows.borrow_mut()[sender].delivers(stamp.number, stamp.after);
        match delivered {
            Ok(()) => tally.delivers(stamp.due, now),
            Err(flaw) => tally.errs(flaw.word(), 1),
        }
    }

    /// Whether nothing is under way.
    pub(super) fn is_settled(&self) -> bool {
        self.flows.borrow().iter().all(Flow::is_settled)
    }

    /// What never came, at the end.
    pub(super) fn close(&self) {
        let flows = self.flows.borrow();
        let all = |count: fn(&Flow) -> u64| flows.iter().map(count).sum();
        let mut tally = self.tally.borrow_mut();
        tally.close();
        tally.errs("never answered", all(Flow::unanswered));
        tally.errs("stored, but not delivered", all(Flow::undelivered));
        tally.errs("done, and its sender was not told", all(Flow::unfinished));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rooms::Window;

    fn shared() -> Shared {
        let window = Window {
            begin: 0,
            end: 1_000,
        };
        Shared {
            clock: Clock::start(),
            text_bytes: 64,
            names: ["ann", "bob", "cat"].map(str::to_owned).into(),
            flows: RefCell::new((0..3).map(|_| Flow::default()).collect()),
            tally: RefCell::new(Tally::new(window)),
        }
    }

    fn hears(shared: &Shared, client: usize, from: &str, text: &str) {
        let id = "msg_1";
        shared.delivers(client, &Message { id, from, text }, 30);
    }

    fn errors(shared: &Shared) -> Vec<String> {
        shared.tally.borrow().errors.keys().cloned().collect()
    }

    #[test]
    fn a_message_goes_to_the_next_one_and_is_answered_once() {
        let shared = shared();
        assert_eq!((shared.next(0), shared.next(2)), ("bob", "ann"));
        let sent = shared.sends(2, 10, 12);
        let expected = Stamp {
            number: 1,
            after: 0,
            due: 10,
        };
        assert_eq!(sent, expected);
        assert_eq!(shared.key(2, 1), "cat-1");
        shared.stores(2, Some(1), false, 20);
        hears(&shared, 0, "cat", "1 0 10 xxx");
        assert!(!shared.is_settled(), "cat was not told that ann is done");
        shared.finishes(2);
        assert!(shared.is_settled() && errors(&shared).is_empty());
        let tally = shared.tally.borrow();
        assert_eq!((tally.asked(), tally.answered_well()), (1, 1));
    }

    #[test]
    fn what_is_wrong_is_counted() {
        let shared = shared();
        shared.sends(0, 10, 10);
        shared.stores(0, Some(1), true, 20);
        shared.stores(0, Some(1), false, 20);
        hears(&shared, 1, "cat", "1 0 10 xxx");
        hears(&shared, 1, "ann", "hello");
        hears(&shared, 1, "ann", "2 0 10 xxx");
        hears(&shared, 1, "ann", "1 0 10 xxx");
        hears(&shared, 1, "ann", "1 0 10 xxx");
        shared.close();
        let expected = [
            "done, and its sender was not told",
            "flaw: a message of somebody else",
            "flaw: a message that nobody sent",
            "flaw: a message twice",
            "flaw: a new key counted as a repeat",
            "flaw: a text that nobody sent",
            "flaw: an answer to what was not asked",
        ];
        assert_eq!(errors(&shared), expected);
    }

    #[test]
    fn refusals_are_of_messages_or_of_confirmations() {
        let shared = shared();
        for _ in 0..3 {
            shared.sends(0, 10, 10);
        }
        let rejected = |reference: Option<&str>, code: &str| Rejected {
            code: code.to_owned(),
            reference: reference.map(str::to_owned),
            retry_after_ms: None,
        };
        shared.rejects(0, &rejected(Some("1"), "busy"));
        shared.rejects(0, &rejected(None, "busy"));
        shared.rejects(0, &rejected(Some("2"), UNKNOWN));
        shared.loses(0, 3, "a connection broke");
        hears(&shared, 1, "ann", "2 0 10 xxx");
        hears(&shared, 1, "ann", "1 0 10 xxx");
        let expected = [
            "ack rejected: busy",
            "flaw: a message that was refused",
            "rejected: busy",
            "rejected: outcome_unknown",
            "request: a connection broke",
        ];
        assert_eq!(errors(&shared), expected);
        shared.close();
        assert!(!errors(&shared).contains(&"never answered".to_owned()));
    }
}
