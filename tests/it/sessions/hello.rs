//! The first words.

use serde_json::json;

use crate::support::TestServer;

#[tokio::test]
async fn hello_is_answered_with_everything_a_client_needs_to_know() {
    let server = TestServer::start();
    let mut ws = server.open("Ann").await;
    ws.send(json!({"type": "hello", "ref": "first"})).await;
    let welcome = ws.expect("welcome").await;
    let fields: Vec<_> = welcome.as_object().expect("an object").keys().collect();
    let documented = [
        "broadcast",
        "client",
        "epoch",
        "heartbeat_seconds",
        "limits",
        "ref",
        "resumed",
        "session",
        "type",
        "version",
    ];
    assert_eq!(fields, documented);
    assert_eq!(welcome["client"], "Ann");
    assert_eq!(welcome["ref"], "first");
    assert_eq!(welcome["heartbeat_seconds"], 20);
    assert_eq!(welcome["version"], env!("CARGO_PKG_VERSION"));
    assert_eq!(welcome["resumed"], json!({}));
    let nothing_said = json!({"from": 0, "to": 0, "complete": true});
    assert_eq!(welcome["broadcast"], nothing_said);
    assert!(
        welcome["session"]
            .as_str()
            .is_some_and(|id| id.starts_with("ses_")),
        "{welcome}"
    );
    assert!(
        welcome["epoch"]
            .as_str()
            .is_some_and(|id| id.starts_with("ep_")),
        "{welcome}"
    );
    let limits = json!({
        "text_chars": 10_000,
        "payload_bytes": 256 * 1024,
        "frame_bytes": 512 * 1024,
        "in_flight": 1_024,
        "page": 500,
    });
    assert_eq!(welcome["limits"], limits);
}

#[tokio::test]
async fn sessions_have_names_of_their_own_and_one_epoch() {
    let server = TestServer::start();
    let mut one = server.open("ann").await;
    let mut other = server.open("ann").await;
    let (one, other) = (one.hello().await, other.hello().await);
    assert_ne!(one["session"], other["session"]);
    assert_eq!(one["epoch"], other["epoch"]);
}

#[tokio::test]
async fn nothing_is_done_before_hello() {
    let server = TestServer::start();
    let mut ws = server.open("ann").await;
    let too_early = [
        json!({"type": "create_room", "room": "den"}),
        json!({"type": "join", "room": "den"}),
        json!({"type": "leave", "room": "den"}),
        json!({"type": "grant", "room": "den", "client": "bob", "role": "coder"}),
        json!({"type": "remove", "room": "den", "client": "bob"}),
        json!({"type": "create_channel", "room": "den", "name": "x"}),
        json!({"type": "post", "room": "den", "text": "x"}),
        json!({"type": "ping"}),
    ];
    for frame in too_early {
        let refusal = ws.refused(frame, 1005).await;
        assert_eq!(refusal["code"], "hello_expected");
        assert_eq!(refusal["temporary"], false);
    }
    ws.hello().await;
    server
        .rest("ann")
        .get("/v1/rooms/den")
        .await
        .error(404, "room_not_found", 1200);
    assert_eq!(ws.create(json!({"room": "den"})).await, "den");
}

#[tokio::test]
async fn hello_is_said_once() {
    let server = TestServer::start();
    let mut ws = server.session("ann").await;
    ws.refused(json!({"type": "hello"}), 1003).await;
    ws.create(json!({"room": "den"})).await;
    ws.refused(
        json!({"type": "hello", "resume": {"rooms": {"den": 0}}}),
        1003,
    )
    .await;
    assert_eq!(ws.post("den", "still here").await["seq"], 3);
}

#[tokio::test]
async fn a_bad_hello_may_be_corrected() {
    let server = TestServer::start();
    let mut ws = server.open("ann").await;
    let mut too_many = serde_json::Map::new();
    for number in 0..=1_000 {
        too_many.insert(format!("room-{number}"), json!(0));
    }
    let bad = [
        json!({"type": "hello", "resume": []}),
        json!({"type": "hello", "resume": {"rooms": {"den": -1}}}),
        json!({"type": "hello", "resume": {"rooms": {"den": "3"}}}),
        json!({"type": "hello", "resume": {"rooms": {"d e n": 3}}}),
        json!({"type": "hello", "resume": {"epoch": "yesterday"}}),
        json!({"type": "hello", "resume": {"rooms": too_many}}),
    ];
    for frame in bad {
        ws.refused(frame, 1003).await;
    }
    ws.hello().await;
}

#[tokio::test]
async fn requests_may_follow_hello_without_waiting() {
    let server = TestServer::start();
    let mut ws = server.open("ann").await;
    ws.send(json!({"type": "hello"})).await;
    ws.send(json!({"type": "create_room", "room": "den", "ref": "c"}))
        .await;
    ws.send(json!({"type": "post", "room": "den", "text": "quick", "ref": "p"}))
        .await;
    ws.expect("welcome").await;
    assert_eq!(ws.event("room_created").await["ref"], "c");
    ws.event("member_joined").await;
    assert_eq!(ws.event("posted").await["ref"], "p");
}
