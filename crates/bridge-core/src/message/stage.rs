//! How far a message has come with one recipient.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::id::{Seq, Timestamp};
use crate::text::Reason;

/// How far a message has come with one recipient. The last three are its ends, and exactly one of
/// them comes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// It is on the disk.
    Stored,
    /// It was written to a session, or returned by a call.
    Delivered,
    /// The recipient confirmed that it has it.
    Seen,
    /// The recipient has finished with it.
    Done,
    /// Its time was over.
    Expired,
    /// It was tried as often as may be, and failed each time.
    Dead,
}

impl Stage {
    /// Every stage, in order.
    pub const ALL: [Self; 6] = [
        Self::Stored,
        Self::Delivered,
        Self::Seen,
        Self::Done,
        Self::Expired,
        Self::Dead,
    ];

    /// The word of the protocol and of the store.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Stored => "stored",
            Self::Delivered => "delivered",
            Self::Seen => "seen",
            Self::Done => "done",
            Self::Expired => "expired",
            Self::Dead => "dead",
        }
    }

    /// Whether nothing comes after it.
    #[must_use]
    pub const fn is_terminal(self) -> bool {
        matches!(self, Self::Done | Self::Expired | Self::Dead)
    }
}

impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What a recipient may say of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AckStage {
    /// I have it.
    Seen,
    /// I have finished with it.
    Done,
    /// I could not do it; try again later.
    Failed,
}

/// How a message was handed over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Via {
    /// Written to a session's socket.
    Session,
    /// Returned by a call, such as a long poll.
    Call,
}

/// One time that a message was handed over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attempt {
    /// Which record says so.
    pub seq: Seq,
    /// How.
    pub via: Via,
    /// Since when it has it, or since when it was last given longer.
    pub since: Timestamp,
    /// Until when the recipient may take to confirm it.
    pub until: Timestamp,
}

/// How an attempt ended without a confirmation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ending {
    /// The recipient said that it failed.
    Failed,
    /// The recipient took longer than its lease.
    LeaseExpired,
    /// Every session that had it has ended.
    ConnectionLost,
    /// The recipient called again without confirming it.
    NotConfirmed,
    /// The call could not be answered any more. That is not the recipient's failure and does not
    /// count.
    CallLost,
    /// The server itself began anew. That is nobody's failure and does not count.
    ServerRestarted,
}

impl Ending {
    /// All of them.
    pub const ALL: [Self; 6] = [
        Self::Failed,
        Self::LeaseExpired,
        Self::ConnectionLost,
        Self::NotConfirmed,
        Self::CallLost,
        Self::ServerRestarted,
    ];

    /// The word of the protocol.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Failed => "failed",
            Self::LeaseExpired => "lease_expired",
            Self::ConnectionLost => "connection_lost",
            Self::NotConfirmed => "not_confirmed",
            Self::CallLost => "call_lost",
            Self::ServerRestarted => "server_restarted",
        }
    }

    /// Whether it brings the message nearer to being a dead letter.
    #[must_use]
    pub const fn counts(self) -> bool {
        !matches!(self, Self::CallLost | Self::ServerRestarted)
    }
}

/// An attempt that failed, for the dead letter's report.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// Which attempt: 1 is the first.
    pub attempt: u32,
    /// When it ended.
    pub at: Timestamp,
    /// How.
    pub ending: Ending,
    /// What the recipient said about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<Reason>,
}

/// Why a message's time was over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Expiry {
    /// Nobody confirmed it in time.
    Ttl,
    /// It was seen and never finished, which is no failure.
    Seen,
    /// It wanted an answer and got none by its deadline.
    NoReply,
}

impl Expiry {
    /// The word of the protocol.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ttl => "ttl",
            Self::Seen => "seen",
            Self::NoReply => "no_reply",
        }
    }
}
