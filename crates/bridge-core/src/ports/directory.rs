//! Look-ups that a log alone answers slowly.

use super::StoreError;
use crate::command::Fingerprint;
use crate::decision::State;
use crate::event::{About, Envelope, Stream};
use crate::id::{
    ChannelName, ClientId, CritiqueId, DecisionId, IdempotencyKey, MessageId, RoomId, Seq,
    Timestamp,
};
use crate::message::{Failure, Stage};
use crate::policy::Visibility;
use crate::text::Topic;

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

/// Which messages of a thread to read, in order of seq.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ThreadQuery {
    /// After this position.
    pub after: Seq,
    /// How many at most.
    pub records_max: usize,
}

/// A message in a thread.
#[derive(Debug, Clone, PartialEq)]
pub struct ThreadPost {
    /// How many answers there are from the thread's first message to this one.
    pub depth: u32,
    /// The record that posted it.
    pub post: Envelope,
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

/// Which motions of a room to list. The newest come first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DecisionsQuery {
    /// Only those in this state.
    pub state: Option<State>,
    /// Proposed before this one.
    pub before: Option<DecisionId>,
    /// How many at most.
    pub rows_max: usize,
}

/// Which critiques of a room to list, of messages and of motions. The newest come first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CritiquesQuery {
    /// Only those that stand, or only those that do not.
    pub is_open: Option<bool>,
    /// Made before this one.
    pub before: Option<CritiqueId>,
    /// How many at most.
    pub rows_max: usize,
}

/// A motion that is not decided yet, in a room of somebody.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenDecision {
    /// The room that decides it.
    pub room: RoomId,
    /// The motion.
    pub decision: DecisionId,
    /// Until when.
    pub deadline: Timestamp,
}

/// Which questions of a mailbox to list. Those that end first come first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct QuestionsQuery {
    /// Behind the one that ends then and was stored at this position.
    pub after: Option<(Timestamp, Seq)>,
    /// How many at most.
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

    /// The thread to which a post of a room belongs: its first message, which is found by following at
    /// most [`crate::limits::THREAD_DEPTH_MAX`] answers back, and everything that answers it, or an
    /// answer to it, and so on, in order of seq. Of longer threads it has the first
    /// [`crate::limits::THREAD_POSTS_MAX`], of deeper ones so many answers upon answers. `None` when
    /// the room has no such post. A page has no more than about [`crate::limits::PAGE_BYTES_MAX`], but
    /// at least one post when there is one.
    ///
    /// # Errors
    /// When the store cannot be read.
    fn thread(
        &self,
        room: &RoomId,
        id: MessageId,
        query: &ThreadQuery,
    ) -> Result<Option<Vec<ThreadPost>>, StoreError>;

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

    /// Everything that the log of its room has of a motion, in order of seq: first the record that
    /// proposed it. Empty when there is no such motion.
    ///
    /// # Errors
    /// When the store cannot be read.
    fn decision_history(&self, id: DecisionId) -> Result<Vec<Envelope>, StoreError>;

    /// Motions of a room, the newest first.
    ///
    /// # Errors
    /// When the store cannot be read.
    fn decisions(
        &self,
        room: &RoomId,
        query: &DecisionsQuery,
    ) -> Result<Vec<DecisionId>, StoreError>;

    /// Of critiques of a room all records that are about them, in order of seq; of no more critiques
    /// than have about [`crate::limits::PAGE_BYTES_MAX`] of them, but of at least one when there is one.
    ///
    /// # Errors
    /// When the store cannot be read.
    fn critiques(&self, room: &RoomId, query: &CritiquesQuery)
    -> Result<Vec<Envelope>, StoreError>;

    /// Motions that are not decided yet, of all rooms of which a client is a member, the one with the
    /// earliest deadline first.
    ///
    /// # Errors
    /// When the store cannot be read.
    fn open_decisions(
        &self,
        client: &ClientId,
        rows_max: usize,
    ) -> Result<Vec<OpenDecision>, StoreError>;

    /// Messages in a client's mailbox that expect a reply and have not ended, seen or not: the records
    /// that stored them ([`crate::event::Event::MessageStored`]). No more than about
    /// [`crate::limits::PAGE_BYTES_MAX`] of them, but at least one when there is one.
    ///
    /// # Errors
    /// When the store cannot be read.
    fn open_questions(
        &self,
        client: &ClientId,
        query: &QuestionsQuery,
    ) -> Result<Vec<Envelope>, StoreError>;

    /// Rooms in which time alone changes something at `now`, and since when, the longest overdue
    /// first: the deadline of a motion, or the end of its veto window.
    ///
    /// # Errors
    /// When the store cannot be read.
    fn due_rooms(
        &self,
        now: Timestamp,
        rows_max: usize,
    ) -> Result<Vec<(RoomId, Timestamp)>, StoreError>;

    /// When the next thing is due in any mailbox or room, later than that: the end of a lease, of a
    /// deadline, of a message's time, of a veto window.
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
