//! The key that signs tokens: made at the first start, readable by its owner only, never logged.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use crate::hex;

/// The key's file in the data folder.
pub const KEY_FILE: &str = "signing.key";
const KEY_BYTES: usize = 32;

/// A signing key. It does not show itself.
#[derive(Clone)]
pub struct SigningKey([u8; KEY_BYTES]);

impl std::fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SigningKey(…)")
    }
}

/// Why there is no key.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// The file cannot be read or written.
    #[error("cannot use the signing key {path}: {why}")]
    File {
        /// Which file.
        path: PathBuf,
        /// What the system says.
        why: io::Error,
    },
    /// What stands in the file is no key.
    #[error(
        "{0} is not a signing key; restore it from a backup, or delete it to make a new one \
             (every token made with it is then worthless)"
    )]
    NotAKey(PathBuf),
    /// Others may read the file.
    #[error("the signing key {0} can be read by others; run `chmod 600` on it")]
    Exposed(PathBuf),
}

impl SigningKey {
    /// The key of a data folder, made when there is none.
    ///
    /// # Errors
    /// When it cannot be read or made, is no key, or can be read by others.
    pub fn load_or_create(data_dir: &Path) -> Result<Self, KeyError> {
        let path = data_dir.join(KEY_FILE);
        let failed = |why| KeyError::File {
            path: path.clone(),
            why,
        };
        if !path.try_exists().map_err(failed)? {
            create(data_dir, &path).map_err(failed)?;
        }
        check_private(&path)?;
        let text = fs::read_to_string(&path).map_err(failed)?;
        hex::bytes(text.trim())
            .map(Self)
            .ok_or(KeyError::NotAKey(path))
    }

    pub(super) const fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

/// Writes a new key beside its place and moves it there whole, so that neither a crash nor a
/// second process at the same moment leaves half of one.
fn create(data_dir: &Path, path: &Path) -> io::Result<()> {
    let mut key = [0; KEY_BYTES];
    getrandom::fill(&mut key).map_err(io::Error::other)?;
    let mut file = tempfile::NamedTempFile::new_in(data_dir)?;
    writeln!(file, "{}", hex::text(&key))?;
    file.as_file().sync_all()?;
    match file.persist_noclobber(path) {
        Ok(_) => Ok(()),
        Err(taken) if taken.error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        Err(why) => Err(why.error),
    }
}

#[cfg(unix)]
fn check_private(path: &Path) -> Result<(), KeyError> {
    use std::os::unix::fs::PermissionsExt;
    let found = fs::metadata(path)
        .map_err(|why| KeyError::File {
            path: path.to_owned(),
            why,
        })?
        .permissions()
        .mode();
    if found & 0o077 == 0 {
        Ok(())
    } else {
        Err(KeyError::Exposed(path.to_owned()))
    }
}

#[cfg(not(unix))]
fn check_private(_: &Path) -> Result<(), KeyError> {
    Ok(())
}
