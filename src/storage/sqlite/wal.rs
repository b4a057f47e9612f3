//! Keeping the write-ahead log short: a start reads it whole, and so does whoever looks into it.

use std::io::Read;
use std::path::{Path, PathBuf};

use bridge_core::limits;
use bridge_core::ports::LogFailure;
use diesel::prelude::*;
use diesel::sqlite::SqliteConnection;

use super::{WRITER_WAITS, wait_for_others};
use crate::storage::error::at_commit;

/// Bytes of one page of the write-ahead log, with its header.
const PAGE_BYTES: u64 = 4_096 + 24;
/// How many times its bound the file may have before it is cut.
const OVERGROWN: u64 = 4;

/// Bytes of the index of a write-ahead log of [`OVERGROWN`] size: 32 KiB for every 4,096 pages, and
/// for the first ones a little more.
const INDEX_BYTES: u64 = (OVERGROWN + 1) * 32 * 1024;

/// Makes the index of the write-ahead log, a file that is mapped into memory, as large as it will
/// ever be. SQLite grows it after it has written a commit; if the disk has become full in just that
/// moment, it says that the disk has failed, and the process has to end.
///
/// Appending is safe whoever else does the same: nothing that is there is written over, and SQLite
/// clears each part before its first use.
///
/// The file stays open for as long as the process lives. The system forgets all of a process's locks
/// on a file as soon as the process closes any descriptor of it, SQLite's among them: once this was
/// closed here, and the next program that opened the database took it for one that nobody uses, cut
/// the index, and the server died of it (SIGBUS).
pub(super) fn reserve_index(database: &Path) -> std::io::Result<()> {
    let mut name = database.as_os_str().to_owned();
    name.push("-shm");
    let mut index = std::fs::OpenOptions::new().append(true).open(name)?;
    let missing = index
        .metadata()
        .map(|file| INDEX_BYTES.saturating_sub(file.len()));
    let missing = missing.unwrap_or_default();
    let zeros = std::io::repeat(0).take(missing);
    let reserved = std::io::copy(&mut { zeros }, &mut index).map(drop);
    std::mem::forget(index);
    reserved
}

/// What the writer knows of its write-ahead log.
#[derive(Debug)]
pub(super) struct Wal {
    file: PathBuf,
    /// The size of the file, in pages, from which on it is cut.
    pub(super) cut_at: u64,
    /// About how many pages were written since the last checkpoint. The size of the file does not
    /// tell: it is used again from its beginning, and never shrinks by itself.
    pub(super) written: u64,
    /// Whether the last checkpoint left some behind, because somebody was reading them.
    pub(super) is_behind: bool,
    /// The size of the file, in pages, at which the operator was last told of it.
    pub(super) told_at: u64,
}

/// What SQLite says of a checkpoint: whether somebody was in its way, pages in the write-ahead log,
/// and those that are copied.
#[derive(QueryableByName)]
struct Checkpointed {
    #[diesel(sql_type = diesel::sql_types::BigInt)]
    busy: i64,
    #[diesel(sql_type = diesel::sql_types::BigInt)]
    log: i64,
    #[diesel(sql_type = diesel::sql_types::BigInt)]
    checkpointed: i64,
}

impl Wal {
    /// What is in the file may be what a crashed server left, so it counts as written. If it did
    /// not, a server that crashes again and again would have more to recover each time.
    pub(super) fn new(file: PathBuf) -> Self {
        let mut wal = Self {
            file,
            cut_at: OVERGROWN * limits::WAL_PAGES_MAX,
            written: 0,
            is_behind: true,
            told_at: 0,
        };
        wal.written = wal.file_pages();
        wal
    }

    fn file_pages(&self) -> u64 {
        std::fs::metadata(&self.file).map_or(0, |file| file.len() / PAGE_BYTES)
    }

    /// About so many pages were written.
    pub(super) const fn wrote(&mut self, pages: u64) {
        self.written += pages;
    }

    /// Copies it into the database, if it is time to.
    ///
    /// # Errors
    /// When the store is broken. What failed for now, for lack of room say, is tried again later.
    pub(super) fn upkeep(
        &mut self,
        conn: &mut SqliteConnection,
        idle: bool,
    ) -> Result<(), LogFailure> {
        let has_some = self.written > 0 || self.is_behind;
        if self.written < limits::WAL_PAGES_MAX && !(idle && has_some) {
            return Ok(());
        }
        // Whatever comes of it, the next attempt under load is a good many pages away.
        self.written = 0;
        self.is_behind = true;
        match self.checkpoint(conn) {
            Ok(()) => Ok(()),
            Err(why) => match at_commit(&why) {
                broken @ LogFailure::Broken(_) => Err(broken),
                passing => {
                    tracing::warn!(error = %passing, "a checkpoint will be tried again");
                    Ok(())
                }
            },
        }
    }

    /// A passive checkpoint waits for nobody; what a reader holds back is copied the next time.
    /// Only when everything is copied and the file has grown far past its bound, it is cut, which
    /// has to wait for readers for a moment.
    fn checkpoint(&mut self, conn: &mut SqliteConnection) -> QueryResult<()> {
        let done = run(conn, "PASSIVE")?;
        self.is_behind = done.checkpointed < done.log;
        let pages = self.file_pages();
        if pages < self.cut_at {
            return Ok(());
        }
        if self.is_behind || !cut(conn)? {
            self.tell(pages);
        } else {
            self.told_at = 0;
        }
        Ok(())
    }

    /// Says that somebody keeps the file from being used again: once, and when it has doubled.
    fn tell(&mut self, pages: u64) {
        if pages >= 2 * self.told_at {
            self.told_at = pages;
            tracing::warn!(
                mebibytes = (pages * PAGE_BYTES) >> 20,
                "the write-ahead log grows: some program has been reading the database for a long \
                 time, in one transaction"
            );
        }
    }
}

/// Cuts the file, unless somebody reads it all the time.
fn cut(conn: &mut SqliteConnection) -> QueryResult<bool> {
    wait_for_others(conn, limits::CHECKPOINT_WAIT)?;
    let done = run(conn, "TRUNCATE");
    wait_for_others(conn, WRITER_WAITS)?;
    done.map(|done| done.busy == 0)
}

fn run(conn: &mut SqliteConnection, mode: &str) -> QueryResult<Checkpointed> {
    diesel::sql_query(format!("PRAGMA wal_checkpoint({mode})")).get_result(conn)
}
