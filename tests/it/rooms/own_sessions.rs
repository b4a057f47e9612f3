//! Several sessions of one client are told the same.

use serde_json::json;

use crate::support::TestServer;
use crate::support::ws::as_told_to_all;

#[tokio::test]
async fn a_second_session_sees_what_the_first_does() {
    let server = TestServer::start();
    let mut one = server.session("ann").await;
    let mut other = server.session("ann").await;
    one.create(json!({"room": "den"})).await;
    let own = other.event("member_joined").await;
    assert_eq!((&own["room"], &own["seq"]), (&json!("den"), &json!(2)));
    let posted = one.post("den", "from one").await;
    assert_eq!(
        other.event("posted").await,
        as_told_to_all(&posted),
        "without the ref"
    );
    let posted = other.post("den", "from the other").await;
    assert_eq!(one.event("posted").await, as_told_to_all(&posted));
}

#[tokio::test]
async fn a_room_joined_by_another_session_goes_live() {
    let server = TestServer::start();
    let mut ann = server.session("ann").await;
    ann.create(json!({"room": "den"})).await;
    let mut one = server.session("bob").await;
    let mut other = server.session("bob").await;
    one.join("den").await;
    assert_eq!(other.event("member_joined").await["client"], "bob");
    let posted = ann.post("den", "welcome").await;
    assert_eq!(one.event("posted").await, as_told_to_all(&posted));
    assert_eq!(other.event("posted").await, as_told_to_all(&posted));
    one.done(json!({"type": "leave", "room": "den"})).await;
    other.event("member_left").await;
    ann.post("den", "gone").await;
    assert!(one.settled().await.is_empty() && other.settled().await.is_empty());
}

#[tokio::test]
async fn a_room_entered_over_rest_goes_live() {
    let server = TestServer::start();
    let mut ann = server.session("ann").await;
    let mut bob = server.session("bob").await;
    let rest = server.rest("bob");
    rest.post("/v1/rooms", &json!({"room": "loft"}))
        .await
        .ok(201);
    assert_eq!(bob.event("member_joined").await["room"], "loft");
    ann.create(json!({"room": "den"})).await;
    rest.put("/v1/rooms/den/members/me", &json!({}))
        .await
        .ok(200);
    assert_eq!(bob.event("member_joined").await["room"], "den");
    ann.post("den", "hi").await;
    assert_eq!(bob.event("posted").await["seq"], 4);
    rest.post("/v1/rooms/den/messages", &json!({"text": "by REST"}))
        .await
        .ok(201);
    assert_eq!(bob.event("posted").await.get("ref"), None);
}

#[tokio::test]
async fn a_session_that_opens_later_finds_all_its_rooms_live() {
    let server = TestServer::start();
    let mut ann = server.session("ann").await;
    for room in ["c", "a", "b"] {
        ann.create(json!({"room": room})).await;
    }
    let mut later = server.open("ann").await;
    let welcome = later.hello().await;
    for room in ["a", "b", "c"] {
        assert_eq!(
            welcome["resumed"][room],
            json!({"from": 2, "to": 2, "complete": true})
        );
        ann.post(room, "news").await;
        assert_eq!(later.event("posted").await["room"], room);
    }
}
