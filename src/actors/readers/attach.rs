//! Sessions that come to read a stream, and go.

use actix::{Context, Handler, Message};
use bridge_core::{ClientId, Reject, Seq, SessionId};
use tokio::sync::watch;

use super::{News, Readers};
use crate::actors::handle::{Attached, Permitted, SessionHandle};
use crate::actors::stream::{Kind, Readiness, Reply, StreamActor};
use crate::telemetry::metrics::MessageKind;

/// A kind of stream that sessions read as it goes on. Its handles show its head.
pub(in crate::actors) trait Readable: Kind<Shown = watch::Receiver<Seq>> {
    /// What its records count as.
    const MESSAGES: MessageKind;

    /// Its readers.
    fn readers(&mut self) -> &mut Readers;

    /// Whether somebody may read the stream.
    ///
    /// # Errors
    /// What they are told who may not.
    fn may_read(state: &Self::State, client: &ClientId) -> Result<(), Reject>;

    /// A session of a client is told everything from now on, or nothing any more.
    fn came_or_went(
        actor: &mut StreamActor<Self>,
        client: &ClientId,
        ctx: &mut Context<StreamActor<Self>>,
    );
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

impl<K: Readable> Handler<Attach> for StreamActor<K> {
    type Result = ();

    fn handle(&mut self, message: Attach, ctx: &mut Context<Self>) {
        match self.asked(ctx) {
            Readiness::HeldBack(reject) => message.reply.send(Err(reject)),
            Readiness::Loading => self.kind.readers().attaching.push(message),
            Readiness::Ready => {
                self.guarded("attach", ctx, |actor, ctx| actor.attach(message, ctx))
            }
        }
    }
}

impl<K: Readable> Handler<Permitted<Detach>> for StreamActor<K> {
    type Result = ();

    fn handle(&mut self, Permitted { message, .. }: Permitted<Detach>, ctx: &mut Context<Self>) {
        self.touch();
        self.guarded("detach", ctx, |actor, ctx| {
            if let Some(gone) = actor.kind.readers().subscribers.remove(message.session) {
                K::came_or_went(actor, gone.client(), ctx);
            }
        });
    }
}

impl<K: Readable> StreamActor<K> {
    /// Makes a session live, if its client may read the stream and the tail reaches back far enough.
    fn attach(&mut self, attach: Attach, ctx: &mut Context<Self>) {
        let Attach {
            session,
            after,
            reply,
        } = attach;
        if let Err(reject) = K::may_read(self.state(), session.client()) {
            return reply.send(Err(reject));
        }
        let now = self.bridge.clock().now();
        let readers = self.kind.readers();
        if readers.subscribers.has(session.id()) {
            return reply.send(Ok(Attached::Live));
        }
        let client = session.client().clone();
        let attached = readers.attach(session, after, now);
        let is_live = attached == Ok(Attached::Live);
        reply.send(attached);
        if is_live {
            K::came_or_went(self, &client, ctx);
        }
    }

    /// Those who came while the state was being read.
    pub(in crate::actors) fn attach_waiting(&mut self, ctx: &mut Context<Self>) {
        for waiting in std::mem::take(&mut self.kind.readers().attaching) {
            self.attach(waiting, ctx);
        }
    }

    /// Tells everybody what has gathered.
    pub(in crate::actors) fn tell_news(&mut self, news: Vec<News>, ctx: &mut Context<Self>) {
        let first = news.first().map(|news| news.seq);
        let accepted = first.and_then(|first| self.accepted(K::MESSAGES, first));
        for gone in self.kind.readers().tell(news, accepted) {
            K::came_or_went(self, gone.client(), ctx);
        }
    }
}
