//! Messages that were stored a moment ago, so that a session that is there gets them without a
//! read.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use bridge_core::event::{Envelope, Event};
use bridge_core::{Seq, limits};

/// A bounded memory of the latest messages. It is a cache: the log has all of them.
#[derive(Debug, Default)]
pub(super) struct Bodies {
    by_seq: BTreeMap<Seq, (Arc<Envelope>, usize)>,
    in_order: VecDeque<Seq>,
    bytes: usize,
}

impl Bodies {
    /// Keeps a message, and forgets the oldest ones beyond the bound.
    pub(super) fn keep(&mut self, envelope: &Arc<Envelope>) {
        let Event::MessageStored(stored) = &envelope.event else {
            return;
        };
        let bytes = stored.body.weight_bytes() + size_of::<Envelope>();
        self.by_seq
            .insert(envelope.seq, (Arc::clone(envelope), bytes));
        self.in_order.push_back(envelope.seq);
        self.bytes += bytes;
        while self.bytes > limits::MAILBOX_BODIES_BYTES_MAX {
            let Some(oldest) = self.in_order.pop_front() else {
                break;
            };
            self.forget(oldest);
        }
    }

    /// A message that is still remembered.
    pub(super) fn get(&self, seq: Seq) -> Option<&Arc<Envelope>> {
        self.by_seq.get(&seq).map(|(envelope, _)| envelope)
    }

    /// Nobody will ask for it any more.
    pub(super) fn forget(&mut self, seq: Seq) {
        if let Some((_, bytes)) = self.by_seq.remove(&seq) {
            self.bytes -= bytes;
        }
        if self.by_seq.is_empty() {
            self.in_order.clear();
        }
    }
}
