//! Reaching the owner of a stream, whatever its kind.

use std::fmt;
use std::sync::{Arc, Weak};

use actix::{Actor, Addr, Context, Handler, Message};
use bridge_core::command::Key;
use bridge_core::id::Incarnation;
use bridge_core::owner::{Answer, Request};
use bridge_core::{Principal, Reject, Seq, SessionId, limits};
use tokio::sync::oneshot;

use super::{Permitted, SessionHandle, tell};
use crate::actors::readers::{Attach, Detach, Readable};
use crate::actors::stream::{
    Answers, Begin, CommandOf, Kind, Look, Release, Reply, StreamActor, Submit,
};
use crate::actors::ticket::Ticket;
use crate::log_writer::{LogHandle, LogPermit, Sink};
use crate::permits::{Permit, Permits};

/// An owner that is awake. Whoever holds one keeps it awake.
pub(in crate::actors) struct StreamHandle<K: Kind>(Arc<StreamShared<K>>);

struct StreamShared<K: Kind> {
    addr: Addr<StreamActor<K>>,
    permits: Permits,
    log: LogHandle,
    shown: K::Shown,
}

impl<K: Kind> Clone for StreamHandle<K> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<K: Kind> fmt::Debug for StreamHandle<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct(K::NAME)
            .field("permits", &self.0.permits)
            .finish_non_exhaustive()
    }
}

/// What an attachment led to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Attached {
    /// Everything after the given position is in the session's outbox, and will be.
    Live,
    /// The owner remembers less than that; read the log up to here first.
    Behind {
        /// The stream's last record.
        head: Seq,
    },
}

impl<K: Kind> StreamHandle<K> {
    pub(in crate::actors) fn new(
        addr: Addr<StreamActor<K>>,
        log: LogHandle,
        shown: K::Shown,
    ) -> Self {
        Self(Arc::new(StreamShared {
            addr,
            permits: Permits::new(K::QUEUE_COMMANDS_MAX, K::QUEUE_BYTES_MAX),
            log,
            shown,
        }))
    }

    /// Whether nobody but the registry and the owner itself holds it, and nothing is under way.
    /// Only meaningful while nobody can get a new one.
    pub(in crate::actors) fn is_unused(&self, known_holders: usize) -> bool {
        Arc::strong_count(&self.0) <= known_holders && self.0.permits.in_use() == 0
    }

    /// Whether its actor has died. Nobody answers there any more.
    pub(in crate::actors) fn is_dead(&self) -> bool {
        !self.0.addr.connected()
    }

    /// Hands in a request. The ticket is answered, whatever happens.
    pub(in crate::actors) fn submit(
        &self,
        command: CommandOf<K>,
        by: Principal,
        key: Option<Key>,
        ticket: Ticket,
    ) {
        if let Some(request) = self.admitted(command, by, key, ticket) {
            tell(&self.0.addr, Submit(request));
        }
    }

    /// A request with its permits, as the owner takes it. Without permits it is refused.
    pub(in crate::actors) fn admitted(
        &self,
        command: CommandOf<K>,
        by: Principal,
        key: Option<Key>,
        mut ticket: Ticket,
    ) -> Option<Request<CommandOf<K>, Ticket>> {
        match self.admit(K::weight_bytes(&command)) {
            Err(reject) => {
                ticket.refuse(reject);
                None
            }
            Ok((own, log)) => {
                ticket.hold(Some(own), log);
                Some(Request {
                    command,
                    by,
                    key,
                    asker: ticket,
                })
            }
        }
    }

    /// A request of the owner's own. Clients that fill its queue do not keep it from what it owes
    /// them; how much it owes is bounded by what they did.
    pub(in crate::actors) fn admitted_own(
        &self,
        command: CommandOf<K>,
        by: Principal,
        mut ticket: Ticket,
    ) -> Option<Request<CommandOf<K>, Ticket>> {
        let bytes = K::weight_bytes(&command);
        let Some(log) = self.0.log.permit(bytes) else {
            ticket.refuse(Reject::Busy { queue: "log" });
            return None;
        };
        ticket.hold(None, log);
        Some(Request {
            command,
            by,
            key: None,
            asker: ticket,
        })
    }

    /// The same, behind what else waits in its queue.
    pub(in crate::actors) fn submit_own(
        &self,
        command: CommandOf<K>,
        by: Principal,
        ticket: Ticket,
    ) {
        if let Some(request) = self.admitted_own(command, by, ticket) {
            tell(&self.0.addr, Submit(request));
        }
    }

    fn admit(&self, bytes: usize) -> Result<(Permit, LogPermit), Reject> {
        let busy = |queue| Reject::Busy { queue };
        let own = self.0.permits.acquire(bytes).ok_or_else(|| busy(K::NAME))?;
        let log = self.0.log.permit(bytes).ok_or_else(|| busy("log"))?;
        Ok((own, log))
    }

    /// Looks at the committed state, and at what its owner has besides.
    pub(in crate::actors) async fn look<T: Send + 'static>(
        &self,
        look: impl FnOnce(&K::State, &K) -> Result<T, Reject> + Send + 'static,
    ) -> Result<T, Reject> {
        let looked = self.ask(|reply| Look {
            look: Box::new(move |seen| {
                reply.send(seen.and_then(|(state, kind)| look(state, kind)));
            }),
        });
        // An owner that is still read may wait for a database that hangs.
        let looked = tokio::time::timeout(limits::ANSWER_WITHIN, looked).await;
        looked.unwrap_or(Err(Reject::Busy { queue: K::NAME }))
    }

    /// Asks for something that needs no record, and waits for the answer.
    pub(super) async fn ask<M, T>(&self, message: impl FnOnce(Reply<T>) -> M) -> Result<T, Reject>
    where
        M: Message<Result = ()> + Send + 'static,
        StreamActor<K>: Actor<Context = Context<StreamActor<K>>> + Handler<M>,
    {
        let answer = self.asking(message)?;
        answer.await.unwrap_or(Err(Reject::Retry {
            detail: "the owner of the stream went away",
        }))
    }

    /// The same, without waiting.
    pub(super) fn asking<M, T>(
        &self,
        message: impl FnOnce(Reply<T>) -> M,
    ) -> Result<oneshot::Receiver<Result<T, Reject>>, Reject>
    where
        M: Message<Result = ()> + Send + 'static,
        StreamActor<K>: Actor<Context = Context<StreamActor<K>>> + Handler<M>,
    {
        let permit = self.permit().ok_or(Reject::Busy { queue: K::NAME })?;
        let (sender, receiver) = oneshot::channel();
        tell(&self.0.addr, message(Reply::new(sender, permit)));
        Ok(receiver)
    }

    /// It was held back, and gets another chance.
    pub(super) fn release(&self) {
        match self.permit() {
            Some(permit) => tell(&self.0.addr, Permitted::new(Release, permit)),
            // Whatever fills its queue lets it find out by itself.
            None => tracing::debug!("a busy {} was not told that it may go on", K::NAME),
        }
    }

    /// A place in its queue for something that holds no bytes.
    pub(super) fn permit(&self) -> Option<Permit> {
        self.0.permits.acquire(0)
    }

    pub(super) fn addr(&self) -> &Addr<StreamActor<K>> {
        &self.0.addr
    }

    /// What it shows without being asked.
    pub(in crate::actors) fn shown(&self) -> &K::Shown {
        &self.0.shown
    }

    pub(in crate::actors) fn begin(&self) {
        let handle = WeakStreamHandle(Arc::downgrade(&self.0));
        tell(&self.0.addr, Begin { handle });
    }

    pub(in crate::actors) fn sink(
        addr: Addr<StreamActor<K>>,
        incarnation: Incarnation,
    ) -> Arc<dyn Sink> {
        Arc::new(StreamSink { addr, incarnation })
    }
}

impl<K: Readable> StreamHandle<K> {
    /// Makes a session live after a position, if the owner remembers that far back.
    ///
    /// # Errors
    /// When the session's client may not read the stream, or the owner cannot take more requests.
    pub(in crate::actors) async fn attach(
        &self,
        session: SessionHandle,
        after: Seq,
    ) -> Result<Attached, Reject> {
        self.ask(|reply| Attach {
            session,
            after,
            reply,
        })
        .await
    }

    /// Ends what [`StreamHandle::attach`] began.
    pub(in crate::actors) fn detach(&self, session: SessionId) {
        let Some(permit) = self.permit() else {
            // The owner finds out by itself when it has something to tell that session.
            tracing::debug!(%session, "a busy {} was not told of a session's end", K::NAME);
            return;
        };
        tell(&self.0.addr, Permitted::new(Detach { session }, permit));
    }

    /// Waits until the stream has a record after this position.
    pub(in crate::actors) async fn wait_for_record_after(&self, seq: Seq) {
        let mut head = self.0.shown.clone();
        if head.wait_for(|head| *head > seq).await.is_err() {
            // The owner has gone; whoever waits looks again and finds out why.
            tracing::debug!("a {} went away while somebody waited for it", K::NAME);
        }
    }
}

/// An owner's own handle on itself, which does not keep it awake.
pub(in crate::actors) struct WeakStreamHandle<K: Kind>(Weak<StreamShared<K>>);

impl<K: Kind> Clone for WeakStreamHandle<K> {
    fn clone(&self) -> Self {
        Self(Weak::clone(&self.0))
    }
}

impl<K: Kind> WeakStreamHandle<K> {
    pub(in crate::actors) fn upgrade(&self) -> Option<StreamHandle<K>> {
        self.0.upgrade().map(StreamHandle)
    }
}

/// Brings the log's answers to the life of the owner that asked.
struct StreamSink<K: Kind> {
    addr: Addr<StreamActor<K>>,
    incarnation: Incarnation,
}

impl<K: Kind> Sink for StreamSink<K> {
    fn answered(&self, answers: Vec<Answer>) {
        let incarnation = self.incarnation;
        // As many as there are requests in flight, each of which holds a permit.
        let answers = Answers {
            incarnation,
            answers,
        };
        tell(&self.addr, answers);
    }
}
