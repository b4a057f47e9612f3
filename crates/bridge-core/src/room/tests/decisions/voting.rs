//! Ballots, and what follows from them.

use super::*;

#[test]
fn a_motion_says_who_may_vote_and_with_which_weight() {
    let mut scene = team_with_reviewer(&["bob"]);
    scene.done("bob", propose(1, VoteType::Weighted));
    let motion = scene.motion(1);
    let electorate: Vec<_> = motion
        .electorate
        .iter()
        .map(|v| (v.client.as_str(), v.weight.milli(), v.veto))
        .collect();
    let expected = [
        ("ann", 2_000, false),
        ("bob", 1_000, false),
        ("rev", 1_500, true),
    ];
    assert_eq!(electorate, expected);
    assert_eq!(motion.proposer, client("bob"));
    assert_eq!(motion.version, 1);
    scene.is_its_log();
}

#[test]
fn who_comes_later_has_no_vote() {
    let mut scene = team(&["bob"]);
    scene.done("ann", propose(1, VoteType::SimpleMajority));
    scene.done("cid", join());
    assert_eq!(
        scene.refused("cid", approve(1)),
        RejectCode::NotInElectorate
    );
    scene.is_its_log();
}

#[test]
fn a_role_that_is_granted_later_changes_neither_weight_nor_veto() {
    let mut scene = team(&["bob", "cid"]);
    scene.done("ann", propose(1, VoteType::Weighted));
    scene.done("ann", grant("bob", Role::Reviewer));
    scene.done("bob", approve(1));
    let tally = scene.motion(1).tally();
    assert_eq!((tally.approve, tally.approve_milli), (1, 1_000));
    assert_eq!(
        scene.refused("bob", vote(1, Choice::Veto)),
        RejectCode::NoVetoPower
    );
}

#[test]
fn a_majority_decides_as_soon_as_it_is_there() {
    let mut scene = team(&["bob", "cid"]);
    scene.done("ann", propose(1, VoteType::SimpleMajority));
    assert!(verdicts(&scene.done("bob", approve(1))).is_empty());
    let events = scene.done("cid", approve(1));
    assert_eq!(kinds(&events), ["voted", "decided"]);
    let end = the_end(&events);
    assert_eq!(end.verdict, Verdict::Approved);
    assert_eq!((end.tally.approve, end.tally.outstanding), (2, 1));
    assert_eq!(end.not_voted, [client("ann")]);
    assert_eq!(scene.state(1), Some(State::Approved));
    scene.is_its_log();
}

#[test]
fn a_tie_is_a_rejection() {
    let mut scene = team(&["bob"]);
    scene.done("ann", propose(1, VoteType::SimpleMajority));
    scene.done("ann", approve(1));
    let events = scene.done("bob", reject(1));
    assert_eq!(verdicts(&events), [(decision(1), Verdict::Rejected)]);
}

#[test]
fn the_last_ballot_counts() {
    let mut scene = team(&["bob", "cid", "dora"]);
    scene.done("ann", propose(1, VoteType::SimpleMajority));
    scene.done("bob", reject(1));
    scene.done("bob", approve(1));
    scene.done("bob", approve(1));
    let tally = scene.motion(1).tally();
    assert_eq!((tally.approve, tally.reject, tally.outstanding), (1, 0, 3));
    let cast = scene.log.iter().filter(|e| e.event.kind() == "voted");
    assert_eq!(cast.count(), 3, "every ballot stays in the log");
    scene.is_its_log();
}

#[test]
fn a_consensus_ends_with_the_first_rejection() {
    let mut scene = team(&["bob", "cid"]);
    scene.done("ann", propose(1, VoteType::Consensus));
    scene.done("ann", approve(1));
    scene.done("bob", vote(1, Choice::Abstain));
    assert_eq!(scene.state(1), Some(State::Open), "abstaining is neither");
    let events = scene.done("cid", reject(1));
    assert_eq!(the_end(&events).verdict, Verdict::Rejected);
}

#[test]
fn a_consensus_is_reached_when_who_abstained_agrees() {
    let mut scene = team(&["bob"]);
    scene.done("ann", propose(1, VoteType::Consensus));
    scene.done("bob", vote(1, Choice::Abstain));
    scene.done("ann", approve(1));
    let events = scene.done("bob", approve(1));
    assert_eq!(the_end(&events).verdict, Verdict::Approved);
}

#[test]
fn weight_comes_from_the_policy() {
    let mut scene = team(&["bob", "cid", "dora"]);
    // ann has 2 of 5.
    scene.done("bob", propose(1, VoteType::Weighted));
    scene.done("bob", approve(1));
    let events = scene.done("ann", approve(1));
    let end = the_end(&events);
    assert_eq!(end.verdict, Verdict::Approved);
    assert_eq!(end.tally.approve_milli, 3_000);
}

#[test]
fn a_quorum_decides_when_all_have_voted() {
    let mut scene = team(&["bob", "cid"]);
    scene.done("ann", propose(1, VoteType::Quorum));
    scene.done("ann", approve(1));
    scene.done("bob", approve(1));
    assert_eq!(scene.state(1), Some(State::Open), "cid may still vote");
    let events = scene.done("cid", reject(1));
    assert_eq!(the_end(&events).verdict, Verdict::Approved);
}

#[test]
fn a_quorum_must_be_possible_and_belongs_to_its_vote_type() {
    let mut scene = team(&["bob"]);
    let mut asked = motion(1, VoteType::Quorum);
    for impossible in [0, 3, u32::MAX] {
        asked.quorum = Some(impossible);
        let command = RoomCommand::Propose(asked.clone());
        assert_eq!(scene.refused("ann", command), RejectCode::InvalidField);
    }
    asked.vote_type = VoteType::Consensus;
    asked.quorum = Some(1);
    let command = RoomCommand::Propose(asked);
    assert_eq!(scene.refused("ann", command), RejectCode::InvalidField);
}

#[test]
fn alone_a_quorum_of_two_is_refused() {
    let mut scene = Scene::open();
    let command = propose(1, VoteType::Quorum);
    assert_eq!(scene.refused("ann", command), RejectCode::InvalidField);
}

#[test]
fn a_proposer_may_leave_itself_out() {
    let mut scene = team(&["bob"]);
    let without = |n| Propose {
        exclude_proposer: true,
        ..motion(n, VoteType::SimpleMajority)
    };
    scene.done("ann", RoomCommand::Propose(without(1)));
    assert_eq!(
        scene.refused("ann", approve(1)),
        RejectCode::NotInElectorate
    );
    let events = scene.done("bob", approve(1));
    assert_eq!(the_end(&events).verdict, Verdict::Approved);

    let mut alone = Scene::open();
    let command = RoomCommand::Propose(without(1));
    assert_eq!(alone.refused("ann", command), RejectCode::InvalidField);
}

#[test]
fn nobody_votes_by_weight_where_nobody_has_any() {
    let mut scene = Scene::open();
    scene.done("ann", set_weights(0));
    let command = propose(1, VoteType::Weighted);
    assert_eq!(scene.refused("ann", command), RejectCode::InvalidField);
}

fn set_weights(milli: u32) -> RoomCommand {
    let weight = VoteWeight::from_milli(milli);
    RoomCommand::SetPolicy(SetPolicy {
        weights: SetWeights {
            coordinator: Some(weight),
            reviewer: Some(weight),
            others: Some(weight),
        },
        ..SetPolicy::default()
    })
}

#[test]
fn a_motion_is_taken_back_before_the_first_ballot_only() {
    let mut scene = team(&["bob"]);
    scene.done("ann", propose(1, VoteType::SimpleMajority));
    assert_eq!(scene.refused("bob", withdraw(1)), RejectCode::Forbidden);
    scene.done("ann", withdraw(1));
    assert_eq!(scene.state(1), Some(State::Withdrawn));
    assert_eq!(scene.refused("bob", approve(1)), RejectCode::DecisionClosed);

    scene.done("ann", propose(2, VoteType::SimpleMajority));
    scene.done("bob", approve(2));
    assert_eq!(scene.refused("ann", withdraw(2)), RejectCode::BallotsCast);
    scene.is_its_log();
}

#[test]
fn void_ballots_were_ballots() {
    let mut scene = team(&["bob"]);
    scene.done("ann", propose(1, VoteType::Consensus));
    scene.done("bob", approve(1));
    scene.done("bob", amend(1, 1, "another"));
    scene.done("ann", adopt(1, 1, Consent::Approve));
    scene.done("bob", adopt(1, 1, Consent::Approve));
    assert!(scene.motion(1).ballots().is_empty());
    assert_eq!(scene.refused("ann", withdraw(1)), RejectCode::BallotsCast);
}

#[test]
fn a_voter_is_spelled_as_in_the_electorate() {
    let mut scene = team(&["Bob"]);
    scene.done("ann", propose(1, VoteType::Consensus));
    scene.done("ann", amend(1, 1, "another"));
    let events = scene.done("BOB", adopt(1, 1, Consent::Reject));
    let Event::AmendmentVoted(consent) = &events[0] else {
        panic!("{events:?}");
    };
    assert_eq!(consent.voter.as_str(), "Bob");
    let events = scene.done("BOB", approve(1));
    let Event::Voted(voted) = &events[0] else {
        panic!("{events:?}");
    };
    assert_eq!(voted.voter.as_str(), "Bob");
}
