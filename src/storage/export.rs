//! A whole log as JSON Lines, and back: how an install moves from one kind of database to another.
//!
//! A header, a line for each record in the order of the streams' creation and of seq, and a last line
//! with the SHA-256 of everything in front of it, so that a file that was cut off is noticed. What
//! follows from the log is not in it: writing the log makes it again.

mod import;
mod line;
mod read;

use std::io::Write;
use std::path::PathBuf;

use bridge_core::event::Stream;
use bridge_core::ports::StoreError;
use bridge_core::{Epoch, Seq};
use sha2::{Digest, Sha256};

use super::view::WalkedRow;
use super::{OpenError, Progress, Stopped, Which};
use crate::hex;
use crate::storage::row::{StreamNumber, seq};
use line::{Header, RecordLine, Trailer};

pub use import::{ImportError, Imported, import};
pub use read::{BadExport, Fault};

/// What was exported.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Exported {
    /// Of which life of the log.
    pub epoch: Epoch,
    /// How many streams.
    pub streams: u64,
    /// How many records.
    pub records: u64,
}

/// Why a log was not exported.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// It cannot be opened.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// It cannot be read, or is not what was written.
    #[error("{0}; `agent-bridge verify` says everything that is wrong")]
    Read(#[from] StoreError),
    /// It was to end.
    #[error(transparent)]
    Stopped(#[from] Stopped),
    /// It cannot be written.
    #[error("cannot write {to}: {why}")]
    Write {
        /// To where.
        to: PathBuf,
        /// What the system says.
        why: std::io::Error,
    },
}

/// Writes the whole log of a database, as of now, also while a server writes to it. Every record is
/// checked on its way. `progress` counts records.
///
/// # Errors
/// When the database cannot be read, a record is missing or not what was written, or `out` (which is named
/// `to`) takes no more.
pub fn export(
    which: &Which,
    out: impl Write,
    to: PathBuf,
    progress: Progress<'_>,
) -> Result<Exported, ExportError> {
    let view = &mut *which.view()?;
    let mut exported = Exported {
        epoch: view.epoch()?,
        streams: 0,
        records: 0,
    };
    let mut out = Out {
        out,
        to,
        hash: Sha256::new(),
    };
    out.line(&Header::new(exported.epoch))?;
    let total = view.records_total()?;
    let mut at: Option<At> = None;
    for row in view.records()? {
        let row: WalkedRow = row?;
        let here = match at.take_if(|at| at.number == row.stream) {
            Some(here) => here,
            None => {
                exported.streams += 1;
                At::first(&row)?
            }
        };
        let here = at.insert(here);
        here.take(&row)?;
        out.line(&RecordLine::of(row, &here.stream)?)?;
        exported.records += 1;
        progress(exported.records, total)?;
    }
    let trailer = Trailer {
        end: true,
        streams: exported.streams,
        records: exported.records,
        sha256: hex::text(&out.hash.clone().finalize()),
    };
    out.line(&trailer)?;
    out.flush()?;
    Ok(exported)
}

fn stream(row: &WalkedRow) -> Result<Stream, StoreError> {
    let words = row.words.as_ref();
    let stream = words.and_then(|(kind, name)| Stream::from_words(kind, name));
    stream.ok_or_else(|| StoreError::Corrupt(format!("table streams, row {}", row.stream)))
}

/// How far the reading has come in a stream.
struct At {
    number: StreamNumber,
    stream: Stream,
    seq: Seq,
}

impl At {
    /// In front of the first record of a stream.
    fn first(row: &WalkedRow) -> Result<Self, StoreError> {
        Ok(Self {
            number: row.stream,
            stream: stream(row)?,
            seq: Seq::ZERO,
        })
    }

    /// Behind the next record.
    fn take(&mut self, row: &WalkedRow) -> Result<(), StoreError> {
        let (expected, found) = (self.seq.next(), seq(row.row.seq()));
        if found != expected {
            let text = format!(
                "{}: seq {expected} should come, and seq {found} is there",
                self.stream
            );
            return Err(StoreError::Corrupt(text));
        }
        self.seq = found;
        Ok(())
    }
}

/// Where lines go, and what was in them.
struct Out<W> {
    out: W,
    to: PathBuf,
    hash: Sha256,
}

impl<W: Write> Out<W> {
    fn line(&mut self, line: &impl serde::Serialize) -> Result<(), ExportError> {
        let mut text = serde_json::to_vec(line)
            .expect("the lines are structs of texts and numbers, which have no other keys");
        text.push(b'\n');
        self.hash.update(&text);
        let written = self.out.write_all(&text);
        written.map_err(|why| self.failed(why))
    }

    fn flush(&mut self) -> Result<(), ExportError> {
        let flushed = self.out.flush();
        flushed.map_err(|why| self.failed(why))
    }

    fn failed(&self, why: std::io::Error) -> ExportError {
        ExportError::Write {
            to: self.to.clone(),
            why,
        }
    }
}
