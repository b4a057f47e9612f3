//! Messages go out: the most urgent first, as many as a session's socket takes.

use std::sync::Arc;
use std::time::Duration;

use actix::fut::{ActorFutureExt, wrap_future};
use actix::{AsyncContext, Context};
use bridge_core::event::Envelope;
use bridge_core::mailbox::{Handed, Held, Mailbox, MailboxCommand, Phase, Rules};
use bridge_core::message::Via;
use bridge_core::{Reject, Seq, SessionId, Timestamp, limits};

use super::MailboxActor;
use super::messages::{FlushWritten, What};
use super::readers::Reader;
use crate::actors::handle::SessionHandle;
use crate::actors::ticket::Answered;
use crate::system::Stopwatch;
use crate::telemetry::metrics::MessageKind;
use crate::telemetry::spans::{Followed, Receiver};
use crate::wire::encode;

/// What a session is to do about a message that was offered to it.
enum Now {
    /// Send it, for this time.
    Send(u32),
    /// Not before; it is offered again then.
    Wait(Timestamp),
    /// Not beside another one that may be what kills the client.
    Aside,
    /// Nothing: it has it, a caller has it, or its time is over.
    Nothing,
}

/// What is to be done for a message that is followed when a session's socket has taken it.
fn written(followed: Followed, session: &SessionHandle, attempt: u32) -> impl FnOnce() + use<> {
    let receiver = Receiver {
        client: session.client().clone(),
        session: session.id(),
        attempt: Some(attempt),
        of: None,
    };
    let since = Stopwatch::start();
    move || followed.written(&receiver, since)
}

fn what_now(
    held: &Held,
    tentative: &Mailbox,
    reader: &Reader,
    now: Timestamp,
    rules: Rules,
) -> Now {
    if held.is_over(now) {
        return Now::Nothing;
    }
    let attempt = match held.phase {
        Phase::Waiting { not_before } if now < not_before => return Now::Wait(not_before),
        Phase::Waiting { .. } => held.attempts + 1,
        // Another session has it: the same attempt.
        Phase::Leased(attempt) if attempt.via == Via::Session => held.attempts,
        // A caller has it. When that is over it is offered again.
        Phase::Leased(_) => return Now::Nothing,
    };
    if reader.has(held.about.message, attempt) {
        return Now::Nothing;
    }
    if is_changing(held, tentative) {
        // For the case that the record does not land.
        return Now::Wait(now.plus_millis(limits::CHANGING_LOOK_AGAIN_MILLIS));
    }
    if held.is_suspect(rules) && reader.has_another_suspect(held.about.message) {
        return Now::Aside;
    }
    Now::Send(attempt)
}

/// Whether a record that changes who has a message is on its way into the log. Nobody is given the
/// message then: they would get it in an attempt that is about to be over. It is offered again when
/// the record has landed.
fn is_changing(held: &Held, tentative: &Mailbox) -> bool {
    let soon = tentative.held(held.about.message);
    soon.is_none_or(|soon| soon.attempts != held.attempts || soon.phase != held.phase)
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
        let (now, rules) = (self.bridge.clock().now(), self.rules());
        let (mut missing, mut missing_bytes) = (Vec::new(), 0);
        loop {
            let (mailbox, tentative, kind) = self.parts_and_tentative();
            let Some(reader) = kind.readers.get_mut(id) else {
                return;
            };
            if reader.is_reading || reader.is_full() {
                break;
            }
            let has_enough = missing.len() >= limits::DELIVERY_WINDOW_MESSAGES
                || missing_bytes >= reader.bytes_left();
            let Some(seq) = (!has_enough).then(|| reader.next()).flatten() else {
                break;
            };
            let Some(held) = mailbox.held(seq) else {
                continue;
            };
            let attempt = match what_now(held, tentative, reader, now, rules) {
                Now::Send(attempt) => attempt,
                Now::Nothing => continue,
                Now::Aside => {
                    reader.put_aside(held);
                    continue;
                }
                Now::Wait(until) => {
                    kind.retries.insert((until, seq));
                    continue;
                }
            };
            match kind.bodies.get(seq).cloned() {
                // Behind one that has to be read, everything waits: the order is by urgency.
                Some(envelope) if missing.is_empty() => {
                    if !self.send(id, &envelope, attempt, ctx) {
                        break;
                    }
                }
                _ => {
                    missing_bytes += held.bytes as usize;
                    missing.push(seq);
                }
            }
        }
        self.set_retry_timer(ctx);
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
        let held = self.state().held(envelope.seq);
        let is_suspect = held.is_some_and(|held| held.is_suspect(self.rules()));
        let followed = self.bridge.spans().of_record(envelope);
        let note = self.note_when_written(id, What::Message(envelope.seq, attempt, bytes));
        let accepted = self.accepted(MessageKind::Direct, envelope.seq);
        let Some(reader) = self.kind.readers.get_mut(id) else {
            return false;
        };
        let note = note.and(followed.map(|followed| written(followed, &reader.session, attempt)));
        let outbox = reader.session.outbox();
        if outbox.push_noted(frame, accepted, note).is_err() {
            // It notices by itself, and closes or has closed.
            self.lose(id, ctx);
            return false;
        }
        reader.was_sent(envelope.seq, attempt, bytes, is_suspect);
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
            actor.guarded("bodies_read", ctx, |actor, ctx| {
                actor.bodies_read(id, &seqs, read, ctx)
            });
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
                ctx.run_later(limits::DUE_RETRY, move |actor, ctx| {
                    actor.guarded("pump", ctx, |actor, ctx| actor.pump(id, ctx));
                });
                return;
            }
        };
        let mut by_seq: std::collections::HashMap<Seq, Arc<Envelope>> = records
            .into_iter()
            .map(|record| (record.seq, Arc::new(record)))
            .collect();
        let (now, rules) = (self.bridge.clock().now(), self.rules());
        for (place, seq) in seqs.iter().enumerate() {
            let (mailbox, tentative, kind) = self.parts_and_tentative();
            let Some(reader) = kind.readers.get_mut(id) else {
                return;
            };
            if reader.is_full() {
                // They are larger as frames than they looked.
                self.offer_again(id, &seqs[place..]);
                break;
            }
            let Some(held) = mailbox.held(*seq) else {
                continue;
            };
            match what_now(held, tentative, reader, now, rules) {
                Now::Nothing => {}
                Now::Aside => reader.put_aside(held),
                Now::Wait(until) => {
                    kind.retries.insert((until, *seq));
                }
                Now::Send(attempt) => {
                    let Some(envelope) = by_seq.remove(seq) else {
                        continue;
                    };
                    if !self.send(id, &envelope, attempt, ctx) {
                        return;
                    }
                }
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

    /// Hands in what was written, before anything else that waits in this actor's queue: a client may
    /// have confirmed it by now.
    pub(super) fn flush_written(&mut self, ctx: &mut Context<Self>) {
        for (messages, command) in self.take_written() {
            let answer = self.order_now(command, ctx);
            Self::write_again_if_lost(messages, answer, ctx);
        }
    }

    fn take_written(&mut self) -> Vec<(Vec<(Seq, u32)>, MailboxCommand)> {
        self.kind.is_flushing = false;
        let written = std::mem::take(&mut self.kind.written);
        let rules = self.rules();
        let handed = |some: &[(Seq, u32)]| {
            let messages = some.to_vec();
            let command = MailboxCommand::Handed(Handed {
                messages: messages.clone(),
                rules,
            });
            (messages, command)
        };
        let chunks = written.chunks(limits::RETURNED_AT_ONCE_MAX);
        chunks.map(handed).collect()
    }

    fn write_again_if_lost(
        messages: Vec<(Seq, u32)>,
        answer: tokio::sync::oneshot::Receiver<Answered>,
        ctx: &mut Context<Self>,
    ) {
        let answer = wrap_future::<_, Self>(answer);
        ctx.spawn(answer.map(move |answer, actor, ctx| {
            // A ticket is never lost; if it were, the message would come again.
            let Ok(Err(reject)) = answer else { return };
            if reject.is_temporary() {
                // Else nobody would ever take it back. What no session has any more was given back
                // before it was noted, and is not noted now.
                let readers = &actor.kind.readers;
                let is_there = |(seq, attempt): &(Seq, u32)| readers.anybody_has(*seq, *attempt);
                let there: Vec<_> = messages.into_iter().filter(is_there).collect();
                actor.kind.written.extend(there);
                ctx.run_later(limits::HANDED_AGAIN, |actor, ctx| actor.flush_soon(ctx));
            }
        }));
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
            let sleep = Duration::from_millis(millis).min(limits::RETRY_SLEEP_MAX);
            let timer = ctx.run_later(sleep, |actor, ctx| {
                // It has rung, whatever becomes of what it rings for.
                actor.kind.retry = None;
                actor.guarded("retry", ctx, Self::retry);
            });
            (next, timer)
        });
    }

    /// Back-offs have ended: the messages are offered again.
    fn retry(&mut self, ctx: &mut Context<Self>) {
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
