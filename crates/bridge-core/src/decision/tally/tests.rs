//! Every set of ballots of up to five voters, judged again by the words of the rule; and larger ones.

use proptest::prelude::*;

use super::*;

const CHOICES: [Option<Choice>; 5] = [
    None,
    Some(Choice::Approve),
    Some(Choice::Reject),
    Some(Choice::Abstain),
    Some(Choice::Veto),
];
const WEIGHTS: [u32; 4] = [0, 1_000, 1_500, 2_000];

/// Every way in which so many voters may have voted.
fn all_ballots(voters: usize) -> impl Iterator<Item = Vec<Option<Choice>>> {
    let ways = CHOICES.len().pow(u32::try_from(voters).unwrap());
    (0..ways).map(move |mut n| {
        let mut ballots = Vec::with_capacity(voters);
        for _ in 0..voters {
            ballots.push(CHOICES[n % CHOICES.len()]);
            n /= CHOICES.len();
        }
        ballots
    })
}

/// Every way in which so many voters may be weighted.
fn all_weights(voters: usize) -> impl Iterator<Item = Vec<u32>> {
    let ways = WEIGHTS.len().pow(u32::try_from(voters).unwrap());
    (0..ways).map(move |mut n| {
        let mut weights = Vec::with_capacity(voters);
        for _ in 0..voters {
            weights.push(WEIGHTS[n % WEIGHTS.len()]);
            n /= WEIGHTS.len();
        }
        weights
    })
}

fn tally(ballots: &[Option<Choice>], weights: &[u32]) -> Tally {
    Tally::of(ballots.iter().zip(weights).map(|(choice, weight)| Counted {
        weight: VoteWeight::from_milli(*weight),
        choice: *choice,
    }))
}

fn count(ballots: &[Option<Choice>], wanted: impl Fn(Option<Choice>) -> bool) -> usize {
    ballots.iter().filter(|choice| wanted(**choice)).count()
}

fn approves(choice: Option<Choice>) -> bool {
    choice == Some(Choice::Approve)
}

fn rejects(choice: Option<Choice>) -> bool {
    matches!(choice, Some(Choice::Reject | Choice::Veto))
}

/// More than half of something, counted in halves of it.
fn judged_by_weight(ballots: &[Option<Choice>], weights: &[u32]) -> Outcome {
    let sum = |wanted: &dyn Fn(Option<Choice>) -> bool| -> u32 {
        let with = ballots.iter().zip(weights);
        with.filter(|(choice, _)| wanted(**choice))
            .map(|(_, weight)| weight)
            .sum()
    };
    let all: u32 = weights.iter().sum();
    let best = sum(&approves) + sum(&|choice| choice.is_none());
    if sum(&approves) > all / 2 {
        Outcome::Approved
    } else if best <= all / 2 {
        Outcome::Rejected
    } else {
        Outcome::Undecided
    }
}

#[test]
fn a_majority_is_more_than_half_of_all_who_may_vote() {
    let rule = Rule {
        vote_type: VoteType::SimpleMajority,
        quorum: 0,
    };
    for voters in 1..=5 {
        // In halves of a member, so that half of an odd number is exact.
        let members = vec![2; voters];
        for ballots in all_ballots(voters) {
            let expected = judged_by_weight(&ballots, &members);
            let counted = tally(&ballots, &vec![1_000; voters]);
            for is_at_deadline in [false, true] {
                let outcome = rule.outcome(&counted, is_at_deadline);
                assert_eq!(outcome, expected, "{ballots:?}");
            }
        }
    }
}

#[test]
fn weight_decides_where_weight_is_what_counts() {
    let rule = Rule {
        vote_type: VoteType::Weighted,
        quorum: 0,
    };
    for voters in 1..=4 {
        for weights in all_weights(voters) {
            for ballots in all_ballots(voters) {
                let outcome = rule.outcome(&tally(&ballots, &weights), false);
                let expected = judged_by_weight(&ballots, &weights);
                assert_eq!(outcome, expected, "{ballots:?} {weights:?}");
            }
        }
    }
}

#[test]
fn five_voters_of_every_weight() {
    let rule = Rule {
        vote_type: VoteType::Weighted,
        quorum: 0,
    };
    for weights in all_weights(5) {
        // The order of voters says nothing.
        if !weights.is_sorted() {
            continue;
        }
        for ballots in all_ballots(5) {
            let outcome = rule.outcome(&tally(&ballots, &weights), true);
            assert_eq!(outcome, judged_by_weight(&ballots, &weights));
        }
    }
}

#[test]
fn a_consensus_is_everybody() {
    let rule = Rule {
        vote_type: VoteType::Consensus,
        quorum: 0,
    };
    for voters in 1..=5 {
        for ballots in all_ballots(voters) {
            let outcome = rule.outcome(&tally(&ballots, &[1_000; 5]), false);
            let expected = if count(&ballots, rejects) > 0 {
                Outcome::Rejected
            } else if count(&ballots, approves) == voters {
                Outcome::Approved
            } else {
                Outcome::Undecided
            };
            assert_eq!(outcome, expected, "{ballots:?}");
        }
    }
}

#[test]
fn a_quorum_is_enough_who_vote_and_more_for_than_against() {
    for voters in 1..=5 {
        for quorum in 1..=voters {
            let rule = Rule {
                vote_type: VoteType::Quorum,
                quorum: u32::try_from(quorum).unwrap(),
            };
            for ballots in all_ballots(voters) {
                let turnout = count(&ballots, |choice| choice.is_some());
                let suffices =
                    turnout >= quorum && count(&ballots, approves) > count(&ballots, rejects);
                let counted = tally(&ballots, &[1_000; 5]);
                let early = match suffices && turnout == voters {
                    true => Outcome::Approved,
                    false => Outcome::Undecided,
                };
                let late = if suffices {
                    Outcome::Approved
                } else {
                    Outcome::Rejected
                };
                assert_eq!(
                    rule.outcome(&counted, false),
                    early,
                    "{quorum} of {ballots:?}"
                );
                assert_eq!(
                    rule.outcome(&counted, true),
                    late,
                    "{quorum} of {ballots:?}"
                );
            }
        }
    }
}

#[test]
fn a_quorum_is_half_and_two_at_least() {
    let quorums: Vec<u32> = (1..=7).map(Rule::default_quorum).collect();
    assert_eq!(quorums, [2, 2, 2, 2, 3, 3, 4]);
}

fn ballots() -> impl Strategy<Value = Vec<(Option<Choice>, u32)>> {
    let one = (prop::sample::select(&CHOICES[..]), 0_u32..=1_000_000);
    prop::collection::vec(one, 1..200)
}

proptest! {
    /// What is counted is a set: who voted first says nothing.
    #[test]
    fn order_says_nothing(votes in ballots(), seed: u64) {
        let counted = |votes: &[(Option<Choice>, u32)]| {
            let (choices, weights): (Vec<_>, Vec<_>) = votes.iter().copied().unzip();
            tally(&choices, &weights)
        };
        let mut other = votes.clone();
        let middle = usize::try_from(seed % votes.len() as u64).unwrap();
        other.rotate_left(middle);
        other.reverse();
        prop_assert_eq!(counted(&votes), counted(&other));
    }

    /// Whoever is counted is counted once, in members and in weight.
    #[test]
    fn nobody_is_lost(votes in ballots()) {
        let (choices, weights): (Vec<_>, Vec<_>) = votes.iter().copied().unzip();
        let tally = tally(&choices, &weights);
        prop_assert_eq!(tally.electorate() as usize, votes.len());
        let all: u64 = weights.iter().map(|weight| u64::from(*weight)).sum();
        prop_assert_eq!(tally.electorate_milli(), all);
    }

    /// One more approval never turns an approval away, and one more rejection never brings it.
    #[test]
    fn votes_pull_in_their_own_direction(votes in ballots(), quorum in 1_u32..200, which in 0..4) {
        let vote_type = VoteType::ALL[which as usize];
        let rule = Rule { vote_type, quorum: quorum.min(u32::try_from(votes.len()).unwrap()) };
        let outcome = |votes: &[(Option<Choice>, u32)]| {
            let (choices, weights): (Vec<_>, Vec<_>) = votes.iter().copied().unzip();
            rule.outcome(&tally(&choices, &weights), true)
        };
        let Some(silent) = votes.iter().position(|(choice, _)| choice.is_none()) else {
            return Ok(());
        };
        let with = |choice| {
            let mut votes = votes.clone();
            votes[silent].0 = Some(choice);
            outcome(&votes)
        };
        if outcome(&votes) == Outcome::Approved {
            prop_assert_eq!(with(Choice::Approve), Outcome::Approved);
        }
        if vote_type != VoteType::Quorum && outcome(&votes) != Outcome::Approved {
            prop_assert_ne!(with(Choice::Reject), Outcome::Approved);
        }
    }
}
