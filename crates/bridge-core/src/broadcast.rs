//! Messages to `all`: one record each on one stream, which every client reads with a cursor.

use crate::aggregate::{Aggregate, SnapshotError, Undecided, assert_next};
use crate::event::{Envelope, Event, Stream};
use crate::id::{Seq, Timestamp};
use crate::message::{MessageKind, Outgoing};
use crate::owner::RecentKeys;
use crate::principal::{Action, Principal};
use crate::reject::Reject;

/// The form of the bytes. A snapshot of another form is not read: the log has everything.
pub const SNAPSHOT_FORMAT: i32 = 1;

/// The state of the broadcast stream after its first `head` records. What was said is in the log.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Broadcast {
    head: Seq,
    last_at: Timestamp,
    keys: RecentKeys,
}

impl Broadcast {
    /// Its last record.
    #[must_use]
    pub const fn head(&self) -> Seq {
        self.head
    }
}

impl Aggregate for Broadcast {
    /// Say something to everybody.
    type Command = Box<Outgoing>;
    type Question = std::convert::Infallible;
    const SNAPSHOT_FORMAT: i32 = SNAPSHOT_FORMAT;

    fn empty(_stream: &Stream) -> Self {
        Self::default()
    }

    fn stream(&self) -> Stream {
        Stream::Broadcast
    }

    fn spelling(&self, _command: &Box<Outgoing>) -> Stream {
        Stream::Broadcast
    }

    fn head(&self) -> Seq {
        self.head
    }

    fn last_at(&self) -> Timestamp {
        self.last_at
    }

    fn keys(&self) -> &RecentKeys {
        &self.keys
    }

    fn admits(&self, by: &Principal) -> Result<(), Reject> {
        by.allows(Action::Broadcast)
    }

    fn decide(
        &self,
        message: &Box<Outgoing>,
        by: &Principal,
        now: Timestamp,
    ) -> Result<Vec<Event>, Undecided<Self::Question>> {
        by.allows(Action::Broadcast)?;
        if message.kind == MessageKind::Notice {
            return Err(Reject::field("kind", "is the server's own").into());
        }
        if message.expects_reply.is_some() {
            let why = "a message to all has no recipient who owes an answer";
            return Err(Reject::field("expects_reply", why).into());
        }
        Ok(vec![Event::MessageStored(Box::new(message.stored_at(now)))])
    }

    fn apply(&mut self, envelope: &Envelope) {
        assert_next(envelope, &Stream::Broadcast, self.head);
        self.head = envelope.seq;
        self.last_at = envelope.at;
        if let Some(key) = &envelope.key {
            self.keys.note(&envelope.by, key, envelope.seq);
        }
    }

    fn to_snapshot(&self) -> Option<Vec<u8>> {
        (self.head > Seq::ZERO).then(|| {
            let Self {
                head,
                last_at,
                keys: _, // a cache
            } = self;
            serde_json::to_vec(&(head, last_at)).expect("two numbers can be written")
        })
    }

    fn from_snapshot(bytes: &[u8]) -> Result<Self, SnapshotError> {
        let (head, last_at) = serde_json::from_slice(bytes)?;
        Ok(Self {
            head,
            last_at,
            keys: RecentKeys::default(),
        })
    }
}
