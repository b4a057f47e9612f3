//! Waking a room: fence off its predecessor, then read a snapshot and what came after it.

use std::time::Duration;

use actix::fut::{ActorFutureExt, wrap_future};
use actix::{AsyncContext, Context};
use bridge_core::event::{Envelope, Stream};
use bridge_core::id::Incarnation;
use bridge_core::owner::Effect;
use bridge_core::ports::{Store, StoreError};
use bridge_core::replay::Tail;
use bridge_core::room::{Room, SNAPSHOT_FORMAT};
use bridge_core::{Reject, RoomId, Seq, limits};
use tokio::sync::oneshot;

use super::{Life, RoomActor};
use crate::actors::supervisor::Verdict;

/// Between two attempts to read a room that could not be read.
const TRY_AGAIN_AFTER: Duration = Duration::from_millis(500);
/// How long a newly woken room that nobody has made stays awake.
const VACANT_IDLE: Duration = Duration::from_secs(1);

/// What was read.
struct Read {
    room: Room,
    snapshot_at: Seq,
    /// Records that were committed but not told, because the room failed in between.
    untold: Vec<Envelope>,
}

impl RoomActor {
    /// Begins a new life: from here on, what its predecessors left in the writer's queue is either
    /// in the log, and read now, or dropped.
    pub(super) fn load(&mut self, ctx: &mut Context<Self>) {
        if !self.owner.is_loading() {
            // Another attempt was faster. A new life now would miss the answers to this one.
            return;
        }
        let incarnation = self.bridge.next_incarnation();
        self.life = Life::new(ctx.address(), incarnation);
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
            tracing::warn!(stream = %self.stream, error = %why, "a room cannot be fenced now");
            return self.not_read(&Reject::Busy { queue: "log" }, ctx);
        }
        let reads = self.bridge.reads().clone();
        let room = self.room_id().clone();
        let told = self.was_read.then(|| self.tail.head());
        let reading = async move {
            if is_fenced.await.is_err() {
                return Err(Reject::Retry {
                    detail: "the log writer went away",
                });
            }
            reads.run(move |store| Ok(read(store, &room, told))).await
        };
        ctx.spawn(
            wrap_future::<_, Self>(reading).map(move |read, actor, ctx| {
                actor.guarded(ctx, |actor, ctx| actor.read(incarnation, read, ctx));
            }),
        );
    }

    fn read(
        &mut self,
        incarnation: Incarnation,
        read: Result<Result<Read, StoreError>, Reject>,
        ctx: &mut Context<Self>,
    ) {
        if incarnation != self.life.incarnation {
            return;
        }
        let read = match read {
            Ok(Ok(read)) => read,
            Ok(Err(StoreError::Unavailable(detail))) => {
                return self.not_read(&Reject::Internal { detail }, ctx);
            }
            Ok(Err(StoreError::Corrupt(detail))) => return self.corrupt(detail, ctx),
            Err(reject) => return self.not_read(&reject, ctx),
        };
        let Read {
            room,
            snapshot_at,
            untold,
        } = read;
        self.snapshot_at = snapshot_at;
        self.stream = Stream::Room(room.id().clone());
        if !self.was_read {
            let head = room.head();
            self.tail = Tail::new(head, limits::TAIL_RECORDS_MAX, limits::TAIL_BYTES_MAX);
            self.was_read = true;
        }
        let is_vacant = room.head() == Seq::ZERO;
        self.head.send_replace(room.head());
        self.with_owner(ctx, |owner, now, effects| owner.loaded(room, now, effects));
        self.tell_untold(untold, ctx);
        for waiting in std::mem::take(&mut self.attaching) {
            self.attach(waiting, ctx);
        }
        for waiting in std::mem::take(&mut self.looking) {
            self.look(waiting);
        }
        if is_vacant {
            ctx.run_later(VACANT_IDLE, |actor, ctx| {
                if actor.room().head() == Seq::ZERO {
                    actor.is_touched = false;
                    actor.sleep_if_idle(ctx);
                }
            });
        }
    }

    /// The store does not answer now. That is not the room's fault: it is tried again for as long
    /// as somebody may want the room.
    fn not_read(&mut self, reject: &Reject, ctx: &mut Context<Self>) {
        tracing::warn!(stream = %self.stream, detail = reject.detail(), "a room cannot be read");
        self.tell_waiting(reject);
        ctx.run_later(TRY_AGAIN_AFTER, Self::load);
    }

    /// The log of the room is not what was written. Trying again rarely helps, and is bounded.
    fn corrupt(&mut self, detail: String, ctx: &mut Context<Self>) {
        tracing::error!(stream = %self.stream, detail, "the log of a room is corrupt");
        self.tell_waiting(&Reject::Internal { detail });
        match self.supervisor.failed(self.bridge.clock().now()) {
            Verdict::Restart => {
                ctx.run_later(TRY_AGAIN_AFTER, Self::load);
            }
            Verdict::Quarantine => self.quarantine(),
        }
    }

    /// Everybody who waits for the room is told that it does not come.
    pub(super) fn tell_waiting(&mut self, reject: &Reject) {
        let mut effects = Vec::new();
        self.owner.not_loaded(reject, &mut effects);
        for effect in effects {
            if let Effect::Refused { reject, asker } = effect {
                asker.refuse(reject);
            }
        }
        for waiting in std::mem::take(&mut self.attaching) {
            waiting.reply.send(Err(reject.clone()));
        }
        for waiting in std::mem::take(&mut self.looking) {
            (waiting.look)(Err(reject.clone()));
        }
    }
}

/// Reads a room as its log has it: the latest snapshot and the records after it.
fn read(store: &dyn Store, id: &RoomId, told: Option<Seq>) -> Result<Read, StoreError> {
    let stream = Stream::Room(id.clone());
    let mut room = from_snapshot(store, &stream)?.unwrap_or_else(|| Room::vacant(id.clone()));
    let snapshot_at = room.head();
    loop {
        let page = store.page(&stream, room.head(), limits::PAGE_RECORDS_MAX)?;
        let Some(last) = page.last().map(|record| record.seq) else {
            break;
        };
        let dense = room.head().next().get()..=last.get();
        if !page.iter().map(|record| record.seq.get()).eq(dense) {
            let text = format!("{stream}: the records after {} have a gap", room.head());
            return Err(StoreError::Corrupt(text));
        }
        for record in &page {
            room.apply(record);
        }
    }
    let untold = match told {
        Some(told) => records_between(store, &stream, told, room.head())?,
        None => Vec::new(),
    };
    Ok(Read {
        room,
        snapshot_at,
        untold,
    })
}

fn from_snapshot(store: &dyn Store, stream: &Stream) -> Result<Option<Room>, StoreError> {
    let Some(snapshot) = store.snapshot(stream)? else {
        return Ok(None);
    };
    if snapshot.format != SNAPSHOT_FORMAT {
        return Ok(None);
    }
    match Room::from_snapshot(&snapshot.body) {
        Ok(room) if room.head() == snapshot.seq => Ok(Some(room)),
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
