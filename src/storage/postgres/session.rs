//! A connection that writes, with what it has learned. When the connection is lost, all of it is.

use std::collections::{HashMap, HashSet};

use bridge_core::event::Stream;
use bridge_core::owner::Answer;
use bridge_core::ports::{Append, Snapshot, StoreError};
use bridge_core::{Reject, Seq, limits};
use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::result::{DatabaseErrorKind, Error};

use super::bulk::FoundStream;
use super::owner::{self, Backend, NotOwner, Owner};
use super::plan::{Keyed, key_of, plan};
use super::statements::streams::{Head, stream_number};
use super::statements::totals::{Totals, stored};
use super::{Conn, bulk};
use crate::storage::row::{StreamNumber, dedupe, number, seq};
use crate::storage::schema::snapshots;
use crate::storage::trouble::Trouble;

/// A connection that writes.
pub(super) struct Session {
    conn: Conn,
    owner: Owner,
    backend: Backend,
    heads: HashMap<Stream, Head>,
    totals: Totals,
}

/// Why something was not written.
#[derive(Debug)]
pub(super) enum Failed {
    /// It was rolled back, and the connection is as good as before.
    RolledBack(Trouble),
    /// The connection is lost. Nothing was to be committed yet.
    Lost(String),
    /// The connection is lost or unclear, and it was to be committed.
    AtCommit {
        /// What the database said.
        why: String,
        /// What is true if it was committed.
        answers: Vec<Answer>,
    },
    /// Another server owns the database.
    Fenced,
}

impl Session {
    pub(super) fn new(mut conn: Conn, owner: Owner) -> QueryResult<Self> {
        let backend = owner::backend(&mut conn)?;
        Ok(Self {
            conn,
            owner,
            backend,
            heads: HashMap::new(),
            totals: Totals::default(),
        })
    }

    /// What the database knows its connection as.
    pub(super) const fn backend(&self) -> Backend {
        self.backend
    }

    /// Appends a batch in one transaction. Savepoints around each append cost time and are needed
    /// only when one of them cannot be written, which the checks in front make very rare: so the
    /// batch is tried without them first.
    pub(super) fn append(&mut self, batch: &[&Append]) -> Result<Vec<Answer>, Failed> {
        let answers = match self.transaction(batch, false) {
            Err(Failed::RolledBack(Trouble::OneAppend(why))) => {
                tracing::warn!(error = %why, "an append cannot be written; trying them one by one");
                self.transaction(batch, true)?
            }
            answers => answers?,
        };
        match self.conn.batch_execute("COMMIT") {
            Ok(()) => Ok(answers),
            Err(why) => Err(Failed::AtCommit {
                why: why.to_string(),
                answers,
            }),
        }
    }

    /// Everything up to the commit. When it fails, it is rolled back.
    fn transaction(&mut self, batch: &[&Append], apart: bool) -> Result<Vec<Answer>, Failed> {
        self.begin()?;
        let done = match apart {
            true => self.write_apart(batch),
            false => self.write(batch),
        };
        let done = done.and_then(|answers| {
            let stored = stored(batch, &answers);
            self.totals.count(&mut self.conn, &stored)?;
            Ok(answers)
        });
        done.map_err(|trouble| self.roll_back(trouble))
    }

    fn begin(&mut self) -> Result<(), Failed> {
        let begun = self.conn.batch_execute("BEGIN");
        begun.map_err(|why| Failed::Lost(why.to_string()))?;
        match owner::hold(&mut self.conn, self.owner) {
            Ok(()) => Ok(()),
            Err(NotOwner::Fenced) => Err(Failed::Fenced),
            Err(NotOwner::Database(why)) => Err(self.roll_back(Trouble::from(why))),
            Err(why @ NotOwner::Held) => Err(Failed::Lost(why.to_string())),
        }
    }

    /// Nothing of the transaction stands, so nothing that was remembered in it may.
    fn roll_back(&mut self, trouble: Trouble) -> Failed {
        self.heads.clear();
        self.totals = Totals::default();
        match self.conn.batch_execute("ROLLBACK") {
            Ok(()) => Failed::RolledBack(trouble),
            Err(why) => Failed::Lost(why.to_string()),
        }
    }

    fn write_apart(&mut self, batch: &[&Append]) -> Result<Vec<Answer>, Trouble> {
        let mut answers = Vec::with_capacity(batch.len());
        for append in batch {
            self.conn.batch_execute("SAVEPOINT one_append")?;
            let answer = match self.write(&[append]) {
                Ok(answer) => answer,
                Err(Trouble::OneAppend(why)) => {
                    self.heads.remove(append.stream());
                    self.conn.batch_execute("ROLLBACK TO one_append")?;
                    let detail = format!("{} seq {}: {why}", append.stream(), append.first_seq());
                    vec![Answer::Refused(Reject::Internal { detail })]
                }
                Err(trouble) => return Err(trouble),
            };
            self.conn.batch_execute("RELEASE one_append")?;
            answers.extend(answer);
        }
        Ok(answers)
    }

    fn write(&mut self, batch: &[&Append]) -> Result<Vec<Answer>, Trouble> {
        self.learn_heads(batch)?;
        let known = self.known_keys(batch)?;
        let head = |stream: &Stream| self.heads.get(stream).map_or(Seq::ZERO, |head| head.seq);
        let plan = plan(batch, head, known);
        self.create_streams(&plan.landing)?;
        let mut rows = Vec::new();
        for append in &plan.landing {
            if let Some(head) = self.heads.get_mut(append.stream()) {
                head.seq = append.last_seq();
                rows.extend(append.records.iter().map(|record| (head.stream, record)));
            }
        }
        bulk::write(&mut self.conn, &rows)?;
        Ok(plan.answers)
    }

    /// Looks up the streams that have not been met yet.
    fn learn_heads(&mut self, batch: &[&Append]) -> QueryResult<()> {
        let streams: HashSet<&Stream> = batch.iter().map(|append| append.stream()).collect();
        if self.heads.len() + streams.len() > limits::HEADS_CACHED_MAX {
            self.heads.clear();
        }
        let unknown: Vec<&Stream> = streams
            .into_iter()
            .filter(|stream| !self.heads.contains_key(stream))
            .collect();
        if unknown.is_empty() {
            return Ok(());
        }
        let found = bulk::find_streams(&mut self.conn, &unknown)?;
        self.remember(&unknown, found);
        Ok(())
    }

    fn create_streams(&mut self, landing: &[&Append]) -> QueryResult<()> {
        let mut new: Vec<&Stream> = Vec::new();
        let mut seen = HashSet::new();
        for append in landing {
            let stream = append.stream();
            if !self.heads.contains_key(stream) && seen.insert(stream) {
                new.push(stream);
            }
        }
        let made = bulk::create_streams(&mut self.conn, &new)?;
        self.remember(&new, made);
        Ok(())
    }

    /// Remembers how far these streams have come, of which the database knows the folded names.
    fn remember(&mut self, streams: &[&Stream], found: Vec<FoundStream>) {
        let named = streams
            .iter()
            .map(|stream| ((stream.kind().to_owned(), stream.name_folded()), *stream));
        let named: HashMap<(String, String), &Stream> = named.collect();
        for row in found {
            let head = Head {
                stream: row.id,
                seq: seq(row.head),
            };
            if let Some(stream) = named.get(&(row.kind, row.name_folded)) {
                self.heads.insert(Stream::clone(stream), head);
            }
        }
    }

    /// The keys of a batch that stand in the log already.
    fn known_keys(&mut self, batch: &[&Append]) -> Result<Keyed, Trouble> {
        let mut wanted = Vec::new();
        let mut streams: HashMap<StreamNumber, &Stream> = HashMap::new();
        for append in batch {
            if let (Some(key), Some(head)) = (key_of(append), self.heads.get(append.stream())) {
                streams.insert(head.stream, append.stream());
                wanted.push((head.stream, key));
            }
        }
        let mut known = Keyed::new();
        for found in bulk::find_keyed(&mut self.conn, &wanted)? {
            let Some(stream) = streams.get(&found.stream_id) else {
                continue;
            };
            let spelling = Stream::from_words(&found.stream_kind, &found.stream_name);
            let spelling = spelling.unwrap_or_else(|| Stream::clone(stream));
            let original = found.row.into_envelope(&spelling);
            let original = original.map_err(Trouble::Corrupt)?;
            if let Some(key) = &original.key {
                let key = dedupe(&original.by, &key.word);
                known.insert((Stream::clone(stream), key), original);
            }
        }
        Ok(known)
    }

    /// Keeps a snapshot. Nothing depends on it, so its commit waits for no disk.
    pub(super) fn save_snapshot(
        &mut self,
        stream: &Stream,
        snapshot: &Snapshot,
    ) -> Result<(), Failed> {
        self.aside(|session| {
            let Some(id) = session.number_of(stream)? else {
                return Ok(());
            };
            let what = (
                snapshots::seq.eq(number(snapshot.seq)),
                snapshots::format.eq(snapshot.format),
                snapshots::body.eq(&snapshot.body[..]),
            );
            diesel::insert_into(snapshots::table)
                .values((snapshots::stream_id.eq(id), what))
                .on_conflict(snapshots::stream_id)
                .do_update()
                .set(what)
                .execute(&mut session.conn)
                .map(drop)
        })
    }

    /// Forgets follow-ups. If that is lost, they are brought about again, which changes nothing.
    pub(super) fn forget_follow_ups(&mut self, done: &[(Stream, Seq)]) -> Result<(), Failed> {
        self.aside(|session| {
            let mut places = Vec::with_capacity(done.len());
            for (stream, at) in done {
                let known = session.number_of(stream)?;
                places.extend(known.map(|id| (id, *at)));
            }
            bulk::delete_follow_ups(&mut session.conn, &places)
        })
    }

    /// A transaction whose commit may be lost.
    fn aside(&mut self, work: impl FnOnce(&mut Self) -> QueryResult<()>) -> Result<(), Failed> {
        self.begin()?;
        let lazily = self
            .conn
            .batch_execute("SET LOCAL synchronous_commit = off");
        let done = lazily.and_then(|()| work(self));
        let done = done.and_then(|()| self.conn.batch_execute("COMMIT"));
        done.map_err(|why| self.roll_back(Trouble::from(why)))
    }

    fn number_of(&mut self, stream: &Stream) -> QueryResult<Option<StreamNumber>> {
        if let Some(head) = self.heads.get(stream) {
            return Ok(Some(head.stream));
        }
        stream_number(&mut self.conn, stream)
    }

    /// Whether a batch of which this was the answer is in the log. Nobody else appends to it, and a
    /// batch lands whole or not at all.
    pub(super) fn has_landed(
        &mut self,
        batch: &[&Append],
        answers: &[Answer],
    ) -> Result<bool, Failed> {
        let stored = stored(batch, answers);
        let Some(append) = stored.first() else {
            return Ok(true);
        };
        let found = bulk::find_streams(&mut self.conn, &[append.stream()]);
        let found = found.map_err(|why| Failed::Lost(why.to_string()))?;
        let head = found.first().map_or(Seq::ZERO, |row| seq(row.head));
        Ok(head >= append.first_seq())
    }

    /// Asks the database whether it is there, and still ours.
    pub(super) fn ping(&mut self) -> Result<(), Failed> {
        match owner::look(&mut self.conn, self.owner) {
            Ok(()) => Ok(()),
            Err(NotOwner::Fenced) => Err(Failed::Fenced),
            Err(why @ (NotOwner::Held | NotOwner::Database(_))) => {
                Err(Failed::Lost(why.to_string()))
            }
        }
    }
}

/// Whether an error says that the disk of the database is full. The words after the colon are the
/// operating system's.
pub(super) fn is_full(trouble: &Trouble) -> bool {
    match trouble {
        Trouble::Batch(Error::DatabaseError(kind, info)) => {
            !matches!(kind, DatabaseErrorKind::ClosedConnection)
                && info.message().contains("No space left on device")
        }
        _ => false,
    }
}

impl std::fmt::Display for Trouble {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Batch(why) | Self::OneAppend(why) => why.fmt(f),
            Self::Corrupt(why) => StoreError::fmt(why, f),
        }
    }
}
