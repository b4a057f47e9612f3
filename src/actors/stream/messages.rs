//! What the owner of a stream is told, whatever its kind.

use actix::{Context, Handler, Message};
use bridge_core::Reject;
use bridge_core::id::Incarnation;
use bridge_core::owner::{Answer, Request};
use tokio::sync::oneshot;

use super::{CommandOf, Kind, StreamActor};
use crate::actors::handle::{Permitted, WeakStreamHandle};
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
#[derive(Message)]
#[rtype(result = "()")]
pub(in crate::actors) struct Begin<K: Kind> {
    pub(in crate::actors) handle: WeakStreamHandle<K>,
}

/// A request.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub(in crate::actors) struct Submit<C>(pub(in crate::actors) Request<C, Ticket>);

/// Answers of the log to one life of the owner.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub(in crate::actors) struct Answers {
    pub(in crate::actors) incarnation: Incarnation,
    pub(in crate::actors) answers: Vec<Answer>,
}

/// It was held back, and gets another chance.
#[derive(Debug)]
pub(in crate::actors) struct Release;

/// Somebody wants to look at the committed state.
#[derive(Message)]
#[rtype(result = "()")]
pub(in crate::actors) struct Look<K: Kind> {
    pub(in crate::actors) look: LookAt<K>,
}

/// What somebody sees who looks, or why nothing.
pub(in crate::actors) type Seen<'a, K> = Result<(&'a <K as Kind>::State, &'a K), Reject>;

/// What somebody does who looks; it answers them.
pub(in crate::actors) type LookAt<K> = Box<dyn FnOnce(Seen<'_, K>) + Send>;

impl<K: Kind> Handler<Begin<K>> for StreamActor<K> {
    type Result = ();

    fn handle(&mut self, message: Begin<K>, _: &mut Context<Self>) {
        self.own = Some(message.handle);
    }
}

impl<K: Kind> Handler<Submit<CommandOf<K>>> for StreamActor<K> {
    type Result = ();

    fn handle(&mut self, Submit(request): Submit<CommandOf<K>>, ctx: &mut Context<Self>) {
        self.touch();
        self.share_the_thread(ctx);
        self.go_on_if_released(ctx);
        if self.is_quarantined {
            return request.asker.refuse(K::quarantined(&self.stream));
        }
        self.guarded("submit", ctx, |actor, ctx| actor.take(request, ctx));
    }
}

impl<K: Kind> Handler<Answers> for StreamActor<K> {
    type Result = ();

    fn handle(&mut self, message: Answers, ctx: &mut Context<Self>) {
        self.share_the_thread(ctx);
        if message.incarnation != self.life.incarnation {
            // An earlier life asked; those who waited for it were told when it ended.
            return;
        }
        self.round = self.under_way.answered(&message.answers);
        self.guarded("answers", ctx, |actor, ctx| {
            actor.with_owner(ctx, |owner, now, effects| {
                for answer in message.answers {
                    owner.answered(answer, now, effects);
                }
            });
        });
        self.round = None;
    }
}

impl<K: Kind> Handler<Look<K>> for StreamActor<K> {
    type Result = ();

    fn handle(&mut self, message: Look<K>, ctx: &mut Context<Self>) {
        match self.asked(ctx) {
            Readiness::HeldBack(reject) => (message.look)(Err(reject)),
            Readiness::Loading => self.looking.push(message),
            Readiness::Ready => self.guarded("look", ctx, |actor, _| actor.look(message)),
        }
    }
}

impl<K: Kind> Handler<Permitted<Release>> for StreamActor<K> {
    type Result = ();

    fn handle(&mut self, _: Permitted<Release>, ctx: &mut Context<Self>) {
        self.go_on_if_released(ctx);
    }
}

/// Whether an owner can be asked for something that needs its state.
pub(in crate::actors) enum Readiness {
    /// It is quarantined.
    HeldBack(Reject),
    /// Its state is being read.
    Loading,
    /// Here it is.
    Ready,
}

impl<K: Kind> StreamActor<K> {
    /// Somebody wants something, so it does not go to sleep yet.
    pub(in crate::actors) const fn touch(&mut self) {
        self.is_touched = true;
    }

    /// Notes that somebody wants something that is not for the log, and says whether they can have
    /// it now.
    pub(in crate::actors) fn asked(&mut self, ctx: &mut Context<Self>) -> Readiness {
        self.touch();
        self.go_on_if_released(ctx);
        if self.is_quarantined {
            Readiness::HeldBack(K::quarantined(&self.stream))
        } else if self.owner.is_loading() {
            Readiness::Loading
        } else {
            Readiness::Ready
        }
    }
}
