//! Checks a whole log, without changing anything: that it is dense, that each record is what was
//! written, and that everything which follows from it is what a replay gives.
//!
//! The log is written once more into a database that nobody keeps, by the code that writes the real
//! one; then both are compared, row by row. All of it sees one moment, so a server may go on.

mod compare;
mod finding;
mod state;
mod walk;

use std::path::{Path, PathBuf};

use bridge_core::event::Stream;
use bridge_core::ports::StoreError;
use bridge_core::{Epoch, Timestamp, limits};

use super::sqlite::{Replay, view_of_file};
use super::view::{StreamRow, View};
use super::{OpenError, Progress, Stopped, Which};
use crate::storage::row::StreamNumber;

pub use finding::{Finding, Findings};

use walk::Walk;

/// What is checked.
#[derive(Debug, Clone)]
pub enum Depth {
    /// The file, the records, and that they are dense.
    Log,
    /// That, and what follows from them, in a replay that is kept in this folder meanwhile.
    Whole(PathBuf),
}

/// What was checked, and what is wrong with it.
#[derive(Debug)]
pub struct Report {
    /// Which life of the log it is.
    pub epoch: Epoch,
    /// How many streams there are.
    pub streams: u64,
    /// How many records.
    pub records: u64,
    /// What is wrong.
    pub findings: Findings,
}

/// Why something could not be checked at all.
#[derive(Debug, thiserror::Error)]
pub enum VerifyError {
    /// It cannot be opened.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// It cannot be read now.
    #[error(transparent)]
    Read(#[from] StoreError),
    /// It was to end.
    #[error(transparent)]
    Stopped(#[from] Stopped),
    /// The replay could not be written.
    #[error("the replay in the temporary folder {folder} failed: {why}")]
    Replay {
        /// Where.
        folder: PathBuf,
        /// Why.
        why: String,
    },
}

/// Checks a database, also while a server writes to it. `progress` counts records.
///
/// # Errors
/// When it could not be checked. What is wrong with it is in the report.
pub fn database(
    which: &Which,
    depth: &Depth,
    progress: Progress<'_>,
) -> Result<Report, VerifyError> {
    report(&mut *which.view()?, depth, progress)
}

/// Checks a file that nobody writes to. Its seal, if it has one, is another matter.
///
/// # Errors
/// As for [`database`].
pub fn file(path: &Path, depth: &Depth, progress: Progress<'_>) -> Result<Report, VerifyError> {
    report(&mut view_of_file(path)?, depth, progress)
}

fn report(
    view: &mut dyn View,
    depth: &Depth,
    progress: Progress<'_>,
) -> Result<Report, VerifyError> {
    let mut report = Report {
        epoch: view.epoch()?,
        streams: 0,
        records: 0,
        findings: Findings::default(),
    };
    match check(view, depth, progress, &mut report) {
        // It is so damaged that the database itself cannot read it: that is what was to be found.
        Err(VerifyError::Read(StoreError::Corrupt(why))) => {
            report.findings.add(Finding::Unreadable(why));
        }
        outcome => outcome?,
    }
    Ok(report)
}

fn check(
    view: &mut dyn View,
    depth: &Depth,
    progress: Progress<'_>,
    report: &mut Report,
) -> Result<(), VerifyError> {
    for why in view.integrity()? {
        report.findings.add(Finding::File(why));
    }
    let mut replay = match depth {
        Depth::Log => None,
        Depth::Whole(scratch) => Some(Replay::begin(scratch, report.epoch)?),
    };
    for stream in view.streams()? {
        if let Err(finding) = look_at(&stream?, replay.as_mut()) {
            report.findings.add(finding);
        }
    }
    let mut walk = Walk::new(replay, depth.scratch());
    let total = view.records_total()?;
    for row in view.records()? {
        walk.record(row?, &mut report.findings)?;
        progress(walk.records(), total)?;
    }
    let walked = walk.end(&mut report.findings)?;
    look_at_latest(view.latest()?, walked.newest, &mut report.findings);
    report.streams = walked.streams;
    report.records = walked.records;
    for end in view.loose_ends()? {
        report.findings.add(Finding::Loose(end.into()));
    }
    if let Some(replay) = &walked.replay {
        let mut again = replay.view()?;
        compare::all(view, &mut again, &walked.damaged, &mut report.findings)?;
    }
    Ok(())
}

/// Looks at a stream, and makes it in the replay.
fn look_at(row: &StreamRow, replay: Option<&mut Replay>) -> Result<(), Finding> {
    let wrong = |why: String| Finding::Stream {
        number: row.id,
        why,
    };
    if let Some(replay) = replay {
        let created = replay.create(row);
        created.map_err(|why| wrong(why.to_string()))?;
    }
    let (kind, name) = (&row.kind, &row.name);
    let stream = Stream::from_words(kind, name)
        .ok_or_else(|| wrong(format!("{kind:?} {name:?} is no stream")))?;
    if stream.name() == name && stream.name_folded() == row.name_folded {
        return Ok(());
    }
    Err(wrong(format!("{stream} is not found under its name")))
}

/// The time of the newest record is noted now and then, and never later than it is. A database of the
/// first versions has no note until something is written to it.
fn look_at_latest(noted: Option<Timestamp>, newest: Timestamp, findings: &mut Findings) {
    let late = noted.map_or(0, |noted| {
        newest.as_millis().saturating_sub(noted.as_millis())
    });
    let most = i64::try_from(limits::LATEST_NOTED_EVERY.as_millis()).unwrap_or(i64::MAX);
    if !(0..=most).contains(&late) {
        findings.add(Finding::Latest);
    }
}

impl Depth {
    fn scratch(&self) -> PathBuf {
        match self {
            Self::Log => PathBuf::new(),
            Self::Whole(scratch) => scratch.clone(),
        }
    }
}

/// A stream as it is named in a finding.
fn named(number: StreamNumber, words: Option<&(String, String)>) -> String {
    match words {
        Some((kind, name)) => format!("{kind}:{name}"),
        None => format!("stream number {number}"),
    }
}
