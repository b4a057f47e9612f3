use super::*;
use crate::event::{MemberLeft, RoleGranted};
use crate::policy::VoteWeight;
use crate::room::Life;

#[test]
fn a_member_leaves_once() {
    let mut scene = Scene::open_with(&["bob"]);
    let events = scene.done("bob", leave());
    assert_eq!(
        events,
        [Event::MemberLeft(MemberLeft {
            client: client("bob")
        })]
    );
    assert_eq!(scene.refused("bob", leave()), RejectCode::NotAMember);
    assert_eq!(scene.refused("stranger", leave()), RejectCode::NotAMember);
}

#[test]
fn the_last_coordinator_is_succeeded_by_the_longest_standing_member() {
    // By name, the first of them would be another.
    let mut scene = Scene::open_with(&["zoe", "bob", "abe"]);
    let events = scene.done("ann", leave());
    let granted = RoleGranted {
        client: client("zoe"),
        role: Role::Coordinator,
        weight: VoteWeight::from_milli(2_000),
    };
    let left = MemberLeft {
        client: client("ann"),
    };
    assert_eq!(
        events,
        [Event::MemberLeft(left), Event::RoleGranted(granted)]
    );
    assert_eq!(scene.role("zoe"), Some(Role::Coordinator));
    assert_eq!(scene.role("bob"), Some(Role::Participant));
    scene.done("zoe", leave());
    assert_eq!(scene.role("bob"), Some(Role::Coordinator));
}

#[test]
fn standing_counts_from_the_last_return() {
    let mut scene = Scene::open_with(&["bob", "cid"]);
    scene.done("bob", leave());
    scene.done("bob", join());
    scene.done("ann", leave());
    assert_eq!(scene.role("cid"), Some(Role::Coordinator));
}

#[test]
fn nobody_succeeds_while_another_coordinator_stays() {
    let mut scene = Scene::open_with(&["bob", "cid"]);
    scene.done("ann", grant("cid", Role::Coordinator));
    assert_eq!(kinds(&scene.done("ann", leave())), ["member_left"]);
    assert_eq!(scene.role("bob"), Some(Role::Participant));
}

#[test]
fn nobody_succeeds_a_plain_member() {
    let mut scene = Scene::open_with(&["bob", "cid"]);
    assert_eq!(kinds(&scene.done("bob", leave())), ["member_left"]);
}

#[test]
fn a_coordinator_who_is_only_invited_leads_nothing() {
    let mut scene = Scene::open_with(&["bob"]);
    scene.done("ann", grant("cid", Role::Coordinator));
    scene.done("ann", leave());
    assert_eq!(scene.role("bob"), Some(Role::Coordinator));
}

#[test]
fn the_last_member_leaves_an_empty_room_behind() {
    let mut scene = Scene::open();
    assert_eq!(kinds(&scene.done("ann", leave())), ["member_left"]);
    assert!(scene.room().members().is_empty());
    assert_eq!(scene.room().life(), Life::Open);
    scene.done("bob", join());
    assert_eq!(
        scene.role("bob"),
        Some(Role::Participant),
        "an empty room is nobody's to inherit"
    );
    scene.done("root", grant("bob", Role::Coordinator));
    assert_eq!(scene.role("bob"), Some(Role::Coordinator));
}

#[test]
fn a_closed_room_can_be_left() {
    let mut scene = Scene::open_with(&["bob"]);
    scene.done("ann", close());
    scene.done("ann", leave());
    scene.done("bob", leave());
    assert_eq!(scene.refused("bob", leave()), RejectCode::NotAMember);
    assert_eq!(scene.room().life(), Life::Closed);
}
