//! Stored pages joined to the live tail, without a gap and without a duplicate.
//!
//! A reader that is behind reads pages of the log until the owner's [`Tail`] reaches back to where
//! it is; then the owner hands over the rest of the tail and makes the reader live in one step.
//! Nothing is buffered for a reader that catches up, and contiguity follows from the [`Cursor`].

use std::collections::VecDeque;

use crate::id::{Epoch, Seq};

/// Where a reader is in a stream. It moves one record at a time or not at all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cursor(Seq);

/// A record that does not follow the one before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("record {got} came where {expected} was due")]
pub struct OutOfOrder {
    /// The position that was due.
    pub expected: Seq,
    /// The position that came.
    pub got: Seq,
}

impl Cursor {
    /// A reader that has read up to and including `seq`.
    #[must_use]
    pub const fn at(seq: Seq) -> Self {
        Self(seq)
    }

    /// The last record that was read.
    #[must_use]
    pub const fn seq(self) -> Seq {
        self.0
    }

    /// Moves to the next record.
    ///
    /// # Errors
    /// When it is not the next one; the cursor has not moved.
    pub fn advance(&mut self, seq: Seq) -> Result<(), OutOfOrder> {
        let expected = self.0.next();
        if seq != expected {
            return Err(OutOfOrder { expected, got: seq });
        }
        self.0 = seq;
        Ok(())
    }
}

/// The newest records of a stream in the form in which they are sent, bounded in number and bytes.
#[derive(Debug)]
pub struct Tail<T> {
    items: VecDeque<(T, usize)>,
    head: Seq,
    bytes: usize,
    records_max: usize,
    bytes_max: usize,
}

impl<T> Tail<T> {
    /// An empty tail behind the record `head`.
    #[must_use]
    pub const fn new(head: Seq, records_max: usize, bytes_max: usize) -> Self {
        Self {
            items: VecDeque::new(),
            head,
            bytes: 0,
            records_max,
            bytes_max,
        }
    }

    /// The newest record.
    #[must_use]
    pub const fn head(&self) -> Seq {
        self.head
    }

    /// Adds the next record and drops the oldest ones beyond the bounds.
    pub fn push(&mut self, item: T, bytes: usize) {
        self.items.push_back((item, bytes));
        self.head = self.head.next();
        self.bytes += bytes;
        while self.items.len() > self.records_max || self.bytes > self.bytes_max {
            let Some((_, dropped)) = self.items.pop_front() else {
                break;
            };
            self.bytes -= dropped;
        }
    }

    /// Everything after a position, or `None` when the tail does not reach back that far, or the
    /// position is ahead of it.
    pub fn after(&self, seq: Seq) -> Option<impl Iterator<Item = (Seq, &T)>> {
        let held = self.items.len() as u64;
        let behind = self.head.get().checked_sub(seq.get())?;
        if behind > held {
            return None;
        }
        let skip = usize::try_from(held - behind).expect("no more than the items held");
        let first = seq.next().get();
        let items = self.items.iter().skip(skip);
        Some(items.zip(first..).map(|((item, _), n)| (Seq::new(n), item)))
    }
}

/// What a reader brings from an earlier session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Claim {
    /// Which life of the log it read.
    pub epoch: Option<Epoch>,
    /// The last record that it has.
    pub seq: Seq,
}

/// What a resume can promise.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Resumed {
    /// The reader goes on after this record.
    pub from: Seq,
    /// The log's head when it resumed.
    pub to: Seq,
    /// Whether it gets everything that it missed.
    pub complete: bool,
}

/// Decides what a resume can promise. A cursor of another epoch, or one ahead of the log, belongs
/// to another life of it: the reader starts at the head and is told that it is not complete.
#[must_use]
pub fn resume(claim: Option<Claim>, epoch: Epoch, head: Seq) -> Resumed {
    match claim {
        None => Resumed {
            from: head,
            to: head,
            complete: true,
        },
        Some(claim) if claim.epoch.is_none_or(|e| e == epoch) && claim.seq <= head => Resumed {
            from: claim.seq,
            to: head,
            complete: true,
        },
        Some(_) => Resumed {
            from: head,
            to: head,
            complete: false,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use uuid::Uuid;

    fn seqs(tail: &Tail<u64>, after: u64) -> Option<Vec<(u64, u64)>> {
        tail.after(Seq::new(after))
            .map(|items| items.map(|(seq, n)| (seq.get(), *n)).collect())
    }

    #[test]
    fn a_tail_reaches_back_as_far_as_it_holds() {
        let mut tail = Tail::new(Seq::new(10), 3, 100);
        assert_eq!(seqs(&tail, 10), Some(vec![]));
        for n in 11..=15 {
            tail.push(n, 1);
        }
        assert_eq!(seqs(&tail, 12), Some(vec![(13, 13), (14, 14), (15, 15)]));
        assert_eq!(seqs(&tail, 14), Some(vec![(15, 15)]));
        assert_eq!(seqs(&tail, 15), Some(vec![]));
        assert_eq!(seqs(&tail, 11), None, "dropped");
        assert_eq!(seqs(&tail, 16), None, "ahead of the log");
    }

    #[test]
    fn a_tail_is_bounded_in_bytes_too() {
        let mut tail = Tail::new(Seq::ZERO, 100, 10);
        for n in 1..=5 {
            tail.push(n, 4);
        }
        assert_eq!(seqs(&tail, 3), Some(vec![(4, 4), (5, 5)]));
        assert_eq!(seqs(&tail, 2), None);
        tail.push(6, 11);
        assert_eq!(seqs(&tail, 5), None, "too large to keep");
        assert_eq!(seqs(&tail, 6), Some(vec![]));
    }

    #[test]
    fn a_resume_says_whether_it_is_complete() {
        let here = Epoch::from_uuid(Uuid::from_u128(1));
        let elsewhere = Epoch::from_uuid(Uuid::from_u128(2));
        let head = Seq::new(9);
        let claim = |epoch, seq| {
            Some(Claim {
                epoch,
                seq: Seq::new(seq),
            })
        };
        let table = [
            (None, (9, true)),
            (claim(Some(here), 0), (0, true)),
            (claim(Some(here), 9), (9, true)),
            (claim(None, 4), (4, true)),
            (claim(Some(here), 10), (9, false)),
            (claim(Some(elsewhere), 4), (9, false)),
        ];
        for (claim, (from, complete)) in table {
            let resumed = resume(claim, here, head);
            assert_eq!(
                (resumed.from.get(), resumed.complete),
                (from, complete),
                "{claim:?}"
            );
            assert_eq!(resumed.to, head);
        }
    }

    proptest! {
        /// However appends, page reads and attachments interleave, a reader sees each record once
        /// and in order, and ends at the head.
        #[test]
        fn readers_see_a_contiguous_run(
            start in 0_u64..50,
            steps in prop::collection::vec((0_u64..20, 1_u64..30), 1..40),
        ) {
            let mut log: u64 = 50;
            let mut tail = Tail::new(Seq::new(log), 8, usize::MAX);
            let mut cursor = Cursor::at(Seq::new(start));
            let mut live = false;
            for (appends, page) in steps {
                for _ in 0..appends {
                    log += 1;
                    tail.push(log, 1);
                    if live {
                        cursor.advance(Seq::new(log))?;
                    }
                }
                if live {
                    continue;
                }
                let attached = tail.after(cursor.seq()).map(|i| i.map(|(seq, _)| seq).collect());
                let attached: Option<Vec<_>> = attached;
                live = attached.is_some();
                let pages = (cursor.seq().get() + 1)..=log.min(cursor.seq().get() + page);
                let next = attached.unwrap_or_else(|| pages.map(Seq::new).collect());
                for seq in next {
                    cursor.advance(seq)?;
                }
            }
            if live {
                prop_assert_eq!(cursor.seq().get(), log);
            }
        }
    }
}
