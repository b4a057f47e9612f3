//! The books of one room: what was posted, and that every member was told each of it once, in the
//! order of the room's log.

use super::echo::Echo;

/// What a member was told that it should not have been told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Flaw {
    /// The room's numbers have a hole before this one.
    SeqGap,
    /// A number that was told already.
    SeqBack,
    /// A post that was told already, or one before a later one of the same sender.
    NotLater,
    /// A sender that is no publisher.
    NoPublisher,
}

impl Flaw {
    pub(super) const fn word(self) -> &'static str {
        match self {
            Self::SeqGap => "flaw: a gap in seq",
            Self::SeqBack => "flaw: a seq twice or backwards",
            Self::NotLater => "flaw: a post twice or backwards",
            Self::NoPublisher => "flaw: a post of a stranger",
        }
    }
}

/// One room.
#[derive(Debug)]
pub(super) struct Ledger {
    members: Vec<Member>,
}

#[derive(Debug, Default)]
struct Member {
    /// Posts that it sent.
    posted: u64,
    /// Those that came back to it.
    acknowledged: u64,
    /// Those that were refused.
    refused: u64,
    /// The last seq that it was told; none while it is not live.
    seq: Option<u64>,
    /// By publisher: the number of the last post that it was told, and how many.
    told: Vec<Told>,
}

#[derive(Debug, Default, Clone, Copy)]
struct Told {
    last: u64,
    count: u64,
}

impl Ledger {
    /// Those who post are the first of the members.
    pub(super) fn new(members: usize, publishers: usize) -> Self {
        let member = || Member {
            told: vec![Told::default(); publishers],
            ..Member::default()
        };
        Self {
            members: (0..members).map(|_| member()).collect(),
        }
    }

    /// Room for what all of its members are told in the same bytes.
    pub(super) fn echo(&self) -> Echo {
        Echo::new(self.members.len())
    }

    /// A member is live from the record after this one.
    pub(super) fn live(&mut self, member: usize, head: u64) {
        self.members[member].seq = Some(head);
    }

    /// A member posts; the number of its post.
    pub(super) fn posts(&mut self, member: usize) -> u64 {
        self.members[member].posted += 1;
        self.members[member].posted
    }

    /// A post of a member was refused.
    pub(super) fn refuses(&mut self, member: usize) {
        self.members[member].refused += 1;
    }

    /// Posts of a member that nothing is known about yet.
    pub(super) fn open(&self, member: usize) -> u64 {
        let member = &self.members[member];
        let answered = member.acknowledged + member.refused;
        member.posted.saturating_sub(answered)
    }

    /// The seq that a member is to be told next; none while it is not live.
    pub(super) fn expects(&self, member: usize) -> Option<u64> {
        self.members[member].seq.map(|seq| seq + 1)
    }

    /// A member is told any event.
    pub(super) fn hears(&mut self, member: usize, seq: u64) -> Result<(), Flaw> {
        let member = &mut self.members[member];
        let Some(last) = member.seq else {
            return Ok(());
        };
        if seq <= last {
            return Err(Flaw::SeqBack);
        }
        member.seq = Some(seq);
        if seq > last + 1 {
            return Err(Flaw::SeqGap);
        }
        Ok(())
    }

    /// A member is told a post.
    pub(super) fn reads(&mut self, member: usize, sender: usize, number: u64) -> Result<(), Flaw> {
        let is_own = member == sender;
        let reader = &mut self.members[member];
        let told = reader.told.get_mut(sender).ok_or(Flaw::NoPublisher)?;
        if number <= told.last {
            return Err(Flaw::NotLater);
        }
        told.last = number;
        told.count += 1;
        if is_own {
            reader.acknowledged += 1;
        }
        Ok(())
    }

    /// Whether every post was answered, and everybody was told the same.
    pub(super) fn is_settled(&self) -> bool {
        let head = self.members.iter().filter_map(|member| member.seq).max();
        let is_answered = (0..self.members.len()).all(|member| self.open(member) == 0);
        is_answered && self.members.iter().all(|member| member.seq == head)
    }

    /// Posts that were never answered.
    pub(super) fn unanswered(&self) -> u64 {
        (0..self.members.len())
            .map(|member| self.open(member))
            .sum()
    }

    /// Posts that their sender was told are durable and another member was not told at all.
    pub(super) fn undelivered(&self) -> u64 {
        let mut missing = 0;
        for reader in &self.members {
            for (member, told) in self.members.iter().zip(&reader.told) {
                missing += member.acknowledged.saturating_sub(told.count);
            }
        }
        missing
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pair() -> Ledger {
        let mut ledger = Ledger::new(2, 2);
        ledger.live(0, 3);
        ledger.live(1, 3);
        ledger
    }

    #[test]
    fn a_post_is_settled_when_everybody_was_told() {
        let mut ledger = pair();
        assert!(ledger.is_settled());
        assert_eq!(ledger.posts(0), 1);
        assert_eq!((ledger.open(0), ledger.is_settled()), (1, false));
        for member in [0, 1] {
            assert!(!ledger.is_settled());
            assert_eq!(ledger.hears(member, 4), Ok(()));
            assert_eq!(ledger.reads(member, 0, 1), Ok(()));
        }
        assert!(ledger.is_settled());
        assert_eq!((ledger.unanswered(), ledger.undelivered()), (0, 0));
    }

    #[test]
    fn a_refused_post_is_answered() {
        let mut ledger = pair();
        ledger.posts(1);
        ledger.refuses(1);
        assert!(ledger.is_settled());
    }

    #[test]
    fn holes_and_repeats_are_noticed() {
        let mut ledger = pair();
        assert_eq!(ledger.hears(0, 5), Err(Flaw::SeqGap));
        assert_eq!(ledger.hears(0, 6), Ok(()), "one gap is one flaw");
        assert_eq!(ledger.hears(0, 6), Err(Flaw::SeqBack));
        assert_eq!(ledger.hears(0, 2), Err(Flaw::SeqBack));
        assert_eq!(ledger.reads(0, 1, 2), Ok(()), "the first was refused, say");
        assert_eq!(ledger.reads(0, 1, 2), Err(Flaw::NotLater));
        assert_eq!(ledger.reads(0, 1, 1), Err(Flaw::NotLater));
        assert_eq!(ledger.reads(0, 2, 1), Err(Flaw::NoPublisher));
    }

    #[test]
    fn an_acknowledged_post_that_nobody_else_saw_is_undelivered() {
        let mut ledger = pair();
        ledger.posts(0);
        ledger.posts(0);
        assert_eq!(ledger.hears(0, 4), Ok(()));
        assert_eq!(ledger.reads(0, 0, 1), Ok(()));
        assert_eq!((ledger.unanswered(), ledger.undelivered()), (1, 1));
        assert!(!ledger.is_settled());
    }

    #[test]
    fn who_only_listens_posts_nothing() {
        let mut ledger = Ledger::new(3, 1);
        ledger.posts(0);
        for member in 0..3 {
            assert_eq!(ledger.reads(member, 1, 1), Err(Flaw::NoPublisher));
        }
        assert_eq!(ledger.reads(0, 0, 1), Ok(()));
        assert_eq!(ledger.undelivered(), 2);
        assert_eq!(ledger.reads(2, 0, 1), Ok(()));
        assert_eq!(ledger.undelivered(), 1);
    }

    #[test]
    fn what_comes_before_one_is_live_does_not_count() {
        let mut ledger = Ledger::new(2, 2);
        assert_eq!(ledger.hears(0, 9), Ok(()));
        ledger.live(0, 9);
        assert_eq!(ledger.hears(0, 10), Ok(()));
    }
}
