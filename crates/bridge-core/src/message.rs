//! What a direct message is made of.

mod recipients;
mod stage;
mod trace;

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::event::MessageStored;
use crate::id::{MessageId, Timestamp};
use crate::limits;
use crate::text::{MessageText, Metadata, Payload};

pub use recipients::{InvalidRecipients, Recipients};
pub use stage::{AckStage, Attempt, Ending, Expiry, Failure, Stage, Via};
pub use trace::{InvalidTrace, Trace};

/// How urgent a message is: 0 to 3, 3 first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "u8", into = "u8")]
pub struct Priority(u8);

/// Why a number is not a priority.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be from 0 to {}", limits::PRIORITY_MAX)]
pub struct InvalidPriority;

impl Priority {
    /// The number.
    #[must_use]
    pub const fn get(self) -> u8 {
        self.0
    }
}

impl Default for Priority {
    fn default() -> Self {
        Self(1)
    }
}

impl TryFrom<u8> for Priority {
    type Error = InvalidPriority;

    fn try_from(number: u8) -> Result<Self, InvalidPriority> {
        if number > limits::PRIORITY_MAX {
            return Err(InvalidPriority);
        }
        Ok(Self(number))
    }
}

impl From<Priority> for u8 {
    fn from(priority: Priority) -> Self {
        priority.0
    }
}

/// What a message is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MessageKind {
    /// Somebody says something.
    #[default]
    Message,
    /// Somebody asks for something to be done.
    Command,
    /// Somebody answers.
    Response,
    /// The server tells of something that happened elsewhere; no client can send one.
    Notice,
}

impl MessageKind {
    /// The word of the protocol.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Message => "message",
            Self::Command => "command",
            Self::Response => "response",
            Self::Notice => "notice",
        }
    }
}

impl fmt::Display for MessageKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What a message says: to people, or to programs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Body {
    /// A text.
    Text(MessageText),
    /// Any JSON.
    Payload(Payload),
}

impl Body {
    /// Roughly how many bytes it holds.
    #[must_use]
    pub fn weight_bytes(&self) -> usize {
        match self {
            Self::Text(text) => text.len(),
            Self::Payload(payload) => payload.weight_bytes(),
        }
    }
}

/// A message as its sender wrote it, with what the server adds: its id and its trace. It is a
/// command's part, and its fingerprint is taken of what the sender chose.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Outgoing {
    /// Its id, made by the server.
    #[serde(skip)]
    pub id: MessageId,
    /// To whom.
    pub to: Recipients,
    /// What it says.
    pub body: Body,
    /// What it is for.
    pub kind: MessageKind,
    /// How urgent it is.
    pub priority: Priority,
    /// For how long it may wait.
    pub ttl_seconds: u32,
    /// The message that it answers.
    pub reply_to: Option<MessageId>,
    /// Whether it wants an answer, and for how long it waits for one; without a time, until it
    /// expires.
    pub expects_reply: Option<ReplyWanted>,
    /// Whether a recipient that is not known yet is accepted.
    pub keep: bool,
    /// The trace that the sender's program handed on.
    pub trace_given: Option<Trace>,
    /// The trace that it carries: handed on, inherited or begun.
    #[serde(skip)]
    pub trace: Trace,
    /// What the sender's program attached.
    pub metadata: Option<Metadata>,
}

/// An answer is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct ReplyWanted {
    /// Within so many seconds.
    pub deadline_seconds: Option<u32>,
}

impl Outgoing {
    /// Roughly how many bytes it holds, for the bounds of queues.
    #[must_use]
    pub fn weight_bytes(&self) -> usize {
        let metadata = self.metadata.as_ref().map_or(0, Metadata::weight_bytes);
        self.body.weight_bytes() + metadata + self.to.weight_bytes() + size_of::<Self>()
    }

    /// A message that is stored somewhere, on its way to another of its recipients.
    #[must_use]
    pub fn of(stored: &MessageStored) -> Self {
        Self {
            id: stored.id,
            to: stored.to.clone(),
            body: stored.body.clone(),
            kind: stored.kind,
            priority: stored.priority,
            ttl_seconds: limits::TTL_SECONDS_DEFAULT,
            reply_to: stored.reply_to,
            expects_reply: None,
            keep: true,
            trace_given: None,
            trace: stored.trace,
            metadata: stored.metadata.clone(),
        }
    }

    /// The message as it is kept that was accepted at `at`.
    #[must_use]
    pub fn stored_at(&self, at: Timestamp) -> MessageStored {
        MessageStored {
            id: self.id,
            to: self.to.clone(),
            body: self.body.clone(),
            kind: self.kind,
            priority: self.priority,
            expires_at: self.expires_at(at),
            reply_to: self.reply_to,
            expects_reply: self.expects_reply.is_some(),
            deadline: self.deadline(at),
            trace: self.trace,
            metadata: self.metadata.clone(),
        }
    }

    /// When it expires that was accepted at `at`.
    #[must_use]
    pub fn expires_at(&self, at: Timestamp) -> Timestamp {
        at.plus_millis(i64::from(self.ttl_seconds) * 1_000)
    }

    /// Until when it waits for an answer.
    #[must_use]
    pub fn deadline(&self, at: Timestamp) -> Option<Timestamp> {
        let seconds = self.expects_reply?.deadline_seconds?;
        Some(at.plus_millis(i64::from(seconds) * 1_000))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn priorities_are_four() {
        for number in 0..=3 {
            assert_eq!(Priority::try_from(number).map(Priority::get), Ok(number));
        }
        assert_eq!(Priority::try_from(4), Err(InvalidPriority));
        assert_eq!(Priority::default().get(), 1);
    }
}
