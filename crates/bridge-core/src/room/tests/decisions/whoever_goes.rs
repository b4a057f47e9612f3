//! Members who leave, are removed, or come back, while a motion is open.

use super::*;

#[test]
fn whoever_leaves_counts_as_abstaining() {
    let mut scene = team(&["bob", "cid"]);
    scene.done("ann", propose(1, VoteType::SimpleMajority));
    scene.done("bob", approve(1));
    scene.done("bob", leave());
    let tally = scene.motion(1).tally();
    assert_eq!((tally.approve, tally.abstain, tally.outstanding), (0, 1, 2));
    assert_eq!(scene.refused("bob", approve(1)), RejectCode::NotAMember);
    scene.is_its_log();
}

#[test]
fn a_motion_may_be_decided_by_who_leaves() {
    let mut scene = team(&["bob", "cid"]);
    scene.done("ann", propose(1, VoteType::Quorum));
    scene.done("ann", approve(1));
    scene.done("bob", vote(1, Choice::Abstain));
    let events = scene.done("cid", leave());
    assert_eq!(kinds(&events), ["member_left", "decided"]);
    assert_eq!(the_end(&events).verdict, Verdict::Approved);

    scene.done("ann", propose(2, VoteType::SimpleMajority));
    let events = scene.done("bob", leave());
    assert_eq!(
        the_end(&events).verdict,
        Verdict::Rejected,
        "one of two is half"
    );
    scene.is_its_log();
}

/// Or a coordinator could throw a rejection out together with its author.
#[test]
fn the_ballot_of_who_is_removed_stays() {
    let mut scene = team(&["bob", "cid", "dora"]);
    scene.done("ann", propose(1, VoteType::Quorum));
    scene.done("ann", approve(1));
    scene.done("bob", reject(1));
    scene.done("ann", remove("bob"));
    scene.done("ann", remove("dora"));
    let tally = scene.motion(1).tally();
    assert_eq!((tally.approve, tally.reject, tally.abstain), (1, 1, 1));
    scene.is_its_log();
}

#[test]
fn who_comes_back_may_vote_again() {
    let mut scene = team(&["bob", "cid"]);
    scene.done("ann", propose(1, VoteType::SimpleMajority));
    scene.done("bob", approve(1));
    scene.done("bob", leave());
    scene.done("bob", join());
    let tally = scene.motion(1).tally();
    assert_eq!((tally.approve, tally.outstanding), (0, 3));
    scene.done("bob", approve(1));
    let events = scene.done("ann", approve(1));
    assert_eq!(the_end(&events).verdict, Verdict::Approved);
    scene.is_its_log();
}

#[test]
fn nobody_waits_for_a_veto_holder_who_has_left() {
    let mut scene = team_with_reviewer(&["bob"]);
    scene.done("ann", propose(1, VoteType::SimpleMajority));
    scene.done("ann", approve(1));
    scene.done("bob", approve(1));
    let events = scene.done("rev", leave());
    assert_eq!(the_end(&events).verdict, Verdict::Approved);
}

/// Found by the simulation: what superseded a motion was told with a tally from before the going.
#[test]
fn the_end_of_an_alternative_knows_who_has_left() {
    let mut scene = team(&["bob", "cid"]);
    scene.done("ann", propose(1, VoteType::Quorum));
    let rival = Propose {
        alternative_to: Some(decision(1)),
        ..motion(2, VoteType::Consensus)
    };
    scene.done("ann", RoomCommand::Propose(rival));
    scene.done("ann", approve(1));
    scene.done("bob", vote(1, Choice::Abstain));
    let events = scene.done("cid", leave());
    let expected = [
        (decision(1), Verdict::Approved),
        (decision(2), Verdict::Superseded),
    ];
    assert_eq!(verdicts(&events), expected);
    let Some(Event::Decided(last)) = events.last() else {
        panic!("{events:?}");
    };
    assert_eq!((last.tally.abstain, last.tally.outstanding), (1, 2));
}

#[test]
fn a_motion_may_be_decided_by_a_removal() {
    let mut scene = team(&["bob", "cid"]);
    scene.done("ann", propose(1, VoteType::Quorum));
    scene.done("ann", approve(1));
    scene.done("bob", approve(1));
    let events = scene.done("ann", remove("cid"));
    assert_eq!(kinds(&events), ["member_removed", "decided"]);
    assert_eq!(the_end(&events).verdict, Verdict::Approved);
}
