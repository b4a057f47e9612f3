//! The tally: a pure function of the ballots that count.

use serde::{Deserialize, Serialize};

use super::{Choice, VoteType};
use crate::policy::VoteWeight;

/// What counts of one member of the electorate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Counted {
    /// Its weight.
    pub weight: VoteWeight,
    /// Its last ballot on this version, or an abstention when it has left; `None` when it may still
    /// vote.
    pub choice: Option<Choice>,
}

/// How the votes stand: members, and thousandths of weight.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Tally {
    /// Members who approve.
    pub approve: u32,
    /// Members who reject. A veto is a rejection too.
    pub reject: u32,
    /// Members who abstain.
    pub abstain: u32,
    /// Members who have not voted.
    pub outstanding: u32,
    /// Weight of those who approve.
    pub approve_milli: u64,
    /// Weight of those who reject.
    pub reject_milli: u64,
    /// Weight of those who abstain.
    pub abstain_milli: u64,
    /// Weight of those who have not voted.
    pub outstanding_milli: u64,
}

impl Tally {
    /// Counts.
    #[must_use]
    pub fn of(electorate: impl IntoIterator<Item = Counted>) -> Self {
        let mut tally = Self::default();
        for Counted { weight, choice } in electorate {
            let (members, milli) = match choice {
                Some(Choice::Approve) => (&mut tally.approve, &mut tally.approve_milli),
                Some(Choice::Reject | Choice::Veto) => (&mut tally.reject, &mut tally.reject_milli),
                Some(Choice::Abstain) => (&mut tally.abstain, &mut tally.abstain_milli),
                None => (&mut tally.outstanding, &mut tally.outstanding_milli),
            };
            *members += 1;
            *milli += u64::from(weight.milli());
        }
        tally
    }

    /// Members of the electorate.
    #[must_use]
    pub const fn electorate(&self) -> u32 {
        self.turnout() + self.outstanding
    }

    /// Weight of the electorate.
    #[must_use]
    pub const fn electorate_milli(&self) -> u64 {
        self.approve_milli + self.reject_milli + self.abstain_milli + self.outstanding_milli
    }

    /// Members who have voted: those who abstain have.
    #[must_use]
    pub const fn turnout(&self) -> u32 {
        self.approve + self.reject + self.abstain
    }
}

/// What it takes to be approved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rule {
    /// By which way.
    pub vote_type: VoteType,
    /// How many must have voted. It matters to [`VoteType::Quorum`] only.
    pub quorum: u32,
}

/// What follows from a tally.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// Nothing yet.
    Undecided,
    /// The votes suffice.
    Approved,
    /// They never will.
    Rejected,
}

impl Rule {
    /// The quorum of an electorate when nobody says another: at least half, and at least two.
    #[must_use]
    pub const fn default_quorum(electorate: u32) -> u32 {
        let half = electorate.div_ceil(2);
        if half < 2 { 2 } else { half }
    }

    /// What follows from the votes, before the deadline or at it.
    #[must_use]
    pub const fn outcome(&self, tally: &Tally, is_at_deadline: bool) -> Outcome {
        match self.vote_type {
            VoteType::SimpleMajority => majority(
                tally.approve as u64,
                tally.outstanding as u64,
                tally.electorate() as u64,
            ),
            VoteType::Weighted => majority(
                tally.approve_milli,
                tally.outstanding_milli,
                tally.electorate_milli(),
            ),
            VoteType::Consensus if tally.reject > 0 => Outcome::Rejected,
            VoteType::Consensus if tally.approve == tally.electorate() => Outcome::Approved,
            VoteType::Consensus => Outcome::Undecided,
            VoteType::Quorum => self.by_quorum(tally, is_at_deadline),
        }
    }

    /// A ballot may be replaced until the deadline, so what does not suffice is not rejected before it.
    const fn by_quorum(self, tally: &Tally, is_at_deadline: bool) -> Outcome {
        let suffices = tally.turnout() >= self.quorum && tally.approve > tally.reject;
        match (suffices, is_at_deadline || tally.outstanding == 0) {
            (true, true) => Outcome::Approved,
            (false, _) if is_at_deadline => Outcome::Rejected,
            _ => Outcome::Undecided,
        }
    }
}

/// More than half of all; a tie is a rejection.
const fn majority(approve: u64, outstanding: u64, all: u64) -> Outcome {
    if approve * 2 > all {
        Outcome::Approved
    } else if (approve + outstanding) * 2 <= all {
        Outcome::Rejected
    } else {
        Outcome::Undecided
    }
}

#[cfg(test)]
mod tests;
