//! How much there may be of everything.

use super::*;

fn full(scene: &mut Scene, who: &str, command: RoomCommand) {
    assert_eq!(scene.refused(who, command), RejectCode::RoomFull);
}

#[test]
fn open_motions() {
    let mut scene = Scene::open();
    for n in 0..limits::OPEN_DECISIONS_MAX {
        scene.done("ann", propose(n as u128, VoteType::Consensus));
    }
    full(&mut scene, "ann", propose(999, VoteType::Consensus));
    scene.done("ann", withdraw(0));
    scene.done("ann", propose(999, VoteType::Consensus));
}

#[test]
fn amendments() {
    let mut scene = team(&["bob"]);
    scene.done("ann", propose(1, VoteType::Consensus));
    for n in 0..limits::OPEN_AMENDMENTS_MAX {
        scene.done("bob", amend(1, 1, &format!("text {n}")));
    }
    full(&mut scene, "bob", amend(1, 1, "one more"));
    scene.done("ann", adopt(1, 1, Consent::Approve));
    scene.done("bob", amend(1, 2, "one more"));
}

#[test]
fn amendments_of_one_motion_in_all() {
    let mut scene = team(&["bob"]);
    scene.done("ann", propose(1, VoteType::Consensus));
    for n in 1..=limits::AMENDMENTS_MAX {
        scene.done("bob", amend(1, n, &format!("text {n}")));
        scene.done("ann", adopt(1, n, Consent::Approve));
    }
    full(
        &mut scene,
        "bob",
        amend(1, limits::AMENDMENTS_MAX + 1, "one more"),
    );
}

#[test]
fn critiques_of_the_room() {
    let mut scene = team(&["bob"]);
    scene.done("ann", RoomCommand::Post(a_post("a plan", 3)));
    let advice = |id| critique(id, Target::Message(message(3)), Severity::Minor);
    for n in 0..limits::OPEN_CRITIQUES_MAX {
        scene.done("bob", advice(n as u128));
    }
    full(&mut scene, "bob", advice(9_999));
    scene.done("bob", resolve(0));
    scene.done("bob", advice(9_999));
}

#[test]
fn critiques_of_a_motion() {
    let mut scene = team(&["bob"]);
    scene.done("ann", propose(1, VoteType::Consensus));
    for n in 0..limits::DECISION_CRITIQUES_MAX {
        scene.done("bob", block(n as u128, 1));
        scene.done("bob", resolve(n as u128));
    }
    full(&mut scene, "bob", block(9_999, 1));
}

#[test]
fn arguments() {
    let mut scene = team(&["bob"]);
    scene.done("ann", propose(1, VoteType::Consensus));
    for _ in 0..limits::ARGUMENTS_MAX {
        scene.done("bob", argue(1, Side::For));
    }
    full(&mut scene, "ann", argue(1, Side::Against));
}

#[test]
fn records_of_a_motion() {
    let mut scene = team(&["bob"]);
    scene.done("ann", propose(1, VoteType::Consensus));
    for _ in 1..limits::DECISION_RECORDS_MAX {
        scene.done("bob", approve(1));
    }
    full(&mut scene, "bob", approve(1));
    assert_eq!(
        verdicts(&scene.later(DAY)),
        [(decision(1), Verdict::Expired)]
    );
}

#[test]
fn deadlines() {
    let mut scene = Scene::open();
    let with = |deadline_seconds| {
        RoomCommand::Propose(Propose {
            deadline_seconds,
            ..motion(1, VoteType::Consensus)
        })
    };
    for bad in [0, limits::DECISION_SECONDS_MAX + 1, u32::MAX] {
        assert_eq!(scene.refused("ann", with(bad)), RejectCode::InvalidField);
    }
    scene.done("ann", with(limits::DECISION_SECONDS_MAX));
}
