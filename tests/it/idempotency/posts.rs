//! Messages with a key are stored once.

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::ws::as_told_to_all;
use crate::support::{TestServer, Ws};

const MESSAGES: &str = "/v1/rooms/den/messages";

fn post(text: &str, key: &str) -> Value {
    json!({"type": "post", "room": "den", "text": text, "key": key})
}

async fn den(server: &TestServer) -> Ws {
    let mut ann = server.session("ann").await;
    ann.create(json!({"room": "den"})).await;
    ann
}

#[tokio::test]
async fn a_repeated_post_is_answered_with_the_original() {
    let server = TestServer::start();
    let mut ann = den(&server).await;
    let mut bob = server.session("bob").await;
    bob.join("den").await;
    ann.event("member_joined").await;
    let original = ann.done(post("once", "k")).await;
    assert!(original.get("duplicate").is_none(), "{original}");
    bob.event("posted").await;
    for _ in 0..3 {
        let repeat = ann.done(post("once", "k")).await;
        assert_eq!(repeat["duplicate"], true);
        assert_eq!(as_told_to_all(&repeat), as_told_to_all(&original));
    }
    assert!(
        bob.settled().await.is_empty(),
        "nobody else hears of a repeat"
    );
    assert_eq!(server.rest("ann").head("den").await, 4);
}

#[tokio::test]
async fn repeats_are_recognised_across_transports_and_restarts() {
    let server = TestServer::start();
    let mut ann = den(&server).await;
    let rest = server.rest("ann");
    let by_socket = ann.done(post("socket", "s")).await;
    let body = json!({"text": "rest"});
    let by_rest = rest
        .keyed(Method::POST, MESSAGES, Some(&body), "r")
        .await
        .ok(201);
    ann.up_to("den", 4).await;
    drop(ann);
    let server = server.restart();
    let rest = server.rest("ann");
    let mut ann = server.session("ann").await;
    let mut repeats = Vec::new();
    repeats.push((by_socket.clone(), ann.done(post("socket", "s")).await));
    repeats.push((by_rest.clone(), ann.done(post("rest", "r")).await));
    for (original, text, key) in [(by_socket, "socket", "s"), (by_rest, "rest", "r")] {
        let body = json!({"text": text});
        let repeat = rest
            .keyed(Method::POST, MESSAGES, Some(&body), key)
            .await
            .ok(200);
        repeats.push((original, repeat));
    }
    for (original, repeat) in repeats {
        assert_eq!(repeat["duplicate"], true);
        assert_eq!(as_told_to_all(&repeat), as_told_to_all(&original));
    }
    assert_eq!(rest.head("den").await, 4);
}

#[tokio::test]
async fn a_key_stands_for_one_request() {
    let server = TestServer::start();
    let mut ann = den(&server).await;
    let rest = server.rest("ann");
    ann.done(post("one", "k")).await;
    let others = [
        json!({"text": "two"}),
        json!({"text": "one", "metadata": {}}),
        json!({"text": "one "}),
    ];
    for body in others {
        let mut frame = body.clone();
        frame["type"] = json!("post");
        frame["room"] = json!("den");
        frame["key"] = json!("k");
        assert_eq!(ann.refused(frame, 1400).await["code"], "key_reused");
        let reply = rest.keyed(Method::POST, MESSAGES, Some(&body), "k").await;
        reply.error(409, "key_reused", 1400);
    }
    let channel = json!({"type": "create_channel", "room": "den", "name": "one", "key": "k"});
    ann.refused(channel, 1400).await;
    // The same after a restart, when the room has to look it up.
    drop(ann);
    let server = server.restart();
    let body = json!({"text": "two"});
    let rest = server.rest("ann");
    rest.keyed(Method::POST, MESSAGES, Some(&body), "k")
        .await
        .error(409, "key_reused", 1400);
    assert_eq!(rest.head("den").await, 3);
}

#[tokio::test]
async fn keys_belong_to_their_sender_and_room() {
    let server = TestServer::start();
    let mut ann = den(&server).await;
    ann.create(json!({"room": "attic"})).await;
    let mut bob = server.session("bob").await;
    bob.join("den").await;
    let mut answers = vec![
        ann.done(post("x", "k")).await,
        bob.done(post("x", "k")).await,
    ];
    let elsewhere = json!({"type": "post", "room": "attic", "text": "x", "key": "k"});
    answers.push(ann.done(elsewhere).await);
    answers.push(ann.done(post("x", "K")).await);
    answers.push(ann.done(post("x", "ключ 🗝")).await);
    for answer in &answers {
        assert!(answer.get("duplicate").is_none(), "{answer}");
    }
    // The sender is one in any spelling.
    let mut ann = Ws::open(server.addr, "ANN", &server.token("ANN")).await;
    ann.hello().await;
    assert_eq!(ann.done(post("x", "k")).await["duplicate"], true);
    assert_eq!(ann.done(post("x", "ключ 🗝")).await["duplicate"], true);
}

#[tokio::test]
async fn without_a_key_a_repeat_is_a_new_message() {
    let server = TestServer::start();
    let mut ann = den(&server).await;
    let one = ann.post("den", "same").await;
    let other = ann.post("den", "same").await;
    assert_ne!(one["id"], other["id"]);
    assert_eq!(other["seq"], 4);
}

/// The room remembers a thousand keys; the log knows them all.
#[tokio::test]
async fn an_old_key_is_still_known() {
    let server = TestServer::start();
    let mut ann = den(&server).await;
    let original = ann.done(post("first", "k")).await;
    for number in 0..1_100 {
        ann.send(post("x", &format!("key-{number}"))).await;
    }
    ann.up_to("den", 1_103).await;
    let repeat = ann.done(post("first", "k")).await;
    assert_eq!(repeat["duplicate"], true);
    assert_eq!(as_told_to_all(&repeat), as_told_to_all(&original));
    ann.refused(post("other", "k"), 1400).await;
    assert_eq!(server.rest("ann").head("den").await, 1_103);
}

#[tokio::test]
async fn repeats_that_overtake_each_other_are_stored_once() {
    let server = TestServer::start();
    let mut ann = den(&server).await;
    let mut again = server.session("ann").await;
    for _ in 0..20 {
        for ws in [&mut ann, &mut again] {
            let mut frame = post("race", "k");
            frame["ref"] = json!("mine");
            ws.send(frame).await;
        }
    }
    let mut originals = 0;
    for ws in [&mut ann, &mut again] {
        for _ in 0..20 {
            let answer = ws.until(|frame| frame["ref"] == "mine").await;
            assert_eq!(
                (&answer["kind"], &answer["seq"]),
                (&json!("posted"), &json!(3))
            );
            originals += u32::from(answer.get("duplicate").is_none());
        }
    }
    assert_eq!(originals, 1);
    assert_eq!(server.rest("ann").head("den").await, 3);
}
