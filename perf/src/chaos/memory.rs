//! The memory of a server while it is overloaded, as Linux tells it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use serde::Serialize;
use tokio::task::JoinHandle;

use super::setting::Setting;
use crate::procfs;

/// Between two looks.
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// Before what was taken for an overload is given back, at most.
const GIVEN_BACK_WITHIN: Duration = Duration::from_secs(30);
/// This much more than before is nothing: a tenth.
const GIVEN_BACK: u64 = 10;

/// Resident memory, in KiB.
#[derive(Debug, Clone, Copy, Serialize)]
pub(super) struct Memory {
    pub(super) before_kib: u64,
    /// The most that was seen during the overload.
    pub(super) during_kib: u64,
    /// Half a minute later, or as soon as it was nearly as little as before.
    pub(super) after_kib: u64,
}

/// Looks again and again, until it is dropped or [`Watch::end`] is called.
#[derive(Debug)]
pub(super) struct Watch {
    pid: u32,
    before_kib: u64,
    peak_kib: Arc<AtomicU64>,
    looking: JoinHandle<()>,
}

impl Watch {
    /// Begins to watch a process. Without `/proc` there is nothing to see, and every figure is 0.
    pub(super) fn begin(pid: u32) -> Self {
        let before_kib = procfs::resident_kib(pid).unwrap_or_default();
        let peak_kib = Arc::new(AtomicU64::new(before_kib));
        let peak = Arc::clone(&peak_kib);
        let looking = tokio::spawn(async move {
            while let Some(now) = procfs::resident_kib(pid) {
                peak.fetch_max(now, Ordering::Relaxed);
                tokio::time::sleep(LOOK_EVERY).await;
            }
        });
        Self {
            pid,
            before_kib,
            peak_kib,
            looking,
        }
    }

    /// The most that was seen so far.
    pub(super) fn peak_kib(&self) -> u64 {
        self.peak_kib.load(Ordering::Relaxed)
    }

    /// The overload is over. In the long form it is given some time to give the memory back.
    pub(super) async fn end(self, setting: &Setting) -> Memory {
        let wait = if setting.is_short() {
            Duration::ZERO
        } else {
            GIVEN_BACK_WITHIN
        };
        let is_given_back = async {
            while self.now_kib() > self.before_kib + self.before_kib / GIVEN_BACK {
                tokio::time::sleep(LOOK_EVERY).await;
            }
        };
        // Whether it was or not: what there is then is told.
        drop(tokio::time::timeout(wait, is_given_back).await);
        Memory {
            before_kib: self.before_kib,
            during_kib: self.peak_kib(),
            after_kib: self.now_kib(),
        }
    }

    fn now_kib(&self) -> u64 {
        procfs::resident_kib(self.pid).unwrap_or_default()
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.looking.abort();
    }
}
