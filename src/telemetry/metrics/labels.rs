//! The values of labels: a few words each, and nothing that users name.

use bridge_core::Reject;
use bridge_core::command::RoomCommand;

use crate::wire::codes;

/// To whom a message goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MessageKind {
    /// One client, or several.
    Direct,
    /// All clients.
    Broadcast,
    /// A room.
    Room,
}

impl MessageKind {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Direct, Self::Broadcast, Self::Room];

    pub(super) const fn word(self) -> &'static str {
        match self {
            Self::Direct => "direct",
            Self::Broadcast => "broadcast",
            Self::Room => "room",
        }
    }
}

/// What came of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MessageOutcome {
    /// It is durable.
    Stored,
    /// It was already: this was a repeat.
    Duplicate,
    /// It is not, or nobody knows.
    Refused,
}

impl MessageOutcome {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Stored, Self::Duplicate, Self::Refused];

    pub(in crate::telemetry) const fn word(self) -> &'static str {
        match self {
            Self::Stored => "stored",
            Self::Duplicate => "duplicate",
            Self::Refused => "refused",
        }
    }
}

/// How clients are connected for long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Transport {
    /// A WebSocket.
    Ws,
    /// A stream of server-sent events.
    Sse,
}

impl Transport {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::Ws, Self::Sse];

    pub(super) const fn word(self) -> &'static str {
        match self {
            Self::Ws => "ws",
            Self::Sse => "sse",
        }
    }
}

/// What somebody showed who was not let in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shown {
    /// Neither a token nor a ticket.
    Nothing,
    /// A token that is not good, or not any more.
    Token,
    /// A ticket that is not good, or not any more.
    Ticket,
}

impl Shown {
    /// All of them.
    pub(super) const ALL: [Self; 3] = [Self::Nothing, Self::Token, Self::Ticket];

    pub(super) const fn word(self) -> &'static str {
        match self {
            Self::Nothing => "no_token",
            Self::Token => "bad_token",
            Self::Ticket => "bad_ticket",
        }
    }
}

/// What is asked of the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operation {
    /// To make a room.
    CreateRoom,
    /// To become a member.
    Join,
    /// To be one no longer.
    Leave,
    /// To close a room.
    CloseRoom,
    /// To give somebody a role.
    Grant,
    /// To remove somebody.
    Remove,
    /// To make a channel.
    CreateChannel,
    /// To post in a room.
    Post,
    /// To change a room's policy.
    SetPolicy,
    /// To propose, to vote, and whatever else is done about motions and critiques: each by itself would
    /// be too many series.
    Decide,
    /// To send a message to one or several.
    Send,
    /// To send one to all.
    Broadcast,
    /// To say how far one has come with a message.
    Acknowledge,
    /// To read something from the store, for whatever that is needed.
    Read,
}

impl Operation {
    /// All of them.
    pub const ALL: [Self; 14] = [
        Self::CreateRoom,
        Self::Join,
        Self::Leave,
        Self::CloseRoom,
        Self::Grant,
        Self::Remove,
        Self::CreateChannel,
        Self::Post,
        Self::SetPolicy,
        Self::Decide,
        Self::Send,
        Self::Broadcast,
        Self::Acknowledge,
        Self::Read,
    ];

    pub(super) const fn word(self) -> &'static str {
        match self {
            Self::CreateRoom => "create_room",
            Self::Join => "join",
            Self::Leave => "leave",
            Self::CloseRoom => "close_room",
            Self::Grant => "grant",
            Self::Remove => "remove",
            Self::CreateChannel => "create_channel",
            Self::Post => "post",
            Self::SetPolicy => "set_policy",
            Self::Decide => "decide",
            Self::Send => "send",
            Self::Broadcast => "broadcast",
            Self::Acknowledge => "acknowledge",
            Self::Read => "read",
        }
    }

    /// As what kind of message its outcome counts, if it is one.
    pub(super) const fn sends(self) -> Option<MessageKind> {
        match self {
            Self::Post => Some(MessageKind::Room),
            Self::Send => Some(MessageKind::Direct),
            Self::Broadcast => Some(MessageKind::Broadcast),
            _ => None,
        }
    }
}

impl From<&RoomCommand> for Operation {
    fn from(command: &RoomCommand) -> Self {
        match command {
            RoomCommand::Create(_) => Self::CreateRoom,
            RoomCommand::Join(_) => Self::Join,
            RoomCommand::Leave => Self::Leave,
            RoomCommand::Close(_) => Self::CloseRoom,
            RoomCommand::Grant(_) => Self::Grant,
            RoomCommand::Remove(_) => Self::Remove,
            RoomCommand::CreateChannel(_) => Self::CreateChannel,
            RoomCommand::Post(_) => Self::Post,
            RoomCommand::SetPolicy(_) => Self::SetPolicy,
            RoomCommand::Propose(_)
            | RoomCommand::Vote(_)
            | RoomCommand::Amend(_)
            | RoomCommand::Adopt(_)
            | RoomCommand::Critique(_)
            | RoomCommand::Resolve(_)
            | RoomCommand::Waive(_)
            | RoomCommand::Argue(_)
            | RoomCommand::Withdraw(_)
            | RoomCommand::Conclude => Self::Decide,
        }
    }
}

/// How a request ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ended {
    /// As it should.
    Ok,
    /// It cannot be done as it was asked.
    Refused,
    /// The server could not do it now.
    Failed,
}

impl Ended {
    /// All of them.
    pub(super) const ALL: [Self; 3] = [Self::Ok, Self::Refused, Self::Failed];

    pub(super) const fn word(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Refused => "refused",
            Self::Failed => "failed",
        }
    }
}

impl From<&Reject> for Ended {
    /// Whose fault it was is what the status of HTTP says.
    fn from(reject: &Reject) -> Self {
        match codes::reject(reject.code()).http {
            500.. => Self::Failed,
            _ => Self::Refused,
        }
    }
}
