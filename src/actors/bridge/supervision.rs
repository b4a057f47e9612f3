//! The tree of supervision, as the inside and the operator see it.

use bridge_core::Reject;
use bridge_core::event::Stream;
use bridge_core::supervision::Verdict;

use super::Bridge;
use crate::actors::handle::{BroadcastHandle, MailboxHandle, RoomHandle};
use crate::actors::stream::Kind;
use crate::actors::supervisor::{Branch, Cause, Child, Quarantined, TreeReport};

impl Bridge {
    /// Whether the owner of a stream may be woken. One that has died without a word is a failure like
    /// any other.
    pub(in crate::actors) fn may_start<K: Kind>(
        &self,
        stream: &Stream,
        has_died: bool,
    ) -> Result<(), Reject> {
        let tree = self.tree();
        if has_died {
            tracing::error!(%stream, "an owner died and is woken again");
            let child = Child::Owner(stream.clone());
            if tree.failed(&child, Cause::Code, self.clock()) == Verdict::GiveUp {
                return Err(K::quarantined(stream));
            }
        }
        if tree.is_quarantined(stream) {
            return Err(K::quarantined(stream));
        }
        Ok(())
    }

    /// Whether a stream's owner failed too often and is held back.
    pub(in crate::actors) fn is_held_back(&self, stream: &Stream) -> bool {
        self.tree().is_quarantined(stream)
    }

    /// Somebody's code panicked that is not begun anew.
    pub fn count_failure(&self, branch: Branch) {
        self.tree().count(branch);
    }

    /// Waits until the process has to end because too much failed, and says why.
    pub async fn until_given_up(&self) -> String {
        self.tree().until_given_up().await
    }

    /// The tree, as it is now.
    #[must_use]
    pub fn supervision(&self) -> TreeReport {
        self.tree().report(|branch| match branch {
            Branch::Rooms => Some(self.rooms().count()),
            Branch::Mailboxes => Some(self.mailboxes().count()),
            Branch::Broadcast => Some(self.broadcasts().count()),
            Branch::Sessions => Some(self.sessions_total()),
            Branch::Timekeeper | Branch::Follower => Some(1),
            Branch::Requests => None,
        })
    }

    /// Rooms that failed too often and are held back.
    #[must_use]
    pub fn rooms_quarantined(&self) -> usize {
        let is_room = |held: &Quarantined| matches!(held.stream, Stream::Room(_));
        self.tree()
            .quarantined()
            .iter()
            .filter(|held| is_room(held))
            .count()
    }

    /// Gives a stream that is held back another chance. `false` when it is not held back.
    #[must_use]
    pub fn release(&self, stream: &Stream) -> bool {
        if !self.tree().release(stream) {
            return false;
        }
        tracing::info!(%stream, "an owner that was quarantined gets another chance");
        match stream {
            Stream::Room(room) => {
                if let Some(room) = self.rooms().find(room) {
                    RoomHandle::from(room).release();
                }
            }
            Stream::Mailbox(client) => {
                if let Some(mailbox) = self.mailboxes().find(client) {
                    MailboxHandle::from(mailbox).release();
                }
            }
            Stream::Broadcast => {
                if let Some(broadcast) = self.broadcasts().find(&()) {
                    BroadcastHandle::from(broadcast).release();
                }
            }
        }
        true
    }
}
