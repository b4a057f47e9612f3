//! Whether a mailbox handed its messages over in the documented order.

use std::collections::{BTreeSet, HashMap};

use bridge_core::limits::PRIORITY_STEP;

/// A message as its recipient got it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Got {
    pub(super) number: u64,
    pub(super) priority: u8,
    pub(super) at_millis: i64,
    /// Its position in the mailbox: equals are handed over in this order.
    pub(super) seq: u64,
}

/// One call and what it returned.
#[derive(Debug, Clone)]
pub(super) struct Call {
    pub(super) began: u64,
    pub(super) got: Vec<Got>,
}

impl Got {
    /// The smallest goes first: a step of priority is worth an earlier arrival.
    fn rank(&self) -> (i64, u64) {
        let step = PRIORITY_STEP.as_millis() as i64;
        (self.at_millis - i64::from(self.priority) * step, self.seq)
    }
}

/// Counts messages that were handed over before one that was to come first, and that its sender knew
/// to be stored when the call began. `stored` says when each was.
pub(super) fn out_of_order(calls: &[Call], stored: &HashMap<u64, u64>) -> u64 {
    let of = |got: &Got| stored.get(&got.number).copied().unwrap_or(u64::MAX);
    let mut to_come: Vec<(u64, Got)> = calls
        .iter()
        .flat_map(|call| call.got.iter().map(|got| (of(got), *got)))
        .collect();
    to_come.sort_by_key(|(at, got)| (*at, got.seq));
    let mut to_come = to_come.into_iter().peekable();
    let mut waiting: BTreeSet<(i64, u64)> = BTreeSet::new();
    let mut taken: BTreeSet<(i64, u64)> = BTreeSet::new();
    let mut flaws = 0;
    for call in calls {
        while let Some((_, got)) = to_come.next_if(|(at, _)| *at < call.began) {
            if !taken.remove(&got.rank()) {
                waiting.insert(got.rank());
            }
        }
        for got in &call.got {
            let is_first = waiting.first().is_none_or(|first| *first >= got.rank());
            flaws += u64::from(!is_first);
            if !waiting.remove(&got.rank()) {
                // It came before its sender knew that it is stored.
                taken.insert(got.rank());
            }
        }
    }
    flaws
}

#[cfg(test)]
mod tests {
    use super::*;

    fn got(number: u64, priority: u8, at_millis: i64) -> Got {
        Got {
            number,
            priority,
            at_millis,
            seq: number,
        }
    }

    fn check(calls: &[(u64, &[Got])], stored: &[(u64, u64)]) -> u64 {
        let calls = calls.iter().map(|(began, got)| Call {
            began: *began,
            got: got.to_vec(),
        });
        let calls: Vec<Call> = calls.collect();
        out_of_order(&calls, &stored.iter().copied().collect())
    }

    #[test]
    fn what_is_urgent_goes_first_and_equals_as_they_came() {
        let (a, b, urgent) = (got(1, 0, 0), got(2, 0, 0), got(3, 3, 5));
        let stored = [(1, 10), (2, 11), (3, 12)];
        assert_eq!(check(&[(20, &[urgent, a]), (30, &[b])], &stored), 0);
        assert_eq!(check(&[(20, &[urgent, b]), (30, &[a])], &stored), 1);
        assert_eq!(check(&[(20, &[a, b]), (30, &[urgent])], &stored), 2);
    }

    #[test]
    fn what_was_not_stored_yet_could_not_come_first() {
        let (a, urgent) = (got(1, 0, 0), got(3, 3, 5));
        assert_eq!(
            check(&[(20, &[a]), (30, &[urgent])], &[(1, 10), (3, 25)]),
            0
        );
        assert_eq!(check(&[(20, &[urgent, a])], &[(1, 10), (3, 25)]), 0);
    }

    #[test]
    fn what_has_waited_for_three_minutes_is_as_urgent_as_anything() {
        let (old, young) = (got(1, 0, 0), got(2, 3, 180_001));
        let stored = [(1, 1), (2, 2)];
        assert_eq!(check(&[(20, &[old, young])], &stored), 0);
        assert_eq!(check(&[(20, &[young, old])], &stored), 1);
    }
}
