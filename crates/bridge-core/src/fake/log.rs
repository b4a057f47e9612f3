//! A store in memory. It survives what a process does not: give a second log the same store, and
//! it is the first one's restart.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::command::Fingerprint;
use crate::event::{Envelope, Event, Stream};
use crate::id::{ClientId, Epoch, IdempotencyKey, MessageId, RoomId, Seq};
use crate::limits;
use crate::owner::Answer;
use crate::ports::{
    Append, Directory, Log, LogFailure, Membership, PostsQuery, Reader, RoomRow, Snapshot,
    StoreError, Window,
};
use crate::room::Room;

/// What goes wrong with the next batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// Nothing.
    None,
    /// The disk is full.
    Full,
    /// It is rolled back.
    Abort,
    /// It is rolled back, and nobody knows.
    AbortUnknown,
    /// It is committed, and nobody knows.
    CommitUnknown,
    /// It is answered as stored although it was not: the control that every checker must notice.
    Lie,
}

#[derive(Debug, Default, Clone)]
struct Kept {
    streams: BTreeMap<Stream, Vec<Envelope>>,
    keys: HashMap<(Stream, ClientId, IdempotencyKey), Seq>,
    messages: HashMap<MessageId, (Stream, Seq)>,
    snapshots: HashMap<Stream, Snapshot>,
}

/// What is kept, and its reading side.
#[derive(Debug, Clone)]
pub struct MemoryStore {
    kept: Arc<Mutex<Kept>>,
    epoch: Epoch,
}

impl MemoryStore {
    /// An empty store.
    #[must_use]
    pub fn new(epoch: Epoch) -> Self {
        Self {
            kept: Arc::default(),
            epoch,
        }
    }

    /// Every record of a stream.
    #[must_use]
    pub fn all(&self, stream: &Stream) -> Vec<Envelope> {
        self.kept().streams.get(stream).cloned().unwrap_or_default()
    }

    /// Every stream.
    #[must_use]
    pub fn streams(&self) -> Vec<Stream> {
        self.kept().streams.keys().cloned().collect()
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn room(&self, id: &RoomId) -> Room {
        let mut room = Room::vacant(id.clone());
        for envelope in self.all(&Stream::Room(id.clone())) {
            room.apply(&envelope);
        }
        room
    }

    fn rooms_by_name(&self, after: Option<&RoomId>) -> Vec<Room> {
        let streams = self.streams();
        let ids = streams.iter().filter_map(|stream| match stream {
            Stream::Room(id) => Some(id),
            Stream::Mailbox(_) | Stream::Broadcast => None,
        });
        ids.filter(|id| after.is_none_or(|after| *id > after))
            .map(|id| self.room(id))
            .collect()
    }
}

/// The writing side of a [`MemoryStore`].
#[derive(Debug)]
pub struct MemoryLog {
    store: MemoryStore,
    faults: VecDeque<Fault>,
}

impl MemoryLog {
    /// A log over a store.
    #[must_use]
    pub fn new(store: MemoryStore) -> Self {
        Self {
            store,
            faults: VecDeque::new(),
        }
    }

    /// What goes wrong with the batch after those that have a fault already.
    pub fn inject(&mut self, fault: Fault) {
        self.faults.push_back(fault);
    }
}

impl Kept {
    fn append(&mut self, append: &Append) -> Answer {
        let stream = append.stream();
        let first = &append.records[0].envelope;
        if let Some(key) = &first.key {
            let name = (stream.clone(), first.by.clone(), key.word.clone());
            if let Some(seq) = self.keys.get(&name) {
                return Answer::Duplicate(Box::new(self.record(stream, *seq)));
            }
        }
        if append.first_seq() != self.head(stream).next() {
            return Answer::NotNext;
        }
        for record in &append.records {
            self.insert(&record.envelope);
        }
        Answer::Stored
    }

    fn insert(&mut self, envelope: &Envelope) {
        let stream = &envelope.stream;
        if let Some(key) = &envelope.key {
            let name = (stream.clone(), envelope.by.clone(), key.word.clone());
            self.keys.insert(name, envelope.seq);
        }
        if let Event::Posted(posted) = &envelope.event {
            self.messages
                .insert(posted.id, (stream.clone(), envelope.seq));
        }
        self.streams
            .entry(stream.clone())
            .or_default()
            .push(envelope.clone());
    }

    fn head(&self, stream: &Stream) -> Seq {
        Seq::new(self.streams.get(stream).map_or(0, Vec::len) as u64)
    }

    fn record(&self, stream: &Stream, seq: Seq) -> Envelope {
        let index = usize::try_from(seq.get() - 1).expect("a test's log fits in memory");
        self.streams[stream][index].clone()
    }
}

impl Log for MemoryLog {
    fn append(&mut self, batch: &[&Append]) -> Result<Vec<Answer>, LogFailure> {
        let fault = self.faults.pop_front().unwrap_or(Fault::None);
        let mut kept = self.store.kept();
        match fault {
            Fault::Full => return Err(LogFailure::Full("injected".into())),
            Fault::Abort => return Err(LogFailure::Aborted("injected".into())),
            Fault::AbortUnknown => return Err(LogFailure::Unknown("injected".into())),
            Fault::Lie => {
                let mut forgotten = kept.clone();
                return Ok(batch
                    .iter()
                    .map(|append| forgotten.append(append))
                    .collect());
            }
            Fault::None | Fault::CommitUnknown => {}
        }
        let answers = batch.iter().map(|append| kept.append(append)).collect();
        if fault == Fault::CommitUnknown {
            return Err(LogFailure::Unknown("injected".into()));
        }
        Ok(answers)
    }

    fn save_snapshot(&mut self, stream: &Stream, snapshot: &Snapshot) -> Result<(), LogFailure> {
        self.store
            .kept()
            .snapshots
            .insert(stream.clone(), snapshot.clone());
        Ok(())
    }

    fn upkeep(&mut self, _idle: bool) -> Result<(), LogFailure> {
        Ok(())
    }
}

impl Reader for MemoryStore {
    fn epoch(&self) -> Epoch {
        self.epoch
    }

    fn head(&self, stream: &Stream) -> Result<Seq, StoreError> {
        Ok(self.kept().head(stream))
    }

    fn page(
        &self,
        stream: &Stream,
        after: Seq,
        records_max: usize,
    ) -> Result<Vec<Envelope>, StoreError> {
        let kept = self.kept();
        let records = kept.streams.get(stream).map_or(&[][..], Vec::as_slice);
        let after = usize::try_from(after.get())
            .unwrap_or(usize::MAX)
            .min(records.len());
        let mut bytes = 0;
        let within = records[after..]
            .iter()
            .take(records_max)
            .take_while(|record| {
                let fits = bytes < limits::PAGE_BYTES_MAX;
                bytes += crate::stored::encode(&record.event).len();
                fits
            });
        Ok(within.cloned().collect())
    }

    fn snapshot(&self, stream: &Stream) -> Result<Option<Snapshot>, StoreError> {
        Ok(self.kept().snapshots.get(stream).cloned())
    }
}

impl Directory for MemoryStore {
    fn message(&self, id: MessageId) -> Result<Option<(Stream, Seq)>, StoreError> {
        Ok(self.kept().messages.get(&id).cloned())
    }

    fn key(
        &self,
        stream: &Stream,
        by: &ClientId,
        word: &IdempotencyKey,
    ) -> Result<Option<(Seq, Fingerprint)>, StoreError> {
        let kept = self.kept();
        let name = (stream.clone(), by.clone(), word.clone());
        let Some(seq) = kept.keys.get(&name) else {
            return Ok(None);
        };
        let key = kept.record(stream, *seq).key;
        Ok(key.map(|key| (*seq, key.fingerprint)))
    }

    fn memberships(
        &self,
        client: &ClientId,
        after: Option<&RoomId>,
        rows_max: usize,
    ) -> Result<Vec<Membership>, StoreError> {
        let rooms = self
            .rooms_by_name(after)
            .into_iter()
            .filter(|room| room.is_member(client));
        let rows = rooms.map(|room| Membership {
            room: room.id().clone(),
            head: room.head(),
        });
        Ok(rows.take(rows_max).collect())
    }

    fn membership_count(&self, client: &ClientId) -> Result<u64, StoreError> {
        Ok(self.memberships(client, None, usize::MAX)?.len() as u64)
    }

    fn rooms(
        &self,
        viewer: &ClientId,
        after: Option<&RoomId>,
        rows_max: usize,
    ) -> Result<Vec<RoomRow>, StoreError> {
        let viewer = crate::Principal::new(viewer.clone(), crate::Scopes::default());
        let rooms = self.rooms_by_name(after).into_iter();
        let rows = rooms
            .filter(|room| room.is_visible_to(&viewer))
            .map(|room| RoomRow {
                room: room.id().clone(),
                topic: room.topic().clone(),
                visibility: room.policy().visibility,
                has_password: room.password().is_some(),
                created_at: room.created_at(),
                closed_at: room.closed_at(),
                members: room.members().len() as u64,
            });
        Ok(rows.take(rows_max).collect())
    }

    fn posts(&self, room: &RoomId, query: &PostsQuery) -> Result<Vec<Envelope>, StoreError> {
        let records = self.all(&Stream::Room(room.clone()));
        let mut posts: Vec<_> = records
            .into_iter()
            .filter(|record| match &record.event {
                Event::Posted(posted) => query
                    .channel
                    .as_ref()
                    .is_none_or(|c| c.folded() == posted.channel.folded()),
                _ => false,
            })
            .filter(|record| match query.window {
                Window::After(seq) => record.seq > seq,
                Window::Before(seq) => record.seq < seq,
                Window::Newest => true,
            })
            .collect();
        let surplus = posts.len().saturating_sub(query.records_max);
        match query.window {
            Window::After(_) => posts.truncate(query.records_max),
            Window::Before(_) | Window::Newest => drop(posts.drain(..surplus)),
        }
        Ok(posts)
    }

    fn posts_total(&self) -> Result<u64, StoreError> {
        Ok(self.kept().messages.len() as u64)
    }
}
