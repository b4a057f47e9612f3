//! What happens in a mailbox, and on the broadcast stream.
//!
//! A record about a message names it by the seq of the record that stored it, by its id and by its
//! sender, so that it can be read alone.

use serde::{Deserialize, Serialize};

use crate::id::{ClientId, MessageId, Seq, Timestamp};
use crate::message::{
    Body, Ending, Expiry, Failure, MessageKind, Priority, Recipients, Stage, Trace, Via,
};
use crate::text::{Metadata, Reason};

/// The client has shown a token: from now on it is known.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MailboxOpened {
    /// Its name, as its first token wrote it.
    pub client: ClientId,
    /// The head of the broadcast stream: what came before is not news to it.
    pub broadcasts_read: Seq,
}

/// A message was accepted. Its sender is the record's author.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MessageStored {
    /// The message.
    pub id: MessageId,
    /// To whom, all of them.
    pub to: Recipients,
    /// What it says.
    pub body: Body,
    /// What it is for.
    pub kind: MessageKind,
    /// How urgent it is.
    pub priority: Priority,
    /// Its time is over then.
    pub expires_at: Timestamp,
    /// The message that it answers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reply_to: Option<MessageId>,
    /// Whether it wants an answer.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub expects_reply: bool,
    /// Until when it waits for one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deadline: Option<Timestamp>,
    /// The chain that led to it.
    pub trace: Trace,
    /// What the sender's program attached.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub metadata: Option<Metadata>,
}

impl MessageStored {
    /// When it ends if nobody finishes with it, whichever comes first.
    #[must_use]
    pub fn ends_at(&self) -> Timestamp {
        self.deadline
            .map_or(self.expires_at, |deadline| deadline.min(self.expires_at))
    }
}

/// Which message a record is about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct About {
    /// The record of this mailbox that stored it.
    pub message: Seq,
    /// Its id.
    pub id: MessageId,
    /// Its sender, which may be the server itself.
    #[serde(deserialize_with = "crate::id::author")]
    pub from: ClientId,
}

/// A message was handed over, and its recipient has until then to confirm it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MessageDelivered {
    /// Which.
    #[serde(flatten)]
    pub about: About,
    /// For which time: 1 is the first.
    pub attempt: u32,
    /// How.
    pub via: Via,
    /// The end of the lease.
    pub until: Timestamp,
}

/// A lease goes on: the wall clock has passed its end, because it was set forward, and less time has
/// gone by than its recipient was given.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LeaseExtended {
    /// Of which message.
    #[serde(flatten)]
    pub about: About,
    /// Which attempt goes on.
    pub attempt: u32,
    /// The end of the lease.
    pub until: Timestamp,
}

/// An attempt ended without a confirmation; the message waits for the next.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MessageReturned {
    /// Which.
    #[serde(flatten)]
    pub about: About,
    /// Which attempt.
    pub attempt: u32,
    /// How it ended.
    pub ending: Ending,
    /// What the recipient said about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<Reason>,
    /// Not tried again before.
    pub not_before: Timestamp,
    /// What the mailbox needs to try again a message that had been seen, and that it therefore
    /// no longer held.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reopened: Option<Reopened>,
}

/// What a mailbox holds of a message that it takes up again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reopened {
    /// When it was stored.
    pub stored_at: Timestamp,
    /// How urgent it is.
    pub priority: Priority,
    /// Its time is over then.
    pub expires_at: Timestamp,
    /// Whether it wants an answer.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub expects_reply: bool,
    /// Until when it waits for one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deadline: Option<Timestamp>,
    /// How often it was handed over.
    pub attempts: u32,
    /// The attempts that failed before this one.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub failures: Vec<Failure>,
    /// Roughly how many bytes it has.
    pub bytes: u32,
}

/// Its recipient has it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MessageSeen {
    /// Which.
    #[serde(flatten)]
    pub about: About,
    /// When it ends if nobody finishes with it.
    pub ends_at: Timestamp,
}

/// Its recipient has finished with it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MessageDone {
    /// Which.
    #[serde(flatten)]
    pub about: About,
    /// The answer that finished it, if one did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reply: Option<MessageId>,
}

/// Its time was over.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MessageExpired {
    /// Which.
    #[serde(flatten)]
    pub about: About,
    /// Why.
    pub why: Expiry,
}

/// It was tried as often as may be: a dead letter.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MessageDied {
    /// Which.
    #[serde(flatten)]
    pub about: About,
    /// Every attempt that failed.
    pub failures: Vec<Failure>,
}

/// What became of a message that this client sent, for when it comes back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReceiptKept {
    /// The message.
    pub id: MessageId,
    /// How far it has come.
    pub stage: Stage,
    /// With which recipient.
    pub by: ClientId,
    /// When.
    pub reached_at: Timestamp,
    /// Why, when it ended without being done.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<Reason>,
}

/// The client was told the receipts that were kept for it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReceiptsTold {
    /// The last of them.
    pub through: Seq,
}

/// The client has read the broadcast stream up to there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BroadcastsRead {
    /// The last record that it has.
    pub through: Seq,
}
