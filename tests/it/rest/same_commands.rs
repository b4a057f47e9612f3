//! The same commands over both transports lead to the same events.

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{TestServer, Ws};

struct Row {
    by: &'static str,
    frame: Value,
    method: Method,
    path: &'static str,
    body: Option<Value>,
}

fn row(by: &'static str, frame: Value, method: Method, path: &'static str) -> Row {
    let mut body = frame.clone();
    let fields = body.as_object_mut().expect("an object");
    fields.remove("type");
    if path != "/v1/rooms" {
        fields.remove("room");
    }
    if path.ends_with("members/cem") {
        fields.remove("client");
    }
    let body = (!fields.is_empty()).then_some(body);
    Row {
        by,
        frame,
        method,
        path,
        body,
    }
}

/// A room's life, with refusals in between.
fn table() -> Vec<Row> {
    let (post, put, delete) = (Method::POST, Method::PUT, Method::DELETE);
    let me = "/v1/rooms/Den/members/me";
    let cem = "/v1/rooms/Den/members/cem";
    let channels = "/v1/rooms/Den/channels";
    let messages = "/v1/rooms/Den/messages";
    let policy = json!({"visibility": "listed", "weights": {"reviewer": 0.5}});
    let create = json!({
        "type": "create_room", "room": "Den", "topic": "Tigers 🐯", "password": "x",
        "policy": policy,
    });
    let metadata = json!({"n": [1, 2.5, null, "字"]});
    let say = json!({
        "type": "post", "room": "Den", "channel": "tests", "text": "@ann look 👀",
        "metadata": metadata,
    });
    let of = |kind: &str, fields: Value| {
        let mut frame = fields;
        frame["type"] = json!(kind);
        frame["room"] = json!("Den");
        frame
    };
    let wrong = of("join", json!({"password": "y"}));
    let right = of("join", json!({"password": "x", "role": "reviewer"}));
    let grant = of("grant", json!({"client": "cem", "role": "tester"}));
    let remove = of("remove", json!({"client": "cem", "reason": "büro"}));
    let channel = of("create_channel", json!({"name": "Tests", "topic": "t"}));
    vec![
        row("ann", create.clone(), post.clone(), "/v1/rooms"),
        row("bob", create, post.clone(), "/v1/rooms"),
        row("bob", wrong, put.clone(), me),
        row("bob", right.clone(), put.clone(), me),
        row("bob", right, put.clone(), me),
        row("bob", grant.clone(), put.clone(), cem),
        row("ann", grant, put.clone(), cem),
        row("cem", of("join", json!({})), put, me),
        row("bob", channel.clone(), post.clone(), channels),
        row("ann", channel, post.clone(), channels),
        row("bob", say, post.clone(), messages),
        row(
            "bob",
            of("post", json!({"text": "x", "channel": "no"})),
            post,
            messages,
        ),
        row("bob", remove.clone(), delete.clone(), cem),
        row("ann", remove, delete.clone(), cem),
        row("cem", of("leave", json!({})), delete.clone(), me),
        row("ann", of("leave", json!({})), delete, me),
    ]
}

/// An event without what is different each time.
fn timeless(mut events: Vec<Value>) -> Vec<Value> {
    for event in &mut events {
        let fields = event.as_object_mut().expect("an object");
        fields.remove("at");
        fields.remove("id");
    }
    events
}

/// The refusal, or nothing.
fn refusal(answer: &Value) -> Value {
    json!({"number": answer["number"], "message": answer["message"]})
}

#[tokio::test]
async fn both_transports_do_the_same() {
    let (by_socket, by_rest) = (TestServer::start(), TestServer::start());
    let mut sessions: Vec<(&str, Ws)> = Vec::new();
    for client in ["ann", "bob", "cem"] {
        sessions.push((client, by_socket.session(client).await));
    }
    for Row {
        by,
        frame,
        method,
        path,
        body,
    } in table()
    {
        let ws = sessions.iter_mut().find(|(client, _)| *client == by);
        let (_, ws) = ws.expect("one of the three");
        let told = ws.request(frame.clone()).await;
        let reply = by_rest.rest(by).ask(method, path, body.as_ref()).await;
        let answer = reply.json();
        if told["type"] == "rejected" {
            assert_eq!(refusal(&answer["error"]), refusal(&told), "{frame}");
        } else {
            assert!(matches!(reply.status, 200 | 201), "{frame}: {}", reply.text);
        }
    }
    let told = timeless(by_socket.rest("bob").events("den", 0).await);
    let done = timeless(by_rest.rest("bob").events("den", 0).await);
    assert_eq!(told, done);
    let kinds: Vec<_> = done.iter().map(|event| event["kind"].as_str()).collect();
    assert_eq!(kinds.len(), 10, "{kinds:?}");
}
