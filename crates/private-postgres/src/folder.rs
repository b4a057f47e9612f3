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
        let failed = |why| format!("{}: {why}", folder.display());
        std::fs::create_dir_all(folder).map_err(failed)?;
        user.take(folder)?;
        // The programs run in it, where a relative path would lead elsewhere.
        folder.canonicalize().map(Self::Kept).map_err(failed)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kept_folder_is_made_and_its_path_is_whole() {
        let user = User::for_a_server().expect("a user");
        let place = tempfile::tempdir_in(".").expect("a folder");
        let name = place.path().file_name().expect("a name");
        let folder = Folder::kept(&Path::new(name).join("kept"), user).expect("a kept folder");
        assert!(folder.path().is_absolute() && folder.path().is_dir());
        drop(folder);
        assert!(place.path().join("kept").is_dir(), "it stays");
    }
}
