//! Entering and leaving rooms at awkward moments.

use std::time::Duration;

use bridge_core::RejectCode;
use bridge_core::command::{Grant, Remove, RoomCommand};
use bridge_core::event::Event;
use bridge_core::limits;
use bridge_core::policy::{Policy, Role, Visibility};
use bridge_core::text::Topic;

use super::harness::{House, Player, house, room, run, somebody, until};
use crate::actors::Faults;
use crate::actors::bridge::NewRoom;

const LONG: Duration = Duration::from_secs(60);
const SOON: Duration = Duration::from_millis(20);

async fn join(
    house: &House,
    name: &str,
    by: &str,
    key: Option<&str>,
) -> crate::actors::ticket::Answered {
    let key = key.map(|word| word.parse().expect("a key"));
    house
        .bridge
        .join_room(&room(name), None, None, somebody(by), key)
        .await
}

/// A session that is still being told what it missed enters a room by another way: it is told that
/// room's events too, when it is done.
#[test]
fn a_room_entered_during_a_resume_is_followed() {
    run(async {
        let house = house(&[], Faults::default(), LONG);
        house.create("big", "ann").await.unwrap();
        let posts = limits::OUTBOX_FRAMES_MAX as u64 / 2 + 300;
        for n in 0..posts {
            house
                .post("big", "ann", &n.to_string(), None)
                .await
                .unwrap();
        }
        house.create("late", "bob").await.unwrap();
        let mut ann = Player::resume(&house, "ann", &[("big", 2)]).await;
        join(&house, "late", "ann", None).await.unwrap();
        house.post("late", "bob", "for all", None).await.unwrap();
        for seq in 3..=posts + 2 {
            assert_eq!(ann.expect("event").await["seq"], seq);
        }
        let joined = ann.expect("event").await;
        assert_eq!(
            (&joined["room"], &joined["seq"]),
            (&"late".into(), &3.into())
        );
        assert_eq!(ann.expect("event").await["text"], "for all");
    });
}

/// What happened to a room while it was being entered is not forgotten: out, and in again.
#[test]
fn a_room_left_and_entered_during_a_resume_is_followed() {
    run(async {
        let house = house(&[], Faults::default(), LONG);
        house.create("aa", "bob").await.unwrap();
        join(&house, "aa", "ann", None).await.unwrap();
        house.create("big", "ann").await.unwrap();
        let posts = limits::OUTBOX_FRAMES_MAX as u64 / 2 + 300;
        for n in 0..posts {
            house
                .post("big", "ann", &n.to_string(), None)
                .await
                .unwrap();
        }
        let mut ann = Player::resume(&house, "ann", &[("big", 2)]).await;
        until(|| house.bridge.sessions_total() == 1).await;
        let aa = room("aa");
        let leave = house
            .bridge
            .command(&aa, RoomCommand::Leave, somebody("ann"), None);
        leave.await.unwrap();
        join(&house, "aa", "ann", None).await.unwrap();
        house.post("aa", "bob", "welcome back", None).await.unwrap();
        let mut seen = 2;
        loop {
            let event = ann.expect("event").await;
            if event["room"] == "big" {
                seen += 1;
                assert_eq!(event["seq"], seen);
            } else if event["text"] == "welcome back" {
                break;
            }
        }
    });
}

/// An answer to an old message has to be looked up; what its sender says next waits behind it.
#[test]
fn what_a_client_says_in_order_is_told_in_order() {
    run(async {
        let house = house(&[], Faults::default(), SOON);
        house.create("alpha", "ann").await.unwrap();
        let old = house.post("alpha", "ann", "old", None).await.unwrap();
        let Event::Posted(old) = &old.envelopes[0].event else {
            panic!("a post");
        };
        until(|| house.bridge.rooms_awake() == 0).await;
        let mut ann = Player::connect(&house, "ann").await;
        ann.answer("alpha", "first", Some(old.id), "1").await;
        ann.post("alpha", "second", "2").await;
        assert_eq!(ann.expect("event").await["text"], "first");
        assert_eq!(ann.expect("event").await["text"], "second");
    });
}

/// A receipt is no key to a room: it shows what its holder may see today.
#[test]
fn a_repeated_join_shows_nothing_to_who_was_removed() {
    run(async {
        let house = house(&[], Faults::default(), LONG);
        let new = NewRoom {
            room: Some(room("alpha")),
            topic: Topic::none(),
            password: None,
            policy: Policy {
                visibility: Visibility::Private,
                ..Policy::default()
            },
        };
        house
            .bridge
            .create_room(new, somebody("ann"), None)
            .await
            .unwrap();
        let alpha = room("alpha");
        let command = |command| house.bridge.command(&alpha, command, somebody("ann"), None);
        command(RoomCommand::Grant(Grant {
            client: "bob".parse().unwrap(),
            role: Role::Coder,
        }))
        .await
        .unwrap();
        join(&house, "alpha", "bob", Some("k")).await.unwrap();
        let again = join(&house, "alpha", "bob", Some("k")).await.unwrap();
        assert!(again.duplicate && again.view.unwrap().inside.is_some());
        command(RoomCommand::Remove(Remove {
            client: "bob".parse().unwrap(),
            reason: None,
        }))
        .await
        .unwrap();
        let again = join(&house, "alpha", "bob", Some("k")).await.unwrap_err();
        assert_eq!(again.code(), RejectCode::RoomNotFound);
    });
}

/// A session that goes while it resumes leaves every room: they sleep.
#[test]
fn a_session_that_goes_while_it_resumes_leaves_nobody_behind() {
    run(async {
        let house = house(&[], Faults::default(), SOON);
        house.create("aa", "ann").await.unwrap();
        house.create("big", "ann").await.unwrap();
        for n in 0..limits::OUTBOX_FRAMES_MAX / 2 + 300 {
            house
                .post("big", "ann", &n.to_string(), None)
                .await
                .unwrap();
        }
        let ann = Player::resume(&house, "ann", &[("big", 2)]).await;
        drop(ann);
        until(|| house.bridge.sessions_total() == 0).await;
        until(|| house.bridge.rooms_awake() == 0).await;
    });
}
