use super::*;
use crate::event::Posted;
use serde_json::json;

fn reply(id: u128, to: u128, at: Option<u64>) -> RoomCommand {
    let reply_to = Some(message(to));
    RoomCommand::Post(Post {
        reply_to,
        reply_seq: at.map(Seq::new),
        ..a_post("yes", id)
    })
}

fn in_channel(name: &str) -> RoomCommand {
    RoomCommand::Post(Post {
        channel: channel(name),
        ..a_post("hello", 1)
    })
}

#[test]
fn a_post_is_kept_as_it_was_sent() {
    let mut scene = Scene::open_with(&["bob"]);
    let metadata = Some(json!({"model": "m-1"}).try_into().unwrap());
    let sent = Post {
        metadata: metadata.clone(),
        ..a_post("@Bob, 見て 🦀", 5)
    };
    let posted = Posted {
        id: message(5),
        channel: ChannelName::main(),
        text: "@Bob, 見て 🦀".parse().unwrap(),
        reply_to: None,
        mentions: vec![client("bob")],
        metadata,
    };
    assert_eq!(
        scene.done("ann", RoomCommand::Post(sent)),
        [Event::Posted(posted)]
    );
    assert_eq!(scene.room().posts(), 1);
}

#[test]
fn only_members_post() {
    let mut scene = Scene::open();
    assert_eq!(scene.refused("eve", post("hello")), RejectCode::NotAMember);
    assert_eq!(scene.refused("root", post("hello")), RejectCode::NotAMember);
    assert_eq!(
        Scene::private().refused("eve", post("hello")),
        RejectCode::RoomNotFound
    );
}

#[test]
fn a_channel_is_written_as_its_maker_wrote_it() {
    let mut scene = Scene::open();
    scene.done("ann", make_channel("Straße-É"));
    for spelling in ["Straße-É", "straße-é", "STRAßE-É"] {
        let events = scene.done("ann", in_channel(spelling));
        let [Event::Posted(posted)] = events.as_slice() else {
            panic!("{events:?}")
        };
        assert_eq!(posted.channel.as_str(), "Straße-É", "{spelling}");
    }
    assert_eq!(
        scene.refused("ann", in_channel("nowhere")),
        RejectCode::ChannelNotFound
    );
}

#[test]
fn the_rooms_own_messages_can_be_answered() {
    let mut scene = Scene::open_with(&["bob"]);
    scene.done("ann", RoomCommand::Post(a_post("hello", 7)));
    let events = scene.done("bob", reply(8, 7, None));
    let [Event::Posted(posted)] = events.as_slice() else {
        panic!("{events:?}")
    };
    assert_eq!(posted.reply_to, Some(message(7)));
}

#[test]
fn an_answer_to_what_the_room_does_not_remember_needs_its_place() {
    let mut scene = Scene::open();
    scene.done("ann", post("hello"));
    let head = scene.room().head().get();
    let unproven = Err(Undecided::LookUp(message(99)));
    let before = scene.room().clone();
    assert_eq!(
        scene.try_by(&principal("ann"), &reply(2, 99, None)),
        unproven
    );
    assert_eq!(
        scene.try_by(&principal("ann"), &reply(2, 99, Some(head + 1))),
        unproven
    );
    assert_eq!(*scene.room(), before);
    scene.done("ann", reply(2, 99, Some(head)));
    scene.done("ann", reply(3, 99, Some(1)));
}

/// What is wrong anyway is refused before anybody looks anything up.
#[test]
fn a_look_up_comes_last() {
    let mut scene = Scene::open();
    assert_eq!(
        scene.refused("eve", reply(2, 99, None)),
        RejectCode::NotAMember
    );
    let mut nowhere = a_post("hello", 2);
    nowhere.reply_to = Some(message(99));
    nowhere.channel = channel("nowhere");
    assert_eq!(
        scene.refused("ann", RoomCommand::Post(nowhere)),
        RejectCode::ChannelNotFound
    );
}

#[test]
fn only_members_are_mentioned_each_once() {
    let mut scene = Scene::open_with(&["bob", "cid"]);
    scene.done("ann", grant("dora", Role::Coder));
    scene.done("cid", leave());
    let events = scene.done(
        "bob",
        post("@ann @ANN @bob @cid @dora @nobody a@ann.example"),
    );
    let [Event::Posted(posted)] = events.as_slice() else {
        panic!("{events:?}")
    };
    assert_eq!(posted.mentions, [client("ann"), client("bob")]);
}
