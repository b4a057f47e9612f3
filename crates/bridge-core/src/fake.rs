//! Stand-ins for the outside: an in-memory log with fault points, a clock that somebody turns, and
//! ids that count. For tests and simulations.
//!
//! The store survives what a process does not: give a second log the same store, and it is the
//! first one's restart. It derives every look-up from the records when it is asked: slow, and right
//! at first sight, which is what a reference is for.

mod store;

mod log;

mod decisions;
mod directory;
mod messages;
mod threads;
mod todo;

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use uuid::Uuid;

use crate::id::{Moment, Timestamp};
use crate::ports::{Clock, Ids};

pub use log::{Fault, MemoryLog};
pub use store::MemoryStore;

/// A clock that stands still until somebody turns it.
#[derive(Debug, Clone, Default)]
pub struct ManualClock {
    wall: Arc<AtomicI64>,
    passed: Arc<AtomicU64>,
}

impl ManualClock {
    /// A clock that shows `millis`.
    #[must_use]
    pub fn at(millis: i64) -> Self {
        Self {
            wall: Arc::new(AtomicI64::new(millis)),
            passed: Arc::default(),
        }
    }

    /// So much time goes by; or the wall clock is set back, and none does.
    pub fn turn(&self, millis: i64) {
        self.set(millis);
        let passed = u64::try_from(millis).unwrap_or_default();
        self.passed.fetch_add(passed, Ordering::Relaxed);
    }

    /// The wall clock is set by so much, backwards too, and no time goes by.
    pub fn set(&self, millis: i64) {
        self.wall.fetch_add(millis, Ordering::Relaxed);
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(self.wall.load(Ordering::Relaxed))
    }

    fn moment(&self) -> Moment {
        Moment::from_millis(self.passed.load(Ordering::Relaxed))
    }
}

/// Ids 1, 2, 3, …
#[derive(Debug, Clone, Default)]
pub struct CountingIds(Arc<AtomicU64>);

impl Ids for CountingIds {
    fn uuid(&self) -> Uuid {
        Uuid::from_u128(u128::from(self.0.fetch_add(1, Ordering::Relaxed)) + 1)
    }
}
