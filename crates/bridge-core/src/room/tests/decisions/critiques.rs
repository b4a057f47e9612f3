//! What somebody holds against something.

use super::*;

fn of_message(id: u128, message_id: u128) -> RoomCommand {
    critique(id, Target::Message(message(message_id)), Severity::Blocking)
}

#[test]
fn a_blocking_critique_holds_an_approval_back_until_it_is_resolved() {
    let mut scene = team(&["bob", "cid"]);
    scene.done("ann", propose(1, VoteType::SimpleMajority));
    scene.done("cid", block(7, 1));
    scene.done("ann", approve(1));
    scene.done("bob", approve(1));
    assert_eq!(scene.motion(1).held_by(), [critique_id(7)]);
    assert_eq!(scene.refused("ann", resolve(7)), RejectCode::Forbidden);
    let events = scene.done("cid", resolve(7));
    assert_eq!(kinds(&events), ["resolved", "decided"]);
    assert_eq!(the_end(&events).verdict, Verdict::Approved);
    scene.is_its_log();
}

#[test]
fn more_than_half_of_the_electorate_waive_it() {
    let mut scene = team(&["bob", "cid", "dora"]);
    scene.done("ann", propose(1, VoteType::SimpleMajority));
    scene.done("dora", block(7, 1));
    for who in ["ann", "bob", "cid"] {
        scene.done(who, approve(1));
    }
    scene.done("ann", waive(7));
    scene.done("ann", waive(7));
    scene.done("bob", waive(7));
    assert_eq!(scene.state(1), Some(State::Open), "two of four are half");
    let events = scene.done("cid", waive(7));
    assert_eq!(kinds(&events), ["waived", "decided"]);
    scene.is_its_log();
}

#[test]
fn one_member_is_not_two_who_waive() {
    let mut scene = team(&["bob", "cid"]);
    scene.done("ann", propose(1, VoteType::SimpleMajority));
    scene.done("cid", block(7, 1));
    scene.done("ann", waive(7));
    scene.done("ANN", waive(7));
    assert_eq!(scene.motion(1).held_by(), [critique_id(7)]);
    scene.done("bob", waive(7));
    assert!(scene.motion(1).held_by().is_empty());
}

#[test]
fn what_is_held_at_its_deadline_has_expired() {
    let mut scene = team(&["bob", "cid"]);
    for (n, vote_type) in [(1, VoteType::SimpleMajority), (2, VoteType::Quorum)] {
        scene.done("ann", propose(n, vote_type));
        scene.done("cid", block(n, n));
        scene.done("ann", approve(n));
        scene.done("bob", approve(n));
    }
    let expected = [
        (decision(1), Verdict::Expired),
        (decision(2), Verdict::Expired),
    ];
    assert_eq!(verdicts(&scene.later(DAY)), expected);
}

#[test]
fn a_rejection_is_not_held_back() {
    let mut scene = team(&["bob", "cid"]);
    scene.done("ann", propose(1, VoteType::Consensus));
    scene.done("cid", block(7, 1));
    let events = scene.done("bob", reject(1));
    assert_eq!(the_end(&events).verdict, Verdict::Rejected);
    assert_eq!(
        scene.refused("cid", resolve(7)),
        RejectCode::CritiqueNotFound
    );
}

#[test]
fn only_blocking_ones_hold() {
    let mut scene = team(&["bob"]);
    scene.done("ann", propose(1, VoteType::SimpleMajority));
    let target = Target::Decision(decision(1));
    for (n, severity) in Severity::ALL.iter().skip(1).enumerate() {
        scene.done("bob", critique(n as u128, target, *severity));
    }
    scene.done("bob", approve(1));
    let events = scene.done("ann", approve(1));
    assert_eq!(the_end(&events).verdict, Verdict::Approved);
}

#[test]
fn who_has_no_vote_neither_blocks_nor_waives() {
    let mut scene = team(&["bob", "cid"]);
    scene.done("ann", propose(1, VoteType::SimpleMajority));
    scene.done("dora", join());
    assert_eq!(
        scene.refused("dora", block(7, 1)),
        RejectCode::NotInElectorate
    );
    let target = Target::Decision(decision(1));
    scene.done("dora", critique(7, target, Severity::Major));
    scene.done("bob", block(8, 1));
    assert_eq!(scene.refused("dora", waive(8)), RejectCode::NotInElectorate);
}

#[test]
fn a_critique_of_a_post_is_advice() {
    let mut scene = team(&["bob", "cid"]);
    scene.done("ann", RoomCommand::Post(a_post("a plan", 3)));
    scene.done("bob", of_message(7, 3));
    assert_eq!(scene.refused("cid", resolve(7)), RejectCode::Forbidden);
    assert_eq!(scene.refused("cid", waive(7)), RejectCode::Forbidden);
    scene.done("ann", waive(7));
    scene.done("bob", of_message(8, 3));
    scene.done("bob", resolve(8));
    assert_eq!(
        scene.refused("bob", resolve(8)),
        RejectCode::CritiqueNotFound
    );
    scene.is_its_log();
}

#[test]
fn a_post_that_the_room_does_not_remember_is_looked_up() {
    let mut scene = team(&["bob"]);
    let asked = scene.try_by(&principal("bob"), &of_message(7, 99));
    assert_eq!(asked, Err(Undecided::LookUp(message(99))));
    let RoomCommand::Critique(critique) = of_message(7, 99) else {
        unreachable!()
    };
    let found = Critique {
        target_seq: Some(Seq::new(2)),
        ..critique
    };
    scene.done("bob", RoomCommand::Critique(found));
}
