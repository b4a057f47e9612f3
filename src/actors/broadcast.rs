//! What the owner of the broadcast stream has besides its state: its readers, which is everybody.

use actix::Context;
use bridge_core::broadcast::Broadcast;
use bridge_core::event::{Envelope, Event, Stream};
use bridge_core::message::Outgoing;
use bridge_core::owner::Draft;
use bridge_core::ports::{Store, StoreError};
use bridge_core::{ClientId, Reject, Seq, limits};
use bytes::Bytes;
use tokio::sync::watch;

use super::bridge::{Bridge, Sent};
use super::handle::StreamHandle;
use super::readers::{News, Readable, Readers};
use super::stream::{Kind, StreamActor};
use super::ticket::{Receipt, Ticket};
use crate::telemetry::metrics::MessageKind;
use crate::telemetry::spans::Spans;
use crate::wire::encode;
use crate::wire::frame::Ref;

/// The owner of the broadcast stream.
type BroadcastActor = StreamActor<BroadcastKind>;

/// What is special about messages to `all`: every session reads them.
pub(super) struct BroadcastKind {
    readers: Readers,
}

/// Starts the actor on this thread.
pub(super) fn wake(bridge: &Bridge) -> StreamHandle<BroadcastKind> {
    let (readers, head) = Readers::new();
    StreamActor::wake(bridge, Stream::Broadcast, BroadcastKind { readers }, head)
}

fn news(spans: &Spans, envelope: &Envelope) -> Option<News> {
    let Event::MessageStored(stored) = &envelope.event else {
        return None;
    };
    let text = encode::message_text(envelope, None)?;
    Some(News {
        seq: envelope.seq,
        frame: encode::text_frame(&text),
        answer: None,
        expires_at: Some(stored.expires_at),
        followed: spans.of_record(envelope),
    })
}

impl Kind for BroadcastKind {
    type State = Broadcast;
    type Shown = watch::Receiver<Seq>;
    type Telling = Vec<News>;
    type Found = std::convert::Infallible;

    const NAME: &'static str = "broadcast";
    const QUEUE_COMMANDS_MAX: usize = limits::MAILBOX_QUEUE_COMMANDS_MAX;
    const QUEUE_BYTES_MAX: usize = limits::MAILBOX_QUEUE_BYTES_MAX;

    fn weight_bytes(message: &Box<Outgoing>) -> usize {
        message.weight_bytes()
    }

    fn quarantined(stream: &Stream) -> Reject {
        Reject::MailboxQuarantined(stream.name().to_owned())
    }

    fn retire(bridge: &Bridge, _stream: &Stream, own: StreamHandle<Self>) -> bool {
        bridge.broadcasts().retire(&(), own)
    }

    fn find(
        _store: &dyn Store,
        _stream: &Stream,
        question: &std::convert::Infallible,
    ) -> Result<Self::Found, StoreError> {
        match *question {}
    }

    fn fill(
        _stream: &Stream,
        _message: &mut Box<Outgoing>,
        question: std::convert::Infallible,
        _found: Self::Found,
    ) -> Result<(), Reject> {
        match question {}
    }

    fn answer(receipt: &Receipt, reference: Option<&Ref>) -> Bytes {
        Sent::frame(receipt, reference)
    }

    fn told(&self) -> Seq {
        self.readers.head()
    }

    fn is_in_use(&self) -> bool {
        !self.readers.subscribers.is_empty()
    }

    fn end_readers(&mut self) {
        self.readers.subscribers.end_all();
    }

    fn tell_waiting(&mut self, reject: &Reject) {
        self.readers.refuse_attaching(reject);
    }

    fn loaded(
        actor: &mut BroadcastActor,
        untold: Vec<Envelope>,
        is_first: bool,
        ctx: &mut Context<BroadcastActor>,
    ) {
        if is_first {
            actor.kind.readers.begin_behind(actor.state().head());
        }
        let spans = actor.bridge.spans();
        let news = untold.iter().filter_map(|record| news(spans, record));
        actor.tell_news(news.collect(), ctx);
        actor.attach_waiting(ctx);
    }

    fn committed(
        actor: &mut BroadcastActor,
        draft: Draft,
        ticket: Ticket,
        telling: &mut Vec<News>,
        _ctx: &mut Context<BroadcastActor>,
    ) {
        let (spans, records) = (actor.bridge.spans(), draft.envelopes.iter());
        telling.extend(records.filter_map(|record| news(spans, record)));
        let receipt = Receipt {
            envelopes: draft.envelopes,
            duplicate: false,
            view: None,
        };
        ticket.answer(receipt, Self::answer);
    }

    fn flush(actor: &mut BroadcastActor, telling: Vec<News>, ctx: &mut Context<BroadcastActor>) {
        actor.tell_news(telling, ctx);
    }
}

impl Readable for BroadcastKind {
    const MESSAGES: MessageKind = MessageKind::Broadcast;

    fn readers(&mut self) -> &mut Readers {
        &mut self.readers
    }

    /// What a token allows was looked at when its session said hello.
    fn may_read(_broadcast: &Broadcast, _client: &ClientId) -> Result<(), Reject> {
        Ok(())
    }

    fn came_or_went(_: &mut BroadcastActor, _: &ClientId, _: &mut Context<BroadcastActor>) {}
}
