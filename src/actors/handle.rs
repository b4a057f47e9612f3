//! How actors are reached: methods, never addresses.
//!
//! This is the only place that sends to an actor. `do_send` ignores the mailbox's bound, so each
//! message carries a permit, or is one of a few that its receiver itself asked for.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use actix::{Actor, Addr, Context, Handler, Message};
use bridge_core::command::{Key, RoomCommand};
use bridge_core::id::Incarnation;
use bridge_core::owner::Answer;
use bridge_core::room::{Room, RoomView};
use bridge_core::session::CloseReason;
use bridge_core::text::PasswordHash;
use bridge_core::{ClientId, Principal, Reject, RoomId, Seq, SessionId, limits};
use bytes::Bytes;
use tokio::sync::{oneshot, watch};

use super::outbox::Outbox;
use super::room::{self, RoomActor};
use super::session::{self, SessionActor};
use super::ticket::Ticket;
use crate::log_writer::{LogHandle, LogPermit, Sink};
use crate::permits::{Permit, Permits};

/// Says whether a client has a session in a room.
pub(super) type IsOnline<'a> = &'a dyn Fn(&ClientId) -> bool;

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

/// A room that is awake. Whoever holds one keeps it awake.
#[derive(Debug, Clone)]
pub struct RoomHandle(Arc<RoomShared>);

#[derive(Debug)]
struct RoomShared {
    addr: Addr<RoomActor>,
    permits: Permits,
    log: LogHandle,
    head: watch::Receiver<Seq>,
}

/// What an attachment led to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Attached {
    /// Everything after the given position is in the session's outbox, and will be.
    Live,
    /// The room remembers less than that; read the log up to here first.
    Behind {
        /// The room's last record.
        head: Seq,
    },
}

impl RoomHandle {
    pub(super) fn new(addr: Addr<RoomActor>, log: LogHandle, head: watch::Receiver<Seq>) -> Self {
        let permits = Permits::new(
            limits::ROOM_QUEUE_COMMANDS_MAX,
            limits::ROOM_QUEUE_BYTES_MAX,
        );
        Self(Arc::new(RoomShared {
            addr,
            permits,
            log,
            head,
        }))
    }

    /// Whether nobody but the registry and the room itself holds it, and nothing is under way.
    /// Only meaningful while nobody can get a new one.
    pub(super) fn is_unused(&self, known_holders: usize) -> bool {
        Arc::strong_count(&self.0) <= known_holders && self.0.permits.in_use() == 0
    }

    /// Whether its actor has died. Nobody answers there any more.
    pub(super) fn is_dead(&self) -> bool {
        !self.0.addr.connected()
    }

    /// Hands in a request. The ticket is answered, whatever happens.
    pub fn submit(
        &self,
        command: RoomCommand,
        by: Principal,
        key: Option<Key>,
        mut ticket: Ticket,
    ) {
        let bytes = command.weight_bytes();
        match self.admit(bytes) {
            Err(reject) => ticket.refuse(reject),
            Ok((room, log)) => {
                ticket.hold(room, log);
                let submit = room::Submit {
                    command,
                    by,
                    key,
                    ticket,
                };
                tell(&self.0.addr, submit);
            }
        }
    }

    fn admit(&self, bytes: usize) -> Result<(Permit, LogPermit), Reject> {
        let busy = |queue| Reject::Busy { queue };
        let room = self.0.permits.acquire(bytes).ok_or_else(|| busy("room"))?;
        let log = self.0.log.permit(bytes).ok_or_else(|| busy("log"))?;
        Ok((room, log))
    }

    /// Makes a session live after a position, if the room remembers that far back.
    ///
    /// # Errors
    /// When the session's client is no member, or the room cannot take more requests.
    pub async fn attach(&self, session: SessionHandle, after: Seq) -> Result<Attached, Reject> {
        self.ask(|reply| room::Attach {
            session,
            after,
            reply,
        })
        .await
    }

    /// Ends what [`RoomHandle::attach`] began.
    pub fn detach(&self, session: SessionId) {
        let Some(permit) = self.0.permits.acquire(0) else {
            // The room finds out by itself when it has something to tell that session.
            tracing::debug!(%session, "a busy room was not told of a session's end");
            return;
        };
        tell(
            &self.0.addr,
            Permitted::new(room::Detach { session }, permit),
        );
    }

    /// What a principal may see of the room.
    ///
    /// # Errors
    /// When it may not know that there is one.
    pub async fn view(&self, by: Principal) -> Result<RoomView, Reject> {
        self.look(move |room, is_online| room.view(&by, is_online))
            .await
    }

    /// The room's last record, for a member.
    ///
    /// # Errors
    /// When the principal is none, or may not know that there is such a room.
    pub async fn head_for_member(&self, by: Principal) -> Result<Seq, Reject> {
        self.look(move |room, _| {
            if room.is_member(by.client()) {
                return Ok(room.head());
            }
            Err(room.stranger(&by))
        })
        .await
    }

    /// The hash of the room's password, to verify a password against; for a client that may see
    /// the room.
    ///
    /// # Errors
    /// When the client may not know that there is such a room.
    pub async fn password(&self, by: Principal) -> Result<Option<PasswordHash>, Reject> {
        self.look(move |room, _| {
            if room.is_visible_to(&by) {
                return Ok(room.password().cloned());
            }
            Err(room.stranger(&by))
        })
        .await
    }

    /// Looks at the committed room.
    async fn look<T: Send + 'static>(
        &self,
        look: impl FnOnce(&Room, IsOnline<'_>) -> Result<T, Reject> + Send + 'static,
    ) -> Result<T, Reject> {
        self.ask(|reply| room::Look {
            look: Box::new(move |seen| {
                reply.send(seen.and_then(|(room, is_online)| look(room, is_online)));
            }),
        })
        .await
    }

    async fn ask<M, T>(&self, message: impl FnOnce(room::Reply<T>) -> M) -> Result<T, Reject>
    where
        M: Message<Result = ()> + Send + 'static,
        RoomActor: Handler<M>,
    {
        let permit = self
            .0
            .permits
            .acquire(0)
            .ok_or(Reject::Busy { queue: "room" })?;
        let (sender, receiver) = oneshot::channel();
        tell(&self.0.addr, message(room::Reply::new(sender, permit)));
        receiver.await.unwrap_or(Err(Reject::Retry {
            detail: "the room went away",
        }))
    }

    /// Waits until the room has a record after this position.
    pub async fn wait_for_record_after(&self, seq: Seq) {
        let mut head = self.0.head.clone();
        if head.wait_for(|head| *head > seq).await.is_err() {
            // The room has gone; whoever waits looks again and finds out why.
            tracing::debug!("a room went away while somebody waited for it");
        }
    }

    pub(super) fn begin(&self) {
        let handle = self.downgrade();
        tell(&self.0.addr, room::Begin { handle });
    }

    fn downgrade(&self) -> WeakRoomHandle {
        WeakRoomHandle(Arc::downgrade(&self.0))
    }

    pub(super) fn sink(addr: Addr<RoomActor>, incarnation: Incarnation) -> Arc<dyn Sink> {
        Arc::new(RoomSink { addr, incarnation })
    }
}

/// A room's own handle on itself, which does not keep it awake.
#[derive(Debug, Clone)]
pub(super) struct WeakRoomHandle(std::sync::Weak<RoomShared>);

impl WeakRoomHandle {
    pub(super) fn upgrade(&self) -> Option<RoomHandle> {
        self.0.upgrade().map(RoomHandle)
    }
}

/// Brings the log's answers to the life of the room that asked.
struct RoomSink {
    addr: Addr<RoomActor>,
    incarnation: Incarnation,
}

impl Sink for RoomSink {
    fn answered(&self, answers: Vec<Answer>) {
        let incarnation = self.incarnation;
        // As many as there are requests in flight, each of which holds a permit.
        let answers = room::Answers {
            incarnation,
            answers,
        };
        tell(&self.addr, answers);
    }
}

/// A live session.
#[derive(Debug, Clone)]
pub struct SessionHandle(Arc<SessionShared>);

#[derive(Debug)]
struct SessionShared {
    id: SessionId,
    client: ClientId,
    outbox: Outbox,
    notices: Permits,
    attaching: Mutex<Vec<RoomHandle>>,
    addr: Addr<SessionActor>,
}

impl SessionHandle {
    pub(super) fn new(
        id: SessionId,
        client: ClientId,
        outbox: Outbox,
        addr: Addr<SessionActor>,
    ) -> Self {
        Self(Arc::new(SessionShared {
            id,
            client,
            outbox,
            notices: Permits::new(limits::SESSION_NOTICES_MAX, 0),
            attaching: Mutex::default(),
            addr,
        }))
    }

    /// The session.
    #[must_use]
    pub fn id(&self) -> SessionId {
        self.0.id
    }

    /// Whose it is.
    #[must_use]
    pub fn client(&self) -> &ClientId {
        &self.0.client
    }

    /// What waits for its socket.
    #[must_use]
    pub fn outbox(&self) -> &Outbox {
        &self.0.outbox
    }

    /// Notes a room that the session is about to be live in, so that a session that ends before
    /// its actor knows of it leaves that room too.
    pub(super) fn note_attaching(&self, room: RoomHandle) {
        self.attaching().push(room);
    }

    /// The rooms noted since the last call.
    pub(super) fn take_attaching(&self) -> Vec<RoomHandle> {
        std::mem::take(&mut *self.attaching())
    }

    fn attaching(&self) -> MutexGuard<'_, Vec<RoomHandle>> {
        // A list is a list, whoever panicked beside it.
        self.0
            .attaching
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// Sends an answer. A session that is going away needs none.
    pub fn reply(&self, frame: Bytes) {
        if self.0.outbox.reply(frame).is_err() {
            tracing::trace!(session = %self.0.id, "an answer came after the session's end");
        }
    }

    /// Tells the session something that it must not miss; one that is too busy to hear it is ended.
    fn notify<M>(&self, notice: M)
    where
        M: Send + 'static,
        SessionActor: Handler<Permitted<M>>,
    {
        match self.0.notices.acquire(0) {
            Some(permit) => tell(&self.0.addr, Permitted::new(notice, permit)),
            None => self.0.outbox.overflow(),
        }
    }

    /// Ends the session.
    pub fn close(&self, reason: CloseReason) {
        self.notify(session::End { reason });
    }

    /// Its client has become a member of a room in another way than by this session.
    pub(super) fn entered(&self, room: RoomId, after: Seq) {
        self.notify(session::Entered { room, after });
    }

    /// It is live in a room because it posted there.
    pub(super) fn attached(&self, room: RoomId, handle: RoomHandle) {
        self.notify(session::LiveIn { room, handle });
    }

    /// Its client is no longer a member of a room.
    pub(super) fn left(&self, room: RoomId) {
        self.notify(session::Left { room });
    }
}
