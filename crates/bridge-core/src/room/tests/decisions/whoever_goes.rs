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

/// Or a coordinator could throw a rejection out together with its author, reach a quorum with those who
/// are silent, or end a veto holder's time.
#[test]
fn a_removal_changes_nothing_about_a_motion() {
    let mut scene = team_with_reviewer(&["bob", "cid", "dora"]);
    scene.done("ann", propose(1, VoteType::Quorum));
    scene.done("ann", approve(1));
    scene.done("bob", reject(1));
    let before = scene.motion(1).clone();
    for client in ["bob", "cid", "dora", "rev"] {
        assert_eq!(
            kinds(&scene.done("ann", remove(client))),
            ["member_removed"]
        );
        assert_eq!(scene.refused(client, approve(1)), RejectCode::NotAMember);
    }
    assert_eq!(*scene.motion(1), before);
    assert_eq!(scene.motion(1).waits_for(), [client("rev")]);
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

/// Nobody has looked yet, but time has decided: whoever leaves after that changes nothing.
#[test]
fn leaving_does_not_change_what_time_has_decided() {
    let mut scene = team_with_reviewer(&["bob", "cid"]);
    scene.done("ann", propose(1, VoteType::SimpleMajority));
    for who in ["ann", "bob", "cid"] {
        scene.done(who, approve(1));
    }
    scene.now += 60_000;
    assert_eq!(
        scene.refused("rev", vote(1, Choice::Veto)),
        RejectCode::DecisionClosed
    );
    let events = scene.done("bob", leave());
    assert_eq!(kinds(&events), ["member_left", "decided"]);
    let end = the_end(&events);
    assert_eq!((end.verdict, end.tally.approve), (Verdict::Approved, 3));
    scene.is_its_log();
}

/// A quorum of three, two of whom approve.
fn two_of_three() -> Scene {
    let mut scene = team(&["bob", "cid", "dora"]);
    let three = Propose {
        quorum: Some(3),
        ..motion(1, VoteType::Quorum)
    };
    scene.done("ann", RoomCommand::Propose(three));
    scene.done("ann", approve(1));
    scene.done("bob", approve(1));
    scene
}

#[test]
fn leaving_late_does_not_make_a_quorum() {
    let mut scene = two_of_three();
    scene.now += DAY;
    let events = scene.done("cid", leave());
    assert_eq!(the_end(&events).verdict, Verdict::Rejected);
}

#[test]
fn coming_back_does_not_change_what_time_has_decided() {
    let mut scene = two_of_three();
    scene.done("cid", leave());
    scene.now += DAY;
    assert_eq!(scene.refused("dora", reject(1)), RejectCode::DecisionClosed);
    let events = scene.done("cid", join());
    assert_eq!(kinds(&events), ["member_joined", "decided"]);
    assert_eq!(the_end(&events).verdict, Verdict::Approved);
    scene.is_its_log();
}

#[test]
fn who_has_left_neither_adopts_nor_waives() {
    let mut scene = team(&["bob", "cid", "dora", "eve"]);
    scene.done("ann", propose(1, VoteType::Consensus));
    scene.done("eve", approve(1));
    scene.done("eve", amend(1, 1, "another"));
    scene.done("eve", block(7, 1));
    for who in ["bob", "cid"] {
        scene.done(who, adopt(1, 1, Consent::Approve));
        scene.done(who, waive(7));
        scene.done(who, leave());
    }
    scene.done("ann", adopt(1, 1, Consent::Approve));
    scene.done("ann", waive(7));
    assert_eq!(scene.motion(1).version, 1, "one of five who is there");
    assert_eq!(scene.motion(1).held_by(), [critique_id(7)]);
}
