//! What only this store can get wrong: how SQLite fails, and what its queries go through. What every
//! store must do is in the suite of `bridge_core::contract`.

use std::path::PathBuf;
use std::sync::Arc;

use bridge_core::event::{Envelope, Event, Posted, Stream};
use bridge_core::id::Incarnation;
use bridge_core::owner::Answer;
use bridge_core::ports::{Append, Log, Reader, Record};
use bridge_core::{ChannelName, Epoch, MessageId, Seq, Timestamp};
use tempfile::TempDir;
use uuid::Uuid;

use super::*;

mod decisions;
mod failures;
mod plans;
mod threads;
mod todo;
mod wal;

/// A database in a folder of its own.
struct Place {
    folder: TempDir,
}

impl Place {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        Self { folder }
    }

    fn file(&self) -> PathBuf {
        self.folder.path().join(FILE_NAME)
    }

    fn open(&self) -> Opened {
        super::open(&self.file(), Epoch::from_uuid(Uuid::from_u128(1))).unwrap()
    }

    /// Another program's connection.
    fn stranger(&self) -> SqliteConnection {
        SqliteConnection::establish(self.file().to_str().unwrap()).unwrap()
    }

    fn wal_bytes(&self) -> u64 {
        std::fs::metadata(wal_path(&self.file())).map_or(0, |file| file.len())
    }
}

fn room(name: &str) -> Stream {
    Stream::Room(name.parse().unwrap())
}

/// A post of so many characters, as the record of a room at a position.
fn post(name: &str, seq: u64, chars: usize) -> Append {
    let stream = room(name);
    let posted = Posted {
        id: MessageId::from_uuid(Uuid::from_u128(u128::from(seq))),
        channel: ChannelName::main(),
        text: "x".repeat(chars).parse().unwrap(),
        reply_to: None,
        mentions: Vec::new(),
        metadata: None,
    };
    let envelope = Envelope {
        stream,
        seq: Seq::new(seq),
        at: Timestamp::from_millis(1),
        by: "ann".parse().unwrap(),
        key: None,
        event: Event::Posted(posted),
    };
    Append {
        incarnation: Incarnation::new(1),
        records: vec![Record::new(Arc::new(envelope))],
    }
}

/// Appends posts of 10,000 characters.
fn append_posts(log: &mut SqliteLog, seqs: std::ops::RangeInclusive<u64>) {
    let posts: Vec<_> = seqs.map(|seq| post("den", seq, 10_000)).collect();
    for batch in posts.chunks(64) {
        let batch: Vec<&Append> = batch.iter().collect();
        let answers = log.append(&batch).unwrap();
        assert!(answers.iter().all(|answer| *answer == Answer::Stored));
    }
}

fn head(store: &SqliteStore) -> u64 {
    store.head(&room("den")).unwrap().get()
}

#[test]
fn a_library_that_loses_commits_is_refused() {
    for (version, is_good) in [
        ("3.51.3", true),
        ("3.51.10", true),
        ("3.53.2", true),
        ("3.100.0", true),
        ("4.0.0", true),
        ("3.51.2", false),
        ("3.40.1", false),
        ("3.7.0", false),
        ("3.9.99", false),
        ("", false),
        ("3", false),
        ("no such function", false),
    ] {
        assert_eq!(assert_version(version).is_ok(), is_good, "{version}");
    }
    let mut conn = SqliteConnection::establish(":memory:").unwrap();
    let own = library_version(&mut conn);
    assert!(own.starts_with("3."), "{own}");
}
