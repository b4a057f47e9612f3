use super::*;
use crate::event::RoomClosed;
use crate::room::Life;

#[test]
fn coordinators_and_administrators_close() {
    for who in ["ann", "root"] {
        let mut scene = Scene::open_with(&["bob"]);
        let reason = Some("done".parse().unwrap());
        let events = scene.done(
            who,
            RoomCommand::Close(Close {
                reason: reason.clone(),
            }),
        );
        assert_eq!(events, [Event::RoomClosed(RoomClosed { reason })], "{who}");
        assert_eq!(scene.room().life(), Life::Closed);
        assert_eq!(scene.room().closed_at(), Some(scene.log[3].at));
        assert!(
            scene.room().is_member(&client("bob")),
            "members may still read"
        );
    }
}

#[test]
fn nobody_else_closes() {
    let mut scene = Scene::open_with(&["bob"]);
    assert_eq!(scene.refused("bob", close()), RejectCode::Forbidden);
    assert_eq!(scene.refused("eve", close()), RejectCode::NotAMember);
    assert_eq!(
        Scene::private().refused("eve", close()),
        RejectCode::RoomNotFound
    );
}

#[test]
fn a_closed_room_takes_nothing_but_leaving() {
    let commands = [
        join(),
        close(),
        grant("bob", Role::Coder),
        remove("bob"),
        make_channel("design"),
        post("hello"),
    ];
    let mut scene = Scene::open_with(&["bob"]);
    scene.done("ann", close());
    for command in &commands {
        for who in ["ann", "bob", "eve", "root"] {
            let code = scene.refused(who, command.clone());
            assert_eq!(code, RejectCode::RoomClosed, "{who} {}", command.name());
        }
    }
    let mut private = Scene::private();
    private.done("ann", close());
    for command in commands {
        let code = private.refused("eve", command.clone());
        assert_eq!(code, RejectCode::RoomNotFound, "{}", command.name());
    }
}
