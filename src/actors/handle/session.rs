//! Reaching a session.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use actix::{Addr, Handler};
use bridge_core::session::CloseReason;
use bridge_core::{ClientId, Reject, RoomId, Seq, SessionId, limits};
use bytes::Bytes;

use super::{BroadcastHandle, MailboxHandle, Permitted, RoomHandle, tell};
use crate::actors::outbox::Outbox;
use crate::actors::session::{self, SessionActor};
use crate::permits::Permits;
use crate::wire::encode;
use crate::wire::frame::Ref;

/// Something that a session is told of, and must leave when it ends.
#[derive(Debug, Clone)]
pub(in crate::actors) enum Attachment {
    Room(RoomHandle),
    Mailbox(MailboxHandle),
    Broadcast(BroadcastHandle),
}

impl Attachment {
    /// The session is gone.
    pub(in crate::actors) fn detach(&self, session: SessionId) {
        match self {
            Self::Room(room) => room.detach(session),
            Self::Mailbox(mailbox) => mailbox.detach(session),
            Self::Broadcast(broadcast) => broadcast.detach(session),
        }
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
    attaching: Mutex<Vec<Attachment>>,
    addr: Addr<SessionActor>,
}

impl SessionHandle {
    pub(in crate::actors) fn new(
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

    /// Notes what the session is about to be told of, so that a session that ends before its actor
    /// knows of it leaves that too.
    pub(in crate::actors) fn note_attaching(&self, attachment: Attachment) {
        self.attaching().push(attachment);
    }

    /// What was noted since the last call.
    pub(in crate::actors) fn take_attaching(&self) -> Vec<Attachment> {
        std::mem::take(&mut *self.attaching())
    }

    fn attaching(&self) -> MutexGuard<'_, Vec<Attachment>> {
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

    /// Answers no.
    pub(in crate::actors) fn refuse(&self, reference: Option<&Ref>, reject: &Reject) {
        self.0.outbox.metrics().refused(reject);
        self.reply(encode::rejected(reference, reject));
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

    /// Ends the session when what it has asked is answered: the server stops.
    pub(in crate::actors) fn drain(&self) {
        self.notify(session::Drain);
    }

    /// Its client has become a member of a room in another way than by this session.
    pub(in crate::actors) fn entered(&self, room: RoomId, after: Seq) {
        self.notify(session::Entered { room, after });
    }

    /// It is live in a room because it posted there.
    pub(in crate::actors) fn attached(&self, room: RoomId, handle: RoomHandle) {
        self.notify(session::LiveIn { room, handle });
    }

    /// Its client is no longer a member of a room.
    pub(in crate::actors) fn left(&self, room: RoomId) {
        self.notify(session::Left { room });
    }
}
