//! A store under test, with what the cases do to it again and again.

use std::sync::Arc;

use crate::contract::{Bench, Opened, script};
use crate::event::{Envelope, Stream};
use crate::id::{RoomId, Seq};
use crate::limits;
use crate::owner::Answer;
use crate::ports::{Append, Log, Membership, RoomRow, Store};

pub(super) struct Desk<'a> {
    bench: &'a dyn Bench,
    opened: Option<Opened>,
}

impl<'a> Desk<'a> {
    pub(super) fn new(bench: &'a dyn Bench) -> Self {
        Self {
            bench,
            opened: Some(bench.open()),
        }
    }

    /// A desk with a room that Ann has made, and is in: two records.
    pub(super) fn with_room(bench: &'a dyn Bench, room: &str) -> Self {
        let mut desk = Self::new(bench);
        desk.stores(&[script::founded(room)]);
        desk
    }

    /// The process ends and starts again.
    pub(super) fn restart(&mut self) {
        // Dropped first: a store may hold a lock on its data.
        self.opened = None;
        self.opened = Some(self.bench.open());
    }

    fn opened(&self) -> &Opened {
        self.opened
            .as_ref()
            .expect("it is closed only in the middle of a restart")
    }

    pub(super) fn log(&mut self) -> &mut dyn Log {
        let opened = self.opened.as_mut();
        opened
            .expect("it is closed only in the middle of a restart")
            .log
            .as_mut()
    }

    pub(super) fn store(&self) -> Arc<dyn Store> {
        Arc::clone(&self.opened().store)
    }

    /// Appends a batch the way the writer does, and returns the answers.
    pub(super) fn append(&mut self, batch: &[Append]) -> Vec<Answer> {
        let batch: Vec<&Append> = batch.iter().collect();
        let answers = self
            .log()
            .append(&batch)
            .expect("a store without a fault takes a batch");
        assert_eq!(answers.len(), batch.len(), "one answer for each append");
        self.log()
            .upkeep(false)
            .expect("a store without a fault can be kept up");
        answers
    }

    /// Appends a batch that must land whole.
    pub(super) fn stores(&mut self, batch: &[Append]) {
        for (answer, append) in self.append(batch).into_iter().zip(batch) {
            let whose = append.stream();
            assert_eq!(answer, Answer::Stored, "{whose} at {}", append.first_seq());
        }
    }

    pub(super) fn page(&self, of: &Stream, after: u64, records_max: usize) -> Vec<Envelope> {
        let page = self.store().page(of, Seq::new(after), records_max);
        page.expect("a store without a fault can be read")
    }

    /// The whole log of a room.
    pub(super) fn all(&self, room: &str) -> Vec<Envelope> {
        self.log_of(&script::stream(room))
    }

    /// The whole log of a stream, page by page.
    pub(super) fn log_of(&self, of: &Stream) -> Vec<Envelope> {
        let mut all: Vec<Envelope> = Vec::new();
        loop {
            let after = all.last().map_or(0, |last| last.seq.get());
            let page = self.page(of, after, limits::PAGE_RECORDS_MAX);
            if page.is_empty() {
                return all;
            }
            let first = page[0].seq.get();
            assert!(first > after, "the page after {after} begins with {first}");
            all.extend(page);
        }
    }

    pub(super) fn head(&self, room: &str) -> u64 {
        let head = self.store().head(&script::stream(room));
        head.expect("a store without a fault can be read").get()
    }

    pub(super) fn memberships(&self, client: &str) -> Vec<Membership> {
        let rows =
            self.store()
                .memberships(&script::client(client), None, limits::PAGE_RECORDS_MAX);
        rows.expect("a store without a fault can be read")
    }

    /// The rooms of a client, as its own names say them.
    pub(super) fn rooms_of(&self, client: &str) -> Vec<String> {
        let rows = self.memberships(client).into_iter();
        let names: Vec<_> = rows.map(|row| row.room.to_string()).collect();
        let count = self.store().membership_count(&script::client(client));
        let count = count.expect("a store without a fault can be read");
        assert_eq!(
            count,
            names.len() as u64,
            "the rooms of {client} are counted as listed"
        );
        names
    }

    pub(super) fn rooms(&self, viewer: &str, after: Option<&RoomId>, max: usize) -> Vec<RoomRow> {
        let rows = self.store().rooms(&script::client(viewer), after, max);
        rows.expect("a store without a fault can be read")
    }

    /// The names of the rooms that a client may know of.
    pub(super) fn visible_to(&self, viewer: &str) -> Vec<String> {
        let rows = self
            .rooms(viewer, None, limits::PAGE_RECORDS_MAX)
            .into_iter();
        rows.map(|row| row.room.to_string()).collect()
    }
}
