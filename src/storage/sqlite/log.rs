//! The writing side: one batch, one transaction, one fsync.

use std::collections::HashMap;

use bridge_core::event::{Envelope, Stream};
use bridge_core::owner::Answer;
use bridge_core::ports::{Append, Log, LogFailure, Snapshot};
use bridge_core::{Reject, Seq, limits};
use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::result::Error;
use diesel::sqlite::SqliteConnection;

use super::project;
use super::statements::streams::{Head, stream_head, stream_name, stream_number};
use super::statements::totals::{Totals, stored};
use super::wal::Wal;
use crate::storage::error::{at_commit, at_rollback, before_commit};
use crate::storage::row::{LogRow, NewLogRow, StreamNumber, dedupe, number};
use crate::storage::schema::{follow_ups, log, snapshots, streams};
use crate::storage::trouble::Trouble;

/// The connection that writes. It lives on the log writer's thread.
pub struct SqliteLog {
    pub(super) conn: SqliteConnection,
    pub(super) wal: Wal,
    heads: HashMap<Stream, Head>,
    totals: Totals,
}

impl std::fmt::Debug for SqliteLog {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SqliteLog")
            .field("wal", &self.wal)
            .finish_non_exhaustive()
    }
}

impl SqliteLog {
    pub(super) fn new(conn: SqliteConnection, wal: Wal) -> Self {
        Self {
            conn,
            wal,
            heads: HashMap::new(),
            totals: Totals::default(),
        }
    }

    /// Writes a batch in one transaction. Savepoints around each append cost two statements a row
    /// and are needed only when one of them cannot be written, which the checks in front make
    /// very rare: so the batch is tried without them first.
    fn transaction(&mut self, batch: &[&Append], apart: bool) -> Result<Vec<Answer>, Trouble> {
        self.conn
            .batch_execute("BEGIN IMMEDIATE")
            .map_err(Trouble::Batch)?;
        let mut answers = Vec::with_capacity(batch.len());
        for append in batch {
            answers.push(if apart {
                self.one_apart(append)?
            } else {
                self.one(append)?
            });
        }
        let counted = self.totals.count(&mut self.conn, &stored(batch, &answers));
        counted.map_err(Trouble::Batch)?;
        Ok(answers)
    }

    fn one_apart(&mut self, append: &Append) -> Result<Answer, Trouble> {
        self.conn
            .batch_execute("SAVEPOINT one_append")
            .map_err(Trouble::Batch)?;
        let answer = match self.one(append) {
            Ok(answer) => answer,
            Err(Trouble::OneAppend(why)) => {
                self.heads.remove(append.stream());
                self.conn
                    .batch_execute("ROLLBACK TO one_append")
                    .map_err(Trouble::Batch)?;
                let detail = format!("{} seq {}: {why}", append.stream(), append.first_seq());
                Answer::Refused(Reject::Internal { detail })
            }
            Err(trouble) => return Err(trouble),
        };
        self.conn
            .batch_execute("RELEASE one_append")
            .map_err(Trouble::Batch)?;
        Ok(answer)
    }

    fn one(&mut self, append: &Append) -> Result<Answer, Trouble> {
        let head = self.head(append.stream()).map_err(Trouble::Batch)?;
        let is_next = head.map_or(Seq::ZERO, |head| head.seq).next() == append.first_seq();
        let Some(head) = head.filter(|_| is_next) else {
            if is_next {
                return self.first_of_stream(append);
            }
            let original = match head {
                Some(head) => self.original(head.stream, append)?,
                None => None,
            };
            return Ok(original.map_or(Answer::NotNext, |original| {
                Answer::Duplicate(original.into())
            }));
        };
        self.insert(head.stream, append)
    }

    fn first_of_stream(&mut self, append: &Append) -> Result<Answer, Trouble> {
        let number = create_stream(&mut self.conn, append.stream()).map_err(Trouble::Batch)?;
        self.insert(number, append)
    }

    fn insert(&mut self, stream: StreamNumber, append: &Append) -> Result<Answer, Trouble> {
        for (place, record) in append.records.iter().enumerate() {
            let written = diesel::insert_into(log::table)
                .values(NewLogRow::new(stream, record))
                .on_conflict_do_nothing()
                .execute(&mut self.conn)
                .map_err(Trouble::from)?;
            if written == 0 && place == 0 {
                // The position was free, so it is the key that is taken.
                if let Some(original) = self.original(stream, append)? {
                    return Ok(Answer::Duplicate(original.into()));
                }
            }
            if written == 0 {
                return Err(Trouble::OneAppend(Error::NotFound));
            }
            project::record(&mut self.conn, stream, &record.envelope).map_err(Trouble::from)?;
        }
        self.remember(
            append.stream().clone(),
            Head {
                stream,
                seq: append.last_seq(),
            },
        );
        Ok(Answer::Stored)
    }

    fn original(
        &mut self,
        stream: StreamNumber,
        append: &Append,
    ) -> Result<Option<Envelope>, Trouble> {
        let first = &append.records[0].envelope;
        let Some(key) = &first.key else {
            return Ok(None);
        };
        let row = log::table
            .filter(
                log::stream_id
                    .eq(stream)
                    .and(log::dedupe.eq(dedupe(&first.by, &key.word))),
            )
            .select(LogRow::as_select())
            .first(&mut self.conn)
            .optional()
            .map_err(Trouble::Batch)?;
        let spelling = stream_name(&mut self.conn, stream).map_err(Trouble::Batch)?;
        row.map(|row| row.into_envelope(&spelling.unwrap_or_else(|| append.stream().clone())))
            .transpose()
            .map_err(Trouble::Corrupt)
    }

    fn head(&mut self, stream: &Stream) -> QueryResult<Option<Head>> {
        if let Some(head) = self.heads.get(stream) {
            return Ok(Some(*head));
        }
        let Some(number) = stream_number(&mut self.conn, stream)? else {
            return Ok(None);
        };
        let head = Head {
            stream: number,
            seq: stream_head(&mut self.conn, number)?,
        };
        self.remember(stream.clone(), head);
        Ok(Some(head))
    }

    fn remember(&mut self, stream: Stream, head: Head) {
        if self.heads.len() >= limits::HEADS_CACHED_MAX && !self.heads.contains_key(&stream) {
            self.heads.clear();
        }
        self.heads.insert(stream, head);
    }

    /// Nothing of the transaction stands, so nothing that was remembered in it may.
    fn roll_back(&mut self) -> Result<(), LogFailure> {
        self.heads.clear();
        self.totals = Totals::default();
        let done = self.conn.batch_execute("ROLLBACK");
        done.or_else(|why| at_rollback(&why))
    }

    /// Rolls back because of a failure. If that fails too, there is nothing to be done with this
    /// connection; but an unknown outcome stays unknown.
    fn roll_back_after(&mut self, failure: LogFailure) -> LogFailure {
        match self.roll_back() {
            Err(stuck) if failure.certainly_aborted() => stuck,
            _ => failure,
        }
    }

    fn commit(&mut self) -> Result<(), LogFailure> {
        let done = self.conn.batch_execute("COMMIT");
        done.map_err(|why| self.roll_back_after(at_commit(&why)))
    }

    fn forget_follow_ups(&mut self, done: &[(Stream, Seq)]) -> QueryResult<()> {
        self.conn.batch_execute("BEGIN IMMEDIATE")?;
        for (stream, at) in done {
            let known = match self.heads.get(stream) {
                Some(head) => Some(head.stream),
                None => stream_number(&mut self.conn, stream)?,
            };
            if let Some(id) = known {
                let row = follow_ups::table.find((id, number(*at)));
                diesel::delete(row).execute(&mut self.conn)?;
            }
        }
        Ok(())
    }

    fn give_up(&mut self, trouble: Trouble) -> LogFailure {
        let failure = match trouble {
            Trouble::Batch(why) | Trouble::OneAppend(why) => before_commit(&why),
            Trouble::Corrupt(why) => LogFailure::Aborted(why.to_string()),
        };
        self.roll_back_after(failure)
    }
}

/// A new stream.
fn create_stream(conn: &mut SqliteConnection, stream: &Stream) -> QueryResult<StreamNumber> {
    let row = (
        streams::kind.eq(stream.kind()),
        streams::name.eq(stream.name()),
        streams::name_folded.eq(stream.name_folded()),
    );
    diesel::insert_into(streams::table)
        .values(row)
        .returning(streams::id)
        .get_result(conn)
}

impl Log for SqliteLog {
    fn append(&mut self, batch: &[&Append]) -> Result<Vec<Answer>, LogFailure> {
        let answers = match self.transaction(batch, false) {
            Ok(answers) => answers,
            Err(Trouble::OneAppend(why)) => {
                tracing::warn!(error = %why, "an append cannot be written; trying them one by one");
                self.roll_back()?;
                self.transaction(batch, true)
                    .map_err(|trouble| self.give_up(trouble))?
            }
            Err(trouble) => return Err(self.give_up(trouble)),
        };
        self.commit()?;
        // Of a failed sync the system may tell only whoever asked first.
        if self.wal.is_refused() {
            return Err(LogFailure::Broken(
                "the disk refused a checkpoint".to_owned(),
            ));
        }
        Ok(answers)
    }

    fn save_snapshot(&mut self, stream: &Stream, snapshot: &Snapshot) -> Result<(), LogFailure> {
        let save = |conn: &mut SqliteConnection| -> QueryResult<()> {
            let Some(id) = stream_number(conn, stream)? else {
                return Ok(());
            };
            let row = (
                snapshots::stream_id.eq(id),
                snapshots::seq.eq(number(snapshot.seq)),
                snapshots::format.eq(snapshot.format),
                snapshots::body.eq(&snapshot.body[..]),
            );
            diesel::replace_into(snapshots::table)
                .values(row)
                .execute(conn)
                .map(drop)
        };
        save(&mut self.conn).map_err(|why| before_commit(&why))
    }

    /// In a transaction of its own: a list of them costs one fsync.
    fn follow_ups_done(&mut self, done: &[(Stream, Seq)]) -> Result<(), LogFailure> {
        if done.is_empty() {
            return Ok(());
        }
        match self.forget_follow_ups(done) {
            Ok(()) => self.commit(),
            Err(why) => Err(self.roll_back_after(before_commit(&why))),
        }
    }

    fn upkeep(&mut self, idle: bool) -> Result<(), LogFailure> {
        self.wal.upkeep(&mut self.conn, idle)
    }
}
