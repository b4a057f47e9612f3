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

pub(super) use copier::Refused;
pub(super) use index::{Frames, Index};

/// Bytes of one page of the write-ahead log, with its header.
const PAGE_BYTES: u64 = 4_096 + 24;

/// What the writer knows of its write-ahead log.
#[derive(Debug)]
pub(super) struct Wal {
    file: PathBuf,
    index: Index,
    refused: Refused,
    copier: Copier,
    /// From so many frames on it is copied.
    pub(super) copied_from: u64,
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
    /// What was there has been copied beside the writer, so many times.
    Copied { times: u64 },
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
    /// Whether the writer waits for the copy that is under way. A disk or a machine on which copying
    /// does not keep up with writing must not let it grow without end. Behind a reader that stays the
    /// copy may be of all that has come since, for which nobody is to wait.
    fn waits(self, frames: Frames) -> bool {
        frames.written >= limits::WAL_FRAMES_MAX && !matches!(self, Self::Hindered { .. })
    }

    /// With so much in it, while nothing is being copied. It is copied from so many frames on.
    fn step(self, frames: Frames, copied_from: u64, is_idle: bool) -> Step {
        let open = frames.open();
        if open == 0 {
            return Step::Nothing;
        }
        // Under a load that leaves more each time than is little, it would be tried without end.
        let little = match self {
            Self::Copied { times } => limits::WAL_FRAMES_FINISHED * times,
            Self::Growing | Self::Hindered { .. } if is_idle => limits::WAL_FRAMES_FINISHED,
            Self::Growing | Self::Hindered { .. } => 0,
        };
        let is_due = match self {
            Self::Growing => open >= copied_from,
            Self::Copied { .. } => true,
            // Less than before: it has begun anew in between.
            Self::Hindered { at } => {
                frames.written.checked_sub(at).unwrap_or(frames.written) >= copied_from
            }
        };
        let is_too_long = frames.written >= limits::WAL_FRAMES_MAX;
        if open <= little || is_too_long && matches!(self, Self::Copied { .. }) {
            Step::Finish
        } else if is_due || is_idle {
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
    pub(super) fn of(database: &Path, index: Index, refused: Refused) -> Self {
        Self {
            file: super::wal_path(database),
            index,
            copier: Copier::of(database.to_owned(), refused.clone()),
            refused,
            copied_from: limits::WAL_FRAMES_COPIED_FROM,
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
    pub(super) const fn set_sync(&mut self, sync: copier::Sync) {
        self.copier.sync = sync;
    }

    #[cfg(test)]
    pub(super) const fn is_being_copied(&self) -> bool {
        self.copier.is_under_way()
    }

    /// Whether the disk has refused what was copied.
    pub(super) fn is_refused(&self) -> bool {
        self.refused.is_set()
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
        let ended = match self.phase.waits(self.frames()) {
            true => self.copier.wait(),
            false => self.copier.ended(),
        };
        if let Some(ended) = ended {
            self.copied_beside(ended, conn)?;
        }
        if self.copier.is_under_way() {
            return Ok(());
        }
        let frames = self.frames();
        match self.phase.step(frames, self.copied_from, is_idle) {
            // It was copied whole, but the file is too long, and its reader may have gone.
            Step::Nothing if is_idle && self.file_pages() >= self.cut_at => self.finish(conn),
            Step::Nothing => Ok(()),
            Step::Begin => match self.copier.begin() {
                Ok(()) => Ok(()),
                Err(why) => self.alone(&why, conn),
            },
            Step::Finish => self.finish(conn),
        }
    }

    fn copied_beside(
        &mut self,
        ended: Result<Checkpointed, LogFailure>,
        conn: &mut SqliteConnection,
    ) -> Result<(), LogFailure> {
        match ended {
            Ok(copied) if copied.is_whole() => {
                let times = match self.phase {
                    Phase::Copied { times } => times + 1,
                    Phase::Growing | Phase::Hindered { .. } => 1,
                };
                self.phase = Phase::Copied { times };
            }
            Ok(_) => {
                self.hindered();
                return self.cut_if_too_long(conn, false);
            }
            Err(broken @ LogFailure::Broken(_)) => return Err(broken),
            Err(passing) => return self.alone(&passing, conn),
        }
        Ok(())
    }

    /// Nothing is copied beside the writer, so it does it itself.
    fn alone(&mut self, why: &LogFailure, conn: &mut SqliteConnection) -> Result<(), LogFailure> {
        tracing::warn!(error = %why, "the log writer makes a checkpoint by itself");
        self.finish(conn)
    }

    /// Nobody writes meanwhile. A passive checkpoint waits for nobody; what a reader holds back is
    /// copied the next time.
    fn finish(&mut self, conn: &mut SqliteConnection) -> Result<(), LogFailure> {
        match passive(conn) {
            Ok(done) => {
                match done.is_whole() {
                    true => self.phase = Phase::Growing,
                    false => self.hindered(),
                }
                self.cut_if_too_long(conn, done.is_whole())
            }
            Err(why) => self.failed(&why),
        }
    }

    /// Whatever comes of it, the next attempt under load is a good many frames away.
    fn hindered(&mut self) {
        let at = self.frames().written;
        self.phase = Phase::Hindered { at };
    }

    fn failed(&mut self, why: &diesel::result::Error) -> Result<(), LogFailure> {
        self.hindered();
        match at_commit(why) {
            broken @ LogFailure::Broken(_) => Err(broken),
            passing => {
                tracing::warn!(error = %passing, "a checkpoint will be tried again");
                Ok(())
            }
        }
    }

    /// A file that has grown far past its bound is cut, which waits for readers for a moment: those
    /// who come and go are out of the way then, however many there are. While one stays, that is
    /// tried again when the file has doubled.
    fn cut_if_too_long(
        &mut self,
        conn: &mut SqliteConnection,
        is_whole: bool,
    ) -> Result<(), LogFailure> {
        let pages = self.file_pages();
        let is_told = pages < 2 * self.told_at;
        if pages < self.cut_at || is_told && !is_whole {
            return Ok(());
        }
        // With more than that somebody has been reading for long, and when he ends in just this
        // moment, all of it would be copied while nobody writes.
        let is_much = self.frames().open() > limits::WAL_FRAMES_MAX;
        match if is_much { Ok(false) } else { cut(conn) } {
            Ok(true) => (self.phase, self.told_at) = (Phase::Growing, 0),
            Ok(false) if is_told => {}
            Ok(false) => self.tell(pages),
            Err(why) => return self.failed(&why),
        }
        Ok(())
    }

    /// Says that somebody keeps the file from being used again: once, and when it has doubled.
    fn tell(&mut self, pages: u64) {
        self.told_at = pages;
        tracing::warn!(
            mebibytes = (pages * PAGE_BYTES) >> 20,
            "the write-ahead log grows: something has been reading the database for a long time, a \
             backup, or another program in one transaction"
        );
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
