//! What is asked of a mailbox. Imperative, one struct each.

use std::collections::BTreeSet;

use serde::Serialize;

use crate::event::{MessageStored, ReceiptKept};
use crate::id::{ClientId, MessageId, Seq};
use crate::limits;
use crate::message::{AckStage, Ending, Outgoing};
use crate::ports::{Delivery, DueDelivery};
use crate::steady::Steps;
use crate::text::Reason;

/// One command to a mailbox.
///
/// It is serialised only to take its fingerprint; what the sender did not choose is skipped.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "command", rename_all = "snake_case")]
pub enum MailboxCommand {
    /// Its client has shown a token. By the client.
    Open {
        /// The head of the broadcast stream.
        #[serde(skip)]
        broadcasts_read: Seq,
    },
    /// Take a message in. By its sender.
    Deliver(Box<Deliver>),
    /// Say how far one has come with a message. By the client.
    Ack(Box<Ack>),
    /// Hand messages over to a call, and confirm those of the call before. By the client.
    Take(Take),
    /// Messages were written to a session. By the server.
    #[serde(skip)]
    Handed(Handed),
    /// Attempts ended without a confirmation. By the server.
    #[serde(skip)]
    Return(Return),
    /// A message was answered. By the server, for who answered.
    #[serde(skip)]
    Replied(Replied),
    /// Something is due. By the server.
    #[serde(skip)]
    Due(Due),
    /// Keep a receipt for the client. By the server.
    #[serde(skip)]
    KeepReceipt(KeepReceipt),
    /// The client was told the receipts up to there. By the server.
    #[serde(skip)]
    ReceiptsTold {
        /// The last of them.
        through: Seq,
    },
    /// The client has read the broadcast stream up to there. By the server.
    #[serde(skip)]
    BroadcastsRead {
        /// The last record that it has.
        through: Seq,
    },
}

/// What an operator may choose about leases and attempts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rules {
    /// How long a session's client may take to confirm, in milliseconds.
    pub lease_millis: i64,
    /// How long a caller may take to call again, in milliseconds.
    pub call_lease_millis: i64,
    /// Attempts that may fail before a message is a dead letter.
    pub attempts_max: u32,
}

impl Default for Rules {
    fn default() -> Self {
        Self {
            lease_millis: millis(limits::LEASE),
            call_lease_millis: millis(limits::CALL_LEASE),
            attempts_max: limits::ATTEMPTS_MAX,
        }
    }
}

pub(super) fn millis(duration: std::time::Duration) -> i64 {
    i64::try_from(duration.as_millis()).expect("bounds are hours, not geological ages")
}

/// Take a message in.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Deliver {
    /// The message.
    pub message: Outgoing,
    /// Places that are promised to others, unless this message has a promise of its own.
    #[serde(skip)]
    pub reserved: Reserved,
    /// The message as its home has it, when this is one of the other recipients' mailboxes.
    #[serde(skip)]
    pub as_at_home: Option<Box<MessageStored>>,
}

/// What a message may count on when it comes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reserved {
    /// A place was promised to it.
    Mine,
    /// So many are promised to others.
    Others(usize),
}

/// Say how far one has come with a message.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Ack {
    /// Which message.
    pub id: MessageId,
    /// How far.
    pub stage: AckStage,
    /// What there is to say about it.
    pub reason: Option<Reason>,
    /// What the shell found in the store, when the mailbox asked it to look.
    #[serde(skip)]
    pub found: Option<Found>,
    /// What an operator chose.
    #[serde(skip)]
    pub rules: Rules,
}

/// What the store has of a message that the mailbox does not hold.
#[derive(Debug, Clone, PartialEq)]
pub struct Found {
    /// The store was at least here in the mailbox's log when it was asked.
    pub as_of: Seq,
    /// The message, if it is one of this mailbox's.
    pub delivery: Option<Box<Delivery>>,
}

/// The messages that one call returned: the records that say so are contiguous.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Batch {
    /// The first.
    pub first: Seq,
    /// The last.
    pub last: Seq,
}

impl Batch {
    /// Whether a record is one of them.
    #[must_use]
    pub fn has(&self, seq: Seq) -> bool {
        (self.first..=self.last).contains(&seq)
    }
}

/// Hand messages over to a call.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Take {
    /// Whether the call begins; else it has waited, and looks again.
    pub is_new_call: bool,
    /// The batch that the caller confirms as seen.
    pub confirm: Option<Batch>,
    /// How many messages at most.
    pub messages_max: usize,
    /// Roughly how many bytes of them; at least one message is returned.
    pub bytes_max: usize,
    /// From these senders only: a token that is limited to a room sees its members' messages.
    pub only_from: Option<BTreeSet<ClientId>>,
    /// What an operator chose.
    #[serde(skip)]
    pub rules: Rules,
}

impl Take {
    /// Whether the caller's token lets it see messages of this sender.
    #[must_use]
    pub fn may_see(&self, sender: &ClientId) -> bool {
        let senders = self.only_from.as_ref();
        senders.is_none_or(|senders| senders.contains(sender))
    }
}

/// Messages were written to a session.
#[derive(Debug, Clone, PartialEq)]
pub struct Handed {
    /// Which, by the records that stored them, and for which time.
    pub messages: Vec<(Seq, u32)>,
    /// What an operator chose.
    pub rules: Rules,
}

/// Attempts ended without a confirmation.
#[derive(Debug, Clone, PartialEq)]
pub struct Return {
    /// Which messages, and which attempt of each: a later one goes on.
    pub messages: Vec<(Seq, u32)>,
    /// How the attempts ended.
    pub ending: Ending,
    /// What an operator chose.
    pub rules: Rules,
}

/// A message was answered.
#[derive(Debug, Clone, PartialEq)]
pub struct Replied {
    /// The message.
    pub id: MessageId,
    /// The answer.
    pub reply: MessageId,
    /// To whom the answer went.
    pub to: Vec<ClientId>,
    /// What the shell found in the store, when the mailbox asked it to look.
    pub found: Option<Found>,
}

/// Something is due.
#[derive(Debug, Clone, PartialEq)]
pub struct Due {
    /// The store was at least here in the mailbox's log when it was asked.
    pub as_of: Seq,
    /// What it says is due. Of messages that the mailbox holds, the mailbox knows better.
    pub rows: Vec<DueDelivery>,
    /// What was left out of the time lately.
    pub steps: Steps,
    /// What an operator chose.
    pub rules: Rules,
}

/// Keep a receipt for the client.
#[derive(Debug, Clone, PartialEq)]
pub struct KeepReceipt {
    /// The receipt.
    pub receipt: ReceiptKept,
}

impl MailboxCommand {
    /// The command's name in logs and measurements.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Open { .. } => "open",
            Self::Deliver(_) => "send",
            Self::Ack(_) => "ack",
            Self::Take(_) => "take",
            Self::Handed(_) => "handed",
            Self::Return(_) => "return",
            Self::Replied(_) => "replied",
            Self::Due(_) => "due",
            Self::KeepReceipt(_) => "keep_receipt",
            Self::ReceiptsTold { .. } => "receipts_told",
            Self::BroadcastsRead { .. } => "broadcasts_read",
        }
    }

    /// Roughly how many bytes it holds, for the bounds of queues.
    #[must_use]
    pub fn weight_bytes(&self) -> usize {
        let own = match self {
            Self::Deliver(deliver) => deliver.message.weight_bytes(),
            Self::Ack(ack) => ack.reason.as_ref().map_or(0, |reason| reason.len()),
            Self::Handed(handed) => handed.messages.len() * size_of::<(Seq, u32)>(),
            Self::Return(back) => back.messages.len() * size_of::<(Seq, u32)>(),
            Self::Due(due) => due.rows.len() * size_of::<DueDelivery>(),
            Self::Open { .. }
            | Self::Take(_)
            | Self::Replied(_)
            | Self::KeepReceipt(_)
            | Self::ReceiptsTold { .. }
            | Self::BroadcastsRead { .. } => 0,
        };
        own + size_of::<Self>()
    }
}
