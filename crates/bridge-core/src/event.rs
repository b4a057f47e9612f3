//! What happened in a room. Past tense, one struct each, kept for ever.
//!
//! These are the log's stored form: a field may be added with a default, none may be removed,
//! renamed or given another meaning.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::command::Key;
use crate::id::{ChannelName, ClientId, MessageId, RoomId, Seq, Timestamp};
use crate::policy::{Policy, Role, VoteWeight};
use crate::text::{MessageText, Metadata, PasswordHash, Reason, Topic};

/// An ordered durable log with exactly one owner.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Stream {
    /// The log of a room.
    Room(RoomId),
}

impl fmt::Display for Stream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Room(id) => write!(f, "room:{id}"),
        }
    }
}

/// One record of a stream.
#[derive(Debug, Clone, PartialEq)]
pub struct Envelope {
    /// Whose log it is in.
    pub stream: Stream,
    /// Where in that log.
    pub seq: Seq,
    /// When its owner accepted it; never before the record in front of it.
    pub at: Timestamp,
    /// The authenticated client that caused it.
    pub by: ClientId,
    /// Under which key, when the client gave one.
    pub key: Option<Key>,
    /// What happened.
    pub event: Event,
}

/// What happened.
#[derive(Debug, Clone, PartialEq)]
pub enum Event {
    /// The room was made. Always the first record.
    RoomCreated(RoomCreated),
    /// A client became a member.
    MemberJoined(MemberJoined),
    /// A member left.
    MemberLeft(MemberLeft),
    /// A member, or an invitation, was taken out.
    MemberRemoved(MemberRemoved),
    /// A client was given a role.
    RoleGranted(RoleGranted),
    /// A channel was made.
    ChannelCreated(ChannelCreated),
    /// A member said something.
    Posted(Posted),
    /// The room ended.
    RoomClosed(RoomClosed),
}

impl Event {
    /// The word of the protocol and of the log.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::RoomCreated(_) => "room_created",
            Self::MemberJoined(_) => "member_joined",
            Self::MemberLeft(_) => "member_left",
            Self::MemberRemoved(_) => "member_removed",
            Self::RoleGranted(_) => "role_granted",
            Self::ChannelCreated(_) => "channel_created",
            Self::Posted(_) => "posted",
            Self::RoomClosed(_) => "room_closed",
        }
    }
}

/// The room was made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RoomCreated {
    /// What it is about.
    pub topic: Topic,
    /// Who may do what.
    pub policy: Policy,
    /// The password's hash, when it has one. Never leaves the server.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub password: Option<PasswordHash>,
}

/// A client became a member.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MemberJoined {
    /// Who.
    pub client: ClientId,
    /// As what.
    pub role: Role,
    /// With which vote weight.
    pub weight: VoteWeight,
    /// The role that was asked for and waits to be granted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub requested_role: Option<Role>,
}

/// A member left.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MemberLeft {
    /// Who.
    pub client: ClientId,
}

/// A member, or an invitation, was taken out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MemberRemoved {
    /// Who.
    pub client: ClientId,
    /// Why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<Reason>,
}

/// A client was given a role.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RoleGranted {
    /// Who.
    pub client: ClientId,
    /// Which.
    pub role: Role,
    /// The vote weight that goes with it.
    pub weight: VoteWeight,
}

/// A channel was made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChannelCreated {
    /// Its name.
    pub channel: ChannelName,
    /// What it is about.
    pub topic: Topic,
}

/// A member said something.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Posted {
    /// The message.
    pub id: MessageId,
    /// Where in the room.
    pub channel: ChannelName,
    /// What.
    pub text: MessageText,
    /// The message that it answers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reply_to: Option<MessageId>,
    /// Members whom the text calls by `@name`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub mentions: Vec<ClientId>,
    /// What the sender's program attached.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub metadata: Option<Metadata>,
}

/// The room ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RoomClosed {
    /// Why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<Reason>,
}
