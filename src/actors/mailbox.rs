//! What the owner of a mailbox has besides its state: the sessions to deliver to.
//!
//! Every live session of the client gets each message, the most urgent first, at the speed at which
//! its socket takes them. What a session was sent and has not confirmed is leased to it; when the
//! last session that has a message ends, the message comes back.

mod bodies;
mod messages;
mod pump;
mod readers;
mod sweep;
mod tell;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use actix::{Context, SpawnHandle};
use bridge_core::aggregate::{Aggregate, system};
use bridge_core::event::{Envelope, Stream};
use bridge_core::mailbox::{Found, Mailbox, MailboxCommand, Reserved, Return, Rules};
use bridge_core::message::{Ending, Via};
use bridge_core::owner::Draft;
use bridge_core::ports::{Store, StoreError};
use bridge_core::{ClientId, MessageId, Reject, Seq, Timestamp, limits};
use bytes::Bytes;
use tokio::sync::watch;

use super::bridge::Bridge;
use super::handle::StreamHandle;
use super::stream::{Kind, StreamActor};
use super::ticket::{About, Answered, Receipt, Ticket};
use crate::wire::frame::Ref;
use bodies::Bodies;
use readers::Readers;
use tell::Telling;

pub(super) use messages::{Attach, Detach, Report, Reserve, Sweep, What, Written};
pub(super) use readers::Senders;
pub(super) use tell::receipt_of;

/// The owner of one mailbox.
pub(super) type MailboxActor = StreamActor<MailboxKind>;

/// What is special about mailboxes: sessions that messages are delivered to.
pub(super) struct MailboxKind {
    readers: Readers,
    attaching: Vec<Attach>,
    reserving: Vec<Reserve>,
    reporting: Vec<Report>,
    bodies: Bodies,
    /// Messages that were written to a session, on their way into the log.
    written: Vec<(Seq, u32)>,
    is_flushing: bool,
    is_sweeping: bool,
    /// How far the client has read the broadcast stream, written down or about to be.
    broadcasts_read: Seq,
    /// Messages whose back-off is not over.
    retries: BTreeSet<(Timestamp, Seq)>,
    retry: Option<(Timestamp, SpawnHandle)>,
    reserved: Arc<AtomicUsize>,
    told: Seq,
    head: watch::Sender<Seq>,
    ready: watch::Sender<u64>,
}

/// What a mailbox's handles show without asking it.
#[derive(Debug, Clone)]
pub(super) struct Shown {
    /// The last record that was told.
    pub(super) head: watch::Receiver<Seq>,
    /// Changes whenever a message may have become ready to be handed over, or a receipt was kept.
    pub(super) ready: watch::Receiver<u64>,
}

impl MailboxKind {
    /// How far the client has read the broadcast stream. Who comes back at once does so before that
    /// is written down.
    pub(super) fn broadcasts_read(&self, mailbox: &Mailbox) -> Seq {
        mailbox.broadcasts_read().max(self.broadcasts_read)
    }
}

/// A place that is promised to a message. Given back when it is dropped.
#[derive(Debug)]
pub(super) struct Place(Arc<AtomicUsize>);

impl Place {
    fn take(places: &Arc<AtomicUsize>) -> Self {
        places.fetch_add(1, Ordering::AcqRel);
        Self(Arc::clone(places))
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::AcqRel);
    }
}

/// Starts the actor of a mailbox on this thread.
pub(super) fn wake(bridge: &Bridge, client: &ClientId) -> StreamHandle<MailboxKind> {
    let (head, head_shown) = watch::channel(Seq::ZERO);
    let (ready, ready_shown) = watch::channel(0);
    let kind = MailboxKind {
        readers: Readers::default(),
        attaching: Vec::new(),
        reserving: Vec::new(),
        reporting: Vec::new(),
        bodies: Bodies::default(),
        written: Vec::new(),
        is_flushing: false,
        is_sweeping: false,
        broadcasts_read: Seq::ZERO,
        retries: BTreeSet::new(),
        retry: None,
        reserved: Arc::default(),
        told: Seq::ZERO,
        head,
        ready,
    };
    let shown = Shown {
        head: head_shown,
        ready: ready_shown,
    };
    StreamActor::wake(bridge, Stream::Mailbox(client.clone()), kind, shown)
}

/// The client whose mailbox it is.
fn client_of(stream: &Stream) -> &ClientId {
    match stream {
        Stream::Mailbox(client) => client,
        other => unreachable!("the owner of a mailbox has a mailbox's log, not {other}"),
    }
}

impl MailboxActor {
    fn client(&self) -> &ClientId {
        client_of(&self.stream)
    }

    fn rules(&self) -> Rules {
        self.bridge.options().rules
    }

    /// Asks for something in the server's own name, and says where the answer comes.
    fn order(&self, command: MailboxCommand) -> tokio::sync::oneshot::Receiver<Answered> {
        let (ticket, answer) = Ticket::caller(About::Message, None);
        match self.own() {
            Some(own) => own.submit_own(command, system(), ticket),
            // It is going to sleep; whoever wakes it finds the same in its log.
            None => drop(ticket),
        }
        answer
    }

    /// The same, before anything else that waits in this actor's queue.
    fn order_now(
        &mut self,
        command: MailboxCommand,
        ctx: &mut Context<Self>,
    ) -> tokio::sync::oneshot::Receiver<Answered> {
        let (ticket, answer) = Ticket::caller(About::Message, None);
        let own = self.own();
        if let Some(request) = own.and_then(|own| own.admitted_own(command, system(), ticket)) {
            self.submit_now(request, ctx);
        }
        answer
    }

    /// The sessions of an earlier life are gone, whatever they had comes back. That is not the
    /// recipient's failure.
    fn take_back_leases(&mut self, ctx: &mut Context<Self>) {
        let leased = self.state().open().filter_map(|held| {
            let attempt = held.attempt().filter(|attempt| attempt.via == Via::Session);
            attempt.map(|_| (held.about.message, held.attempts))
        });
        let leased = leased.collect();
        self.give_back(leased, Ending::ServerRestarted, ctx);
    }

    fn give_back(&mut self, messages: Vec<(Seq, u32)>, ending: Ending, ctx: &mut Context<Self>) {
        for some in messages.chunks(limits::RETURNED_AT_ONCE_MAX) {
            let back = Return {
                messages: some.to_vec(),
                ending,
                rules: self.rules(),
            };
            // When it cannot be written the leases run out by themselves.
            drop(self.order_now(MailboxCommand::Return(back), ctx));
        }
    }
}

impl Kind for MailboxKind {
    type State = Mailbox;
    type Shown = Shown;
    type Telling = Telling;
    type Found = Found;

    const NAME: &'static str = "mailbox";
    const QUEUE_COMMANDS_MAX: usize = limits::MAILBOX_QUEUE_COMMANDS_MAX;
    const QUEUE_BYTES_MAX: usize = limits::MAILBOX_QUEUE_BYTES_MAX;

    fn weight_bytes(command: &MailboxCommand) -> usize {
        command.weight_bytes()
    }

    fn quarantined(stream: &Stream) -> Reject {
        Reject::MailboxQuarantined(stream.name().to_owned())
    }

    fn retire(bridge: &Bridge, stream: &Stream, own: StreamHandle<Self>) -> bool {
        bridge.mailboxes().retire(client_of(stream), own)
    }

    fn on_command(options: &super::bridge::Options) -> Option<fn(&MailboxCommand)> {
        options.faults.on_mailbox_command
    }

    /// What somebody says of a message that was written to them comes after that it was, also when
    /// both wait side by side in this actor's queue.
    fn before(actor: &mut MailboxActor, command: &MailboxCommand, ctx: &mut Context<MailboxActor>) {
        match command {
            MailboxCommand::Ack(_) | MailboxCommand::Take(_) | MailboxCommand::Replied(_) => {
                actor.flush_written(ctx);
            }
            MailboxCommand::BroadcastsRead { through } => {
                let read = &mut actor.kind.broadcasts_read;
                *read = (*read).max(*through);
            }
            _ => {}
        }
    }

    /// How many places are promised is known here only.
    fn prepare(&self, command: &mut MailboxCommand) {
        if let MailboxCommand::Deliver(deliver) = command
            && let Reserved::Others(places) = &mut deliver.reserved
        {
            *places = self.reserved.load(Ordering::Acquire);
        }
    }

    /// What the store has of a message that was seen or has ended. The head is asked first: what is
    /// read after it is at least as new.
    fn find(store: &dyn Store, stream: &Stream, message: &MessageId) -> Result<Found, StoreError> {
        let as_of = store.head(stream)?;
        let delivery = store.delivery(stream, *message)?.map(Box::new);
        Ok(Found { as_of, delivery })
    }

    fn fill(
        _stream: &Stream,
        command: &mut MailboxCommand,
        _message: MessageId,
        found: Found,
    ) -> Result<(), Reject> {
        match command {
            MailboxCommand::Ack(ack) => ack.found = Some(found),
            MailboxCommand::Replied(replied) => replied.found = Some(found),
            other => {
                let detail = format!("{} asks for no look-up", other.name());
                return Err(Reject::Internal { detail });
            }
        }
        Ok(())
    }

    fn answer(receipt: &Receipt, reference: Option<&Ref>) -> Bytes {
        super::bridge::Sent::frame(receipt, reference)
    }

    fn told(&self) -> Seq {
        self.told
    }

    fn is_in_use(&self) -> bool {
        !self.readers.is_empty() || self.reserved.load(Ordering::Acquire) > 0
    }

    fn end_readers(&mut self) {
        self.readers.end_all();
        self.written.clear();
        // Whoever was about to say that these are over may have panicked.
        self.is_flushing = false;
        self.is_sweeping = false;
    }

    fn tell_waiting(&mut self, reject: &Reject) {
        for waiting in std::mem::take(&mut self.attaching) {
            waiting.reply.send(Err(reject.clone()));
        }
        for waiting in std::mem::take(&mut self.reserving) {
            waiting.reply.send(Err(reject.clone()));
        }
        for waiting in std::mem::take(&mut self.reporting) {
            waiting.reply.send(Err(reject.clone()));
        }
    }

    fn loaded(
        actor: &mut MailboxActor,
        untold: Vec<Envelope>,
        is_first: bool,
        ctx: &mut Context<MailboxActor>,
    ) {
        let mut telling = Telling::default();
        if is_first {
            actor.kind.told = actor.state().head();
            actor.take_back_leases(ctx);
        }
        for envelope in untold {
            actor.tell_record(&Arc::new(envelope), None, &mut telling);
        }
        actor.tell_what_is_due(&mut telling);
        actor.note_all_retries();
        actor.offer_all();
        actor.finish_telling(telling, ctx);
        actor.serve_waiting(ctx);
    }

    fn committed(
        actor: &mut MailboxActor,
        draft: Draft,
        ticket: Ticket,
        telling: &mut Telling,
        _ctx: &mut Context<MailboxActor>,
    ) {
        for envelope in &draft.envelopes {
            actor.tell_record(envelope, ticket.origin(), telling);
        }
        let receipt = Receipt {
            envelopes: draft.envelopes,
            duplicate: false,
            view: None,
        };
        ticket.answer(receipt, Self::answer);
    }

    fn flush(actor: &mut MailboxActor, telling: Telling, ctx: &mut Context<MailboxActor>) {
        actor.finish_telling(telling, ctx);
    }
}

impl MailboxActor {
    /// The head of its log, as far as the state knows.
    fn head(&self) -> Seq {
        Aggregate::head(self.state())
    }
}
