//! Other texts for a motion.

use super::*;

#[test]
fn a_proposer_alone_adopts_what_comes_before_the_first_ballot() {
    let mut scene = team(&["bob", "cid"]);
    scene.done("ann", propose(1, VoteType::Consensus));
    let events = scene.done("bob", amend(1, 1, "a better text"));
    assert_eq!(kinds(&events), ["amendment_proposed"]);
    let events = scene.done("ann", adopt(1, 1, Consent::Approve));
    assert_eq!(kinds(&events), ["amendment_voted", "amended"]);
    let motion = scene.motion(1);
    assert_eq!((motion.version, &*motion.text), (2, "a better text"));
    scene.is_its_log();
}

#[test]
fn after_the_first_ballot_more_than_half_must_want_it() {
    let mut scene = team(&["bob", "cid", "dora"]);
    scene.done("ann", propose(1, VoteType::Consensus));
    scene.done("ann", approve(1));
    scene.done("bob", approve(1));
    scene.done("cid", amend(1, 1, "a better text"));
    scene.done("ann", adopt(1, 1, Consent::Approve));
    scene.done("ann", adopt(1, 1, Consent::Approve));
    scene.done("bob", adopt(1, 1, Consent::Approve));
    assert_eq!(
        scene.motion(1).version,
        1,
        "two of four are not more than half"
    );
    scene.done("bob", adopt(1, 1, Consent::Reject));
    scene.done("cid", adopt(1, 1, Consent::Approve));
    assert_eq!(scene.motion(1).version, 1, "the last word counts");
    let events = scene.done("dora", adopt(1, 1, Consent::Approve));
    assert_eq!(kinds(&events), ["amendment_voted", "amended"]);
    let motion = scene.motion(1);
    assert!(motion.ballots().is_empty(), "they were on another text");
    assert_eq!(motion.tally().outstanding, 4);
    scene.is_its_log();
}

#[test]
fn a_ballot_on_an_old_text_is_refused_with_the_current_one() {
    let mut scene = team(&["bob"]);
    scene.done("ann", propose(1, VoteType::Consensus));
    scene.done("ann", amend(1, 1, "a better text"));
    scene.done("ann", adopt(1, 1, Consent::Approve));
    let by = principal("bob");
    let refused = scene.try_by(&by, &approve(1)).unwrap_err();
    let expected = crate::reject::Reject::StaleVersion {
        decision: decision(1),
        asked: 1,
        current: 2,
    };
    assert_eq!(refused, expected.into());
    assert_eq!(
        scene.refused("bob", vote_on(1, 3, Choice::Approve)),
        RejectCode::StaleVersion
    );
    scene.done("bob", vote_on(1, 2, Choice::Approve));
}

#[test]
fn what_was_voted_on_once_is_not_the_proposers_alone_any_more() {
    let mut scene = team(&["bob", "cid"]);
    scene.done("ann", propose(1, VoteType::Consensus));
    scene.done("bob", approve(1));
    scene.done("bob", amend(1, 1, "second"));
    scene.done("bob", adopt(1, 1, Consent::Approve));
    scene.done("cid", adopt(1, 1, Consent::Approve));
    assert_eq!(scene.motion(1).version, 2);
    scene.done("ann", amend(1, 2, "third"));
    scene.done("ann", adopt(1, 2, Consent::Approve));
    assert_eq!(scene.motion(1).version, 2, "others have read the second");
}

#[test]
fn with_one_amendment_the_others_lapse() {
    let mut scene = team(&["bob"]);
    scene.done("ann", propose(1, VoteType::Consensus));
    scene.done("bob", amend(1, 1, "one"));
    scene.done("bob", amend(1, 1, "two"));
    scene.done("ann", adopt(1, 2, Consent::Approve));
    assert_eq!(
        scene.refused("ann", adopt(1, 1, Consent::Approve)),
        RejectCode::AmendmentNotFound
    );
    assert_eq!(
        scene.refused("bob", amend(1, 1, "three")),
        RejectCode::StaleVersion
    );
    let events = scene.done("bob", amend(1, 2, "three"));
    let Event::AmendmentProposed(proposed) = &events[0] else {
        panic!("{events:?}");
    };
    assert_eq!(proposed.amendment, 3, "a number is never given again");
    scene.is_its_log();
}

#[test]
fn an_amendment_gives_veto_holders_their_time_again() {
    let mut scene = team_with_reviewer(&["bob"]);
    let short = Propose {
        deadline_seconds: 60,
        ..motion(1, VoteType::SimpleMajority)
    };
    scene.done("ann", RoomCommand::Propose(short));
    scene.done("rev", approve(1));
    scene.now += 50_000;
    scene.done("bob", amend(1, 1, "sly"));
    scene.done("bob", adopt(1, 1, Consent::Approve));
    scene.done("ann", adopt(1, 1, Consent::Approve));
    let motion = scene.motion(1);
    let until = Timestamp::from_millis(scene.now).plus_seconds(60);
    assert_eq!((motion.veto_until, motion.deadline), (Some(until), until));
    scene.done("ann", vote_on(1, 2, Choice::Approve));
    scene.done("bob", vote_on(1, 2, Choice::Approve));
    assert_eq!(scene.state(1), Some(State::Open), "rev has not seen it");
    let events = scene.done("rev", vote_on(1, 2, Choice::Veto));
    assert_eq!(the_end(&events).verdict, Verdict::Vetoed);
}

#[test]
fn only_the_electorate_and_the_proposer_amend() {
    let mut scene = team(&["bob", "cid"]);
    let without = Propose {
        exclude_proposer: true,
        ..motion(1, VoteType::Consensus)
    };
    scene.done("ann", RoomCommand::Propose(without));
    scene.done("dora", join());
    assert_eq!(
        scene.refused("dora", amend(1, 1, "mine")),
        RejectCode::NotInElectorate
    );
    scene.done("ann", amend(1, 1, "mine"));
    assert_eq!(
        scene.refused("dora", adopt(1, 1, Consent::Approve)),
        RejectCode::NotInElectorate
    );
    scene.done("bob", approve(1));
    assert_eq!(
        scene.refused("ann", adopt(1, 1, Consent::Approve)),
        RejectCode::NotInElectorate,
        "without a vote, and not alone any more"
    );
}

#[test]
fn a_text_that_changes_nothing_is_no_amendment() {
    let mut scene = team(&["bob"]);
    scene.done("ann", propose(1, VoteType::Consensus));
    assert_eq!(
        scene.refused("bob", amend(1, 1, "the text")),
        RejectCode::InvalidField
    );
}

#[test]
fn what_half_of_them_reject_lapses() {
    let mut scene = team(&["bob", "cid", "dora"]);
    scene.done("ann", propose(1, VoteType::Consensus));
    scene.done("bob", amend(1, 1, "junk"));
    scene.done("cid", adopt(1, 1, Consent::Reject));
    scene.done("dora", adopt(1, 1, Consent::Reject));
    assert_eq!(
        scene.refused("ann", adopt(1, 1, Consent::Approve)),
        RejectCode::AmendmentNotFound
    );
    scene.is_its_log();
}

/// Frozen like weights: or a coordinator could take veto holders by surprise.
#[test]
fn the_window_of_a_new_text_is_that_of_the_first() {
    let mut scene = team_with_reviewer(&["bob"]);
    scene.done("ann", propose(1, VoteType::SimpleMajority));
    let change = SetPolicy {
        veto_window_seconds: Some(0),
        ..SetPolicy::default()
    };
    scene.done("ann", RoomCommand::SetPolicy(change));
    scene.done("ann", amend(1, 1, "sly"));
    scene.done("ann", adopt(1, 1, Consent::Approve));
    let until = Timestamp::from_millis(scene.now).plus_seconds(60);
    assert_eq!(scene.motion(1).veto_until, Some(until));
}
