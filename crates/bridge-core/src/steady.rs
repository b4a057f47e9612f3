//! The server's own time: what the wall clock shows, but for that it never goes back.
//!
//! Everything that is written down has a time that everybody can compare with their own clock, so it
//! follows the wall clock. But that may be set. Set forward, what has an end by the clock has ended:
//! it is what everybody sees. Set back, time goes on here as if nothing had happened, only a little
//! slower, until the wall clock has caught up: else what was to happen in a second would happen in an
//! hour and a second, and what has ended would begin again.

use std::collections::VecDeque;

use crate::id::{Moment, Timestamp};
use crate::limits;

/// The server's own time.
#[derive(Debug, Clone)]
pub struct Steady {
    /// When the wall clock was followed last, and what it showed then.
    since: Moment,
    at: Timestamp,
    steps: VecDeque<Step>,
}

/// Time that was left out: the wall clock was set forward, or the machine slept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Step {
    /// The last time before it.
    before: Timestamp,
    /// How much.
    millis: i64,
}

/// What was left out of the server's time lately. What was to last for a while lasts for so much
/// longer by the clock.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Steps(Vec<Step>);

impl Steady {
    /// Begins with what the wall clock shows.
    #[must_use]
    pub const fn begin(wall: Timestamp, now: Moment) -> Self {
        Self {
            since: now,
            at: wall,
            steps: VecDeque::new(),
        }
    }

    /// The time, when the wall clock shows `wall`.
    pub fn now(&mut self, wall: Timestamp, now: Moment) -> Timestamp {
        let passed = now.millis_since(self.since);
        let slower = passed - passed / limits::CLOCK_SLOWER_BY_ONE_IN;
        let expected = self.at.plus_millis(signed(slower));
        if wall < expected {
            return expected;
        }
        let left_out = wall.millis_since(self.at.plus_millis(signed(passed)));
        if left_out >= signed(millis(limits::CLOCK_STEP_MIN)) {
            self.note(Step {
                before: expected,
                millis: left_out,
            });
        }
        (self.at, self.since) = (wall, now);
        wall
    }

    fn note(&mut self, step: Step) {
        if self.steps.len() == limits::CLOCK_STEPS_REMEMBERED_MAX {
            self.steps.pop_front();
        }
        self.steps.push_back(step);
    }

    /// What was left out lately.
    #[must_use]
    pub fn steps(&self) -> Steps {
        Steps(self.steps.iter().copied().collect())
    }
}

impl Steps {
    /// Milliseconds that were left out since then.
    #[must_use]
    pub fn since(&self, at: Timestamp) -> i64 {
        let later = self.0.iter().filter(|step| step.before >= at);
        later.map(|step| step.millis).sum()
    }
}

fn signed(millis: u64) -> i64 {
    i64::try_from(millis).unwrap_or(i64::MAX)
}

fn millis(duration: std::time::Duration) -> u64 {
    u64::try_from(duration.as_millis()).expect("bounds are seconds, not geological ages")
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: i64 = 1_000;
    const HOUR: i64 = 3_600 * SECOND;

    /// A wall clock that is set now and then, and the time that goes by.
    struct Scene {
        steady: Steady,
        wall: Timestamp,
        now: Moment,
    }

    impl Scene {
        fn begin() -> Self {
            let (wall, now) = (Timestamp::from_millis(100 * HOUR), Moment::default());
            let steady = Steady::begin(wall, now);
            Self { steady, wall, now }
        }

        fn pass(&mut self, millis: u64) -> Timestamp {
            self.now = self.now.plus_millis(millis);
            self.wall = self.wall.plus_millis(signed(millis));
            self.read()
        }

        fn set(&mut self, millis: i64) -> Timestamp {
            self.wall = self.wall.plus_millis(millis);
            self.read()
        }

        fn read(&mut self) -> Timestamp {
            self.steady.now(self.wall, self.now)
        }
    }

    #[test]
    fn it_is_what_the_wall_clock_shows() {
        let mut scene = Scene::begin();
        for millis in [0, 1, 999, 1_000, 60_000] {
            assert_eq!(scene.pass(millis), scene.wall);
        }
        assert_eq!(scene.steady.steps(), Steps::default());
    }

    #[test]
    fn a_clock_that_is_set_forward_is_followed_and_what_was_left_out_is_known() {
        let mut scene = Scene::begin();
        let first = scene.pass(1_000);
        assert_eq!(scene.set(HOUR), first.plus_millis(HOUR));
        let second = scene.pass(1_000);
        assert_eq!(second, scene.wall);
        scene.set(2 * HOUR);
        let steps = scene.steady.steps();
        assert_eq!(steps.since(first), 3 * HOUR);
        assert_eq!(steps.since(second), 2 * HOUR);
        assert_eq!(steps.since(second.plus_millis(1)), 0);
        assert_eq!(scene.pass(1), scene.wall);
    }

    #[test]
    fn a_clock_that_is_set_back_holds_nothing_up() {
        let mut scene = Scene::begin();
        let before = scene.pass(1_000);
        assert_eq!(scene.set(-HOUR), before);
        // A lease of five minutes ends in five minutes and a third of a second.
        let after = scene.pass(300_000);
        let late = 300 * SECOND - after.millis_since(before);
        assert!((0..=300).contains(&late), "{late} ms late");
        assert_eq!(scene.steady.steps(), Steps::default());
    }

    #[test]
    fn it_never_goes_back_and_finds_the_wall_clock_again() {
        let mut scene = Scene::begin();
        let mut last = scene.read();
        scene.set(-10 * SECOND);
        let mut seconds = 0;
        while scene.read() > scene.wall {
            let read = scene.pass(1_000);
            assert!(read >= last, "{last:?}, then {read:?}");
            last = read;
            seconds += 1;
            assert!(seconds < 20_000, "it never finds it");
        }
        assert_eq!(seconds, 10_000, "a thousandth of the time that goes by");
        assert_eq!(scene.pass(5_000), scene.wall);
        assert_eq!(scene.steady.steps(), Steps::default());
    }

    /// Set back, and set right again: nothing has happened, so nothing was left out.
    #[test]
    fn a_clock_that_is_set_right_again_leaves_nothing_out() {
        let mut scene = Scene::begin();
        scene.set(-HOUR);
        scene.pass(100_000);
        assert_eq!(scene.set(HOUR), scene.wall);
        assert_eq!(scene.steady.steps(), Steps::default());
    }

    #[test]
    fn a_clock_that_is_set_again_and_again_is_not_remembered_for_ever() {
        let mut scene = Scene::begin();
        let first = scene.read();
        for _ in 0..1_000 {
            scene.set(HOUR);
            scene.pass(1_000);
        }
        let remembered = signed(limits::CLOCK_STEPS_REMEMBERED_MAX as u64);
        assert_eq!(scene.steady.steps().since(first), remembered * HOUR);
    }
}
