//! What a room is told, and what it makes of it.

use actix::{Context, Handler, Message};
use bridge_core::command::{Key, RoomCommand};
use bridge_core::id::Incarnation;
use bridge_core::owner::Answer;
use bridge_core::room::Room;
use bridge_core::{Principal, Reject, Seq, SessionId};
use tokio::sync::oneshot;

use super::RoomActor;
use crate::actors::handle::{Attached, IsOnline, Permitted, SessionHandle, WeakRoomHandle};
use crate::actors::ticket::Ticket;
use crate::permits::Permit;

/// Where an answer goes that is not a ticket's, with the permit under which it was asked.
#[derive(Debug)]
pub(in crate::actors) struct Reply<T> {
    sender: oneshot::Sender<Result<T, Reject>>,
    _permit: Permit,
}

impl<T> Reply<T> {
    pub(in crate::actors) const fn new(
        sender: oneshot::Sender<Result<T, Reject>>,
        permit: Permit,
    ) -> Self {
        Self {
            sender,
            _permit: permit,
        }
    }

    pub(in crate::actors) fn send(self, answer: Result<T, Reject>) {
        // Who no longer waits needs no answer.
        drop(self.sender.send(answer));
    }
}

/// Know thyself: comes once, right after the start.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub(in crate::actors) struct Begin {
    pub(in crate::actors) handle: WeakRoomHandle,
}

/// A request.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub(in crate::actors) struct Submit {
    pub(in crate::actors) command: RoomCommand,
    pub(in crate::actors) by: Principal,
    pub(in crate::actors) key: Option<Key>,
    pub(in crate::actors) ticket: Ticket,
}

/// Answers of the log to one life of the owner.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub(in crate::actors) struct Answers {
    pub(in crate::actors) incarnation: Incarnation,
    pub(in crate::actors) answers: Vec<Answer>,
}

/// A session wants to be live.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub(in crate::actors) struct Attach {
    pub(in crate::actors) session: SessionHandle,
    pub(in crate::actors) after: Seq,
    pub(in crate::actors) reply: Reply<Attached>,
}

/// A session is gone.
#[derive(Debug)]
pub(in crate::actors) struct Detach {
    pub(in crate::actors) session: SessionId,
}

/// Somebody wants to look at the committed room.
#[derive(Message)]
#[rtype(result = "()")]
pub(in crate::actors) struct Look {
    pub(in crate::actors) look: LookAt,
}

/// What somebody sees who looks, or why nothing.
pub(in crate::actors) type Seen<'a> = Result<(&'a Room, IsOnline<'a>), Reject>;

/// What somebody does who looks; it answers them.
pub(in crate::actors) type LookAt = Box<dyn FnOnce(Seen<'_>) + Send>;

impl Handler<Begin> for RoomActor {
    type Result = ();

    fn handle(&mut self, message: Begin, _: &mut Context<Self>) {
        self.own = Some(message.handle);
    }
}

impl Handler<Submit> for RoomActor {
    type Result = ();

    fn handle(&mut self, message: Submit, ctx: &mut Context<Self>) {
        self.is_touched = true;
        self.guarded(ctx, |actor, ctx| actor.take(message, ctx));
    }
}

impl Handler<Answers> for RoomActor {
    type Result = ();

    fn handle(&mut self, message: Answers, ctx: &mut Context<Self>) {
        if message.incarnation != self.life.incarnation {
            // An earlier life asked; those who waited for it were told when it ended.
            return;
        }
        self.guarded(ctx, |actor, ctx| {
            actor.with_owner(ctx, |owner, now, effects| {
                for answer in message.answers {
                    owner.answered(answer, now, effects);
                }
            });
        });
    }
}

impl Handler<Attach> for RoomActor {
    type Result = ();

    fn handle(&mut self, message: Attach, ctx: &mut Context<Self>) {
        self.is_touched = true;
        if self.is_quarantined {
            let reject = Reject::RoomQuarantined(self.room_id().clone());
            return message.reply.send(Err(reject));
        }
        if self.owner.is_loading() {
            self.attaching.push(message);
        } else {
            self.guarded(ctx, |actor, ctx| actor.attach(message, ctx));
        }
    }
}

impl Handler<Permitted<Detach>> for RoomActor {
    type Result = ();

    fn handle(&mut self, Permitted { message, .. }: Permitted<Detach>, ctx: &mut Context<Self>) {
        self.is_touched = true;
        if let Some(gone) = self.subscribers.remove(message.session) {
            self.presence_changed(gone.client().clone(), ctx);
        }
    }
}

impl Handler<Look> for RoomActor {
    type Result = ();

    fn handle(&mut self, message: Look, ctx: &mut Context<Self>) {
        self.is_touched = true;
        if self.is_quarantined {
            return (message.look)(Err(Reject::RoomQuarantined(self.room_id().clone())));
        }
        if self.owner.is_loading() {
            self.looking.push(message);
        } else {
            self.guarded(ctx, |actor, _| actor.look(message));
        }
    }
}
