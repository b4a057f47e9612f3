//! What a cursor is worth.

use serde_json::json;

use super::{cursor, seqs};
use crate::support::TestServer;

const OTHER_EPOCH: &str = "ep_01890000000070008000000000000000";

#[tokio::test]
async fn a_cursor_gets_what_was_missed_and_then_the_news() {
    let server = TestServer::start();
    let mut ann = server.session("ann").await;
    ann.create(json!({"room": "den"})).await;
    let mut bob = server.open("bob").await;
    let epoch = bob.hello().await["epoch"].clone();
    bob.join("den").await;
    ann.post("den", "seen").await;
    bob.up_to("den", 4).await;
    bob.close().await;
    for number in 0..10 {
        ann.post("den", &format!("missed {number}")).await;
    }
    let mut bob = server.open("bob").await;
    let welcome = bob.resume(cursor(&epoch, "den", 4)).await;
    let promised = json!({"den": {"from": 4, "to": 14, "complete": true}});
    assert_eq!(welcome["resumed"], promised);
    ann.post("den", "live").await;
    bob.up_to("den", 15).await;
    assert_eq!(seqs(&bob.events("den")), (5..=15).collect::<Vec<_>>());
    assert_eq!(bob.events("den"), server.rest("bob").events("den", 4).await);
    // A cursor at the head gets nothing, and says so.
    let mut bob = server.open("bob").await;
    let welcome = bob.resume(cursor(&epoch, "den", 15)).await;
    assert_eq!(
        welcome["resumed"]["den"],
        json!({"from": 15, "to": 15, "complete": true})
    );
    assert!(bob.settled().await.is_empty());
}

#[tokio::test]
async fn cursors_survive_a_restart() {
    let server = TestServer::start();
    let mut ann = server.open("ann").await;
    let epoch = ann.hello().await["epoch"].clone();
    ann.create(json!({"room": "Den"})).await;
    for number in 0..5 {
        ann.post("den", &format!("{number}")).await;
    }
    let truth = server.rest("ann").events("den", 0).await;
    drop(ann);
    let server = server.restart();
    let mut ann = server.open("ann").await;
    let welcome = ann.resume(cursor(&epoch, "DEN", 3)).await;
    assert_eq!(welcome["epoch"], epoch);
    assert_eq!(
        welcome["resumed"],
        json!({"Den": {"from": 3, "to": 7, "complete": true}})
    );
    assert_eq!(ann.post("den", "after").await["seq"], 8);
    assert_eq!(ann.events("Den")[..4], truth[3..]);
}

#[tokio::test]
async fn a_cursor_of_another_life_of_the_log_is_not_complete() {
    let server = TestServer::start();
    let mut ann = server.session("ann").await;
    ann.create(json!({"room": "den"})).await;
    let mut ws = server.open("ann").await;
    let welcome = ws.resume(cursor(&json!(OTHER_EPOCH), "den", 1)).await;
    assert_eq!(welcome["resumed"]["den"]["complete"], false);
    assert_ne!(welcome["epoch"], OTHER_EPOCH);
    let from = welcome["resumed"]["den"]["from"].as_u64().expect("a seq");
    ann.post("den", "news").await;
    ws.up_to("den", 3).await;
    assert_eq!(
        seqs(&ws.events("den")),
        (from + 1..=3).collect::<Vec<_>>(),
        "as it says"
    );
}

#[tokio::test]
async fn a_cursor_ahead_of_the_log_is_not_complete() {
    let server = TestServer::start();
    let mut ann = server.session("ann").await;
    ann.create(json!({"room": "den"})).await;
    for ahead in [3, 1_000, u64::MAX / 2] {
        let mut ws = server.open("ann").await;
        let welcome = ws.resume(json!({"rooms": {"den": ahead}})).await;
        assert_eq!(welcome["resumed"]["den"]["complete"], false, "{ahead}");
        let from = welcome["resumed"]["den"]["from"].as_u64().expect("a seq");
        assert!(from <= 2, "{welcome}");
        ws.settled().await;
        assert_eq!(seqs(&ws.events("den")), (from + 1..=2).collect::<Vec<_>>());
        ws.close().await;
    }
}

#[tokio::test]
async fn a_room_that_is_lost_is_told_and_its_events_are_not() {
    let server = TestServer::start();
    let mut ann = server.session("ann").await;
    let mut bob = server.session("bob").await;
    ann.create(json!({"room": "den"})).await;
    bob.join("den").await;
    bob.close().await;
    ann.done(json!({"type": "remove", "room": "den", "client": "bob"}))
        .await;
    ann.post("den", "secret").await;
    let mut bob = server.open("bob").await;
    let welcome = bob.resume(json!({"rooms": {"den": 3, "nowhere": 7}})).await;
    assert_eq!(
        welcome["resumed"]["den"],
        json!({"from": 3, "to": 3, "complete": false, "reason": "not_a_member"})
    );
    assert_eq!(
        welcome["resumed"]["nowhere"],
        json!({"from": 7, "to": 7, "complete": false, "reason": "not_a_member"})
    );
    assert!(bob.settled().await.is_empty());
}

#[tokio::test]
async fn rooms_are_resumed_each_from_its_own_cursor() {
    let server = TestServer::start();
    let mut ann = server.session("ann").await;
    for number in 0..30 {
        let room = format!("room-{number}");
        ann.create(json!({"room": room})).await;
        for _ in 0..number {
            ann.post(&room, "x").await;
        }
    }
    let mut cursors = serde_json::Map::new();
    for number in (0..30).step_by(2) {
        cursors.insert(format!("room-{number}"), json!(number));
    }
    let mut ws = server.open("ann").await;
    let welcome = ws.resume(json!({"rooms": cursors})).await;
    ws.settled().await;
    for number in 0..30 {
        let room = format!("room-{number}");
        let head = number + 2;
        let from = if number % 2 == 0 { number } else { head };
        let promised = json!({"from": from, "to": head, "complete": true});
        assert_eq!(welcome["resumed"][&room], promised, "{room}");
        assert_eq!(
            seqs(&ws.events(&room)),
            (from + 1..=head).collect::<Vec<_>>()
        );
    }
}
