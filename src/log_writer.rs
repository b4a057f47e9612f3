//! The thread that writes the log: group commit, and an answer only after the fsync.
//!
//! It takes whatever is queued, writes it in one transaction and answers everybody. There is no
//! timer: at low load a record waits for nothing, under load a batch gathers while the one before
//! it syncs.

mod health;
mod pace;
mod run;
mod watched;

use std::sync::Arc;
use std::sync::mpsc::{SyncSender, TrySendError, sync_channel};
use std::thread::JoinHandle;

use bridge_core::event::Stream;
use bridge_core::id::Incarnation;
use bridge_core::owner::Answer;
use bridge_core::ports::{Append, Log, Snapshot};
use bridge_core::{Seq, limits};

use crate::permits::{Permit, Permits};
use crate::system::Stopwatch;
use crate::telemetry::metrics::LogMetrics;

pub use health::{Health, LogState, LogStats};
pub use pace::Pace;

use watched::Watched;

/// Who gets the answers of one owner's appends, in the order of the appends.
pub trait Sink: Send + Sync {
    /// A batch is done.
    fn answered(&self, answers: Vec<Answer>);
}

/// Makes the writing side of the store again, after the one before was dropped.
pub type Reopen = Box<dyn FnMut() -> Result<Box<dyn Log>, String> + Send>;

/// The right to have one draft in the writer's queue. Held until its last answer.
pub type LogPermit = Permit;

/// The queue cannot take more, or nobody reads it any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum LogUnavailable {
    /// Come again.
    #[error("the log's queue is full")]
    Full,
    /// The writer is gone; the process is about to end.
    #[error("the log writer has stopped")]
    Stopped,
}

enum Item {
    Append(Submission),
    Errand(Errand, Permit),
}

struct Submission {
    append: Append,
    sink: Arc<dyn Sink>,
    /// Since it was queued.
    since: Stopwatch,
}

enum Errand {
    /// From here on, drafts of earlier lives of this stream's owner are dropped.
    Fence {
        stream: Stream,
        incarnation: Incarnation,
        done: Box<dyn FnOnce() + Send>,
    },
    /// The stream's owner has gone to sleep.
    Retire { stream: Stream },
    /// The effects of these records have been brought about.
    FollowUpsDone {
        done: Vec<(Stream, Seq)>,
        forgotten: Box<dyn FnOnce() + Send>,
    },
    /// Keep this.
    Snapshot { stream: Stream, snapshot: Snapshot },
    /// End in a way that nobody foresaw.
    #[cfg(test)]
    Die,
}

/// How the rest of the server reaches the writer.
#[derive(Clone)]
pub struct LogHandle {
    queue: SyncSender<Item>,
    drafts: Permits,
    errands: Permits,
    health: Arc<Health>,
}

impl std::fmt::Debug for LogHandle {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("LogHandle")
            .field("drafts", &self.drafts.in_use())
            .finish_non_exhaustive()
    }
}

/// Starts the thread. It ends when the last handle is gone and everything queued is written. A
/// store whose code panics, or that cannot go on, is dropped and made again by `reopen`.
///
/// # Errors
/// When the system has no thread to give.
pub fn start(
    log: Box<dyn Log>,
    reopen: Reopen,
    metrics: LogMetrics,
) -> std::io::Result<(LogHandle, JoinHandle<()>)> {
    start_at(log, reopen, Arc::new(Stopwatch::start()), metrics)
}

/// The same by another clock.
///
/// # Errors
/// As for [`start`].
pub fn start_at(
    log: Box<dyn Log>,
    reopen: Reopen,
    pace: Arc<dyn Pace>,
    metrics: LogMetrics,
) -> std::io::Result<(LogHandle, JoinHandle<()>)> {
    let room = limits::LOG_QUEUE_DRAFTS_MAX + limits::LOG_ERRANDS_MAX;
    let (queue, receiver) = sync_channel(room);
    let health = Arc::new(Health::new(Arc::clone(&pace)));
    let store = Watched::new(log, reopen, pace, Arc::clone(&health));
    let writer = run::Writer::new(store, receiver, Arc::clone(&health), metrics);
    let thread = std::thread::Builder::new()
        .name("log-writer".into())
        .spawn(|| writer.run())?;
    let handle = LogHandle {
        queue,
        drafts: Permits::new(limits::LOG_QUEUE_DRAFTS_MAX, limits::LOG_QUEUE_BYTES_MAX),
        errands: Permits::new(limits::LOG_ERRANDS_MAX, limits::LOG_QUEUE_BYTES_MAX),
        health,
    };
    Ok((handle, thread))
}

impl LogHandle {
    /// The right to append one draft of about this many bytes, or none when the queue is full or
    /// does not move.
    #[must_use]
    pub fn permit(&self, bytes: usize) -> Option<LogPermit> {
        if self.health.is_stalled() {
            return None;
        }
        self.drafts.acquire(bytes)
    }

    /// Queues an append whose permit the caller holds until the answer.
    ///
    /// # Errors
    /// When the writer has stopped: then there will be no answer.
    pub fn append(&self, append: Append, sink: Arc<dyn Sink>) -> Result<(), LogUnavailable> {
        let since = Stopwatch::start();
        self.send(Item::Append(Submission {
            append,
            sink,
            since,
        }))
    }

    /// Fences off earlier lives of a stream's owner. `done` is called when everything that they
    /// had queued is written or dropped; what is read then is all that they left.
    ///
    /// # Errors
    /// When the queue is full or the writer has stopped; then `done` is never called.
    pub fn fence(
        &self,
        stream: Stream,
        incarnation: Incarnation,
        done: Box<dyn FnOnce() + Send>,
    ) -> Result<(), LogUnavailable> {
        self.errand(
            0,
            Errand::Fence {
                stream,
                incarnation,
                done,
            },
        )
    }

    /// Keeps a snapshot.
    ///
    /// # Errors
    /// When the queue is full or the writer has stopped; the log has everything all the same.
    pub fn save_snapshot(&self, stream: Stream, snapshot: Snapshot) -> Result<(), LogUnavailable> {
        self.errand(snapshot.body.len(), Errand::Snapshot { stream, snapshot })
    }

    /// Forgets that these records have effects to be brought about: they have been. `forgotten` is
    /// called when that is written; until then the store still names them.
    ///
    /// # Errors
    /// When the queue is full or the writer has stopped; then `forgotten` is never called, and they
    /// are brought about again, which changes nothing.
    pub fn follow_ups_done(
        &self,
        done: Vec<(Stream, Seq)>,
        forgotten: Box<dyn FnOnce() + Send>,
    ) -> Result<(), LogUnavailable> {
        let bytes = done.len() * size_of::<(Stream, Seq)>();
        self.errand(bytes, Errand::FollowUpsDone { done, forgotten })
    }

    /// Forgets a stream whose owner sleeps.
    ///
    /// # Errors
    /// When the queue is full or the writer has stopped; it then costs a few bytes.
    pub fn retire(&self, stream: Stream) -> Result<(), LogUnavailable> {
        self.errand(0, Errand::Retire { stream })
    }

    /// How many drafts have a permit: they wait, or are being written.
    #[must_use]
    pub fn drafts_in_use(&self) -> usize {
        self.drafts.in_use()
    }

    /// What the writer has done, and whether it still can.
    #[must_use]
    pub fn health(&self) -> &Arc<Health> {
        &self.health
    }

    fn errand(&self, bytes: usize, errand: Errand) -> Result<(), LogUnavailable> {
        let permit = self.errands.acquire(bytes).ok_or(LogUnavailable::Full)?;
        self.send(Item::Errand(errand, permit))
    }

    fn send(&self, item: Item) -> Result<(), LogUnavailable> {
        self.queue.try_send(item).map_err(|refused| match refused {
            TrySendError::Full(_) => LogUnavailable::Full,
            TrySendError::Disconnected(_) => LogUnavailable::Stopped,
        })
    }
}

#[cfg(test)]
mod tests;
