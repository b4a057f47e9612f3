//! One history that many tasks write: one sync does for all of them that are ready.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::history::History;

/// What a client tried, was told and was handed. Times are not in it: order is what counts.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Fact {
    /// It is about to post; again, when it did before.
    Tried { by: usize, number: u64 },
    /// It was told that its post stands there.
    Acknowledged { by: usize, number: u64, seq: u64 },
    /// It was told everything of its room behind the first position, up to the second.
    Read { by: usize, after: u64, to: u64 },
    /// It is about to send a message.
    Sending { by: usize, number: u64 },
    /// It was told that its message is stored.
    Stored { by: usize, number: u64, id: String },
    /// It was handed a message.
    Handed { to: usize, id: String },
    /// It was told that it is done with one.
    Done { to: usize, id: String },
    /// It is about to ask for something under a key.
    Asked { by: String, key: String },
    /// It was given a receipt.
    Receipt {
        by: String,
        key: String,
        receipt: Value,
    },
}

/// A history and how much of it is on the disk.
#[derive(Debug)]
struct Book {
    history: History,
    added: u64,
    synced: u64,
}

/// The history of a trial, for its tasks.
#[derive(Debug, Clone)]
pub(super) struct Diary(Arc<Mutex<Book>>);

impl Diary {
    /// A new one. It must not be in the folder of the server that is broken.
    pub(super) fn create(path: PathBuf) -> Result<Self, String> {
        Ok(Self(Arc::new(Mutex::new(Book {
            history: History::create(path)?,
            added: 0,
            synced: 0,
        }))))
    }

    /// Adds a fact, which may be believed after the next [`Diary::synced`].
    pub(super) fn add(&self, fact: &Fact) -> Result<(), String> {
        let mut book = self.book();
        book.history.add(fact)?;
        book.added += 1;
        Ok(())
    }

    /// Waits until everything that was added is on the disk.
    pub(super) async fn synced(&self) -> Result<(), String> {
        let mine = self.book().added;
        // Others that are ready add theirs meanwhile.
        tokio::task::yield_now().await;
        let mut book = self.book();
        if book.synced < mine {
            book.history.sync()?;
            book.synced = book.added;
        }
        Ok(())
    }

    pub(super) fn path(&self) -> PathBuf {
        self.book().history.path().to_owned()
    }

    /// Whoever panicked while it held the book has left whole lines in it.
    fn book(&self) -> MutexGuard<'_, Book> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_is_synced_can_be_read() {
        let tried = |number| Fact::Tried { by: 7, number };
        let folder = tempfile::tempdir().expect("a temporary folder");
        let diary = Diary::create(folder.path().join("history")).expect("a file");
        diary.add(&tried(1)).expect("a fact");
        let other = diary.clone();
        let later = tokio::spawn(async move {
            other.add(&tried(2)).expect("a fact");
            other.synced().await
        });
        diary.synced().await.expect("a disk");
        later.await.expect("a task").expect("a disk");
        diary.add(&tried(3)).expect("a fact");
        let read: Vec<Fact> = History::read(&diary.path()).expect("facts");
        assert_eq!(read, [tried(1), tried(2)]);
    }
}
