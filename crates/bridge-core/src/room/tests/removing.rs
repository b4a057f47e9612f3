use super::*;
use crate::event::MemberRemoved;
use crate::reject::Reject;

#[test]
fn a_member_is_removed_with_the_reason() {
    let mut scene = Scene::open_with(&["bob"]);
    let reason = Some("spam".parse().unwrap());
    let command = RoomCommand::Remove(Remove {
        client: client("Bob"),
        reason: reason.clone(),
    });
    let events = scene.done("ann", command);
    assert_eq!(
        events,
        [Event::MemberRemoved(MemberRemoved {
            client: client("bob"),
            reason
        })]
    );
    assert_eq!(scene.refused("bob", post("but I")), RejectCode::NotAMember);
    assert_eq!(scene.refused("ann", remove("bob")), RejectCode::NotAMember);
}

#[test]
fn an_invitation_is_taken_back() {
    let mut scene = Scene::private();
    scene.done("ann", grant("bob", Role::Coder));
    scene.done("ann", remove("bob"));
    assert_eq!(scene.refused("bob", join()), RejectCode::RoomNotFound);
}

#[test]
fn whoever_was_removed_has_lost_the_grant() {
    let mut scene = Scene::open_with(&["bob"]);
    scene.done("ann", grant("bob", Role::Reviewer));
    scene.done("ann", remove("bob"));
    scene.done("bob", join_as(Role::Reviewer));
    assert_eq!(scene.role("bob"), Some(Role::Participant));
    assert_eq!(scene.requested("bob"), Some(Role::Reviewer));
}

#[test]
fn nobody_is_removed_who_is_not_there() {
    let mut scene = Scene::open();
    let removed = scene.try_by(&principal("ann"), &remove("bob"));
    let reject = Reject::NoSuchMember {
        room: room("alpha"),
        client: client("bob"),
    };
    assert_eq!(removed, Err(Undecided::Refused(reject)));
}

#[test]
fn only_coordinators_and_administrators_remove() {
    let mut scene = Scene::open_with(&["bob", "cid"]);
    assert_eq!(scene.refused("bob", remove("cid")), RejectCode::Forbidden);
    assert_eq!(scene.refused("bob", remove("bob")), RejectCode::Forbidden);
    // Not even whether somebody is a member is a stranger's to ask.
    assert_eq!(scene.refused("eve", remove("cid")), RejectCode::NotAMember);
    scene.done("root", remove("cid"));
}

#[test]
fn a_removed_coordinator_is_succeeded() {
    let mut scene = Scene::open_with(&["bob", "abe"]);
    let events = scene.done("root", remove("ann"));
    assert_eq!(kinds(&events), ["member_removed", "role_granted"]);
    assert_eq!(scene.role("bob"), Some(Role::Coordinator));
    scene.done("bob", remove("bob"));
    assert_eq!(
        scene.role("abe"),
        Some(Role::Coordinator),
        "a coordinator may remove itself"
    );
}
