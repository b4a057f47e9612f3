//! What waits for a client, over real sockets.

mod decisions;
mod questions;
mod scopes;

use serde_json::{Value, json};

use crate::support::{Rest, TestServer, within};

const DECISIONS: &str = "/v1/rooms/den/decisions";

/// A room `den` that `ann` has made, with these other members.
async fn den(server: &TestServer, others: &[&str]) -> Rest {
    let ann = server.rest("ann");
    ann.post("/v1/rooms", &json!({"room": "den"})).await.ok(201);
    for client in others {
        join(&server.rest(client), "den").await;
    }
    ann
}

async fn join(rest: &Rest, room: &str) {
    let me = format!("/v1/rooms/{room}/members/me");
    rest.put(&me, &json!({})).await.ok(200);
}

/// Puts a motion to the vote. Returns its id and its path.
async fn propose(rest: &Rest, body: Value) -> (Value, String) {
    let proposed = rest.post(DECISIONS, &body).await.ok(201);
    let id = proposed["decision"].as_str().expect("an id");
    (json!(id), format!("{DECISIONS}/{id}"))
}

async fn approve(rest: &Rest, path: &str, version: u32) {
    let ballot = json!({"version": version, "choice": "approve"});
    rest.put(&format!("{path}/ballot"), &ballot).await.ok(200);
}

/// All that waits for a client.
async fn todo(rest: &Rest) -> Vec<Value> {
    let page = rest.get("/v1/todo").await.ok(200);
    assert_eq!(page["complete"], true, "{page}");
    page["items"].as_array().expect("a list").clone()
}

/// Of each item its kind and its text.
fn words(items: &[Value]) -> Vec<String> {
    let word = |value: &Value| value.as_str().expect("a text").to_owned();
    let words = items
        .iter()
        .map(|item| format!("{} {}", word(&item["kind"]), word(&item["text"])));
    words.collect()
}

/// Waits until a question is not in the list any more: nobody is told when a reply has ended it.
async fn until_gone(rest: &Rest, message: &Value) {
    let looking = async {
        let mut poll = tokio::time::interval(std::time::Duration::from_millis(5));
        // tidy: bounded poll
        while todo(rest)
            .await
            .iter()
            .any(|item| item["message"] == *message)
        {
            poll.tick().await;
        }
    };
    within("the question to be answered", looking).await;
}
