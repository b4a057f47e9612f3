//! For and against.

use super::*;

#[test]
fn every_member_may_speak() {
    let mut scene = team(&["bob"]);
    scene.done("ann", propose(1, VoteType::Consensus));
    scene.done("cid", join());
    scene.done("cid", argue(1, Side::Against));
    scene.done("bob", argue(1, Side::For));
    assert_eq!(
        scene.refused("stranger", argue(1, Side::For)),
        RejectCode::NotAMember
    );
    assert_eq!(
        scene.refused("bob", argue(2, Side::For)),
        RejectCode::DecisionNotFound
    );
    scene.is_its_log();
}

#[test]
fn evidence_has_a_bound() {
    let mut scene = team(&["bob"]);
    scene.done("ann", propose(1, VoteType::Consensus));
    let with = |pieces: usize| {
        RoomCommand::Argue(Argue {
            decision: decision(1),
            side: Side::For,
            text: "because".parse().unwrap(),
            evidence: vec!["https://example.org".parse().unwrap(); pieces],
        })
    };
    let too_many = with(limits::EVIDENCE_MAX + 1);
    assert_eq!(scene.refused("bob", too_many), RejectCode::InvalidField);
    scene.done("bob", with(limits::EVIDENCE_MAX));
}
