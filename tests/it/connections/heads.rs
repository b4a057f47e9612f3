//! The beginning of a request, or of none.

use std::time::Duration;

use agent_bridge::system::Stopwatch;
use tokio::time::interval;

use super::until_open;
use crate::support::raw::Raw;
use crate::support::{PATIENCE, TestServer, within};

const SOON: Duration = Duration::from_secs(1);
const HEAD: &str = "GET /health HTTP/1.1\r\nhost: here\r\n";

/// Only the time for a first head is short.
fn hasty() -> TestServer {
    TestServer::tuned("", |tuning| tuning.request_head = SOON)
}

#[tokio::test]
async fn who_sends_nothing_is_sent_away() {
    let server = hasty();
    let raw = Raw::connect(server.addr).await;
    let answer = raw.to_the_end().await;
    assert!(answer.starts_with("HTTP/1.1 408 "), "{answer}");
    until_open(&server, 0).await;
}

#[tokio::test]
async fn who_sends_a_head_byte_by_byte_is_sent_away() {
    let server = hasty();
    let raw = Raw::connect(server.addr).await;
    let since = Stopwatch::start();
    let drip = async {
        let mut moment = interval(SOON / 20);
        raw.try_write(HEAD.as_bytes()).await?;
        loop {
            moment.tick().await;
            raw.try_write(b"x").await?;
        }
    };
    let ended: std::io::Result<()> = within("the end of the patience", drip).await;
    ended.expect_err("it hung up");
    let took = since.elapsed();
    // Each byte is a sign of life; what counts is that the head does not end.
    assert!(took >= SOON / 2 && took < PATIENCE / 2, "{took:?}");
    until_open(&server, 0).await;
}

#[tokio::test]
async fn a_head_without_end_is_refused_before_it_is_read_whole() {
    let server = TestServer::start();
    for head in [
        format!("GET /{} HTTP/1.1\r\n", "x".repeat(1 << 20)),
        format!("{HEAD}x-filler: {}\r\n", "x".repeat(1 << 20)),
    ] {
        let raw = Raw::connect(server.addr).await;
        // It may hang up before it has all of it.
        drop(within("the head to be sent", raw.try_write(head.as_bytes())).await);
        let answer = raw.to_the_end().await;
        let is_refused = answer.starts_with("HTTP/1.1 431 ") || answer.is_empty();
        assert!(is_refused, "{answer}");
    }
    until_open(&server, 0).await;
}

#[tokio::test]
async fn a_connection_that_idles_after_a_request_is_closed() {
    let server = TestServer::tuned("", |tuning| tuning.keep_alive = SOON);
    let raw = Raw::connect(server.addr).await;
    for _ in 0..3 {
        raw.write(format!("{HEAD}\r\n").as_bytes()).await;
        let answer = raw.head().await;
        assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    }
    assert_eq!(raw.to_the_end().await, "", "it closes without a word");
    until_open(&server, 0).await;
}

/// The web server itself has no time for the head of any but the first request.
#[tokio::test]
async fn a_second_head_that_does_not_end_is_cut_off_too() {
    let server = TestServer::tuned("", |tuning| {
        tuning.idle = SOON;
        tuning.look_every = SOON / 10;
    });
    let raw = Raw::connect(server.addr).await;
    raw.write(format!("{HEAD}\r\n").as_bytes()).await;
    raw.head().await;
    raw.write(HEAD.as_bytes()).await;
    assert_eq!(raw.to_the_end().await, "");
    // Who is served is not idle, however long it takes.
    let rest = server.rest("ann");
    rest.post("/v1/rooms", &serde_json::json!({"room": "den"}))
        .await
        .ok(201);
    let waited = rest
        .get("/v1/rooms/den/events?after=2&wait=3")
        .await
        .ok(200);
    assert_eq!(waited["items"], serde_json::json!([]));
    until_open(&server, 0).await;
}

/// An upgrade and then no word: the rule for `hello` ends it, not that for heads.
#[tokio::test]
async fn who_upgrades_and_says_nothing_is_not_held_to_the_rules_of_requests() {
    let server = TestServer::tuned("", |tuning| {
        tuning.request_head = SOON;
        tuning.keep_alive = SOON;
        tuning.idle = SOON;
        tuning.look_every = SOON / 10;
    });
    let mut ws = server.open("ann").await;
    ws.bye(4006).await;
    until_open(&server, 0).await;
}
