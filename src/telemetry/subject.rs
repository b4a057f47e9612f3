//! What a request that sends something is about, for whoever measures or follows it.

use bridge_core::command::RoomCommand;
use bridge_core::message::{Outgoing, Recipients};
use bridge_core::{ChannelName, ClientId, MessageId, Principal, RoomId};

/// A message that somebody sends. It has no text: what is measured or followed never has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subject {
    /// The id under which it is stored, unless it was before.
    pub message: MessageId,
    /// Who sends it.
    pub from: ClientId,
    /// To whom.
    pub to: To,
    /// The message that it answers.
    pub reply_to: Option<MessageId>,
}

/// To whom a message goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum To {
    /// One client.
    Client(ClientId),
    /// Several clients.
    Several,
    /// All clients.
    All,
    /// A room, in one of its channels.
    Room(RoomId, ChannelName),
}

impl Subject {
    /// What it is to send a message.
    #[must_use]
    pub fn of_message(message: &Outgoing, by: &Principal) -> Self {
        let to = match &message.to {
            Recipients::All => To::All,
            Recipients::Clients(list) => match &list[..] {
                [one] => To::Client(one.clone()),
                _ => To::Several,
            },
        };
        Self {
            message: message.id,
            from: by.client().clone(),
            to,
            reply_to: message.reply_to,
        }
    }

    /// What it is to post in a room; nothing else that is asked of a room sends anything.
    #[must_use]
    pub fn of_command(room: &RoomId, command: &RoomCommand, by: &Principal) -> Option<Self> {
        let RoomCommand::Post(post) = command else {
            return None;
        };
        Some(Self {
            message: post.id,
            from: by.client().clone(),
            to: To::Room(room.clone(), post.channel.clone()),
            reply_to: post.reply_to,
        })
    }
}
