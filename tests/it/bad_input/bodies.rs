//! Bodies that are no requests.

use std::io::ErrorKind;

use reqwest::Method;
use tokio::io::Interest;
use tokio::net::TcpStream;

use crate::support::{Reply, Rest, TestServer, within};
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

/// Writes chunks for as long as they are taken; returns the answer.
async fn chunks_without_end(server: &TestServer, head: &str) -> String {
    let stream = TcpStream::connect(server.addr).await.expect("a connection");
    let chunk = format!("4000\r\n{}\r\n", " ".repeat(0x4000));
    let head = format!("{head}\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n");
    let (mut rest, mut answer) = (head.as_bytes(), Vec::new());
    loop {
        match stream.try_write(rest) {
            Ok(written) => rest = &rest[written..],
            Err(why) if why.kind() == ErrorKind::WouldBlock => {
                let either = Interest::READABLE | Interest::WRITABLE;
                stream.ready(either).await.expect("a socket");
            }
            Err(_) => break,
        }
        match stream.try_read_buf(&mut answer) {
            Ok(0) => break,
            Err(why) if why.kind() != ErrorKind::WouldBlock => break,
            Ok(_) | Err(_) => {}
        }
        if rest.is_empty() {
            rest = chunk.as_bytes();
            tokio::task::yield_now().await;
        }
    }
    String::from_utf8(answer).expect("text")
}

#[tokio::test]
async fn a_body_in_chunks_that_has_no_end_is_cut_off() {
    let server = TestServer::start();
    let token = server.token("ann");
    let asked = format!("POST /v1/rooms HTTP/1.1\r\nAuthorization: Bearer {token}");
    for (head, status) in [
        (asked.as_str(), "HTTP/1.1 413 "),
        ("POST /v1/rooms HTTP/1.1", "HTTP/1.1 401 "),
        ("GET /health HTTP/1.1", "HTTP/1.1 200 "),
    ] {
        let answer = within("the end of it", chunks_without_end(&server, head)).await;
        assert!(answer.starts_with(status), "{head}: {answer}");
        assert!(answer.contains("connection: close"), "{head}: {answer}");
    }
}

/// Whoever says in chunks what is refused, and ends it, is not cut off before the answer.
#[tokio::test]
async fn a_body_in_chunks_that_is_refused_is_answered() {
    let server = TestServer::start();
    let stream = TcpStream::connect(server.addr).await.expect("a connection");
    let ask = b"POST /v1/rooms HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n\
        2\r\n{}\r\n0\r\n\r\n";
    assert_eq!(stream.try_write(ask).expect("a socket"), ask.len());
    let mut answer = Vec::new();
    let read_all = async {
        loop {
            stream.readable().await.expect("a socket");
            match stream.try_read_buf(&mut answer) {
                Ok(0) => break,
                Ok(_) => {}
                Err(why) => assert_eq!(why.kind(), ErrorKind::WouldBlock, "not a reset"),
            }
        }
    };
    within("the end of the connection", read_all).await;
    let answer = String::from_utf8(answer).expect("text");
    assert!(answer.starts_with("HTTP/1.1 401 "), "{answer}");
    assert!(answer.ends_with('}'), "{answer}");
}
