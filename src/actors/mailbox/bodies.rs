//! Messages that were stored a moment ago, so that a session that is there gets them without a
//! read.

use std::collections::BTreeMap;
use std::sync::Arc;

use bridge_core::event::{Envelope, Event};
use bridge_core::message::Outgoing;
use bridge_core::text::Metadata;
use bridge_core::{Seq, limits};

/// A bounded memory of the latest messages. It is a cache: the log has all of them.
#[derive(Debug, Default)]
pub(super) struct Bodies {
    by_seq: BTreeMap<Seq, (Arc<Envelope>, usize)>,
    bytes: usize,
}

impl Bodies {
    /// Keeps a message, and forgets the oldest ones beyond the bound.
    pub(super) fn keep(&mut self, envelope: &Arc<Envelope>) {
        let Event::MessageStored(stored) = &envelope.event else {
            return;
        };
        let metadata = stored.metadata.as_ref().map_or(0, Metadata::weight_bytes);
        let own = size_of::<Envelope>() + size_of::<Outgoing>();
        let bytes = stored.body.weight_bytes() + metadata + stored.to.weight_bytes() + own;
        self.by_seq
            .insert(envelope.seq, (Arc::clone(envelope), bytes));
        self.bytes += bytes;
        while self.bytes > limits::MAILBOX_BODIES_BYTES_MAX {
            let Some((_, (_, bytes))) = self.by_seq.pop_first() else {
                break;
            };
            self.bytes -= bytes;
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
    }
}
