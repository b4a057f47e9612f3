//! What a mailbox remembers of messages that have left it.

use std::collections::{HashMap, VecDeque};

use crate::event::About;
use crate::id::{MessageId, Seq};
use crate::limits;
use crate::message::Stage;

/// A message that is seen or ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settled {
    /// Which.
    pub about: About,
    /// How far it has come.
    pub stage: Stage,
}

impl Settled {
    pub(super) fn seen(about: &About) -> Self {
        Self::at(about, Stage::Seen)
    }

    pub(super) fn done(about: &About) -> Self {
        Self::at(about, Stage::Done)
    }

    pub(super) fn expired(about: &About) -> Self {
        Self::at(about, Stage::Expired)
    }

    pub(super) fn dead(about: &About) -> Self {
        Self::at(about, Stage::Dead)
    }

    fn at(about: &About, stage: Stage) -> Self {
        Self {
            about: about.clone(),
            stage,
        }
    }
}

/// A bounded window of messages that were settled lately. It is a cache, and it knows how far back
/// it reaches: what the store said at a position within the window, or after it, is still true of
/// every message that is not in the window.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct RecentStages {
    by_id: HashMap<MessageId, (Seq, Settled)>,
    in_order: VecDeque<(Seq, MessageId)>,
    /// Every change after this record is in the window.
    since: Seq,
}

impl RecentStages {
    /// A window of a mailbox that was read up to there.
    pub(super) fn beginning_at(head: Seq) -> Self {
        Self {
            since: head,
            ..Self::default()
        }
    }

    pub(super) fn note(&mut self, settled: Settled, at: Seq) {
        if self.in_order.len() == limits::RECENT_STAGES_MAX
            && let Some((oldest, id)) = self.in_order.pop_front()
        {
            self.since = oldest;
            // A later change of the same message has a place of its own.
            if self.by_id.get(&id).is_some_and(|(seq, _)| *seq == oldest) {
                self.by_id.remove(&id);
            }
        }
        let id = settled.about.id;
        self.by_id.insert(id, (at, settled));
        self.in_order.push_back((at, id));
    }

    pub(super) fn find(&self, id: MessageId) -> Option<&Settled> {
        self.by_id.get(&id).map(|(_, settled)| settled)
    }

    /// Which record settled a message last.
    pub(super) fn settled_at(&self, id: MessageId) -> Option<Seq> {
        self.by_id.get(&id).map(|(seq, _)| *seq)
    }

    /// Whether what the store said at this position is still true of what is not in the window.
    pub(super) fn reaches_back_to(&self, as_of: Seq) -> bool {
        as_of >= self.since
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    fn settled(n: u64, stage: Stage) -> Settled {
        let about = About {
            message: Seq::new(n),
            id: MessageId::from_uuid(Uuid::from_u128(u128::from(n))),
            from: "ann".parse().expect("a name"),
        };
        Settled { about, stage }
    }

    #[test]
    fn the_window_is_bounded_and_knows_how_far_it_reaches() {
        let mut recent = RecentStages::beginning_at(Seq::new(10));
        assert!(recent.reaches_back_to(Seq::new(10)));
        assert!(!recent.reaches_back_to(Seq::new(9)));
        recent.note(settled(1, Stage::Seen), Seq::new(11));
        recent.note(settled(1, Stage::Done), Seq::new(12));
        let max = limits::RECENT_STAGES_MAX as u64;
        for n in 0..max - 2 {
            recent.note(settled(100 + n, Stage::Done), Seq::new(13 + n));
        }
        assert!(recent.reaches_back_to(Seq::new(10)));
        // The older of two changes of one message is forgotten; the message is not.
        recent.note(settled(5_000, Stage::Done), Seq::new(13 + max));
        let id = settled(1, Stage::Done).about.id;
        assert_eq!(recent.find(id).map(|s| s.stage), Some(Stage::Done));
        assert!(!recent.reaches_back_to(Seq::new(10)));
        assert!(recent.reaches_back_to(Seq::new(11)));
        recent.note(settled(5_001, Stage::Done), Seq::new(14 + max));
        assert_eq!(recent.find(id), None);
    }
}
