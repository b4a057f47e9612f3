//! Backups of a running server's database: a copy, made beside it, that is sent away.
//!
//! The copy is a file in the data folder for as long as somebody takes it, and goes with that. One
//! that a crash has left goes with the next start.

mod seal;

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bridge_core::limits;
use bytes::Bytes;
use futures_util::{Stream, stream};
use tokio::sync::oneshot;

use crate::permits::{Permit, Permits};

pub use seal::{SEAL_BYTES, Seal, Sealing, WrongSeal};

/// The folder of the copy, inside the data folder.
const FOLDER: &str = "backup.tmp";
/// The copy's name in it.
const COPY: &str = "copy.sqlite3";

/// A database that can be copied while it is written to.
pub trait CopyDatabase: Send + Sync {
    /// About how many bytes it has.
    fn bytes(&self) -> u64;

    /// Copies it, as of one moment, into this file, which is there and empty. It may take long, and
    /// holds up nobody who writes.
    ///
    /// # Errors
    /// When it did not come to its end.
    fn copy_to(&self, file: &Path) -> Result<(), CopyFailure>;
}

/// Why a database was not copied.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CopyFailure {
    /// There is no room for the copy.
    #[error("there is no room for a copy: {0}")]
    Full(String),
    /// Anything else.
    #[error("{0}")]
    Failed(String),
}

/// Why there is no backup.
#[derive(Debug, thiserror::Error)]
pub enum NoBackup {
    /// The database has its own tools for this.
    #[error("this server's database has tools of its own for backups")]
    OwnTools,
    /// There is one at a time.
    #[error("another backup is under way")]
    UnderWay,
    /// It failed.
    #[error(transparent)]
    Failed(#[from] CopyFailure),
}

/// Makes backups, one at a time.
#[derive(Clone)]
pub struct Backups {
    source: Option<Arc<dyn CopyDatabase>>,
    folder: PathBuf,
    places: Permits,
}

impl std::fmt::Debug for Backups {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Backups")
            .field("folder", &self.folder)
            .finish_non_exhaustive()
    }
}

impl Backups {
    /// Backups of this database, if it is one that is copied by us. What an earlier process has left
    /// in the data folder is taken away.
    ///
    /// # Errors
    /// When what was left cannot be taken away.
    pub fn new(source: Option<Arc<dyn CopyDatabase>>, data_dir: &Path) -> std::io::Result<Self> {
        let folder = data_dir.join(FOLDER);
        if folder.exists() {
            tracing::info!(folder = %folder.display(), "taking away a backup that was not finished");
            std::fs::remove_dir_all(&folder)?;
        }
        Ok(Self {
            source,
            folder,
            places: Permits::new(limits::BACKUPS_AT_ONCE_MAX, 0),
        })
    }

    /// Copies the database. The work is done on a thread of its own, which a server that stops does
    /// not wait for.
    ///
    /// # Errors
    /// When the database has its own tools, another backup is under way, or it failed.
    pub async fn make(&self) -> Result<Backup, NoBackup> {
        let source = self.source.clone().ok_or(NoBackup::OwnTools)?;
        let place = self.places.acquire(0).ok_or(NoBackup::UnderWay)?;
        let folder = self.folder.clone();
        let (done, is_done) = oneshot::channel();
        let work = move || {
            let made = copy(&*source, folder, place);
            // Whoever asked may have left; then the copy goes with this.
            drop(done.send(made));
        };
        let failed = |why: String| NoBackup::Failed(CopyFailure::Failed(why));
        std::thread::Builder::new()
            .name("backup".to_owned())
            .spawn(work)
            .map_err(|why| failed(why.to_string()))?;
        let made = is_done.await;
        let made = made.map_err(|_| failed("the thread that copies is gone".to_owned()))?;
        made.map_err(NoBackup::Failed)
    }
}

fn copy(source: &dyn CopyDatabase, folder: PathBuf, place: Permit) -> Result<Backup, CopyFailure> {
    let broken = |why: std::io::Error| match why.kind() {
        std::io::ErrorKind::StorageFull => CopyFailure::Full(why.to_string()),
        _ => CopyFailure::Failed(why.to_string()),
    };
    let folder = Folder::make(folder).map_err(broken)?;
    let (needed, free) = (source.bytes(), folder.free_bytes().map_err(broken)?);
    if free < needed.saturating_add(limits::BACKUP_SPARE_BYTES) {
        let why = format!("the database has {needed} bytes, and {free} are free");
        return Err(CopyFailure::Full(why));
    }
    let path = folder.0.join(COPY);
    make_private(&path).map_err(broken)?;
    source.copy_to(&path)?;
    let file = File::open(&path).map_err(broken)?;
    let bytes = file.metadata().map_err(broken)?.len();
    Ok(Backup {
        file,
        bytes,
        sealing: Some(Sealing::default()),
        left: bytes,
        _folder: folder,
        _place: place,
    })
}

/// Readable by its owner only: it holds every message.
fn make_private(path: &Path) -> std::io::Result<()> {
    let mut options = std::fs::OpenOptions::new();
    options.create_new(true).write(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path).map(drop)
}

/// A folder that goes when nobody needs it any more, with everything in it.
#[derive(Debug)]
struct Folder(PathBuf);

impl Folder {
    fn make(path: PathBuf) -> std::io::Result<Self> {
        let mut builder = std::fs::DirBuilder::new();
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        builder.create(&path)?;
        Ok(Self(path))
    }

    /// Bytes that whoever runs this may still write to its disk.
    fn free_bytes(&self) -> std::io::Result<u64> {
        let disk = rustix::fs::statvfs(&self.0)?;
        Ok(disk.f_bavail.saturating_mul(disk.f_frsize))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        if let Err(why) = std::fs::remove_dir_all(&self.0) {
            tracing::warn!(
                folder = %self.0.display(), error = %why,
                "a copy of the database stays until the next start"
            );
        }
    }
}

/// A copy of the database, sealed. It is gone when this is.
#[derive(Debug)]
pub struct Backup {
    file: File,
    bytes: u64,
    left: u64,
    sealing: Option<Sealing>,
    _folder: Folder,
    _place: Permit,
}

impl Backup {
    /// How many bytes it has, with its seal.
    #[must_use]
    pub const fn bytes(&self) -> u64 {
        self.bytes + SEAL_BYTES as u64
    }

    /// Its bytes, and its seal behind them. They are read when they are asked for.
    pub fn into_chunks(self) -> impl Stream<Item = std::io::Result<Bytes>> {
        stream::unfold(Some(self), |backup| async {
            let reading = tokio::task::spawn_blocking(move || {
                let mut backup = backup?;
                match backup.next_chunk() {
                    Ok(Some(chunk)) => Some((Ok(chunk), Some(backup))),
                    Ok(None) => None,
                    Err(why) => Some((Err(why), None)),
                }
            });
            match reading.await {
                Ok(next) => next,
                Err(why) => Some((Err(std::io::Error::other(why)), None)),
            }
        })
    }

    fn next_chunk(&mut self) -> std::io::Result<Option<Bytes>> {
        if self.left == 0 {
            let sealing = self.sealing.take();
            return Ok(sealing.map(|sealing| Bytes::from(sealing.end().to_text().into_bytes())));
        }
        let most = limits::FILE_CHUNK_BYTES as u64;
        let mut chunk = vec![0; usize::try_from(self.left.min(most)).unwrap_or_default()];
        self.file.read_exact(&mut chunk)?;
        self.left -= chunk.len() as u64;
        if let Some(sealing) = &mut self.sealing {
            sealing.add(&chunk);
        }
        Ok(Some(chunk.into()))
    }
}

#[cfg(test)]
mod tests;
