//! Messages come in, and clients become known.

use crate::event::{Event, MailboxOpened, MessageStored};
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
            None => Box::new(stored(message, now)),
        };
        Ok(vec![Event::MessageStored(stored)])
    }
}

/// A message as it is kept, accepted at `now`.
pub(crate) fn stored(message: &crate::message::Outgoing, now: Timestamp) -> MessageStored {
    MessageStored {
        id: message.id,
        to: message.to.clone(),
        body: message.body.clone(),
        kind: message.kind,
        priority: message.priority,
        expires_at: message.expires_at(now),
        reply_to: message.reply_to,
        expects_reply: message.expects_reply.is_some(),
        deadline: message.deadline(now),
        trace: message.trace,
        metadata: message.metadata.clone(),
    }
}
