//! How much a voter really has to say: not its share of the weight, but how often its vote turns the
//! result if all others vote by the toss of a coin (the absolute Banzhaf index).
//!
//! With weights 2, 1 and 1 the first one has half of the weight and three quarters of the power; with 3,
//! 1 and 1 it has all of it.

use std::collections::BTreeMap;

use super::{Rule, VoteType, Voter};
use crate::id::ClientId;
use crate::limits;

/// The power of an electorate's members.
#[derive(Debug, Clone, PartialEq)]
pub struct Power {
    /// Of each voter, in the order of the electorate: from 0 to 1, and 1 when it decides alone. `None`
    /// of all when it cannot be told: of a quorum, where it matters who stays away, or when there are
    /// too many sums of weights to count.
    pub of_each: Option<Vec<f64>>,
    /// What somebody should know who votes.
    pub warning: Option<Warning>,
}

/// What somebody should know who votes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Warning {
    /// This voter decides, whatever the others do.
    OneDecides(ClientId),
    /// One ballot is enough when nobody else votes.
    OneIsEnough,
}

impl Power {
    /// That of an electorate.
    #[must_use]
    pub fn of(electorate: &[Voter], rule: Rule) -> Self {
        let weights: Vec<u64> = electorate
            .iter()
            .map(|voter| match rule.vote_type {
                VoteType::Weighted => u64::from(voter.weight.milli()),
                VoteType::SimpleMajority | VoteType::Consensus | VoteType::Quorum => 1,
            })
            .collect();
        let all: u64 = weights.iter().sum();
        let of_each = match rule.vote_type {
            VoteType::Quorum => None,
            VoteType::Consensus => of_each(&weights, |sum| sum == all),
            VoteType::SimpleMajority | VoteType::Weighted => of_each(&weights, |sum| sum * 2 > all),
        };
        let alone = weights.iter().position(|weight| weight * 2 > all);
        let warning = match alone {
            Some(place) => Some(Warning::OneDecides(electorate[place].client.clone())),
            None if rule.vote_type == VoteType::Quorum && rule.quorum == 1 => {
                Some(Warning::OneIsEnough)
            }
            None => None,
        };
        Self { of_each, warning }
    }
}

/// For each weight, how likely it is that its vote turns the result.
fn of_each(weights: &[u64], passes: impl Fn(u64) -> bool) -> Option<Vec<f64>> {
    let mut known: BTreeMap<u64, f64> = BTreeMap::new();
    for (place, weight) in weights.iter().enumerate() {
        if known.contains_key(weight) {
            continue;
        }
        let sums = sums_without(weights, place)?;
        let turned = sums
            .iter()
            .filter(|(sum, _)| !passes(*sum) && passes(sum + weight));
        known.insert(*weight, turned.map(|(_, likely)| likely).sum());
    }
    Some(weights.iter().map(|weight| known[weight]).collect())
}

/// Sums of weights with how likely they are, the smallest first.
type Sums = Vec<(u64, f64)>;

/// Every sum of weights that the others may come to.
fn sums_without(weights: &[u64], place: usize) -> Option<Sums> {
    let mut sums = vec![(0, 1.0)];
    let mut work = 0;
    for (_, weight) in weights.iter().enumerate().filter(|(n, _)| *n != place) {
        work += sums.len();
        if work > limits::POWER_SUMS_MAX {
            return None;
        }
        sums = with_another(&sums, *weight);
    }
    Some(sums)
}

/// The sums when one more may vote. They stay in order, which makes this one pass over them: whoever
/// asks for a room is shown this of each of its open motions.
fn with_another(sums: &[(u64, f64)], weight: u64) -> Sums {
    let mut with = sums
        .iter()
        .map(|(sum, likely)| (sum + weight, likely / 2.0))
        .peekable();
    let mut without = sums
        .iter()
        .map(|(sum, likely)| (*sum, likely / 2.0))
        .peekable();
    let mut next: Sums = Vec::with_capacity(2 * sums.len());
    loop {
        let smaller = match (without.peek(), with.peek()) {
            (Some((a, _)), Some((b, _))) if a > b => with.next(),
            (Some(_), _) => without.next(),
            (None, _) => with.next(),
        };
        let Some((sum, likely)) = smaller else {
            return next;
        };
        match next.last_mut() {
            Some((last, so_far)) if *last == sum => *so_far += likely,
            _ => next.push((sum, likely)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::VoteWeight;

    fn electorate(weights: &[u32]) -> Vec<Voter> {
        let voters = weights.iter().enumerate();
        voters
            .map(|(n, milli)| Voter {
                client: format!("c{n}").parse().unwrap(),
                weight: VoteWeight::from_milli(*milli),
                veto: false,
            })
            .collect()
    }

    fn power(vote_type: VoteType, weights: &[u32]) -> Power {
        let quorum = 1;
        Power::of(&electorate(weights), Rule { vote_type, quorum })
    }

    /// Counted by hand: of the four ways in which two others vote, in so many this one turns it.
    #[test]
    fn power_is_not_weight() {
        let of_each = |weights: &[u32]| power(VoteType::Weighted, weights).of_each.unwrap();
        assert_eq!(of_each(&[1_000, 1_000, 1_000]), [0.5, 0.5, 0.5]);
        assert_eq!(of_each(&[2_000, 1_000, 1_000]), [0.75, 0.25, 0.25]);
        assert_eq!(of_each(&[3_000, 1_000, 1_000]), [1.0, 0.0, 0.0]);
        assert_eq!(of_each(&[2_000, 2_000, 1_000]), [0.5, 0.5, 0.5]);
        assert_eq!(of_each(&[1_000, 0]), [1.0, 0.0]);
    }

    #[test]
    fn where_heads_are_counted_all_are_equal() {
        let majority = power(VoteType::SimpleMajority, &[9_000, 1_000, 1_000]);
        assert_eq!(majority.of_each.unwrap(), [0.5; 3]);
        let consensus = power(VoteType::Consensus, &[9_000, 1_000, 1_000]);
        assert_eq!(consensus.of_each.unwrap(), [0.25; 3]);
        assert_eq!(power(VoteType::Quorum, &[1_000; 3]).of_each, None);
    }

    #[test]
    fn who_decides_alone_is_named() {
        let alone = power(VoteType::Weighted, &[1_000, 5_000, 1_000]).warning;
        assert_eq!(alone, Some(Warning::OneDecides("c1".parse().unwrap())));
        let half = power(VoteType::Weighted, &[2_000, 1_000, 1_000]).warning;
        assert_eq!(half, None, "half is not more than half");
        let single = power(VoteType::Consensus, &[1_000]).warning;
        assert!(matches!(single, Some(Warning::OneDecides(_))));
        let quorum = power(VoteType::Quorum, &[1_000; 3]).warning;
        assert_eq!(quorum, Some(Warning::OneIsEnough));
    }

    /// Every member of a large room at once, and every weight another: that is given up in time.
    #[test]
    fn what_takes_too_long_is_not_told() {
        assert!(
            power(VoteType::SimpleMajority, &[1_000; 1_000])
                .of_each
                .is_some()
        );
        let all_different: Vec<u32> = (0..1_000).map(|n| 1_000 + n * n).collect();
        assert_eq!(power(VoteType::Weighted, &all_different).of_each, None);
    }
}
