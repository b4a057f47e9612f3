//! The writing side, with fault points.

use std::collections::VecDeque;

use super::store::MemoryStore;
use crate::event::Stream;
use crate::id::Seq;
use crate::owner::Answer;
use crate::ports::{Append, Log, LogFailure, Snapshot};

/// What goes wrong with the next batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// Nothing.
    None,
    /// The disk is full.
    Full,
    /// It is rolled back.
    Abort,
    /// It is rolled back, and nobody knows.
    AbortUnknown,
    /// It is committed, and nobody knows.
    CommitUnknown,
    /// It is committed, nobody knows, and from now on the log can promise nothing.
    Broken,
    /// It is answered as stored although it was not: the control that every checker must notice.
    Lie,
}

/// The writing side of a [`MemoryStore`].
#[derive(Debug)]
pub struct MemoryLog {
    store: MemoryStore,
    faults: VecDeque<Fault>,
    is_broken: bool,
}

impl MemoryLog {
    /// A log over a store.
    #[must_use]
    pub fn new(store: MemoryStore) -> Self {
        Self {
            store,
            faults: VecDeque::new(),
            is_broken: false,
        }
    }

    /// What goes wrong with the batch after those that have a fault already.
    pub fn inject(&mut self, fault: Fault) {
        self.faults.push_back(fault);
    }
}

impl Log for MemoryLog {
    fn append(&mut self, batch: &[&Append]) -> Result<Vec<Answer>, LogFailure> {
        let fault = self.faults.pop_front().unwrap_or(Fault::None);
        if self.is_broken {
            return Err(LogFailure::Broken("injected".into()));
        }
        let mut kept = self.store.kept();
        match fault {
            Fault::Full => return Err(LogFailure::Full("injected".into())),
            Fault::Abort => return Err(LogFailure::Aborted("injected".into())),
            Fault::AbortUnknown => return Err(LogFailure::Unknown("injected".into())),
            Fault::Lie => {
                let mut forgotten = kept.clone();
                return Ok(batch
                    .iter()
                    .map(|append| forgotten.append(append))
                    .collect());
            }
            Fault::None | Fault::CommitUnknown | Fault::Broken => {}
        }
        let answers = batch.iter().map(|append| kept.append(append)).collect();
        match fault {
            Fault::CommitUnknown => Err(LogFailure::Unknown("injected".into())),
            Fault::Broken => {
                self.is_broken = true;
                Err(LogFailure::Broken("injected".into()))
            }
            _ => Ok(answers),
        }
    }

    fn save_snapshot(&mut self, stream: &Stream, snapshot: &Snapshot) -> Result<(), LogFailure> {
        self.store
            .kept()
            .snapshots
            .insert(stream.clone(), snapshot.clone());
        Ok(())
    }

    fn follow_ups_done(&mut self, done: &[(Stream, Seq)]) -> Result<(), LogFailure> {
        self.store.kept().followed.extend(done.iter().cloned());
        Ok(())
    }

    fn upkeep(&mut self, _idle: bool) -> Result<(), LogFailure> {
        Ok(())
    }
}
