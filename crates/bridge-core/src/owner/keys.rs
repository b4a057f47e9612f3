//! The keys of the latest records, so that the common repeat needs no look-up.

use std::collections::{HashMap, VecDeque};

use crate::command::{Fingerprint, Key};
use crate::id::{ClientId, IdempotencyKey, Seq};
use crate::limits;

/// A bounded window of keys. It is a cache: an empty one is right, only slower, because the log's
/// index knows the rest.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct RecentKeys {
    by_name: HashMap<(ClientId, IdempotencyKey), (Seq, Fingerprint)>,
    in_order: VecDeque<(ClientId, IdempotencyKey)>,
}

impl RecentKeys {
    pub(crate) fn note(&mut self, by: &ClientId, key: &Key, seq: Seq) {
        let name = (by.clone(), key.word.clone());
        if self.in_order.len() == limits::RECENT_KEYS_MAX
            && let Some(oldest) = self.in_order.pop_front()
        {
            self.by_name.remove(&oldest);
        }
        self.by_name.insert(name.clone(), (seq, key.fingerprint));
        self.in_order.push_back(name);
    }

    pub(crate) fn find(&self, by: &ClientId, word: &IdempotencyKey) -> Option<(Seq, Fingerprint)> {
        // The pair is cloned for the look-up: both halves are reference counted.
        self.by_name.get(&(by.clone(), word.clone())).copied()
    }
}
