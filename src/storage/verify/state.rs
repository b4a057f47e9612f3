//! What a stream's records add up to: its snapshot must say the same.

use bridge_core::aggregate::Aggregate;
use bridge_core::broadcast::Broadcast;
use bridge_core::event::{Envelope, Stream};
use bridge_core::mailbox::Mailbox;
use bridge_core::room::Room;

use crate::storage::view::SnapshotRow;

/// The state of a stream after the records that it was shown.
pub(super) enum State {
    Room(Box<Room>),
    Mailbox(Box<Mailbox>),
    Broadcast(Box<Broadcast>),
}

impl State {
    /// Before the first record.
    pub(super) fn empty(stream: &Stream) -> Self {
        match stream {
            Stream::Room(_) => Self::Room(Box::new(Aggregate::empty(stream))),
            Stream::Mailbox(_) => Self::Mailbox(Box::new(Aggregate::empty(stream))),
            Stream::Broadcast => Self::Broadcast(Box::new(Aggregate::empty(stream))),
        }
    }

    /// Takes in the next record.
    pub(super) fn apply(&mut self, envelope: &Envelope) {
        match self {
            Self::Room(room) => Aggregate::apply(&mut **room, envelope),
            Self::Mailbox(mailbox) => Aggregate::apply(&mut **mailbox, envelope),
            Self::Broadcast(broadcast) => Aggregate::apply(&mut **broadcast, envelope),
        }
    }

    /// Whether a snapshot of the last record says the same. One of another form is never read.
    pub(super) fn agrees_with(&self, snapshot: &SnapshotRow) -> bool {
        match self {
            Self::Room(room) => agrees(&**room, snapshot),
            Self::Mailbox(mailbox) => agrees(&**mailbox, snapshot),
            Self::Broadcast(broadcast) => agrees(&**broadcast, snapshot),
        }
    }
}

fn agrees<S: Aggregate>(state: &S, snapshot: &SnapshotRow) -> bool {
    snapshot.format != S::SNAPSHOT_FORMAT
        || S::from_snapshot(&snapshot.body)
            .is_ok_and(|read| read.to_snapshot() == state.to_snapshot())
}
