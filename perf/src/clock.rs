//! The only place that reads the clock: nanoseconds since the program began to measure.

use std::time::{Duration, Instant};

/// Measures from its own beginning. It never goes back and does not follow the wall clock.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Clock(Instant);

impl Clock {
    #[expect(
        clippy::disallowed_methods,
        reason = "this is the clock of the load generator"
    )]
    pub(crate) fn start() -> Self {
        Self(Instant::now())
    }

    /// Nanoseconds since the start: enough for 584 years.
    pub(crate) fn nanos(self) -> u64 {
        nanos(self.0.elapsed())
    }

    /// How long it is until this moment; nothing when it is past.
    pub(crate) fn until(self, nanos: u64) -> Duration {
        Duration::from_nanos(nanos.saturating_sub(self.nanos()))
    }

    /// The same moment for a timer.
    pub(crate) fn moment(self, nanos: u64) -> tokio::time::Instant {
        tokio::time::Instant::from_std(self.0 + Duration::from_nanos(nanos))
    }
}

/// A span in nanoseconds.
pub(crate) fn nanos(span: Duration) -> u64 {
    u64::try_from(span.as_nanos()).unwrap_or(u64::MAX)
}
