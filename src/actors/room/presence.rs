//! Who is there, told a little later.
//!
//! Changes gather for a moment, so that a reconnect is not news, and only a few are told in one
//! round. In a large room nothing is pushed at all: everybody's coming told to everybody is the
//! square of the members. There it is read, with the room's members.

use std::collections::{BTreeSet, HashSet};

use actix::{AsyncContext, Context};
use bridge_core::{ClientId, limits};

use super::RoomActor;
use crate::wire::encode;

/// What was told of who is there, and what has changed since.
#[derive(Debug, Default)]
pub(super) struct Presence {
    told_online: HashSet<ClientId>,
    changed: BTreeSet<ClientId>,
    is_due: bool,
}

impl RoomActor {
    /// A client has come or gone, perhaps.
    pub(super) fn presence_changed(&mut self, client: ClientId, ctx: &mut Context<Self>) {
        self.kind.presence.changed.insert(client);
        if !self.kind.presence.is_due {
            self.kind.presence.is_due = true;
            ctx.run_later(limits::PRESENCE_EVERY, Self::tell_presence);
        }
    }

    fn tell_presence(&mut self, ctx: &mut Context<Self>) {
        self.kind.presence.is_due = false;
        let mut told = 0;
        while told < limits::PRESENCE_CHANGES_MAX {
            let Some(client) = self.kind.presence.changed.pop_first() else {
                return;
            };
            told += usize::from(self.tell_presence_of(&client));
        }
        if !self.kind.presence.changed.is_empty() {
            self.kind.presence.is_due = true;
            ctx.run_later(limits::PRESENCE_EVERY, Self::tell_presence);
        }
    }

    /// Whether there was something to tell.
    fn tell_presence_of(&mut self, client: &ClientId) -> bool {
        let online = self.kind.is_online(client);
        let known = if online {
            !self.kind.presence.told_online.insert(client.clone())
        } else {
            !self.kind.presence.told_online.remove(client)
        };
        if known || self.kind.readers.subscribers.len() > limits::PRESENCE_SESSIONS_MAX {
            return false;
        }
        let frame = encode::presence(client, online, self.room_id());
        for session in self
            .kind
            .readers
            .subscribers
            .iter()
            .filter(|session| session.client() != client)
        {
            if session.outbox().push([frame.clone()]).is_err() {
                tracing::trace!(session = %session.id(), "a session that is going away");
            }
        }
        true
    }
}
