//! Messages that expect a reply.

use serde_json::{Value, json};

use super::{todo, words};
use crate::support::{Rest, TestServer};

async fn send(from: &Rest, body: Value) -> Value {
    from.post("/v1/messages", &body).await.ok(201)["id"].clone()
}

async fn ack(rest: &Rest, id: &Value, stage: &str) {
    let id = id.as_str().expect("an id");
    let path = format!("/v1/messages/{id}/ack");
    rest.post(&path, &json!({"stage": stage})).await.ok(200);
}

/// A client that the server knows, because it has asked.
async fn known(server: &TestServer, client: &str) -> Rest {
    let rest = server.rest(client);
    assert_eq!(todo(&rest).await, Vec::<Value>::new());
    rest
}

#[tokio::test]
async fn a_question_waits_seen_or_not_until_it_is_answered() {
    let server = TestServer::start();
    let (ann, bob) = (known(&server, "ann").await, known(&server, "bob").await);
    send(&ann, json!({"to": "bob", "text": "for your information"})).await;
    let body = json!({"to": "bob", "text": "is it done?", "expects_reply": true,
        "deadline_seconds": 3_600});
    let first = send(&ann, body).await;
    let body = json!({"to": "bob", "payload": {"task": 7}, "expects_reply": true,
        "ttl_seconds": 60});
    let second = send(&ann, body).await;
    let items = todo(&bob).await;
    assert_eq!(
        words(&items),
        ["question {\"task\":7}", "question is it done?"]
    );
    let id = first.as_str().expect("an id");
    let shown = bob.get(&format!("/v1/messages/{id}")).await.ok(200);
    let expected = json!({
        "kind": "question", "message": first, "from": "ann", "text": "is it done?",
        "deadline": shown["deadline"], "since": shown["at"],
    });
    assert_eq!(items[1], expected);
    assert_eq!(todo(&ann).await, Vec::<Value>::new(), "it is not hers");
    // What has been seen leaves the mailbox's memory, and waits all the same.
    ack(&bob, &first, "seen").await;
    assert_eq!(todo(&bob).await, items);
    let server = server.restart();
    let bob = server.rest("bob");
    assert_eq!(todo(&bob).await, items);
    send(&bob, json!({"to": "ann", "text": "yes", "reply_to": first})).await;
    super::until_gone(&bob, &first).await;
    assert_eq!(words(&todo(&bob).await), ["question {\"task\":7}"]);
    ack(&bob, &second, "seen").await;
    ack(&bob, &second, "done").await;
    assert_eq!(todo(&bob).await, Vec::<Value>::new());
}

#[tokio::test]
async fn a_question_whose_time_is_over_does_not_wait() {
    let server = TestServer::start();
    let (ann, _) = (known(&server, "ann").await, known(&server, "bob").await);
    let body = json!({"to": "bob", "text": "now?", "expects_reply": true, "deadline_seconds": 60});
    send(&ann, body).await;
    assert_eq!(words(&todo(&server.rest("bob")).await), ["question now?"]);
    server.clock.turn(std::time::Duration::from_secs(61));
    assert_eq!(todo(&server.rest("bob")).await, Vec::<Value>::new());
}
