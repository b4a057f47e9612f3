//! Backups as files: checking one, and making a database of it.

use std::fs::{File, OpenOptions};
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use bridge_core::{Epoch, limits};

use super::OpenError;
use super::sqlite::{DataLock, bring_up_to_date};
use super::verify::{self, Depth, Progress, Report, VerifyError};
use crate::backups::{SEAL_BYTES, Sealing, WrongSeal};

/// Why a backup is not good, or could not be made a database of.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    /// A file or folder cannot be used.
    #[error("cannot use {path}: {why}")]
    File {
        /// Which.
        path: PathBuf,
        /// What the system says.
        why: std::io::Error,
    },
    /// It is no backup, or not the one that was made.
    #[error("{path}: {why}")]
    Seal {
        /// Which file.
        path: PathBuf,
        /// What is wrong.
        why: WrongSeal,
    },
    /// There is something where the database would be.
    #[error(
        "there is a database in the way: {0}; restore into an empty folder, or move it away \
         yourself"
    )]
    InTheWay(PathBuf),
    /// It could not be checked.
    #[error(transparent)]
    Verify(#[from] VerifyError),
    /// It could not be opened.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// It was checked, and something is wrong with it.
    #[error("{path}: {first} ({total} findings in all)")]
    Wrong {
        /// Which file.
        path: PathBuf,
        /// What was found first.
        first: String,
        /// How much was found.
        total: u64,
    },
}

fn broken(path: &Path) -> impl Fn(std::io::Error) -> BackupError {
    move |why| BackupError::File {
        path: path.to_owned(),
        why,
    }
}

/// Looks at every byte of a backup, and passes on those in front of its seal.
fn unseal(
    path: &Path,
    mut pass_on: impl FnMut(&[u8]) -> Result<(), BackupError>,
) -> Result<(), BackupError> {
    let broken = broken(path);
    let wrong = |why| BackupError::Seal {
        path: path.to_owned(),
        why,
    };
    let mut file = File::open(path).map_err(&broken)?;
    let length = file.seek(SeekFrom::End(0)).map_err(&broken)?;
    let mut left = length
        .checked_sub(SEAL_BYTES as u64)
        .ok_or_else(|| wrong(WrongSeal::None))?;
    file.rewind().map_err(&broken)?;
    let mut sealing = Sealing::default();
    let mut chunk = vec![0; limits::FILE_CHUNK_BYTES];
    while left > 0 {
        let most = usize::try_from(left).unwrap_or(usize::MAX).min(chunk.len());
        let part = &mut chunk[..most];
        file.read_exact(part).map_err(&broken)?;
        sealing.add(part);
        pass_on(part)?;
        left -= most as u64;
    }
    let mut end = Vec::with_capacity(SEAL_BYTES);
    file.read_to_end(&mut end).map_err(&broken)?;
    sealing.end().check(&end).map_err(wrong)
}

/// Checks a backup: its seal, and then what is in it.
///
/// # Errors
/// When its seal is not good, or it could not be checked. What else is wrong is in the report.
pub fn check(path: &Path, depth: &Depth, progress: Progress<'_>) -> Result<Report, BackupError> {
    unseal(path, |_| Ok(()))?;
    Ok(verify::file(path, depth, progress)?)
}

/// What came of a restore.
#[derive(Debug)]
pub struct Restored {
    /// What is in it now.
    pub report: Report,
    /// The life of the log in which the backup was made.
    pub before: Epoch,
}

/// Makes a database of a backup, in another life of its log. The folder of the database must be one
/// that no server uses, and have none.
///
/// # Errors
/// When the backup is not good, there is a database, or a server runs there. Then nothing is left.
pub fn restore(
    backup: &Path,
    database: &Path,
    new_epoch: Epoch,
    progress: Progress<'_>,
) -> Result<Restored, BackupError> {
    let _lock = DataLock::of_database(database)?;
    let beside = |end: &str| {
        let mut name = database.as_os_str().to_owned();
        name.push(end);
        PathBuf::from(name)
    };
    // A write-ahead log without its database would be taken for that of the new one.
    for taken in [database.to_owned(), beside("-wal"), beside("-journal")] {
        if taken.exists() {
            return Err(BackupError::InTheWay(taken));
        }
    }
    let copy = Unfinished(beside(".restoring"));
    copy.fill_from(backup)?;
    let before = bring_up_to_date(&copy.0, new_epoch)?;
    let report = verify::file(&copy.0, &Depth::Log, progress)?;
    if let Some(first) = report.findings.kept().first() {
        return Err(BackupError::Wrong {
            path: backup.to_owned(),
            first: first.to_string(),
            total: report.findings.total(),
        });
    }
    let synced = File::open(&copy.0).and_then(|file| file.sync_all());
    synced.map_err(broken(&copy.0))?;
    std::fs::rename(&copy.0, database).map_err(broken(database))?;
    sync_folder_of(database).map_err(broken(database))?;
    Ok(Restored { report, before })
}

/// A file on its way to be a database. What is left of it goes when this does.
struct Unfinished(PathBuf);

impl Unfinished {
    fn fill_from(&self, backup: &Path) -> Result<(), BackupError> {
        let mut options = OpenOptions::new();
        options.create(true).truncate(true).write(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let broken = broken(&self.0);
        let mut file = options.open(&self.0).map_err(&broken)?;
        unseal(backup, |bytes| file.write_all(bytes).map_err(&broken))
    }
}

impl Drop for Unfinished {
    fn drop(&mut self) {
        if self.0.exists()
            && let Err(why) = std::fs::remove_file(&self.0)
        {
            tracing::warn!(file = %self.0.display(), error = %why, "it stays");
        }
    }
}

/// Makes what was renamed in a folder outlast a power cut.
///
/// # Errors
/// When the system cannot.
pub fn sync_folder_of(file: &Path) -> std::io::Result<()> {
    let folder = file
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty());
    File::open(folder.unwrap_or(Path::new(".")))?.sync_all()
}
