//! What a stream's owner holds: the state that follows from the stream's records.
//!
//! A room, a mailbox and the broadcast stream each are one. The machinery around them (the
//! [`crate::owner`]) is the same for all.

use crate::event::{Envelope, Event, Stream};
use crate::id::{ClientId, Seq, Timestamp};
use crate::owner::RecentKeys;
use crate::principal::Principal;
use crate::reject::Reject;

/// State after the first `head` records of a stream, and the rules by which it goes on.
pub trait Aggregate: Clone {
    /// What can be asked of it.
    type Command: std::fmt::Debug;
    /// What it may have to have looked up before it can decide.
    type Question: std::fmt::Debug + PartialEq;
    /// The form of its snapshots. A snapshot of another form is not read: the log has everything.
    const SNAPSHOT_FORMAT: i32;

    /// The state before the first record.
    fn empty(stream: &Stream) -> Self;

    /// Whose state it is.
    fn stream(&self) -> Stream;

    /// The stream as the record that follows from a command will spell it. The first record's
    /// spelling is kept; until then it is that of whoever asked first.
    fn spelling(&self, command: &Self::Command) -> Stream;

    /// Its last record; [`Seq::ZERO`] when there is none.
    fn head(&self) -> Seq;

    /// When its last record was accepted.
    fn last_at(&self) -> Timestamp;

    /// The keys of its latest records.
    fn keys(&self) -> &RecentKeys;

    /// Whether somebody's token reaches this stream at all: a repeat is told its receipt only then.
    ///
    /// # Errors
    /// What the token lacks.
    fn admits(&self, by: &Principal) -> Result<(), Reject>;

    /// What follows from a command at `now`, or why nothing does. Changes nothing. An empty list
    /// says that everything is as the command wants it.
    ///
    /// # Errors
    /// Why the command is refused, or what must be looked up first.
    fn decide(
        &self,
        command: &Self::Command,
        by: &Principal,
        now: Timestamp,
    ) -> Result<Vec<Event>, Undecided<Self::Question>>;

    /// Takes in the next record.
    ///
    /// # Panics
    /// When the record is not this stream's next one: then the caller mixed up two logs, and
    /// going on would spread the damage.
    fn apply(&mut self, envelope: &Envelope);

    /// The state in bytes, or `None` when there is nothing worth keeping.
    fn to_snapshot(&self) -> Option<Vec<u8>>;

    /// The state from the bytes of [`Aggregate::to_snapshot`].
    ///
    /// # Errors
    /// When the bytes are not a snapshot of this form.
    fn from_snapshot(bytes: &[u8]) -> Result<Self, SnapshotError>;
}

/// Why a command was not decided.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Undecided<Q> {
    /// It is refused.
    Refused(Reject),
    /// It depends on something that the state does not remember. The shell looks it up, and asks
    /// again with what it found in the command.
    LookUp(Q),
}

impl<Q> From<Reject> for Undecided<Q> {
    fn from(reject: Reject) -> Self {
        Self::Refused(reject)
    }
}

/// A snapshot that cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("a snapshot cannot be read: {0}")]
pub struct SnapshotError(#[from] serde_json::Error);

/// Checks that a record is the one that a state waits for.
///
/// # Panics
/// When it is of another stream, or not the next.
pub(crate) fn assert_next(envelope: &Envelope, stream: &Stream, head: Seq) {
    assert_eq!(envelope.stream, *stream, "a record of another stream");
    assert_eq!(envelope.seq, head.next(), "a gap in the log of {stream}");
}

/// Who acts when nobody asked: the server.
#[must_use]
pub fn system() -> Principal {
    Principal::new(ClientId::system(), crate::Scopes::default())
}
