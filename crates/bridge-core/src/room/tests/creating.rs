use super::*;
use crate::event::{MemberJoined, RoomCreated};
use crate::policy::VoteWeight;
use crate::room::Life;

#[test]
fn the_creator_is_first_member_and_coordinator() {
    let mut scene = Scene::vacant();
    let events = scene.done("Ann", create(Policy::default(), None));
    let created = RoomCreated {
        topic: topic("a topic"),
        policy: Policy::default(),
        password: None,
    };
    let joined = MemberJoined {
        client: client("ann"),
        role: Role::Coordinator,
        weight: VoteWeight::from_milli(2_000),
        requested_role: None,
    };
    assert_eq!(
        events,
        [Event::RoomCreated(created), Event::MemberJoined(joined)]
    );
    let room = scene.room();
    assert_eq!((room.life(), room.head().get()), (Life::Open, 2));
    assert_eq!(room.created_by(), Some(&client("ann")));
    assert_eq!(room.created_at(), scene.log[0].at);
    assert_eq!(room.member_since(&client("ann")), Some(Seq::new(2)));
    let channels: Vec<_> = room.channels().map(|c| c.name.as_str()).collect();
    assert_eq!(channels, ["main"]);
}

#[test]
fn the_creators_weight_is_the_policys() {
    let mut policy = Policy::default();
    policy.weights.coordinator = VoteWeight::from_milli(3_333);
    let scene = Scene::of(policy, None);
    assert_eq!(
        scene.room().members()[&client("ann")].weight,
        VoteWeight::from_milli(3_333)
    );
}

#[test]
fn a_password_makes_an_open_room_listed_and_no_room_more_visible() {
    let table = [
        (Visibility::Open, None, Visibility::Open),
        (Visibility::Listed, None, Visibility::Listed),
        (Visibility::Private, None, Visibility::Private),
        (Visibility::Open, Some("secret"), Visibility::Listed),
        (Visibility::Listed, Some("secret"), Visibility::Listed),
        (Visibility::Private, Some("secret"), Visibility::Private),
    ];
    for (asked, password, made) in table {
        let scene = Scene::of(
            Policy {
                visibility: asked,
                ..Policy::default()
            },
            password,
        );
        assert_eq!(
            scene.room().policy().visibility,
            made,
            "{asked:?} {password:?}"
        );
        assert_eq!(
            scene.room().password(),
            password.map(PasswordHash::new).as_ref()
        );
    }
}

#[test]
fn a_room_is_made_once() {
    let mut scene = Scene::open();
    assert_eq!(
        scene.refused("bob", create(Policy::default(), None)),
        RejectCode::RoomExists
    );
    assert_eq!(
        scene.refused("ann", create(Policy::default(), None)),
        RejectCode::RoomExists
    );
    scene.done("ann", close());
    assert_eq!(
        scene.refused("ann", create(Policy::default(), None)),
        RejectCode::RoomExists
    );
}

#[test]
fn another_spelling_is_the_same_room_and_the_creators_is_kept() {
    let mut scene = Scene::vacant();
    scene.ledger = Ledger::new(Room::vacant(room("aLPHA")));
    scene.done("ann", create(Policy::default(), None));
    assert_eq!(scene.room().id().as_str(), "Alpha");
    scene.done("bob", join());
    assert!(
        scene
            .log
            .iter()
            .all(|envelope| envelope.stream.to_string() == "room:Alpha")
    );
    let other = CreateRoom {
        room: room("ALPHA"),
        topic: topic(""),
        policy: Policy::default(),
        password: None,
    };
    assert_eq!(
        scene.refused("bob", RoomCommand::Create(other)),
        RejectCode::RoomExists
    );
}

#[test]
fn nothing_else_can_be_done_to_a_room_that_nobody_has_made() {
    let mut scene = Scene::vacant();
    let commands = [
        join(),
        leave(),
        close(),
        grant("bob", Role::Coder),
        remove("bob"),
        make_channel("design"),
        post("hello"),
    ];
    for command in commands {
        for who in ["ann", "root"] {
            let name = command.name();
            assert_eq!(
                scene.refused(who, command.clone()),
                RejectCode::RoomNotFound,
                "{name}"
            );
        }
    }
    assert_eq!(scene.room().life(), Life::Vacant);
}
