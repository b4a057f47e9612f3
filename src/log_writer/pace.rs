//! How the writer's thread knows how much time has passed.

use std::time::Duration;

use crate::system::Stopwatch;

/// A clock that only ever goes on, and waiting by it.
pub trait Pace: Send + Sync {
    /// Time since some moment before the start.
    fn uptime(&self) -> Duration;

    /// Holds the thread up.
    fn wait(&self, time: Duration);
}

impl Pace for Stopwatch {
    fn uptime(&self) -> Duration {
        self.elapsed()
    }

    #[expect(
        clippy::disallowed_methods,
        reason = "the writer's thread runs no actors, and there is nothing to write to"
    )]
    fn wait(&self, time: Duration) {
        std::thread::sleep(time);
    }
}
