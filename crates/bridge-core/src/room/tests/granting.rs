use super::*;
use crate::event::RoleGranted;
use crate::policy::VoteWeight;

#[test]
fn coordinators_and_administrators_grant() {
    for who in ["ann", "root"] {
        let mut scene = Scene::open_with(&["bob"]);
        let events = scene.done(who, grant("bob", Role::Reviewer));
        let granted = RoleGranted {
            client: client("bob"),
            role: Role::Reviewer,
            weight: VoteWeight::from_milli(1_500),
        };
        assert_eq!(events, [Event::RoleGranted(granted)], "{who}");
        assert_eq!(scene.role("bob"), Some(Role::Reviewer), "{who}");
    }
}

#[test]
fn nobody_else_grants() {
    let mut scene = Scene::open_with(&["bob", "cid"]);
    scene.done("ann", grant("bob", Role::Reviewer));
    for role in Role::ALL {
        assert_eq!(
            scene.refused("bob", grant("bob", role)),
            RejectCode::RoleNotAllowed,
            "{role}"
        );
        assert_eq!(
            scene.refused("cid", grant("dora", role)),
            RejectCode::RoleNotAllowed,
            "{role}"
        );
        assert_eq!(
            scene.refused("eve", grant("eve", role)),
            RejectCode::NotAMember,
            "{role}"
        );
    }
    let mut private = Scene::private();
    assert_eq!(
        private.refused("eve", grant("eve", Role::Coder)),
        RejectCode::RoomNotFound
    );
}

#[test]
fn whoever_is_invited_may_know_and_nothing_more() {
    let mut scene = Scene::private();
    assert!(!scene.room().is_visible_to(&principal("bob")));
    scene.done("ann", grant("bob", Role::Coordinator));
    assert!(scene.room().is_visible_to(&principal("Bob")));
    assert!(!scene.room().is_member(&client("bob")));
    for command in [
        post("hello"),
        make_channel("x"),
        leave(),
        close(),
        remove("ann"),
    ] {
        assert_eq!(scene.refused("bob", command), RejectCode::NotAMember);
    }
}

#[test]
fn a_grant_is_replaced_by_the_next_one() {
    let mut scene = Scene::open();
    scene.done("ann", grant("bob", Role::Reviewer));
    scene.done("ann", grant("BOB", Role::Tester));
    scene.done("bob", join());
    assert_eq!(scene.role("bob"), Some(Role::Tester));
}

#[test]
fn the_only_coordinator_keeps_the_role() {
    let mut scene = Scene::open_with(&["bob"]);
    scene.done("ann", grant("cid", Role::Coordinator));
    for who in ["ann", "root"] {
        assert_eq!(
            scene.refused(who, grant("ann", Role::Coder)),
            RejectCode::Forbidden,
            "{who}"
        );
    }
    scene.done("ann", grant("ann", Role::Coordinator));
    scene.done("ann", grant("bob", Role::Coordinator));
    scene.done("ann", grant("ann", Role::Coder));
    assert_eq!(
        scene.refused("ann", grant("ann", Role::Coordinator)),
        RejectCode::RoleNotAllowed
    );
    assert_eq!(
        scene.refused("bob", grant("bob", Role::Coder)),
        RejectCode::Forbidden
    );
}
