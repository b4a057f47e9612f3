//! Whatever is said about decisions may be repeated with its key, over either transport.

use reqwest::Method;
use serde_json::{Value, json};

use super::{DECISIONS, den, path_of};
use crate::support::ws::as_told_to_all;
use crate::support::{Rest, TestServer};

/// Method, path, body and the status of the first time.
type Step = (Method, String, Value, u16);

async fn repeated(rest: &Rest, (method, path, body, status): Step, key: &str) -> Value {
    let ask = || rest.keyed(method.clone(), &path, Some(&body), key);
    let first = ask().await.ok(status);
    let head = rest.head("den").await;
    let mut again = ask().await.ok(200);
    assert_eq!(rest.head("den").await, head, "{path}: nothing was added");
    if again["type"] == "event" {
        assert_eq!(again["duplicate"], true, "{path}");
        again = as_told_to_all(&again);
    }
    assert_eq!(again, first, "{path}");
    let other = json!({"text": "another", "version": 1, "choice": "abstain", "severity": "minor",
        "side": "for", "policy": {"propose": "coordinators"}});
    let reused = rest.keyed(method, &path, Some(&other), key).await;
    assert!(
        matches!(reused.status, 400 | 409 | 200),
        "{path}: {}",
        reused.text
    );
    if reused.status == 409 {
        reused.error(409, "key_reused", 1400);
    }
    first
}

#[tokio::test]
async fn a_repeat_over_rest_gets_the_original() {
    let server = TestServer::start();
    let ann = den(&server, &["bob", "cem"]).await;
    let proposal = json!({"text": "x", "vote_type": "consensus"});
    let step = (Method::POST, DECISIONS.to_owned(), proposal, 201);
    let path = path_of(&repeated(&ann, step, "propose").await);
    let of = |end: &str| format!("{path}/{end}");
    let amendment = json!({"version": 1, "text": "y"});
    let argument = json!({"side": "against", "text": "no", "evidence": ["file_1"]});
    let doubt = json!({"severity": "blocking", "text": "but"});
    let ballot = json!({"version": 1, "choice": "approve", "reason": "so"});
    let posted = ann
        .post("/v1/rooms/den/messages", &json!({"text": "hi"}))
        .await
        .ok(201);
    let message = posted["id"].as_str().expect("an id");
    let of_message = format!("/v1/rooms/den/messages/{message}/critiques");
    repeated(&ann, (Method::PUT, of("ballot"), ballot, 200), "vote").await;
    repeated(
        &ann,
        (Method::POST, of("amendments"), amendment, 201),
        "amend",
    )
    .await;
    let consent = json!({"choice": "reject"});
    repeated(
        &ann,
        (Method::PUT, of("amendments/1/ballot"), consent, 200),
        "adopt",
    )
    .await;
    repeated(
        &ann,
        (Method::POST, of("arguments"), argument, 201),
        "argue",
    )
    .await;
    let made = repeated(
        &ann,
        (Method::POST, of("critiques"), doubt.clone(), 201),
        "critique",
    )
    .await;
    repeated(
        &ann,
        (Method::POST, of_message, doubt, 201),
        "critique message",
    )
    .await;
    let critique = format!(
        "/v1/rooms/den/critiques/{}",
        made["critique"].as_str().expect("an id")
    );
    let text = json!({"text": "well"});
    repeated(
        &ann,
        (Method::POST, format!("{critique}/waive"), text.clone(), 200),
        "waive",
    )
    .await;
    repeated(
        &ann,
        (Method::POST, format!("{critique}/resolve"), text, 200),
        "resolve",
    )
    .await;
    let other = ann.post(DECISIONS, &json!({"text": "z"})).await.ok(201);
    let withdraw = (Method::DELETE, path_of(&other), json!({}), 200);
    repeated(&ann, withdraw, "withdraw").await;
    let policy = json!({"policy": {"veto_window_seconds": 7}});
    repeated(
        &ann,
        (Method::PATCH, "/v1/rooms/den".to_owned(), policy, 200),
        "policy",
    )
    .await;
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
