//! The right to an answer.
//!
//! A ticket travels with its request and is answered exactly once. One that is dropped unanswered,
//! because the actor that held it died, answers by itself: "repeat it" before the request was
//! handed to the log, "outcome unknown" after.

use std::sync::Arc;

use bridge_core::event::Envelope;
use bridge_core::owner::Asker;
use bridge_core::room::RoomView;
use bridge_core::{Principal, Reject, RejectCode, RoomId, SessionId, limits};
use bytes::Bytes;
use tokio::sync::{OwnedSemaphorePermit, oneshot};

use super::guard::guarded;
use super::handle::SessionHandle;
use crate::permits::Permit;
use crate::telemetry::metrics::Measuring;
use crate::wire::frame::Ref;

/// What a request led to.
#[derive(Debug, Clone)]
pub struct Receipt {
    /// The records that followed from it. A repeat gets the first of them; there are none when
    /// everything was as the request wants it.
    pub envelopes: Vec<Arc<Envelope>>,
    /// Whether nothing was written for it now: it is the original answer to a repeated request, or
    /// there was nothing to do.
    pub duplicate: bool,
    /// The room, for requests that enter it.
    pub view: Option<RoomView>,
}

impl Receipt {
    /// The first record that followed.
    #[must_use]
    pub fn first(&self) -> Option<&Envelope> {
        self.envelopes.first().map(|envelope| &**envelope)
    }

    /// The first record, for a command that never goes without one.
    ///
    /// # Errors
    /// When it did all the same.
    pub fn record(&self) -> Result<&Envelope, Reject> {
        self.first().ok_or_else(|| Reject::Internal {
            detail: "a receipt without a record".into(),
        })
    }
}

/// What a request is about, in its sender's words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum About {
    /// A room.
    Room(RoomId),
    /// A message, or what somebody does with one.
    Message,
}

/// What a request gets.
pub type Answered = Result<Receipt, Reject>;

/// What came of a request for which somebody was given a ticket. Nobody waits for ever: the log may
/// hang, and with it whoever would answer.
pub(super) async fn answered(answer: oneshot::Receiver<Answered>) -> Answered {
    match tokio::time::timeout(limits::ANSWER_WITHIN, answer).await {
        Ok(Ok(answer)) => answer,
        Ok(Err(_)) => Err(Reject::Internal {
            detail: "a ticket was lost".into(),
        }),
        Err(_) => Err(Reject::OutcomeUnknown),
    }
}

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
    about: About,
    waiter: Option<Waiter>,
    is_with_log: bool,
    viewer: Option<Principal>,
    origin: Option<SessionId>,
    measuring: Option<Measuring>,
    held: Held,
}

/// What an unanswered request occupies. Given back with the answer.
#[derive(Debug, Default)]
struct Held {
    _window: Option<OwnedSemaphorePermit>,
    _owner: Option<Permit>,
    _log: Option<Permit>,
}

impl Ticket {
    /// A ticket for a session's request; `window` is its place among the session's requests.
    #[must_use]
    pub fn session(
        about: About,
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
            about,
            waiter,
            is_with_log: false,
            viewer: None,
            origin: None,
            measuring: None,
            held,
        }
    }

    /// A ticket for a caller within the server, and where its answer comes. With a viewer the
    /// answer shows the room, as far as the viewer may see it.
    #[must_use]
    pub fn caller(about: About, viewer: Option<Principal>) -> (Self, oneshot::Receiver<Answered>) {
        let (sender, receiver) = oneshot::channel();
        let waiter = Some(Waiter::Caller(sender));
        (
            Self {
                about,
                waiter,
                is_with_log: false,
                viewer,
                origin: None,
                measuring: None,
                held: Held::default(),
            },
            receiver,
        )
    }

    /// The same, for a request that is measured from now on until it is answered.
    #[must_use]
    pub(super) fn measured(mut self, measuring: Measuring) -> Self {
        self.measuring = Some(measuring);
        self
    }

    fn done(&mut self, duplicate: bool) {
        if let Some(measuring) = self.measuring.take() {
            measuring.done(duplicate);
        }
    }

    /// A caller's ticket for what a session asked.
    #[must_use]
    pub(super) fn asked_by(mut self, origin: Option<SessionId>) -> Self {
        self.origin = origin;
        self
    }

    /// The session that asked, when a caller waits for it.
    pub(super) const fn origin(&self) -> Option<SessionId> {
        self.origin
    }

    /// Takes over the permits under which the request is admitted.
    pub(super) fn hold(&mut self, owner: Option<Permit>, log: Permit) {
        self.held._owner = owner;
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

    /// Answers a caller with a receipt. A session's answer, which `frame` makes, is given back to be
    /// sent in its place among what else the session is told.
    pub(super) fn accept(
        mut self,
        frame: impl FnOnce(Option<&Ref>) -> Bytes,
        receipt: impl FnOnce() -> Receipt,
    ) -> Option<(SessionHandle, Bytes)> {
        self.done(false);
        match self.waiter.take()? {
            Waiter::Session { session, reference } => Some((session, frame(reference.as_ref()))),
            Waiter::Caller(caller) => {
                // Who no longer waits needs no answer.
                drop(caller.send(Ok(receipt())));
                None
            }
        }
    }

    /// Answers with a receipt, a session by the frame that is made of it.
    pub(super) fn answer(
        mut self,
        receipt: Receipt,
        frame: impl FnOnce(&Receipt, Option<&Ref>) -> Bytes,
    ) {
        self.done(receipt.duplicate);
        match self.waiter.take() {
            None => {}
            Some(Waiter::Session { session, reference }) => {
                session.reply(frame(&receipt, reference.as_ref()));
            }
            Some(Waiter::Caller(caller)) => drop(caller.send(Ok(receipt))),
        }
    }

    /// Answers that everything is as the request wants it already.
    pub(super) fn unchanged(self, frame: impl FnOnce(&Receipt, Option<&Ref>) -> Bytes) {
        let receipt = Receipt {
            envelopes: Vec::new(),
            duplicate: true,
            view: None,
        };
        self.answer(receipt, frame);
    }

    fn answer_refusal(&mut self, reject: Reject) {
        let reject = match &self.about {
            About::Room(room) => reject.as_asked(room),
            About::Message => reject,
        };
        if let Some(detail) = reject.detail() {
            // Overload is not told line by line: that would be a second overload.
            if reject.code() == RejectCode::Internal {
                tracing::error!(reject = %reject, detail, "a request failed");
            } else {
                tracing::debug!(reject = %reject, detail, "a request was refused");
            }
        }
        if let Some(measuring) = self.measuring.take() {
            measuring.refused(&reject);
        }
        match self.waiter.take() {
            None => {}
            Some(Waiter::Session { session, reference }) => {
                session.refuse(reference.as_ref(), &reject);
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
        let reject = if self.is_with_log {
            Reject::OutcomeUnknown
        } else {
            Reject::Retry {
                detail: "its actor went away",
            }
        };
        guarded("the answer of a lost request", || {
            self.answer_refusal(reject)
        });
    }
}
