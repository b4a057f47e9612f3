//! The tree of supervision: restarting what failed, but not for ever.
//!
//! ```text
//! root ─┬─ log writer    watches itself; when it cannot be recovered, the process ends
//!       ├─ rooms         dropped when they fail, and read again from snapshot and log
//!       ├─ mailboxes     likewise
//!       ├─ broadcast     likewise
//!       ├─ sessions      never restarted: their clients are told to come back
//!       ├─ timekeeper    begins anew
//!       ├─ follower      begins anew
//!       └─ requests      a handler that panics answers "internal", and nothing else is touched
//! ```
//!
//! A child that fails too often is given up. A stream is then quarantined: it refuses everything and
//! its neighbours go on. When too many are given up at once it is no accident of one of them any
//! more, and the process ends, for whoever watches it to start it anew.

mod report;

use std::collections::{HashMap, VecDeque};
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bridge_core::event::Stream;
use bridge_core::limits;
use bridge_core::supervision::{Intensity, Verdict};
use bridge_core::{Moment, Timestamp};
use futures_util::FutureExt;
use tokio::sync::watch;

use crate::clock::ServerClock;

pub use report::{BranchReport, Quarantined, TreeReport};

/// Code that panicked. What it held must not be used again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Panicked;

/// Runs a child's code. State that it was changing when it panicked is not consistent; the caller
/// must drop it.
pub(super) fn run<T>(code: impl FnOnce() -> T) -> Result<T, Panicked> {
    catch_unwind(AssertUnwindSafe(code)).map_err(|_| Panicked)
}

/// A part of the tree.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Branch {
    /// The owners of rooms.
    Rooms,
    /// The owners of mailboxes.
    Mailboxes,
    /// The owner of the messages to `all`.
    Broadcast,
    /// Connections.
    Sessions,
    /// What is due.
    Timekeeper,
    /// Effects on other streams.
    Follower,
    /// Requests over HTTP.
    Requests,
}

impl Branch {
    /// All of them, in the order in which they are shown.
    pub const ALL: [Self; 7] = [
        Self::Rooms,
        Self::Mailboxes,
        Self::Broadcast,
        Self::Sessions,
        Self::Timekeeper,
        Self::Follower,
        Self::Requests,
    ];

    /// Its name, for the operator.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Rooms => "rooms",
            Self::Mailboxes => "mailboxes",
            Self::Broadcast => "broadcast",
            Self::Sessions => "sessions",
            Self::Timekeeper => "timekeeper",
            Self::Follower => "follower",
            Self::Requests => "requests",
        }
    }
}

/// What a child failed of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Cause {
    /// Its code.
    Code,
    /// What it read from the log. That is an affair of this one stream, however many there are.
    Log,
}

/// Something that is begun anew when it fails.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) enum Child {
    /// The owner of a stream.
    Owner(Stream),
    /// What is due.
    Timekeeper,
    /// Effects on other streams.
    Follower,
}

impl Child {
    const fn branch(&self) -> Branch {
        match self {
            Self::Owner(Stream::Room(_)) => Branch::Rooms,
            Self::Owner(Stream::Mailbox(_)) => Branch::Mailboxes,
            Self::Owner(Stream::Broadcast) => Branch::Broadcast,
            Self::Timekeeper => Branch::Timekeeper,
            Self::Follower => Branch::Follower,
        }
    }
}

impl fmt::Display for Child {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Owner(stream) => stream.fmt(f),
            Self::Timekeeper | Self::Follower => f.write_str(self.branch().name()),
        }
    }
}

/// The supervision of everything. Cheap to clone.
#[derive(Debug, Clone)]
pub(super) struct Tree(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    failures: [AtomicU64; Branch::ALL.len()],
    state: Mutex<State>,
    given_up: watch::Sender<Option<String>>,
}

#[derive(Debug)]
struct State {
    failing: HashMap<Child, Intensity>,
    quarantined: VecDeque<(Stream, Timestamp)>,
    tree: Intensity,
}

impl Tree {
    pub(super) fn new() -> Self {
        Self(Arc::new(Shared {
            failures: Default::default(),
            state: Mutex::new(State {
                failing: HashMap::new(),
                quarantined: VecDeque::new(),
                tree: Intensity::of_tree(),
            }),
            given_up: watch::Sender::new(None),
        }))
    }

    /// Counts a failure of something that is not begun anew.
    pub(super) fn count(&self, branch: Branch) {
        self.0.failures[branch as usize].fetch_add(1, Ordering::Relaxed);
    }

    /// A child has failed.
    pub(super) fn failed(&self, child: &Child, cause: Cause, clock: &ServerClock) -> Verdict {
        self.count(child.branch());
        let now = clock.moment();
        let mut state = self.lock();
        state.make_room(now);
        let intensity = state.failing.entry(child.clone());
        let verdict = intensity.or_insert_with(Intensity::of_child).failed(now);
        if verdict == Verdict::GiveUp {
            state.failing.remove(child);
            if let Child::Owner(stream) = child {
                state.quarantine(stream, clock.now());
            }
            let may_go_on = cause == Cause::Log || state.tree.may_restart(now);
            drop(state);
            self.escalate(child, may_go_on);
        }
        verdict
    }

    fn escalate(&self, child: &Child, may_go_on: bool) {
        tracing::error!(%child, "a child of the supervisor failed too often and is given up");
        if may_go_on {
            return;
        }
        let why = format!(
            "more than {} parts of the server were given up within {} s, the last of them {child}",
            limits::GIVEN_UP_MAX,
            limits::GIVEN_UP_WITHIN.as_secs()
        );
        self.0.given_up.send_if_modified(|given_up| {
            let is_first = given_up.is_none();
            given_up.get_or_insert(why);
            is_first
        });
    }

    /// Whether a stream is held back.
    pub(super) fn is_quarantined(&self, stream: &Stream) -> bool {
        let state = self.lock();
        state.quarantined.iter().any(|(held, _)| held == stream)
    }

    /// Lets a stream go on. `false` when it was not held back.
    pub(super) fn release(&self, stream: &Stream) -> bool {
        let mut state = self.lock();
        let before = state.quarantined.len();
        state.quarantined.retain(|(held, _)| held != stream);
        state.quarantined.len() < before
    }

    /// Waits until the process has to end, and says why.
    pub(super) async fn until_given_up(&self) -> String {
        let mut watcher = self.0.given_up.subscribe();
        match watcher.wait_for(Option::is_some).await {
            Ok(why) => why.clone().unwrap_or_default(),
            Err(_) => "the supervisor is gone".to_owned(),
        }
    }

    /// Runs something that never ends by itself, again and again.
    pub(super) async fn keep_running<F: Future<Output = ()>>(
        &self,
        child: Child,
        clock: &ServerClock,
        make: impl Fn() -> F,
    ) {
        loop {
            let ended = AssertUnwindSafe(make()).catch_unwind().await;
            let why = if ended.is_err() {
                "a panic"
            } else {
                "it ended"
            };
            tracing::error!(%child, reason = why, "a part of the server failed and begins anew");
            let rest = match self.failed(&child, Cause::Code, clock) {
                Verdict::Restart { after } => after,
                // Whether the process goes on without it is the tree's affair.
                Verdict::GiveUp => limits::RESTART_REST_MAX,
            };
            tokio::time::sleep(rest.max(Duration::from_millis(1))).await;
        }
    }

    /// A list is a list, whoever panicked beside it.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// The memory of failures is bounded: first the calm ones are forgotten, then all.
    fn make_room(&mut self, now: Moment) {
        if self.failing.len() < limits::FAILING_REMEMBERED_MAX {
            return;
        }
        self.failing.retain(|_, intensity| !intensity.is_calm(now));
        if self.failing.len() >= limits::FAILING_REMEMBERED_MAX {
            self.failing.clear();
        }
    }

    fn quarantine(&mut self, stream: &Stream, at: Timestamp) {
        if self.quarantined.iter().any(|(held, _)| held == stream) {
            return;
        }
        if self.quarantined.len() == limits::QUARANTINED_MAX {
            // The oldest gets another chance, and comes back if it does not use it.
            self.quarantined.pop_front();
        }
        self.quarantined.push_back((stream.clone(), at));
    }
}

#[cfg(test)]
mod tests;
