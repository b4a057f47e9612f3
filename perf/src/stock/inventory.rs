//! What filled data holds. It stands in a file beside it, so that it can be used again.

use std::fs;
use std::io::ErrorKind;
use std::path::Path;

use serde::{Deserialize, Serialize};

const FILE_NAME: &str = "stock.json";

/// What is to be there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Wanted {
    /// At least.
    pub(crate) messages: u64,
    pub(crate) rooms: u32,
    /// Of each message's text.
    pub(crate) text_bytes: u16,
}

/// What is there.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Inventory {
    /// Nothing at all is "filled" too. While it is filled, it is not.
    is_filled: bool,
    pub(crate) messages: u64,
    pub(crate) rooms: u32,
    pub(crate) text_bytes: u16,
    /// Rooms that were measured in, counted from the first.
    rooms_taken: u32,
}

impl Inventory {
    /// What the file in this folder says; without one, there is nothing.
    pub(super) fn read(folder: &Path) -> Result<Self, String> {
        let file = folder.join(FILE_NAME);
        let failed = |why: &dyn std::fmt::Display| format!("{}: {why}", file.display());
        match fs::read(&file) {
            Ok(bytes) => serde_json::from_slice(&bytes).map_err(|why| failed(&why)),
            Err(why) if why.kind() == ErrorKind::NotFound => Self::nothing(folder),
            Err(why) => Err(failed(&why)),
        }
    }

    /// A folder with something else in it is not ours to fill.
    fn nothing(folder: &Path) -> Result<Self, String> {
        let failed = |why: std::io::Error| format!("{}: {why}", folder.display());
        if fs::read_dir(folder).map_err(failed)?.next().is_some() {
            return Err(format!(
                "{} is neither empty nor filled by this program",
                folder.display()
            ));
        }
        Ok(Self {
            is_filled: true,
            ..Self::default()
        })
    }

    pub(super) fn of(wanted: Wanted) -> Self {
        Self {
            is_filled: true,
            messages: wanted.messages,
            rooms: wanted.rooms,
            text_bytes: wanted.text_bytes,
            rooms_taken: 0,
        }
    }

    /// Says that it is being filled: whatever is there when it is not finished is of no use.
    pub(super) fn begin(folder: &Path) -> Result<(), String> {
        Self::default().write(folder)
    }

    pub(super) fn write(&self, folder: &Path) -> Result<(), String> {
        let file = folder.join(FILE_NAME);
        let failed = |why: &dyn std::fmt::Display| format!("{}: {why}", file.display());
        let text = serde_json::to_string(self).map_err(|why| failed(&why))?;
        fs::write(&file, text).map_err(|why| failed(&why))
    }

    /// Whether this is what is wanted; not, when it is to be filled. Something else is an error.
    pub(super) fn is_of(&self, wanted: &Wanted) -> Result<bool, String> {
        if !self.is_filled {
            return Err("it was not filled to its end; remove the folder".to_owned());
        }
        if *self == Self::of_nothing() {
            return Ok(false);
        }
        let is_alike = self.rooms == wanted.rooms && self.text_bytes == wanted.text_bytes;
        if is_alike && self.messages >= wanted.messages {
            return Ok(true);
        }
        Err(format!(
            "what is kept has {} messages of {} bytes in {} rooms, which is not what is asked for; \
             ask for that, or remove the folder",
            self.messages, self.text_bytes, self.rooms
        ))
    }

    fn of_nothing() -> Self {
        Self {
            is_filled: true,
            ..Self::default()
        }
    }

    /// The numbers of rooms that were not measured in; when there are not enough left, it begins
    /// anew with the first.
    pub(super) fn take_rooms(&mut self, count: u32) -> Result<Vec<u32>, String> {
        if count > self.rooms {
            return Err(format!(
                "{count} rooms are measured in, and only {} are stored",
                self.rooms
            ));
        }
        if self.rooms_taken + count > self.rooms {
            self.rooms_taken = 0;
        }
        let first = self.rooms_taken;
        self.rooms_taken += count;
        Ok((first..first + count).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WANTED: Wanted = Wanted {
        messages: 1_000,
        rooms: 10,
        text_bytes: 300,
    };

    #[test]
    fn what_was_filled_is_found_again() {
        let folder = tempfile::tempdir().expect("a folder");
        let found = || Inventory::read(folder.path()).expect("an inventory");
        assert_eq!(found().is_of(&WANTED), Ok(false));
        let mut filled = Inventory::of(WANTED);
        filled.messages += 5;
        filled.write(folder.path()).expect("a file");
        assert_eq!(found(), filled);
        assert_eq!(found().is_of(&WANTED), Ok(true));
    }

    #[test]
    fn what_is_not_wanted_is_refused() {
        let filled = Inventory::of(WANTED);
        for other in [
            Wanted {
                messages: 1_001,
                ..WANTED
            },
            Wanted {
                rooms: 11,
                ..WANTED
            },
            Wanted {
                text_bytes: 64,
                ..WANTED
            },
        ] {
            let why = filled.is_of(&other).expect_err("something else");
            assert!(why.contains("1000 messages"), "{why}");
        }
    }

    #[test]
    fn what_was_not_filled_to_its_end_is_refused() {
        let folder = tempfile::tempdir().expect("a folder");
        Inventory::begin(folder.path()).expect("a file");
        let found = Inventory::read(folder.path()).expect("an inventory");
        let why = found.is_of(&WANTED).expect_err("a torso");
        assert!(why.contains("not filled to its end"), "{why}");
    }

    #[test]
    fn a_folder_of_somebody_else_is_refused() {
        let folder = tempfile::tempdir().expect("a folder");
        fs::write(folder.path().join("letter.txt"), "dear").expect("a file");
        let why = Inventory::read(folder.path()).expect_err("not ours");
        assert!(why.contains("neither empty"), "{why}");
    }

    #[test]
    fn rooms_are_taken_in_turn() {
        let mut filled = Inventory::of(WANTED);
        assert_eq!(filled.take_rooms(4), Ok(vec![0, 1, 2, 3]));
        assert_eq!(filled.take_rooms(4), Ok(vec![4, 5, 6, 7]));
        assert_eq!(filled.take_rooms(4), Ok(vec![0, 1, 2, 3]));
        assert!(filled.take_rooms(11).is_err());
    }
}
