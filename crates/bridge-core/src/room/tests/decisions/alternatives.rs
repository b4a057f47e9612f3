//! Rival motions.

use super::*;

fn alternative(n: u128, to: u128) -> RoomCommand {
    RoomCommand::Propose(Propose {
        alternative_to: Some(decision(to)),
        ..motion(n, VoteType::SimpleMajority)
    })
}

#[test]
fn with_one_of_them_approved_all_others_are_superseded() {
    let mut scene = team(&["bob", "cid"]);
    scene.done("ann", propose(1, VoteType::SimpleMajority));
    scene.done("bob", alternative(2, 1));
    scene.done("cid", alternative(3, 2));
    scene.done("cid", propose(4, VoteType::SimpleMajority));
    scene.done("ann", approve(3));
    let events = scene.done("bob", approve(3));
    let expected = [
        (decision(3), Verdict::Approved),
        (decision(1), Verdict::Superseded),
        (decision(2), Verdict::Superseded),
    ];
    assert_eq!(verdicts(&events), expected);
    assert_eq!(scene.state(4), Some(State::Open), "it is no rival");
    let Some(Event::Decided(last)) = events.last() else {
        panic!("{events:?}");
    };
    assert_eq!(last.superseded_by, Some(decision(3)));
    scene.is_its_log();
}

#[test]
fn a_rejection_leaves_the_others_alone() {
    let mut scene = team(&["bob"]);
    scene.done("ann", propose(1, VoteType::Consensus));
    scene.done("bob", alternative(2, 1));
    scene.done("bob", reject(1));
    assert_eq!(scene.state(2), Some(State::Open));
    assert_eq!(
        scene.refused("bob", alternative(3, 1)),
        RejectCode::DecisionClosed
    );
    assert_eq!(
        scene.refused("bob", alternative(3, 9)),
        RejectCode::DecisionNotFound
    );
    scene.done("bob", alternative(3, 2));
    scene.is_its_log();
}

#[test]
fn of_two_that_end_at_the_same_time_one_is_approved() {
    let mut scene = team(&["bob", "cid"]);
    scene.done("ann", propose(1, VoteType::Quorum));
    let rival = Propose {
        alternative_to: Some(decision(1)),
        ..motion(2, VoteType::Quorum)
    };
    scene.done("ann", RoomCommand::Propose(rival));
    for n in 1..=2 {
        scene.done("ann", approve(n));
        scene.done("bob", approve(n));
    }
    let events = scene.later(DAY);
    let expected = [
        (decision(1), Verdict::Approved),
        (decision(2), Verdict::Superseded),
    ];
    assert_eq!(verdicts(&events), expected);
    scene.is_its_log();
}

/// Time has approved one of them, though nobody has looked: the other one cannot win any more.
#[test]
fn a_rival_is_closed_when_time_has_approved_another() {
    let mut scene = team(&["bob", "cid"]);
    scene.done("ann", propose(1, VoteType::Quorum));
    let rival = Propose {
        alternative_to: Some(decision(1)),
        deadline_seconds: limits::DECISION_SECONDS_MAX,
        ..motion(2, VoteType::SimpleMajority)
    };
    scene.done("ann", RoomCommand::Propose(rival));
    scene.done("ann", approve(1));
    scene.done("bob", approve(1));
    scene.done("ann", approve(2));
    scene.now += DAY;
    assert_eq!(scene.refused("bob", approve(2)), RejectCode::DecisionClosed);
    let events = scene.later(0);
    assert_eq!(verdicts(&events)[1], (decision(2), Verdict::Superseded));
}

/// Or one member alone could put an end to what all others are voting on.
#[test]
fn an_alternative_is_neither_over_first_nor_a_matter_of_few() {
    let mut scene = team(&["bob", "cid", "dora", "mal"]);
    scene.done("ann", propose(1, VoteType::Consensus));
    let sly = Propose {
        alternative_to: Some(decision(1)),
        deadline_seconds: 1,
        quorum: Some(1),
        ..motion(2, VoteType::Quorum)
    };
    let command = RoomCommand::Propose(sly.clone());
    assert_eq!(scene.refused("mal", command), RejectCode::InvalidField);
    let usual = Propose {
        quorum: None,
        ..sly
    };
    scene.done("mal", RoomCommand::Propose(usual));
    assert_eq!(scene.motion(2).quorum, Some(3));
    assert_eq!(scene.motion(2).deadline, scene.motion(1).deadline);
}

/// The server looks late: what was decided first counts first.
#[test]
fn time_decides_in_its_own_order() {
    let mut scene = team(&["bob", "cid"]);
    let with = |n, deadline_seconds, alternative_to| {
        RoomCommand::Propose(Propose {
            deadline_seconds,
            alternative_to,
            ..motion(n, VoteType::Quorum)
        })
    };
    scene.done("ann", with(1, 50, None));
    scene.done("ann", with(2, 100, Some(decision(1))));
    scene.done("ann", with(3, 60, None));
    scene.done("ann", with(4, 70, Some(decision(3))));
    for n in [1, 2, 4] {
        scene.done("ann", approve(n));
        scene.done("bob", approve(n));
    }
    scene.now += 200_000;
    assert_eq!(scene.refused("cid", approve(2)), RejectCode::DecisionClosed);
    let expected = [
        (decision(1), Verdict::Approved),
        (decision(2), Verdict::Superseded),
        (decision(3), Verdict::Rejected),
        (decision(4), Verdict::Approved),
    ];
    assert_eq!(verdicts(&scene.later(0)), expected);
}

/// Its time was over before its rival was approved, though nobody had looked.
#[test]
fn what_has_expired_is_not_superseded() {
    let mut scene = team(&["bob", "cid"]);
    let short = Propose {
        deadline_seconds: 10,
        ..motion(1, VoteType::Consensus)
    };
    scene.done("ann", RoomCommand::Propose(short));
    scene.done("bob", alternative(2, 1));
    // The rival ends later than the default says, so that it is still open.
    scene.done("ann", approve(2));
    scene.now += 10_000;
    let events = scene.done("bob", approve(2));
    let expected = [
        (decision(2), Verdict::Approved),
        (decision(1), Verdict::Expired),
    ];
    assert_eq!(verdicts(&events), expected);
}
