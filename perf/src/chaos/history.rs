//! What was tried, what was acknowledged, what was delivered: a file that is synced before a line in
//! it is believed.

use std::fs::File;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};

use serde::Serialize;
use serde::de::DeserializeOwned;

/// A list of facts, one line each.
#[derive(Debug)]
pub(super) struct History {
    path: PathBuf,
    file: File,
    waiting: Vec<u8>,
}

impl History {
    /// A new one. It must not be in the folder of the server that is broken.
    pub(super) fn create(path: PathBuf) -> Result<Self, String> {
        let file = File::create(&path).map_err(|why| format!("{}: {why}", path.display()))?;
        Ok(Self {
            path,
            file,
            waiting: Vec::new(),
        })
    }

    /// Adds a fact, which is on the disk after the next [`History::sync`].
    pub(super) fn add(&mut self, fact: &impl Serialize) -> Result<(), String> {
        serde_json::to_writer(&mut self.waiting, fact).map_err(|why| self.failed(&why))?;
        self.waiting.push(b'\n');
        Ok(())
    }

    /// Brings everything to the disk.
    pub(super) fn sync(&mut self) -> Result<(), String> {
        let written = self.file.write_all(&self.waiting);
        written.map_err(|why| self.failed(&why))?;
        self.waiting.clear();
        self.file.sync_data().map_err(|why| self.failed(&why))
    }

    /// Every fact, as the disk has it.
    pub(super) fn read<T: DeserializeOwned>(path: &Path) -> Result<Vec<T>, String> {
        let failed = |why: &dyn std::fmt::Display| format!("{}: {why}", path.display());
        let file = File::open(path).map_err(|why| failed(&why))?;
        let lines = BufReader::new(file).lines();
        lines
            .map(|line| {
                let line = line.map_err(|why| failed(&why))?;
                serde_json::from_str(&line).map_err(|why| failed(&why))
            })
            .collect()
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    fn failed(&self, why: &dyn std::fmt::Display) -> String {
        format!("{}: {why}", self.path.display())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_synced_is_read_again() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let mut history = History::create(folder.path().join("history")).expect("a file");
        history.add(&("ann", 1)).expect("a fact");
        history.add(&("bob", 2)).expect("a fact");
        history.sync().expect("a disk");
        history.add(&("cid", 3)).expect("a fact");
        let read: Vec<(String, u32)> = History::read(history.path()).expect("facts");
        assert_eq!(read, [("ann".to_owned(), 1), ("bob".to_owned(), 2)]);
    }
}
