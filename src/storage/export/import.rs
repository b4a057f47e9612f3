//! An export becomes the log of an empty database.

use std::io::{BufRead, BufReader, Read, Seek, SeekFrom};

use bridge_core::event::Stream;
use bridge_core::id::Incarnation;
use bridge_core::owner::Answer;
use bridge_core::ports::{Append, Log, LogFailure};
use bridge_core::{Epoch, Seq, limits};

use super::read::{BadExport, Taken, Whole, read};
use crate::storage::keep::Keep;
use crate::storage::{OpenError, Progress, Stopped, Which};

/// What was imported.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Imported {
    /// The life of the log that was exported.
    pub before: Epoch,
    /// How many streams.
    pub streams: u64,
    /// How many records.
    pub records: u64,
}

/// Why an export was not imported.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// It is not what was exported. Nothing was changed, unless the file itself changed meanwhile.
    #[error("{0}")]
    Export(#[from] BadExport),
    /// The database cannot be used. Nothing was changed.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// The export cannot be read again.
    #[error("the export cannot be read: {0}")]
    Read(#[from] std::io::Error),
    /// It was to end. Nothing was changed.
    #[error(transparent)]
    Stopped(#[from] Stopped),
    /// The database refused a part of it.
    #[error("{0}")]
    Refused(String),
    /// The database does not take it.
    #[error("the database: {0}")]
    Log(#[from] LogFailure),
    /// It failed, and what was written of it could not be taken out.
    #[error(
        "{why}; and what was written so far could not be taken out ({undo}): no server starts on \
         this database until it is gone, so make a new one, or repeat the import"
    )]
    NotUndone {
        /// Why it failed.
        why: Box<Self>,
        /// Why the rest failed.
        undo: String,
    },
}

/// Imports an export into an empty database, in another life of its log. The whole export is checked
/// before anything is written; when writing fails or is to end, what was written is taken out again.
/// `checking` counts bytes, `writing` records.
///
/// # Errors
/// When the export is not what was written, the database is not empty or in use, or it failed.
pub fn import(
    which: &Which,
    mut from: impl Read + Seek,
    new_epoch: Epoch,
    checking: Progress<'_>,
    writing: Progress<'_>,
) -> Result<Imported, ImportError> {
    let bytes = from.seek(SeekFrom::End(0))?;
    from.rewind()?;
    let whole = read(BufReader::new(&mut from), |_, at| {
        Ok::<_, ImportError>(checking(at.bytes, bytes)?)
    })?;
    from.rewind()?;
    let mut target = which.open_for_import(new_epoch)?;
    let mut keep = which.keeper()?;
    keep.begin_import().map_err(ImportError::Refused)?;
    let written = write(&mut *target.log, BufReader::new(from), whole, writing);
    let ended = written.and_then(|()| keep.end_import(new_epoch).map_err(ImportError::Refused));
    match ended {
        Ok(()) => Ok(Imported {
            before: whole.epoch,
            streams: whole.streams,
            records: whole.records,
        }),
        Err(why) => Err(undo(&mut *keep, why)),
    }
}

fn undo(keep: &mut dyn Keep, why: ImportError) -> ImportError {
    match keep.undo_import() {
        Ok(()) => why,
        Err(undo) => ImportError::NotUndone {
            why: Box::new(why),
            undo,
        },
    }
}

fn write(
    log: &mut dyn Log,
    from: impl BufRead,
    whole: Whole,
    progress: Progress<'_>,
) -> Result<(), ImportError> {
    let mut batch = Batch::default();
    read(from, |taken, at| {
        batch.add(taken);
        if batch.is_full() {
            batch.write(log)?;
            progress(at.records, whole.records)?;
        }
        Ok::<_, ImportError>(())
    })?;
    batch.write(log)?;
    Ok(progress(whole.records, whole.records)?)
}

/// Records that are written in one transaction.
#[derive(Default)]
struct Batch {
    appends: Vec<Append>,
    bytes: usize,
    /// Those whose effects were brought about before the export.
    done: Vec<(Stream, Seq)>,
}

impl Batch {
    fn add(&mut self, Taken { record, is_open }: Taken) {
        let envelope = &record.envelope;
        if envelope.event.has_follow_up() && !is_open {
            self.done.push((envelope.stream.clone(), envelope.seq));
        }
        self.bytes += record.body.len();
        self.appends.push(Append {
            incarnation: Incarnation::new(0),
            records: vec![record],
        });
    }

    fn is_full(&self) -> bool {
        self.appends.len() >= limits::BATCH_ROWS_MAX || self.bytes >= limits::BATCH_BYTES_MAX
    }

    fn write(&mut self, log: &mut dyn Log) -> Result<(), ImportError> {
        let Self { appends, done, .. } = std::mem::take(self);
        if appends.is_empty() {
            return Ok(());
        }
        let batch: Vec<&Append> = appends.iter().collect();
        for (append, answer) in batch.iter().zip(log.append(&batch)?) {
            if answer != Answer::Stored {
                let (stream, seq) = (append.stream(), append.first_seq());
                let why = format!("{stream} seq {seq} cannot be written: {answer:?}");
                return Err(ImportError::Refused(why));
            }
        }
        log.follow_ups_done(&done)?;
        log.upkeep(false)?;
        Ok(())
    }
}
