//! The store under watch. What it reports is judged here, and one that broke is made again.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use bridge_core::Moment;
use bridge_core::ports::{Log, LogFailure};
use bridge_core::supervision::{Intensity, Verdict};

use super::{Health, Pace, Reopen};

/// The writing side of a store, or none while it is broken.
pub(super) struct Watched {
    log: Option<Box<dyn Log>>,
    reopen: Reopen,
    pace: Arc<dyn Pace>,
    health: Arc<Health>,
    intensity: Intensity,
}

impl Watched {
    pub(super) fn new(
        log: Box<dyn Log>,
        reopen: Reopen,
        pace: Arc<dyn Pace>,
        health: Arc<Health>,
    ) -> Self {
        Self {
            log: Some(log),
            reopen,
            pace,
            health,
            intensity: Intensity::of_child(),
        }
    }

    /// Lets the store work. If it panics, it is dropped, and its open transaction with it; whether
    /// that was committed before is not known.
    ///
    /// # Errors
    /// How it failed. Without a store nothing is written, and that is certain.
    pub(super) fn work<T>(
        &mut self,
        what: &'static str,
        work: impl FnOnce(&mut dyn Log) -> Result<T, LogFailure>,
    ) -> Result<T, LogFailure> {
        self.recover();
        let is_broken = self.health.broken().is_some();
        let Some(log) = self.log.as_mut().filter(|_| !is_broken) else {
            return Err(LogFailure::Aborted("the log is broken".to_owned()));
        };
        let at_work = self.health.begin_work();
        let done = caught(|| work(&mut **log));
        drop(at_work);
        let (failure, is_lost) = match done {
            Ok(Ok(done)) => {
                self.is_there();
                return Ok(done);
            }
            Ok(Err(LogFailure::Unavailable(why))) => {
                self.is_gone(&why);
                return Err(LogFailure::Unavailable(why));
            }
            Ok(Err(failure)) => {
                let is_stuck = matches!(failure, LogFailure::Stuck(_));
                (failure, is_stuck)
            }
            Err(Panicked) => (LogFailure::Unknown("its code panicked".to_owned()), true),
        };
        tracing::error!(what, error = %failure, "the log's store failed");
        self.health.count_failure();
        if let LogFailure::Broken(why) = &failure {
            self.give_up(why.clone());
        }
        if is_lost {
            self.discard();
        }
        Err(failure)
    }

    fn is_there(&self) {
        if self.health.set_unavailable(false) {
            tracing::warn!("the log's store is there again");
        }
    }

    /// Said once: everybody who posts finds out for himself.
    fn is_gone(&self, why: &str) {
        self.health.count_failure();
        if self.health.set_unavailable(true) {
            tracing::error!(
                error = why,
                "the log's store is not there; it is looked for"
            );
        }
    }

    /// Makes the store again if it broke. Between two attempts it waits; after too many failures
    /// nothing is written any more.
    pub(super) fn recover(&mut self) {
        while self.log.is_none() && self.health.broken().is_none() {
            match self.intensity.failed(self.now()) {
                Verdict::Restart { after } => self.pace.wait(after),
                Verdict::GiveUp => return self.give_up("its store failed too often".to_owned()),
            }
            match caught(&mut self.reopen) {
                Ok(Ok(log)) => {
                    tracing::warn!("the log's store was opened again and is written to");
                    self.log = Some(log);
                    self.health.restarted();
                }
                Ok(Err(why)) => {
                    self.health.count_failure();
                    tracing::error!(error = %why, "the log's store cannot be opened again");
                }
                Err(Panicked) => {
                    self.health.count_failure();
                    tracing::error!("opening the log's store again panicked");
                }
            }
        }
    }

    /// Drops the store. What it has begun and not committed is rolled back by that.
    fn discard(&mut self) {
        self.health.begin_restart();
        let log = self.log.take();
        if caught(|| drop(log)).is_err() {
            // What it leaves open, the next one finds out when it tries to write.
            tracing::error!("the log's store panicked when it was dropped");
        }
    }

    fn give_up(&self, why: String) {
        tracing::error!(reason = why, "nothing is acknowledged any more");
        self.health.break_down(why);
    }

    fn now(&self) -> Moment {
        Moment::from_millis(u64::try_from(self.pace.uptime().as_millis()).unwrap_or(u64::MAX))
    }
}

/// Code that panicked.
pub(super) struct Panicked;

/// Runs code that may panic. What it was changing must not be used again.
pub(super) fn caught<T>(code: impl FnOnce() -> T) -> Result<T, Panicked> {
    catch_unwind(AssertUnwindSafe(code)).map_err(|payload| {
        // Dropping what was thrown may panic as well, and it is not worth a try.
        std::mem::forget(payload);
        Panicked
    })
}
