//! What a room's policy says about decisions, and who changes it.

use super::*;

fn set(change: SetPolicy) -> RoomCommand {
    RoomCommand::SetPolicy(change)
}

fn coordinators_propose() -> SetPolicy {
    SetPolicy {
        propose: Some(Who::Coordinators),
        ..SetPolicy::default()
    }
}

#[test]
fn a_coordinator_changes_it_and_nobody_else() {
    let mut scene = team_with_reviewer(&["bob"]);
    for who in ["bob", "rev"] {
        let code = scene.refused(who, set(coordinators_propose()));
        assert_eq!(code, RejectCode::Forbidden, "{who}");
    }
    let code = scene.refused("stranger", set(coordinators_propose()));
    assert_eq!(code, RejectCode::NotAMember);
    let events = scene.done("ann", set(coordinators_propose()));
    assert_eq!(kinds(&events), ["policy_changed"]);
    let policy = scene.room().policy();
    assert_eq!(policy.propose, Who::Coordinators);
    assert_eq!(policy.veto_window_seconds, 60, "the rest stays");
    scene.is_its_log();
}

#[test]
fn what_changes_nothing_is_not_written() {
    let mut scene = Scene::open();
    let before = scene.log.len();
    let by = principal("ann");
    let now = Timestamp::from_millis(5_000);
    let done = scene
        .ledger
        .submit(&set(SetPolicy::default()), &by, None, now);
    assert_eq!(done, Ok(Decision::Nothing));
    assert_eq!(scene.log.len(), before);
}

#[test]
fn proposing_may_be_the_coordinators_affair() {
    let mut scene = team(&["bob"]);
    scene.done("ann", set(coordinators_propose()));
    let command = propose(1, VoteType::Consensus);
    assert_eq!(scene.refused("bob", command.clone()), RejectCode::Forbidden);
    scene.done("ann", command);
}

#[test]
fn new_weights_are_everybodys_at_once_but_not_of_open_motions() {
    let mut scene = team(&["bob"]);
    scene.done("ann", propose(1, VoteType::Weighted));
    let weights = SetWeights {
        others: Some(VoteWeight::from_milli(5_000)),
        ..SetWeights::default()
    };
    scene.done(
        "ann",
        set(SetPolicy {
            weights,
            ..SetPolicy::default()
        }),
    );
    let weight = |name: &str| scene.room().members()[&client(name)].weight.milli();
    assert_eq!((weight("ann"), weight("bob")), (2_000, 5_000));
    let voter = scene.motion(1).voter(&client("bob")).unwrap();
    assert_eq!(voter.weight.milli(), 1_000);
    scene.is_its_log();
}

/// The room merges, or two who change different things at once would undo each other's.
#[test]
fn what_is_not_named_stays_within_weights_and_veto_too() {
    let mut scene = team(&["bob"]);
    let weight = |milli| Some(VoteWeight::from_milli(milli));
    let first = SetPolicy {
        weights: SetWeights {
            reviewer: weight(3_000),
            ..SetWeights::default()
        },
        veto: SetVetoHolders {
            clients: Some(vec![client("bob")]),
            ..SetVetoHolders::default()
        },
        ..SetPolicy::default()
    };
    let second = SetPolicy {
        weights: SetWeights {
            others: weight(500),
            ..SetWeights::default()
        },
        veto: SetVetoHolders {
            roles: Some(vec![]),
            ..SetVetoHolders::default()
        },
        ..SetPolicy::default()
    };
    scene.done("ann", set(first));
    scene.done("ann", set(second));
    let policy = scene.room().policy();
    let weights = [Role::Coordinator, Role::Reviewer, Role::Coder];
    let weights = weights.map(|role| policy.weights.of(role).milli());
    assert_eq!(weights, [2_000, 3_000, 500]);
    assert_eq!(policy.veto.roles, []);
    assert_eq!(policy.veto.clients, [client("bob")]);
}

#[test]
fn bounds_hold_at_creation_and_later() {
    let too_long = limits::VETO_WINDOW_SECONDS_MAX + 1;
    let too_many: Vec<ClientId> = (0..=limits::VETO_CLIENTS_MAX)
        .map(|n| client(&format!("c{n}")))
        .collect();
    let bad = [
        Policy {
            veto_window_seconds: too_long,
            ..Policy::default()
        },
        Policy {
            veto: VetoHolders {
                roles: vec![],
                clients: too_many,
            },
            ..Policy::default()
        },
        Policy {
            veto: VetoHolders {
                roles: vec![Role::Reviewer; 8],
                clients: vec![],
            },
            ..Policy::default()
        },
    ];
    for policy in bad {
        let mut vacant = Scene::vacant();
        let code = vacant.refused("ann", create(policy.clone(), None));
        assert_eq!(code, RejectCode::InvalidField);
        let change = SetPolicy {
            veto: SetVetoHolders {
                roles: Some(policy.veto.roles),
                clients: Some(policy.veto.clients),
            },
            veto_window_seconds: Some(policy.veto_window_seconds),
            ..SetPolicy::default()
        };
        let code = Scene::open().refused("ann", set(change));
        assert_eq!(code, RejectCode::InvalidField);
    }
}

#[test]
fn a_room_with_a_password_is_never_open_to_all() {
    let mut scene = Scene::listed();
    let change = SetPolicy {
        visibility: Some(Visibility::Open),
        veto_window_seconds: Some(1),
        ..SetPolicy::default()
    };
    scene.done("ann", set(change));
    assert_eq!(scene.room().policy().visibility, Visibility::Listed);
}
