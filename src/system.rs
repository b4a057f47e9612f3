//! The only places that read the clock, make ids and draw secrets for requests; everybody else is
//! given them.

use std::sync::{LazyLock, Mutex};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use bridge_core::ports::{Clock, Ids};
use bridge_core::{Moment, Reject, Timestamp};
use uuid::{ContextV7, Uuid};

/// The machine's clocks.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

/// Since this process first asked for a moment.
static BEGINNING: LazyLock<Stopwatch> = LazyLock::new(Stopwatch::start);

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(i64::try_from(since_1970().as_millis()).unwrap_or(i64::MAX))
    }

    fn moment(&self) -> Moment {
        let passed = BEGINNING.elapsed().as_millis();
        Moment::from_millis(u64::try_from(passed).unwrap_or(u64::MAX))
    }
}

/// The time of the machine's wall clock, as exactly as it has it, since 1970.
#[must_use]
#[expect(clippy::disallowed_methods, reason = "this is the clock adapter")]
pub fn since_1970() -> Duration {
    // A clock before 1970 is a machine without a battery; it counts as 1970.
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default()
}

/// Measures how long something takes; it does not follow the wall clock.
#[derive(Debug, Clone, Copy)]
pub struct Stopwatch(Instant);

impl Stopwatch {
    /// Starts now.
    #[must_use]
    #[expect(clippy::disallowed_methods, reason = "this is the clock adapter")]
    pub fn start() -> Self {
        Self(Instant::now())
    }

    /// Time since the start.
    #[must_use]
    pub fn elapsed(&self) -> Duration {
        self.0.elapsed()
    }
}

/// UUIDv7s, in order even within one millisecond.
#[derive(Debug)]
pub struct SystemIds(Mutex<ContextV7>);

impl Default for SystemIds {
    fn default() -> Self {
        Self(Mutex::new(ContextV7::new()))
    }
}

impl Ids for SystemIds {
    fn uuid(&self) -> Uuid {
        // A counter that another thread left half-way is still a counter.
        let context = self
            .0
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        Uuid::new_v7(uuid::Timestamp::now(&*context))
    }
}

/// Bytes from the system's random source, good for a secret.
///
/// # Errors
/// [`Reject::Internal`] when the system has none to give.
pub fn random_bytes<const N: usize>() -> Result<[u8; N], Reject> {
    let mut bytes = [0; N];
    match getrandom::fill(&mut bytes) {
        Ok(()) => Ok(bytes),
        Err(why) => Err(Reject::Internal {
            detail: format!("no random bytes: {why}"),
        }),
    }
}

/// A number from 0 to 1 from the same source, for what should differ and is no secret.
#[must_use]
pub fn chance() -> f64 {
    match random_bytes::<4>() {
        Ok(bytes) => f64::from(u32::from_ne_bytes(bytes)) / f64::from(u32::MAX),
        Err(reject) => {
            let detail = reject.detail().unwrap_or_default();
            tracing::warn!(detail, "nothing is left to chance");
            0.5
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chance_is_a_fraction_and_differs() {
        let draws: Vec<f64> = (0..1_000).map(|_| chance()).collect();
        assert!(draws.iter().all(|draw| (0.0..=1.0).contains(draw)));
        assert!(draws.iter().any(|draw| *draw < 0.2) && draws.iter().any(|draw| *draw > 0.8));
    }
}
