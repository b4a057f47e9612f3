//! The writer's loop.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::Duration;

use bridge_core::event::Stream;
use bridge_core::id::Incarnation;
use bridge_core::limits;
use bridge_core::owner::Answer;
use bridge_core::ports::{Append, Log};

use super::watched::{Watched, caught};
use super::{Errand, Health, Item, Sink, Submission};
use crate::permits::Permit;
use crate::system::Stopwatch;
use crate::telemetry::metrics::LogMetrics;

pub(super) struct Writer {
    store: Watched,
    queue: Receiver<Item>,
    health: Arc<Health>,
    lives: HashMap<Stream, Incarnation>,
    metrics: LogMetrics,
    is_busy: bool,
}

/// Says that the log is broken if the writer ends before its work does, for whatever reason: who
/// writes to it would wait for ever.
pub(super) struct Mourner(Option<Arc<Health>>);

impl Mourner {
    pub(super) const fn of(health: Arc<Health>) -> Self {
        Self(Some(health))
    }

    /// The last handle is gone: nobody waits.
    fn dismiss(mut self) {
        self.0 = None;
    }
}

impl Drop for Mourner {
    fn drop(&mut self) {
        if let Some(health) = self.0.take() {
            tracing::error!("the log writer ended; nothing is acknowledged any more");
            health.break_down("the log writer ended".to_owned());
        }
    }
}

/// What one turn of the loop has to do.
struct Turn {
    batch: Vec<Submission>,
    errand: Option<(Errand, Permit)>,
}

impl Writer {
    pub(super) fn new(
        store: Watched,
        queue: Receiver<Item>,
        health: Arc<Health>,
        metrics: LogMetrics,
    ) -> Self {
        Self {
            store,
            queue,
            health,
            lives: HashMap::new(),
            metrics,
            // A crashed server may have left some work behind.
            is_busy: true,
        }
    }

    /// Runs until the last handle is gone.
    pub(super) fn run(mut self) {
        let mourner = Mourner::of(Arc::clone(&self.health));
        while let Some(first) = self.next() {
            let turn = self.gather(first);
            self.write(turn.batch);
            if let Some((errand, _permit)) = turn.errand {
                self.run_errand(errand);
            }
            self.upkeep(false);
        }
        mourner.dismiss();
        self.upkeep(true);
    }

    /// Waits for the next item. While none comes, the store does its housekeeping, and is asked
    /// whether it is there.
    fn next(&mut self) -> Option<Item> {
        loop {
            match self.queue.recv_timeout(self.patience()) {
                Ok(item) => {
                    self.is_busy = true;
                    return Some(item);
                }
                Err(RecvTimeoutError::Disconnected) => return None,
                Err(RecvTimeoutError::Timeout) => {
                    self.upkeep(true);
                    self.is_busy = false;
                }
            }
        }
    }

    /// How long nothing may come before the store is looked at.
    fn patience(&self) -> Duration {
        if self.health.is_unavailable() {
            limits::STORE_LOOKED_AT_EVERY
        } else if self.is_busy {
            limits::CHECKPOINT_IDLE
        } else {
            limits::STORE_ASKED_EVERY
        }
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
        let waited = batch[0].since.elapsed();
        let answers = self.append(&appends, waited);
        let mut answers = answers.into_iter();
        let every = current.into_iter().map(|is_current| match is_current {
            true => answers.next().unwrap_or(Answer::Unknown),
            false => Answer::NotNext,
        });
        let every: Vec<Answer> = every.collect();
        self.deliver(batch, every);
    }

    fn is_current(&self, append: &Append) -> bool {
        self.lives
            .get(append.stream())
            .is_none_or(|life| append.incarnation >= *life)
    }

    /// `waited` is how long the first of them was queued.
    fn append(&mut self, appends: &[&Append], waited: Duration) -> Vec<Answer> {
        if appends.is_empty() {
            return Vec::new();
        }
        let watch = Stopwatch::start();
        match self.store.work("a batch", |log| log.append(appends)) {
            Ok(answers) => {
                debug_assert_eq!(answers.len(), appends.len(), "one answer for each append");
                let records = appends.iter().map(|append| append.records.len()).sum();
                let took = watch.elapsed();
                self.health.committed(records, took);
                self.metrics.committed(records, took, waited);
                answers
            }
            Err(failure) => vec![failure.answer(); appends.len()],
        }
    }

    /// An errand that cannot be run is dropped, and with it whatever its owner waits for.
    fn run_errand(&mut self, errand: Errand) {
        match errand {
            Errand::Fence {
                stream,
                incarnation,
                done,
            } => {
                let life = self.lives.entry(stream).or_insert(incarnation);
                *life = incarnation.max(*life);
                self.tell(done);
            }
            Errand::Retire { stream } => {
                self.lives.remove(&stream);
            }
            Errand::FollowUpsDone { done, forgotten } => {
                let forget = |log: &mut dyn Log| log.follow_ups_done(&done);
                if self.store.work("forgetting follow-ups", forget).is_ok() {
                    self.tell(forgotten);
                }
            }
            Errand::Snapshot { stream, snapshot } => {
                let save = |log: &mut dyn Log| log.save_snapshot(&stream, &snapshot);
                if self.store.work("a snapshot", save).is_err() {
                    tracing::debug!(%stream, "it goes on without this snapshot");
                }
            }
            #[cfg(test)]
            Errand::Die => panic!("injected"),
        }
    }

    /// Housekeeping, and getting over a failure. What has to be read waits for neither.
    fn upkeep(&mut self, idle: bool) {
        let keep_up = |log: &mut dyn Log| log.upkeep(idle);
        if self.health.broken().is_none() && self.store.work("upkeep", keep_up).is_err() {
            self.store.recover();
        }
    }

    /// Tells somebody outside.
    fn tell(&self, somebody: impl FnOnce()) {
        if caught(somebody).is_err() {
            self.unheard();
        }
    }

    /// Tells each owner its answers in one go: one message to a room for each batch, not for each
    /// post.
    fn deliver(&self, batch: Vec<Submission>, answers: Vec<Answer>) {
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
            self.tell(|| sink.answered(answers));
        }
    }

    /// An owner that was not told would wait for ever, and so would everybody behind it.
    fn unheard(&self) {
        tracing::error!("telling an outcome panicked");
        self.health
            .break_down("an outcome could not be told".to_owned());
    }
}
