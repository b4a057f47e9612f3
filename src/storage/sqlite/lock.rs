//! One server for one data folder, and for one database.

use std::fs::{File, OpenOptions, TryLockError};
use std::path::{Path, PathBuf};

use crate::storage::OpenError;

const LOCK_FILE: &str = "server.lock";

/// A lock on a data folder or a database, held for as long as it lives. The lock is on a file of its own, so that
/// readers and backups of the database are not kept out.
#[derive(Debug)]
pub struct DataLock {
    _file: File,
}

impl DataLock {
    /// Takes the lock of a data folder, or says who has it.
    ///
    /// # Errors
    /// When another server holds it, or the folder cannot be used.
    pub fn of_folder(data_dir: &Path) -> Result<Self, OpenError> {
        Self::acquire(data_dir.join(LOCK_FILE), data_dir)
    }

    /// Takes the lock of a database, which need not be in the data folder.
    ///
    /// # Errors
    /// When another server holds it, or its folder cannot be used.
    pub fn of_database(file: &Path) -> Result<Self, OpenError> {
        let mut lock = file.as_os_str().to_owned();
        lock.push(".lock");
        Self::acquire(lock.into(), file)
    }

    fn acquire(path: PathBuf, what: &Path) -> Result<Self, OpenError> {
        let opened = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .open(&path);
        let file = opened.map_err(|why| OpenError::Path {
            path: path.clone(),
            why,
        })?;
        match file.try_lock() {
            Ok(()) => Ok(Self { _file: file }),
            Err(TryLockError::WouldBlock) => Err(OpenError::InUse(what.to_owned())),
            Err(TryLockError::Error(why)) => Err(OpenError::Path { path, why }),
        }
    }
}
