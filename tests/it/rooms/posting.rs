//! Making rooms and channels, and saying something.

use serde_json::{Value, json};

use crate::support::TestServer;
use crate::support::ws::as_told_to_all;

/// The fields of an event besides those that every event has.
fn own_fields(event: &Value) -> Value {
    let mut event = as_told_to_all(event);
    let fields = event.as_object_mut().expect("an object");
    for common in ["type", "room", "seq", "at", "by", "kind"] {
        assert!(fields.remove(common).is_some(), "{common} is missing");
    }
    event
}

#[tokio::test]
async fn a_new_room_has_its_creator_as_coordinator() {
    let server = TestServer::start();
    let mut ann = server.session("Ann").await;
    ann.send(json!({"type": "create_room", "room": "Den.1", "topic": "Tiger 🐯", "ref": "c"}))
        .await;
    let created = ann.event("room_created").await;
    assert_eq!(
        (&created["room"], &created["seq"]),
        (&json!("Den.1"), &json!(1))
    );
    assert_eq!(
        (&created["by"], &created["ref"]),
        (&json!("Ann"), &json!("c"))
    );
    let policy = json!({
        "visibility": "open",
        "roles": "granted",
        "create_channels": "members",
        "weights": {"coordinator": 2.0, "reviewer": 1.5, "others": 1.0},
        "propose": "members",
        "veto": {"roles": ["reviewer"], "clients": []},
        "veto_window_seconds": 60,
    });
    let expected = json!({"topic": "Tiger 🐯", "policy": policy, "has_password": false});
    assert_eq!(own_fields(&created), expected);
    let joined = ann.event("member_joined").await;
    assert_eq!((&joined["seq"], joined.get("ref")), (&json!(2), None));
    assert_eq!(
        own_fields(&joined),
        json!({"client": "Ann", "role": "coordinator", "weight": 2.0, "requested_role": null})
    );
    assert!(ann.settled().await.is_empty(), "each is told once");
}

#[tokio::test]
async fn a_policy_is_kept_as_it_was_given() {
    let server = TestServer::start();
    let mut ann = server.session("ann").await;
    let policy = json!({
        "visibility": "private",
        "roles": "open",
        "create_channels": "coordinators",
        "weights": {"coordinator": 3.0, "reviewer": 0.001, "others": 1000.0},
        "propose": "coordinators",
        "veto": {"roles": ["coder", "coordinator"], "clients": ["Bob", "ann"]},
        "veto_window_seconds": 604_800,
    });
    ann.create(json!({"room": "den", "policy": policy})).await;
    let shown = server.rest("ann").get("/v1/rooms/den").await.ok(200);
    assert_eq!(shown["policy"], policy);
}

#[tokio::test]
async fn a_room_without_a_name_is_given_one() {
    let server = TestServer::start();
    let mut ann = server.session("ann").await;
    let one = ann.create(json!({})).await;
    let other = ann.create(json!({"topic": "another"})).await;
    assert_ne!(one, other);
    for room in [one, other] {
        assert_eq!(ann.post(&room, "here").await["seq"], 3);
    }
}

#[tokio::test]
async fn an_id_is_given_once_in_any_spelling() {
    let server = TestServer::start();
    let mut ann = server.session("ann").await;
    let mut bob = server.session("bob").await;
    ann.create(json!({"room": "Den"})).await;
    let refusal = bob
        .refused(json!({"type": "create_room", "room": "dEN"}), 1206)
        .await;
    assert_eq!(refusal["code"], "room_exists");
    let joined = bob.join("DEN").await;
    assert_eq!(joined["room"], "Den", "the creator's spelling");
    assert_eq!(bob.post("den", "hi").await["room"], "Den");
    server.rest("ann").delete("/v1/rooms/den").await.ok(200);
    ann.refused(json!({"type": "create_room", "room": "DEN"}), 1206)
        .await;
}

#[tokio::test]
async fn a_post_has_all_its_fields() {
    let server = TestServer::start();
    let mut ann = server.session("ann").await;
    let mut bob = server.session("bob").await;
    ann.create(json!({"room": "den"})).await;
    bob.join("den").await;
    ann.event("member_joined").await;
    let channel = json!({"type": "create_channel", "room": "den", "name": "Décor", "topic": "🎨"});
    let created = ann.done(channel).await;
    assert_eq!(created["kind"], "channel_created");
    assert_eq!(
        own_fields(&created),
        json!({"channel": "Décor", "topic": "🎨"})
    );
    assert_eq!(bob.event("channel_created").await, as_told_to_all(&created));

    let metadata = json!({"n": 1.5, "list": [1, null, {"x": "字"}], "": "empty key"});
    let first = ann
        .done(json!({
            "type": "post", "room": "den", "channel": "décor", "key": "k1",
            "text": "@bob and @ann, not @nobody: see bob@ann.example",
            "metadata": metadata, "unknown_field": [1, 2, 3], "trace": "abc",
        }))
        .await;
    let id = first["id"].as_str().expect("an id").to_owned();
    assert!(id.starts_with("msg_"), "{id}");
    let expected = json!({
        "id": id, "channel": "Décor", "text": "@bob and @ann, not @nobody: see bob@ann.example",
        "reply_to": null, "mentions": ["bob", "ann"], "metadata": metadata,
    });
    assert_eq!(own_fields(&first), expected);
    assert_eq!(bob.event("posted").await, as_told_to_all(&first));

    let reply = json!({"type": "post", "room": "den", "text": "yes", "reply_to": id});
    let reply = bob.done(reply).await;
    assert_eq!(
        (&reply["reply_to"], &reply["channel"]),
        (&json!(id), &json!("main"))
    );
    assert_eq!(
        (&reply["metadata"], &reply["mentions"]),
        (&json!(null), &json!([]))
    );
    assert_eq!(ann.event("posted").await, as_told_to_all(&reply));
}

#[tokio::test]
async fn a_reply_answers_a_message_of_the_same_room() {
    let server = TestServer::start();
    let mut ann = server.session("ann").await;
    ann.create(json!({"room": "den"})).await;
    ann.create(json!({"room": "attic"})).await;
    let elsewhere = ann.post("attic", "here").await["id"].clone();
    let reply = |id: &Value| json!({"type": "post", "room": "den", "text": "x", "reply_to": id});
    ann.refused(reply(&elsewhere), 1302).await;
    ann.refused(reply(&json!("msg_01890000000070008000000000000000")), 1302)
        .await;
    ann.refused(reply(&json!("dec_01890000000070008000000000000000")), 1003)
        .await;
    let own = ann.post("den", "one").await["id"].clone();
    assert_eq!(
        ann.done(reply(&own)).await["seq"],
        4,
        "refusals leave no gap"
    );
}

/// The room remembers the newest thousand messages; older ones are looked up.
#[tokio::test]
async fn a_reply_may_answer_a_message_of_long_ago() {
    let server = TestServer::start();
    let mut ann = server.session("ann").await;
    ann.create(json!({"room": "den"})).await;
    let first = ann.post("den", "long ago").await["id"].clone();
    for number in 0..1_100 {
        ann.send(json!({"type": "post", "room": "den", "text": format!("{number}")}))
            .await;
    }
    ann.up_to("den", 1_103).await;
    let reply = json!({"type": "post", "room": "den", "text": "again", "reply_to": first});
    let answer = ann.done(reply).await;
    assert_eq!(
        (&answer["seq"], &answer["reply_to"]),
        (&json!(1_104), &first)
    );
}

#[tokio::test]
async fn channels_are_made_once_and_only_by_who_may() {
    let server = TestServer::start();
    let mut ann = server.session("ann").await;
    let mut bob = server.session("bob").await;
    let channel =
        |room: &str, name: &str| json!({"type": "create_channel", "room": room, "name": name});
    ann.create(json!({"room": "den", "policy": {"create_channels": "coordinators"}}))
        .await;
    bob.join("den").await;
    bob.refused(channel("den", "tests"), 1101).await;
    ann.done(channel("den", "ÉTUDE")).await;
    ann.refused(channel("den", "étude"), 1209).await;
    ann.refused(channel("den", "MAIN"), 1209).await;
    let posted = json!({"type": "post", "room": "den", "text": "x", "channel": "tests"});
    ann.refused(posted, 1207).await;
    let mut cem = server.session("cem").await;
    cem.refused(channel("den", "mine"), 1201).await;
    cem.refused(channel("nowhere", "mine"), 1200).await;
}

#[tokio::test]
async fn answers_carry_the_refs_of_their_requests_only() {
    let server = TestServer::start();
    let mut ann = server.session("ann").await;
    let mut bob = server.session("bob").await;
    ann.create(json!({"room": "den"})).await;
    bob.join("den").await;
    ann.event("member_joined").await;
    for reference in ["one", "", "🧵 three"] {
        ann.send(json!({"type": "post", "room": "den", "text": "x", "ref": reference}))
            .await;
        ann.send(json!({"type": "post", "room": "den", "text": "y"}))
            .await;
        assert_eq!(ann.event("posted").await["ref"], reference);
        assert_eq!(ann.event("posted").await.get("ref"), None);
        for _ in 0..2 {
            assert_eq!(bob.event("posted").await.get("ref"), None);
        }
    }
    let long = "x".repeat(129);
    ann.send(json!({"type": "ping", "ref": long})).await;
    assert_eq!(ann.rejected(1003).await["ref"], json!(null));
}
