//! What a token allows.

use serde_json::{Value, json};

use super::mail::{id_of, known, list, say, send, take, texts, waiting};
use crate::support::{Rest, TestServer, Ws};

#[tokio::test]
async fn without_the_scope_there_are_no_messages() {
    let server = TestServer::start();
    known(&server, &["ann", "bob"]).await;
    let id = say(&server.rest("ann"), "bob", "x").await;
    let token = server.token_with("bob", "room");
    let mut ws = Ws::open(server.addr, "bob", &token).await;
    ws.hello().await;
    for frame in [
        json!({"type": "send", "to": "ann", "text": "x"}),
        json!({"type": "send", "to": ["ann", "bob"], "text": "x"}),
        json!({"type": "send", "to": "all", "text": "x"}),
        json!({"type": "ack", "id": id, "stage": "seen"}),
    ] {
        ws.refused(frame, 1102).await;
    }
    let rest = server.rest_with("bob", "room");
    let missing = |reply: crate::support::Reply, scope: &str| {
        let error = reply.error(403, "scope_missing", 1102);
        assert_eq!(error["details"]["scope"], scope);
    };
    let body = json!({"to": "ann", "text": "x"});
    missing(rest.post("/v1/messages", &body).await, "message");
    let seen = json!({"stage": "seen"});
    missing(
        rest.post(&format!("/v1/messages/{id}/ack"), &seen).await,
        "message",
    );
    for path in ["/v1/mailbox", "/v1/mailbox?peek=true", "/v1/dead-letters"] {
        missing(rest.get(path).await, "message");
    }
    missing(rest.get(&format!("/v1/messages/{id}")).await, "message");
    missing(rest.get("/v1/admin/dead-letters").await, "admin");
    let usual = server.rest("bob");
    missing(usual.get("/v1/admin/dead-letters").await, "admin");
    let body = json!({"to": "all", "text": "x"});
    missing(usual.post("/v1/messages", &body).await, "broadcast");
    // Nothing came of it, and its session was not told what is not for it.
    assert_eq!(waiting(&server.rest("ann")).await.len(), 0);
    assert_eq!(list(&json!(ws.settled().await)).len(), 0);
    assert_eq!(waiting(&usual).await.len(), 1);
}

/// The members of `den` are ann, bob and eve; cem is a stranger.
async fn den(server: &TestServer) -> Rest {
    known(server, &["ann", "bob", "cem", "eve"]).await;
    let ann = server.rest("ann");
    ann.post("/v1/rooms", &json!({"room": "den"})).await.ok(201);
    for client in ["bob", "eve"] {
        let me = "/v1/rooms/den/members/me";
        server.rest(client).put(me, &json!({})).await.ok(200);
    }
    server.rest_with("bob", "room:DEN broadcast message")
}

#[tokio::test]
async fn a_token_that_is_limited_to_a_room_writes_to_its_members_only() {
    let server = TestServer::start();
    let bob = den(&server).await;
    let refused = async |to: Value| {
        let body = json!({"to": to, "text": "x"});
        let error = bob.post("/v1/messages", &body).await;
        let error = error.error(404, "unknown_recipient", 1300);
        error["message"].as_str().expect("a sentence").to_owned()
    };
    // A stranger is to it as if it were not there.
    let words = refused(json!("cem")).await;
    assert!(!words.contains("did you mean"), "{words}");
    refused(json!(["ann", "cem"])).await;
    assert!(refused(json!("anna")).await.contains("did you mean ann?"));
    let all = json!({"to": "all", "text": "x"});
    bob.post("/v1/messages", &all)
        .await
        .error(403, "scope_missing", 1102);
    send(&bob, json!({"to": ["ann", "EVE"], "text": "to members"})).await;
    let token = server.token_with("bob", "room:den");
    let mut ws = Ws::open(server.addr, "bob", &token).await;
    ws.hello().await;
    ws.refused(json!({"type": "send", "to": "cem", "text": "x"}), 1300)
        .await;
    ws.done(json!({"type": "send", "to": "ann", "text": "from a session"}))
        .await;
    let waits = json!(waiting(&server.rest("ann")).await);
    assert_eq!(texts(&waits), ["to members", "from a session"]);
    assert_eq!(waiting(&server.rest("cem")).await.len(), 0);
    // Who is not a member itself knows nobody there.
    let cem = server.rest_with("cem", "room:den");
    let body = json!({"to": "ann", "text": "x"});
    cem.post("/v1/messages", &body)
        .await
        .error(404, "unknown_recipient", 1300);
}

#[tokio::test]
async fn a_token_that_is_limited_to_a_room_sees_its_members_messages_only() {
    let server = TestServer::start();
    let bob = den(&server).await;
    let cems = say(&server.rest("cem"), "bob", "from a stranger").await;
    let anns = say(&server.rest("ann"), "bob", "from a member").await;
    let caller = server.rest_with("dan", "broadcast message");
    send(&caller, json!({"to": "all", "text": "to all"})).await;
    let to_cem = say(&server.rest("bob"), "cem", "to a stranger").await;

    let waits = json!(waiting(&bob).await);
    assert_eq!(texts(&waits), ["from a member"]);
    for hidden in [&cems, &to_cem] {
        let path = format!("/v1/messages/{hidden}");
        bob.get(&path).await.error(404, "message_not_found", 1302);
        server.rest("bob").get(&path).await.ok(200);
    }
    bob.get(&format!("/v1/messages/{anns}")).await.ok(200);
    let page = take(&bob, "").await;
    assert_eq!(texts(&page["items"]), ["from a member"]);
    super::mail::take_after(&bob, &page, "").await;

    let marker = say(&server.rest("ann"), "bob", "another").await;
    let token = server.token_with("bob", "room:den");
    let mut ws = Ws::open(server.addr, "bob", &token).await;
    ws.hello().await;
    assert_eq!(id_of(&ws.expect("message").await), marker);
    say(&server.rest("cem"), "bob", "from a stranger, live").await;
    send(&caller, json!({"to": "all", "text": "to all, live"})).await;
    let last = say(&server.rest("ann"), "bob", "the last").await;
    assert_eq!(id_of(&ws.expect("message").await), last);
    // All that is still there for a token without limits.
    let mut ws = server.session("bob").await;
    let mut told = Vec::new();
    for _ in 0..6 {
        told.push(ws.expect("message").await);
    }
    let mut told: Vec<_> = told
        .iter()
        .map(|m| m["text"].as_str().expect("a text"))
        .collect();
    told.sort_unstable();
    let wanted = [
        "another",
        "from a stranger",
        "from a stranger, live",
        "the last",
        "to all",
        "to all, live",
    ];
    assert_eq!(told, wanted);
}
