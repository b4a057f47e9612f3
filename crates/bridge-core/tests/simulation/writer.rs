//! The log writer: a queue, batches of any size, and a disk that fails.

use std::collections::VecDeque;

use bridge_core::event::Stream;
use bridge_core::fake::{Fault, MemoryLog, MemoryStore};
use bridge_core::id::Incarnation;
use bridge_core::owner::Answer;
use bridge_core::ports::{Append, Log, LogFailure, Snapshot};

use crate::plan::Plan;
use crate::rng::Rng;

struct Job {
    house: usize,
    append: Append,
}

/// An answer on its way to the owner that made the append.
pub(crate) struct Answered {
    pub(crate) house: usize,
    pub(crate) incarnation: Incarnation,
    pub(crate) answer: Answer,
}

pub(crate) struct Writer {
    log: MemoryLog,
    queue: VecDeque<Job>,
    pub(crate) is_sound: bool,
    /// It can promise nothing any more: the process has to end.
    pub(crate) is_broken: bool,
    pub(crate) faults: u64,
}

/// What can go wrong with a batch.
const FAULTS: [Fault; 4] = [
    Fault::Full,
    Fault::Abort,
    Fault::AbortUnknown,
    Fault::CommitUnknown,
];
/// One fault in so many ends the process.
const BROKEN_ONE_IN: usize = 15;

impl Writer {
    pub(crate) fn new(store: MemoryStore) -> Self {
        Self {
            log: MemoryLog::new(store),
            queue: VecDeque::new(),
            is_sound: false,
            is_broken: false,
            faults: 0,
        }
    }

    pub(crate) fn push(&mut self, house: usize, append: Append) {
        self.queue.push_back(Job { house, append });
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.queue.is_empty()
    }

    pub(crate) fn work_of(&self, house: usize) -> usize {
        self.queue.iter().filter(|job| job.house == house).count()
    }

    /// The fence: what a dead owner left behind is dropped.
    pub(crate) fn drop_work_of(&mut self, house: usize) {
        self.queue.retain(|job| job.house != house);
    }

    pub(crate) fn save_snapshot(&mut self, stream: &Stream, snapshot: &Snapshot) {
        self.log
            .save_snapshot(stream, snapshot)
            .expect("the memory store keeps snapshots");
    }

    /// After a restart.
    pub(crate) fn begin_anew(&mut self, store: MemoryStore) {
        *self = Self {
            is_sound: self.is_sound,
            faults: self.faults,
            ..Self::new(store)
        };
    }

    /// Writes one batch of any size and answers it.
    pub(crate) fn step(&mut self, rng: &mut Rng, plan: &Plan) -> Vec<Answered> {
        let most = if rng.one_in(4) {
            self.queue.len().max(1)
        } else {
            3
        };
        let size = (1 + rng.below(most)).min(self.queue.len());
        let batch: Vec<Job> = self.queue.drain(..size).collect();
        if batch.is_empty() {
            return Vec::new();
        }
        self.log.inject(self.next_fault(rng, plan));
        let appends: Vec<&Append> = batch.iter().map(|job| &job.append).collect();
        let answers = match self.log.append(&appends) {
            Ok(answers) => answers,
            Err(failure) => {
                self.faults += 1;
                self.is_broken |= matches!(failure, LogFailure::Broken(_));
                vec![failure.answer(); batch.len()]
            }
        };
        let answered = batch
            .into_iter()
            .zip(answers)
            .map(|(job, answer)| Answered {
                house: job.house,
                incarnation: job.append.incarnation,
                answer,
            });
        answered.collect()
    }

    fn next_fault(&self, rng: &mut Rng, plan: &Plan) -> Fault {
        if self.is_sound {
            return Fault::None;
        }
        if plan.lies && rng.one_in(10) {
            return Fault::Lie;
        }
        if !rng.one_in(plan.fault_one_in) {
            return Fault::None;
        }
        if rng.one_in(BROKEN_ONE_IN) {
            return Fault::Broken;
        }
        rng.pick(&FAULTS)
    }
}
