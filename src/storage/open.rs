//! Opening whichever database was chosen.

use std::path::PathBuf;
use std::sync::Arc;

use bridge_core::Epoch;
use bridge_core::ports::{Log, Store};

use super::OpenError;
use super::postgres::{self, Place};
use super::sqlite::{self, DataLock};

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
        match self {
            Self::Sqlite(file) => {
                let lock = DataLock::of_database(file)?;
                let opened = sqlite::open(file, new_epoch)?;
                let reopen = opened.reopen;
                Ok(Opened {
                    log: Box::new(opened.log),
                    store: Arc::new(opened.store),
                    reopen: Box::new(move || Ok(Box::new(reopen.log()?))),
                    lock: Some(lock),
                })
            }
            Self::Postgres(place) => {
                let opened = postgres::open(place.clone(), new_epoch, stands_by)?;
                let reopen = opened.reopen;
                Ok(Opened {
                    log: Box::new(opened.log),
                    store: Arc::new(opened.store),
                    reopen: Box::new(move || Ok(Box::new(reopen.log()?))),
                    lock: None,
                })
            }
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
