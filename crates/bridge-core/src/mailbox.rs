//! A mailbox: a client's durable queue of messages, kept in order of arrival, delivered by priority
//! and lease.
//!
//! It holds the messages that are neither seen nor ended. What has been seen leaves its memory;
//! when something is asked about it, the store is ([`Aggregate::Question`]). So memory is bounded
//! by what waits, not by what was ever received.

mod acks;
mod attempts;
mod command;
mod deliver;
mod due;
mod held;
mod receipts;
mod recent;
mod snapshot;

use std::collections::{BTreeMap, HashMap};

use crate::aggregate::{Aggregate, SnapshotError, Undecided, assert_next};
use crate::event::{Envelope, Event, Stream};
use crate::id::{ClientId, MessageId, Seq, Timestamp};
use crate::limits;
use crate::owner::RecentKeys;
use crate::principal::{Action, Principal};
use crate::reject::Reject;

pub use command::{
    Ack, Batch, Deliver, Due, Found, Handed, KeepReceipt, MailboxCommand, Replied, Reserved,
    Return, Rules, Take,
};
pub use held::{Held, Phase, Rank};
pub use recent::{RecentStages, Settled};
pub use snapshot::SNAPSHOT_FORMAT;

/// The state of a mailbox after the first `head` records of its log.
#[derive(Debug, Clone, PartialEq)]
pub struct Mailbox {
    client: ClientId,
    is_known: bool,
    head: Seq,
    last_at: Timestamp,
    open: BTreeMap<Seq, Held>,
    by_id: HashMap<MessageId, Seq>,
    recent: RecentStages,
    receipts: BTreeMap<Seq, crate::event::ReceiptKept>,
    broadcasts_read: Seq,
    keys: RecentKeys,
}

impl Mailbox {
    /// A mailbox before its first record.
    #[must_use]
    pub fn vacant(client: ClientId) -> Self {
        Self {
            client,
            is_known: false,
            head: Seq::ZERO,
            last_at: Timestamp::default(),
            open: BTreeMap::new(),
            by_id: HashMap::new(),
            recent: RecentStages::default(),
            receipts: BTreeMap::new(),
            broadcasts_read: Seq::ZERO,
            keys: RecentKeys::default(),
        }
    }

    /// Whose it is.
    #[must_use]
    pub const fn client(&self) -> &ClientId {
        &self.client
    }

    /// Whether its client has ever shown a token.
    #[must_use]
    pub const fn is_known(&self) -> bool {
        self.is_known
    }

    /// The messages that are neither seen nor ended, in order of arrival.
    pub fn open(&self) -> impl Iterator<Item = &Held> {
        self.open.values()
    }

    /// The first ones in the order of delivery, from the senders that somebody may see, and within
    /// about so many bytes, but at least one.
    #[must_use]
    pub fn in_order(
        &self,
        may_see: impl Fn(&ClientId) -> bool,
        messages_max: usize,
        bytes_max: usize,
    ) -> Vec<&Held> {
        let seen = self.open().filter(|held| may_see(&held.about.from));
        held::first_of(seen.collect(), messages_max, bytes_max)
    }

    /// How many they are.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.open.len()
    }

    /// One of them, by the record that stored it.
    #[must_use]
    pub fn held(&self, message: Seq) -> Option<&Held> {
        self.open.get(&message)
    }

    /// One of them, by its id.
    #[must_use]
    pub fn held_by_id(&self, id: MessageId) -> Option<&Held> {
        self.by_id.get(&id).and_then(|seq| self.open.get(seq))
    }

    /// What became of messages that its client sent, kept until it is told.
    #[must_use]
    pub const fn receipts(&self) -> &BTreeMap<Seq, crate::event::ReceiptKept> {
        &self.receipts
    }

    /// How far its client has read the broadcast stream.
    #[must_use]
    pub const fn broadcasts_read(&self) -> Seq {
        self.broadcasts_read
    }

    /// Whether a message from somebody else would be taken in, `reserved` places being promised
    /// already. What is said here is said again when the message comes.
    ///
    /// # Errors
    /// When the client is not known and the message not to be kept, or the mailbox is full.
    pub fn has_place(&self, keep: bool, reserved: usize) -> Result<(), Reject> {
        if !self.is_known && !keep {
            return Err(Reject::UnknownRecipient {
                client: self.client.clone(),
                near: Vec::new(),
            });
        }
        let max = limits::MAILBOX_MESSAGES_MAX;
        if self.open.len() + reserved >= max {
            return Err(Reject::MailboxFull {
                client: self.client.clone(),
                max,
            });
        }
        Ok(())
    }

    /// Takes in the next record.
    ///
    /// # Panics
    /// When the record is not this stream's next one.
    pub fn apply(&mut self, envelope: &Envelope) {
        assert_next(envelope, &self.stream(), self.head);
        if let (Seq::ZERO, Stream::Mailbox(client)) = (self.head, &envelope.stream) {
            // The first record's spelling is kept.
            self.client = client.clone();
        }
        self.head = envelope.seq;
        self.last_at = envelope.at;
        if let Some(key) = &envelope.key {
            self.keys.note(&envelope.by, key, envelope.seq);
        }
        match &envelope.event {
            Event::MailboxOpened(opened) => {
                self.is_known = true;
                self.broadcasts_read = self.broadcasts_read.max(opened.broadcasts_read);
            }
            Event::MessageStored(stored) => self.insert(Held::new(envelope, stored)),
            Event::MessageDelivered(delivered) => self.apply_delivered(delivered, envelope),
            Event::LeaseExtended(extended) => self.apply_extended(extended, envelope.at),
            Event::MessageReturned(returned) => self.apply_returned(returned, envelope.at),
            Event::MessageSeen(seen) => self.apply_seen(seen, envelope.seq),
            Event::MessageDone(done) => self.settle(Settled::done(&done.about), envelope.seq),
            Event::MessageExpired(expired) => {
                self.settle(Settled::expired(&expired.about), envelope.seq);
            }
            Event::MessageDied(died) => self.settle(Settled::dead(&died.about), envelope.seq),
            Event::ReceiptKept(receipt) => self.apply_receipt(receipt, envelope.seq),
            Event::ReceiptsTold(told) => {
                self.receipts = self.receipts.split_off(&told.through.next());
            }
            Event::BroadcastsRead(read) => {
                self.broadcasts_read = self.broadcasts_read.max(read.through);
            }
            other => unreachable!("a mailbox never decides on {}", other.kind()),
        }
    }

    fn insert(&mut self, held: Held) {
        self.by_id.insert(held.about.id, held.about.message);
        self.open.insert(held.about.message, held);
    }

    /// A message leaves the mailbox's memory.
    fn settle(&mut self, settled: Settled, at: Seq) {
        if self.open.remove(&settled.about.message).is_some() {
            self.by_id.remove(&settled.about.id);
        }
        self.recent.note(settled, at);
    }

    fn must_be_mine(&self, by: &Principal) -> Result<(), Reject> {
        if *by.client() == self.client {
            return Ok(());
        }
        Err(Reject::Forbidden("a mailbox is read by its client only"))
    }
}

/// What only the server itself asks of a mailbox.
fn must_be_system(by: &Principal) -> Result<(), Reject> {
    if by.is_system() {
        return Ok(());
    }
    Err(Reject::Forbidden("only the server itself does this"))
}

impl Aggregate for Mailbox {
    type Command = MailboxCommand;
    type Question = MessageId;
    const SNAPSHOT_FORMAT: i32 = SNAPSHOT_FORMAT;

    fn empty(stream: &Stream) -> Self {
        match stream {
            Stream::Mailbox(client) => Self::vacant(client.clone()),
            other => unreachable!("{other} is not the stream of a mailbox"),
        }
    }

    fn stream(&self) -> Stream {
        Stream::Mailbox(self.client.clone())
    }

    fn spelling(&self, _command: &MailboxCommand) -> Stream {
        self.stream()
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
        by.allows(Action::Message)
    }

    fn decide(
        &self,
        command: &MailboxCommand,
        by: &Principal,
        now: Timestamp,
    ) -> Result<Vec<Event>, Undecided<MessageId>> {
        match command {
            MailboxCommand::Open { broadcasts_read } => Ok(self.decide_open(*broadcasts_read, by)?),
            MailboxCommand::Deliver(deliver) => Ok(self.decide_deliver(deliver, by, now)?),
            MailboxCommand::Ack(ack) => self.decide_ack(ack, by, now),
            MailboxCommand::Take(take) => Ok(self.decide_take(take, by, now)?),
            MailboxCommand::Handed(handed) => Ok(self.decide_handed(handed, by, now)?),
            MailboxCommand::Return(back) => Ok(self.decide_return(back, by, now)?),
            MailboxCommand::Replied(replied) => self.decide_replied(replied, by),
            MailboxCommand::Due(due) => Ok(self.decide_due(due, by, now)?),
            MailboxCommand::KeepReceipt(keep) => Ok(self.decide_keep_receipt(keep, by)?),
            MailboxCommand::ReceiptsTold { through } => {
                Ok(self.decide_receipts_told(*through, by)?)
            }
            MailboxCommand::BroadcastsRead { through } => {
                Ok(self.decide_broadcasts_read(*through, by)?)
            }
        }
    }

    fn apply(&mut self, envelope: &Envelope) {
        self.apply(envelope);
    }

    fn to_snapshot(&self) -> Option<Vec<u8>> {
        self.to_snapshot()
    }

    fn from_snapshot(bytes: &[u8]) -> Result<Self, SnapshotError> {
        Self::from_snapshot(bytes)
    }
}

#[cfg(test)]
mod tests;
