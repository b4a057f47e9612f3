//! What a token allows is what it is told.

use serde_json::{Value, json};

use super::{den, join, propose, todo, words};
use crate::support::{Rest, TestServer};

#[tokio::test]
async fn a_token_is_told_of_its_rooms_and_its_correspondents_only() {
    let server = TestServer::start();
    let ann = den(&server, &["bob"]).await;
    ann.post("/v1/rooms", &json!({"room": "attic"}))
        .await
        .ok(201);
    join(&server.rest("bob"), "attic").await;
    propose(&ann, json!({"text": "in the den"})).await;
    let body = json!({"text": "in the attic", "deadline_seconds": 90_000});
    ann.post("/v1/rooms/attic/decisions", &body).await.ok(201);
    let cem = server.rest("cem");
    let ask = |from: Rest| async move {
        let body = json!({"to": "bob", "text": "?", "expects_reply": true});
        from.post("/v1/messages", &body).await.ok(201);
    };
    ask(ann.clone()).await;
    ask(cem).await;
    let all = [
        "vote in the den",
        "vote in the attic",
        "question ?",
        "question ?",
    ];
    for (scopes, expected) in [
        ("message room orchestrate", &all[..]),
        ("room", &all[..2]),
        ("message", &all[2..]),
        // Ann is in the attic with him, and Cem is not.
        ("room:attic", &all[1..3]),
        ("message room room:attic", &all[1..3]),
        ("room:elsewhere", &[]),
    ] {
        let items = todo(&server.rest_with("bob", scopes)).await;
        assert_eq!(words(&items), expected, "{scopes}");
    }
    let asked = todo(&server.rest_with("bob", "room:attic")).await;
    assert_eq!(asked[1]["from"], "ann");
}

#[tokio::test]
async fn who_may_neither_use_rooms_nor_messages_is_told_so() {
    let server = TestServer::start();
    for scopes in ["metrics", "admin", "broadcast"] {
        server
            .rest_with("bob", scopes)
            .get("/v1/todo")
            .await
            .error(403, "scope_missing", 1102);
    }
    let stranger = Rest::new(server.addr, None);
    stranger
        .get("/v1/todo")
        .await
        .error(401, "unauthorized", 1100);
    let bob = server.rest("bob");
    bob.post("/v1/todo", &json!({}))
        .await
        .error(404, "no_such_route", 1006);
    assert_eq!(todo(&bob).await, Vec::<Value>::new());
}
