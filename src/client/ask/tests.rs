use bridge_core::message::{Body, Recipients};
use serde_json::{Value, json};

use super::*;
use crate::client::Token;
use crate::client::error::Exit;
use crate::client::tests::scripted::{Connection, Scripted, error, message_id};

const WITHIN: Duration = Duration::from_secs(60);

fn question() -> NewMessage {
    let to = "bob".parse().expect("a name");
    let text = "Is it done?".parse().expect("a text");
    NewMessage::new(Recipients::one(to), Body::Text(text))
}

/// A message with its way to `bob`.
fn way(n: u64, stage: &str, history: Value) -> Value {
    json!({
        "id": message_id(n), "from": "ann", "to": "bob", "text": "x", "kind": "message",
        "priority": 1, "at": "x", "expires_at": "x",
        "recipients": [{ "client": "bob", "stage": stage, "at": "x", "attempts": 1,
            "history": history }],
    })
}

async fn asked(server: &Scripted, looks: Looks) -> (Result<Tracked, ClientError>, Vec<Stage>) {
    let token = Token::from("a.b.c".to_owned());
    let rest = RestClient::new(&server.address, &token).expect("a client");
    let mut stages = Vec::new();
    let tell = |facts: &MessageFacts| stages.push(facts.recipients[0].stage);
    let reply = ask(&rest, &question(), WITHIN, looks, tell).await;
    (reply, stages)
}

fn path(request: &Value) -> String {
    let head = request["head"].as_str().expect("a head");
    let line = head.lines().next().expect("a request line");
    line.trim_end_matches(" HTTP/1.1").to_owned()
}

#[tokio::test]
async fn an_answer_is_found_by_its_question_and_read_by_its_id() {
    let stored = json!({ "id": message_id(1), "at": "x", "duplicate": false });
    let done = json!([{ "stage": "done", "at": "x", "reply": message_id(2) }]);
    let mut server = Scripted::start(vec![
        Connection::Http(201, stored),
        Connection::Http(200, way(1, "delivered", json!([]))),
        // A server that is away for a moment is asked again.
        Connection::Http(503, error(1606, true)),
        Connection::Http(200, way(1, "done", done)),
        Connection::Http(200, way(2, "delivered", json!([]))),
    ])
    .await;
    let (reply, stages) = asked(&server, Looks::Often).await;
    assert_eq!(
        reply.expect("an answer").facts.id.to_string(),
        message_id(2)
    );
    assert_eq!(stages, [Stage::Delivered, Stage::Done]);
    let sent = server.heard().await;
    let body: Value = serde_json::from_str(sent["body"].as_str().expect("a body")).expect("JSON");
    assert_eq!(
        (&body["expects_reply"], &body["deadline_seconds"]),
        (&json!(true), &json!(60))
    );
    let (question, answer) = (message_id(1), message_id(2));
    for expected in [
        format!("GET /v1/messages/{question}"),
        format!("GET /v1/messages/{question}?wait=1"),
        format!("GET /v1/messages/{question}?wait=1"),
        format!("GET /v1/messages/{answer}"),
    ] {
        assert_eq!(path(&server.heard().await), expected);
    }
}

#[tokio::test]
async fn who_does_not_watch_asks_as_rarely_as_may_be() {
    let stored = json!({ "id": message_id(1), "at": "x", "duplicate": false });
    let mut server = Scripted::start(vec![
        Connection::Http(201, stored),
        Connection::Http(200, way(1, "expired", json!([]))),
    ])
    .await;
    let (reply, _) = asked(&server, Looks::Seldom).await;
    assert_eq!(reply.expect_err("no answer").exit(), Exit::Temporary);
    server.heard().await;
    let expected = format!("GET /v1/messages/{}?wait=55", message_id(1));
    assert_eq!(path(&server.heard().await), expected);
}

#[test]
fn why_there_is_no_answer_is_said() {
    let step = |stage: &str| json!({ "stage": stage, "at": "x" });
    let table = [
        (
            "stored",
            vec!["stored"],
            Exit::Temporary,
            "has not come to get it",
        ),
        (
            "expired",
            vec!["stored", "expired"],
            Exit::Temporary,
            "has not come to get it",
        ),
        (
            "expired",
            vec!["delivered", "expired"],
            Exit::Temporary,
            "has not confirmed it",
        ),
        (
            "expired",
            vec!["delivered", "seen", "expired"],
            Exit::Temporary,
            "bob has seen",
        ),
        (
            "done",
            vec!["seen", "done"],
            Exit::Refused,
            "without an answer",
        ),
        (
            "dead",
            vec!["delivered", "dead"],
            Exit::Refused,
            "in 1 attempt",
        ),
    ];
    for (stage, history, exit, part) in table {
        let steps = history.into_iter().map(step).collect();
        let facts = serde_json::from_value(way(1, stage, steps)).expect("a message");
        let why = reply(&facts, WITHIN).expect_err(stage);
        assert_eq!(why.exit(), exit, "{why}");
        assert!(why.to_string().contains(part), "{why}");
    }
}
