//! What a mailbox is told besides commands, and what it makes of it.

use actix::{Context, Handler, Message};
use bridge_core::mailbox::MailboxCommand;
use bridge_core::message::Ending;
use bridge_core::{Reject, Seq, SessionId};

use super::readers::{Reader, Senders};
use super::{MailboxActor, Place};
use crate::actors::handle::{Permitted, SessionHandle};
use crate::actors::outbox::Note;
use crate::actors::stream::{Readiness, Reply};
use crate::wire::encode;

/// A session wants its client's messages.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub(in crate::actors) struct Attach {
    pub(in crate::actors) session: SessionHandle,
    pub(in crate::actors) only_from: Senders,
    pub(in crate::actors) reply: Reply<()>,
}

/// A session is gone. Each says so once, so it needs no permit.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub(in crate::actors) struct Detach {
    pub(in crate::actors) session: SessionId,
}

/// A place for one message of several.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub(in crate::actors) struct Reserve {
    pub(in crate::actors) keep: bool,
    pub(in crate::actors) reply: Reply<Place>,
}

/// Something became of a message that this client sent. Answered with whether a session was told.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub(in crate::actors) struct Report {
    pub(in crate::actors) receipt: encode::Receipt,
    pub(in crate::actors) reply: Reply<bool>,
}

/// A message was written to a session. As many are on their way as the session's window holds.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub(in crate::actors) struct Written {
    pub(in crate::actors) session: SessionId,
    pub(in crate::actors) what: What,
}

/// What was written.
#[derive(Debug, Clone, Copy)]
pub(in crate::actors) enum What {
    /// A message, for which time, and its bytes.
    Message(Seq, u32, usize),
    /// The receipts that were kept, up to there.
    Receipts(Seq),
}

/// Put into the log what was written.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub(in crate::actors) struct FlushWritten;

/// Something may be due.
#[derive(Debug)]
pub(in crate::actors) struct Sweep;

impl Handler<Attach> for MailboxActor {
    type Result = ();

    fn handle(&mut self, message: Attach, ctx: &mut Context<Self>) {
        match self.asked(ctx) {
            Readiness::HeldBack(reject) => message.reply.send(Err(reject)),
            Readiness::Loading => self.kind.attaching.push(message),
            Readiness::Ready => {
                self.guarded("attach", ctx, |actor, ctx| actor.attach(message, ctx))
            }
        }
    }
}

impl Handler<Detach> for MailboxActor {
    type Result = ();

    fn handle(&mut self, message: Detach, ctx: &mut Context<Self>) {
        self.touch();
        self.guarded("detach", ctx, |actor, ctx| actor.lose(message.session, ctx));
    }
}

impl Handler<Reserve> for MailboxActor {
    type Result = ();

    fn handle(&mut self, message: Reserve, ctx: &mut Context<Self>) {
        match self.asked(ctx) {
            Readiness::HeldBack(reject) => message.reply.send(Err(reject)),
            Readiness::Loading => self.kind.reserving.push(message),
            Readiness::Ready => self.guarded("reserve", ctx, |actor, _| actor.reserve(message)),
        }
    }
}

impl Handler<Report> for MailboxActor {
    type Result = ();

    fn handle(&mut self, message: Report, ctx: &mut Context<Self>) {
        match self.asked(ctx) {
            Readiness::HeldBack(reject) => message.reply.send(Err(reject)),
            Readiness::Loading => self.kind.reporting.push(message),
            Readiness::Ready => self.guarded("report", ctx, |actor, _| actor.report(message)),
        }
    }
}

impl Handler<Written> for MailboxActor {
    type Result = ();

    fn handle(&mut self, message: Written, ctx: &mut Context<Self>) {
        self.guarded("written", ctx, |actor, ctx| actor.written(&message, ctx));
    }
}

impl Handler<FlushWritten> for MailboxActor {
    type Result = ();

    fn handle(&mut self, _: FlushWritten, ctx: &mut Context<Self>) {
        self.guarded("flush_written", ctx, Self::flush_written);
    }
}

impl Handler<Permitted<Sweep>> for MailboxActor {
    type Result = ();

    fn handle(&mut self, _: Permitted<Sweep>, ctx: &mut Context<Self>) {
        self.touch();
        self.guarded("sweep", ctx, Self::sweep);
    }
}

impl MailboxActor {
    /// Those who came while the state was being read.
    pub(super) fn serve_waiting(&mut self, ctx: &mut Context<Self>) {
        for waiting in std::mem::take(&mut self.kind.attaching) {
            self.attach(waiting, ctx);
        }
        for waiting in std::mem::take(&mut self.kind.reserving) {
            self.reserve(waiting);
        }
        for waiting in std::mem::take(&mut self.kind.reporting) {
            self.report(waiting);
        }
    }

    fn attach(&mut self, attach: Attach, ctx: &mut Context<Self>) {
        let Attach {
            session,
            only_from,
            reply,
        } = attach;
        let id = session.id();
        if !session.outbox().is_open() {
            return reply.send(Err(Reject::Retry {
                detail: "the session is going away",
            }));
        }
        if !self.kind.readers.has(id) {
            let mut reader = Reader::new(session, only_from);
            self.tell_kept_receipts(&reader);
            for held in self.state().open() {
                reader.offer(held);
            }
            self.kind.readers.add(reader);
        }
        reply.send(Ok(()));
        self.pump(id, ctx);
    }

    /// What became of the client's own messages while it was away comes first.
    fn tell_kept_receipts(&self, reader: &Reader) {
        // A token that may not see all of them leaves them to one that may.
        let receipts = self.state().receipts();
        let last = receipts.keys().next_back().copied();
        let Some(last) = last.filter(|_| !reader.is_limited()) else {
            return;
        };
        let session = &reader.session;
        for (seq, kept) in receipts {
            let frame = encode::receipt(&super::tell::receipt_of(kept));
            let pushed = if *seq == last {
                let note = self.note_when_written(session.id(), What::Receipts(last));
                session.outbox().push_noted(frame, None, note)
            } else {
                session.outbox().push([frame])
            };
            if pushed.is_err() {
                // They stay kept.
                return;
            }
        }
    }

    pub(super) fn note_when_written(&self, session: SessionId, what: What) -> Note {
        let own = self.own_weak();
        Note::new(move || {
            if let Some(own) = own.as_ref().and_then(|own| own.upgrade()) {
                own.written(session, what);
            }
        })
    }

    fn reserve(&self, reserve: Reserve) {
        let reserved = self
            .kind
            .reserved
            .load(std::sync::atomic::Ordering::Acquire);
        let place = self.tentative().has_place(reserve.keep, reserved);
        let place = place.map(|()| Place::take(&self.kind.reserved));
        reserve.reply.send(place);
    }

    fn report(&self, report: Report) {
        let frame = encode::receipt(&report.receipt);
        let mut was_told = false;
        let readers = self.kind.readers.iter();
        for reader in readers.filter(|reader| reader.may_see(&report.receipt.by)) {
            was_told |= reader.session.outbox().push([frame.clone()]).is_ok();
        }
        report.reply.send(Ok(was_told));
    }

    /// A session is gone: what nobody else has comes back.
    pub(super) fn lose(&mut self, session: SessionId, ctx: &mut Context<Self>) {
        self.kind.attaching.retain(|a| a.session.id() != session);
        // What it was sent is with the owner before its end is, and both are before anybody else
        // comes, who must not be given what is about to come back.
        self.flush_written(ctx);
        let lost = self.kind.readers.remove(session);
        self.give_back(lost, self.loss(), ctx);
    }

    /// How attempts end whose session is gone. A server that stops is nobody's failure.
    fn loss(&self) -> Ending {
        if self.bridge.is_draining() {
            Ending::ServerRestarted
        } else {
            Ending::ConnectionLost
        }
    }

    fn written(&mut self, written: &Written, ctx: &mut Context<Self>) {
        match written.what {
            What::Receipts(through) => {
                drop(self.order(MailboxCommand::ReceiptsTold { through }));
            }
            What::Message(seq, attempt, bytes) => {
                self.kind.written.push((seq, attempt));
                match self.kind.readers.get_mut(written.session) {
                    Some(reader) => {
                        reader.was_written(bytes);
                        self.flush_soon(ctx);
                        self.pump(written.session, ctx);
                    }
                    // It was on its way when its session was lost already: an attempt that is over,
                    // unless somebody else is in it.
                    None => {
                        self.flush_written(ctx);
                        if !self.kind.readers.anybody_has(seq, attempt) {
                            self.give_back(vec![(seq, attempt)], self.loss(), ctx);
                        }
                    }
                }
            }
        }
    }
}
