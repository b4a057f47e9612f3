//! A log written once more, into a database of its own that nobody keeps.

use std::path::Path;

use bridge_core::Epoch;
use bridge_core::owner::Answer;
use bridge_core::ports::{Append, Log, LogFailure};
use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use tempfile::TempDir;

use super::statements::view::DatabaseView;
use super::{FILE_NAME, SqliteLog, open, view};
use crate::storage::OpenError;
use crate::storage::schema::streams;
use crate::storage::view::StreamRow;

/// Written by the code that writes the real ones. The streams have the numbers that they have in
/// the original, so that both can be compared row by row.
pub(in crate::storage) struct Replay {
    folder: TempDir,
    log: SqliteLog,
}

impl Replay {
    /// An empty one, in a folder of its own inside this one.
    ///
    /// # Errors
    /// When it cannot be made.
    pub(in crate::storage) fn begin(scratch: &Path, epoch: Epoch) -> Result<Self, OpenError> {
        let folder = tempfile::tempdir_in(scratch).map_err(|why| OpenError::Path {
            path: scratch.to_owned(),
            why,
        })?;
        let file = folder.path().join(FILE_NAME);
        let failed = |why: diesel::result::Error| OpenError::Database {
            path: file.clone(),
            why: why.to_string(),
        };
        let mut log = open(&file, epoch)?.log;
        // Nobody reads it after a crash.
        log.conn
            .batch_execute("PRAGMA synchronous = OFF; PRAGMA wal_autocheckpoint = 1000")
            .map_err(failed)?;
        Ok(Self { folder, log })
    }

    /// Makes a stream, under its number in the original.
    ///
    /// # Errors
    /// When there is no room, or another stream has that name or number.
    pub(in crate::storage) fn create(&mut self, stream: &StreamRow) -> QueryResult<()> {
        let row = (
            streams::id.eq(stream.id),
            streams::kind.eq(&stream.kind),
            streams::name.eq(&stream.name),
            streams::name_folded.eq(&stream.name_folded),
        );
        diesel::insert_into(streams::table)
            .values(row)
            .execute(&mut self.log.conn)
            .map(drop)
    }

    /// Writes records, and what follows from them.
    ///
    /// # Errors
    /// When the batch as a whole could not be written.
    pub(in crate::storage) fn append(
        &mut self,
        batch: &[&Append],
    ) -> Result<Vec<Answer>, LogFailure> {
        self.log.append(batch)
    }

    /// What has come of it. It is gone with this.
    ///
    /// # Errors
    /// When it cannot be read.
    pub(in crate::storage) fn view(&self) -> Result<DatabaseView, OpenError> {
        view(&self.folder.path().join(FILE_NAME))
    }
}
