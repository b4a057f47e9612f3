//! Opening whichever database was chosen.

use std::path::PathBuf;
use std::sync::Arc;

use bridge_core::ports::{Log, Store};
use bridge_core::{Epoch, limits};

use super::OpenError;
use super::keep::Keep;
use super::postgres::{self, Place};
use super::sqlite::{self, Copier, DataLock};
use super::view::View;
use crate::backups::CopyDatabase;

/// Which database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Which {
    /// A file.
    Sqlite(PathBuf),
    /// A server.
    Postgres(Place),
}

/// Makes the writing side again, after the one before was dropped.
pub type Reopen = Box<dyn FnMut() -> Result<Box<dyn Log>, OpenError> + Send>;

/// An open database, whichever it is.
pub struct Opened {
    /// For the log writer's thread.
    pub log: Box<dyn Log>,
    /// For everybody else.
    pub store: Arc<dyn Store>,
    /// Makes the writing side again.
    pub reopen: Reopen,
    /// Keeps other servers away, for as long as it lives.
    pub lock: Option<DataLock>,
    /// Copies it, if that is not left to tools of its own.
    pub copier: Option<Arc<dyn CopyDatabase>>,
}

impl std::fmt::Debug for Opened {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Opened")
    }
}

impl Which {
    /// Opens it, makes what is missing, and brings its schema up to date. `new_epoch` is used when
    /// it is new. Another server on the same file is an error; one on the same PostgreSQL database
    /// is waited for, and `stands_by` is called once.
    ///
    /// # Errors
    /// When it cannot be used, is newer than this program, or refuses a setting that durability
    /// needs.
    pub fn open(&self, new_epoch: Epoch, stands_by: impl FnOnce()) -> Result<Opened, OpenError> {
        self.open_to_serve(new_epoch, limits::WAL_FRAMES_COPIED_FROM, stands_by)
    }

    /// The same. SQLite's write-ahead log is copied into the database from so many frames on.
    ///
    /// # Errors
    /// As for [`Self::open`].
    pub fn open_to_serve(
        &self,
        new_epoch: Epoch,
        wal_copied_from: u64,
        stands_by: impl FnOnce(),
    ) -> Result<Opened, OpenError> {
        match self {
            Self::Sqlite(file) => {
                let lock = DataLock::of_database(file)?;
                let opened = sqlite::open(file, new_epoch)?.copied_from(wal_copied_from);
                Ok(Opened::of_sqlite(opened, lock, file.clone()))
            }
            Self::Postgres(place) => {
                let opened = postgres::open(place.clone(), new_epoch, stands_by)?;
                Ok(Opened::of_postgres(opened))
            }
        }
    }
}

impl Opened {
    fn of_sqlite(opened: sqlite::Opened, lock: DataLock, file: PathBuf) -> Self {
        let reopen = opened.reopen;
        Self {
            log: Box::new(opened.log),
            store: Arc::new(opened.store),
            reopen: Box::new(move || Ok(Box::new(reopen.log()?))),
            lock: Some(lock),
            copier: Some(Arc::new(Copier::new(file))),
        }
    }

    fn of_postgres(opened: postgres::Opened) -> Self {
        let reopen = opened.reopen;
        Self {
            log: Box::new(opened.log),
            store: Arc::new(opened.store),
            reopen: Box::new(move || Ok(Box::new(reopen.log()?))),
            lock: None,
            copier: None,
        }
    }
}

impl Which {
    /// The whole database as of now, also while a server writes to it. Nothing is changed.
    pub(super) fn view(&self) -> Result<Box<dyn View>, OpenError> {
        match self {
            Self::Sqlite(file) => Ok(Box::new(sqlite::view(file)?)),
            Self::Postgres(place) => Ok(Box::new(postgres::view(place)?)),
        }
    }

    /// Opens it for an import, if it is empty and no server uses it.
    pub(super) fn open_for_import(&self, new_epoch: Epoch) -> Result<Opened, OpenError> {
        match self {
            Self::Sqlite(file) => {
                let lock = DataLock::of_database(file)?;
                let opened = sqlite::open_for_import(file, new_epoch)?;
                Ok(Opened::of_sqlite(opened, lock, file.clone()))
            }
            Self::Postgres(place) => {
                let opened = postgres::open_for_import(place.clone(), new_epoch)?;
                Ok(Opened::of_postgres(opened))
            }
        }
    }

    /// What an import needs beside the log.
    pub(super) fn keeper(&self) -> Result<Box<dyn Keep>, OpenError> {
        match self {
            Self::Sqlite(file) => Ok(Box::new(sqlite::keeper(file)?)),
            Self::Postgres(place) => Ok(Box::new(postgres::keeper(place)?)),
        }
    }

    /// Begins another life of the log, in place: after a database was put back by its own tools.
    /// The epoch before is returned.
    ///
    /// # Errors
    /// When there is no database of ours, a server uses it, or it cannot be written.
    pub fn begin_new_epoch(&self, new_epoch: Epoch) -> Result<Epoch, OpenError> {
        match self {
            Self::Sqlite(file) => {
                if !file.exists() {
                    return Err(OpenError::NoDatabase {
                        place: self.to_string(),
                        why: "there is no such file".to_owned(),
                    });
                }
                let _lock = DataLock::of_database(file)?;
                sqlite::renew_epoch_of(file, new_epoch)
            }
            Self::Postgres(place) => postgres::begin_new_epoch(place, new_epoch),
        }
    }
}

impl std::fmt::Display for Which {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Sqlite(file) => file.display().fmt(f),
            Self::Postgres(place) => place.fmt(f),
        }
    }
}
