//! What can be wrong with a database.

use bridge_core::{Seq, limits};

use crate::storage::row::{StreamNumber, seq};
use crate::storage::view::LooseEnd;

/// Something that is wrong. None of them shows what anybody wrote.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Finding {
    /// The database finds fault with its own file.
    #[error("the file: {0}")]
    File(String),
    /// It cannot be read to its end.
    #[error("it cannot be read any further: {0}")]
    Unreadable(String),
    /// A stream cannot be what the table of streams says.
    #[error("stream number {number}: {why}")]
    Stream {
        /// Which.
        number: StreamNumber,
        /// What is wrong.
        why: String,
    },
    /// A record is missing, or there is one too many.
    #[error("{stream}: seq {expected} should come, and seq {found} is there")]
    Gap {
        /// In which stream.
        stream: String,
        /// Which position should be there.
        expected: Seq,
        /// Which is.
        found: Seq,
    },
    /// A record is not what was written.
    #[error("{0}")]
    Record(String),
    /// A record is earlier than the one in front of it.
    #[error("{stream} seq {seq}: it is of an earlier time than the record in front of it")]
    Earlier {
        /// In which stream.
        stream: String,
        /// Which.
        seq: Seq,
    },
    /// A repeat of it would not be known.
    #[error("{stream} seq {seq}: its column dedupe, by which a repeat is found, is not of its key")]
    Key {
        /// In which stream.
        stream: String,
        /// Which.
        seq: Seq,
    },
    /// The note of the newest time is wrong.
    #[error("table counters: latest_at_ms is not about the time of the newest record")]
    Latest,
    /// A record is said to have effects to be brought about, and has none.
    #[error("{stream} seq {seq}: follow_ups names it, and it has no effects on other streams")]
    NoFollowUp {
        /// In which stream.
        stream: String,
        /// Which.
        seq: Seq,
    },
    /// A snapshot says something else than the records up to it.
    #[error("{stream} seq {seq}: the snapshot of it does not say what the log says")]
    Snapshot {
        /// Of which stream.
        stream: String,
        /// Of which record.
        seq: Seq,
    },
    /// A record cannot be written once more.
    #[error("{stream} seq {seq}: it cannot follow from what is in front of it: {why}")]
    NotReplayed {
        /// In which stream.
        stream: String,
        /// Which.
        seq: Seq,
        /// What came of it.
        why: String,
    },
    /// Something that speaks of what is not there.
    #[error(transparent)]
    Loose(#[from] Loose),
    /// A replay gives a row that is not there.
    #[error("table {table}, row {key}: it is missing, and a replay of the log gives it")]
    Missing {
        /// In which table.
        table: &'static str,
        /// Which.
        key: String,
    },
    /// A row that a replay does not give.
    #[error("table {table}, row {key}: it is there, and a replay of the log does not give it")]
    Surplus {
        /// In which table.
        table: &'static str,
        /// Which.
        key: String,
    },
    /// A row that a replay gives otherwise.
    #[error("table {table}, row {key}: a replay of the log gives another {columns}")]
    Different {
        /// In which table.
        table: &'static str,
        /// Which.
        key: String,
        /// The columns in which they differ.
        columns: String,
    },
}

/// What hangs in the air.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Loose {
    /// A stream without a record.
    #[error("stream number {0}: it has no record")]
    EmptyStream(StreamNumber),
    /// A snapshot of what was never reached.
    #[error("stream number {0}: its snapshot is of seq {1}, which is not there")]
    Snapshot(StreamNumber, Seq),
    /// A follow-up of what is not there.
    #[error("stream number {0}: follow_ups names seq {1}, which is not there")]
    FollowUp(StreamNumber, Seq),
}

impl From<LooseEnd> for Loose {
    fn from(end: LooseEnd) -> Self {
        match end {
            LooseEnd::EmptyStream(stream) => Self::EmptyStream(stream),
            LooseEnd::Snapshot(stream, at) => Self::Snapshot(stream, seq(at)),
            LooseEnd::FollowUp(stream, at) => Self::FollowUp(stream, seq(at)),
        }
    }
}

/// Everything that is wrong, of which the first ones are kept.
#[derive(Debug, Default)]
pub struct Findings {
    kept: Vec<Finding>,
    total: u64,
}

impl Findings {
    /// Takes another one in.
    pub(super) fn add(&mut self, finding: Finding) {
        self.total += 1;
        if self.kept.len() < limits::FINDINGS_KEPT_MAX {
            self.kept.push(finding);
        }
    }

    /// The first ones.
    #[must_use]
    pub fn kept(&self) -> &[Finding] {
        &self.kept
    }

    /// How many there are.
    #[must_use]
    pub const fn total(&self) -> u64 {
        self.total
    }
}
