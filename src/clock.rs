//! The time that the server goes by.

use std::sync::{Arc, Mutex, PoisonError};

use bridge_core::ports::Clock;
use bridge_core::steady::{Steady, Steps};
use bridge_core::{Moment, Timestamp, limits};

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
    /// Goes on from what the source shows now, or from the newest time in the log, if the source was
    /// set back since then.
    #[must_use]
    pub fn new(source: Arc<dyn Clock>, newest: Timestamp) -> Self {
        let begins = begins(source.now(), newest);
        let steady = Mutex::new(Steady::begin(begins, source.moment()));
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

fn begins(wall: Timestamp, newest: Timestamp) -> Timestamp {
    let ahead = newest.millis_since(wall);
    if ahead <= 0 {
        return wall;
    }
    let believed = i64::try_from(limits::CLOCK_BEHIND_LOG_MAX.as_millis()).unwrap_or(i64::MAX);
    if ahead > believed {
        tracing::error!(
            ahead_seconds = ahead / 1_000,
            "the log has records from far in the future of this machine's clock; where they are, \
             leases and deadlines are late until that time has come"
        );
        return wall;
    }
    tracing::warn!(
        ahead_seconds = ahead / 1_000,
        "this machine's clock is behind the log, whose time goes on"
    );
    newest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_start_goes_on_from_the_log_unless_that_is_absurd() {
        let noon = Timestamp::from_millis(1_700_000_000_000);
        let hour = 3_600_000;
        for (newest, begins_at) in [
            (Timestamp::default(), noon),
            (noon.plus_millis(-hour), noon),
            (noon.plus_millis(hour), noon.plus_millis(hour)),
            (noon.plus_millis(25 * hour), noon),
        ] {
            assert_eq!(begins(noon, newest), begins_at);
        }
    }
}
