//! The sessions that messages are delivered to, and what each has and is yet to get.

use std::collections::{BTreeSet, HashMap};

use bridge_core::mailbox::{Held, Rank};
use bridge_core::session::CloseReason;
use bridge_core::{ClientId, Seq, SessionId, limits};

use crate::actors::guard::guarded;
use crate::actors::handle::SessionHandle;

/// From whom a session may get messages; from everybody when `None`.
pub(in crate::actors) type Senders = Option<BTreeSet<ClientId>>;

/// A session that messages are delivered to.
#[derive(Debug)]
pub(super) struct Reader {
    pub(super) session: SessionHandle,
    only_from: Senders,
    /// What it is yet to get, the most urgent first, and where each stands.
    todo: BTreeSet<Rank>,
    ranks: HashMap<Seq, Rank>,
    /// What it was sent, and in which attempt.
    has: HashMap<Seq, u32>,
    /// The one among them that may be what kills the client, and those that wait for its end.
    suspect: Option<Seq>,
    aside: HashMap<Seq, Rank>,
    /// On its way into the socket.
    on_their_way: usize,
    on_their_way_bytes: usize,
    /// Whether messages are being read from the log for it.
    pub(super) is_reading: bool,
}

impl Reader {
    pub(super) fn new(session: SessionHandle, only_from: Senders) -> Self {
        Self {
            session,
            only_from,
            todo: BTreeSet::new(),
            ranks: HashMap::new(),
            has: HashMap::new(),
            suspect: None,
            aside: HashMap::new(),
            on_their_way: 0,
            on_their_way_bytes: 0,
            is_reading: false,
        }
    }

    /// A message that it is to get, unless it may not see its sender's, or has it.
    pub(super) fn offer(&mut self, held: &Held) {
        let may_see = self.may_see(&held.about.from);
        if may_see && !self.has.contains_key(&held.about.message) {
            self.todo.insert(held.rank());
            self.ranks.insert(held.about.message, held.rank());
        }
    }

    /// It is not to get a message any more.
    fn settle(&mut self, seq: Seq) {
        self.has.remove(&seq);
        self.aside.remove(&seq);
        self.clear(seq);
        if let Some(rank) = self.ranks.remove(&seq) {
            self.todo.remove(&rank);
        }
    }

    /// Keeps a message back for as long as it has another one that may be what kills the client.
    pub(super) fn put_aside(&mut self, held: &Held) {
        self.aside.insert(held.about.message, held.rank());
    }

    /// Whether it has another message than this that may be what kills the client.
    pub(super) fn has_another_suspect(&self, seq: Seq) -> bool {
        self.suspect.is_some_and(|suspect| suspect != seq)
    }

    /// It has not killed the client, or it has come back: the next one may.
    fn clear(&mut self, seq: Seq) {
        if self.suspect != Some(seq) {
            return;
        }
        self.suspect = None;
        for (seq, rank) in self.aside.drain() {
            self.todo.insert(rank);
            self.ranks.insert(seq, rank);
        }
    }

    /// Whether its token lets it know of some clients only.
    pub(super) const fn is_limited(&self) -> bool {
        self.only_from.is_some()
    }

    /// Whether its token lets it know what this client sends and does.
    pub(super) fn may_see(&self, client: &ClientId) -> bool {
        let senders = self.only_from.as_ref();
        senders.is_none_or(|senders| senders.contains(client))
    }

    /// How many bytes more may be on their way.
    pub(super) const fn bytes_left(&self) -> usize {
        limits::DELIVERY_WINDOW_BYTES.saturating_sub(self.on_their_way_bytes)
    }

    /// The next message to send.
    pub(super) fn next(&mut self) -> Option<Seq> {
        let seq = self.todo.pop_first()?.message();
        self.ranks.remove(&seq);
        Some(seq)
    }

    /// Whether its socket has as much on its way as it should.
    pub(super) const fn is_full(&self) -> bool {
        self.on_their_way >= limits::DELIVERY_WINDOW_MESSAGES
            || self.on_their_way_bytes >= limits::DELIVERY_WINDOW_BYTES
    }

    /// Whether it was sent a message in this attempt.
    pub(super) fn has(&self, seq: Seq, attempt: u32) -> bool {
        self.has.get(&seq) == Some(&attempt)
    }

    pub(super) fn was_sent(&mut self, seq: Seq, attempt: u32, bytes: usize, is_suspect: bool) {
        self.has.insert(seq, attempt);
        if is_suspect {
            self.suspect = Some(seq);
        }
        self.on_their_way += 1;
        self.on_their_way_bytes += bytes;
    }

    pub(super) const fn was_written(&mut self, bytes: usize) {
        self.on_their_way = self.on_their_way.saturating_sub(1);
        self.on_their_way_bytes = self.on_their_way_bytes.saturating_sub(bytes);
    }
}

/// The sessions that messages are delivered to.
#[derive(Debug, Default)]
pub(super) struct Readers {
    /// In boxes: a table has room for several, and most mailboxes have one.
    by_session: HashMap<SessionId, Box<Reader>>,
}

impl Readers {
    pub(super) fn is_empty(&self) -> bool {
        self.by_session.is_empty()
    }

    pub(super) fn has(&self, id: SessionId) -> bool {
        self.by_session.contains_key(&id)
    }

    pub(super) fn ids(&self) -> Vec<SessionId> {
        self.by_session.keys().copied().collect()
    }

    pub(super) fn get_mut(&mut self, id: SessionId) -> Option<&mut Reader> {
        self.by_session.get_mut(&id).map(Box::as_mut)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Reader> {
        self.by_session.values().map(Box::as_ref)
    }

    pub(super) fn add(&mut self, reader: Reader) {
        self.by_session
            .insert(reader.session.id(), Box::new(reader));
    }

    /// Offers a message to every session.
    pub(super) fn offer(&mut self, held: &Held) {
        for reader in self.by_session.values_mut() {
            reader.offer(held);
        }
    }

    /// Whether any session was sent a message in this attempt.
    pub(super) fn anybody_has(&self, seq: Seq, attempt: u32) -> bool {
        let mut all = self.by_session.values();
        all.any(|reader| reader.has(seq, attempt))
    }

    /// A message came back: whoever has it has it in an attempt that is over.
    pub(super) fn take_back(&mut self, seq: Seq, attempt: u32) {
        for reader in self.by_session.values_mut() {
            if reader.has.get(&seq).is_some_and(|has| *has <= attempt) {
                reader.has.remove(&seq);
                reader.clear(seq);
            }
        }
    }

    /// Nobody is to get a message any more.
    pub(super) fn settle(&mut self, seq: Seq) {
        for reader in self.by_session.values_mut() {
            reader.settle(seq);
        }
    }

    /// A session is gone. Returns the messages that no other session has, each with its attempt.
    pub(super) fn remove(&mut self, id: SessionId) -> Vec<(Seq, u32)> {
        let Some(gone) = self.by_session.remove(&id) else {
            return Vec::new();
        };
        let had = gone.has.into_iter();
        had.filter(|(seq, attempt)| !self.anybody_has(*seq, *attempt))
            .collect()
    }

    /// Ends every session: what it has is not certain, and it must not find out by itself.
    pub(super) fn end_all(&mut self) {
        for (_, reader) in self.by_session.drain() {
            reader.session.close(CloseReason::ServerError);
        }
    }
}

/// A mailbox that goes to sleep has none; one that dies in any other way leaves nobody waiting.
impl Drop for Readers {
    fn drop(&mut self) {
        guarded("the sessions of a mailbox", || self.end_all());
    }
}
