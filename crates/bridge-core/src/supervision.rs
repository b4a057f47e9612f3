//! How often a child may fail before its supervisor gives up on it, and how long it rests between.

use std::collections::VecDeque;
use std::time::Duration;

use crate::id::Moment;
use crate::limits;

/// A bound on failures within a window of time.
#[derive(Debug, Clone)]
pub struct Intensity {
    failures: VecDeque<Moment>,
    failures_max: usize,
    within_millis: u64,
}

/// What becomes of a child that failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It begins anew after a rest.
    Restart {
        /// How long it rests.
        after: Duration,
    },
    /// It failed too often.
    GiveUp,
}

impl Intensity {
    /// At most `failures_max` failures within `within`.
    ///
    /// # Panics
    /// When the window is longer than the age of the universe in milliseconds.
    #[must_use]
    pub fn new(failures_max: usize, within: Duration) -> Self {
        let within_millis = u64::try_from(within.as_millis());
        Self {
            failures: VecDeque::new(),
            failures_max,
            within_millis: within_millis.expect("a window is seconds long"),
        }
    }

    /// What a child may do.
    #[must_use]
    pub fn of_child() -> Self {
        Self::new(limits::RESTARTS_MAX, limits::RESTART_WITHIN)
    }

    /// What the tree may do.
    #[must_use]
    pub fn of_tree() -> Self {
        Self::new(limits::GIVEN_UP_MAX, limits::GIVEN_UP_WITHIN)
    }

    /// Counts a failure. `false` when there have been too many: the child must not be restarted.
    pub fn may_restart(&mut self, now: Moment) -> bool {
        self.forget_before(now);
        self.failures.push_back(now);
        self.failures.len() <= self.failures_max
    }

    /// Counts a failure, and says what becomes of the child. It begins anew at once after the first
    /// failure and rests longer after each further one.
    pub fn failed(&mut self, now: Moment) -> Verdict {
        if !self.may_restart(now) {
            return Verdict::GiveUp;
        }
        let after = match u32::try_from(self.failures.len()).unwrap_or(u32::MAX) {
            0 | 1 => Duration::ZERO,
            failures => limits::RESTART_REST
                .saturating_mul(2_u32.saturating_pow(failures - 2))
                .min(limits::RESTART_REST_MAX),
        };
        Verdict::Restart { after }
    }

    /// Whether nothing has failed lately.
    pub fn is_calm(&mut self, now: Moment) -> bool {
        self.forget_before(now);
        self.failures.is_empty()
    }

    fn forget_before(&mut self, now: Moment) {
        while let Some(oldest) = self.failures.front() {
            if now.millis_since(*oldest) < self.within_millis {
                break;
            }
            self.failures.pop_front();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: u64) -> Moment {
        Moment::from_millis(millis)
    }

    #[test]
    fn rare_failures_are_forgiven_and_frequent_ones_are_not() {
        let within = Duration::from_millis(100);
        let mut rare = Intensity::new(2, within);
        for n in 0..10 {
            assert!(rare.may_restart(at(n * 60)), "failure {n}");
        }
        let mut frequent = Intensity::new(2, within);
        assert!(frequent.may_restart(at(0)));
        assert!(frequent.may_restart(at(40)));
        assert!(!frequent.may_restart(at(80)));
        assert!(
            frequent.may_restart(at(160)),
            "the first two are forgotten by now"
        );
        assert!(!frequent.is_calm(at(259)));
        assert!(frequent.is_calm(at(260)));
    }

    #[test]
    fn a_child_rests_longer_after_each_failure_until_it_is_given_up() {
        let mut child = Intensity::of_child();
        let mut rests = Vec::new();
        while let Verdict::Restart { after } = child.failed(at(1_000)) {
            rests.push(after.as_millis());
        }
        assert_eq!(rests, [0, 100, 200, 400, 800]);
        let later = at(1_000 + 30_000);
        assert_eq!(
            child.failed(later),
            Verdict::Restart {
                after: Duration::ZERO
            },
            "the past is forgotten"
        );
    }
}
