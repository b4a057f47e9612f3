//! Every request that changes something may be repeated, not only a post.

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::ws::as_told_to_all;
use crate::support::{TestServer, Ws};

/// What is repeated, and what led to it. Each has a key.
fn requests() -> [Value; 6] {
    [
        json!({"type": "create_room", "room": "loft", "topic": "t", "key": "create"}),
        json!({"type": "join", "room": "den", "role": "coder", "key": "join"}),
        json!({"type": "create_channel", "room": "loft", "name": "Tests", "key": "channel"}),
        json!({"type": "grant", "room": "loft", "client": "cem", "role": "tester", "key": "grant"}),
        json!({"type": "remove", "room": "loft", "client": "cem", "reason": "r", "key": "remove"}),
        json!({"type": "leave", "room": "den", "key": "leave"}),
    ]
}

/// What an answer says of the record that it is about.
fn record(answer: &Value) -> Value {
    if answer["type"] == "joined" {
        return json!({"room": answer["room"], "seq": answer["seq"], "at": answer["at"]});
    }
    as_told_to_all(answer)
}

async fn repeat_all(bob: &mut Ws, originals: &[Value]) {
    for (request, original) in requests().into_iter().zip(originals) {
        // The client has left `den` by now, and `join` is answered all the same.
        let repeat = bob.done(request.clone()).await;
        assert_eq!(repeat["duplicate"], true, "{request}: {repeat}");
        assert_eq!(record(&repeat), record(original), "{request}");
    }
}

#[tokio::test]
async fn every_request_may_be_repeated_even_after_a_restart() {
    let server = TestServer::start();
    server
        .session("ann")
        .await
        .create(json!({"room": "den"}))
        .await;
    let mut bob = server.session("bob").await;
    let mut originals = Vec::new();
    for request in requests() {
        let answer = bob.done(request.clone()).await;
        assert!(answer.get("duplicate").is_none(), "{answer}");
        // At once, in memory.
        let repeat = bob.done(request.clone()).await;
        assert_eq!(repeat["duplicate"], true, "{request}: {repeat}");
        assert_eq!(record(&repeat), record(&answer), "{request}");
        originals.push(answer);
    }
    repeat_all(&mut bob, &originals).await;
    let rest = server.rest("bob");
    let before = rest.events("loft", 0).await;
    drop(bob);
    let server = server.restart();
    let mut bob = server.session("bob").await;
    repeat_all(&mut bob, &originals).await;
    assert_eq!(
        server.rest("bob").events("loft", 0).await,
        before,
        "nothing was added"
    );
    assert_eq!(server.rest("ann").head("den").await, 4);
}

/// Method, path, body, key, and the status of the first time.
type Step = (Method, &'static str, Option<Value>, &'static str, u16);

fn steps() -> [Step; 7] {
    let (post, put, delete) = (Method::POST, Method::PUT, Method::DELETE);
    let loft = json!({"room": "loft"});
    let channel = json!({"name": "x"});
    let coder = json!({"role": "coder"});
    let me = "/v1/rooms/den/members/me";
    let cem = "/v1/rooms/loft/members/cem";
    let channels = "/v1/rooms/loft/channels";
    [
        (post.clone(), "/v1/rooms", Some(loft), "create", 201),
        (put.clone(), me, Some(json!({})), "join", 200),
        (post, channels, Some(channel), "channel", 201),
        (put, cem, Some(coder), "grant", 200),
        (delete.clone(), cem, None, "remove", 200),
        (delete.clone(), me, None, "leave", 200),
        (delete, "/v1/rooms/loft", None, "close", 200),
    ]
}

#[tokio::test]
async fn every_request_may_be_repeated_over_rest() {
    let mut server = TestServer::start();
    server
        .rest("ann")
        .post("/v1/rooms", &json!({"room": "den"}))
        .await
        .ok(201);
    let steps = steps();
    for (method, path, body, key, status) in &steps {
        let rest = server.rest("bob");
        let reply = rest.keyed(method.clone(), path, body.as_ref(), key).await;
        reply.ok(*status);
    }
    let heads = async |server: &TestServer| {
        (
            server.rest("ann").head("den").await,
            server.rest("bob").head("loft").await,
        )
    };
    let before = heads(&server).await;
    for round in 0..2 {
        for (method, path, body, key, _) in &steps {
            let rest = server.rest("bob");
            let reply = rest.keyed(method.clone(), path, body.as_ref(), key).await;
            assert_eq!(reply.status, 200, "{round} {method} {path}: {}", reply.text);
        }
        assert_eq!(heads(&server).await, before);
        server = server.restart();
    }
}

#[tokio::test]
async fn a_key_of_another_request_is_refused() {
    let server = TestServer::start();
    let mut ann = server.session("ann").await;
    ann.done(json!({"type": "create_room", "room": "den", "key": "k"}))
        .await;
    for other in [
        json!({"type": "create_room", "room": "den", "topic": "other", "key": "k"}),
        json!({"type": "create_channel", "room": "den", "name": "x", "key": "k"}),
        json!({"type": "post", "room": "den", "text": "x", "key": "k"}),
        json!({"type": "leave", "room": "den", "key": "k"}),
    ] {
        ann.refused(other, 1400).await;
    }
    assert_eq!(server.rest("ann").head("den").await, 2);
}

#[tokio::test]
async fn a_room_that_the_server_named_is_found_again() {
    let server = TestServer::start();
    let rest = server.rest("ann");
    let body = json!({"topic": "nameless"});
    let create = || rest.keyed(Method::POST, "/v1/rooms", Some(&body), "k");
    let one = create().await.ok(201);
    let again = create().await.ok(200);
    assert_eq!(one["room"], again["room"]);
}
