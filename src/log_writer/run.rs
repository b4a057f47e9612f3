//! The writer's loop.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError};

use bridge_core::event::Stream;
use bridge_core::id::Incarnation;
use bridge_core::owner::Answer;
use bridge_core::ports::{Append, Log, LogFailure};
use bridge_core::{Reject, limits};

use super::{Errand, Health, Item, Sink, Submission};
use crate::permits::Permit;
use crate::system::Stopwatch;

pub(super) struct Writer {
    log: Box<dyn Log>,
    queue: Receiver<Item>,
    health: Arc<Health>,
    lives: HashMap<Stream, Incarnation>,
    is_busy: bool,
}

/// What one turn of the loop has to do.
struct Turn {
    batch: Vec<Submission>,
    errand: Option<(Errand, Permit)>,
}

impl Writer {
    pub(super) fn new(log: Box<dyn Log>, queue: Receiver<Item>, health: Arc<Health>) -> Self {
        Self {
            log,
            queue,
            health,
            lives: HashMap::new(),
            is_busy: false,
        }
    }

    /// Runs until the last handle is gone. A panic is loud: nothing is acknowledged after it, and
    /// whoever watches the health ends the process.
    pub(super) fn run(mut self) {
        let health = Arc::clone(&self.health);
        if catch_unwind(AssertUnwindSafe(move || self.turn_by_turn())).is_err() {
            tracing::error!("the log writer panicked; nothing is acknowledged any more");
            health.break_down("the log writer panicked".to_owned());
        }
    }

    fn turn_by_turn(&mut self) {
        while let Some(first) = self.next() {
            let turn = self.gather(first);
            self.write(turn.batch);
            if let Some((errand, _permit)) = turn.errand {
                self.run_errand(errand);
            }
            self.upkeep(false);
        }
        self.upkeep(true);
    }

    /// Waits for the next item. When none comes for a while, the store does its housekeeping.
    fn next(&mut self) -> Option<Item> {
        if self.is_busy {
            match self.queue.recv_timeout(limits::CHECKPOINT_IDLE) {
                Ok(item) => return Some(item),
                Err(RecvTimeoutError::Disconnected) => return None,
                Err(RecvTimeoutError::Timeout) => {
                    self.upkeep(true);
                    self.is_busy = false;
                }
            }
        }
        let item = self.queue.recv().ok();
        self.is_busy = true;
        item
    }

    /// Takes what is queued, up to the bounds of a batch. An errand ends it: whatever stands in
    /// front of it must be written first.
    fn gather(&self, first: Item) -> Turn {
        let mut turn = Turn {
            batch: Vec::new(),
            errand: None,
        };
        let (mut rows, mut bytes) = (0, 0);
        let mut next = Some(first);
        while let Some(item) = next {
            match item {
                Item::Errand(errand, permit) => {
                    turn.errand = Some((errand, permit));
                    break;
                }
                Item::Append(submission) => {
                    rows += submission.append.records.len();
                    bytes += submission.append.bytes();
                    turn.batch.push(submission);
                }
            }
            if rows >= limits::BATCH_ROWS_MAX || bytes >= limits::BATCH_BYTES_MAX {
                break;
            }
            next = self.queue.try_recv().ok();
        }
        turn
    }

    fn write(&mut self, batch: Vec<Submission>) {
        if batch.is_empty() {
            return;
        }
        let current: Vec<bool> = batch.iter().map(|s| self.is_current(&s.append)).collect();
        let appends: Vec<&Append> = batch
            .iter()
            .zip(&current)
            .filter(|(_, ok)| **ok)
            .map(|(s, _)| &s.append)
            .collect();
        let answers = self.append(&appends);
        let mut answers = answers.into_iter();
        let every = current.into_iter().map(|is_current| match is_current {
            true => answers.next().unwrap_or(Answer::Unknown),
            false => Answer::NotNext,
        });
        let every: Vec<Answer> = every.collect();
        deliver(batch, every);
    }

    fn is_current(&self, append: &Append) -> bool {
        self.lives
            .get(append.stream())
            .is_none_or(|life| append.incarnation >= *life)
    }

    fn append(&mut self, appends: &[&Append]) -> Vec<Answer> {
        if appends.is_empty() {
            return Vec::new();
        }
        if self.health.broken().is_some() {
            // Nothing is written any more, so this is certain: the request was not carried out.
            let refused = Answer::Refused(Reject::Retry {
                detail: "the log is broken",
            });
            return vec![refused; appends.len()];
        }
        let watch = Stopwatch::start();
        match self.log.append(appends) {
            Ok(answers) => {
                debug_assert_eq!(answers.len(), appends.len(), "one answer for each append");
                let records = appends.iter().map(|append| append.records.len()).sum();
                self.health.committed(records, watch.elapsed());
                answers
            }
            Err(failure) => {
                self.failed(&failure);
                vec![failure.answer(); appends.len()]
            }
        }
    }

    fn failed(&self, failure: &LogFailure) {
        tracing::error!(error = %failure, "a batch of the log failed");
        if let LogFailure::Broken(why) = failure {
            self.health.break_down(why.clone());
        }
    }

    fn run_errand(&mut self, errand: Errand) {
        match errand {
            Errand::Fence {
                stream,
                incarnation,
                done,
            } => {
                match self.lives.entry(stream) {
                    Entry::Occupied(mut life) if *life.get() < incarnation => {
                        life.insert(incarnation);
                    }
                    Entry::Occupied(_) => {}
                    Entry::Vacant(life) => {
                        life.insert(incarnation);
                    }
                }
                done();
            }
            Errand::Retire { stream } => {
                self.lives.remove(&stream);
            }
            Errand::FollowUpsDone { done, forgotten } => {
                if self.health.broken().is_some() {
                    return;
                }
                match self.log.follow_ups_done(&done) {
                    Ok(()) => forgotten(),
                    Err(failure) => self.failed(&failure),
                }
            }
            Errand::Snapshot { stream, snapshot } => {
                if self.health.broken().is_some() {
                    return;
                }
                if let Err(failure) = self.log.save_snapshot(&stream, &snapshot) {
                    self.failed(&failure);
                }
            }
        }
    }

    fn upkeep(&mut self, idle: bool) {
        if self.health.broken().is_some() {
            return;
        }
        if let Err(failure) = self.log.upkeep(idle) {
            self.failed(&failure);
        }
    }
}

/// Tells each owner its answers in one go: one message to a room for each batch, not for each post.
fn deliver(batch: Vec<Submission>, answers: Vec<Answer>) {
    let mut by_owner: Vec<(Arc<dyn Sink>, Vec<Answer>)> = Vec::new();
    let mut places: HashMap<usize, usize> = HashMap::new();
    for (submission, answer) in batch.into_iter().zip(answers) {
        let address = Arc::as_ptr(&submission.sink).cast::<()>() as usize;
        let place = *places.entry(address).or_insert_with(|| {
            by_owner.push((submission.sink, Vec::new()));
            by_owner.len() - 1
        });
        by_owner[place].1.push(answer);
    }
    for (sink, answers) in by_owner {
        sink.answered(answers);
    }
}
