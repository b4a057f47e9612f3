//! Copies of a database file: made beside a running server, and made ready to be one's database.

use std::path::{Path, PathBuf};

use bridge_core::Epoch;
use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::sql_types::Text;
use diesel::sqlite::SqliteConnection;

use super::statements::counters;
use super::statements::migrate::migrate;
use super::{WRITER_WAITS, open_writer, url, wait_for_others, wal_path};
use crate::backups::{CopyDatabase, CopyFailure};
use crate::storage::OpenError;
use crate::storage::error::before_commit;
use bridge_core::ports::LogFailure;

/// Copies a database while it is written to.
#[derive(Debug, Clone)]
pub struct Copier {
    path: PathBuf,
}

impl Copier {
    /// One that copies this file.
    pub(in crate::storage) const fn new(path: PathBuf) -> Self {
        Self { path }
    }
}

impl CopyDatabase for Copier {
    fn bytes(&self) -> u64 {
        let bytes = |path: &Path| std::fs::metadata(path).map_or(0, |file| file.len());
        bytes(&self.path) + bytes(&wal_path(&self.path))
    }

    /// By a connection of its own, so that neither the writer nor those who read wait for it. What is
    /// committed while it copies is not in the copy.
    fn copy_to(&self, file: &Path) -> Result<(), CopyFailure> {
        let failed = |why: String| CopyFailure::Failed(why);
        let name = |path| url(path).map_err(|why| failed(why.to_string()));
        let mut conn = SqliteConnection::establish(name(&self.path)?)
            .map_err(|why| failed(why.to_string()))?;
        wait_for_others(&mut conn, WRITER_WAITS).map_err(|why| failed(why.to_string()))?;
        let copied = diesel::sql_query("VACUUM INTO ?")
            .bind::<Text, _>(name(file)?)
            .execute(&mut conn);
        copied.map(drop).map_err(|why| match before_commit(&why) {
            LogFailure::Full(why) => CopyFailure::Full(why),
            other => failed(other.to_string()),
        })
    }
}

/// Brings the schema of a copy up to date, and begins another life of its log. The epoch before is
/// returned. Nothing but the file itself is left.
///
/// # Errors
/// When it is no database of ours, is newer than this program, or cannot be written.
pub(in crate::storage) fn bring_up_to_date(
    copy: &Path,
    new_epoch: Epoch,
) -> Result<Epoch, OpenError> {
    let failed = |why: String| OpenError::Database {
        path: copy.to_owned(),
        why,
    };
    let mut conn =
        SqliteConnection::establish(url(copy)?).map_err(|why| failed(why.to_string()))?;
    conn.batch_execute("PRAGMA journal_mode = DELETE; PRAGMA synchronous = FULL")
        .map_err(|why| failed(why.to_string()))?;
    // Asked first: a migration would make a database of ours out of any file.
    counters::read_epoch(&mut conn).map_err(failed)?;
    migrate(&mut conn, failed)?;
    counters::renew_epoch(&mut conn, new_epoch).map_err(failed)
}

/// Begins another life of the log of a database that no server uses. The epoch before is returned.
///
/// # Errors
/// When it is no database of ours, or cannot be written.
pub(in crate::storage) fn renew_epoch_of(
    path: &Path,
    new_epoch: Epoch,
) -> Result<Epoch, OpenError> {
    let mut conn = open_writer(path)?;
    let none = |why: String| OpenError::NoDatabase {
        place: path.display().to_string(),
        why,
    };
    counters::read_epoch(&mut conn).map_err(none)?;
    counters::renew_epoch(&mut conn, new_epoch).map_err(|why| OpenError::Database {
        path: path.to_owned(),
        why,
    })
}
