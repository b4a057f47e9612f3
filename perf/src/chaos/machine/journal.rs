//! What reached the disk, in its order, as the faulty machine recorded it.

use std::fs;
use std::ops::Range;
use std::path::Path;

/// `struct entry` of `shim.c`: four numbers.
const HEADER_BYTES: usize = 32;

/// A file of the database, or the folder that has their names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum Name {
    Database,
    Wal,
    Rollback,
    Folder,
}

impl Name {
    /// What its file's name has behind that of the database.
    pub(super) const fn ending(self) -> &'static str {
        match self {
            Self::Database | Self::Folder => "",
            Self::Wal => "-wal",
            Self::Rollback => "-journal",
        }
    }

    fn from_number(number: u64) -> Option<Self> {
        [Self::Database, Self::Wal, Self::Rollback, Self::Folder]
            .get(usize::try_from(number).ok()?.checked_sub(1)?)
            .copied()
    }
}

/// What happened to a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum What {
    Created,
    Removed,
    /// From this place on, these bytes of the journal.
    Written(u64, Range<usize>),
    /// To this length.
    Truncated(u64),
    /// It is durable what happened before this position in the journal.
    Synced(u64),
    /// What happened before it is not, and no later fsync will make it so.
    SyncFailed(u64),
}

/// One line of the journal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Entry {
    /// Where it begins and ends in the journal.
    pub(super) at: Range<u64>,
    pub(super) name: Name,
    /// Which file had that name: one that is removed and made again is another one.
    pub(super) file: usize,
    pub(super) what: What,
}

/// The journal of one life of a server, which began with an empty folder.
#[derive(Debug)]
pub(in crate::chaos) struct Journal {
    bytes: Vec<u8>,
    pub(super) entries: Vec<Entry>,
    /// Files that there were, under whatever name.
    pub(super) files: usize,
}

impl Journal {
    /// Reads one whose server has ended. What it did not write whole at the end does not count.
    pub(in crate::chaos) fn read(path: &Path) -> Result<Self, String> {
        let bytes = fs::read(path).map_err(|why| format!("{}: {why}", path.display()))?;
        Self::parse(bytes).map_err(|why| format!("{}: {why}", path.display()))
    }

    pub(super) fn parse(bytes: Vec<u8>) -> Result<Self, String> {
        let mut journal = Self {
            bytes,
            entries: Vec::new(),
            files: 1,
        };
        // The folder is the first file.
        let mut current = [None, None, None, Some(0)];
        let mut begin = 0;
        while let Some((name, what, end)) = entry(&journal.bytes, begin)? {
            let file = &mut current[name as usize];
            if what == What::Created {
                *file = Some(journal.files);
                journal.files += 1;
            }
            let number = file.ok_or("the journal does not begin with an empty folder")?;
            if what == What::Removed {
                *file = None;
            }
            journal.entries.push(Entry {
                at: begin as u64..end as u64,
                name,
                file: number,
                what,
            });
            begin = end;
        }
        Ok(journal)
    }

    /// Its bytes.
    pub(in crate::chaos) fn len(&self) -> u64 {
        self.entries.last().map_or(0, |entry| entry.at.end)
    }

    /// Times that the database itself was synced since it has a write-ahead log: each of them ends a
    /// checkpoint.
    pub(in crate::chaos) fn checkpoints(&self) -> u64 {
        let since_wal = self.entries.iter();
        let since_wal = since_wal.skip_while(|entry| entry.name != Name::Wal);
        let is_one =
            |entry: &&Entry| entry.name == Name::Database && matches!(entry.what, What::Synced(_));
        since_wal.filter(is_one).count() as u64
    }

    /// What had happened when it had so many bytes.
    pub(super) fn until(&self, position: u64) -> &[Entry] {
        let is_before = |entry: &Entry| entry.at.end <= position;
        &self.entries[..self.entries.partition_point(is_before)]
    }

    pub(super) fn bytes(&self, range: Range<usize>) -> &[u8] {
        &self.bytes[range]
    }
}

/// The entry that begins here, if all of it is there, and where the next one begins.
fn entry(bytes: &[u8], begin: usize) -> Result<Option<(Name, What, usize)>, String> {
    let Some(header) = bytes.get(begin..begin + HEADER_BYTES) else {
        return Ok(None);
    };
    let (numbers, _) = header.as_chunks::<8>();
    let [kind, name, place, length] = [0, 1, 2, 3].map(|n| u64::from_le_bytes(numbers[n]));
    let makes_no_sense = || format!("the entry at {begin} makes no sense");
    let name = Name::from_number(name).ok_or_else(makes_no_sense)?;
    let data = begin + HEADER_BYTES;
    let (what, end) = match kind {
        1 => (What::Created, data),
        2 => (What::Removed, data),
        3 => {
            let length = usize::try_from(length).map_err(|_| makes_no_sense())?;
            let end = data.checked_add(length).ok_or_else(makes_no_sense)?;
            (What::Written(place, data..end), end)
        }
        4 => (What::Truncated(place), data),
        5 => (What::Synced(place), data),
        6 => (What::SyncFailed(place), data),
        _ => return Err(makes_no_sense()),
    };
    let is_whole = end <= bytes.len();
    Ok(is_whole.then_some((name, what, end)))
}
