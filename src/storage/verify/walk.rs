//! From the first record to the last.

use std::collections::HashSet;
use std::path::PathBuf;
use std::sync::Arc;

use bridge_core::event::{Envelope, Stream};
use bridge_core::id::Incarnation;
use bridge_core::owner::Answer;
use bridge_core::ports::{Append, Record};
use bridge_core::{Seq, Timestamp, limits};

use super::finding::{Finding, Findings};
use super::state::State;
use super::{VerifyError, named};
use crate::storage::row::{StreamNumber, dedupe, seq};
use crate::storage::sqlite::Replay;
use crate::storage::view::{SnapshotRow, WalkedRow};

/// Looks at records one after the other, and writes them once more.
pub(super) struct Walk {
    replay: Option<Replay>,
    scratch: PathBuf,
    batch: Vec<(StreamNumber, Append)>,
    batch_bytes: usize,
    at: Option<At>,
    damaged: HashSet<StreamNumber>,
    streams: u64,
    records: u64,
    newest: Timestamp,
}

/// Where it is.
struct At {
    number: StreamNumber,
    /// The stream, if it is one.
    stream: Option<Stream>,
    name: String,
    seq: Seq,
    time: Timestamp,
    /// What its records add up to, as long as all of them are sound.
    state: Option<State>,
}

/// What it has seen.
pub(super) struct Walked {
    pub(super) streams: u64,
    pub(super) records: u64,
    /// The time of the newest one.
    pub(super) newest: Timestamp,
    /// Streams that were not written once more to their end: nothing is known of what follows from
    /// them.
    pub(super) damaged: HashSet<StreamNumber>,
    pub(super) replay: Option<Replay>,
}

impl Walk {
    pub(super) fn new(replay: Option<Replay>, scratch: PathBuf) -> Self {
        Self {
            replay,
            scratch,
            batch: Vec::new(),
            batch_bytes: 0,
            at: None,
            damaged: HashSet::new(),
            streams: 0,
            records: 0,
            newest: Timestamp::default(),
        }
    }

    /// How many records it has seen.
    pub(super) const fn records(&self) -> u64 {
        self.records
    }

    /// The next record.
    pub(super) fn record(
        &mut self,
        walked: WalkedRow,
        findings: &mut Findings,
    ) -> Result<(), VerifyError> {
        self.records += 1;
        let mut at = self.place(&walked, findings);
        let is_sound = self.look(walked, &mut at, findings)?;
        if !is_sound {
            self.damaged.insert(at.number);
        }
        self.at = Some(at);
        Ok(())
    }

    /// The stream of a record: the one before, or another one that begins.
    fn place(&mut self, walked: &WalkedRow, findings: &mut Findings) -> At {
        if let Some(at) = self.at.take_if(|at| at.number == walked.stream) {
            return at;
        }
        self.streams += 1;
        let words = walked.words.as_ref();
        let stream = words.and_then(|(kind, name)| Stream::from_words(kind, name));
        if words.is_none() {
            findings.add(Finding::Stream {
                number: walked.stream,
                why: "it has records, and is not in the table of streams".to_owned(),
            });
        }
        At {
            number: walked.stream,
            // A check of the log alone asks nothing of snapshots: they can be made again.
            state: stream
                .as_ref()
                .filter(|_| self.replay.is_some())
                .map(State::empty),
            stream,
            name: named(walked.stream, words),
            seq: Seq::ZERO,
            time: Timestamp::default(),
        }
    }

    /// Whether a record is what it should be, and is written once more.
    fn look(
        &mut self,
        walked: WalkedRow,
        at: &mut At,
        findings: &mut Findings,
    ) -> Result<bool, VerifyError> {
        let found = seq(walked.row.seq());
        let expected = at.seq.next();
        at.seq = found;
        let is_next = found == expected;
        if !is_next {
            let stream = at.name.clone();
            findings.add(Finding::Gap {
                stream,
                expected,
                found,
            });
        }
        let Some(stream) = &at.stream else {
            return Ok(false);
        };
        let body = walked.row.body().to_vec();
        let found_by = walked.row.dedupe().map(str::to_owned);
        let envelope = match walked.row.into_envelope(stream) {
            Ok(envelope) => envelope,
            Err(why) => {
                findings.add(Finding::Record(why.to_string()));
                return Ok(false);
            }
        };
        if envelope.at < at.time {
            let stream = at.name.clone();
            findings.add(Finding::Earlier { stream, seq: found });
        }
        at.time = envelope.at;
        self.newest = self.newest.max(envelope.at);
        let key = envelope.key.as_ref();
        if key.map(|key| dedupe(&envelope.by, &key.word)) != found_by {
            let stream = at.name.clone();
            findings.add(Finding::Key { stream, seq: found });
        }
        if walked.is_open && !envelope.event.has_follow_up() {
            let stream = at.name.clone();
            findings.add(Finding::NoFollowUp { stream, seq: found });
        }
        if is_next && !self.damaged.contains(&at.number) {
            at.add_up(&envelope, walked.snapshot.as_ref(), findings);
            self.write(at.number, envelope, body, findings)?;
        }
        Ok(is_next)
    }

    fn write(
        &mut self,
        number: StreamNumber,
        envelope: Envelope,
        body: Vec<u8>,
        findings: &mut Findings,
    ) -> Result<(), VerifyError> {
        if self.replay.is_none() {
            return Ok(());
        }
        self.batch_bytes += body.len();
        let record = Record {
            envelope: Arc::new(envelope),
            body: body.into(),
        };
        let append = Append {
            incarnation: Incarnation::new(0),
            records: vec![record],
        };
        self.batch.push((number, append));
        let is_full = self.batch.len() >= limits::BATCH_ROWS_MAX
            || self.batch_bytes >= limits::BATCH_BYTES_MAX;
        if is_full {
            self.flush(findings)
        } else {
            Ok(())
        }
    }

    fn flush(&mut self, findings: &mut Findings) -> Result<(), VerifyError> {
        let batch = std::mem::take(&mut self.batch);
        self.batch_bytes = 0;
        let Some(replay) = self.replay.as_mut().filter(|_| !batch.is_empty()) else {
            return Ok(());
        };
        let appends: Vec<&Append> = batch.iter().map(|(_, append)| append).collect();
        let answers = replay.append(&appends).map_err(|why| VerifyError::Replay {
            folder: self.scratch.clone(),
            why: why.to_string(),
        })?;
        for ((number, append), answer) in batch.iter().zip(answers) {
            // What comes behind a record that does not land does not land either: once is enough.
            let is_news = answer != Answer::Stored && self.damaged.insert(*number);
            if is_news {
                findings.add(Finding::NotReplayed {
                    stream: append.stream().to_string(),
                    seq: append.first_seq(),
                    why: said(&answer),
                });
            }
        }
        Ok(())
    }

    /// After the last record.
    pub(super) fn end(mut self, findings: &mut Findings) -> Result<Walked, VerifyError> {
        self.flush(findings)?;
        Ok(Walked {
            streams: self.streams,
            records: self.records,
            newest: self.newest,
            damaged: self.damaged,
            replay: self.replay,
        })
    }
}

impl At {
    /// Takes in the next record, and compares what there is now with the snapshot of it.
    fn add_up(
        &mut self,
        envelope: &Envelope,
        snapshot: Option<&SnapshotRow>,
        findings: &mut Findings,
    ) {
        let Some(state) = &mut self.state else {
            return;
        };
        state.apply(envelope);
        if snapshot.is_some_and(|snapshot| !state.agrees_with(snapshot)) {
            findings.add(Finding::Snapshot {
                stream: self.name.clone(),
                seq: self.seq,
            });
        }
    }
}

/// What came of a record that did not land.
fn said(answer: &Answer) -> String {
    match answer {
        Answer::Stored => "it was stored".to_owned(),
        Answer::Duplicate(original) => format!("its key is that of seq {}", original.seq),
        Answer::NotNext => "it is not the next one".to_owned(),
        Answer::Refused(reject) => reject.detail().unwrap_or_default().to_owned(),
        Answer::Unknown => "nobody knows".to_owned(),
    }
}
