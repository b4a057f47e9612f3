//! The frames that clients send, and the frames that they are sent, as types.

mod decision;
mod message;
pub(super) mod object;
mod policy;

use std::collections::HashMap;
use std::fmt;

use bridge_core::id::InvalidName;
use bridge_core::policy::Role;
use bridge_core::text::{MessageText, Metadata, Reason, Topic};
use bridge_core::{ChannelName, ClientId, Epoch, IdempotencyKey, MessageId, RoomId, Seq, limits};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

pub use decision::{
    AdoptBody, AmendBody, AnswerBody, ArgueBody, CritiqueBody, DecisionRequest, ProposeBody,
    SetPolicyBody, VoteBody,
};
pub(super) use decision::{OfAmendment, OfCritique, OfDecision, OfTarget};
pub use message::{AckBody, AckFrame, Message, ReceiptBody, SendBody, StoredBody};
pub use policy::{PolicyBody, PolicyChangeBody, VetoBody, WeightBody, WeightsBody};

/// A client's own word for a request, which comes back on its answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ref(pub Box<str>);

/// A password on its way to be hashed. It does not show itself.
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct Password(Box<str>);

impl Password {
    /// The password itself.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for Password {
    type Error = InvalidName;

    fn try_from(text: String) -> Result<Self, InvalidName> {
        let len = text.chars().count();
        let max = limits::PASSWORD_CHARS_MAX;
        match len {
            0 => Err(InvalidName::Empty),
            len if len > max => Err(InvalidName::TooLong { len, max }),
            _ => Ok(Self(text.into())),
        }
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Password(…)")
    }
}

/// A request, with what the client wants to find on its answer.
#[derive(Debug)]
pub struct Inbound {
    /// The client's word for it.
    pub reference: Option<Ref>,
    /// What is asked.
    pub frame: ClientFrame,
}

/// Everything that a client can ask over a WebSocket.
#[derive(Debug)]
pub enum ClientFrame {
    /// Begin, and resume.
    Hello(Hello),
    /// Are you there?
    Ping,
    /// A direct message, under a key.
    Send(Option<IdempotencyKey>, Box<SendBody>),
    /// What one says of a message, under a key.
    Ack(Option<IdempotencyKey>, AckFrame),
    /// Something in a room.
    InRoom(InRoom),
}

/// A request to a room.
#[derive(Debug)]
pub struct InRoom {
    /// Which; only `create_room` may leave it to the server.
    pub room: Option<RoomId>,
    /// Under which a repeat is recognised.
    pub key: Option<IdempotencyKey>,
    /// What.
    pub request: RoomRequest,
}

/// What can be asked of a room.
#[derive(Debug)]
pub enum RoomRequest {
    /// `create_room`
    Create(CreateRoomBody),
    /// `join`
    Join(JoinBody),
    /// `leave`
    Leave,
    /// `grant`
    Grant(GrantBody),
    /// `remove`
    Remove(RemoveBody),
    /// `create_channel`
    CreateChannel(CreateChannelBody),
    /// `post`
    Post(PostBody),
    /// `set_policy`
    SetPolicy(SetPolicyBody),
    /// Something about decisions.
    Decide(DecisionRequest),
}

/// `hello`
#[derive(Debug, Deserialize)]
pub struct Hello {
    /// What the client has read in an earlier session.
    #[serde(default, deserialize_with = "object::or_null")]
    pub resume: Option<ResumeBody>,
    /// Whether the session takes the client's messages. One that only watches rooms does not: a
    /// message that it took and never confirmed would count as tried.
    #[serde(default = "yes")]
    pub messages: bool,
}

const fn yes() -> bool {
    true
}

/// Cursors of an earlier session.
#[derive(Debug, Default, Clone, PartialEq, Deserialize, Serialize)]
pub struct ResumeBody {
    /// Which life of the log it read; without one, this.
    #[serde(default)]
    pub epoch: Option<Epoch>,
    /// The last seq that it has of each room.
    #[serde(default)]
    pub rooms: HashMap<RoomId, Seq>,
    /// The last message to `all` that it has; without one, the server's own note.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub broadcast: Option<Seq>,
}

/// The fields of `create_room`, and the body of `POST /v1/rooms`.
#[derive(Debug, Deserialize)]
pub struct CreateRoomBody {
    /// What it is about.
    #[serde(default = "Topic::none")]
    pub topic: Topic,
    /// What one must know to join.
    #[serde(default)]
    pub password: Option<Password>,
    /// Who may do what.
    #[serde(default, deserialize_with = "object::only")]
    pub policy: PolicyBody,
}

/// The fields of `join`, and the body of `PUT …/members/me`.
#[derive(Debug, Default, Deserialize)]
pub struct JoinBody {
    /// The role that is wished for.
    #[serde(default)]
    pub role: Option<Role>,
    /// The room's password.
    #[serde(default)]
    pub password: Option<Password>,
    /// From where to be told the room's events; without one, from now on.
    #[serde(default)]
    pub since: Option<Seq>,
}

/// The fields of `grant`.
#[derive(Debug, Deserialize)]
pub struct GrantBody {
    /// To whom.
    pub client: ClientId,
    /// Which.
    pub role: Role,
}

/// The fields of `remove`.
#[derive(Debug, Deserialize)]
pub struct RemoveBody {
    /// Whom.
    pub client: ClientId,
    /// Why.
    #[serde(default)]
    pub reason: Option<Reason>,
}

/// The fields of `create_channel`.
#[derive(Debug, Deserialize)]
pub struct CreateChannelBody {
    /// Its name.
    pub name: ChannelName,
    /// What it is about.
    #[serde(default = "Topic::none")]
    pub topic: Topic,
}

/// The fields of `post`.
#[derive(Debug, Deserialize)]
pub struct PostBody {
    /// Where in the room.
    #[serde(default = "ChannelName::main")]
    pub channel: ChannelName,
    /// What.
    pub text: MessageText,
    /// The message that it answers.
    #[serde(default)]
    pub reply_to: Option<MessageId>,
    /// What the sender's program attached.
    #[serde(default)]
    pub metadata: Option<Metadata>,
}

/// A frame from the server, as a client reads it. Fields that a newer server adds are kept in
/// `fields` or ignored.
#[derive(Debug, Clone, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum ServerFrame {
    /// The answer to `hello`.
    Welcome(Welcome),
    /// The answer to `join`.
    Joined(Joined),
    /// Something happened in a room.
    Event(RoomEvent),
    /// A direct message.
    Message(Box<Message>),
    /// A message, or an acknowledgement, is durable.
    Stored(StoredBody),
    /// What became of a message.
    Receipt(ReceiptBody),
    /// The answer to `ping`.
    Pong {
        /// The request's word.
        #[serde(default, rename = "ref")]
        reference: Option<String>,
        /// The server's time.
        at: String,
    },
    /// Somebody came or went.
    Presence {
        /// Who.
        client: ClientId,
        /// Which of the two.
        online: bool,
        /// In which rooms.
        rooms: Vec<RoomId>,
    },
    /// Everything is as the request wants it already.
    Unchanged {
        /// The request's word.
        #[serde(default, rename = "ref")]
        reference: Option<String>,
    },
    /// A request was refused.
    Rejected(Rejected),
    /// The session ends.
    Bye(Bye),
    /// A frame that this client does not know yet.
    #[serde(other)]
    Unknown,
}

/// The answer to `hello`.
#[derive(Debug, Clone, Deserialize)]
pub struct Welcome {
    /// The session.
    pub session: String,
    /// Who one is.
    pub client: ClientId,
    /// The server's version.
    pub version: String,
    /// Which life of the log it is.
    pub epoch: Epoch,
    /// Between two pings of the server.
    pub heartbeat_seconds: u64,
    /// What each room's resume can promise.
    pub resumed: HashMap<RoomId, ResumedBody>,
    /// What the resume of the messages to `all` can promise; none without the scope `message`.
    #[serde(default)]
    pub broadcast: Option<ResumedBody>,
}

/// What a resume can promise.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ResumedBody {
    /// The room's events after this seq follow.
    pub from: Seq,
    /// The room's head at this moment.
    pub to: Seq,
    /// Whether that is everything since the cursor.
    pub complete: bool,
    /// Why it is not, when the log itself is whole: one is no longer a member.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// The answer to `join`.
#[derive(Debug, Clone, Deserialize)]
pub struct Joined {
    /// The request's word.
    #[serde(default, rename = "ref")]
    pub reference: Option<String>,
    /// Which room.
    pub room: RoomId,
    /// Its last record when one joined.
    pub head: Seq,
    /// Which life of the log it is.
    pub epoch: Epoch,
    /// The rest of the room's state.
    #[serde(flatten)]
    pub fields: Map<String, Value>,
}

/// Something happened in a room.
#[derive(Debug, Clone, Deserialize)]
pub struct RoomEvent {
    /// Where.
    pub room: RoomId,
    /// Where in its log.
    pub seq: Seq,
    /// When, in RFC 3339.
    pub at: String,
    /// Who caused it.
    pub by: String,
    /// What.
    pub kind: String,
    /// The request's word, for the one who caused it.
    #[serde(default, rename = "ref")]
    pub reference: Option<String>,
    /// Whether this is the original answer to a repeated request.
    #[serde(default)]
    pub duplicate: bool,
    /// The kind's own fields.
    #[serde(flatten)]
    pub fields: Map<String, Value>,
}

impl RoomEvent {
    /// One of the kind's own fields, when it is a text.
    #[must_use]
    pub fn text(&self, field: &str) -> Option<&str> {
        self.fields.get(field).and_then(Value::as_str)
    }
}

/// A request was refused.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Rejected {
    /// The request's word.
    #[serde(default, rename = "ref", skip_serializing_if = "Option::is_none")]
    pub reference: Option<String>,
    /// The cause.
    pub code: String,
    /// Its number.
    pub number: u16,
    /// For people.
    pub message: String,
    /// Whether the same request may succeed later.
    pub temporary: bool,
    /// When it is worth trying.
    pub retry_after_ms: Option<u64>,
}

/// The session ends.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Bye {
    /// The number of the close frame that follows.
    pub code: u16,
    /// For people.
    pub reason: String,
    /// Whether to come back.
    pub reconnect: bool,
    /// When.
    pub retry_after_ms: Option<u64>,
}
