//! The writing side: one batch, one transaction, one fsync.

use std::collections::HashMap;
use std::path::PathBuf;

use bridge_core::event::{Envelope, Stream};
use bridge_core::owner::Answer;
use bridge_core::ports::{Append, Log, LogFailure, Snapshot, StoreError};
use bridge_core::{Reject, Seq, limits};
use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::result::Error;
use diesel::sqlite::SqliteConnection;

use super::project;
use crate::storage::error::{at_commit, before_commit};
use crate::storage::row::{LogRow, NewLogRow, StreamNumber, dedupe, number, seq};
use crate::storage::schema::{follow_ups, log, snapshots, streams};

/// Bytes of one page of the write-ahead log, with its header.
const WAL_PAGE_BYTES: u64 = 4_096 + 24;
/// How many times its bound the file of the write-ahead log may have before it is cut.
const WAL_OVERGROWN: u64 = 4;

/// The connection that writes. It lives on the log writer's thread.
pub struct SqliteLog {
    conn: SqliteConnection,
    wal: PathBuf,
    heads: HashMap<Stream, Head>,
    /// About how many pages were written since the last checkpoint that copied all of them. The
    /// size of the file does not tell: it is used again from its beginning, and never shrinks.
    wal_pages: u64,
}

/// What SQLite says of a checkpoint: pages in the write-ahead log, and those that are copied.
#[derive(QueryableByName)]
struct Checkpointed {
    #[diesel(sql_type = diesel::sql_types::BigInt)]
    log: i64,
    #[diesel(sql_type = diesel::sql_types::BigInt)]
    checkpointed: i64,
}

#[derive(Debug, Clone, Copy)]
struct Head {
    stream: StreamNumber,
    seq: Seq,
}

/// Why a batch was given up before its commit.
enum Trouble {
    /// The batch cannot go on.
    Batch(Error),
    /// One append cannot be written; the others may.
    OneAppend(Error),
    /// What the log holds cannot be read.
    Corrupt(StoreError),
}

impl std::fmt::Debug for SqliteLog {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SqliteLog")
            .field("wal", &self.wal)
            .finish_non_exhaustive()
    }
}

impl SqliteLog {
    pub(super) fn new(conn: SqliteConnection, wal: PathBuf) -> Self {
        Self {
            conn,
            wal,
            heads: HashMap::new(),
            wal_pages: 1,
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
        let mut posts = 0;
        for append in batch {
            let answer = if apart {
                self.one_apart(append)?
            } else {
                self.one(append)?
            };
            if answer == Answer::Stored {
                posts += project::posts_in(append);
            }
            answers.push(answer);
        }
        project::count_posts(&mut self.conn, posts).map_err(Trouble::Batch)?;
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
                .map_err(trouble)?;
            if written == 0 && place == 0 {
                // The position was free, so it is the key that is taken.
                if let Some(original) = self.original(stream, append)? {
                    return Ok(Answer::Duplicate(original.into()));
                }
            }
            if written == 0 {
                return Err(Trouble::OneAppend(Error::NotFound));
            }
            project::record(&mut self.conn, stream, &record.envelope).map_err(trouble)?;
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
    fn roll_back(&mut self) {
        self.heads.clear();
        if let Err(why) = self.conn.batch_execute("ROLLBACK") {
            // SQLite has rolled back by itself after some errors; then there is nothing to do.
            tracing::debug!(error = %why, "nothing to roll back");
        }
    }

    fn commit(&mut self) -> Result<(), LogFailure> {
        self.conn.batch_execute("COMMIT").map_err(|why| {
            self.roll_back();
            at_commit(&why)
        })
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
        self.roll_back();
        match trouble {
            Trouble::Batch(why) | Trouble::OneAppend(why) => before_commit(&why),
            Trouble::Corrupt(why) => LogFailure::Aborted(why.to_string()),
        }
    }

    /// Copies the write-ahead log into the database. A passive checkpoint waits for nobody; what
    /// a reader holds back is copied the next time. Only a file that has grown far past its bound
    /// is worth waiting for readers, which hold it for a page at most.
    fn checkpoint(&mut self) -> Result<(), LogFailure> {
        let file_pages = std::fs::metadata(&self.wal).map_or(0, |f| f.len() / WAL_PAGE_BYTES);
        let is_overgrown = file_pages >= WAL_OVERGROWN * limits::WAL_PAGES_MAX;
        let mode = if is_overgrown { "TRUNCATE" } else { "PASSIVE" };
        let done = diesel::sql_query(format!("PRAGMA wal_checkpoint({mode})"))
            .get_result::<Checkpointed>(&mut self.conn);
        match done {
            Ok(done) => {
                let left = done.log.saturating_sub(done.checkpointed);
                self.wal_pages = u64::try_from(left).unwrap_or_default();
                Ok(())
            }
            Err(why) => match at_commit(&why) {
                broken @ LogFailure::Broken(_) => Err(broken),
                passing => {
                    tracing::warn!(error = %passing, "a checkpoint will be tried again");
                    Ok(())
                }
            },
        }
    }
}

/// Pages that a batch adds to the write-ahead log: its bodies, and about one page of each table and
/// index for each row, since rows of many streams share few pages. A record of a message is in the
/// log, its index, the deliveries, their due times, its own places and what follows from it.
fn pages_of(batch: &[&Append]) -> u64 {
    let pages = batch.iter().map(|append| {
        let of_each = match append.stream() {
            Stream::Room(_) => 3,
            Stream::Mailbox(_) | Stream::Broadcast => 6,
        };
        of_each * append.records.len()
    });
    let bytes: usize = batch.iter().map(|append| append.bytes()).sum();
    (pages.sum::<usize>() + bytes / 4_096 + 2) as u64
}

/// Constraints and values concern one append; everything else the whole batch.
fn trouble(error: Error) -> Trouble {
    use diesel::result::DatabaseErrorKind::{CheckViolation, NotNullViolation, UniqueViolation};
    match error {
        Error::DatabaseError(UniqueViolation | NotNullViolation | CheckViolation, _)
        | Error::SerializationError(_) => Trouble::OneAppend(error),
        _ => Trouble::Batch(error),
    }
}

impl Log for SqliteLog {
    fn append(&mut self, batch: &[&Append]) -> Result<Vec<Answer>, LogFailure> {
        self.wal_pages += pages_of(batch);
        let answers = match self.transaction(batch, false) {
            Ok(answers) => answers,
            Err(Trouble::OneAppend(why)) => {
                tracing::warn!(error = %why, "an append cannot be written; trying them one by one");
                self.roll_back();
                self.transaction(batch, true)
                    .map_err(|trouble| self.give_up(trouble))?
            }
            Err(trouble) => return Err(self.give_up(trouble)),
        };
        self.commit()?;
        Ok(answers)
    }

    fn save_snapshot(&mut self, stream: &Stream, snapshot: &Snapshot) -> Result<(), LogFailure> {
        self.wal_pages += 2 + snapshot.body.len() as u64 / 4_096;
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
        self.wal_pages += done.len() as u64 + 1;
        if let Err(why) = self.forget_follow_ups(done) {
            self.roll_back();
            return Err(before_commit(&why));
        }
        self.commit()
    }

    fn upkeep(&mut self, idle: bool) -> Result<(), LogFailure> {
        let is_due = self.wal_pages >= limits::WAL_PAGES_MAX || (idle && self.wal_pages > 0);
        if is_due { self.checkpoint() } else { Ok(()) }
    }
}

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

/// The number of a stream; names are unique without regard to case.
pub(super) fn stream_number(
    conn: &mut SqliteConnection,
    stream: &Stream,
) -> QueryResult<Option<StreamNumber>> {
    streams::table
        .filter(
            streams::kind
                .eq(stream.kind())
                .and(streams::name_folded.eq(stream.name_folded())),
        )
        .select(streams::id)
        .first(conn)
        .optional()
}

/// A stream in its creator's spelling.
pub(super) fn stream_name(
    conn: &mut SqliteConnection,
    id: StreamNumber,
) -> QueryResult<Option<Stream>> {
    let words: Option<(String, String)> = streams::table
        .find(id)
        .select((streams::kind, streams::name))
        .first(conn)
        .optional()?;
    Ok(words.and_then(|(kind, name)| Stream::from_words(&kind, &name)))
}

/// The last position of a stream.
pub(super) fn stream_head(conn: &mut SqliteConnection, id: StreamNumber) -> QueryResult<Seq> {
    let head: Option<i64> = log::table
        .filter(log::stream_id.eq(id))
        .select(diesel::dsl::max(log::seq))
        .first(conn)?;
    Ok(head.map_or(Seq::ZERO, seq))
}
