//! Whatever is said about decisions may be repeated with its key, over either transport.

use reqwest::Method;
use serde_json::{Value, json};

use super::{DECISIONS, den, path_of};
use crate::support::ws::as_told_to_all;
use crate::support::{Rest, TestServer};

/// A request over REST, and another one that is good as well.
struct Step {
    method: Method,
    path: String,
    body: Value,
    other: Value,
    /// Of the first time.
    status: u16,
}

fn post(path: impl Into<String>, body: Value, other: Value) -> Step {
    Step {
        method: Method::POST,
        path: path.into(),
        body,
        other,
        status: 201,
    }
}

fn put(path: String, body: Value, other: Value) -> Step {
    Step {
        method: Method::PUT,
        status: 200,
        ..post(path, body, other)
    }
}

/// Asks three times under one key: twice the same, which is answered alike, and then for the other.
async fn repeated(rest: &Rest, step: Step, key: &str) -> Value {
    let path = &step.path;
    let ask = async |body| rest.keyed(step.method.clone(), path, Some(body), key).await;
    let first = ask(&step.body).await.ok(step.status);
    let head = rest.head("den").await;
    let mut again = ask(&step.body).await.ok(200);
    assert_eq!(rest.head("den").await, head, "{path}: nothing was added");
    if again["type"] == "event" {
        assert_eq!(again["duplicate"], true, "{path}");
        again = as_told_to_all(&again);
    }
    assert_eq!(again, first, "{path}");
    ask(&step.other).await.error(409, "key_reused", 1400);
    assert_eq!(rest.head("den").await, head, "{path}: nothing was added");
    first
}

#[tokio::test]
async fn a_repeat_of_a_vote_or_a_text_gets_the_original() {
    let server = TestServer::start();
    let ann = den(&server, &["bob", "cem"]).await;
    let proposal = json!({"text": "x", "vote_type": "consensus"});
    let other = json!({"text": "x"});
    let proposed = repeated(&ann, post(DECISIONS, proposal, other), "propose").await;
    let of = |end: &str| format!("{}/{end}", path_of(&proposed));
    let ballot = |choice: &str| json!({"version": 1, "choice": choice, "reason": "so"});
    let step = put(of("ballot"), ballot("approve"), ballot("abstain"));
    repeated(&ann, step, "vote").await;
    let amendment = |text: &str| json!({"version": 1, "text": text});
    let step = post(of("amendments"), amendment("y"), amendment("z"));
    repeated(&ann, step, "amend").await;
    let consent = |choice: &str| json!({"choice": choice});
    let step = put(
        of("amendments/1/ballot"),
        consent("reject"),
        consent("approve"),
    );
    repeated(&ann, step, "adopt").await;

    let other = ann.post(DECISIONS, &json!({"text": "z"})).await.ok(201);
    let path = path_of(&other);
    let gone = ann
        .keyed(Method::DELETE, &path, None, "withdraw")
        .await
        .ok(200);
    let again = ann
        .keyed(Method::DELETE, &path, None, "withdraw")
        .await
        .ok(200);
    assert_eq!((&gone["state"], &gone), (&json!("withdrawn"), &again));
    ann.keyed(Method::DELETE, &path_of(&proposed), None, "withdraw")
        .await
        .error(409, "key_reused", 1400);
    let policy = |seconds: u32| json!({"policy": {"veto_window_seconds": seconds}});
    let step = Step {
        method: Method::PATCH,
        ..put("/v1/rooms/den".to_owned(), policy(7), policy(8))
    };
    assert_eq!(
        repeated(&ann, step, "policy").await["policy"]["veto_window_seconds"],
        7
    );
}

#[tokio::test]
async fn a_repeat_of_what_is_said_gets_the_original() {
    let server = TestServer::start();
    let ann = den(&server, &["bob", "cem"]).await;
    let path = path_of(&ann.post(DECISIONS, &json!({"text": "x"})).await.ok(201));
    let posted = ann
        .post("/v1/rooms/den/messages", &json!({"text": "hi"}))
        .await
        .ok(201);
    let message = posted["id"].as_str().expect("an id");
    let argument = |side: &str| json!({"side": side, "text": "no", "evidence": ["file_1"]});
    let step = post(
        format!("{path}/arguments"),
        argument("against"),
        argument("for"),
    );
    repeated(&ann, step, "argue").await;
    let doubt = |severity: &str| json!({"severity": severity, "text": "but"});
    let of_message = format!("/v1/rooms/den/messages/{message}/critiques");
    let step = post(of_message, doubt("blocking"), doubt("minor"));
    repeated(&ann, step, "critique a message").await;
    let step = post(
        format!("{path}/critiques"),
        doubt("blocking"),
        doubt("minor"),
    );
    let made = repeated(&ann, step, "critique").await;
    let critique = made["critique"].as_str().expect("an id");
    for answer in ["waive", "resolve"] {
        let path = format!("/v1/rooms/den/critiques/{critique}/{answer}");
        let step = Step {
            status: 200,
            ..post(path, json!({"text": "well"}), json!({}))
        };
        repeated(&ann, step, answer).await;
    }
}

/// A key belongs to a sender and a room, and not to a transport.
#[tokio::test]
async fn a_repeat_over_the_other_transport_gets_the_original() {
    let server = TestServer::start();
    let ann = den(&server, &["bob"]).await;
    let mut ws = server.session("ann").await;
    let frame = json!({"type": "propose", "room": "den", "text": "x", "key": "k"});
    let proposed = ws.done(frame).await;
    let again = ann
        .keyed(Method::POST, DECISIONS, Some(&json!({"text": "x"})), "k")
        .await;
    let again = again.ok(200);
    assert_eq!(again["decision"], proposed["decision"]);
    let ballot = json!({"version": 1, "choice": "approve"});
    let path = format!("{}/ballot", path_of(&again));
    ann.keyed(Method::PUT, &path, Some(&ballot), "b")
        .await
        .ok(200);
    let frame = json!({
        "type": "vote", "room": "den", "decision": proposed["decision"], "version": 1,
        "choice": "approve", "key": "b",
    });
    assert_eq!(ws.done(frame).await["duplicate"], true);
    assert_eq!(ann.head("den").await, 5);
}

/// The frames of a motion's life, each with a key; `DEC` and `CRIT` are what the first of them made.
fn frames() -> Vec<Value> {
    let frames = vec![
        json!({"type": "propose", "text": "x"}),
        json!({"type": "amend", "decision": "DEC", "version": 1, "text": "y"}),
        json!({"type": "argue", "decision": "DEC", "side": "for", "text": "yes"}),
        json!({"type": "critique", "target": "DEC", "severity": "minor", "text": "but"}),
        json!({"type": "waive", "critique": "CRIT", "text": "well"}),
        json!({"type": "resolve", "critique": "CRIT"}),
        json!({"type": "vote", "decision": "DEC", "version": 1, "choice": "abstain"}),
        json!({"type": "adopt", "decision": "DEC", "amendment": 1, "choice": "reject"}),
        json!({"type": "set_policy", "policy": {"propose": "coordinators"}}),
    ];
    let keyed = frames.into_iter().map(|mut frame| {
        frame["key"] = frame["type"].clone();
        frame["room"] = json!("den");
        frame
    });
    keyed.collect()
}

fn named(frame: &Value, made: &[Value]) -> Value {
    let mut text = frame.to_string();
    for (name, field) in [("DEC", "decision"), ("CRIT", "critique")] {
        let id = made.iter().find_map(|answer| answer[field].as_str());
        text = text.replace(name, id.unwrap_or("none"));
    }
    serde_json::from_str(&text).expect("still JSON")
}

#[tokio::test]
async fn a_repeat_over_a_session_gets_the_original_even_after_a_restart() {
    let server = TestServer::start();
    den(&server, &["bob", "cem"]).await;
    let mut ws = server.session("ann").await;
    let mut originals = Vec::new();
    for frame in frames() {
        let frame = named(&frame, &originals);
        let answer = ws.done(frame.clone()).await;
        assert_eq!(
            (&answer["type"], answer.get("duplicate")),
            (&json!("event"), None),
            "{answer}"
        );
        let again = ws.done(frame).await;
        assert_eq!(again["duplicate"], true, "{again}");
        assert_eq!(as_told_to_all(&again), as_told_to_all(&answer));
        originals.push(answer);
    }
    drop(ws);
    let server = server.restart();
    let mut ws = server.session("ann").await;
    for (frame, original) in frames().iter().zip(&originals) {
        let again = ws.done(named(frame, &originals)).await;
        assert_eq!(again["duplicate"], true, "{again}");
        assert_eq!(as_told_to_all(&again), as_told_to_all(original));
    }
    let mut reused = json!({"type": "propose", "room": "den", "text": "other", "key": "propose"});
    ws.refused(reused.clone(), 1400).await;
    // Another client's key is another key.
    reused["text"] = json!("x");
    server.session("bob").await.refused(reused, 1101).await;
}
