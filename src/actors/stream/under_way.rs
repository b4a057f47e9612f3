//! Since when drafts are on their way into the log.

use std::collections::VecDeque;

use bridge_core::Seq;
use bridge_core::owner::Answer;

use crate::system::Stopwatch;

/// Drafts that the log has not answered, by their first positions. There are as many as have permits.
#[derive(Debug, Default)]
pub(super) struct UnderWay {
    drafts: VecDeque<(Seq, Stopwatch)>,
    /// Those that it has answered just now; not kept when nobody wants to know of each.
    answered: Option<Vec<(Seq, Stopwatch)>>,
}

impl UnderWay {
    /// None yet. `keeps` says whether somebody will ask for each draft.
    pub(super) fn new(keeps: bool) -> Self {
        Self {
            drafts: VecDeque::new(),
            answered: keeps.then(Vec::new),
        }
    }

    /// A draft was handed to the log.
    pub(super) fn begin(&mut self, first: Seq) {
        self.drafts.push_back((first, Stopwatch::start()));
    }

    /// The log answered the oldest ones. The first of them that was stored, if one was.
    pub(super) fn answered(&mut self, answers: &[Answer]) -> Option<(Seq, Stopwatch)> {
        let answered = answers.len().min(self.drafts.len());
        if let Some(kept) = &mut self.answered {
            kept.clear();
            kept.extend(self.drafts.range(..answered));
        }
        let mut drafts = self.drafts.drain(..answered).zip(answers);
        let stored = drafts.find(|(_, answer)| **answer == Answer::Stored);
        stored.map(|(draft, _)| draft)
    }

    /// Since when the draft that begins at a position was under way, if it was answered just now.
    pub(super) fn since(&self, first: Seq) -> Option<Stopwatch> {
        let kept = self.answered.iter().flatten();
        let mut found = kept.filter(|(seq, _)| *seq == first);
        found.next().map(|(_, since)| *since)
    }

    /// Nobody waits for their answers any more.
    pub(super) fn clear(&mut self) {
        self.drafts.clear();
        if let Some(kept) = &mut self.answered {
            kept.clear();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A log that refuses for hours must not be remembered draft by draft.
    #[test]
    fn whatever_was_answered_is_forgotten() {
        let mut under_way = UnderWay::default();
        for seq in 1..=4 {
            under_way.begin(Seq::new(seq));
        }
        let answers = [Answer::NotNext, Answer::Stored, Answer::Stored];
        let first = under_way.answered(&answers).map(|(seq, _)| seq);
        assert_eq!(first, Some(Seq::new(2)));
        assert_eq!(under_way.drafts.len(), 1);
        assert!(under_way.answered(&[Answer::Unknown]).is_none());
        assert!(under_way.answered(&answers).is_none(), "of an earlier life");
        assert!(under_way.drafts.is_empty());
    }

    #[test]
    fn whoever_wants_to_know_of_each_draft_hears_of_the_newest_answers() {
        let mut under_way = UnderWay::new(true);
        for seq in 1..=3 {
            under_way.begin(Seq::new(seq));
        }
        under_way.answered(&[Answer::Stored, Answer::Stored]);
        assert!(under_way.since(Seq::new(2)).is_some());
        assert!(under_way.since(Seq::new(3)).is_none(), "not answered yet");
        under_way.answered(&[Answer::Stored]);
        assert!(under_way.since(Seq::new(2)).is_none(), "of another round");
        assert!(under_way.since(Seq::new(3)).is_some());
    }
}
