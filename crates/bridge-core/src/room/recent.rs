//! What a room remembers of its latest records, so that the common case needs no look-up.

use std::collections::{HashMap, HashSet, VecDeque};

use crate::command::{Fingerprint, Key};
use crate::id::{ClientId, IdempotencyKey, MessageId, Seq};
use crate::limits;

/// A bounded window of keys and message ids. It is a cache: an empty one is right, only slower,
/// because the log's index knows the rest.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Recent {
    keys: HashMap<(ClientId, IdempotencyKey), (Seq, Fingerprint)>,
    keys_in_order: VecDeque<(ClientId, IdempotencyKey)>,
    messages: HashSet<MessageId>,
    messages_in_order: VecDeque<MessageId>,
}

impl Recent {
    pub(super) fn note_key(&mut self, by: &ClientId, key: &Key, seq: Seq) {
        let name = (by.clone(), key.word.clone());
        if self.keys_in_order.len() == limits::RECENT_KEYS_MAX
            && let Some(oldest) = self.keys_in_order.pop_front()
        {
            self.keys.remove(&oldest);
        }
        self.keys.insert(name.clone(), (seq, key.fingerprint));
        self.keys_in_order.push_back(name);
    }

    pub(super) fn key(&self, by: &ClientId, word: &IdempotencyKey) -> Option<(Seq, Fingerprint)> {
        // The pair is cloned for the look-up: both halves are reference counted.
        self.keys.get(&(by.clone(), word.clone())).copied()
    }

    pub(super) fn note_message(&mut self, id: MessageId) {
        if self.messages_in_order.len() == limits::RECENT_MESSAGES_MAX
            && let Some(oldest) = self.messages_in_order.pop_front()
        {
            self.messages.remove(&oldest);
        }
        self.messages.insert(id);
        self.messages_in_order.push_back(id);
    }

    pub(super) fn has_message(&self, id: MessageId) -> bool {
        self.messages.contains(&id)
    }
}
