//! Where a server keeps everything.

use std::path::{Path, PathBuf};

use tempfile::TempDir;

use crate::user::User;

/// A folder that goes with its server, or one that stays.
#[derive(Debug)]
pub(crate) enum Folder {
    Temporary(TempDir),
    Kept(PathBuf),
}

impl Folder {
    /// A new one beneath `place`.
    pub(crate) fn temporary(place: &Path, user: User) -> Result<Self, String> {
        let folder = tempfile::Builder::new()
            .prefix("postgres-")
            .tempdir_in(place);
        let folder = folder.map_err(|why| format!("{}: {why}", place.display()))?;
        user.take(folder.path())?;
        Ok(Self::Temporary(folder))
    }

    /// This one, made when it is missing.
    pub(crate) fn kept(folder: &Path, user: User) -> Result<Self, String> {
        let made = std::fs::create_dir_all(folder);
        made.map_err(|why| format!("{}: {why}", folder.display()))?;
        user.take(folder)?;
        Ok(Self::Kept(folder.to_owned()))
    }

    pub(crate) fn path(&self) -> &Path {
        match self {
            Self::Temporary(folder) => folder.path(),
            Self::Kept(folder) => folder,
        }
    }

    /// Where the database's files are.
    pub(crate) fn data(&self) -> PathBuf {
        self.path().join("data")
    }
}
