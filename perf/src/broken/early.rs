//! A log that acknowledges before it has written.

use bridge_core::Seq;
use bridge_core::event::Stream;
use bridge_core::owner::Answer;
use bridge_core::ports::{Append, Log, LogFailure, Snapshot};

/// Says that a batch is durable, and writes it with the next one.
pub(super) struct AcknowledgesEarly {
    log: Box<dyn Log>,
    unwritten: Vec<Append>,
}

impl AcknowledgesEarly {
    pub(super) fn new(log: Box<dyn Log>) -> Self {
        Self {
            log,
            unwritten: Vec::new(),
        }
    }

    fn write(&mut self) -> Result<(), LogFailure> {
        let unwritten = std::mem::take(&mut self.unwritten);
        if unwritten.is_empty() {
            return Ok(());
        }
        let batch: Vec<&Append> = unwritten.iter().collect();
        self.log.append(&batch).map(drop)
    }
}

impl Log for AcknowledgesEarly {
    fn append(&mut self, batch: &[&Append]) -> Result<Vec<Answer>, LogFailure> {
        self.write()?;
        self.unwritten = batch.iter().map(|&append| append.clone()).collect();
        Ok(vec![Answer::Stored; batch.len()])
    }

    fn save_snapshot(&mut self, stream: &Stream, snapshot: &Snapshot) -> Result<(), LogFailure> {
        self.write()?;
        self.log.save_snapshot(stream, snapshot)
    }

    fn follow_ups_done(&mut self, done: &[(Stream, Seq)]) -> Result<(), LogFailure> {
        self.log.follow_ups_done(done)
    }

    fn upkeep(&mut self, idle: bool) -> Result<(), LogFailure> {
        if idle {
            self.write()?;
        }
        self.log.upkeep(idle)
    }
}
