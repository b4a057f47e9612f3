//! Backups as files: checking one, and making a database of it.

use std::fs::{File, OpenOptions};
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use bridge_core::{Epoch, limits};

use super::sqlite::{DataLock, bring_up_to_date};
use super::verify::{self, Depth, Report, VerifyError};
use super::{OpenError, Progress, Stopped};
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
    Verify(VerifyError),
    /// It was to end.
    #[error(transparent)]
    Stopped(#[from] Stopped),
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

impl From<VerifyError> for BackupError {
    fn from(why: VerifyError) -> Self {
        match why {
            VerifyError::Stopped(stopped) => Self::Stopped(stopped),
            why => Self::Verify(why),
        }
    }
}

fn broken(path: &Path) -> impl Fn(std::io::Error) -> BackupError {
    move |why| BackupError::File {
        path: path.to_owned(),
        why,
    }
}

/// Looks at every byte of a backup, and passes on those in front of its seal. `progress` counts them.
fn unseal(
    path: &Path,
    mut pass_on: impl FnMut(&[u8]) -> Result<(), BackupError>,
    progress: Progress<'_>,
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
    let total = left;
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
        progress(total - left, total)?;
    }
    let mut end = Vec::with_capacity(SEAL_BYTES);
    file.read_to_end(&mut end).map_err(&broken)?;
    sealing.end().check(&end).map_err(wrong)
}

/// Checks a backup: its seal, and then what is in it. `progress` counts bytes and then records.
///
/// # Errors
/// When its seal is not good, or it could not be checked. What else is wrong is in the report.
pub fn check(path: &Path, depth: &Depth, progress: Progress<'_>) -> Result<Report, BackupError> {
    unseal(path, |_| Ok(()), progress)?;
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
/// that no server uses, and have none. `copying` counts bytes, `checking` records.
///
/// # Errors
/// When the backup is not good, there is a database, a server runs there, or it was to end. Then
/// nothing is left.
pub fn restore(
    backup: &Path,
    database: &Path,
    new_epoch: Epoch,
    copying: Progress<'_>,
    checking: Progress<'_>,
) -> Result<Restored, BackupError> {
    let _lock = DataLock::of_database(database)?;
    // A write-ahead log without its database would be taken for that of the new one.
    let in_the_way = ["", "-wal", "-journal"].map(|end| beside(database, end));
    if let Some(taken) = in_the_way.into_iter().find(|file| file.exists()) {
        return Err(BackupError::InTheWay(taken));
    }
    let copy = Unfinished(beside(database, ".restoring"));
    // Another attempt may have been killed. Its journal would be rolled back into this copy.
    copy.clear().map_err(broken(&copy.0))?;
    copy.fill_from(backup, copying)?;
    let before = bring_up_to_date(&copy.0, new_epoch)?;
    let report = verify::file(&copy.0, &Depth::Log, checking)?;
    if let Some(first) = report.findings.kept().first() {
        return Err(BackupError::Wrong {
            path: backup.to_owned(),
            first: first.to_string(),
            total: report.findings.total(),
        });
    }
    let synced = File::open(&copy.0).and_then(|file| file.sync_all());
    synced.map_err(broken(&copy.0))?;
    checking(report.records, report.records)?;
    std::fs::rename(&copy.0, database).map_err(broken(database))?;
    sync_folder_of(database).map_err(broken(database))?;
    Ok(Restored { report, before })
}

/// A file with this name and more behind it.
fn beside(file: &Path, end: &str) -> PathBuf {
    let mut name = file.as_os_str().to_owned();
    name.push(end);
    PathBuf::from(name)
}

/// A file on its way to be a database. What is left of it goes when this does.
struct Unfinished(PathBuf);

impl Unfinished {
    /// Removes it, with what SQLite keeps beside it.
    fn clear(&self) -> std::io::Result<()> {
        for end in ["-journal", "-wal", "-shm", ""] {
            match std::fs::remove_file(beside(&self.0, end)) {
                Err(why) if why.kind() != std::io::ErrorKind::NotFound => return Err(why),
                Ok(()) | Err(_) => {}
            }
        }
        Ok(())
    }

    fn fill_from(&self, backup: &Path, progress: Progress<'_>) -> Result<(), BackupError> {
        let mut options = OpenOptions::new();
        options.create_new(true).write(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let broken = broken(&self.0);
        let mut file = options.open(&self.0).map_err(&broken)?;
        let pass_on = |bytes: &[u8]| file.write_all(bytes).map_err(&broken);
        unseal(backup, pass_on, progress)
    }
}

impl Drop for Unfinished {
    fn drop(&mut self) {
        if let Err(why) = self.clear() {
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
