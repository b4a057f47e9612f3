//! Whether the writer can still keep its promises, and what it has done.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::sync::watch;

/// The state of the log writer, for `/ready`, for the operator and for whoever ends the process.
#[derive(Debug)]
pub struct Health {
    broken: watch::Sender<Option<String>>,
    batches: AtomicU64,
    records: AtomicU64,
    commit_micros: AtomicU64,
}

/// What the writer has done since the start.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct LogStats {
    /// Transactions, and so fsyncs.
    pub batches: u64,
    /// Records in them.
    pub records: u64,
    /// Time spent in them, in microseconds.
    pub commit_micros: u64,
}

impl Default for Health {
    fn default() -> Self {
        Self {
            broken: watch::Sender::new(None),
            batches: AtomicU64::new(0),
            records: AtomicU64::new(0),
            commit_micros: AtomicU64::new(0),
        }
    }
}

impl Health {
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

    /// What was done since the start.
    #[must_use]
    pub fn stats(&self) -> LogStats {
        LogStats {
            batches: self.batches.load(Ordering::Relaxed),
            records: self.records.load(Ordering::Relaxed),
            commit_micros: self.commit_micros.load(Ordering::Relaxed),
        }
    }

    pub(super) fn committed(&self, records: usize, took: Duration) {
        let micros = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        self.batches.fetch_add(1, Ordering::Relaxed);
        self.records.fetch_add(records as u64, Ordering::Relaxed);
        self.commit_micros.fetch_add(micros, Ordering::Relaxed);
    }

    pub(super) fn break_down(&self, why: String) {
        self.broken.send_if_modified(|broken| {
            let is_first = broken.is_none();
            broken.get_or_insert(why);
            is_first
        });
    }
}
