//! A whole database as of one moment, row by row: what a check and an export read.

use bridge_core::ports::StoreError;
use bridge_core::{Epoch, Timestamp};

use super::row::{LogRow, StreamNumber};

/// Rows, one by one, however many there are.
pub(super) type Rows<'a, T> = Box<dyn Iterator<Item = Result<T, StoreError>> + 'a>;

/// A database as of one moment. Nothing that is written meanwhile is seen.
pub(super) trait View {
    /// Which life of the log it is.
    fn epoch(&mut self) -> Result<Epoch, StoreError>;

    /// How many records there are.
    fn records_total(&mut self) -> Result<u64, StoreError>;

    /// What is noted of the time of the newest record.
    fn latest(&mut self) -> Result<Option<Timestamp>, StoreError>;

    /// What the database finds wrong with its own file.
    fn integrity(&mut self) -> Result<Vec<String>, StoreError>;

    /// The streams, in the order of their creation.
    fn streams(&mut self) -> Result<Rows<'_, StreamRow>, StoreError>;

    /// Every record, in the order of the streams' creation and of seq.
    fn records(&mut self) -> Result<Rows<'_, WalkedRow>, StoreError>;

    /// The rows of a table, in the order of their keys.
    fn rows(&mut self, table: Table) -> Result<Rows<'_, TableRow>, StoreError>;

    /// What hangs in the air: rows that speak of records that are not there.
    fn loose_ends(&mut self) -> Result<Vec<LooseEnd>, StoreError>;
}

/// A stream, as it is read.
#[derive(Debug, diesel::Queryable)]
pub(super) struct StreamRow {
    pub(super) id: StreamNumber,
    pub(super) kind: String,
    pub(super) name: String,
    pub(super) name_folded: String,
}

/// A record, with what else is to be known of it.
pub(super) struct WalkedRow {
    /// Whose.
    pub(super) stream: StreamNumber,
    /// The kind and the name of its stream, if there is such a stream.
    pub(super) words: Option<(String, String)>,
    /// The record.
    pub(super) row: LogRow,
    /// Whether effects of it on other streams are still to be brought about.
    pub(super) is_open: bool,
    /// The snapshot of its stream, if it is of this record.
    pub(super) snapshot: Option<SnapshotRow>,
}

/// A stream's state at one of its records, as it is read.
pub(super) struct SnapshotRow {
    pub(super) format: i32,
    pub(super) body: Vec<u8>,
}

/// What follows from the log and can be made again from it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Table {
    Rooms,
    Members,
    Grants,
    Messages,
    Replies,
    Clients,
    Deliveries,
    MessageRecords,
    Decisions,
    DecisionRecords,
    Critiques,
    CritiqueRecords,
    /// The number of posts; the time of the newest record is noted now and then only.
    Posts,
}

impl Table {
    /// All of them.
    pub(super) const ALL: [Self; 13] = [
        Self::Rooms,
        Self::Members,
        Self::Grants,
        Self::Messages,
        Self::Replies,
        Self::Clients,
        Self::Deliveries,
        Self::MessageRecords,
        Self::Decisions,
        Self::DecisionRecords,
        Self::Critiques,
        Self::CritiqueRecords,
        Self::Posts,
    ];

    /// Its name in the database.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Rooms => "rooms",
            Self::Members => "members",
            Self::Grants => "grants",
            Self::Messages => "messages",
            Self::Replies => "replies",
            Self::Clients => "clients",
            Self::Deliveries => "deliveries",
            Self::MessageRecords => "message_records",
            Self::Decisions => "decisions",
            Self::DecisionRecords => "decision_records",
            Self::Critiques => "critiques",
            Self::CritiqueRecords => "critique_records",
            Self::Posts => "counters",
        }
    }
}

/// A part of a key. Both databases order numbers by their size and everything else by its bytes.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum KeyPart {
    Number(i64),
    Bytes(Vec<u8>),
}

impl From<i64> for KeyPart {
    fn from(number: i64) -> Self {
        Self::Number(number)
    }
}

impl From<Vec<u8>> for KeyPart {
    fn from(bytes: Vec<u8>) -> Self {
        Self::Bytes(bytes)
    }
}

impl From<String> for KeyPart {
    fn from(text: String) -> Self {
        Self::Bytes(text.into_bytes())
    }
}

impl std::fmt::Display for KeyPart {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Number(number) => number.fmt(f),
            Self::Bytes(bytes) => match std::str::from_utf8(bytes) {
                Ok(text) if !text.chars().any(char::is_control) => f.write_str(text),
                _ => bytes.iter().try_for_each(|byte| write!(f, "{byte:02x}")),
            },
        }
    }
}

/// A row of a table in a form that is the same on both databases.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct TableRow {
    /// Which row, in the order in which they come.
    pub(super) key: Vec<KeyPart>,
    /// Whose, if it is of a stream.
    pub(super) stream: Option<StreamNumber>,
    /// What it says: the columns that are not of the key.
    pub(super) says: Vec<(&'static str, String)>,
}

/// A row that speaks of something that is not there.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum LooseEnd {
    /// A stream without a record.
    EmptyStream(StreamNumber),
    /// A snapshot of a position that its stream has not reached.
    Snapshot(StreamNumber, i64),
    /// A follow-up of a record that is not there.
    FollowUp(StreamNumber, i64),
}
