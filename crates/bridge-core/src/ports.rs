//! What the domain needs from the outside: a log, look-ups, time and ids.
//!
//! A store implements [`Log`], [`Reader`] and [`Directory`] and passes the suite in `contract`.

use std::sync::Arc;

use bytes::Bytes;

use crate::command::Fingerprint;
use crate::event::{About, Envelope, Stream};
use crate::id::{
    ChannelName, ClientId, Epoch, IdempotencyKey, Incarnation, MessageId, Moment, RoomId, Seq,
    SessionId, Timestamp,
};
use crate::message::{Failure, Stage};
use crate::owner::Answer;
use crate::policy::Visibility;
use crate::reject::Reject;
use crate::stored;
use crate::text::Topic;

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

/// A client's place in a room.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Membership {
    /// The room.
    pub room: RoomId,
    /// Its last record.
    pub head: Seq,
}

/// A room in a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoomRow {
    /// The room.
    pub room: RoomId,
    /// What it is about.
    pub topic: Topic,
    /// Who finds and joins it.
    pub visibility: Visibility,
    /// Whether it has a password.
    pub has_password: bool,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it ended.
    pub closed_at: Option<Timestamp>,
    /// How many members it has.
    pub members: u64,
}

/// Which posts of a room to read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PostsQuery {
    /// Of which channel; of all when `None`.
    pub channel: Option<ChannelName>,
    /// From where, and in which direction.
    pub window: Window,
    /// How many at most.
    pub records_max: usize,
}

/// A part of a stream. Whatever the direction, answers are in order of seq.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Window {
    /// The oldest ones after this position.
    After(Seq),
    /// The newest ones before this position.
    Before(Seq),
    /// The newest ones.
    Newest,
}

/// A message in one recipient's mailbox, as the store knows it.
#[derive(Debug, Clone, PartialEq)]
pub struct Delivery {
    /// How far it has come.
    pub stage: Stage,
    /// How often it was handed over.
    pub attempts: u32,
    /// The attempts that failed.
    pub failures: Vec<Failure>,
    /// The record that stored it: an [`crate::event::Event::MessageStored`].
    pub stored: Envelope,
}

/// A message of a mailbox of which something is due.
#[derive(Debug, Clone, PartialEq)]
pub struct DueDelivery {
    /// The message.
    pub about: About,
    /// How far it has come.
    pub stage: Stage,
    /// Its time is over then.
    pub expires_at: Timestamp,
    /// Until when it waits for an answer.
    pub deadline: Option<Timestamp>,
}

/// Which dead letters to list. The newest come first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeadLettersQuery {
    /// Of the messages to or from this client; of all when `None`.
    pub of: Option<ClientId>,
    /// Older than this one.
    pub before: Option<MessageId>,
    /// How many at most. A message that died with several recipients is not split, though: a page
    /// ends behind the last of its records, so that its id is where the next page begins.
    pub rows_max: usize,
}

/// Look-ups that a log alone answers slowly. They are projections, written with the records.
pub trait Directory: Send + Sync {
    /// Where a message is.
    ///
    /// # Errors
    /// When the store cannot be read.
    fn message(&self, id: MessageId) -> Result<Option<(Stream, Seq)>, StoreError>;

    /// Where a sender's key was used in a stream, and for what.
    ///
    /// # Errors
    /// When the store cannot be read.
    fn key(
        &self,
        stream: &Stream,
        by: &ClientId,
        word: &IdempotencyKey,
    ) -> Result<Option<(Seq, Fingerprint)>, StoreError>;

    /// The rooms that a client is a member of, by name, after `after`.
    ///
    /// # Errors
    /// When the store cannot be read.
    fn memberships(
        &self,
        client: &ClientId,
        after: Option<&RoomId>,
        rows_max: usize,
    ) -> Result<Vec<Membership>, StoreError>;

    /// How many rooms a client is a member of.
    ///
    /// # Errors
    /// When the store cannot be read.
    fn membership_count(&self, client: &ClientId) -> Result<u64, StoreError>;

    /// The rooms that a client may know of, by name, after `after`.
    ///
    /// # Errors
    /// When the store cannot be read.
    fn rooms(
        &self,
        viewer: &ClientId,
        after: Option<&RoomId>,
        rows_max: usize,
    ) -> Result<Vec<RoomRow>, StoreError>;

    /// Posts of a room, in order of seq.
    ///
    /// # Errors
    /// When the store cannot be read.
    fn posts(&self, room: &RoomId, query: &PostsQuery) -> Result<Vec<Envelope>, StoreError>;

    /// How many messages were ever posted or sent; one to several recipients counts once for each.
    ///
    /// # Errors
    /// When the store cannot be read.
    fn posts_total(&self) -> Result<u64, StoreError>;

    /// Known clients whose name is about as long as this one
    /// ([`crate::limits::NEAR_NAMES_CHARS_APART_MAX`]), by name: those among which a name like it
    /// is looked for. A name is spelled as its client's first token wrote it.
    ///
    /// # Errors
    /// When the store cannot be read.
    fn clients_like(&self, name: &ClientId, rows_max: usize) -> Result<Vec<ClientId>, StoreError>;

    /// A message in a mailbox. Other streams have none: nobody in particular has what is on the
    /// broadcast stream.
    ///
    /// # Errors
    /// When the store cannot be read.
    fn delivery(&self, mailbox: &Stream, id: MessageId) -> Result<Option<Delivery>, StoreError>;

    /// Everything that the logs have of a message that was sent, mailbox by mailbox, each in order
    /// of seq: first the record that stored it, then those about it. The mailboxes are in the order
    /// of their creation. A message to `all` has one record, on the broadcast stream; a post in a
    /// room has none here.
    ///
    /// # Errors
    /// When the store cannot be read.
    fn message_history(&self, id: MessageId) -> Result<Vec<Envelope>, StoreError>;

    /// Records that ended messages as dead letters, the newest message first, and those of one
    /// message in the order of the streams' creation.
    ///
    /// # Errors
    /// When the store cannot be read.
    fn dead_letters(&self, query: &DeadLettersQuery) -> Result<Vec<Envelope>, StoreError>;

    /// When the next thing is due in any mailbox, later than that: the end of a lease, of a deadline,
    /// of a message's time.
    ///
    /// # Errors
    /// When the store cannot be read.
    fn next_due(&self, after: Timestamp) -> Result<Option<Timestamp>, StoreError>;

    /// Mailboxes in which something is due at `now`, and since when, the longest overdue first.
    ///
    /// # Errors
    /// When the store cannot be read.
    fn due_mailboxes(
        &self,
        now: Timestamp,
        rows_max: usize,
    ) -> Result<Vec<(ClientId, Timestamp)>, StoreError>;

    /// What is due in one mailbox at `now`, the longest overdue first.
    ///
    /// # Errors
    /// When the store cannot be read.
    fn due_deliveries(
        &self,
        mailbox: &ClientId,
        now: Timestamp,
        rows_max: usize,
    ) -> Result<Vec<DueDelivery>, StoreError>;

    /// Records whose effects on other streams have not been brought about yet
    /// ([`crate::event::Event::has_follow_up`]), in the order of the streams' creation and of seq,
    /// after `after`. No more than about [`crate::limits::PAGE_BYTES_MAX`] of them, but at least
    /// one when there is one.
    ///
    /// # Errors
    /// When the store cannot be read.
    fn follow_ups(
        &self,
        after: Option<&FollowUp>,
        rows_max: usize,
    ) -> Result<Vec<FollowUp>, StoreError>;
}

/// A record whose effects on other streams are still to be brought about.
#[derive(Debug, Clone, PartialEq)]
pub struct FollowUp {
    /// Where it stands in the order of all of them.
    pub place: (i64, Seq),
    /// The record.
    pub envelope: Envelope,
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

    /// A session's id.
    fn session(&self) -> SessionId {
        SessionId::from_uuid(self.uuid())
    }
}
