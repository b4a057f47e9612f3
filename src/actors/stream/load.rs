//! Waking an owner: fence off its predecessor, then read a snapshot and what came after it.

use std::time::Duration;

use actix::fut::{ActorFutureExt, wrap_future};
use actix::{AsyncContext, Context};
use bridge_core::aggregate::Aggregate;
use bridge_core::event::{Envelope, Stream};
use bridge_core::id::Incarnation;
use bridge_core::owner::Effect;
use bridge_core::ports::{Store, StoreError};
use bridge_core::{Reject, Seq, limits};
use tokio::sync::oneshot;

use super::{Kind, Life, StreamActor};
use crate::actors::supervisor::Cause;

/// Between two attempts to read a stream that could not be read.
const TRY_AGAIN_AFTER: Duration = Duration::from_millis(500);
/// How long a newly woken owner of a stream without a record stays awake.
const VACANT_IDLE: Duration = Duration::from_secs(1);

/// What was read.
struct Read<S> {
    state: S,
    snapshot_at: Seq,
    /// Records that were committed but not told, because the owner failed in between.
    untold: Vec<Envelope>,
}

impl<K: Kind> StreamActor<K> {
    /// Begins a new life: from here on, what its predecessors left in the writer's queue is either
    /// in the log, and read now, or dropped.
    pub(super) fn load(&mut self, ctx: &mut Context<Self>) {
        if !self.owner.is_loading() {
            // Another attempt was faster. A new life now would miss the answers to this one.
            return;
        }
        let incarnation = self.bridge.next_incarnation();
        self.life = Life::new(ctx.address(), incarnation);
        self.under_way.clear();
        let (fenced, is_fenced) = oneshot::channel();
        let done = Box::new(move || {
            if fenced.send(()).is_err() {
                tracing::debug!("nobody waits for this fence any more");
            }
        });
        if let Err(why) = self
            .bridge
            .log()
            .fence(self.stream.clone(), incarnation, done)
        {
            tracing::warn!(stream = %self.stream, error = %why, "an owner cannot be fenced now");
            return self.not_read(&Reject::Busy { queue: "log" }, ctx);
        }
        let reads = self.bridge.reads().clone();
        let stream = self.stream.clone();
        let told = self.was_read.then(|| self.kind.told());
        let reading = async move {
            if is_fenced.await.is_err() {
                return Err(Reject::Retry {
                    detail: "the log writer went away",
                });
            }
            let read = move |store: &dyn Store| read(store, &stream, told);
            reads.run_or_corrupt(read).await
        };
        ctx.spawn(
            wrap_future::<_, Self>(reading).map(move |read, actor, ctx| {
                actor.guarded("read", ctx, |actor, ctx| actor.read(incarnation, read, ctx));
            }),
        );
    }

    fn read(
        &mut self,
        incarnation: Incarnation,
        read: Result<Result<Read<K::State>, String>, Reject>,
        ctx: &mut Context<Self>,
    ) {
        if incarnation != self.life.incarnation {
            return;
        }
        let read = match read {
            Ok(Ok(read)) => read,
            Ok(Err(detail)) => return self.corrupt(detail, ctx),
            Err(reject) => return self.not_read(&reject, ctx),
        };
        let Read {
            state,
            snapshot_at,
            untold,
        } = read;
        self.snapshot_at = snapshot_at;
        self.stream = state.stream();
        let is_vacant = state.head() == Seq::ZERO;
        self.with_owner(ctx, |owner, now, effects| owner.loaded(state, now, effects));
        if self.owner.is_loading() {
            // A request that had waited made it fail: what was read is gone, and so is not told.
            return;
        }
        let is_first = !std::mem::replace(&mut self.was_read, true);
        let is_behind = !untold.is_empty() || std::mem::take(&mut self.has_failed);
        K::loaded(self, untold, is_first, ctx);
        if is_behind {
            // Whoever did not get to tell of a record did not get to say either that there is
            // something to do.
            self.bridge.follower().nudge();
            self.bridge.timekeeper().due_at(self.bridge.clock().now());
        }
        for waiting in std::mem::take(&mut self.looking) {
            self.look(waiting);
        }
        if is_vacant {
            ctx.run_later(VACANT_IDLE, |actor, ctx| {
                if actor.state().head() == Seq::ZERO {
                    actor.is_touched = false;
                    actor.sleep_if_idle(ctx);
                }
            });
        }
    }

    /// The store does not answer now. That is not the owner's fault: it is tried again for as long
    /// as somebody may want it.
    fn not_read(&mut self, reject: &Reject, ctx: &mut Context<Self>) {
        tracing::warn!(stream = %self.stream, detail = reject.detail(), "a stream cannot be read");
        self.tell_waiting(reject);
        ctx.run_later(TRY_AGAIN_AFTER, Self::load);
    }

    /// The log is not what was written. Trying again rarely helps, and is bounded.
    fn corrupt(&mut self, detail: String, ctx: &mut Context<Self>) {
        tracing::error!(stream = %self.stream, detail, "the log of a stream is corrupt");
        self.tell_waiting(&Reject::Internal { detail });
        self.begin_anew(Cause::Log, ctx);
    }

    /// Everybody who waits for the state is told that it does not come.
    pub(super) fn tell_waiting(&mut self, reject: &Reject) {
        let mut effects = Vec::new();
        self.owner.not_loaded(reject, &mut effects);
        for effect in effects {
            if let Effect::Refused { reject, asker } = effect {
                asker.refuse(reject);
            }
        }
        self.kind.tell_waiting(reject);
        for waiting in std::mem::take(&mut self.looking) {
            (waiting.look)(Err(reject.clone()));
        }
    }
}

/// Reads a state as its log has it: the latest snapshot and the records after it.
fn read<S: Aggregate>(
    store: &dyn Store,
    stream: &Stream,
    told: Option<Seq>,
) -> Result<Read<S>, StoreError> {
    let mut state: S = from_snapshot(store, stream)?.unwrap_or_else(|| S::empty(stream));
    let snapshot_at = state.head();
    loop {
        let page = store.page(stream, state.head(), limits::PAGE_RECORDS_MAX)?;
        let Some(last) = page.last().map(|record| record.seq) else {
            break;
        };
        let dense = state.head().next().get()..=last.get();
        if !page.iter().map(|record| record.seq.get()).eq(dense) {
            let text = format!("{stream}: the records after {} have a gap", state.head());
            return Err(StoreError::Corrupt(text));
        }
        for record in &page {
            state.apply(record);
        }
    }
    let untold = match told {
        Some(told) => records_between(store, stream, told, state.head())?,
        None => Vec::new(),
    };
    Ok(Read {
        state,
        snapshot_at,
        untold,
    })
}

fn from_snapshot<S: Aggregate>(
    store: &dyn Store,
    stream: &Stream,
) -> Result<Option<S>, StoreError> {
    let Some(snapshot) = store.snapshot(stream)? else {
        return Ok(None);
    };
    if snapshot.format != S::SNAPSHOT_FORMAT {
        return Ok(None);
    }
    match S::from_snapshot(&snapshot.body) {
        Ok(state) if state.head() == snapshot.seq => Ok(Some(state)),
        Ok(_) => Ok(None),
        Err(why) => {
            tracing::warn!(%stream, error = %why, "a snapshot is not used; the log is read whole");
            Ok(None)
        }
    }
}

fn records_between(
    store: &dyn Store,
    stream: &Stream,
    after: Seq,
    to: Seq,
) -> Result<Vec<Envelope>, StoreError> {
    let mut records: Vec<Envelope> = Vec::new();
    let mut at = after;
    while at < to {
        let page = store.page(stream, at, limits::PAGE_RECORDS_MAX)?;
        let Some(last) = page.last() else { break };
        at = last.seq;
        records.extend(page.into_iter().filter(|record| record.seq <= to));
    }
    Ok(records)
}
