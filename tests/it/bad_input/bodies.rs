//! Bodies that are no requests.

use reqwest::Method;

use crate::support::{Reply, Rest, TestServer};
use serde_json::json;

const MESSAGES: &str = "/v1/rooms/den/messages";

async fn send(rest: &Rest, body: impl Into<reqwest::Body>) -> Reply {
    rest.send(rest.request(Method::POST, MESSAGES).body(body))
        .await
}

async fn den(server: &TestServer) -> Rest {
    let rest = server.rest("ann");
    rest.post("/v1/rooms", &json!({"room": "den"}))
        .await
        .ok(201);
    rest
}

#[tokio::test]
async fn a_body_that_is_no_object_is_refused() {
    let server = TestServer::start();
    let rest = den(&server).await;
    let bodies: [&[u8]; 12] = [
        b"",
        b" ",
        b"{",
        b"null",
        b"7",
        b"\"text\"",
        b"[]",
        b"[\"main\", \"a list is no object\"]",
        b"{\"text\": \"x\"} {}",
        b"{\"text\": \"\xff\"}",
        b"text=x",
        b"\xef\xbb\xbf{\"text\": \"x\"}",
    ];
    for body in bodies {
        send(&rest, body).await.error(400, "bad_json", 1001);
    }
    send(&rest, "{\"text\": 1}")
        .await
        .error(400, "invalid_field", 1003);
    send(&rest, "{}").await.error(400, "invalid_field", 1003);
    send(&rest, "{\"text\": \"a\", \"text\": \"b\"}")
        .await
        .error(400, "bad_json", 1001);
    assert_eq!(rest.head("den").await, 2);
}

#[tokio::test]
async fn a_body_that_is_too_large_is_refused() {
    let server = TestServer::start();
    let rest = den(&server).await;
    for path in ["/v1/rooms", MESSAGES, "/v1/rooms/den/channels"] {
        let large = "x".repeat(512 * 1024 + 1);
        let request = rest.request(Method::POST, path).body(large);
        rest.send(request).await.error(413, "too_large", 1004);
    }
    // A body that announces more than it sends is not waited for.
    let fits = format!(
        "{{\"text\": \"x\", \"filler\": \"{}\"}}",
        "x".repeat(500 * 1024)
    );
    send(&rest, fits).await.ok(201);
    assert_eq!(rest.head("den").await, 3);
}

#[tokio::test]
async fn a_key_that_is_none_is_refused() {
    let server = TestServer::start();
    let rest = den(&server).await;
    for key in [&b""[..], &[b'x'; 129][..], b" ", b"a\tb", b"\xff\xfe"] {
        let request = rest
            .request(Method::POST, MESSAGES)
            .json(&json!({"text": "x"}));
        let reply = rest.send(request.header("Idempotency-Key", key)).await;
        reply.error(400, "invalid_field", 1003);
    }
    assert_eq!(rest.head("den").await, 2);
    let request = rest
        .request(Method::POST, MESSAGES)
        .json(&json!({"text": "x"}));
    let reply = rest
        .send(request.header("Idempotency-Key", "ключ".as_bytes()))
        .await;
    reply.ok(201);
}
