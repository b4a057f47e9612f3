//! Messages come in, and clients become known.

use crate::event::{Event, MailboxOpened};
use crate::id::{Seq, Timestamp};
use crate::mailbox::command::{Deliver, Reserved};
use crate::mailbox::{Mailbox, must_be_system};
use crate::message::MessageKind;
use crate::principal::{Action, Principal};
use crate::reject::Reject;

impl Mailbox {
    pub(super) fn decide_open(
        &self,
        broadcasts_read: Seq,
        by: &Principal,
    ) -> Result<Vec<Event>, Reject> {
        self.must_be_mine(by)?;
        if self.is_known {
            return Ok(Vec::new());
        }
        let opened = MailboxOpened {
            client: by.client().clone(),
            broadcasts_read,
        };
        Ok(vec![Event::MailboxOpened(opened)])
    }

    pub(super) fn decide_deliver(
        &self,
        deliver: &Deliver,
        by: &Principal,
        now: Timestamp,
    ) -> Result<Vec<Event>, Reject> {
        by.allows(Action::Message)?;
        let message = &deliver.message;
        if message.kind == MessageKind::Notice {
            must_be_system(by)?;
        }
        match deliver.reserved {
            Reserved::Mine => {}
            Reserved::Others(places) => self.has_place(message.keep, places)?,
        }
        let stored = match &deliver.as_at_home {
            Some(stored) => stored.clone(),
            None => Box::new(message.stored_at(now)),
        };
        Ok(vec![Event::MessageStored(stored)])
    }
}
