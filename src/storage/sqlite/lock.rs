//! One server for one data folder.

use std::fs::{File, OpenOptions, TryLockError};
use std::path::Path;

use crate::storage::OpenError;

const LOCK_FILE: &str = "server.lock";

/// A lock on a data folder, held for as long as it lives. The lock is on a file of its own, so that
/// readers and backups of the database are not kept out.
#[derive(Debug)]
pub struct DataLock {
    _file: File,
}

impl DataLock {
    /// Takes the lock, or says who has it.
    ///
    /// # Errors
    /// When another server holds it, or the folder cannot be used.
    pub fn acquire(data_dir: &Path) -> Result<Self, OpenError> {
        let path = data_dir.join(LOCK_FILE);
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
            Err(TryLockError::WouldBlock) => Err(OpenError::InUse(data_dir.to_owned())),
            Err(TryLockError::Error(why)) => Err(OpenError::Path { path, why }),
        }
    }
}
