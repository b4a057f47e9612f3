//! What time decides.

use super::*;

#[test]
fn what_is_undecided_at_its_deadline_has_expired() {
    let mut scene = team(&["bob"]);
    scene.done("ann", propose(1, VoteType::SimpleMajority));
    scene.done("ann", approve(1));
    assert!(scene.later(DAY - 10).is_empty());
    let events = scene.later(10);
    let end = the_end(&events);
    assert_eq!(end.verdict, Verdict::Expired);
    assert_eq!((end.tally.approve, end.tally.outstanding), (1, 1));
    assert_eq!(scene.log.last().unwrap().by, ClientId::system());
    assert!(scene.later(DAY).is_empty(), "it ends once");
    assert_eq!(scene.room().due_at(), None);
    scene.is_its_log();
}

#[test]
fn a_quorum_is_judged_at_its_deadline() {
    let mut scene = team(&["bob", "cid", "dora"]);
    for n in 1..=3 {
        scene.done("ann", propose(n, VoteType::Quorum));
    }
    scene.done("ann", approve(1));
    scene.done("bob", vote(1, Choice::Abstain));
    scene.done("ann", approve(2));
    scene.done("ann", approve(3));
    scene.done("bob", reject(3));
    let events = scene.later(DAY);
    let expected = [
        (decision(1), Verdict::Approved),
        (decision(2), Verdict::Rejected),
        (decision(3), Verdict::Rejected),
    ];
    assert_eq!(verdicts(&events), expected, "enough, too few, a tie");
}

#[test]
fn who_comes_after_the_deadline_is_too_late_also_when_nobody_has_looked() {
    let mut scene = team(&["bob"]);
    scene.done("ann", propose(1, VoteType::SimpleMajority));
    scene.done("ann", approve(1));
    scene.now += DAY;
    let commands = [
        approve(1),
        amend(1, 1, "another"),
        block(1, 1),
        argue(1, Side::For),
    ];
    for command in commands {
        assert_eq!(scene.refused("bob", command), RejectCode::DecisionClosed);
    }
    assert_eq!(the_end(&scene.later(0)).verdict, Verdict::Expired);
}

#[test]
fn only_the_server_says_what_time_has_decided() {
    let mut scene = team(&["bob"]);
    scene.done("ann", propose(1, VoteType::SimpleMajority));
    scene.now += DAY;
    for who in ["ann", "bob", "root", "stranger"] {
        let code = scene.refused(who, RoomCommand::Conclude);
        assert_eq!(code, RejectCode::Forbidden, "{who}");
    }
}

#[test]
fn in_a_private_room_too() {
    let mut scene = Scene::private();
    scene.done("ann", propose(1, VoteType::Consensus));
    assert_eq!(the_end(&scene.later(DAY)).verdict, Verdict::Expired);
}

#[test]
fn the_next_thing_is_due_when_the_first_of_them_is() {
    let mut scene = team(&["bob"]);
    assert_eq!(scene.room().due_at(), None);
    scene.done("ann", propose(1, VoteType::SimpleMajority));
    let short = Propose {
        deadline_seconds: 5,
        ..motion(2, VoteType::SimpleMajority)
    };
    scene.done("ann", RoomCommand::Propose(short));
    assert_eq!(scene.room().due_at(), Some(scene.motion(2).deadline));
    scene.later(5_000);
    assert_eq!(scene.room().due_at(), Some(scene.motion(1).deadline));
}

#[test]
fn a_room_that_is_closed_ends_its_motions() {
    let mut scene = team(&["bob"]);
    scene.done("ann", propose(1, VoteType::SimpleMajority));
    scene.done("ann", propose(2, VoteType::Consensus));
    let events = scene.done("ann", close());
    assert_eq!(kinds(&events), ["room_closed", "decided", "decided"]);
    assert_eq!(scene.state(1), Some(State::Expired));
    assert_eq!(scene.room().due_at(), None);
    scene.is_its_log();
}

#[test]
fn a_room_that_is_closed_late_ends_them_as_time_has() {
    let mut scene = team(&["bob", "cid"]);
    scene.done("ann", propose(1, VoteType::Quorum));
    scene.done("ann", propose(2, VoteType::Quorum));
    scene.done("ann", approve(1));
    scene.done("bob", approve(1));
    scene.now += DAY;
    let expected = [
        (decision(1), Verdict::Approved),
        (decision(2), Verdict::Rejected),
    ];
    assert_eq!(verdicts(&scene.done("ann", close())), expected);
}
