//! What is kept in memory, and its reading side.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::event::{Envelope, Event, Stream};
use crate::id::{ClientId, Epoch, IdempotencyKey, MessageId, Seq, Timestamp};
use crate::limits;
use crate::owner::Answer;
use crate::ports::{Append, Reader, Snapshot, StoreError};

#[derive(Debug, Default, Clone)]
pub(super) struct Kept {
    pub(super) streams: BTreeMap<Stream, Vec<Envelope>>,
    /// In the order in which they were made.
    pub(super) in_order: Vec<Stream>,
    pub(super) keys: HashMap<(Stream, ClientId, IdempotencyKey), Seq>,
    pub(super) messages: HashMap<MessageId, (Stream, Seq)>,
    pub(super) snapshots: HashMap<Stream, Snapshot>,
    /// Records whose effects have been brought about.
    pub(super) followed: HashSet<(Stream, Seq)>,
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

    pub(super) fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Kept {
    pub(super) fn append(&mut self, append: &Append) -> Answer {
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
        if !self.streams.contains_key(stream) {
            self.in_order.push(stream.clone());
        }
        self.streams
            .entry(stream.clone())
            .or_default()
            .push(envelope.clone());
    }

    /// Every stream with its number and its records, in the order in which they were made.
    pub(super) fn numbered(&self) -> impl Iterator<Item = (i64, &Stream, &[Envelope])> {
        let numbered = (1..).zip(&self.in_order);
        numbered.map(|(number, stream)| (number, stream, self.streams[stream].as_slice()))
    }

    /// Every record of every stream.
    pub(super) fn records(&self) -> impl Iterator<Item = &Envelope> {
        self.numbered().flat_map(|(_, _, records)| records)
    }

    pub(super) fn head(&self, stream: &Stream) -> Seq {
        Seq::new(self.streams.get(stream).map_or(0, Vec::len) as u64)
    }

    pub(super) fn record(&self, stream: &Stream, seq: Seq) -> Envelope {
        let index = usize::try_from(seq.get() - 1).expect("a test's log fits in memory");
        self.streams[stream][index].clone()
    }
}

impl Reader for MemoryStore {
    fn epoch(&self) -> Epoch {
        self.epoch
    }

    fn head(&self, stream: &Stream) -> Result<Seq, StoreError> {
        Ok(self.kept().head(stream))
    }

    fn latest(&self) -> Result<Timestamp, StoreError> {
        let kept = self.kept();
        Ok(kept
            .records()
            .map(|record| record.at)
            .max()
            .unwrap_or_default())
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

    fn records(&self, stream: &Stream, seqs: &[Seq]) -> Result<Vec<Envelope>, StoreError> {
        let kept = self.kept();
        let records = kept.streams.get(stream).map_or(&[][..], Vec::as_slice);
        let wanted = records.iter().filter(|record| seqs.contains(&record.seq));
        Ok(wanted.cloned().collect())
    }

    fn snapshot(&self, stream: &Stream) -> Result<Option<Snapshot>, StoreError> {
        Ok(self.kept().snapshots.get(stream).cloned())
    }
}
