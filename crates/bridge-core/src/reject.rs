//! Why a request was refused: one variant for each cause, two texts for each variant.

use crate::decision::State;
use crate::id::{ChannelName, ClientId, CritiqueId, DecisionId, MessageId, RoomId};
use crate::message::Stage;
use crate::policy::Role;

/// A refusal. `Display` is the text for the client: a sentence it can act on. What only we may
/// know is in [`Reject::detail`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Reject {
    /// The bytes are not JSON, or not a JSON object.
    #[error("this is not a JSON object: {0}")]
    BadJson(String),
    /// No request has this name.
    #[error("unknown request type {0:?}")]
    UnknownType(String),
    /// A field is missing, of the wrong type, or out of its bounds.
    #[error("{field}: {why}")]
    InvalidField {
        /// The field's path in the request.
        field: String,
        /// What is wrong with it.
        why: String,
    },
    /// More bytes than a request may have.
    #[error("this is larger than the {max} bytes that are allowed")]
    TooLarge {
        /// Bytes allowed.
        max: usize,
    },
    /// Something other than `hello` came first.
    #[error("say hello first")]
    HelloExpected,

    /// No token, or not a good one.
    #[error("{0}")]
    Unauthorized(&'static str),
    /// The token is good, but the client may not do this.
    #[error("{0}")]
    Forbidden(&'static str),
    /// The token does not carry the scope.
    #[error("the token lacks the scope {scope}")]
    ScopeMissing {
        /// The scope that is needed.
        scope: String,
    },

    /// There is no such room, as far as this client may know. It is named as the client named it:
    /// the room's own spelling would tell that it exists.
    #[error("there is no room {0} that you can see")]
    RoomNotFound(RoomId),
    /// Only members may do this.
    #[error("you are not a member of the room {0}; join it first")]
    NotAMember(RoomId),
    /// The one who is to be removed or shown is no member.
    #[error("{client} is not a member of the room {room}")]
    NoSuchMember {
        /// The room.
        room: RoomId,
        /// Whom the request named.
        client: ClientId,
    },
    /// The room has ended; its history can still be read.
    #[error("the room {0} is closed; its history can still be read")]
    RoomClosed(RoomId),
    /// The client is a member already.
    #[error("you are a member of the room {0} already")]
    AlreadyAMember(RoomId),
    /// A role that this client may not give or take.
    #[error("only a coordinator of the room may grant the role {0}")]
    RoleNotAllowed(Role),
    /// The password is missing or wrong.
    #[error("the room {0} needs its password, or a grant from its coordinator")]
    WrongPassword(RoomId),
    /// The id is taken, by an open room or a closed one.
    #[error("there is a room {0} already; a room's id is never given again")]
    RoomExists(RoomId),
    /// The room has no such channel.
    #[error("the room has no channel {0}; create it first")]
    ChannelNotFound(ChannelName),
    /// The room has such a channel.
    #[error("the room has a channel {0} already")]
    ChannelExists(ChannelName),
    /// The room failed too often and is held back until somebody has looked at it.
    #[error("the room {0} is out of order and waits for an operator")]
    RoomQuarantined(RoomId),
    /// One of the room's bounds is reached.
    #[error("the room is full: it has {max} {what}, which is the most it may have")]
    RoomFull {
        /// What there are too many of.
        what: &'static str,
        /// How many there may be.
        max: usize,
    },
    /// The client is in as many rooms as one may be.
    #[error("you are in {max} rooms, which is the most one client may be in; leave one first")]
    TooManyRooms {
        /// How many there may be.
        max: usize,
    },
    /// There is no such message where the request looked for it.
    #[error("there is no message {0} here that you can see")]
    MessageNotFound(MessageId),

    /// No client of this name has ever shown a token.
    #[error("there is no client {client}{}", offer(near))]
    UnknownRecipient {
        /// As the sender wrote it.
        client: ClientId,
        /// Known ones with a name like it.
        near: Vec<ClientId>,
    },
    /// The recipient has as many messages waiting as one may have.
    #[error("the mailbox of {client} is full: {max} messages wait in it; try again later")]
    MailboxFull {
        /// Whose.
        client: ClientId,
        /// How many may wait.
        max: usize,
    },
    /// An acknowledgement that takes back an earlier one, or comes after the end.
    #[error("the message {id} is {stage} already, and a stage never goes backwards")]
    StageBackwards {
        /// Which.
        id: MessageId,
        /// How far it has come.
        stage: Stage,
    },
    /// The mailbox failed too often and is held back until somebody has looked at it.
    #[error("the mailbox of {0} is out of order and waits for an operator")]
    MailboxQuarantined(String),
    /// A chain of messages that answer each other has become too long.
    #[error(
        "this message is number {} of a chain, which is taken for a loop; send without reply_to \
         and trace to begin a new one",
        max + 1
    )]
    LoopStopped {
        /// How long a chain may be.
        max: u32,
    },

    /// There is no such motion in the room.
    #[error("there is no decision {0} here that you can see")]
    DecisionNotFound(DecisionId),
    /// The ballot, or the amendment, is about a text that does not stand any more.
    #[error(
        "the text of {decision} has changed: its version is {current}, and you named {asked}; read \
         it again first"
    )]
    StaleVersion {
        /// The motion.
        decision: DecisionId,
        /// The version that was named.
        asked: u32,
        /// The version that stands.
        current: u32,
    },
    /// Only those may who were members when the motion was proposed.
    #[error("you have no vote on {0}: its electorate was fixed when it was proposed")]
    NotInElectorate(DecisionId),
    /// The motion is decided, and that never changes.
    #[error("the decision {decision} is {state}, and that does not change any more")]
    DecisionClosed {
        /// The motion.
        decision: DecisionId,
        /// What became of it.
        state: State,
    },
    /// A veto of somebody who holds none.
    #[error("you hold no veto on {0}; you may vote to reject it")]
    NoVetoPower(DecisionId),
    /// There is no such critique in the room, or it does not stand any more.
    #[error("there is no open critique {0} here that you can see")]
    CritiqueNotFound(CritiqueId),
    /// There is no such amendment of the motion, or it does not stand any more.
    #[error("{decision} has no open amendment {amendment}")]
    AmendmentNotFound {
        /// The motion.
        decision: DecisionId,
        /// The amendment's number.
        amendment: u32,
    },
    /// Somebody has voted, so the motion cannot be taken back any more.
    #[error("somebody has voted on {0}, so it cannot be withdrawn; propose an alternative instead")]
    BallotsCast(DecisionId),

    /// The key was used for something else.
    #[error("this key was used for another request; a repeat must be the same to the letter")]
    KeyReused,

    /// A queue is full.
    #[error("the server is busy; try again")]
    Busy {
        /// Which queue.
        queue: &'static str,
    },
    /// The request was lost before anything was written.
    #[error("the request was not carried out; repeat it")]
    Retry {
        /// Why.
        detail: &'static str,
    },
    /// The request was lost after it had been handed to the log.
    #[error("it is not known whether the request was carried out; repeat it with the same key")]
    OutcomeUnknown,
    /// The disk is full.
    #[error("the server's storage is full; nothing can be written until there is room")]
    StorageFull,
    /// As many connections of this kind as the server holds.
    #[error("the server holds as many of these connections as it may; try again later")]
    ServerFull,
    /// Something that should not happen.
    #[error("an internal error; the server's log has the details under the request's id")]
    Internal {
        /// What happened. Never shown to a client.
        detail: String,
    },
}

/// A cause as clients know it: a word that never changes. Its number, and how each transport says
/// it, are in the wire's table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "each is the word of its variant in `Reject`")]
pub enum RejectCode {
    BadJson,
    UnknownType,
    InvalidField,
    TooLarge,
    HelloExpected,
    Unauthorized,
    Forbidden,
    ScopeMissing,
    RoomNotFound,
    NotAMember,
    RoomClosed,
    AlreadyAMember,
    RoleNotAllowed,
    WrongPassword,
    RoomExists,
    ChannelNotFound,
    RoomQuarantined,
    ChannelExists,
    RoomFull,
    TooManyRooms,
    MessageNotFound,
    UnknownRecipient,
    MailboxFull,
    StageBackwards,
    MailboxQuarantined,
    LoopStopped,
    DecisionNotFound,
    StaleVersion,
    NotInElectorate,
    DecisionClosed,
    NoVetoPower,
    CritiqueNotFound,
    AmendmentNotFound,
    BallotsCast,
    KeyReused,
    Busy,
    Retry,
    OutcomeUnknown,
    StorageFull,
    ServerFull,
    Internal,
}

impl Reject {
    /// The stable word.
    #[must_use]
    pub const fn code(&self) -> RejectCode {
        match self {
            Self::BadJson(_) => RejectCode::BadJson,
            Self::UnknownType(_) => RejectCode::UnknownType,
            Self::InvalidField { .. } => RejectCode::InvalidField,
            Self::TooLarge { .. } => RejectCode::TooLarge,
            Self::HelloExpected => RejectCode::HelloExpected,
            Self::Unauthorized(_) => RejectCode::Unauthorized,
            Self::Forbidden(_) => RejectCode::Forbidden,
            Self::ScopeMissing { .. } => RejectCode::ScopeMissing,
            Self::RoomNotFound(_) => RejectCode::RoomNotFound,
            Self::NotAMember(_) | Self::NoSuchMember { .. } => RejectCode::NotAMember,
            Self::RoomClosed(_) => RejectCode::RoomClosed,
            Self::AlreadyAMember(_) => RejectCode::AlreadyAMember,
            Self::RoleNotAllowed(_) => RejectCode::RoleNotAllowed,
            Self::WrongPassword(_) => RejectCode::WrongPassword,
            Self::RoomExists(_) => RejectCode::RoomExists,
            Self::ChannelNotFound(_) => RejectCode::ChannelNotFound,
            Self::ChannelExists(_) => RejectCode::ChannelExists,
            Self::RoomQuarantined(_) => RejectCode::RoomQuarantined,
            Self::RoomFull { .. } => RejectCode::RoomFull,
            Self::TooManyRooms { .. } => RejectCode::TooManyRooms,
            Self::MessageNotFound(_) => RejectCode::MessageNotFound,
            Self::UnknownRecipient { .. } => RejectCode::UnknownRecipient,
            Self::MailboxFull { .. } => RejectCode::MailboxFull,
            Self::StageBackwards { .. } => RejectCode::StageBackwards,
            Self::MailboxQuarantined(_) => RejectCode::MailboxQuarantined,
            Self::LoopStopped { .. } => RejectCode::LoopStopped,
            Self::DecisionNotFound(_) => RejectCode::DecisionNotFound,
            Self::StaleVersion { .. } => RejectCode::StaleVersion,
            Self::NotInElectorate(_) => RejectCode::NotInElectorate,
            Self::DecisionClosed { .. } => RejectCode::DecisionClosed,
            Self::NoVetoPower(_) => RejectCode::NoVetoPower,
            Self::CritiqueNotFound(_) => RejectCode::CritiqueNotFound,
            Self::AmendmentNotFound { .. } => RejectCode::AmendmentNotFound,
            Self::BallotsCast(_) => RejectCode::BallotsCast,
            Self::KeyReused => RejectCode::KeyReused,
            Self::Busy { .. } => RejectCode::Busy,
            Self::Retry { .. } => RejectCode::Retry,
            Self::OutcomeUnknown => RejectCode::OutcomeUnknown,
            Self::StorageFull => RejectCode::StorageFull,
            Self::ServerFull => RejectCode::ServerFull,
            Self::Internal { .. } => RejectCode::Internal,
        }
    }

    /// Whether the same request may succeed later without anybody changing anything.
    #[must_use]
    pub const fn is_temporary(&self) -> bool {
        matches!(
            self,
            Self::Busy { .. }
                | Self::Retry { .. }
                | Self::OutcomeUnknown
                | Self::StorageFull
                | Self::ServerFull
                | Self::MailboxFull { .. }
        )
    }

    /// What only the operator may read.
    #[must_use]
    pub fn detail(&self) -> Option<&str> {
        match self {
            Self::Internal { detail } => Some(detail),
            Self::Busy { queue } => Some(queue),
            Self::Retry { detail } => Some(detail),
            _ => None,
        }
    }

    /// The same refusal, naming a room that the client may not know of as the client named it.
    #[must_use]
    pub fn as_asked(self, room: &RoomId) -> Self {
        match self {
            Self::RoomNotFound(_) => Self::RoomNotFound(room.clone()),
            other => other,
        }
    }

    /// Whether there is room for one more of what is bounded.
    ///
    /// # Errors
    /// [`Reject::RoomFull`] when there is not.
    pub const fn when_full(there: usize, what: &'static str, max: usize) -> Result<(), Self> {
        if there < max {
            return Ok(());
        }
        Err(Self::RoomFull { what, max })
    }

    /// A refusal of one field.
    pub fn field(field: impl Into<String>, why: impl ToString) -> Self {
        Self::InvalidField {
            field: field.into(),
            why: why.to_string(),
        }
    }
}

/// The end of a sentence that offers names.
fn offer(near: &[ClientId]) -> String {
    if near.is_empty() {
        return "; to leave a message for one that will come later, send it with `keep`".to_owned();
    }
    let names: Vec<&str> = near.iter().map(ClientId::as_str).collect();
    format!(
        "; did you mean {}? To leave a message for one that will come later, send it with `keep`",
        names.join(" or ")
    )
}
