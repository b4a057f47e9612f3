//! What the operator sees of the tree.

use std::sync::atomic::Ordering;

use bridge_core::Timestamp;
use bridge_core::event::Stream;

use super::{Branch, Tree};

/// The tree, as it is now.
#[derive(Debug, Clone)]
pub struct TreeReport {
    /// Each part of it.
    pub branches: Vec<BranchReport>,
    /// Why the process is about to end, if it is.
    pub given_up: Option<String>,
}

/// One part of the tree.
#[derive(Debug, Clone)]
pub struct BranchReport {
    /// Which.
    pub branch: Branch,
    /// How many of its children live, where they are counted.
    pub live: Option<usize>,
    /// Children that failed since the start. All but sessions and requests began anew.
    pub failures: u64,
    /// Streams that are held back, the latest last.
    pub quarantined: Vec<Quarantined>,
}

/// A stream that failed too often and is held back.
#[derive(Debug, Clone)]
pub struct Quarantined {
    /// Which.
    pub stream: Stream,
    /// Since when.
    pub since: Timestamp,
}

impl Tree {
    /// The tree; `live` counts the children of a branch.
    pub(in crate::actors) fn report(&self, live: impl Fn(Branch) -> Option<usize>) -> TreeReport {
        let held = self.quarantined();
        let branches = Branch::ALL.map(|branch| BranchReport {
            branch,
            live: live(branch),
            failures: self.0.failures[branch as usize].load(Ordering::Relaxed),
            quarantined: held
                .iter()
                .filter(|held| branch_of(&held.stream) == branch)
                .cloned()
                .collect(),
        });
        TreeReport {
            branches: branches.into(),
            given_up: self.0.given_up.borrow().clone(),
        }
    }

    /// Streams that are held back.
    pub(in crate::actors) fn quarantined(&self) -> Vec<Quarantined> {
        let state = self.lock();
        let held = state.quarantined.iter();
        held.map(|(stream, since)| Quarantined {
            stream: stream.clone(),
            since: *since,
        })
        .collect()
    }
}

const fn branch_of(stream: &Stream) -> Branch {
    match stream {
        Stream::Room(_) => Branch::Rooms,
        Stream::Mailbox(_) => Branch::Mailboxes,
        Stream::Broadcast => Branch::Broadcast,
    }
}
