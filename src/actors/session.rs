//! The actor of one session.
//!
//! It turns frames into commands and hands them to rooms; the rooms answer straight into its
//! outbox. A plain actor, not a WebSocket context: it stays alive when its client stops reading,
//! and can say goodbye.

mod frames;
mod gate;
mod mail;
mod resume;
mod watchdog;

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use actix::fut::{ActorFutureExt, wrap_future};
use actix::{Actor, ActorContext, AsyncContext, Context, Handler, StreamHandler};
use bridge_core::principal::Action;
use bridge_core::session::{CloseReason, Due, Phase, Session as Machine};
use bridge_core::{Principal, Reject, RoomId, Seq, SessionId, Timestamp, limits};
use bytes::Bytes;
use futures_util::Stream;
use tokio::sync::OwnedSemaphorePermit;

use super::bridge::Bridge;
use super::faults::Guard;
use super::guard::guarded;
use super::handle::{Permitted, RoomHandle, SessionHandle};
use super::outbox::{Farewell, Outbox, OutboxBody};
use super::supervisor::Branch;
use crate::wire::encode;
use crate::wire::frame::{Inbound as Asked, Ref};

pub use gate::Gate;
use gate::Paused;
use mail::Mail;

/// Shuts the socket down, whether or not its client reads.
pub type HangUp = Box<dyn Fn() + Send>;

/// What a transport knows of a connection.
pub struct Connection {
    /// Who it is.
    pub principal: Principal,
    /// Until when its token is good.
    pub expires_at: Timestamp,
    /// Ends it.
    pub hang_up: HangUp,
}

/// What comes from a client.
#[derive(Debug)]
pub enum Inbound {
    /// A request, within the session's window.
    Request(Result<Asked, (Option<Ref>, Reject)>, OwnedSemaphorePermit),
    /// A WebSocket ping.
    Ping(Bytes),
    /// A WebSocket pong.
    Pong,
    /// The client says goodbye.
    Close,
    /// The client broke the protocol; the frame could not be read.
    Violation(Violation),
}

/// How a client breaks the WebSocket protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Violation {
    /// A frame is larger than allowed.
    TooLarge,
    /// Something that is not a frame, or not one of text.
    NotText,
}

/// Opens a session and gives back the body that carries its frames. `inbound` makes the stream of
/// what comes from the client; it must not yield requests while the gate is shut.
pub fn open<S>(
    bridge: &Bridge,
    connection: Connection,
    inbound: impl FnOnce(Gate) -> S,
) -> OutboxBody
where
    S: Stream<Item = Inbound> + 'static,
{
    let (outbox, body) = Outbox::new(bridge.metrics().clone());
    let id = bridge.ids().session();
    let Connection {
        principal,
        expires_at,
        hang_up,
    } = connection;
    let write_within = bridge.options().write_within;
    // It ends with the connection.
    drop(actix::spawn(watchdog::watch(
        outbox.clone(),
        hang_up,
        write_within,
    )));
    SessionActor::create(|ctx| {
        let handle = SessionHandle::new(id, principal.client().clone(), outbox, ctx.address());
        let gate = Gate::default();
        ctx.add_stream(inbound(gate.clone()));
        SessionActor::new(bridge.clone(), principal, expires_at, handle, gate)
    });
    body
}

/// One live connection of a client.
pub(super) struct SessionActor {
    bridge: Bridge,
    principal: Principal,
    handle: SessionHandle,
    gate: Gate,
    machine: Machine,
    heard: Arc<AtomicU64>,
    rooms: HashMap<RoomId, RoomHandle>,
    /// Where its client's messages come from, once it has said hello.
    mail: Option<Mail>,
    entering: HashSet<RoomId>,
    held: Vec<Held>,
    taken: u64,
}

/// Notices that wait until what is being entered has been entered: acted on now, they would find
/// the session neither in the room nor out of it.
enum Held {
    Entered(Permitted<Entered>),
    Left(Permitted<Left>),
}

/// End the session.
#[derive(Debug)]
pub(super) struct End {
    pub(super) reason: CloseReason,
}

/// The server stops.
#[derive(Debug)]
pub(super) struct Drain;

/// The client is a member of a room; be live there after this record.
#[derive(Debug)]
pub(super) struct Entered {
    pub(super) room: RoomId,
    pub(super) after: Seq,
}

/// The session is live in a room.
#[derive(Debug)]
pub(super) struct LiveIn {
    pub(super) room: RoomId,
    pub(super) handle: RoomHandle,
}

/// The client is no longer a member of a room.
#[derive(Debug)]
pub(super) struct Left {
    pub(super) room: RoomId,
}

impl SessionActor {
    fn new(
        bridge: Bridge,
        principal: Principal,
        expires_at: Timestamp,
        handle: SessionHandle,
        gate: Gate,
    ) -> Self {
        let now = bridge.clock().moment();
        let heartbeat = u64::try_from(bridge.options().heartbeat.as_millis()).unwrap_or(u64::MAX);
        Self {
            machine: Machine::open(now, expires_at, heartbeat),
            principal,
            bridge,
            handle,
            gate,
            heard: Arc::default(),
            rooms: HashMap::new(),
            mail: None,
            entering: HashSet::new(),
            held: Vec::new(),
            taken: 0,
        }
    }

    /// A handler begins, and a test may make it panic: that takes the whole session with it.
    fn place(&self, handler: &str) {
        let who = self.principal.client().as_str();
        let faults = self.bridge.faults();
        faults.at("session", who, handler, Guard::Outside);
    }

    fn id(&self) -> SessionId {
        self.handle.id()
    }

    fn outbox(&self) -> &Outbox {
        self.handle.outbox()
    }

    /// The client is alive.
    fn note_sign_of_life(&mut self) {
        let now = self.bridge.clock().moment();
        self.machine.heard(now);
        self.heard.store(now.as_millis(), Ordering::Relaxed);
    }

    fn refuse(&self, reference: Option<&Ref>, reject: &Reject) {
        self.handle.refuse(reference, reject);
    }

    /// What the passing of time demands.
    fn tick(&mut self, _: &mut Context<Self>) {
        self.place("tick");
        let taken = self.outbox().taken();
        if self.gate.is_shut() && taken != std::mem::replace(&mut self.taken, taken) {
            // While it catches up we do not read from it, but it reads from us.
            self.note_sign_of_life();
        }
        if let Some(mail) = &mut self.mail {
            mail.note_broadcasts(&self.handle);
        }
        let clock = self.bridge.clock();
        match self.machine.tick(clock.moment(), clock.wall()) {
            Due::Nothing => {}
            Due::Ping => self.handle.reply(encode::ping_frame()),
            Due::Close(reason) => self.end(reason),
        }
    }

    /// Says goodbye. The watchdog sees to it that the connection ends, whether or not the client
    /// listens.
    fn end(&mut self, reason: CloseReason) {
        if self.machine.phase() == Phase::Closed {
            return;
        }
        tracing::debug!(session = %self.id(), client = %self.principal.client(), ?reason, "closing");
        if reason == CloseReason::Slow {
            self.bridge.metrics().slow_consumer();
        }
        self.machine.close();
        self.leave();
        let (last_words, farewell) = match reason {
            CloseReason::Gone => (encode::close_frame(1000, ""), Farewell::MUTUAL),
            CloseReason::Draining => {
                let come_back = self.bridge.come_back_after();
                (encode::bye_until(reason, come_back), Farewell::DRAINING)
            }
            _ => (encode::bye(reason), Farewell::BYE),
        };
        self.outbox().finish(last_words, farewell);
    }

    /// The server stops: what was asked is answered, nothing more is read, and then it is over.
    fn drain(&mut self, ctx: &mut Context<Self>) {
        self.gate.close();
        if self.machine.phase() != Phase::Live {
            // It has asked for nothing but to be welcomed.
            return self.end(CloseReason::Draining);
        }
        let gate = self.gate.clone();
        let answered = async move {
            let quiet = tokio::time::timeout(limits::DRAIN_ANSWERS_WITHIN, gate.quiet());
            quiet.await.is_ok()
        };
        ctx.spawn(
            wrap_future::<_, Self>(answered).map(|is_answered, actor, _| {
                if !is_answered {
                    // As after any lost connection, its client asks again, with the same keys.
                    let id = actor.id();
                    tracing::warn!(session = %id, "a request was not answered before the stop");
                }
                actor.end(CloseReason::Draining);
            }),
        );
    }

    /// Follows what becomes of the outbox: full is the end of the session, and when nobody reads
    /// any more, the end of the actor.
    fn follow_outbox(&self, ctx: &mut Context<Self>) {
        let outbox = self.outbox().clone();
        let overflow = async move { outbox.overflowed().await };
        let outbox = self.outbox().clone();
        let over = async move { outbox.over().await };
        let followed = wrap_future::<_, Self>(overflow)
            .map(|has_overflowed, actor, _| {
                if has_overflowed {
                    actor.end(CloseReason::Slow);
                }
            })
            .then(move |(), _, _| wrap_future::<_, Self>(over))
            .map(|(), actor, ctx| {
                actor.machine.close();
                ctx.stop();
            });
        ctx.spawn(followed);
    }

    /// Leaves everything that it is told of.
    fn leave(&mut self) {
        if let Some(mail) = self.mail.take() {
            mail.end(&self.handle);
        }
        for attachment in self.handle.take_attaching() {
            attachment.detach(self.handle.id());
        }
        for (_, room) in self.rooms.drain() {
            room.detach(self.handle.id());
        }
    }

    /// Leaves nothing of itself behind. It may be called while a panic is on its way up, and more
    /// than once.
    fn forget(&mut self) {
        guarded("leaving what a session was told of", || self.leave());
        guarded("a session's place among the live ones", || {
            let (client, id) = (self.handle.client(), self.handle.id());
            self.bridge.sessions().remove(client, id);
        });
    }

    fn may_use(&self, room: &RoomId) -> bool {
        self.principal.allows(Action::UseRoom(room)).is_ok()
    }
}

impl Actor for SessionActor {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        self.follow_outbox(ctx);
        self.place("started");
        let options = self.bridge.options();
        let now = self.bridge.clock().moment();
        let (per_client, total) = (options.sessions_per_client, options.sessions_total);
        let admitted = self
            .bridge
            .sessions()
            .admit(self.handle.clone(), now, per_client, total);
        match admitted {
            Err(reason) => return self.end(reason),
            Ok(admitted) => {
                self.heard = admitted.heard;
                if let Some(replaced) = admitted.replaced {
                    replaced.close(CloseReason::Replaced);
                }
            }
        }
        ctx.run_interval(options.heartbeat / 4, Self::tick);
    }

    fn stopped(&mut self, _: &mut Self::Context) {
        guarded("a fault", || self.place("stopped"));
        self.forget();
    }
}

/// However a session ends, its client hears of it: one whose actor died would wait for ever.
impl Drop for SessionActor {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.bridge.count_failure(Branch::Sessions);
        }
        // Nothing is left of it here, except when its actor died so that it was not told to stop.
        self.forget();
        guarded("the last words of a session", || {
            let last_words = encode::bye(CloseReason::ServerError);
            self.outbox().finish(last_words, Farewell::BYE);
        });
    }
}

impl StreamHandler<Inbound> for SessionActor {
    fn handle(&mut self, inbound: Inbound, ctx: &mut Context<Self>) {
        if self.machine.phase() == Phase::Closed {
            return;
        }
        self.place("inbound");
        self.note_sign_of_life();
        match inbound {
            Inbound::Request(Ok(asked), window) => self.request(asked, window, ctx),
            Inbound::Request(Err((reference, reject)), _) => {
                self.refuse(reference.as_ref(), &reject);
            }
            Inbound::Ping(payload) => self.outbox().pong(encode::pong_frame(&payload)),
            Inbound::Pong => {}
            Inbound::Close => self.end(CloseReason::Gone),
            Inbound::Violation(violation) => {
                if violation == Violation::TooLarge {
                    self.refuse(
                        None,
                        &Reject::TooLarge {
                            max: limits::FRAME_BYTES_MAX,
                        },
                    );
                }
                self.end(CloseReason::ProtocolError);
            }
        }
    }

    /// The connection is gone.
    fn finished(&mut self, ctx: &mut Context<Self>) {
        self.machine.close();
        ctx.stop();
    }
}

impl Handler<Permitted<End>> for SessionActor {
    type Result = ();

    fn handle(&mut self, Permitted { message, .. }: Permitted<End>, _: &mut Context<Self>) {
        self.place("end");
        self.end(message.reason);
    }
}

impl Handler<Permitted<Drain>> for SessionActor {
    type Result = ();

    fn handle(&mut self, _: Permitted<Drain>, ctx: &mut Context<Self>) {
        self.place("drain");
        self.drain(ctx);
    }
}

impl Handler<Permitted<LiveIn>> for SessionActor {
    type Result = ();

    fn handle(&mut self, Permitted { message, .. }: Permitted<LiveIn>, _: &mut Context<Self>) {
        self.place("live_in");
        if self.machine.phase() == Phase::Closed {
            message.handle.detach(self.id());
        } else {
            self.rooms.insert(message.room, message.handle);
        }
    }
}

impl Handler<Permitted<Left>> for SessionActor {
    type Result = ();

    fn handle(&mut self, notice: Permitted<Left>, _: &mut Context<Self>) {
        self.place("left");
        if self.is_on_its_way_into(&notice.message.room) {
            self.held.push(Held::Left(notice));
        } else {
            self.rooms.remove(&notice.message.room);
        }
    }
}

impl Handler<Permitted<Entered>> for SessionActor {
    type Result = ();

    /// By another session of the same client, or over REST. Before hello there is nothing to do:
    /// hello finds the room among the client's.
    fn handle(&mut self, notice: Permitted<Entered>, ctx: &mut Context<Self>) {
        self.place("entered");
        if self.is_on_its_way_into(&notice.message.room) {
            return self.held.push(Held::Entered(notice));
        }
        let Entered { room, after } = notice.message;
        let is_new = !self.rooms.contains_key(&room);
        if self.machine.phase() == Phase::Live && is_new && self.may_use(&room) {
            self.follow(room, after, ctx);
        }
    }
}

impl SessionActor {
    fn is_on_its_way_into(&self, room: &RoomId) -> bool {
        self.machine.phase() == Phase::Resuming || self.entering.contains(room)
    }

    /// Acts on what was held back, in the order in which it came.
    fn act_on_held(&mut self, ctx: &mut Context<Self>) {
        for held in std::mem::take(&mut self.held) {
            match held {
                Held::Entered(notice) => Handler::handle(self, notice, ctx),
                Held::Left(notice) => Handler::handle(self, notice, ctx),
            }
        }
    }
}
