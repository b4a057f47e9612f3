//! What all clients share: who they are, the books, and the counts. They take turns on one thread.

use std::cell::RefCell;

use super::flow::{Flaw, Flow};
use super::message::{self, Message, Stamp};
use crate::clock::Clock;
use crate::frames::Rejected;
use crate::rooms::Tally;

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

    /// A client was told that its message is refused.
    pub(super) fn refuses(&self, client: usize, number: u64, why: &str, code: &str) {
        self.tally.borrow_mut().errs(why, 1);
        let flow = &mut self.flows.borrow_mut()[client];
        match code {
            UNKNOWN => flow.loses(number),
            _ => flow.refuses(number),
        }
    }

    /// The same on a session. What has no `ref` is a confirmation.
    pub(super) fn rejects(&self, client: usize, rejected: &Rejected) {
        let number = rejected.reference.as_deref();
        let number = number.and_then(|word| word.parse().ok());
        if let Some(number) = number {
            let why = format!("rejected: {}", rejected.code);
            return self.refuses(client, number, &why, &rejected.code);
        }
        let why = format!("ack rejected: {}", rejected.code);
        self.tally.borrow_mut().errs(&why, 1);
        self.flows.borrow_mut()[self.previous(client)].confirms_in_vain();
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
        let flow = &mut self.flows.borrow_mut()[sender];
        match flow.delivers(stamp.number, stamp.after) {
            Ok(()) => tally.delivers(stamp.due, now),
            Err(Flaw::Twice) if message.attempt > Some(1) && flow.may_come_again() => {
                tally.errs("again, because its confirmation was refused", 1);
            }
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
mod tests;
