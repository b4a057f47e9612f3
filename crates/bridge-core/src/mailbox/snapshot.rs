//! A mailbox's state in bytes, so that waking it does not read its whole log.

use serde::{Deserialize, Serialize};

use crate::aggregate::SnapshotError;
use crate::event::{About, ReceiptKept};
use crate::id::{ClientId, Seq, Timestamp};
use crate::mailbox::{Held, Mailbox, Phase, RecentStages};
use crate::message::{Attempt, Failure, Priority};
use crate::owner::RecentKeys;

/// The form of the bytes. A snapshot of another form is not read: the log has everything.
pub const SNAPSHOT_FORMAT: i32 = 2;

#[derive(Serialize, Deserialize)]
struct Stored {
    client: ClientId,
    is_known: bool,
    head: Seq,
    last_at: Timestamp,
    open: Vec<StoredHeld>,
    receipts: Vec<(Seq, ReceiptKept)>,
    broadcasts_read: Seq,
}

#[derive(Serialize, Deserialize)]
struct StoredHeld {
    about: About,
    stored_at: Timestamp,
    priority: Priority,
    expires_at: Timestamp,
    expects_reply: bool,
    deadline: Option<Timestamp>,
    bytes: u32,
    not_before: Option<Timestamp>,
    attempt: Option<Attempt>,
    attempts: u32,
    failures: Vec<Failure>,
    deliveries: Vec<Seq>,
}

impl Mailbox {
    /// The state in bytes, or `None` for a mailbox that holds nothing and knows nobody.
    #[must_use]
    pub fn to_snapshot(&self) -> Option<Vec<u8>> {
        // Destructured, so that a new field does not compile until somebody has decided about it.
        let Self {
            client,
            is_known,
            head,
            last_at,
            open,
            by_id: _, // follows from `open`
            recent: _,
            receipts,
            broadcasts_read,
            keys: _,
        } = self;
        if *head == Seq::ZERO {
            return None;
        }
        let stored = Stored {
            client: client.clone(),
            is_known: *is_known,
            head: *head,
            last_at: *last_at,
            open: open.values().cloned().map(StoredHeld::from).collect(),
            receipts: receipts.iter().map(|(at, r)| (*at, r.clone())).collect(),
            broadcasts_read: *broadcasts_read,
        };
        Some(
            serde_json::to_vec(&stored).expect("no map key of a snapshot is anything but a string"),
        )
    }

    /// The mailbox from the bytes of [`Mailbox::to_snapshot`].
    ///
    /// # Errors
    /// When the bytes are not a snapshot of this format.
    pub fn from_snapshot(bytes: &[u8]) -> Result<Self, SnapshotError> {
        let stored: Stored = serde_json::from_slice(bytes)?;
        let mut mailbox = Self {
            client: stored.client,
            is_known: stored.is_known,
            head: stored.head,
            last_at: stored.last_at,
            open: std::collections::BTreeMap::new(),
            by_id: std::collections::HashMap::new(),
            recent: RecentStages::beginning_at(stored.head),
            receipts: stored.receipts.into_iter().collect(),
            broadcasts_read: stored.broadcasts_read,
            keys: RecentKeys::default(),
        };
        for held in stored.open {
            mailbox.insert(held.into());
        }
        Ok(mailbox)
    }
}

impl From<Held> for StoredHeld {
    fn from(held: Held) -> Self {
        let Held {
            about,
            stored_at,
            priority,
            expires_at,
            expects_reply,
            deadline,
            bytes,
            phase,
            attempts,
            failures,
            deliveries,
        } = held;
        let (not_before, attempt) = match phase {
            Phase::Waiting { not_before } => (Some(not_before), None),
            Phase::Leased(attempt) => (None, Some(attempt)),
        };
        Self {
            about,
            stored_at,
            priority,
            expires_at,
            expects_reply,
            deadline,
            bytes,
            not_before,
            attempt,
            attempts,
            failures,
            deliveries,
        }
    }
}

impl From<StoredHeld> for Held {
    fn from(stored: StoredHeld) -> Self {
        let StoredHeld {
            about,
            stored_at,
            priority,
            expires_at,
            expects_reply,
            deadline,
            bytes,
            not_before,
            attempt,
            attempts,
            failures,
            deliveries,
        } = stored;
        let not_before = not_before.unwrap_or_default();
        let phase = attempt.map_or(Phase::Waiting { not_before }, Phase::Leased);
        Self {
            about,
            stored_at,
            priority,
            expires_at,
            expects_reply,
            deadline,
            bytes,
            phase,
            attempts,
            failures,
            deliveries,
        }
    }
}
