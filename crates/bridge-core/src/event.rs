//! What happened. Past tense, one struct each, kept for ever.
//!
//! These are the log's stored form: a field may be added with a default, none may be removed,
//! renamed or given another meaning.

mod decision;
mod mailbox;

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::command::Key;
use crate::id::{ChannelName, ClientId, CritiqueId, DecisionId, MessageId, RoomId, Seq, Timestamp};
use crate::policy::{Policy, Role, VoteWeight};
use crate::text::{MessageText, Metadata, PasswordHash, Reason, Topic};

pub use decision::{
    Amended, AmendmentProposed, AmendmentVoted, Argued, Critiqued, Decided, PolicyChanged,
    Proposed, Resolved, VetoWindowClosed, Voted, Waived, Withdrawn,
};
pub use mailbox::{
    About, BroadcastsRead, LeaseExtended, MailboxOpened, MessageDelivered, MessageDied,
    MessageDone, MessageExpired, MessageReturned, MessageSeen, MessageStored, ReceiptKept,
    ReceiptsTold, Reopened,
};

/// An ordered durable log with exactly one owner.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Stream {
    /// The log of a room.
    Room(RoomId),
    /// The log of a client's mailbox.
    Mailbox(ClientId),
    /// The log of the messages to `all`.
    Broadcast,
}

impl Stream {
    /// What kind of stream it is, in the store's words.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Room(_) => "room",
            Self::Mailbox(_) => "mailbox",
            Self::Broadcast => "broadcast",
        }
    }

    /// Its name among those of its kind, as it was first written.
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Self::Room(room) => room.as_str(),
            Self::Mailbox(client) => client.as_str(),
            Self::Broadcast => "all",
        }
    }

    /// The spelling under which its name is unique among those of its kind.
    #[must_use]
    pub fn name_folded(&self) -> String {
        match self {
            Self::Room(room) => room.folded(),
            Self::Mailbox(client) => client.folded(),
            Self::Broadcast => self.name().to_owned(),
        }
    }

    /// A stream from the store's words; `None` when they are not of a stream.
    #[must_use]
    pub fn from_words(kind: &str, name: &str) -> Option<Self> {
        match kind {
            "room" => name.parse().ok().map(Self::Room),
            "mailbox" => name.parse().ok().map(Self::Mailbox),
            "broadcast" => Some(Self::Broadcast),
            _ => None,
        }
    }
}

impl fmt::Display for Stream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.kind(), self.name())
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

    /// The room's policy was changed.
    PolicyChanged(Box<PolicyChanged>),
    /// A motion was put to the vote.
    Proposed(Box<Proposed>),
    /// A ballot was cast.
    Voted(Voted),
    /// Another text was proposed for a motion.
    AmendmentProposed(AmendmentProposed),
    /// Somebody said whether an amendment is to be adopted.
    AmendmentVoted(AmendmentVoted),
    /// An amendment was adopted.
    Amended(Amended),
    /// Veto holders do not hold an approval back any more.
    VetoWindowClosed(VetoWindowClosed),
    /// A motion was decided.
    Decided(Box<Decided>),
    /// A motion was taken back.
    Withdrawn(Withdrawn),
    /// Somebody holds something against a message or a motion.
    Critiqued(Critiqued),
    /// A critique is met.
    Resolved(Resolved),
    /// Somebody says that a critique need not be met.
    Waived(Waived),
    /// Somebody spoke for or against a motion.
    Argued(Argued),

    /// A client has shown a token.
    MailboxOpened(MailboxOpened),
    /// A message was accepted.
    MessageStored(Box<MessageStored>),
    /// A message was handed over.
    MessageDelivered(MessageDelivered),
    /// Who has it has it for longer by the clock.
    LeaseExtended(LeaseExtended),
    /// An attempt ended without a confirmation.
    MessageReturned(MessageReturned),
    /// Its recipient has it.
    MessageSeen(MessageSeen),
    /// Its recipient has finished with it.
    MessageDone(MessageDone),
    /// Its time was over.
    MessageExpired(MessageExpired),
    /// It was tried as often as may be.
    MessageDied(MessageDied),
    /// What became of a message is kept for its sender.
    ReceiptKept(ReceiptKept),
    /// The sender was told.
    ReceiptsTold(ReceiptsTold),
    /// The client has read the broadcast stream so far.
    BroadcastsRead(BroadcastsRead),
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
            Self::PolicyChanged(_) => "policy_changed",
            Self::Proposed(_) => "proposed",
            Self::Voted(_) => "voted",
            Self::AmendmentProposed(_) => "amendment_proposed",
            Self::AmendmentVoted(_) => "amendment_voted",
            Self::Amended(_) => "amended",
            Self::VetoWindowClosed(_) => "veto_window_closed",
            Self::Decided(_) => "decided",
            Self::Withdrawn(_) => "withdrawn",
            Self::Critiqued(_) => "critiqued",
            Self::Resolved(_) => "resolved",
            Self::Waived(_) => "waived",
            Self::Argued(_) => "argued",
            Self::MailboxOpened(_) => "mailbox_opened",
            Self::MessageStored(_) => "message_stored",
            Self::MessageDelivered(_) => "message_delivered",
            Self::LeaseExtended(_) => "lease_extended",
            Self::MessageReturned(_) => "message_returned",
            Self::MessageSeen(_) => "message_seen",
            Self::MessageDone(_) => "message_done",
            Self::MessageExpired(_) => "message_expired",
            Self::MessageDied(_) => "message_died",
            Self::ReceiptKept(_) => "receipt_kept",
            Self::ReceiptsTold(_) => "receipts_told",
            Self::BroadcastsRead(_) => "broadcasts_read",
        }
    }

    /// Which message of its mailbox a record is about that came after the message itself.
    #[must_use]
    pub const fn about(&self) -> Option<&About> {
        match self {
            Self::MessageDelivered(e) => Some(&e.about),
            Self::LeaseExtended(e) => Some(&e.about),
            Self::MessageReturned(e) => Some(&e.about),
            Self::MessageSeen(e) => Some(&e.about),
            Self::MessageDone(e) => Some(&e.about),
            Self::MessageExpired(e) => Some(&e.about),
            Self::MessageDied(e) => Some(&e.about),
            Self::RoomCreated(_)
            | Self::MemberJoined(_)
            | Self::MemberLeft(_)
            | Self::MemberRemoved(_)
            | Self::RoleGranted(_)
            | Self::ChannelCreated(_)
            | Self::Posted(_)
            | Self::RoomClosed(_)
            | Self::PolicyChanged(_)
            | Self::Proposed(_)
            | Self::Voted(_)
            | Self::AmendmentProposed(_)
            | Self::AmendmentVoted(_)
            | Self::Amended(_)
            | Self::VetoWindowClosed(_)
            | Self::Decided(_)
            | Self::Withdrawn(_)
            | Self::Critiqued(_)
            | Self::Resolved(_)
            | Self::Waived(_)
            | Self::Argued(_)
            | Self::MailboxOpened(_)
            | Self::MessageStored(_)
            | Self::ReceiptKept(_)
            | Self::ReceiptsTold(_)
            | Self::BroadcastsRead(_) => None,
        }
    }

    /// Whether it is about a motion or a critique.
    #[must_use]
    pub const fn is_about_decisions(&self) -> bool {
        self.decision().is_some() || self.critique().is_some()
    }

    /// Which critique of its room a record is about.
    #[must_use]
    pub const fn critique(&self) -> Option<CritiqueId> {
        match self {
            Self::Critiqued(e) => Some(e.critique),
            Self::Resolved(e) => Some(e.critique),
            Self::Waived(e) => Some(e.critique),
            _ => None,
        }
    }

    /// Which motion of its room a record is about.
    #[must_use]
    pub const fn decision(&self) -> Option<DecisionId> {
        match self {
            Self::Proposed(e) => Some(e.decision),
            Self::Voted(e) => Some(e.decision),
            Self::AmendmentProposed(e) => Some(e.decision),
            Self::AmendmentVoted(e) => Some(e.decision),
            Self::Amended(e) => Some(e.decision),
            Self::VetoWindowClosed(e) => Some(e.decision),
            Self::Decided(e) => Some(e.decision),
            Self::Withdrawn(e) => Some(e.decision),
            Self::Argued(e) => Some(e.decision),
            Self::Critiqued(e) => e.target.decision(),
            Self::Resolved(e) => e.target.decision(),
            Self::Waived(e) => e.target.decision(),
            _ => None,
        }
    }

    /// Whether it is one of those that the log of a stream of this kind has.
    #[must_use]
    pub const fn belongs_to(&self, stream: &Stream) -> bool {
        match self {
            Self::RoomCreated(_)
            | Self::MemberJoined(_)
            | Self::MemberLeft(_)
            | Self::MemberRemoved(_)
            | Self::RoleGranted(_)
            | Self::ChannelCreated(_)
            | Self::Posted(_)
            | Self::RoomClosed(_)
            | Self::PolicyChanged(_)
            | Self::Proposed(_)
            | Self::Voted(_)
            | Self::AmendmentProposed(_)
            | Self::AmendmentVoted(_)
            | Self::Amended(_)
            | Self::VetoWindowClosed(_)
            | Self::Decided(_)
            | Self::Withdrawn(_)
            | Self::Critiqued(_)
            | Self::Resolved(_)
            | Self::Waived(_)
            | Self::Argued(_) => matches!(stream, Stream::Room(_)),
            Self::MessageStored(_) => matches!(stream, Stream::Mailbox(_) | Stream::Broadcast),
            Self::MailboxOpened(_)
            | Self::MessageDelivered(_)
            | Self::LeaseExtended(_)
            | Self::MessageReturned(_)
            | Self::MessageSeen(_)
            | Self::MessageDone(_)
            | Self::MessageExpired(_)
            | Self::MessageDied(_)
            | Self::ReceiptKept(_)
            | Self::ReceiptsTold(_)
            | Self::BroadcastsRead(_) => matches!(stream, Stream::Mailbox(_)),
        }
    }

    /// Whether it has an effect on another stream, which a follower brings about: members who are
    /// mentioned, the other recipients of a message, the question that an answer finishes, the
    /// sender who waits for the end of its message.
    #[must_use]
    pub fn has_follow_up(&self) -> bool {
        match self {
            Self::Posted(posted) => !posted.mentions.is_empty(),
            Self::MessageStored(message) => {
                message.reply_to.is_some() || message.to.named().len() > 1
            }
            Self::MessageDone(_) | Self::MessageExpired(_) | Self::MessageDied(_) => true,
            Self::RoomCreated(_)
            | Self::MemberJoined(_)
            | Self::MemberLeft(_)
            | Self::MemberRemoved(_)
            | Self::RoleGranted(_)
            | Self::ChannelCreated(_)
            | Self::RoomClosed(_)
            | Self::PolicyChanged(_)
            | Self::Proposed(_)
            | Self::Voted(_)
            | Self::AmendmentProposed(_)
            | Self::AmendmentVoted(_)
            | Self::Amended(_)
            | Self::VetoWindowClosed(_)
            | Self::Decided(_)
            | Self::Withdrawn(_)
            | Self::Critiqued(_)
            | Self::Resolved(_)
            | Self::Waived(_)
            | Self::Argued(_)
            | Self::MailboxOpened(_)
            | Self::MessageDelivered(_)
            | Self::LeaseExtended(_)
            | Self::MessageReturned(_)
            | Self::MessageSeen(_)
            | Self::ReceiptKept(_)
            | Self::ReceiptsTold(_)
            | Self::BroadcastsRead(_) => false,
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
