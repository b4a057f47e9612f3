//! How actors are reached: methods, never addresses.
//!
//! This is the only place that sends to an actor. `do_send` ignores the mailbox's bound, so each
//! message carries a permit, or is one of a few that its receiver itself asked for.

mod broadcast;
mod mailbox;
mod room;
mod session;
mod stream;

use actix::{Actor, Addr, Context, Handler, Message};

use crate::permits::Permit;

pub(super) use broadcast::BroadcastHandle;
pub(super) use mailbox::MailboxHandle;
pub use room::RoomHandle;
pub(super) use session::Attachment;
pub use session::SessionHandle;
pub use stream::Attached;
pub(super) use stream::{StreamHandle, WeakStreamHandle};

/// A message with the permit under which it was sent.
#[derive(Debug)]
pub(super) struct Permitted<M> {
    pub(super) message: M,
    _permit: Permit,
}

impl<M> Permitted<M> {
    const fn new(message: M, permit: Permit) -> Self {
        Self {
            message,
            _permit: permit,
        }
    }
}

impl<M> Message for Permitted<M> {
    type Result = ();
}

/// Sends to an actor, dead or alive: what a dead one drops answers by itself.
#[expect(
    clippy::disallowed_methods,
    reason = "this is the one place; what is sent is bounded by permits"
)]
fn tell<A, M>(addr: &Addr<A>, message: M)
where
    A: Actor<Context = Context<A>> + Handler<M>,
    M: Message<Result = ()> + Send + 'static,
{
    addr.do_send(message);
}
