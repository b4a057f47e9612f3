//! What a room remembers of its latest posts, so that the common answer needs no look-up.

use std::collections::{HashSet, VecDeque};

use crate::id::MessageId;
use crate::limits;

/// A bounded window of message ids. It is a cache: an empty one is right, only slower, because the
/// log's index knows the rest.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct RecentPosts {
    ids: HashSet<MessageId>,
    in_order: VecDeque<MessageId>,
}

impl RecentPosts {
    pub(super) fn note(&mut self, id: MessageId) {
        if self.in_order.len() == limits::RECENT_MESSAGES_MAX
            && let Some(oldest) = self.in_order.pop_front()
        {
            self.ids.remove(&oldest);
        }
        self.ids.insert(id);
        self.in_order.push_back(id);
    }

    pub(super) fn has(&self, id: MessageId) -> bool {
        self.ids.contains(&id)
    }
}
