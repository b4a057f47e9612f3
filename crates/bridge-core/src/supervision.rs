//! How often a child may fail before its supervisor gives up on it.

use std::collections::VecDeque;

use crate::id::Moment;

/// A bound on failures within a window of time.
#[derive(Debug, Clone)]
pub struct Intensity {
    failures: VecDeque<Moment>,
    failures_max: usize,
    within_millis: u64,
}

impl Intensity {
    /// At most `failures_max` failures within `within_millis`.
    #[must_use]
    pub const fn new(failures_max: usize, within_millis: u64) -> Self {
        Self {
            failures: VecDeque::new(),
            failures_max,
            within_millis,
        }
    }

    /// Counts a failure. `false` when there have been too many: the child must not be restarted.
    pub fn may_restart(&mut self, now: Moment) -> bool {
        while let Some(oldest) = self.failures.front() {
            if now.millis_since(*oldest) < self.within_millis {
                break;
            }
            self.failures.pop_front();
        }
        self.failures.push_back(now);
        self.failures.len() <= self.failures_max
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rare_failures_are_forgiven_and_frequent_ones_are_not() {
        let at = Moment::from_millis;
        let mut rare = Intensity::new(2, 100);
        for n in 0..10 {
            assert!(rare.may_restart(at(n * 60)), "failure {n}");
        }
        let mut frequent = Intensity::new(2, 100);
        assert!(frequent.may_restart(at(0)));
        assert!(frequent.may_restart(at(40)));
        assert!(!frequent.may_restart(at(80)));
        assert!(
            frequent.may_restart(at(160)),
            "the first two are forgotten by now"
        );
    }
}
