//! Wakes mailboxes when something is due in them.
//!
//! What is due is in the store, so it survives a restart. There is one timer, set to the earliest
//! time of all. While something is to come, it looks at the clock every second, which may have been
//! set forward; the store is asked when the time has come, and once a minute.

use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use bridge_core::ports::Store;
use bridge_core::{ClientId, Timestamp, limits};
use tokio::sync::Notify;

use super::bridge::Bridge;
use super::faults::Guard;
use crate::clock::ServerClock;

/// Where mailboxes say what is due, and where the timer waits.
#[derive(Debug)]
pub(super) struct Timekeeper {
    /// The time for which the timer is set, in milliseconds.
    set_for: AtomicI64,
    earlier: Notify,
}

impl Default for Timekeeper {
    fn default() -> Self {
        Self {
            set_for: AtomicI64::new(i64::MAX),
            earlier: Notify::new(),
        }
    }
}

impl Timekeeper {
    /// Something will be due then; it is in the store already.
    pub(super) fn due_at(&self, at: Timestamp) {
        let before = self.set_for.fetch_min(at.as_millis(), Ordering::AcqRel);
        if at.as_millis() < before {
            self.earlier.notify_one();
        }
    }

    /// Forgets what was said, before the store is asked: what is said from now on counts again.
    fn begin_look(&self) {
        self.set_for.store(i64::MAX, Ordering::Release);
    }

    /// Sleeps until then, or until something earlier is said. A sleep does not follow the wall
    /// clock, so while something is to come it is interrupted to look at it.
    async fn sleep(&self, until: Option<Timestamp>, clock: &ServerClock) {
        if let Some(until) = until {
            self.set_for.fetch_min(until.as_millis(), Ordering::AcqRel);
        }
        let mut slept = Duration::ZERO;
        while slept < limits::DUE_SLEEP_MAX {
            let sleep = match until {
                None => limits::DUE_SLEEP_MAX,
                Some(until) => {
                    let left = until.millis_since(clock.now());
                    let left = Duration::from_millis(u64::try_from(left).unwrap_or_default());
                    left.min(limits::DUE_CLOCK_LOOK)
                }
            };
            // Whether it was woken or has slept enough: the store is asked again.
            let woken = tokio::time::timeout(sleep, self.earlier.notified()).await;
            if sleep.is_zero() || woken.is_ok() {
                return;
            }
            slept += sleep;
        }
    }
}

/// Runs for as long as the server does.
pub(super) async fn run(bridge: Bridge) {
    let mut overdue = 0_u32;
    loop {
        bridge.faults().at("timekeeper", "", "look", Guard::Inside);
        bridge.timekeeper().begin_look();
        let now = bridge.clock().now();
        match look(&bridge, now).await {
            Ok(next) => {
                if next.is_some_and(|next| next <= now) {
                    // It was told, and needs a moment; or it cannot do anything about it.
                    let wait = limits::DUE_LOOK_AGAIN * 2_u32.saturating_pow(overdue.min(8));
                    tokio::time::sleep(wait.min(limits::DUE_OVERDUE_SLEEP_MAX)).await;
                    overdue += 1;
                } else {
                    overdue = 0;
                    bridge.timekeeper().sleep(next, bridge.clock()).await;
                }
            }
            Err(reject) => {
                tracing::warn!(%reject, detail = reject.detail(), "what is due cannot be read");
                tokio::time::sleep(limits::DUE_RETRY).await;
            }
        }
    }
}

/// Tells the mailboxes in which something is due. Returns when the next thing is, which is now as
/// long as they have not written down what they made of it.
async fn look(bridge: &Bridge, now: Timestamp) -> Result<Option<Timestamp>, bridge_core::Reject> {
    let read = move |store: &dyn Store| {
        let next = store.next_due()?;
        let overdue = match next {
            Some(next) if next <= now => store.due_mailboxes(now, limits::DUE_MAILBOXES_MAX)?,
            _ => Vec::new(),
        };
        Ok((next, overdue))
    };
    let (next, overdue) = bridge.reads().run(read).await?;
    for client in overdue {
        sweep(bridge, &client);
    }
    Ok(next)
}

fn sweep(bridge: &Bridge, client: &ClientId) {
    match bridge.mailbox(client) {
        Ok(mailbox) => mailbox.sweep(),
        Err(reject) => tracing::debug!(%client, %reject, "a mailbox is swept later"),
    }
}
