//! Thousands of events behind, and the others go on.

use serde_json::json;

use super::seqs;
use crate::support::TestServer;

const MISSED: u64 = 3_000;
const MEANWHILE: u64 = 500;

#[tokio::test]
async fn a_reader_that_is_far_behind_gets_everything_once() {
    let server = TestServer::start();
    let mut ann = server.session("ann").await;
    ann.create(json!({"room": "den"})).await;
    for number in 0..MISSED {
        ann.send(json!({"type": "post", "room": "den", "text": format!("{number}")}))
            .await;
    }
    ann.up_to("den", 2 + MISSED).await;
    let head = 2 + MISSED + MEANWHILE;
    let mut behind = server.open("ann").await;
    let read = async {
        let welcome = behind.resume(json!({"rooms": {"den": 0}})).await;
        assert_eq!(welcome["resumed"]["den"]["complete"], true);
        behind.up_to("den", head).await;
    };
    let write = async {
        for number in 0..MEANWHILE {
            ann.post("den", &format!("meanwhile {number}")).await;
        }
    };
    tokio::join!(read, write);
    assert_eq!(seqs(&behind.events("den")), (1..=head).collect::<Vec<_>>());
    assert_eq!(
        behind.events("den"),
        server.rest("ann").events("den", 0).await
    );
}

/// A room that sleeps is woken by whoever asks, and has forgotten nothing.
#[tokio::test]
async fn a_room_that_slept_is_resumed_like_any_other() {
    let server = TestServer::with("[rooms]\nidle_seconds = 1\n");
    let mut ann = server.session("ann").await;
    ann.create(json!({"room": "den"})).await;
    for number in 0..300 {
        ann.send(json!({"type": "post", "room": "den", "text": format!("{number}")}))
            .await;
    }
    ann.up_to("den", 302).await;
    ann.close().await;
    let admin = server.rest_with("root", "admin");
    let asleep = async {
        while admin.get("/v1/admin/stats").await.ok(200)["rooms_awake"] != 0 {
            tokio::task::yield_now().await;
        }
    };
    crate::support::within("the room to sleep", asleep).await;
    let mut ann = server.open("ann").await;
    ann.resume(json!({"rooms": {"den": 0}})).await;
    assert_eq!(ann.post("den", "awake").await["seq"], 303);
    assert_eq!(seqs(&ann.events("den")), (1..=303).collect::<Vec<_>>());
}
