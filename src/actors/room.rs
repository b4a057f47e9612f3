//! What the owner of a room has besides its state: its readers, and who is there.

mod presence;
mod tell;

use actix::Context;
use bridge_core::command::RoomCommand;
use bridge_core::event::{Envelope, Stream};
use bridge_core::owner::Draft;
use bridge_core::ports::{Store, StoreError};
use bridge_core::room::{Life, Room, RoomView};
use bridge_core::{ClientId, MessageId, Reject, RoomId, Seq, limits};
use bytes::Bytes;
use tokio::sync::watch;

use super::bridge::{Bridge, Options};
use super::handle::StreamHandle;
use super::readers::{News, Readable, Readers};
use super::stream::{Kind, StreamActor};
use super::ticket::{Receipt, Ticket};
use crate::telemetry::metrics::{AwakeRoom, MessageKind};
use crate::wire::encode;
use crate::wire::frame::Ref;
use presence::Presence;

/// The owner of one room.
pub(super) type RoomActor = StreamActor<RoomKind>;

/// What is special about rooms: members read them, and see who else is there.
pub(super) struct RoomKind {
    readers: Readers,
    presence: Presence,
    /// Where an operator sees it by name.
    shown: AwakeRoom,
}

impl RoomKind {
    /// Whether a client has a session in the room.
    pub(super) fn is_online(&self, client: &ClientId) -> bool {
        self.readers.subscribers.is_online(client)
    }
}

/// Starts the actor of a room on this thread.
pub(super) fn wake(bridge: &Bridge, room: &RoomId) -> StreamHandle<RoomKind> {
    let (readers, head) = Readers::new();
    let presence = Presence::default();
    let kind = RoomKind {
        readers,
        presence,
        shown: bridge.metrics().room_awake(),
    };
    StreamActor::wake(bridge, Stream::Room(room.clone()), kind, head)
}

/// The room whose stream it is.
fn room_of(stream: &Stream) -> &RoomId {
    match stream {
        Stream::Room(id) => id,
        other => unreachable!("the owner of a room has a room's log, not {other}"),
    }
}

impl RoomActor {
    fn room_id(&self) -> &RoomId {
        room_of(&self.stream)
    }
}

impl RoomActor {
    /// Shows how many members it has, while it is open.
    fn show(&mut self) {
        let (room, kind) = self.parts();
        match room.life() {
            Life::Open => kind.shown.has_members(room.id(), room.members().len()),
            Life::Vacant | Life::Closed => kind.shown.forget(),
        }
    }
}

impl Kind for RoomKind {
    type State = Room;
    type Shown = watch::Receiver<Seq>;
    type Telling = Vec<News>;
    type Found = Option<(Stream, Seq)>;

    const NAME: &'static str = "room";
    const QUEUE_COMMANDS_MAX: usize = limits::ROOM_QUEUE_COMMANDS_MAX;
    const QUEUE_BYTES_MAX: usize = limits::ROOM_QUEUE_BYTES_MAX;

    fn weight_bytes(command: &RoomCommand) -> usize {
        command.weight_bytes()
    }

    fn quarantined(stream: &Stream) -> Reject {
        Reject::RoomQuarantined(room_of(stream).clone())
    }

    fn retire(bridge: &Bridge, stream: &Stream, own: StreamHandle<Self>) -> bool {
        bridge.rooms().retire(room_of(stream), own)
    }

    fn on_command(options: &Options) -> Option<fn(&RoomCommand)> {
        options.faults.on_command
    }

    /// Where the message is that a post answers, or that somebody criticises.
    fn find(
        store: &dyn Store,
        _room: &Stream,
        message: &MessageId,
    ) -> Result<Self::Found, StoreError> {
        store.message(*message)
    }

    fn fill(
        stream: &Stream,
        command: &mut RoomCommand,
        message: MessageId,
        found: Self::Found,
    ) -> Result<(), Reject> {
        let Some((_, seq)) = found.filter(|(place, _)| place == stream) else {
            return Err(Reject::MessageNotFound(message));
        };
        match command {
            RoomCommand::Post(post) => post.reply_seq = Some(seq),
            RoomCommand::Critique(critique) => critique.target_seq = Some(seq),
            other => unreachable!("{} asks for no message", other.name()),
        }
        Ok(())
    }

    fn answer(receipt: &Receipt, reference: Option<&Ref>) -> Bytes {
        match receipt.first() {
            Some(record) => encode::event(record).answer(reference, receipt.duplicate),
            None => encode::unchanged(reference),
        }
    }

    /// What the room shows today, to who asks today: a receipt is no key to a room.
    fn view_for(actor: &RoomActor, ticket: &Ticket) -> Result<Option<RoomView>, Reject> {
        let is_online = |client: &ClientId| actor.kind.is_online(client);
        let view = ticket.viewer().map(|by| actor.state().view(by, is_online));
        view.transpose()
    }

    fn told(&self) -> Seq {
        self.readers.head()
    }

    fn is_in_use(&self) -> bool {
        !self.readers.subscribers.is_empty()
    }

    fn end_readers(&mut self) {
        self.readers.subscribers.end_all();
        // Nobody is left who was told of anybody.
        self.presence = Presence::default();
    }

    fn tell_waiting(&mut self, reject: &Reject) {
        self.readers.refuse_attaching(reject);
    }

    fn loaded(
        actor: &mut RoomActor,
        untold: Vec<Envelope>,
        is_first: bool,
        ctx: &mut Context<RoomActor>,
    ) {
        if is_first {
            actor.kind.readers.begin_behind(actor.state().head());
        }
        actor.show();
        actor.tell_untold(untold, ctx);
        actor.attach_waiting(ctx);
    }

    fn committed(
        actor: &mut RoomActor,
        draft: Draft,
        ticket: Ticket,
        telling: &mut Vec<News>,
        ctx: &mut Context<RoomActor>,
    ) {
        actor.tell(&draft, ticket, telling, ctx);
    }

    fn flush(actor: &mut RoomActor, telling: Vec<News>, ctx: &mut Context<RoomActor>) {
        actor.tell_news(telling, ctx);
    }
}

impl Readable for RoomKind {
    const MESSAGES: MessageKind = MessageKind::Room;

    fn readers(&mut self) -> &mut Readers {
        &mut self.readers
    }

    fn may_read(room: &Room, client: &ClientId) -> Result<(), Reject> {
        if room.is_member(client) {
            return Ok(());
        }
        Err(Reject::NotAMember(room.id().clone()))
    }

    fn came_or_went(actor: &mut RoomActor, client: &ClientId, ctx: &mut Context<RoomActor>) {
        actor.presence_changed(client.clone(), ctx);
    }
}
