//! What a power cut leaves on the disk.
//!
//! The rules are those of POSIX, read without goodwill:
//!
//! - A file has for certain what was done to it before its last completed fsync began.
//! - Of what was done later, each write is there, is not there, or is torn: of its sectors of 512
//!   bytes some have been written. A sector never goes back, so what is in front of a write in the
//!   same sector is there if the write is. Lengths are changed or not. Order means nothing.
//! - Names come and go for certain before the last completed fsync of their folder. Of the later
//!   changes the first few are there: file systems write down their folders in order.
//! - What an fsync that failed should have brought to the disk may be missing for ever, even if a
//!   later one says that all is well.

use std::collections::{BTreeMap, HashSet};
use std::path::Path;

use agent_bridge::storage::sqlite;
use rand::RngExt;
use rand::rngs::StdRng;

use super::journal::{Entry, Journal, Name, What};

/// What a disk writes in one piece.
const SECTOR_BYTES: u64 = 512;

/// The database's files after a power cut.
#[derive(Debug)]
pub(in crate::chaos) struct Image {
    files: BTreeMap<Name, Vec<u8>>,
    pub(in crate::chaos) damage: Damage,
}

/// What became of the writes that nothing had made durable.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(in crate::chaos) struct Damage {
    pub(in crate::chaos) kept: u64,
    pub(in crate::chaos) dropped: u64,
    pub(in crate::chaos) torn: u64,
}

impl Damage {
    pub(in crate::chaos) const fn add(&mut self, other: Self) {
        self.kept += other.kept;
        self.dropped += other.dropped;
        self.torn += other.torn;
    }
}

impl Journal {
    /// The disk as of a power cut at this position of the journal.
    pub(in crate::chaos) fn image(&self, position: u64, random: &mut StdRng) -> Image {
        let entries = self.until(position);
        let synced = Synced::of(entries, self.files);
        let mut cut = Cut::new(random);
        let mut files: Vec<Content> = Vec::new();
        files.resize_with(self.files, Content::default);
        for entry in entries {
            let is_durable = synced.covers(entry);
            let content = &mut files[entry.file];
            match &entry.what {
                What::Written(place, bytes) => {
                    let bytes = self.bytes(bytes.clone());
                    if is_durable {
                        content.write(*place, bytes);
                    } else {
                        cut.write(content, *place, bytes);
                    }
                }
                What::Truncated(length) if is_durable || cut.keeps() => content.truncate(*length),
                _ => {}
            }
        }
        let names = names(entries, &synced, &mut cut);
        let image = names
            .into_iter()
            .map(|(name, file)| (name, std::mem::take(&mut files[file].bytes)));
        Image {
            files: image.collect(),
            damage: cut.damage,
        }
    }
}

impl Image {
    /// Writes the files into an empty folder.
    pub(in crate::chaos) fn write(&self, folder: &Path) -> Result<(), String> {
        for (name, bytes) in &self.files {
            let path = folder.join(format!("{}{}", sqlite::FILE_NAME, name.ending()));
            std::fs::write(&path, bytes).map_err(|why| format!("{}: {why}", path.display()))?;
        }
        Ok(())
    }

    #[cfg(test)]
    pub(super) fn file(&self, name: Name) -> Option<&[u8]> {
        self.files.get(&name).map(Vec::as_slice)
    }
}

/// What is certain of each file.
struct Synced(Vec<Certain>);

#[derive(Default, Clone)]
struct Certain {
    /// What happened before this position is durable ...
    until: u64,
    /// ... but not what happened between these.
    except: Vec<(u64, u64)>,
}

impl Synced {
    fn of(entries: &[Entry], files: usize) -> Self {
        let mut found = vec![Certain::default(); files];
        for entry in entries {
            let certain = &mut found[entry.file];
            match entry.what {
                What::Synced(begun) => certain.until = certain.until.max(begun),
                What::SyncFailed(begun) => certain.except.push((certain.until, begun)),
                _ => {}
            }
        }
        Self(found)
    }

    fn covers(&self, entry: &Entry) -> bool {
        self.0[entry.file].covers(entry.at.start)
    }

    /// A name belongs to the folder, which is the first file.
    fn covers_name(&self, entry: &Entry) -> bool {
        self.0[0].covers(entry.at.start)
    }
}

impl Certain {
    fn covers(&self, position: u64) -> bool {
        let is_lost = |(from, to): &(u64, u64)| (*from..*to).contains(&position);
        position < self.until && !self.except.iter().any(is_lost)
    }
}

/// A file's bytes, and the sectors that were not written any more before the power went.
#[derive(Default)]
struct Content {
    bytes: Vec<u8>,
    stale: HashSet<u64>,
}

impl Content {
    fn write(&mut self, place: u64, bytes: &[u8]) {
        let begin = usize::try_from(place).expect("files fit into memory: the journal did");
        let end = begin + bytes.len();
        if self.bytes.len() < end {
            self.bytes.resize(end, 0);
        }
        self.bytes[begin..end].copy_from_slice(bytes);
    }

    fn truncate(&mut self, length: u64) {
        let length = usize::try_from(length).expect("files fit into memory: the journal did");
        self.bytes.resize(length, 0);
    }
}

/// One power cut. Some leave nothing that was not synced, some leave everything, most are between.
struct Cut<'a> {
    random: &'a mut StdRng,
    /// How likely a write is kept, and torn.
    keep: f64,
    tear: f64,
    damage: Damage,
}

impl<'a> Cut<'a> {
    fn new(random: &'a mut StdRng) -> Self {
        let (keep, tear) = match random.random_range(0..6) {
            0 => (0.0, 0.0),
            1 => (1.0, 0.0),
            _ => (random.random_range(0.0..1.0), 0.25),
        };
        Self {
            random,
            keep,
            tear,
            damage: Damage::default(),
        }
    }

    fn keeps(&mut self) -> bool {
        self.random.random_bool(self.keep)
    }

    fn write(&mut self, content: &mut Content, place: u64, bytes: &[u8]) {
        let is_torn = self.random.random_bool(self.tear);
        let is_kept = self.keeps();
        let (mut written, mut missing) = (0, 0);
        for (place, piece) in sectors(place, bytes) {
            let sector = place / SECTOR_BYTES;
            let is_written = if is_torn {
                self.random.random()
            } else {
                is_kept
            };
            if is_written && !content.stale.contains(&sector) {
                content.write(place, piece);
                written += 1;
            } else {
                content.stale.insert(sector);
                missing += 1;
            }
        }
        match (written, missing) {
            (_, 0) => self.damage.kept += 1,
            (0, _) => self.damage.dropped += 1,
            _ => self.damage.torn += 1,
        }
    }

    /// How many of so many changes of a folder are there.
    fn changes(&mut self, of: usize) -> usize {
        match self.keep {
            0.0 => 0,
            1.0 => of,
            _ => self.random.random_range(0..=of),
        }
    }
}

/// The pieces of a write, each within one sector.
fn sectors(mut place: u64, mut bytes: &[u8]) -> impl Iterator<Item = (u64, &[u8])> {
    std::iter::from_fn(move || {
        let left = SECTOR_BYTES - place % SECTOR_BYTES;
        let (piece, rest) = bytes.split_at(bytes.len().min(left as usize));
        let at = place;
        bytes = rest;
        place += piece.len() as u64;
        (!piece.is_empty()).then_some((at, piece))
    })
}

/// Which file has which name.
fn names(entries: &[Entry], synced: &Synced, cut: &mut Cut<'_>) -> BTreeMap<Name, usize> {
    let changes = entries
        .iter()
        .filter(|entry| matches!(entry.what, What::Created | What::Removed));
    let (certain, later): (Vec<_>, Vec<_>) = changes.partition(|entry| synced.covers_name(entry));
    let later_kept = cut.changes(later.len());
    let mut names = BTreeMap::new();
    for entry in certain
        .into_iter()
        .chain(later.into_iter().take(later_kept))
    {
        match entry.what {
            What::Created => names.insert(entry.name, entry.file),
            _ => names.remove(&entry.name),
        };
    }
    names
}

#[cfg(test)]
mod tests;
