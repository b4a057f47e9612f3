//! Restarting what failed, but not for ever.
//!
//! A room's state is dropped when the code that holds it panics, and read from the log again. A
//! room that keeps failing is quarantined: it refuses everything and its neighbours go on.

use std::panic::{AssertUnwindSafe, catch_unwind};

use bridge_core::Moment;
use bridge_core::limits;
use bridge_core::supervision::Intensity;

/// Code that panicked. What it held must not be used again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Panicked;

/// What becomes of a failed child.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    /// Read its state again.
    Restart,
    /// It failed too often.
    Quarantine,
}

/// The supervision of one child.
#[derive(Debug)]
pub(super) struct Supervisor {
    intensity: Intensity,
}

impl Supervisor {
    pub(super) fn new() -> Self {
        let within = u64::try_from(limits::RESTART_WITHIN.as_millis())
            .expect("the window of restarts is seconds long");
        Self {
            intensity: Intensity::new(limits::RESTARTS_MAX, within),
        }
    }

    /// Runs a child's code. State that it was changing when it panicked is not consistent; the
    /// caller must drop it.
    pub(super) fn run<T>(code: impl FnOnce() -> T) -> Result<T, Panicked> {
        catch_unwind(AssertUnwindSafe(code)).map_err(|_| Panicked)
    }

    /// The child has failed.
    pub(super) fn failed(&mut self, now: Moment) -> Verdict {
        if self.intensity.may_restart(now) {
            Verdict::Restart
        } else {
            Verdict::Quarantine
        }
    }
}
