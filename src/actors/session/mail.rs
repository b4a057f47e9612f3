//! A session's messages: where they come from, and what it sends.

use actix::fut::{ActorFutureExt, wrap_future};
use actix::{AsyncContext, Context};
use bridge_core::aggregate::system;
use bridge_core::mailbox::MailboxCommand;
use bridge_core::message::Trace;
use bridge_core::{IdempotencyKey, Reject, Seq};
use tokio::sync::OwnedSemaphorePermit;

use super::SessionActor;
use crate::actors::bridge::{Acknowledgement, Sent};
use crate::actors::handle::{BroadcastHandle, MailboxHandle, SessionHandle};
use crate::wire::encode;
use crate::wire::frame::{AckFrame, Ref, SendBody};

/// Where a session's messages come from.
#[derive(Debug)]
pub(super) struct Mail {
    mailbox: MailboxHandle,
    /// None for a token that is limited to rooms: what is said to all is not for it.
    broadcast: Option<BroadcastHandle>,
    noted: Seq,
}

impl Mail {
    pub(super) const fn new(mailbox: MailboxHandle, broadcast: Option<BroadcastHandle>) -> Self {
        Self {
            mailbox,
            broadcast,
            noted: Seq::ZERO,
        }
    }

    /// Notes how far the client has read the broadcast stream. When everything has been taken for
    /// its socket, so has what was told before.
    pub(super) fn note_broadcasts(&mut self, session: &SessionHandle) {
        let Some(broadcast) = &self.broadcast else {
            return;
        };
        let through = *broadcast.told().borrow();
        if through > self.noted && session.outbox().has_told_all() {
            let command = MailboxCommand::BroadcastsRead { through };
            // A note that gets lost is made again by the next session.
            drop(self.mailbox.order(command, system(), None, None));
            self.noted = through;
        }
    }

    /// The session is gone.
    pub(super) fn end(mut self, session: &SessionHandle) {
        self.note_broadcasts(session);
        self.mailbox.detach(session.id());
        if let Some(broadcast) = &self.broadcast {
            broadcast.detach(session.id());
        }
    }
}

impl SessionActor {
    /// Sends a message. A plain one is handed in right here, so that what a client sends in order
    /// is stored in order; before one that needs a look-up nothing else is read from the client.
    pub(super) fn send(
        &self,
        reference: Option<Ref>,
        key: Option<IdempotencyKey>,
        body: SendBody,
        window: OwnedSemaphorePermit,
        ctx: &mut Context<Self>,
    ) -> Result<(), Reject> {
        self.machine.request()?;
        let begun = Trace::begin(self.bridge.ids().uuid());
        let message = body.into_message(self.bridge.new_message(), begun)?;
        let (bridge, by) = (self.bridge.clone(), self.principal.clone());
        if bridge.is_plain(&message, &by) {
            let answer = bridge.send_plain(message, by, key)?;
            let sent = async move { bridge.sent_plain(answer).await };
            self.answer_when_done(reference, sent, window, ctx);
            return Ok(());
        }
        let paused = self.gate.pause();
        let sent = async move {
            let outcome = bridge.send(message, by, key).await;
            drop(paused);
            outcome
        };
        self.answer_when_done(reference, sent, window, ctx);
        Ok(())
    }

    /// Says how far the client has come with a message. Without a `ref` only a refusal is answered.
    pub(super) fn acknowledge(
        &self,
        reference: Option<Ref>,
        key: Option<IdempotencyKey>,
        ack: AckFrame,
        window: OwnedSemaphorePermit,
        ctx: &mut Context<Self>,
    ) -> Result<(), Reject> {
        self.machine.request()?;
        let AckFrame { id, stage, reason } = ack;
        let said = Acknowledgement { id, stage, reason };
        let origin = Some(self.id());
        let (bridge, by) = (self.bridge.clone(), self.principal.clone());
        let is_silent = reference.is_none();
        let session = self.handle.clone();
        let (answer, paused) = match by.confined_to() {
            None => {
                let answer =
                    bridge.order_acknowledgement(said.clone(), by.clone(), key.clone(), origin)?;
                (Some(answer), None)
            }
            // Whether it may be known has to be looked up first.
            Some(_) => (None, Some(self.gate.pause())),
        };
        let done = async move {
            let outcome = match answer {
                Some(answer) => bridge.acknowledged(id, answer).await,
                None => bridge.acknowledge(said, by, key).await,
            };
            drop((window, paused));
            match outcome {
                Ok(_) if is_silent => {}
                outcome => reply(&session, reference.as_ref(), &outcome),
            }
        };
        ctx.spawn(wrap_future(done));
        Ok(())
    }

    fn answer_when_done(
        &self,
        reference: Option<Ref>,
        sent: impl Future<Output = Result<Sent, Reject>> + 'static,
        window: OwnedSemaphorePermit,
        ctx: &mut Context<Self>,
    ) {
        let session = self.handle.clone();
        ctx.spawn(wrap_future::<_, Self>(sent).map(move |outcome, _, _| {
            reply(&session, reference.as_ref(), &outcome);
            drop(window);
        }));
    }
}

fn reply(session: &SessionHandle, reference: Option<&Ref>, outcome: &Result<Sent, Reject>) {
    match outcome {
        Ok(sent) => {
            let stored = encode::stored(reference, sent.id, sent.at, sent.duplicate);
            session.reply(stored);
        }
        Err(reject) => {
            if let Some(detail) = reject.detail() {
                tracing::debug!(session = %session.id(), %reject, detail, "a message was refused");
            }
            session.refuse(reference, reject);
        }
    }
}
