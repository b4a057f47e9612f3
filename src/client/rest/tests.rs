use serde_json::json;

use super::*;
use crate::client::error::Exit;
use crate::client::tests::scripted::{Connection, Scripted, error};

fn exit(status: u16, body: &str) -> (Exit, String) {
    let status = StatusCode::from_u16(status).expect("a status");
    let refusal = refusal(status, body.as_bytes());
    let error = ClientError::Refused(Box::new(refusal));
    (error.exit(), error.to_string())
}

fn client(server: &Scripted) -> RestClient {
    RestClient::new(&server.address, &Token::from("a.b.c".to_owned())).expect("a client")
}

/// The value of a header of a request.
fn field(request: &Value, name: &str) -> Option<String> {
    let head = request["head"]
        .as_str()
        .expect("a head")
        .to_ascii_lowercase();
    head.lines()
        .find_map(|line| line.strip_prefix(&format!("{name}: ")).map(str::to_owned))
}

#[tokio::test]
async fn what_passes_is_repeated_with_the_same_key() {
    let mut server = Scripted::start(vec![
        Connection::Http(503, error(1601, true)),
        Connection::Http(503, error(1603, true)),
        Connection::Http(201, json!({ "seq": 4 })),
    ])
    .await;
    let body = json!({ "text": "hi" });
    let answer = client(&server)
        .post(&["v1", "rooms", "r", "messages"], &body, None)
        .await;
    assert_eq!(answer.expect("the third answer"), json!({ "seq": 4 }));
    let first = server.heard().await;
    let key = field(&first, "idempotency-key").expect("a key");
    assert_eq!(
        field(&first, "authorization").as_deref(),
        Some("bearer a.b.c")
    );
    assert_eq!(first["body"], body.to_string());
    for _ in 0..2 {
        assert_eq!(
            field(&server.heard().await, "idempotency-key"),
            Some(key.clone())
        );
    }
}

#[tokio::test]
async fn what_does_not_pass_is_not_repeated() {
    let mut server = Scripted::start(vec![Connection::Http(404, error(1200, false))]).await;
    let why = client(&server)
        .get(&["v1", "rooms", "r"], &[])
        .await
        .expect_err("a refusal");
    assert_eq!(why.exit(), Exit::Refused);
    assert_eq!(
        field(&server.heard().await, "idempotency-key"),
        None,
        "reading changes nothing"
    );
}

#[tokio::test]
async fn patience_has_an_end() {
    let refusals = (0..=RETRIES_MAX).map(|_| Connection::Http(503, error(1601, true)));
    let server = Scripted::start(refusals.collect()).await;
    let why = client(&server)
        .delete(&["v1", "rooms", "r"], None)
        .await
        .expect_err("a refusal");
    assert_eq!(why.exit(), Exit::Temporary);
    let nobody = Scripted::start(Vec::new()).await;
    let why = client(&nobody)
        .get(&["health"], &[])
        .await
        .expect_err("nobody is there");
    assert_eq!(why.exit(), Exit::Unreachable);
}

#[test]
fn our_refusals_are_read() {
    let body = r#"{"error": {"code": "internal", "number": 1900, "message": "an internal error",
        "temporary": false, "retry_after_ms": null}, "request_id": "req_1"}"#;
    let (code, text) = exit(500, body);
    assert_eq!(code, Exit::Refused);
    assert_eq!(text, "an internal error (1900 internal) [request req_1]");
}

#[test]
fn a_proxys_refusals_are_understood() {
    assert_eq!(exit(502, "<html>Bad Gateway").0, Exit::Temporary);
    assert_eq!(exit(429, "").0, Exit::Temporary);
    assert_eq!(exit(401, "").0, Exit::Unauthorized);
    let (code, text) = exit(404, "no such page");
    assert_eq!(code, Exit::Refused);
    assert_eq!(
        text,
        "the server answered 404 Not Found: no such page (404 http)"
    );
}

#[test]
fn a_key_of_another_script_is_refused_here() {
    let key = |text: &str| text.parse::<IdempotencyKey>().expect("a key");
    assert!(header(&key("release 1.0/tag")).is_ok());
    assert!(matches!(
        header(&key("schlüssel")),
        Err(ClientError::Input(_))
    ));
}
