//! How long to wait before trying again.

use std::time::Duration;

/// The longest wait that a server can ask for: a wrong number must not silence a client for days.
pub const RETRY_AFTER_MAX: Duration = Duration::from_secs(60);

/// Waits that double up to a bound.
#[derive(Debug, Clone)]
pub struct BackOff {
    first: Duration,
    most: Duration,
    tries: u32,
}

impl BackOff {
    /// Waits from `first` to `most`, what the server asked for not counted.
    #[must_use]
    pub const fn new(first: Duration, most: Duration) -> Self {
        Self {
            first,
            most,
            tries: 0,
        }
    }

    /// How often it was asked since the last success.
    #[must_use]
    pub const fn tries(&self) -> u32 {
        self.tries
    }

    /// The next wait: what the server asked for, and between half and all of a span that doubles
    /// each time. `chance` is a number from 0 to 1. The span comes on top, because many may be given
    /// the same number.
    pub fn wait(&mut self, retry_after_ms: Option<u64>, chance: f64) -> Duration {
        let doubled = self
            .first
            .saturating_mul(1_u32.checked_shl(self.tries).unwrap_or(u32::MAX));
        self.tries = self.tries.saturating_add(1);
        let span = doubled
            .min(self.most)
            .mul_f64(0.5 + chance.clamp(0.0, 1.0) / 2.0);
        let asked = Duration::from_millis(retry_after_ms.unwrap_or(0)).min(RETRY_AFTER_MAX);
        asked + span
    }

    /// It worked: the next wait is a short one again.
    pub const fn reset(&mut self) {
        self.tries = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FIRST: Duration = Duration::from_millis(100);
    const MOST: Duration = Duration::from_secs(3);

    #[test]
    fn waits_double_up_to_the_bound() {
        let mut back_off = BackOff::new(FIRST, MOST);
        let waits: Vec<_> = (0..8)
            .map(|_| back_off.wait(None, 1.0).as_millis())
            .collect();
        assert_eq!(waits, [100, 200, 400, 800, 1_600, 3_000, 3_000, 3_000]);
        assert_eq!(back_off.tries(), 8);
        back_off.reset();
        assert_eq!(back_off.wait(None, 0.0), FIRST / 2);
    }

    #[test]
    fn every_wait_is_within_its_bounds_for_ever() {
        for chance in [f64::MIN, 0.0, 0.3, 1.0, f64::MAX] {
            let mut back_off = BackOff::new(FIRST, MOST);
            for _ in 0..100 {
                let wait = back_off.wait(None, chance);
                assert!((FIRST / 2..=MOST).contains(&wait), "{wait:?}");
            }
        }
    }

    #[test]
    fn the_servers_wish_is_a_floor_and_bounded() {
        let mut back_off = BackOff::new(FIRST, MOST);
        assert_eq!(
            back_off.wait(Some(1_000), 1.0),
            Duration::from_millis(1_100)
        );
        assert_eq!(
            back_off.wait(Some(u64::MAX), 1.0),
            RETRY_AFTER_MAX + FIRST * 2
        );
    }
}
