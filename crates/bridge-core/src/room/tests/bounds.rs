use super::*;
use crate::limits;
use crate::reject::Reject;

fn full(scene: &mut Scene, who: &str, command: &RoomCommand) -> (&'static str, usize) {
    let before = scene.room().clone();
    let refused = scene.try_by(&principal(who), command);
    assert_eq!(*scene.room(), before);
    match refused {
        Err(Undecided::Refused(Reject::RoomFull { what, max })) => (what, max),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_room_has_so_many_members_and_no_more() {
    let mut scene = Scene::open();
    for n in 1..limits::ROOM_MEMBERS_MAX {
        scene.done(&format!("member-{n}"), join());
    }
    assert_eq!(
        full(&mut scene, "late", &join()),
        ("members", limits::ROOM_MEMBERS_MAX)
    );
    // An invitation holds no place.
    scene.done("ann", grant("late", Role::Coder));
    assert_eq!(
        full(&mut scene, "late", &join()),
        ("members", limits::ROOM_MEMBERS_MAX)
    );
    scene.done("member-7", leave());
    scene.done("late", join());
}

#[test]
fn a_room_has_so_many_grants_and_no_more() {
    let mut scene = Scene::open();
    for n in 0..limits::ROOM_GRANTS_MAX {
        scene.done("ann", grant(&format!("guest-{n}"), Role::Coder));
    }
    let one_more = grant("late", Role::Coder);
    assert_eq!(
        full(&mut scene, "ann", &one_more),
        ("grants", limits::ROOM_GRANTS_MAX)
    );
    scene.done("ann", grant("guest-7", Role::Tester));
    scene.done("ann", remove("guest-7"));
    scene.done("ann", one_more);
}

#[test]
fn a_room_has_so_many_channels_and_no_more() {
    let mut scene = Scene::open();
    for n in 1..limits::ROOM_CHANNELS_MAX {
        scene.done("ann", make_channel(&format!("channel-{n}")));
    }
    let one_more = make_channel("late");
    assert_eq!(
        full(&mut scene, "ann", &one_more),
        ("channels", limits::ROOM_CHANNELS_MAX)
    );
    assert_eq!(
        scene.refused("ann", make_channel("CHANNEL-7")),
        RejectCode::ChannelExists
    );
}

#[test]
fn a_message_mentions_so_many_and_no_more() {
    let names: Vec<_> = (0..=limits::MENTIONS_MAX)
        .map(|n| format!("member-{n}"))
        .collect();
    let mut scene = Scene::open_with(&names.iter().map(String::as_str).collect::<Vec<_>>());
    let everybody: String = names.iter().map(|name| format!("@{name} ")).collect();
    let events = scene.done("ann", post(&everybody));
    let [Event::Posted(posted)] = events.as_slice() else {
        panic!("{events:?}")
    };
    assert_eq!(posted.mentions.len(), limits::MENTIONS_MAX);
}

#[test]
fn a_room_remembers_so_many_messages_and_no_more() {
    let mut scene = Scene::open();
    let last = limits::RECENT_MESSAGES_MAX as u128;
    for n in 0..=last {
        scene.done("ann", RoomCommand::Post(a_post("hello", n)));
    }
    let answer = |to: u128| {
        RoomCommand::Post(Post {
            reply_to: Some(message(to)),
            ..a_post("yes", 1_000_000 + to)
        })
    };
    let forgotten = scene.try_by(&principal("ann"), &answer(0));
    assert_eq!(forgotten, Err(Undecided::LookUp(message(0))));
    scene.done("ann", answer(last));
    scene.done("ann", answer(2));
}
