//! The actor that owns one stream: a room, and whatever else is a log with rules.
//!
//! It decides nothing itself: `bridge_core::owner::Owner` does, under `catch_unwind`. What is here
//! is carrying out its effects, the same for every kind: loading and fencing, appending, answering
//! repeats, looking up, snapshots, sleeping, failing. What differs is in [`Kind`].

mod kind;
mod load;
mod messages;
mod requests;
mod sleep;
mod under_way;

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use actix::fut::wrap_future;
use actix::{Actor, Addr, AsyncContext, Context};
use bridge_core::aggregate::Aggregate;
use bridge_core::event::Stream;
use bridge_core::id::Incarnation;
use bridge_core::owner::{Draft, Effect, Owner, Request};
use bridge_core::ports::{Append, Record};
use bridge_core::supervision::Verdict;
use bridge_core::{ClientId, Seq, Timestamp, limits};

use super::bridge::Bridge;
use super::faults::Guard;
use super::handle::{StreamHandle, WeakStreamHandle};
use super::outbox::Accepted;
use super::supervisor::{self, Cause, Child};
use super::ticket::Ticket;
use crate::log_writer::{LogUnavailable, Sink};
use crate::system::Stopwatch;
use crate::telemetry::metrics::MessageKind;

use under_way::UnderWay;

pub(super) use kind::{CommandOf, Kind, QuestionOf};
pub(super) use messages::{Answers, Begin, Look, Readiness, Release, Reply, Submit};

type Effects<K> = Vec<Effect<<K as Kind>::State, Ticket>>;
type Waiting<K> = VecDeque<Request<CommandOf<K>, Ticket>>;

/// The owner of one stream.
pub(super) struct StreamActor<K: Kind> {
    pub(super) bridge: Bridge,
    /// In the spelling of its first record, as far as it is known.
    pub(super) stream: Stream,
    /// What is special about it.
    pub(super) kind: K,
    own: Option<WeakStreamHandle<K>>,
    owner: Owner<K::State, Ticket>,
    life: Life,
    is_quarantined: bool,
    was_read: bool,
    /// Whether it failed since its state was read: what was durable may not have been followed up.
    has_failed: bool,
    looking: Vec<Look<K>>,
    /// Requests behind a look-up of their sender, in their order.
    look_ups: HashMap<ClientId, Waiting<K>>,
    snapshot_at: Seq,
    is_touched: bool,
    /// Messages handled since its neighbours had their turn.
    handled: u32,
    under_way: UnderWay,
    /// Since when the oldest draft was on its way that has become durable, while its answer is handled.
    round: Option<(Seq, Stopwatch)>,
}

/// Nothing in it is ever pinned.
impl<K: Kind> Unpin for StreamActor<K> {}

/// One incarnation of the owner, and where its answers go.
struct Life {
    incarnation: Incarnation,
    sink: Arc<dyn Sink>,
}

impl Life {
    fn new<K: Kind>(addr: Addr<StreamActor<K>>, incarnation: Incarnation) -> Self {
        let sink = StreamHandle::sink(addr, incarnation);
        Self { incarnation, sink }
    }
}

impl<K: Kind> Actor for StreamActor<K> {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        self.guarded("started", ctx, Self::load);
        ctx.run_interval(self.bridge.options().room_idle, |actor, ctx| {
            actor.guarded("sleep", ctx, Self::sleep_if_idle);
        });
    }
}

impl<K: Kind> StreamActor<K> {
    /// Starts the actor of a stream on this thread. `shown` is what its handles show.
    pub(super) fn wake(
        bridge: &Bridge,
        stream: Stream,
        kind: K,
        shown: K::Shown,
    ) -> StreamHandle<K> {
        let addr = Self::create(|ctx| Self {
            bridge: bridge.clone(),
            owner: Owner::loading(K::State::empty(&stream)),
            stream,
            kind,
            own: None,
            life: Life::new(ctx.address(), Incarnation::new(0)),
            is_quarantined: false,
            was_read: false,
            has_failed: false,
            looking: Vec::new(),
            look_ups: HashMap::new(),
            snapshot_at: Seq::ZERO,
            is_touched: false,
            handled: 0,
            under_way: UnderWay::new(bridge.spans().is_on()),
            round: None,
        });
        let handle = StreamHandle::new(addr, bridge.log().clone(), shown);
        handle.begin();
        handle
    }

    /// The committed state.
    pub(super) const fn state(&self) -> &K::State {
        self.owner.state()
    }

    /// Whether the state has everything that anybody was told is in the log.
    pub(super) const fn is_current(&self) -> bool {
        self.owner.is_current()
    }

    /// The state once everything in flight has landed.
    pub(super) const fn tentative(&self) -> &K::State {
        self.owner.tentative()
    }

    /// The committed state, beside what is special about the stream.
    pub(super) const fn parts(&mut self) -> (&K::State, &mut K) {
        (self.owner.state(), &mut self.kind)
    }

    /// The same, with the state once everything in flight has landed.
    pub(super) const fn parts_and_tentative(&mut self) -> (&K::State, &K::State, &mut K) {
        let (committed, tentative) = (self.owner.state(), self.owner.tentative());
        (committed, tentative, &mut self.kind)
    }

    /// A handle on itself, which does not keep it awake.
    pub(super) fn own_weak(&self) -> Option<WeakStreamHandle<K>> {
        self.own.clone()
    }

    /// A handle on itself, which keeps it awake.
    pub(super) fn own(&self) -> Option<StreamHandle<K>> {
        self.own.as_ref().and_then(WeakStreamHandle::upgrade)
    }

    /// Runs a handler. A panic outside of the owner leaves the readers' side in doubt as well, so
    /// their sessions are ended and the owner begins anew.
    pub(super) fn guarded(
        &mut self,
        name: &str,
        ctx: &mut Context<Self>,
        handler: impl FnOnce(&mut Self, &mut Context<Self>),
    ) {
        let faults = *self.bridge.faults();
        faults.at(K::NAME, self.stream.name(), name, Guard::Outside);
        let guarded = supervisor::run(|| {
            faults.at(K::NAME, self.stream.name(), name, Guard::Inside);
            handler(self, ctx);
        });
        if guarded.is_err() {
            self.kind.end_readers();
            self.was_read = false;
            self.failed("a panic", ctx);
        }
    }

    /// Lets its neighbours on this thread have their turn, now and then. An actor's queue is worked
    /// off without a pause otherwise, however long it is.
    fn share_the_thread(&mut self, ctx: &mut Context<Self>) {
        self.handled += 1;
        if self.handled >= limits::TURN_MESSAGES_MAX {
            self.handled = 0;
            ctx.wait(wrap_future(tokio::task::yield_now()));
        }
    }

    /// Begins anew when it was held back and is not any more: the tree is what knows.
    fn go_on_if_released(&mut self, ctx: &mut Context<Self>) {
        if self.is_quarantined && !self.bridge.is_held_back(&self.stream) {
            self.is_quarantined = false;
            self.guarded("release", ctx, Self::load);
        }
    }

    fn look(&self, look: Look<K>) {
        (look.look)(Ok((self.state(), &self.kind)));
    }

    /// Lets the owner work, and carries out what it says. If it panics, its state is dropped.
    fn with_owner(
        &mut self,
        ctx: &mut Context<Self>,
        work: impl FnOnce(&mut Owner<K::State, Ticket>, Timestamp, &mut Effects<K>),
    ) {
        let now = self.bridge.clock().now();
        let mut effects = Effects::<K>::new();
        let outcome = supervisor::run(|| work(&mut self.owner, now, &mut effects));
        if outcome.is_err() {
            drop(effects);
            return self.failed("a panic", ctx);
        }
        self.perform(effects, ctx);
    }

    fn perform(&mut self, effects: Effects<K>, ctx: &mut Context<Self>) {
        let mut telling = K::Telling::default();
        let mut has_follow_up = false;
        for effect in effects {
            match effect {
                Effect::Append(draft) => {
                    if self.append(&draft).is_err() {
                        // What is left of the list belongs to the state that is dropped with it.
                        return self.failed("no log writer", ctx);
                    }
                }
                Effect::Committed { draft, asker } => {
                    has_follow_up |= draft.envelopes.iter().any(|e| e.event.has_follow_up());
                    self.follow_stored(&draft);
                    K::committed(self, draft, asker, &mut telling, ctx);
                }
                Effect::Known { seq, asker } => self.repeat(seq, asker, ctx),
                Effect::Refused { reject, asker } => asker.refuse(reject),
                Effect::CheckKey { refusal, asker } => self.check_key(refusal, asker, ctx),
                Effect::Unchanged { asker } => asker.unchanged(K::answer),
                Effect::LookUp { question, request } => self.look_up(question, request, ctx),
                Effect::Behind(request) => self.wait_behind_look_up(request),
                Effect::Reload => self.load(ctx),
            }
        }
        K::flush(self, telling, ctx);
        if has_follow_up {
            self.bridge.follower().nudge();
        }
        self.snapshot_if_due();
    }

    /// Tells of messages that have become durable, if they are followed.
    fn follow_stored(&self, draft: &Draft) {
        if !self.bridge.spans().is_on() {
            return;
        }
        let since = self.under_way.since(draft.first_seq());
        let took = since.map(|since| since.elapsed()).unwrap_or_default();
        for record in &draft.envelopes {
            if let Some(followed) = self.bridge.spans().of_record(record) {
                followed.stored(record, took);
            }
        }
    }

    /// Since when the server has had the record at a position, if it has become durable just now: it,
    /// or one in front of it.
    pub(super) fn accepted(&self, kind: MessageKind, seq: Seq) -> Option<Accepted> {
        let (first, since) = self.round?;
        (seq >= first).then_some(Accepted { kind, since })
    }

    /// Every request in flight holds a permit, so the queue has room; a refusal says that the
    /// writer is gone, and the process about to end.
    fn append(&mut self, draft: &Draft) -> Result<(), LogUnavailable> {
        let records = draft.envelopes.iter().map(|e| Record::new(Arc::clone(e)));
        let append = Append {
            incarnation: self.life.incarnation,
            records: records.collect(),
        };
        self.under_way.begin(append.first_seq());
        self.bridge
            .log()
            .append(append, Arc::clone(&self.life.sink))
    }

    /// The owner cannot go on. Its state and everybody who waits in it are dropped; a waiting
    /// ticket answers by itself.
    fn failed(&mut self, why: &'static str, ctx: &mut Context<Self>) {
        tracing::error!(stream = %self.stream, reason = why, "an owner failed and is read again");
        self.owner = Owner::loading(K::State::empty(&self.stream));
        self.under_way.clear();
        // A look-up whose answer made it fail will not release those who wait behind it.
        self.look_ups.clear();
        self.has_failed = true;
        self.begin_anew(Cause::Code, ctx);
    }

    /// Asks the supervisor what becomes of the owner. While it rests, requests wait as they do while
    /// it is read.
    fn begin_anew(&mut self, cause: Cause, ctx: &mut Context<Self>) {
        if self.is_quarantined {
            // It is held back already; what still fails in it is no news.
            return;
        }
        let child = Child::Owner(self.stream.clone());
        let clock = self.bridge.clock();
        match self.bridge.tree().failed(&child, cause, clock) {
            Verdict::Restart { after } if after.is_zero() => self.load(ctx),
            Verdict::Restart { after } => {
                ctx.run_later(after, Self::load);
            }
            Verdict::GiveUp => self.quarantine(),
        }
    }

    fn quarantine(&mut self) {
        tracing::error!(stream = %self.stream, "an owner is quarantined");
        self.is_quarantined = true;
        let reject = K::quarantined(&self.stream);
        self.tell_waiting(&reject);
        for request in std::mem::take(&mut self.look_ups).into_values().flatten() {
            request.asker.refuse(reject.clone());
        }
    }
}
