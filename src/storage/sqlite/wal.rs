//! Keeping the write-ahead log short: a start reads it whole, and so does whoever looks into it.

mod copier;
mod index;

use std::path::{Path, PathBuf};

use bridge_core::limits;
use bridge_core::ports::LogFailure;
use diesel::prelude::*;
use diesel::sqlite::SqliteConnection;

use super::{WRITER_WAITS, wait_for_others};
use crate::storage::error::at_commit;
use copier::Copier;

pub(super) use index::{Frames, Index};

/// Bytes of one page of the write-ahead log, with its header.
const PAGE_BYTES: u64 = 4_096 + 24;

/// What the writer knows of its write-ahead log.
#[derive(Debug)]
pub(super) struct Wal {
    file: PathBuf,
    index: Index,
    copier: Copier,
    /// The size of the file, in pages, from which on it is cut.
    pub(super) cut_at: u64,
    phase: Phase,
    /// The size of the file, in pages, at which the operator was last told of it.
    pub(super) told_at: u64,
}

/// Where it is on its way from one beginning to the next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// It has begun anew.
    Growing,
    /// Some of it has been copied beside the writer.
    Copied,
    /// It was tried when it had so many frames, and somebody was in the way.
    Hindered { at: u64 },
}

/// What is to be done about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    /// It may grow.
    Nothing,
    /// Begin to copy beside the writer.
    Begin,
    /// Copy what is left before anything else is written, so that it begins anew.
    Finish,
}

impl Phase {
    /// With so much in it, while nothing is being copied.
    fn step(self, frames: Frames, is_idle: bool) -> Step {
        let open = frames.open();
        if open == 0 {
            return Step::Nothing;
        }
        if is_idle {
            return Step::Finish;
        }
        let is_due = match self {
            // Less than before: it has begun anew in between.
            Self::Hindered { at } => frames.written.checked_sub(at).unwrap_or(frames.written),
            Self::Growing | Self::Copied => open,
        } >= limits::WAL_FRAMES_COPIED_FROM;
        let is_copied = self == Self::Copied;
        let is_long = is_copied && frames.written >= limits::WAL_FRAMES_ANEW_FROM;
        let is_too_long = is_copied && frames.written >= limits::WAL_FRAMES_MAX;
        let is_behind = is_due && open >= limits::WAL_FRAMES_MAX;
        let is_little = is_long && open <= limits::WAL_FRAMES_FINISHED;
        if is_little || is_too_long || is_behind {
            Step::Finish
        } else if is_due || is_long {
            Step::Begin
        } else {
            Step::Nothing
        }
    }
}

/// What SQLite says of a checkpoint: whether somebody was in its way, frames in the write-ahead log,
/// and those that are copied.
#[derive(Debug, Clone, Copy, QueryableByName)]
struct Checkpointed {
    #[diesel(sql_type = diesel::sql_types::BigInt)]
    busy: i64,
    #[diesel(sql_type = diesel::sql_types::BigInt)]
    log: i64,
    #[diesel(sql_type = diesel::sql_types::BigInt)]
    checkpointed: i64,
}

impl Checkpointed {
    /// Whether all of it was copied that was there when it began.
    const fn is_whole(self) -> bool {
        self.busy == 0 && self.checkpointed >= self.log
    }
}

impl Wal {
    /// That of a database which this process has open.
    pub(super) fn of(database: &Path, index: Index) -> Self {
        Self {
            file: super::wal_path(database),
            index,
            copier: Copier::of(database.to_owned()),
            cut_at: limits::WAL_FRAMES_MAX,
            phase: Phase::Growing,
            told_at: 0,
        }
    }

    fn file_pages(&self) -> u64 {
        std::fs::metadata(&self.file).map_or(0, |file| file.len() / PAGE_BYTES)
    }

    /// What is in it. If that cannot be told, all of the file counts as not copied.
    pub(super) fn frames(&self) -> Frames {
        self.index.frames().unwrap_or_else(|why| {
            tracing::debug!(error = %why, "how much is in the write-ahead log is not known");
            Frames {
                written: self.file_pages(),
                copied: 0,
            }
        })
    }

    #[cfg(test)]
    pub(super) const fn is_being_copied(&self) -> bool {
        self.copier.is_under_way()
    }

    /// Sees to it that it is copied into the database, when it is time to.
    ///
    /// # Errors
    /// When the store is broken. What failed for now, for lack of room say, is tried again later.
    pub(super) fn upkeep(
        &mut self,
        conn: &mut SqliteConnection,
        is_idle: bool,
    ) -> Result<(), LogFailure> {
        let frames = self.frames();
        let must_end = is_idle || frames.open() >= limits::WAL_FRAMES_MAX;
        let ended = match must_end {
            true => self.copier.wait(),
            false => self.copier.ended(),
        };
        if let Some(ended) = ended {
            self.copied_beside(ended, frames)?;
        }
        if self.copier.is_under_way() {
            return Ok(());
        }
        let step = match self.phase.step(frames, is_idle) {
            // It was copied whole, but the file is too long, and its reader may have gone.
            Step::Nothing if is_idle && self.file_pages() >= self.cut_at => Step::Finish,
            step => step,
        };
        match step {
            Step::Nothing => Ok(()),
            Step::Begin => self.begin(frames),
            Step::Finish => self.finish(conn, frames),
        }
    }

    fn begin(&mut self, frames: Frames) -> Result<(), LogFailure> {
        let begun = self.copier.begin();
        begun.or_else(|why| self.failed(why, frames))
    }

    fn copied_beside(
        &mut self,
        ended: Result<Checkpointed, LogFailure>,
        frames: Frames,
    ) -> Result<(), LogFailure> {
        match ended {
            Ok(copied) if copied.is_whole() => self.phase = Phase::Copied,
            Ok(_) => self.hindered(frames),
            Err(why) => self.failed(why, frames)?,
        }
        Ok(())
    }

    /// Nobody writes meanwhile.
    fn finish(&mut self, conn: &mut SqliteConnection, frames: Frames) -> Result<(), LogFailure> {
        let done = self.checkpoint(conn, frames);
        done.or_else(|why| self.failed(at_commit(&why), frames))
    }

    /// Whatever comes of it, the next attempt under load is a good many frames away.
    fn hindered(&mut self, frames: Frames) {
        self.phase = Phase::Hindered { at: frames.written };
    }

    fn failed(&mut self, why: LogFailure, frames: Frames) -> Result<(), LogFailure> {
        self.hindered(frames);
        match why {
            broken @ LogFailure::Broken(_) => Err(broken),
            passing => {
                tracing::warn!(error = %passing, "a checkpoint will be tried again");
                Ok(())
            }
        }
    }

    /// A passive checkpoint waits for nobody; what a reader holds back is copied the next time.
    /// Only when everything is copied and the file has grown far past its bound, it is cut, which
    /// has to wait for readers for a moment.
    fn checkpoint(&mut self, conn: &mut SqliteConnection, frames: Frames) -> QueryResult<()> {
        let is_whole = passive(conn)?.is_whole();
        match is_whole {
            true => self.phase = Phase::Growing,
            false => self.hindered(frames),
        }
        let pages = self.file_pages();
        if pages < self.cut_at {
            return Ok(());
        }
        if !is_whole || !cut(conn)? {
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

/// Copies what nobody keeps from being copied.
fn passive(conn: &mut SqliteConnection) -> QueryResult<Checkpointed> {
    run(conn, "PASSIVE")
}

fn run(conn: &mut SqliteConnection, mode: &str) -> QueryResult<Checkpointed> {
    diesel::sql_query(format!("PRAGMA wal_checkpoint({mode})")).get_result(conn)
}

#[cfg(test)]
mod tests;
