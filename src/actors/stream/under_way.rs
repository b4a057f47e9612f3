//! Since when drafts are on their way into the log.

use std::collections::VecDeque;

use bridge_core::Seq;
use bridge_core::owner::Answer;

use crate::system::Stopwatch;

/// Drafts that the log has not answered, by their first positions. There are as many as have permits.
#[derive(Debug, Default)]
pub(super) struct UnderWay(VecDeque<(Seq, Stopwatch)>);

impl UnderWay {
    /// A draft was handed to the log.
    pub(super) fn begin(&mut self, first: Seq) {
        self.0.push_back((first, Stopwatch::start()));
    }

    /// The log answered the oldest ones. The first of them that was stored, if one was.
    pub(super) fn answered(&mut self, answers: &[Answer]) -> Option<(Seq, Stopwatch)> {
        let answered = answers.len().min(self.0.len());
        let mut drafts = self.0.drain(..answered).zip(answers);
        let stored = drafts.find(|(_, answer)| **answer == Answer::Stored);
        stored.map(|(draft, _)| draft)
    }

    /// Nobody waits for their answers any more.
    pub(super) fn clear(&mut self) {
        self.0.clear();
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
        assert_eq!(under_way.0.len(), 1);
        assert!(under_way.answered(&[Answer::Unknown]).is_none());
        assert!(under_way.answered(&answers).is_none(), "of an earlier life");
        assert!(under_way.0.is_empty());
    }
}
