//! Whoever waits for an answer. A ticket that is dropped says so, so nobody waits for ever.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::rc::Rc;

use bridge_core::owner::Asker;
use bridge_core::{Reject, Seq};

#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Reply {
    /// The receipt.
    Done(Seq),
    /// The receipt of a repeat.
    Known(Seq),
    /// There is nothing to do.
    Unchanged,
    /// No.
    Refused(Reject),
    /// The connection or the owner is gone.
    Lost { may_be_written: bool },
}

/// Answers on their way to the clients, each with the number of its intent.
pub(crate) type Inbox = Rc<RefCell<VecDeque<(usize, Reply)>>>;

#[derive(Debug)]
pub(crate) struct Ticket {
    pub(crate) intent: usize,
    may_be_written: bool,
    is_answered: bool,
    inbox: Inbox,
}

impl Ticket {
    pub(crate) fn new(intent: usize, inbox: &Inbox) -> Self {
        Self {
            intent,
            may_be_written: false,
            is_answered: false,
            inbox: Rc::clone(inbox),
        }
    }

    pub(crate) fn answer(mut self, reply: Reply) {
        self.is_answered = true;
        self.inbox.borrow_mut().push_back((self.intent, reply));
    }
}

impl Asker for Ticket {
    fn handed_to_log(&mut self) {
        self.may_be_written = true;
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        if !self.is_answered {
            let reply = Reply::Lost {
                may_be_written: self.may_be_written,
            };
            self.inbox.borrow_mut().push_back((self.intent, reply));
        }
    }
}
