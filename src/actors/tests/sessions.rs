//! Sessions whose code panics.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bridge_core::Timestamp;
use bytes::Bytes;
use futures_util::StreamExt;

use super::harness::{House, Player, house, run, somebody, until};
use crate::actors::Faults;
use crate::actors::{Connection, Inbound, Place, open};

/// Bob's session panics when it has stopped.
fn panics_at_its_end(place: &Place<'_>) {
    let place = (place.actor, place.who, place.handler);
    assert_ne!(place, ("session", "bob", "stopped"), "injected");
}

fn fragile() -> House {
    let hooks = Faults {
        at: Some(panics_at_its_end),
        ..Faults::default()
    };
    house(&[], hooks, Duration::from_secs(60))
}

/// The first thing that the client says makes the session panic; the end of the session panics,
/// too, while the first panic is on its way up. A panic that got out there would abort the process.
#[test]
fn a_session_that_panics_twice_ends_alone_and_leaves_nothing_behind() {
    run(async {
        let house = fragile();
        house.create("alpha", "ann").await.unwrap();
        let (say, mut said) = tokio::sync::mpsc::channel::<()>(1);
        let hung_up = Arc::<AtomicBool>::default();
        let ups = Arc::clone(&hung_up);
        let connection = Connection {
            principal: somebody("bob"),
            expires_at: Timestamp::from_millis(i64::MAX),
            hang_up: Box::new(move || ups.store(true, Ordering::SeqCst)),
        };
        let mut body = open(&house.bridge, connection, |_| {
            futures_util::stream::poll_fn(move |cx| {
                said.poll_recv(cx).map(|heard| -> Option<Inbound> {
                    heard.expect("the test says something");
                    panic!("injected")
                })
            })
        });
        until(|| house.bridge.sessions_total() == 1).await;
        say.send(()).await.expect("it listens");
        // Its client is told, though nothing is left of its actor.
        let mut told = Vec::<Bytes>::new();
        while let Some(Ok(chunk)) = body.next().await {
            told.push(chunk);
        }
        let told = String::from_utf8_lossy(&told.concat()).into_owned();
        assert!(told.contains("\"code\":4003"), "{told}");
        until(|| house.bridge.sessions_total() == 0).await;
        until(|| hung_up.load(Ordering::SeqCst)).await;
        // Neighbours do not notice.
        let mut ann = Player::connect(&house, "ann").await;
        ann.post("alpha", "fine", "1").await;
        assert_eq!(ann.expect("event").await["ref"], "1");
    });
}
