//! Vetoes, and the time that their holders have.

use super::*;

const WINDOW: i64 = limits::VETO_WINDOW_SECONDS_DEFAULT as i64 * 1_000;

#[test]
fn a_veto_ends_a_motion_and_says_why() {
    let mut scene = team_with_reviewer(&["bob"]);
    scene.done("ann", propose(1, VoteType::SimpleMajority));
    let silent = RoomCommand::Vote(Vote {
        decision: decision(1),
        version: 1,
        choice: Choice::Veto,
        reason: None,
    });
    assert_eq!(scene.refused("rev", silent), RejectCode::InvalidField);
    let events = scene.done("rev", vote(1, Choice::Veto));
    assert_eq!(kinds(&events), ["voted", "decided"]);
    assert_eq!(the_end(&events).verdict, Verdict::Vetoed);
    assert_eq!(scene.refused("ann", approve(1)), RejectCode::DecisionClosed);
    scene.is_its_log();
}

#[test]
fn a_fast_majority_waits_for_veto_holders() {
    let mut scene = team_with_reviewer(&["bob"]);
    scene.done("ann", propose(1, VoteType::SimpleMajority));
    scene.done("ann", approve(1));
    scene.done("bob", approve(1));
    assert_eq!(scene.state(1), Some(State::Open));
    assert_eq!(scene.motion(1).waits_for(), [client("rev")]);
    assert!(
        scene.later(WINDOW - 10).is_empty(),
        "their time is not over"
    );
    let events = scene.later(10);
    assert_eq!(verdicts(&events), [(decision(1), Verdict::Approved)]);
    scene.is_its_log();
}

#[test]
fn nobody_waits_for_a_veto_holder_who_has_voted() {
    let mut scene = team_with_reviewer(&["bob"]);
    scene.done("ann", propose(1, VoteType::SimpleMajority));
    scene.done("rev", vote(1, Choice::Abstain));
    scene.done("ann", approve(1));
    let events = scene.done("bob", approve(1));
    assert_eq!(the_end(&events).verdict, Verdict::Approved);
}

#[test]
fn a_rejection_waits_for_nobody() {
    let mut scene = team_with_reviewer(&["bob"]);
    scene.done("ann", propose(1, VoteType::SimpleMajority));
    scene.done("ann", reject(1));
    let events = scene.done("bob", reject(1));
    assert_eq!(the_end(&events).verdict, Verdict::Rejected);
}

#[test]
fn the_end_of_the_window_is_in_the_log() {
    let mut scene = team_with_reviewer(&["bob"]);
    scene.done("ann", propose(1, VoteType::SimpleMajority));
    let until = scene.motion(1).veto_until.unwrap();
    assert_eq!(scene.room().due_at(), Some(until));
    assert_eq!(kinds(&scene.later(WINDOW)), ["veto_window_closed"]);
    let motion = scene.motion(1);
    assert_eq!(motion.veto_until, None);
    assert_eq!(scene.room().due_at(), Some(motion.deadline));
    scene.done("ann", approve(1));
    let events = scene.done("bob", approve(1));
    assert_eq!(the_end(&events).verdict, Verdict::Approved);
    scene.is_its_log();
}

/// Nobody has looked yet, but their time is over.
#[test]
fn the_window_ends_by_time_and_not_when_somebody_looks() {
    let mut scene = team_with_reviewer(&["bob"]);
    scene.done("ann", propose(1, VoteType::SimpleMajority));
    scene.done("ann", approve(1));
    scene.now += WINDOW;
    let events = scene.done("bob", approve(1));
    assert_eq!(the_end(&events).verdict, Verdict::Approved);

    scene.done("ann", propose(2, VoteType::SimpleMajority));
    scene.done("ann", approve(2));
    scene.done("bob", approve(2));
    scene.now += WINDOW;
    let too_late = vote(2, Choice::Veto);
    assert_eq!(scene.refused("rev", too_late), RejectCode::DecisionClosed);
}

#[test]
fn a_deadline_is_never_before_the_end_of_the_window() {
    let mut scene = team_with_reviewer(&["bob"]);
    let hasty = Propose {
        deadline_seconds: 1,
        ..motion(1, VoteType::SimpleMajority)
    };
    scene.done("ann", RoomCommand::Propose(hasty.clone()));
    let motion = scene.motion(1);
    assert_eq!(Some(motion.deadline), motion.veto_until);
    let without_holders = &mut team(&["bob"]);
    without_holders.done("ann", RoomCommand::Propose(hasty));
    let motion = without_holders.motion(1);
    assert_eq!(motion.veto_until, None);
    assert_eq!(motion.deadline, motion.proposed_at.plus_seconds(1));
}

#[test]
fn a_policy_names_who_holds_a_veto_and_for_how_long() {
    let policy = Policy {
        veto: VetoHolders {
            roles: vec![],
            clients: vec![client("GRACE")],
        },
        veto_window_seconds: 10,
        ..Policy::default()
    };
    let mut scene = Scene::of(policy, None);
    scene.done("grace", join());
    scene.done("ann", grant("rev", Role::Reviewer));
    scene.done("rev", join_as(Role::Reviewer));
    scene.done("ann", propose(1, VoteType::SimpleMajority));
    let motion = scene.motion(1);
    assert_eq!(motion.veto_until, Some(motion.proposed_at.plus_seconds(10)));
    assert_eq!(
        scene.refused("rev", vote(1, Choice::Veto)),
        RejectCode::NoVetoPower
    );
    let events = scene.done("grace", vote(1, Choice::Veto));
    assert_eq!(the_end(&events).verdict, Verdict::Vetoed);
}

#[test]
fn without_a_window_nobody_waits() {
    let policy = Policy {
        veto_window_seconds: 0,
        ..Policy::default()
    };
    let mut scene = Scene::of(policy, None);
    scene.done("ann", grant("rev", Role::Reviewer));
    scene.done("rev", join_as(Role::Reviewer));
    scene.done("bob", join());
    scene.done("ann", propose(1, VoteType::SimpleMajority));
    scene.done("ann", approve(1));
    let events = scene.done("bob", approve(1));
    assert_eq!(the_end(&events).verdict, Verdict::Approved);
}
