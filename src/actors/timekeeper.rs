//! Wakes mailboxes and rooms when something is due in them.
//!
//! What is due is in the store, so it survives a restart. There is one timer, set to the earliest
//! time of all. While something is to come, it looks at the clock every second, which may have been
//! set forward; the store is asked when the time has come, and once a minute.

mod told;

use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use bridge_core::ports::Store;
use bridge_core::{ClientId, Moment, Reject, RoomId, Timestamp, limits};
use tokio::sync::Notify;

use super::bridge::Bridge;
use super::faults::Guard;
use crate::clock::ServerClock;
use told::Told;

/// Where mailboxes and rooms say what is due, and where the timer waits.
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

    /// Sleeps until the next thing is due, or something is told once more, or something earlier is
    /// said. A sleep does not follow the wall clock, so while something is to come it is interrupted
    /// to look at it.
    async fn sleep(&self, next: Option<Timestamp>, again: Option<Moment>, clock: &ServerClock) {
        if let Some(next) = next {
            self.set_for.fetch_min(next.as_millis(), Ordering::AcqRel);
        }
        let began = clock.moment();
        loop {
            let now = clock.moment();
            let slept = Duration::from_millis(now.millis_since(began));
            let mut sleep = limits::DUE_SLEEP_MAX.saturating_sub(slept);
            if let Some(next) = next {
                let left = next.millis_since(clock.now());
                let left = Duration::from_millis(u64::try_from(left).unwrap_or_default());
                sleep = sleep.min(left).min(limits::DUE_CLOCK_LOOK);
            }
            if let Some(again) = again {
                sleep = sleep.min(Duration::from_millis(again.millis_since(now)));
            }
            // Whether it was woken or has slept enough: the store is asked again.
            let woken = tokio::time::timeout(sleep, self.earlier.notified()).await;
            if sleep.is_zero() || woken.is_ok() {
                return;
            }
        }
    }
}

/// Who was told lately.
#[derive(Debug, Default)]
struct Tellings {
    mailboxes: Told<ClientId>,
    rooms: Told<RoomId>,
}

impl Tellings {
    /// When the first of them is told again.
    fn again(&self) -> Option<Moment> {
        let times = [self.mailboxes.again(), self.rooms.again()];
        times.into_iter().flatten().min()
    }
}

/// Runs for as long as the server does.
pub(super) async fn run(bridge: Bridge) {
    let mut told = Tellings::default();
    loop {
        bridge.faults().at("timekeeper", "", "look", Guard::Inside);
        bridge.timekeeper().begin_look();
        match look(&bridge, &mut told).await {
            Ok(Seen::There { next }) => {
                tokio::time::sleep(limits::DUE_LOOKS_APART).await;
                let again = told.again();
                bridge.timekeeper().sleep(next, again, bridge.clock()).await;
            }
            Ok(Seen::MoreThanItCanTell) => tokio::time::sleep(limits::DUE_LOOKS_APART).await,
            Err(reject) => {
                tracing::warn!(%reject, detail = reject.detail(), "what is due cannot be read");
                tokio::time::sleep(limits::DUE_RETRY).await;
            }
        }
    }
}

/// What a look at the store has shown.
enum Seen {
    /// Everything that is overdue; the next thing is due then.
    There { next: Option<Timestamp> },
    /// There is more than that, and some of it was told now.
    MoreThanItCanTell,
}

/// What is overdue, since when, and when the next thing is due.
struct Overdue {
    mailboxes: Vec<(ClientId, Timestamp)>,
    rooms: Vec<(RoomId, Timestamp)>,
    next: Option<Timestamp>,
}

/// Tells the mailboxes and the rooms in which something is due.
async fn look(bridge: &Bridge, told: &mut Tellings) -> Result<Seen, Reject> {
    let now = bridge.clock().now();
    let read = move |store: &dyn Store| {
        Ok(Overdue {
            mailboxes: store.due_mailboxes(now, limits::DUE_MAILBOXES_MAX)?,
            rooms: store.due_rooms(now, limits::DUE_ROOMS_MAX)?,
            next: store.next_due(now)?,
        })
    };
    let overdue = bridge.reads().run(read).await?;
    let moment = bridge.clock().moment();
    let is_full = overdue.mailboxes.len() == limits::DUE_MAILBOXES_MAX;
    let mailboxes = told.mailboxes.choose(overdue.mailboxes, moment);
    let has_more_mailboxes = is_full && !mailboxes.is_empty();
    let is_full = overdue.rooms.len() == limits::DUE_ROOMS_MAX;
    let rooms = told.rooms.choose(overdue.rooms, moment);
    let has_more_rooms = is_full && !rooms.is_empty();
    for client in &mailboxes {
        sweep(bridge, client);
    }
    for room in &rooms {
        conclude(bridge, room);
    }
    Ok(if has_more_mailboxes || has_more_rooms {
        Seen::MoreThanItCanTell
    } else {
        Seen::There { next: overdue.next }
    })
}

fn sweep(bridge: &Bridge, client: &ClientId) {
    match bridge.mailbox(client) {
        Ok(mailbox) => mailbox.sweep(),
        Err(reject) => tracing::debug!(%client, %reject, "a mailbox is swept later"),
    }
}

fn conclude(bridge: &Bridge, room: &RoomId) {
    match bridge.room(room) {
        Ok(handle) => handle.conclude(room),
        Err(reject) => tracing::debug!(%room, %reject, "a room's decisions are concluded later"),
    }
}
