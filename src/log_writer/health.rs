//! Whether the writer can still keep its promises, and what it has done.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use bridge_core::limits;
use tokio::sync::watch;

use super::Pace;

/// The state of the log writer, for `/ready`, for the operator and for whoever ends the process.
pub struct Health {
    pace: Arc<dyn Pace>,
    broken: watch::Sender<Option<String>>,
    is_restarting: AtomicBool,
    is_unavailable: AtomicBool,
    restarts: AtomicU64,
    failures: AtomicU64,
    batches: AtomicU64,
    records: AtomicU64,
    commit_micros: AtomicU64,
    /// Since when the store has been at work, in milliseconds of uptime and one more; 0 when it
    /// rests.
    at_work_since: AtomicU64,
}

/// In how far the log can be written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogState {
    /// It can.
    Ok,
    /// The store is being opened again after it failed. What is queued waits.
    Restarting,
    /// The store is not there, and is looked for. What is posted meanwhile is refused, for now.
    Unavailable,
    /// The store has not answered for [`limits::LOG_STALLED_AFTER`]. What is queued waits, and
    /// nothing more is taken.
    Stalled,
    /// Never again: the process is about to end.
    Broken,
}

/// What the writer has done since the start, and how it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LogStats {
    /// Transactions, and so fsyncs.
    pub batches: u64,
    /// Records in them.
    pub records: u64,
    /// Time spent in them, in microseconds.
    pub commit_micros: u64,
    /// What the store was asked to do and did not: batches, snapshots, checkpoints.
    pub failures: u64,
    /// How often the store was opened again after it had failed.
    pub restarts: u64,
    /// In how far the log can be written.
    pub state: LogState,
    /// For how long the store has been at work on what it does now.
    pub at_work: Option<Duration>,
}

impl std::fmt::Debug for Health {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Health")
            .field("stats", &self.stats())
            .finish_non_exhaustive()
    }
}

impl Health {
    pub(super) fn new(pace: Arc<dyn Pace>) -> Self {
        Self {
            pace,
            broken: watch::Sender::new(None),
            is_restarting: AtomicBool::new(false),
            is_unavailable: AtomicBool::new(false),
            restarts: AtomicU64::new(0),
            failures: AtomicU64::new(0),
            batches: AtomicU64::new(0),
            records: AtomicU64::new(0),
            commit_micros: AtomicU64::new(0),
            at_work_since: AtomicU64::new(0),
        }
    }

    /// Why nothing may be acknowledged any more, if so.
    #[must_use]
    pub fn broken(&self) -> Option<String> {
        self.broken.borrow().clone()
    }

    /// Waits until nothing may be acknowledged any more, and says why.
    pub async fn until_broken(&self) -> String {
        let mut watcher = self.broken.subscribe();
        match watcher.wait_for(Option::is_some).await {
            Ok(why) => why.clone().unwrap_or_default(),
            Err(_) => "the log writer's health is gone".to_owned(),
        }
    }

    /// Whether the store is being opened again after it failed.
    #[must_use]
    pub fn is_restarting(&self) -> bool {
        self.is_restarting.load(Ordering::Acquire)
    }

    /// Whether the store was not there when it was last asked.
    #[must_use]
    pub fn is_unavailable(&self) -> bool {
        self.is_unavailable.load(Ordering::Acquire)
    }

    /// Whether the store has not answered for [`limits::LOG_STALLED_AFTER`].
    #[must_use]
    pub fn is_stalled(&self) -> bool {
        self.at_work()
            .is_some_and(|time| time >= limits::LOG_STALLED_AFTER)
    }

    /// How often the store was opened again after it had failed.
    #[must_use]
    pub fn restarts(&self) -> u64 {
        self.restarts.load(Ordering::Relaxed)
    }

    /// In how far the log can be written.
    #[must_use]
    pub fn state(&self) -> LogState {
        if self.broken.borrow().is_some() {
            LogState::Broken
        } else if self.is_restarting() {
            LogState::Restarting
        } else if self.is_unavailable() {
            LogState::Unavailable
        } else if self.is_stalled() {
            LogState::Stalled
        } else {
            LogState::Ok
        }
    }

    /// What was done since the start.
    #[must_use]
    pub fn stats(&self) -> LogStats {
        LogStats {
            batches: self.batches.load(Ordering::Relaxed),
            records: self.records.load(Ordering::Relaxed),
            commit_micros: self.commit_micros.load(Ordering::Relaxed),
            failures: self.failures.load(Ordering::Relaxed),
            restarts: self.restarts(),
            state: self.state(),
            at_work: self.at_work(),
        }
    }

    fn at_work(&self) -> Option<Duration> {
        let since = self.at_work_since.load(Ordering::Acquire).checked_sub(1)?;
        Some(
            self.pace
                .uptime()
                .saturating_sub(Duration::from_millis(since)),
        )
    }

    /// The store has been asked for something, and has answered when this is dropped.
    pub(super) fn begin_work(&self) -> AtWork<'_> {
        let now = u64::try_from(self.pace.uptime().as_millis()).unwrap_or(u64::MAX - 1);
        self.at_work_since.store(now + 1, Ordering::Release);
        AtWork(self)
    }

    pub(super) fn committed(&self, records: usize, took: Duration) {
        let micros = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        self.batches.fetch_add(1, Ordering::Relaxed);
        self.records.fetch_add(records as u64, Ordering::Relaxed);
        self.commit_micros.fetch_add(micros, Ordering::Relaxed);
    }

    pub(super) fn count_failure(&self) {
        self.failures.fetch_add(1, Ordering::Relaxed);
    }

    /// Notes whether the store is there. Returns whether that is news.
    pub(super) fn set_unavailable(&self, is_unavailable: bool) -> bool {
        self.is_unavailable.swap(is_unavailable, Ordering::AcqRel) != is_unavailable
    }

    pub(super) fn begin_restart(&self) {
        self.is_restarting.store(true, Ordering::Release);
    }

    pub(super) fn restarted(&self) {
        self.restarts.fetch_add(1, Ordering::Relaxed);
        self.is_restarting.store(false, Ordering::Release);
    }

    pub(super) fn break_down(&self, why: String) {
        self.broken.send_if_modified(|broken| {
            let is_first = broken.is_none();
            broken.get_or_insert(why);
            is_first
        });
        self.is_restarting.store(false, Ordering::Release);
    }
}

/// As long as it lives, the store is at work.
pub(super) struct AtWork<'a>(&'a Health);

impl Drop for AtWork<'_> {
    fn drop(&mut self) {
        self.0.at_work_since.store(0, Ordering::Release);
    }
}
