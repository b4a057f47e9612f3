//! The time that the server goes by.

use std::sync::{Arc, Mutex, PoisonError};

use bridge_core::ports::Clock;
use bridge_core::steady::{Steady, Steps};
use bridge_core::{Moment, Timestamp};

/// The time that the server goes by: one for what is written down and what everybody is told, which
/// never goes back, and one for what is only waited for.
pub struct ServerClock {
    source: Arc<dyn Clock>,
    steady: Mutex<Steady>,
}

impl std::fmt::Debug for ServerClock {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ServerClock").finish_non_exhaustive()
    }
}

impl ServerClock {
    /// Goes on from what the source shows now.
    #[must_use]
    pub fn new(source: Arc<dyn Clock>) -> Self {
        let steady = Mutex::new(Steady::begin(source.now(), source.moment()));
        Self { source, steady }
    }

    /// The server's own time: the wall clock's, but that it never goes back.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.with_steady(|steady| steady.now(self.source.now(), self.source.moment()))
    }

    /// What the wall clock shows. Tokens end by it: who makes them has no other.
    #[must_use]
    pub fn wall(&self) -> Timestamp {
        self.source.now()
    }

    /// For what is waited for, and never written down.
    #[must_use]
    pub fn moment(&self) -> Moment {
        self.source.moment()
    }

    /// What was left out of [`ServerClock::now`] lately.
    #[must_use]
    pub fn steps(&self) -> Steps {
        self.with_steady(|steady| steady.steps())
    }

    /// Both clocks are read under the lock, so that no thread comes with an older pair than another.
    /// The time is whole between any two statements that could panic, so a poisoned lock is good.
    fn with_steady<T>(&self, look: impl FnOnce(&mut Steady) -> T) -> T {
        look(&mut self.steady.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
