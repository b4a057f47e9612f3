//! Messages go out: the most urgent first, as many as a session's socket takes.

use std::sync::Arc;
use std::time::Duration;

use actix::fut::{ActorFutureExt, wrap_future};
use actix::{AsyncContext, Context};
use bridge_core::event::Envelope;
use bridge_core::mailbox::{Handed, Held, MailboxCommand, Phase};
use bridge_core::message::Via;
use bridge_core::{Reject, Seq, SessionId, Timestamp, limits};

use super::MailboxActor;
use super::messages::{FlushWritten, What};
use super::readers::Readers;
use crate::wire::encode;

/// Before what was written is handed to the log again, when the log could not take it.
const WRITE_AGAIN: Duration = Duration::from_millis(200);

/// In which attempt a session is to get a message now, if it is.
fn attempt_for(held: &Held, id: SessionId, readers: &Readers, now: Timestamp) -> Option<u32> {
    if held.is_over(now) {
        return None;
    }
    let message = held.about.message;
    let attempt = match held.phase {
        Phase::Waiting { not_before } if now >= not_before => held.attempts + 1,
        // Another session has it: the same attempt.
        Phase::Leased(attempt)
            if attempt.via == Via::Session && readers.anybody_has(message, held.attempts) =>
        {
            held.attempts
        }
        // Its back-off is not over, or a caller has it, or it is on its way back from a session
        // that is gone: it is offered again.
        Phase::Waiting { .. } | Phase::Leased(_) => return None,
    };
    (!readers.has_it(id, message, attempt)).then_some(attempt)
}

impl MailboxActor {
    pub(super) fn pump_all(&mut self, ctx: &mut Context<Self>) {
        for id in self.kind.readers.ids() {
            self.pump(id, ctx);
        }
    }

    /// Sends a session what its window has room for. A state that is out of date is no guide: it
    /// may hold a message of which the client was told that it is done. What waits is sent when the
    /// state was read again.
    pub(super) fn pump(&mut self, id: SessionId, ctx: &mut Context<Self>) {
        if !self.is_current() {
            return;
        }
        let now = self.bridge.clock().now();
        let mut missing = Vec::new();
        loop {
            let (mailbox, kind) = self.parts();
            let Some(reader) = kind.readers.get_mut(id) else {
                return;
            };
            if reader.is_reading || reader.is_full() {
                return;
            }
            let full = missing.len() >= limits::DELIVERY_WINDOW_MESSAGES;
            let Some(seq) = (!full).then(|| reader.next()).flatten() else {
                break;
            };
            let Some(held) = mailbox.held(seq) else {
                continue;
            };
            let Some(attempt) = attempt_for(held, id, &kind.readers, now) else {
                continue;
            };
            match kind.bodies.get(seq).cloned() {
                // Behind one that has to be read, everything waits: the order is by urgency.
                Some(envelope) if missing.is_empty() => {
                    if !self.send(id, &envelope, attempt, ctx) {
                        return;
                    }
                }
                _ => missing.push(seq),
            }
        }
        if !missing.is_empty() {
            self.read_bodies(id, missing, ctx);
        }
    }

    /// Whether the session took it.
    fn send(
        &mut self,
        id: SessionId,
        envelope: &Arc<Envelope>,
        attempt: u32,
        ctx: &mut Context<Self>,
    ) -> bool {
        let Some(text) = encode::message_text(envelope, Some(attempt)) else {
            tracing::error!(stream = %self.stream, seq = %envelope.seq, "it is no message");
            return true;
        };
        let frame = encode::text_frame(&text);
        let bytes = frame.len();
        let note = self.note_when_written(id, What::Message(envelope.seq, bytes));
        let Some(reader) = self.kind.readers.get_mut(id) else {
            return false;
        };
        if reader.session.outbox().push_noted(frame, note).is_err() {
            // It notices by itself, and closes or has closed.
            self.lose(id, ctx);
            return false;
        }
        reader.was_sent(envelope.seq, attempt, bytes);
        true
    }

    /// Reads messages from the log, and sends them when they are there.
    fn read_bodies(&mut self, id: SessionId, seqs: Vec<Seq>, ctx: &mut Context<Self>) {
        if let Some(reader) = self.kind.readers.get_mut(id) {
            reader.is_reading = true;
        }
        let (stream, reads) = (self.stream.clone(), self.bridge.reads().clone());
        let asked = seqs.clone();
        let reading = async move { reads.run(move |store| store.records(&stream, &asked)).await };
        let reading = wrap_future::<_, Self>(reading);
        ctx.spawn(reading.map(move |read, actor, ctx| {
            actor.guarded(ctx, |actor, ctx| actor.bodies_read(id, &seqs, read, ctx));
        }));
    }

    fn bodies_read(
        &mut self,
        id: SessionId,
        seqs: &[Seq],
        read: Result<Vec<Envelope>, Reject>,
        ctx: &mut Context<Self>,
    ) {
        let Some(reader) = self.kind.readers.get_mut(id) else {
            return;
        };
        reader.is_reading = false;
        if !self.is_current() {
            // All of them are offered again when the state was read.
            return;
        }
        let records = match read {
            Ok(records) => records,
            Err(reject) => {
                tracing::warn!(stream = %self.stream, %reject, "messages cannot be read now");
                self.offer_again(id, seqs);
                ctx.run_later(limits::DUE_RETRY, move |actor, ctx| actor.pump(id, ctx));
                return;
            }
        };
        let mut by_seq: std::collections::HashMap<Seq, Arc<Envelope>> = records
            .into_iter()
            .map(|record| (record.seq, Arc::new(record)))
            .collect();
        let now = self.bridge.clock().now();
        for seq in seqs {
            let (mailbox, kind) = self.parts();
            let held = mailbox.held(*seq);
            let attempt = held.and_then(|held| attempt_for(held, id, &kind.readers, now));
            let (Some(attempt), Some(envelope)) = (attempt, by_seq.remove(seq)) else {
                continue;
            };
            if !self.send(id, &envelope, attempt, ctx) {
                return;
            }
        }
        self.pump(id, ctx);
    }

    /// Everything that waits, when it is not certain what each session was yet to get.
    pub(super) fn offer_all(&mut self) {
        let (mailbox, kind) = self.parts();
        for held in mailbox.open() {
            kind.readers.offer(held);
        }
    }

    fn offer_again(&mut self, id: SessionId, seqs: &[Seq]) {
        let (mailbox, kind) = self.parts();
        let Some(reader) = kind.readers.get_mut(id) else {
            return;
        };
        for held in seqs.iter().filter_map(|seq| mailbox.held(*seq)) {
            reader.offer(held);
        }
    }

    /// What several sockets have taken goes into the log together.
    pub(super) fn flush_soon(&mut self, ctx: &mut Context<Self>) {
        if !std::mem::replace(&mut self.kind.is_flushing, true) {
            ctx.notify(FlushWritten);
        }
    }

    pub(super) fn flush_written(&mut self, ctx: &mut Context<Self>) {
        self.kind.is_flushing = false;
        let messages = std::mem::take(&mut self.kind.written);
        if messages.is_empty() {
            return;
        }
        let handed = Handed {
            messages: messages.clone(),
            rules: self.rules(),
        };
        let answer = self.order(MailboxCommand::Handed(handed));
        ctx.spawn(
            wrap_future::<_, Self>(answer).map(move |answer, actor, ctx| {
                if matches!(answer, Ok(Ok(_))) {
                    return;
                }
                // Else nobody would ever take it back. Who is gone has given it back already.
                let readers = &actor.kind.readers;
                let there = messages.into_iter().filter(|seq| readers.anybody_got(*seq));
                let there: Vec<Seq> = there.collect();
                actor.kind.written.extend(there);
                ctx.run_later(WRITE_AGAIN, |actor, ctx| actor.flush_soon(ctx));
            }),
        );
    }

    /// Every message whose back-off is not over.
    pub(super) fn note_all_retries(&mut self) {
        let now = self.bridge.clock().now();
        let waiting = self.state().open().filter_map(|held| match held.phase {
            Phase::Waiting { not_before } if not_before > now => {
                Some((not_before, held.about.message))
            }
            Phase::Waiting { .. } | Phase::Leased(_) => None,
        });
        self.kind.retries = waiting.collect();
    }

    /// Sets the clock for the next back-off that ends.
    pub(super) fn set_retry_timer(&mut self, ctx: &mut Context<Self>) {
        let next = self.kind.retries.first().map(|(at, _)| *at);
        match (next, &self.kind.retry) {
            (Some(next), Some((set, _))) if *set <= next => return,
            (None, None) => return,
            (_, Some((_, timer))) => {
                ctx.cancel_future(*timer);
            }
            (Some(_), None) => {}
        }
        self.kind.retry = next.map(|next| {
            let now = self.bridge.clock().now();
            let millis = u64::try_from(next.millis_since(now)).unwrap_or_default();
            let timer = ctx.run_later(Duration::from_millis(millis), |actor, ctx| {
                actor.guarded(ctx, Self::retry);
            });
            (next, timer)
        });
    }

    /// Back-offs have ended: the messages are offered again.
    fn retry(&mut self, ctx: &mut Context<Self>) {
        self.kind.retry = None;
        let now = self.bridge.clock().now();
        let (mailbox, kind) = self.parts();
        while kind.retries.first().is_some_and(|(at, _)| *at <= now) {
            let Some((_, seq)) = kind.retries.pop_first() else {
                break;
            };
            if let Some(held) = mailbox.held(seq) {
                kind.readers.offer(held);
            }
        }
        kind.ready.send_modify(|count| *count += 1);
        self.set_retry_timer(ctx);
        self.pump_all(ctx);
    }
}
