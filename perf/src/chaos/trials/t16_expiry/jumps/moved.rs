//! What was found while the clock was set.

use std::time::Duration;

use super::holders::{Held, Way};
use crate::chaos::outcome::Outcome;
use crate::chaos::setting::Setting;

/// How much later than it is due something may happen after the clock was set; more where the tests
/// run. That it was set forward is noticed within a second more.
const LATE: Duration = Duration::from_secs(1);
const LATE_WHERE_BUSY: Duration = Duration::from_secs(2);
const NOTICED_WITHIN: Duration = Duration::from_secs(1);
/// A message is a moment on its way to the one who measures, the first time and the second.
const EARLY: Duration = Duration::from_millis(300);

/// What was found.
#[derive(Debug, Default)]
pub(in super::super) struct Moved {
    pub(super) jumps: u64,
    sessions: u64,
    sessions_lost: u64,
    leases: u64,
    leases_early: u64,
    /// The largest delays.
    lease_late: Duration,
    back_off_late: Duration,
    pub(super) life_late: Duration,
    pub(super) noticed_after: Duration,
    pub(super) dead_found_late: Duration,
    pub(super) dead_kept: u64,
    /// Messages that did not come, and were to.
    pub(super) lost: u64,
    pub(super) time_went_back: u64,
}

impl Moved {
    pub(super) fn note(&mut self, held: Option<Held>) {
        let Some(Held { way, early, late }) = held else {
            self.lost += 1;
            return;
        };
        if way == Way::Failed {
            // It may be tried again earlier, but not later.
            self.back_off_late = self.back_off_late.max(late);
            return;
        }
        self.leases += 1;
        self.leases_early += u64::from(early > EARLY);
        self.lease_late = self.lease_late.max(late);
    }

    pub(super) fn note_sessions(&mut self, lost: &[bool]) {
        self.sessions += lost.len() as u64;
        self.sessions_lost += lost.iter().filter(|is_lost| **is_lost).count() as u64;
    }

    pub(in super::super) fn tell(&self, outcome: &mut Outcome, setting: &Setting) {
        let late = if setting.is_short() {
            LATE_WHERE_BUSY
        } else {
            LATE
        };
        let millis = |span: Duration| span.as_secs_f64() * 1e3;
        outcome.figure("times that the clock was set", self.jumps);
        outcome.figure("sessions", self.sessions);
        outcome.must_be_zero("sessions lost by it", self.sessions_lost);
        outcome.figure("leases meanwhile", self.leases);
        outcome.must_be_zero("leases that ended early", self.leases_early);
        outcome.must_be_zero("never again", self.lost);
        outcome.must_be_zero("time went back", self.time_went_back);
        outcome.must_be_zero("dead sessions kept", self.dead_kept);
        for (name, found, bound) in [
            ("largest delay of a lease ms", self.lease_late, late),
            ("of a back-off ms", self.back_off_late, late),
            ("of a life ms", self.life_late, late),
            ("of finding a dead session ms", self.dead_found_late, late),
            (
                "set forward, and what is over noted after ms",
                self.noticed_after,
                late + NOTICED_WITHIN,
            ),
        ] {
            outcome.at_most(name, millis(found).round(), millis(bound));
        }
    }
}
