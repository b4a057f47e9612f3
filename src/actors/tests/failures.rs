//! A room whose code panics, and a log that fails.

use std::time::Duration;

use bridge_core::command::RoomCommand;
use bridge_core::event::{Event, Stream};
use bridge_core::fake::Fault;
use bridge_core::ports::Reader;
use bridge_core::{RejectCode, Seq, limits};

use crate::actors::Faults;

use super::harness::{House, Player, house, room, run};

/// Posting "panic" makes the room's code panic.
fn panics_on_demand(command: &RoomCommand) {
    if let RoomCommand::Post(post) = command {
        assert_ne!(&*post.text, "panic", "injected");
    }
}

/// Telling "panic when told" makes the readers' side of the room panic.
fn panics_when_told(event: &Event) {
    if let Event::Posted(posted) = event {
        assert_ne!(&*posted.text, "panic when told", "injected");
    }
}

fn fragile() -> House {
    let hooks = Faults {
        on_mailbox_command: None,
        on_command: Some(panics_on_demand),
        on_event: Some(panics_when_told),
        at: None,
    };
    house(&[], hooks, Duration::from_secs(60))
}

fn code(answered: &crate::actors::ticket::Answered) -> Option<RejectCode> {
    answered.as_ref().err().map(bridge_core::Reject::code)
}

#[test]
fn a_panic_is_answered_and_the_room_is_read_again() {
    run(async {
        let house = fragile();
        house.create("alpha", "ann").await.unwrap();
        let mut ann = Player::connect(&house, "ann").await;
        house.post("alpha", "ann", "before", None).await.unwrap();
        assert_eq!(ann.expect("event").await["seq"], 3);
        let answered = house.post("alpha", "ann", "panic", None).await;
        assert_eq!(code(&answered), Some(RejectCode::Retry), "before the log");
        house.post("alpha", "ann", "after", None).await.unwrap();
        let after = ann.expect("event").await;
        assert_eq!(
            (&after["seq"], &after["text"]),
            (&4.into(), &"after".into())
        );
    });
}

#[test]
fn a_panic_over_a_websocket_is_answered_with_the_ref() {
    run(async {
        let house = fragile();
        house.create("alpha", "ann").await.unwrap();
        let mut ann = Player::connect(&house, "ann").await;
        ann.post("alpha", "panic", "7").await;
        let rejected = ann.expect("rejected").await;
        assert_eq!(
            (&rejected["ref"], &rejected["code"]),
            (&"7".into(), &"retry".into())
        );
        ann.post("alpha", "fine", "8").await;
        let event = ann.expect("event").await;
        assert_eq!((&event["ref"], &event["seq"]), (&"8".into(), &3.into()));
    });
}

#[test]
fn neighbours_do_not_notice() {
    run(async {
        let house = fragile();
        house.create("alpha", "ann").await.unwrap();
        house.create("beta", "ann").await.unwrap();
        house.post("alpha", "ann", "panic", None).await.unwrap_err();
        house.post("beta", "ann", "fine", None).await.unwrap();
    });
}

#[test]
fn a_room_that_keeps_failing_is_quarantined_and_the_others_go_on() {
    run(async {
        let house = fragile();
        house.create("alpha", "ann").await.unwrap();
        house.create("beta", "ann").await.unwrap();
        for _ in 0..=limits::RESTARTS_MAX {
            house.post("alpha", "ann", "panic", None).await.unwrap_err();
        }
        let answered = house.post("alpha", "ann", "fine", None).await;
        assert_eq!(code(&answered), Some(RejectCode::RoomQuarantined));
        assert_eq!(house.bridge.rooms_quarantined(), 1);
        house.post("beta", "ann", "fine", None).await.unwrap();
    });
}

#[test]
fn a_full_disk_refuses_and_recovers_by_itself() {
    run(async {
        let faults = [Fault::None, Fault::Full];
        let house = house(&faults, Faults::default(), Duration::from_secs(60));
        house.create("alpha", "ann").await.unwrap();
        let answered = house.post("alpha", "ann", "no room", None).await;
        assert_eq!(code(&answered), Some(RejectCode::StorageFull));
        let receipt = house.post("alpha", "ann", "room", None).await.unwrap();
        assert_eq!(receipt.envelopes[0].seq, Seq::new(3));
    });
}

/// The batch was committed, and nobody knows: the sender is told so, readers get the record once
/// when the room has been read again, and the repeat finds the original.
#[test]
fn an_unknown_outcome_is_said_and_resolved() {
    run(async {
        let faults = [Fault::None, Fault::CommitUnknown];
        let house = house(&faults, Faults::default(), Duration::from_secs(60));
        house.create("alpha", "ann").await.unwrap();
        let mut ann = Player::connect(&house, "ann").await;
        let answered = house.post("alpha", "ann", "perhaps", Some("k")).await;
        assert_eq!(code(&answered), Some(RejectCode::OutcomeUnknown));
        let event = ann.expect("event").await;
        assert_eq!(
            (&event["seq"], &event["text"]),
            (&3.into(), &"perhaps".into())
        );
        let receipt = house
            .post("alpha", "ann", "perhaps", Some("k"))
            .await
            .unwrap();
        assert_eq!(
            (receipt.duplicate, receipt.envelopes[0].seq),
            (true, Seq::new(3))
        );
        house.post("alpha", "ann", "next", None).await.unwrap();
        assert_eq!(ann.expect("event").await["seq"], 4);
        let head = house.store.head(&Stream::Room(room("alpha")));
        assert_eq!(head, Ok(Seq::new(4)));
    });
}

/// The record is durable, and telling it fails: its sender does not know, its readers are sent away
/// with their cursors, and nothing of it is lost.
#[test]
fn a_panic_while_telling_ends_the_sessions_and_loses_nothing() {
    run(async {
        let house = fragile();
        house.create("alpha", "ann").await.unwrap();
        let mut ann = Player::connect(&house, "ann").await;
        let answered = house
            .post("alpha", "ann", "panic when told", Some("k"))
            .await;
        assert_eq!(code(&answered), Some(RejectCode::OutcomeUnknown));
        let bye = ann.expect("bye").await;
        assert_eq!(
            (&bye["code"], &bye["reconnect"]),
            (&4003.into(), &true.into())
        );
        let repeat = house.post("alpha", "ann", "panic when told", Some("k"));
        let receipt = repeat.await.unwrap();
        assert_eq!(
            (receipt.duplicate, receipt.envelopes[0].seq),
            (true, Seq::new(3))
        );
        let mut again = Player::connect(&house, "ann").await;
        house.post("alpha", "ann", "after", None).await.unwrap();
        assert_eq!(again.expect("event").await["seq"], 4);
    });
}
