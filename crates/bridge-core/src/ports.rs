//! What the domain needs from the outside: a log, look-ups, time and ids.
//!
//! A store implements [`Log`], [`Reader`] and [`Directory`] and passes the suite in `contract`.

mod directory;

use std::sync::Arc;

use bytes::Bytes;

use crate::event::{Envelope, Stream};
use crate::id::{
    CritiqueId, DecisionId, Epoch, Incarnation, MessageId, Moment, Seq, SessionId, Timestamp,
};
use crate::owner::Answer;
use crate::reject::Reject;
use crate::stored;

pub use directory::{
    CritiquesQuery, DeadLettersQuery, DecisionsQuery, Delivery, Directory, DueDelivery, FollowUp,
    Membership, OpenDecision, PostsQuery, QuestionsQuery, RoomRow, ThreadPost, ThreadQuery, Window,
};

/// A record on its way into the log, with its stored form.
#[derive(Debug, Clone)]
pub struct Record {
    /// The record.
    pub envelope: Arc<Envelope>,
    /// Its event's stored form.
    pub body: Bytes,
}

impl Record {
    /// A record, encoded.
    #[must_use]
    pub fn new(envelope: Arc<Envelope>) -> Self {
        let body = stored::encode(&envelope.event);
        Self { envelope, body }
    }
}

/// Records of one stream that are appended all or not at all.
#[derive(Debug, Clone)]
pub struct Append {
    /// Which life of the stream's owner made it.
    pub incarnation: Incarnation,
    /// At least one; contiguous; only the first may carry a key.
    pub records: Vec<Record>,
}

impl Append {
    /// Whose log it goes to.
    #[must_use]
    pub fn stream(&self) -> &Stream {
        &self.records[0].envelope.stream
    }

    /// The position of its first record.
    #[must_use]
    pub fn first_seq(&self) -> Seq {
        self.records[0].envelope.seq
    }

    /// The position of its last record.
    #[must_use]
    pub fn last_seq(&self) -> Seq {
        self.first_seq().plus(self.records.len() as u64 - 1)
    }

    /// Bytes of its bodies.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.records.iter().map(|record| record.body.len()).sum()
    }
}

/// A stream's state at one position.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Snapshot {
    /// The last record that is in it.
    pub seq: Seq,
    /// The form of the bytes.
    pub format: i32,
    /// The state.
    pub body: Bytes,
}

/// How a batch failed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LogFailure {
    /// There is no room. Nothing was written.
    #[error("storage is full: {0}")]
    Full(String),
    /// It was rolled back for certain, and the next one may succeed.
    #[error("rolled back: {0}")]
    Aborted(String),
    /// The store does not answer now. Nothing was written, and it will be there again.
    #[error("not available: {0}")]
    Unavailable(String),
    /// Nothing was committed, but this instance cannot go on: a transaction of it cannot be ended,
    /// say. It is dropped and another one is made.
    #[error("stuck: {0}")]
    Stuck(String),
    /// Whether it was committed is not known, and the next one may succeed.
    #[error("outcome unknown: {0}")]
    Unknown(String),
    /// The store can no longer promise anything (an fsync failed, say): whether the batch was
    /// committed is not known, and nothing may be acknowledged until a restart has recovered it.
    #[error("broken: {0}")]
    Broken(String),
}

impl LogFailure {
    /// Whether the batch surely left no trace.
    #[must_use]
    pub const fn certainly_aborted(&self) -> bool {
        matches!(
            self,
            Self::Full(_) | Self::Aborted(_) | Self::Unavailable(_) | Self::Stuck(_)
        )
    }

    /// The answer that every append of the batch gets.
    #[must_use]
    pub fn answer(&self) -> Answer {
        match self {
            Self::Full(_) => Answer::Refused(Reject::StorageFull),
            Self::Aborted(_) | Self::Stuck(_) => Answer::Refused(Reject::Retry {
                detail: "the log rolled the batch back",
            }),
            Self::Unavailable(_) => Answer::Refused(Reject::Retry {
                detail: "the log's store is not available",
            }),
            Self::Unknown(_) | Self::Broken(_) => Answer::Unknown,
        }
    }
}

/// The writing side of a store. It has one caller at a time, on a thread of its own.
pub trait Log: Send {
    /// Appends a batch in one transaction and returns when it is durable, with one answer for each
    /// append, in order. An append lands only if it follows its stream's last record and its key
    /// is new; one that does not land leaves no trace, and disturbs none of its neighbours.
    ///
    /// # Errors
    /// When the batch as a whole failed. If the store cannot tell whether it was committed, it
    /// must say so: a guess is a lost message or a double one.
    fn append(&mut self, batch: &[&Append]) -> Result<Vec<Answer>, LogFailure>;

    /// Keeps a snapshot in place of the stream's former one.
    ///
    /// # Errors
    /// When it was not kept. Nothing depends on it: the log has everything.
    fn save_snapshot(&mut self, stream: &Stream, snapshot: &Snapshot) -> Result<(), LogFailure>;

    /// Forgets that these records have effects to be brought about: they have been. Records that
    /// have none, or are not there, are none of its business.
    ///
    /// # Errors
    /// When it still knows; then the effects are brought about again, which changes nothing.
    fn follow_ups_done(&mut self, done: &[(Stream, Seq)]) -> Result<(), LogFailure>;

    /// Does what keeps the store fast. Called after each batch, and once when the writer is idle.
    ///
    /// # Errors
    /// When the store is broken; what only failed for now is tried again at the next call.
    fn upkeep(&mut self, idle: bool) -> Result<(), LogFailure>;
}

/// Why something could not be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// The store does not answer now.
    #[error("the store is not available: {0}")]
    Unavailable(String),
    /// What it holds is not what was written.
    #[error("the store is corrupt: {0}")]
    Corrupt(String),
}

/// The reading side of the log. Many callers at once.
pub trait Reader: Send + Sync {
    /// Which life of the log it is.
    fn epoch(&self) -> Epoch;

    /// A stream's last record, [`Seq::ZERO`] when it has none.
    ///
    /// # Errors
    /// When the store cannot be read.
    fn head(&self, stream: &Stream) -> Result<Seq, StoreError>;

    /// The time of the newest record of all streams, or up to
    /// [`crate::limits::LATEST_NOTED_EVERY`] earlier; the beginning of time when there is none.
    ///
    /// # Errors
    /// When the store cannot be read.
    fn latest(&self) -> Result<Timestamp, StoreError>;

    /// Up to `records_max` records after a position, in order, and no more than about
    /// [`crate::limits::PAGE_BYTES_MAX`] of them, but at least one when there is one.
    ///
    /// # Errors
    /// When the store cannot be read, or a record is not what was written.
    fn page(
        &self,
        stream: &Stream,
        after: Seq,
        records_max: usize,
    ) -> Result<Vec<Envelope>, StoreError>;

    /// The records of a stream at these positions, in order of seq; positions that it does not have
    /// are left out. At most [`crate::limits::PAGE_RECORDS_MAX`] of them are asked for.
    ///
    /// # Errors
    /// When the store cannot be read, or a record is not what was written.
    fn records(&self, stream: &Stream, seqs: &[Seq]) -> Result<Vec<Envelope>, StoreError>;

    /// A stream's latest snapshot, whatever its format.
    ///
    /// # Errors
    /// When the store cannot be read.
    fn snapshot(&self, stream: &Stream) -> Result<Option<Snapshot>, StoreError>;
}

/// A store's whole reading side.
pub trait Store: Reader + Directory {}

impl<S: Reader + Directory> Store for S {}

/// The time, by two clocks.
pub trait Clock: Send + Sync {
    /// The wall clock. It may be set, forwards and backwards.
    fn now(&self) -> Timestamp;

    /// How much time goes by. Nobody sets it.
    fn moment(&self) -> Moment;
}

/// Where ids come from.
pub trait Ids: Send + Sync {
    /// Sixteen bytes that carry their time and are never given twice.
    fn uuid(&self) -> uuid::Uuid;

    /// A message's id.
    fn message(&self) -> MessageId {
        MessageId::from_uuid(self.uuid())
    }

    /// A decision's id.
    fn decision(&self) -> DecisionId {
        DecisionId::from_uuid(self.uuid())
    }

    /// A critique's id.
    fn critique(&self) -> CritiqueId {
        CritiqueId::from_uuid(self.uuid())
    }

    /// A session's id.
    fn session(&self) -> SessionId {
        SessionId::from_uuid(self.uuid())
    }
}
