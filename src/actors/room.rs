//! The actor that owns one room.
//!
//! It decides nothing itself: `bridge_core::room::Owner` does, under `catch_unwind`. What is here
//! is carrying out its effects: appending, telling everybody, waking and sleeping.

mod load;
mod messages;
mod presence;
mod subscribers;
mod tell;

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use actix::{Actor, Addr, AsyncContext, Context};
use bridge_core::command::RoomCommand;
use bridge_core::event::Stream;
use bridge_core::id::Incarnation;
use bridge_core::owner::{Draft, Effect, Owner, PendingRefusal, Request};
use bridge_core::ports::{Append, Record, Snapshot};
use bridge_core::replay::Tail;
use bridge_core::room::{Room, SNAPSHOT_FORMAT};
use bridge_core::{ClientId, MessageId, Reject, RoomId, Seq, Timestamp, limits};
use bytes::Bytes;
use tokio::sync::watch;

use super::bridge::Bridge;
use super::handle::{RoomHandle, WeakRoomHandle};
use super::supervisor::{Supervisor, Verdict};
use super::ticket::Ticket;
use crate::log_writer::{LogUnavailable, Sink};
use presence::Presence;
use subscribers::Subscribers;
use tell::Telling;

pub(super) use messages::{Answers, Attach, Begin, Detach, Look, Reply, Submit};

type Effects = Vec<Effect<Room, Ticket>>;

/// The owner of one room.
pub(super) struct RoomActor {
    bridge: Bridge,
    stream: Stream,
    own: Option<WeakRoomHandle>,
    owner: Owner<Room, Ticket>,
    life: Life,
    supervisor: Supervisor,
    is_quarantined: bool,
    was_read: bool,
    tail: Tail<Bytes>,
    head: watch::Sender<Seq>,
    subscribers: Subscribers,
    presence: Presence,
    attaching: Vec<Attach>,
    looking: Vec<Look>,
    /// Requests behind a look-up of their sender, in their order.
    look_ups: HashMap<ClientId, VecDeque<Submit>>,
    snapshot_at: Seq,
    is_touched: bool,
}

/// One incarnation of the owner, and where its answers go.
struct Life {
    incarnation: Incarnation,
    sink: Arc<dyn Sink>,
}

impl Life {
    fn new(addr: Addr<RoomActor>, incarnation: Incarnation) -> Self {
        let sink = RoomHandle::sink(addr, incarnation);
        Self { incarnation, sink }
    }
}

impl Actor for RoomActor {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        self.load(ctx);
        ctx.run_interval(self.bridge.options().room_idle, Self::sleep_if_idle);
    }
}

impl RoomActor {
    /// Starts the actor of a room on this thread.
    pub(super) fn wake(bridge: &Bridge, room: &RoomId) -> RoomHandle {
        let (head, watching) = watch::channel(Seq::ZERO);
        let addr = Self::create(|ctx| Self {
            bridge: bridge.clone(),
            stream: Stream::Room(room.clone()),
            own: None,
            owner: Owner::loading(Room::vacant(room.clone())),
            life: Life::new(ctx.address(), Incarnation::new(0)),
            supervisor: Supervisor::new(),
            is_quarantined: false,
            was_read: false,
            tail: Tail::new(Seq::ZERO, limits::TAIL_RECORDS_MAX, limits::TAIL_BYTES_MAX),
            head,
            subscribers: Subscribers::default(),
            presence: Presence::default(),
            attaching: Vec::new(),
            looking: Vec::new(),
            look_ups: HashMap::new(),
            snapshot_at: Seq::ZERO,
            is_touched: false,
        });
        let handle = RoomHandle::new(addr, bridge.log().clone(), watching);
        handle.begin();
        handle
    }

    fn room(&self) -> &Room {
        self.owner.state()
    }

    fn room_id(&self) -> &RoomId {
        match &self.stream {
            Stream::Room(id) => id,
            other => unreachable!("the actor of a room owns a room's log, not {other}"),
        }
    }

    /// Runs a handler. A panic outside of the owner leaves the readers' side in doubt as well, so
    /// their sessions are ended and the room begins anew.
    fn guarded(
        &mut self,
        ctx: &mut Context<Self>,
        handler: impl FnOnce(&mut Self, &mut Context<Self>),
    ) {
        if Supervisor::run(|| handler(self, ctx)).is_err() {
            self.subscribers.end_all();
            self.was_read = false;
            self.failed("a panic", ctx);
        }
    }

    fn look(&self, look: Look) {
        let is_online = |client: &ClientId| self.subscribers.is_online(client);
        (look.look)(Ok((self.room(), &is_online)));
    }

    /// Lets the owner work, and carries out what it says. If it panics, its state is dropped.
    fn with_owner(
        &mut self,
        ctx: &mut Context<Self>,
        work: impl FnOnce(&mut Owner<Room, Ticket>, Timestamp, &mut Effects),
    ) {
        let now = self.bridge.clock().now();
        let mut effects = Effects::new();
        let outcome = Supervisor::run(|| work(&mut self.owner, now, &mut effects));
        if outcome.is_err() {
            drop(effects);
            return self.failed("a panic", ctx);
        }
        self.perform(effects, ctx);
    }

    fn perform(&mut self, effects: Effects, ctx: &mut Context<Self>) {
        let mut telling = Telling::default();
        for effect in effects {
            match effect {
                Effect::Append(draft) => {
                    if self.append(&draft).is_err() {
                        // What is left of the list belongs to the state that is dropped with it.
                        return self.failed("no log writer", ctx);
                    }
                }
                Effect::Committed { draft, asker } => self.tell(draft, asker, &mut telling, ctx),
                Effect::Known { seq, asker } => self.repeat(seq, asker, ctx),
                Effect::Refused { reject, asker } => asker.refuse(reject),
                Effect::CheckKey { refusal, asker } => self.check_key(refusal, asker, ctx),
                Effect::Unchanged { asker } => asker.refuse(Reject::Internal {
                    detail: "a room had nothing to write".to_owned(),
                }),
                Effect::LookUp { question, request } => self.look_up(question, request, ctx),
                Effect::Behind(request) => self.wait_behind_look_up(request),
                Effect::Reload => self.load(ctx),
            }
        }
        self.flush(&mut telling, ctx);
        self.snapshot_if_due();
    }

    /// Every request in flight holds a permit, so the queue has room; a refusal says that the
    /// writer is gone, and the process about to end.
    fn append(&mut self, draft: &Draft) -> Result<(), LogUnavailable> {
        let records = draft.envelopes.iter().map(|e| Record::new(Arc::clone(e)));
        let append = Append {
            incarnation: self.life.incarnation,
            records: records.collect(),
        };
        self.bridge
            .log()
            .append(append, Arc::clone(&self.life.sink))
    }

    /// Answers a repeat with the original, read from the log.
    fn repeat(&self, seq: Seq, ticket: Ticket, ctx: &mut Context<Self>) {
        let stream = self.stream.clone();
        let reads = self.bridge.reads().clone();
        // What the room shows today, to who asks today: a receipt is no key to a room.
        let is_online = |client: &ClientId| self.subscribers.is_online(client);
        let view = ticket.viewer().map(|by| self.room().view(by, is_online));
        let view = match view.transpose() {
            Ok(view) => view,
            Err(reject) => return ticket.refuse(reject),
        };
        ctx.spawn(actix::fut::wrap_future(async move {
            let page = reads
                .run(move |store| store.page(&stream, seq.prev(), 1))
                .await;
            match page.map(|mut records| records.pop()) {
                Ok(Some(envelope)) => {
                    let envelope = Arc::new(envelope);
                    ticket.repeat(super::ticket::Receipt {
                        envelope,
                        duplicate: true,
                        view,
                    });
                }
                Ok(None) => {
                    let detail = format!("record {seq} is gone");
                    ticket.refuse(Reject::Internal { detail });
                }
                Err(reject) => ticket.refuse(reject),
            }
        }));
    }

    /// Refuses a request, unless the log has its key: then it is a repeat.
    fn check_key(&self, refusal: PendingRefusal, ticket: Ticket, ctx: &mut Context<Self>) {
        let stream = self.stream.clone();
        let reads = self.bridge.reads().clone();
        let found = async move {
            let (by, word) = (refusal.by.clone(), refusal.key.word.clone());
            let found = reads.run(move |store| store.key(&stream, &by, &word)).await;
            found.and_then(|found| refusal.settle(found))
        };
        let found = actix::fut::wrap_future::<_, Self>(found);
        ctx.spawn(actix::fut::ActorFutureExt::map(
            found,
            |found, actor, ctx| match found {
                Ok(seq) => actor.repeat(seq, ticket, ctx),
                Err(reject) => ticket.refuse(reject),
            },
        ));
    }

    /// Takes a request in. One whose sender waits for a look-up waits behind it, so that what a
    /// client says in order is decided in order.
    fn take(&mut self, submit: Submit, ctx: &mut Context<Self>) {
        let Submit {
            command,
            by,
            key,
            ticket,
        } = submit;
        if self.is_quarantined {
            return ticket.refuse(Reject::RoomQuarantined(self.room_id().clone()));
        }
        if let Some(waiting) = self.look_ups.get_mut(by.client()) {
            return waiting.push_back(Submit {
                command,
                by,
                key,
                ticket,
            });
        }
        let hook = self.bridge.options().faults.on_command;
        let request = Request {
            command,
            by,
            key,
            asker: ticket,
        };
        self.with_owner(ctx, |owner, now, effects| {
            if let Some(hook) = hook {
                hook(&request.command);
            }
            owner.submit(request, now, effects);
        });
    }

    fn wait_behind_look_up(&mut self, request: Request<RoomCommand, Ticket>) {
        let Request {
            command,
            by,
            key,
            asker: ticket,
        } = request;
        let waiting = self.look_ups.entry(by.client().clone()).or_default();
        waiting.push_back(Submit {
            command,
            by,
            key,
            ticket,
        });
    }

    /// Looks for the message that a post answers, and hands the post in again.
    fn look_up(
        &mut self,
        message: MessageId,
        request: Request<RoomCommand, Ticket>,
        ctx: &mut Context<Self>,
    ) {
        self.look_ups
            .entry(request.by.client().clone())
            .or_default();
        let reads = self.bridge.reads().clone();
        let found = async move { reads.run(move |store| store.message(message)).await };
        let found = actix::fut::wrap_future::<_, Self>(found);
        ctx.spawn(actix::fut::ActorFutureExt::map(
            found,
            move |found, actor, ctx| {
                actor.guarded(ctx, |actor, ctx| {
                    actor.looked_up(message, request, found, ctx)
                });
            },
        ));
    }

    fn looked_up(
        &mut self,
        message: MessageId,
        mut request: Request<RoomCommand, Ticket>,
        found: Result<Option<(Stream, Seq)>, Reject>,
        ctx: &mut Context<Self>,
    ) {
        let waiting = self.look_ups.remove(request.by.client());
        match found {
            Ok(Some((place, seq))) if place == self.stream => {
                if let RoomCommand::Post(post) = &mut request.command {
                    post.reply_seq = Some(seq);
                }
                let Request {
                    command,
                    by,
                    key,
                    asker,
                } = request;
                self.take(
                    Submit {
                        command,
                        by,
                        key,
                        ticket: asker,
                    },
                    ctx,
                );
            }
            Ok(_) => request.asker.refuse(Reject::MessageNotFound(message)),
            Err(reject) => request.asker.refuse(reject),
        }
        for submit in waiting.into_iter().flatten() {
            self.take(submit, ctx);
        }
    }

    fn snapshot_if_due(&mut self) {
        let head = self.room().head();
        if head.get() >= self.snapshot_at.get() + limits::SNAPSHOT_EVERY_RECORDS {
            self.snapshot();
        }
    }

    fn snapshot(&mut self) {
        let Some(body) = self.room().to_snapshot() else {
            return;
        };
        let seq = self.room().head();
        let snapshot = Snapshot {
            seq,
            format: SNAPSHOT_FORMAT,
            body: body.into(),
        };
        match self
            .bridge
            .log()
            .save_snapshot(self.stream.clone(), snapshot)
        {
            Ok(()) => self.snapshot_at = seq,
            Err(why) => tracing::debug!(stream = %self.stream, error = %why, "no snapshot now"),
        }
    }

    /// Goes to sleep when nobody has wanted anything since the last look.
    fn sleep_if_idle(&mut self, ctx: &mut Context<Self>) {
        let was_touched = std::mem::take(&mut self.is_touched);
        let is_idle = self.owner.is_idle() && self.subscribers.is_empty() && !self.is_quarantined;
        if was_touched || !is_idle {
            return;
        }
        let Some(own) = self.own.as_ref().and_then(WeakRoomHandle::upgrade) else {
            return;
        };
        if !self.bridge.rooms().retire(self.room_id(), own) {
            return;
        }
        if self.room().head() > self.snapshot_at {
            self.snapshot();
        }
        if let Err(why) = self.bridge.log().retire(self.stream.clone()) {
            tracing::debug!(stream = %self.stream, error = %why, "the writer keeps its life");
        }
        tracing::debug!(stream = %self.stream, "the room goes to sleep");
        actix::ActorContext::stop(ctx);
    }

    /// The owner cannot go on. Its state and everybody who waits in it are dropped; a waiting
    /// ticket answers by itself.
    fn failed(&mut self, why: &'static str, ctx: &mut Context<Self>) {
        tracing::error!(stream = %self.stream, why, "a room failed and is read again");
        self.owner = Owner::loading(Room::vacant(self.room_id().clone()));
        match self.supervisor.failed(self.bridge.clock().now()) {
            Verdict::Restart => self.load(ctx),
            Verdict::Quarantine => self.quarantine(),
        }
    }

    fn quarantine(&mut self) {
        tracing::error!(stream = %self.stream, "a room is quarantined");
        self.is_quarantined = true;
        let reject = Reject::RoomQuarantined(self.room_id().clone());
        self.tell_waiting(&reject);
        for submit in std::mem::take(&mut self.look_ups).into_values().flatten() {
            submit.ticket.refuse(reject.clone());
        }
        self.bridge.count_quarantined();
    }
}
