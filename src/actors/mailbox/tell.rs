//! Something has become durable: sessions and senders are told.

use std::sync::Arc;

use actix::Context;
use bridge_core::event::{About, Envelope, Event, ReceiptKept};
use bridge_core::mailbox::{Held, Phase};
use bridge_core::message::{Stage, Via};
use bridge_core::{Seq, SessionId, Timestamp};

use super::MailboxActor;
use super::messages::What;
use crate::telemetry::spans::Reached;
use crate::wire::encode;

/// What gathers during one round, to be done in one go.
#[derive(Debug, Default)]
pub(in crate::actors) struct Telling {
    head: Option<Seq>,
    /// A message may be ready to be handed over, or a receipt be told.
    is_ready: bool,
    /// The earliest thing that is due now.
    due_at: Option<Timestamp>,
}

impl Telling {
    fn due(&mut self, at: Timestamp) {
        self.due_at = Some(self.due_at.map_or(at, |due| due.min(at)));
    }
}

impl MailboxActor {
    /// Takes note of a record, which is durable. `origin` is the session that caused it.
    pub(super) fn tell_record(
        &mut self,
        envelope: &Arc<Envelope>,
        origin: Option<SessionId>,
        telling: &mut Telling,
    ) {
        if let Some(hook) = self.bridge.options().faults.on_event {
            hook(&envelope.event);
        }
        self.kind.told = envelope.seq;
        telling.head = Some(envelope.seq);
        if self.bridge.spans().is_on() {
            self.follow(&envelope.event);
        }
        match &envelope.event {
            Event::MessageStored(stored) => {
                if !self.kind.readers.is_empty() {
                    self.kind.bodies.keep(envelope);
                }
                self.offer(envelope.seq);
                self.bridge.metrics().mailbox_depth(self.state().waiting());
                telling.due(stored.ends_at());
                telling.is_ready = true;
            }
            Event::MessageDelivered(delivered) => {
                if delivered.attempt > 1 {
                    self.bridge.metrics().redelivered();
                }
                telling.due(delivered.until);
                // Who came while this was on its way was not given it.
                self.offer(delivered.about.message);
                self.tell_sender(&delivered.about, Stage::Delivered, envelope.at);
            }
            Event::LeaseExtended(extended) => telling.due(extended.until),
            Event::MessageReturned(returned) => {
                let (message, attempt) = (returned.about.message, returned.attempt);
                self.kind.readers.take_back(message, attempt);
                self.offer_or_wait(returned.about.message);
                telling.is_ready = true;
            }
            Event::MessageSeen(seen) => {
                self.settle(&seen.about);
                telling.due(seen.ends_at);
                self.tell_sender(&seen.about, Stage::Seen, envelope.at);
                self.tell_other_sessions(&seen.about, Stage::Seen, envelope.at, origin);
            }
            Event::MessageDone(done) => {
                self.settle(&done.about);
                self.tell_other_sessions(&done.about, Stage::Done, envelope.at, origin);
            }
            Event::MessageExpired(expired) => self.settle(&expired.about),
            Event::MessageDied(died) => {
                let last = died.failures.last().map(|failure| failure.ending);
                self.bridge.metrics().dead_letter(last);
                self.settle(&died.about);
            }
            Event::ReceiptKept(kept) => {
                self.tell_kept(kept, envelope.seq);
                telling.is_ready = true;
            }
            _ => {}
        }
    }

    /// What has become of a message that is followed, as far as no session or sender says so by itself.
    fn follow(&self, event: &Event) {
        let Some(about) = event.about() else { return };
        let Some(followed) = self.bridge.spans().of(about.id) else {
            return;
        };
        let reached = match event {
            Event::MessageDelivered(delivered) if delivered.via == Via::Call => {
                return followed.fetched(self.client(), delivered.attempt);
            }
            Event::MessageSeen(_) => Reached::Seen,
            Event::MessageDone(_) => Reached::Done,
            Event::MessageExpired(_) => Reached::Expired,
            Event::MessageDied(_) => Reached::Dead,
            _ => return,
        };
        followed.reached(reached, self.client());
    }

    /// A receipt was kept because nobody was there; who has come in the meantime hears of it now.
    fn tell_kept(&self, kept: &ReceiptKept, at: Seq) {
        let frame = encode::receipt(&receipt_of(kept));
        let readers = self.kind.readers.iter();
        for reader in readers.filter(|reader| !reader.is_limited()) {
            let session = &reader.session;
            let note = self.note_when_written(session.id(), What::Receipts(at));
            let outbox = session.outbox();
            if outbox.push_noted(frame.clone(), None, note).is_err() {
                tracing::trace!(session = %session.id(), "a session that is going away");
            }
        }
    }

    fn offer(&mut self, message: Seq) {
        let (mailbox, kind) = self.parts();
        if let Some(held) = mailbox.held(message) {
            kind.readers.offer(held);
        }
    }

    /// A message came back: it is offered when its back-off is over.
    fn offer_or_wait(&mut self, message: Seq) {
        let now = self.bridge.clock().now();
        let (mailbox, kind) = self.parts();
        let Some(held) = mailbox.held(message) else {
            return;
        };
        match held.phase {
            Phase::Waiting { not_before } if not_before > now => {
                kind.retries.insert((not_before, message));
            }
            Phase::Waiting { .. } | Phase::Leased(_) => kind.readers.offer(held),
        }
    }

    fn settle(&mut self, about: &About) {
        self.kind.readers.settle(about.message);
        self.kind.bodies.forget(about.message);
    }

    /// A sender that is connected hears at once how far its message has come; the ends of messages
    /// are told by the follower, which also keeps them for a sender that is away.
    fn tell_sender(&self, about: &About, stage: Stage, at: Timestamp) {
        let receipt = self.receipt(about, stage, at);
        self.bridge.report_if_awake(&about.from, receipt);
    }

    /// How far the client has come with a message.
    fn receipt(&self, about: &About, stage: Stage, at: Timestamp) -> encode::Receipt {
        encode::Receipt {
            id: about.id,
            stage,
            by: self.client().clone(),
            at,
            reason: None,
        }
    }

    /// The client's other sessions have the message too, and need not work on it any more.
    fn tell_other_sessions(
        &self,
        about: &About,
        stage: Stage,
        at: Timestamp,
        origin: Option<SessionId>,
    ) {
        let frame = encode::receipt(&self.receipt(about, stage, at));
        for reader in self.kind.readers.iter() {
            let session = &reader.session;
            if Some(session.id()) != origin
                && reader.may_see(&about.from)
                && session.outbox().push([frame.clone()]).is_err()
            {
                tracing::trace!(session = %session.id(), "a session that is going away");
            }
        }
    }

    /// Everything that is due in the mailbox, as its state has it.
    pub(super) fn tell_what_is_due(&self, telling: &mut Telling) {
        if let Some(due_at) = self.state().open().map(Held::due_at).min() {
            telling.due(due_at);
        }
    }

    /// Does what has gathered.
    pub(super) fn finish_telling(&mut self, telling: Telling, ctx: &mut Context<Self>) {
        let head = telling.head.unwrap_or_else(|| self.head());
        self.kind.head.send_if_modified(|shown| {
            let is_new = *shown < head;
            *shown = head;
            is_new
        });
        if telling.is_ready {
            self.kind.ready.send_modify(|count| *count += 1);
        }
        if let Some(due_at) = telling.due_at {
            self.bridge.timekeeper().due_at(due_at);
        }
        self.set_retry_timer(ctx);
        self.pump_all(ctx);
    }
}

/// A receipt that was kept, as it is told.
pub(in crate::actors) fn receipt_of(kept: &ReceiptKept) -> encode::Receipt {
    encode::Receipt {
        id: kept.id,
        stage: kept.stage,
        by: kept.by.clone(),
        at: kept.reached_at,
        reason: kept.reason.clone(),
    }
}
