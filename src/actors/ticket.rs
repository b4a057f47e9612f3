//! The right to an answer.
//!
//! A ticket travels with its request and is answered exactly once. One that is dropped unanswered,
//! because the actor that held it died, answers by itself: "repeat it" before the request was
//! handed to the log, "outcome unknown" after.

use std::sync::Arc;

use bridge_core::event::Envelope;
use bridge_core::owner::Asker;
use bridge_core::room::RoomView;
use bridge_core::{Principal, Reject, RejectCode, RoomId, SessionId};
use bytes::Bytes;
use tokio::sync::{OwnedSemaphorePermit, oneshot};

use super::handle::SessionHandle;
use crate::permits::Permit;
use crate::wire::encode::{self, EventText};
use crate::wire::frame::Ref;

/// What a request led to.
#[derive(Debug, Clone)]
pub struct Receipt {
    /// The first record that followed from it.
    pub envelope: Arc<Envelope>,
    /// Whether it is the original answer to a repeated request.
    pub duplicate: bool,
    /// The room, for requests that enter it.
    pub view: Option<RoomView>,
}

/// What a request gets.
pub type Answered = Result<Receipt, Reject>;

/// Who waits.
#[derive(Debug)]
enum Waiter {
    /// A session, which is answered by a frame.
    Session {
        session: SessionHandle,
        reference: Option<Ref>,
    },
    /// A caller within the server.
    Caller(oneshot::Sender<Answered>),
}

/// The right to an answer.
#[derive(Debug)]
pub struct Ticket {
    room: RoomId,
    waiter: Option<Waiter>,
    is_with_log: bool,
    viewer: Option<Principal>,
    held: Held,
}

/// What an unanswered request occupies. Given back with the answer.
#[derive(Debug, Default)]
struct Held {
    _window: Option<OwnedSemaphorePermit>,
    _room: Option<Permit>,
    _log: Option<Permit>,
}

impl Ticket {
    /// A ticket for a session's request to a room, as its client named it; `window` is its place among the session's requests.
    #[must_use]
    pub fn session(
        room: RoomId,
        session: SessionHandle,
        reference: Option<Ref>,
        window: OwnedSemaphorePermit,
    ) -> Self {
        let held = Held {
            _window: Some(window),
            ..Held::default()
        };
        let waiter = Some(Waiter::Session { session, reference });
        Self {
            room,
            waiter,
            is_with_log: false,
            viewer: None,
            held,
        }
    }

    /// A ticket for a caller within the server, and where its answer comes. With a viewer the
    /// answer shows the room, as far as the viewer may see it.
    #[must_use]
    pub fn caller(room: RoomId, viewer: Option<Principal>) -> (Self, oneshot::Receiver<Answered>) {
        let (sender, receiver) = oneshot::channel();
        let waiter = Some(Waiter::Caller(sender));
        (
            Self {
                room,
                waiter,
                is_with_log: false,
                viewer,
                held: Held::default(),
            },
            receiver,
        )
    }

    /// Takes over the permits under which the request is admitted.
    pub(super) fn hold(&mut self, room: Permit, log: Permit) {
        self.held._room = Some(room);
        self.held._log = Some(log);
    }

    /// The session that is to find the answer among its events.
    pub(super) fn session_handle(&self) -> Option<&SessionHandle> {
        match &self.waiter {
            Some(Waiter::Session { session, .. }) => Some(session),
            _ => None,
        }
    }

    /// To whom the answer shows the room.
    pub(super) const fn viewer(&self) -> Option<&Principal> {
        self.viewer.as_ref()
    }

    /// Answers no.
    pub fn refuse(mut self, reject: Reject) {
        self.answer_refusal(reject);
    }

    /// Answers a caller, and gives a session's answer back to be sent in its place among the
    /// events.
    pub(super) fn accept(
        mut self,
        text: &EventText,
        receipt: impl FnOnce() -> Receipt,
    ) -> Option<(SessionId, Bytes)> {
        match self.waiter.take()? {
            Waiter::Session { session, reference } => {
                Some((session.id(), text.answer(reference.as_ref(), false)))
            }
            Waiter::Caller(caller) => {
                // Who no longer waits needs no answer.
                drop(caller.send(Ok(receipt())));
                None
            }
        }
    }

    /// Answers with the original receipt.
    pub(super) fn repeat(mut self, receipt: Receipt) {
        match self.waiter.take() {
            None => {}
            Some(Waiter::Session { session, reference }) => {
                let text = encode::event(&receipt.envelope);
                session.reply(text.answer(reference.as_ref(), true));
            }
            Some(Waiter::Caller(caller)) => drop(caller.send(Ok(receipt))),
        }
    }

    fn answer_refusal(&mut self, reject: Reject) {
        let reject = reject.as_asked(&self.room);
        if let Some(detail) = reject.detail() {
            // Overload is not told line by line: that would be a second overload.
            if reject.code() == RejectCode::Internal {
                tracing::error!(reject = %reject, detail, "a request failed");
            } else {
                tracing::debug!(reject = %reject, detail, "a request was refused");
            }
        }
        match self.waiter.take() {
            None => {}
            Some(Waiter::Session { session, reference }) => {
                session.reply(encode::rejected(reference.as_ref(), &reject));
            }
            Some(Waiter::Caller(caller)) => drop(caller.send(Err(reject))),
        }
    }
}

impl Asker for Ticket {
    fn handed_to_log(&mut self) {
        self.is_with_log = true;
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        if self.waiter.is_none() {
            return;
        }
        self.answer_refusal(if self.is_with_log {
            Reject::OutcomeUnknown
        } else {
            Reject::Retry {
                detail: "its actor went away",
            }
        });
    }
}
