//! What somebody with bad intentions tries, one attempt a line. Each is refused with its own
//! code, and `Scene::refused_by` sees to it that the room has not changed.

use super::*;
use RejectCode::{
    AlreadyAMember, ChannelNotFound, Forbidden, NotAMember, RoleNotAllowed, RoomExists,
    RoomNotFound, ScopeMissing, WrongPassword,
};

fn attempts(scene: &mut Scene, table: Vec<(Principal, RoomCommand, RejectCode)>) {
    for (by, command, code) in table {
        let case = format!("{} ({}): {command:?}", by.client(), by.scopes());
        assert_eq!(scene.refused_by(&by, &command), code, "{case}");
    }
}

fn founding() -> RoomCommand {
    create(Policy::default(), None)
}

#[test]
fn a_stranger_at_a_private_room_learns_nothing() {
    let mut scene = Scene::private();
    scene.done("ann", grant("bob", Role::Coder));
    scene.done("ann", RoomCommand::Post(a_post("a secret", 7)));
    let guess = RoomCommand::Post(Post {
        reply_to: Some(message(7)),
        ..a_post("what?", 8)
    });
    let eve = || principal("eve");
    let table = vec![
        (eve(), join(), RoomNotFound),
        (eve(), join_as(Role::Coordinator), RoomNotFound),
        (eve(), join_with(knows("secret")), RoomNotFound),
        (eve(), leave(), RoomNotFound),
        (eve(), close(), RoomNotFound),
        (eve(), grant("eve", Role::Coordinator), RoomNotFound),
        (eve(), remove("ann"), RoomNotFound),
        (eve(), remove("nobody"), RoomNotFound),
        (eve(), make_channel("main"), RoomNotFound),
        (eve(), make_channel("new"), RoomNotFound),
        (eve(), post("hello"), RoomNotFound),
        (eve(), guess, RoomNotFound),
        // Ids are given once, so this much cannot be hidden.
        (eve(), founding(), RoomExists),
    ];
    attempts(&mut scene, table);
}

#[test]
fn a_stranger_at_a_listed_room_stays_outside() {
    let mut scene = Scene::listed();
    let eve = || principal("eve");
    let table = vec![
        (eve(), join(), WrongPassword),
        (eve(), join_with(PasswordProof::Wrong), WrongPassword),
        (eve(), join_with(knows("")), WrongPassword),
        (eve(), join_with(knows("SECRET")), WrongPassword),
        (eve(), join_as(Role::Coordinator), WrongPassword),
        (eve(), grant("eve", Role::Participant), NotAMember),
        (eve(), remove("ann"), NotAMember),
        (eve(), make_channel("new"), NotAMember),
        (eve(), post("hello"), NotAMember),
        (eve(), close(), NotAMember),
        (eve(), leave(), NotAMember),
        (eve(), founding(), RoomExists),
    ];
    attempts(&mut scene, table);
}

#[test]
fn a_member_does_not_rise_by_itself() {
    let mut scene = Scene::open_with(&["eve"]);
    let eve = || principal("eve");
    let elsewhere = RoomCommand::Post(Post {
        channel: channel("MAIN\u{307}"),
        ..a_post("x", 2)
    });
    let table = vec![
        (eve(), grant("eve", Role::Coordinator), RoleNotAllowed),
        (eve(), grant("EVE", Role::Reviewer), RoleNotAllowed),
        (eve(), grant("mallory", Role::Participant), RoleNotAllowed),
        (eve(), grant("ann", Role::Participant), RoleNotAllowed),
        (eve(), remove("ann"), Forbidden),
        (eve(), close(), Forbidden),
        (eve(), join_as(Role::Coordinator), AlreadyAMember),
        (principal("EVE"), join_as(Role::Coordinator), AlreadyAMember),
        (eve(), founding(), RoomExists),
        (eve(), elsewhere, ChannelNotFound),
    ];
    attempts(&mut scene, table);
    assert_eq!(scene.role("eve"), Some(Role::Participant));
}

/// The scope is looked at first: a token that may not come here is told nothing about the room.
#[test]
fn a_token_does_not_reach_beyond_its_scopes() {
    let mut scene = Scene::open();
    let commands = [
        founding(),
        join(),
        leave(),
        close(),
        grant("eve", Role::Coordinator),
        remove("ann"),
        make_channel("new"),
        post("hello"),
    ];
    for scopes in [
        "",
        "message",
        "admin",
        "room:beta",
        "room room:beta",
        "room room:beta admin",
    ] {
        let table = commands.iter().flat_map(|command| {
            ["eve", "ann"].map(|who| (scoped(who, scopes), command.clone(), ScopeMissing))
        });
        attempts(&mut scene, table.collect());
    }
}

/// A token that names this room is good for it, and its `admin` is not: it was meant for one room.
#[test]
fn a_token_for_one_room_administers_nothing() {
    let mut scene = Scene::open();
    let eve = || scoped("eve", "room:ALPHA admin");
    let table = vec![
        (eve(), close(), NotAMember),
        (eve(), grant("eve", Role::Coordinator), NotAMember),
        (eve(), remove("ann"), NotAMember),
    ];
    attempts(&mut scene, table);
    scene.try_by(&eve(), &join()).unwrap();
    assert_eq!(scene.refused_by(&eve(), &close()), Forbidden);
    assert_eq!(
        scene.refused_by(&eve(), &grant("eve", Role::Reviewer)),
        RoleNotAllowed
    );
}

/// Removed and back again, but not as what she was.
#[test]
fn whoever_was_removed_has_no_power_left() {
    let mut scene = Scene::open_with(&["eve"]);
    scene.done("ann", grant("eve", Role::Coordinator));
    scene.done("ann", remove("eve"));
    let eve = || principal("eve");
    let outside = vec![
        (eve(), post("hello"), NotAMember),
        (eve(), grant("eve", Role::Coordinator), NotAMember),
        (eve(), close(), NotAMember),
    ];
    attempts(&mut scene, outside);
    scene.done("eve", join_as(Role::Coordinator));
    let inside = vec![
        (eve(), grant("eve", Role::Coordinator), RoleNotAllowed),
        (eve(), remove("ann"), Forbidden),
        (eve(), close(), Forbidden),
    ];
    attempts(&mut scene, inside);
}
