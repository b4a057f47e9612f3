//! Rooms that nobody uses leave memory, and come back as they were.

use std::time::Duration;

use bridge_core::limits;
use bridge_core::{RejectCode, Seq};

use crate::actors::Faults;

use super::harness::{Player, house, room, run, somebody, until};

const SOON: Duration = Duration::from_millis(20);

#[test]
fn an_idle_room_sleeps_and_wakes_as_it_was() {
    run(async {
        let house = house(&[], Faults::default(), SOON);
        house.create("alpha", "ann").await.unwrap();
        house.post("alpha", "ann", "one", Some("k")).await.unwrap();
        until(|| house.bridge.rooms_awake() == 0).await;
        let receipt = house.post("alpha", "ann", "two", None).await.unwrap();
        assert_eq!(receipt.envelopes[0].seq, Seq::new(4));
        let repeat = house.post("alpha", "ann", "one", Some("k")).await.unwrap();
        assert_eq!(
            (repeat.duplicate, repeat.envelopes[0].seq),
            (true, Seq::new(3))
        );
    });
}

#[test]
fn a_room_with_a_session_stays_awake_and_sleeps_after_it() {
    run(async {
        let house = house(&[], Faults::default(), SOON);
        house.create("alpha", "ann").await.unwrap();
        house.create("beta", "bob").await.unwrap();
        let mut ann = Player::connect(&house, "ann").await;
        until(|| house.bridge.rooms_awake() == 1).await;
        house
            .post("alpha", "ann", "still here", None)
            .await
            .unwrap();
        assert_eq!(ann.expect("event").await["seq"], 3);
        drop(ann);
        until(|| house.bridge.rooms_awake() == 0).await;
    });
}

#[test]
fn a_room_that_nobody_has_made_takes_no_memory() {
    run(async {
        let house = house(&[], Faults::default(), Duration::from_secs(60));
        for n in 0..20 {
            let name = room(&format!("no-{n}"));
            let refused = house.bridge.view(&name, somebody("ann")).await.unwrap_err();
            assert_eq!(refused.code(), RejectCode::RoomNotFound);
        }
        until(|| house.bridge.rooms_awake() == 0).await;
    });
}

/// What a snapshot and the tail of the log give is what was there.
#[test]
fn a_long_room_wakes_from_its_snapshot() {
    run(async {
        let house = house(&[], Faults::default(), SOON);
        house.create("alpha", "ann").await.unwrap();
        let posts = limits::SNAPSHOT_EVERY_RECORDS + 7;
        for n in 0..posts {
            house
                .post("alpha", "ann", &n.to_string(), None)
                .await
                .unwrap();
        }
        let before = house
            .bridge
            .view(&room("alpha"), somebody("ann"))
            .await
            .unwrap();
        until(|| house.bridge.rooms_awake() == 0).await;
        let after = house
            .bridge
            .view(&room("alpha"), somebody("ann"))
            .await
            .unwrap();
        assert_eq!(before, after);
        assert_eq!(after.head, Seq::new(posts + 2));
    });
}
