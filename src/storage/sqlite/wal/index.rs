//! The index of the write-ahead log, a file that all connections map into memory: how much is in the
//! log, and how much of that has been copied into the database.
//!
//! What is read here is laid down in SQLite's description of the format ("WAL-Index Format"), and the
//! same in every version that has write-ahead logs.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use bridge_core::limits;

/// What the index says of its own form, since SQLite 3.7.0.
const VERSION: u32 = 3_007_000;
/// The first of two copies of the header.
const HEADER_BYTES: usize = 48;
const VERSION_AT: usize = 0;
const FRAMES_AT: usize = 16;
/// Behind both copies: frames that a checkpoint has copied.
const COPIED_AT: usize = 2 * HEADER_BYTES;
const BYTES_READ: usize = COPIED_AT + 4;
/// Bytes of the index of a log of as many frames as it may ever have: 32 KiB for every 4,096 of them,
/// and for the first ones a little more.
const BYTES: u64 = (limits::WAL_FRAMES_MAX / 4_096 + 1) * 32 * 1024;

/// Keeps a file of a database open for as long as the process lives. The system forgets all of a
/// process's locks on a file as soon as the process closes any descriptor of it, SQLite's among them:
/// once an index was closed here, and the next program that opened the database took it for one that
/// nobody uses, cut the index, and the server died of it (SIGBUS).
pub(super) fn never_closed(file: File) -> &'static File {
    Box::leak(Box::new(file))
}

/// The index of a database's write-ahead log.
#[derive(Debug, Clone, Copy)]
pub(in super::super) struct Index(&'static File);

/// What is in a write-ahead log. A frame is a page with its header.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(in super::super) struct Frames {
    /// Those that are in it, from its beginning.
    pub(in super::super) written: u64,
    /// Those of them that are in the database as well.
    pub(in super::super) copied: u64,
}

impl Frames {
    /// Those that are still to be copied.
    pub(in super::super) const fn open(self) -> u64 {
        self.written.saturating_sub(self.copied)
    }
}

impl Index {
    /// The index of a database that this process has open.
    ///
    /// # Errors
    /// When it cannot be opened, or has a form that is not known here.
    pub(in super::super) fn of(database: &Path) -> std::io::Result<Self> {
        let mut name = database.as_os_str().to_owned();
        name.push("-shm");
        let file = File::options().read(true).append(true).open(name)?;
        let index = Self(never_closed(file));
        match number(&index.read()?, VERSION_AT) {
            VERSION => Ok(index),
            other => Err(std::io::Error::other(format!(
                "the index of its write-ahead log has the version {other}, and {VERSION} is known"
            ))),
        }
    }

    /// Makes the file as large as it will ever be, unless somebody reads for so long that the log cannot
    /// begin anew. SQLite grows it after it has written a commit; if
    /// the disk has become full in just that moment, it says that the disk has failed, and the process
    /// has to end.
    ///
    /// Appending is safe whoever else does the same: nothing that is there is written over, and SQLite
    /// clears each part before its first use.
    pub(in super::super) fn reserve(self) -> std::io::Result<()> {
        let missing = BYTES.saturating_sub(self.0.metadata()?.len());
        let mut zeros = std::io::repeat(0).take(missing);
        std::io::copy(&mut zeros, &mut &*self.0).map(drop)
    }

    /// What is in the log. For whoever writes to it: nobody else adds anything, and a change that is
    /// just being made is somebody else's who recovers it, which is an error here.
    pub(in super::super) fn frames(self) -> std::io::Result<Frames> {
        let bytes = self.read()?;
        if bytes[..HEADER_BYTES] != bytes[HEADER_BYTES..COPIED_AT] {
            return Err(std::io::Error::other("somebody is changing it"));
        }
        Ok(Frames {
            written: number(&bytes, FRAMES_AT).into(),
            copied: number(&bytes, COPIED_AT).into(),
        })
    }

    #[cfg(unix)]
    fn read(self) -> std::io::Result<[u8; BYTES_READ]> {
        let mut bytes = [0; BYTES_READ];
        std::os::unix::fs::FileExt::read_exact_at(self.0, &mut bytes, 0)?;
        Ok(bytes)
    }

    /// The server runs on Linux and macOS; elsewhere only the client commands are used.
    #[cfg(not(unix))]
    fn read(self) -> std::io::Result<[u8; BYTES_READ]> {
        Err(std::io::ErrorKind::Unsupported.into())
    }
}

/// A number in the byte order of the machine: the file does not outlive it.
fn number(bytes: &[u8; BYTES_READ], at: usize) -> u32 {
    let mut number = [0; 4];
    number.copy_from_slice(&bytes[at..at + 4]);
    u32::from_ne_bytes(number)
}
