use serde_json::{Value, json};

use super::*;
use crate::client::Token;
use crate::client::tests::scripted::{Connection, EPOCH, Scripted, error, soon};
use bridge_core::decision::State;

const ID: &str = "dec_00000000000000000000000000000001";

fn decision(state: &str) -> Connection {
    let weight = json!({"approve": 1, "reject": 0, "abstain": 0, "outstanding": 1});
    let mut tally = weight.clone();
    tally["weight"] = weight;
    Connection::Http(
        200,
        json!({
            "decision": ID, "room": "r", "channel": "main", "proposer": "ann", "proposed_at": "x",
            "state": state, "version": 1, "text": "x", "sha256": "x",
            "vote_type": "simple_majority", "deadline": "x", "tally": tally,
        }),
    )
}

fn head(seq: u64) -> Connection {
    Connection::Http(200, json!({ "room": "r", "head": seq, "epoch": EPOCH }))
}

fn page(event: Value, complete: bool) -> Connection {
    let mut event = event;
    for (name, value) in [("room", "r"), ("at", "x"), ("by", "ann")] {
        event[name] = json!(value);
    }
    let next = event["seq"].clone();
    Connection::Http(
        200,
        json!({ "items": [event], "next": next, "complete": complete }),
    )
}

async fn wait(server: &Scripted, seconds: u64) -> Result<Awaited, ClientError> {
    let token = Token::from("a.b.c".to_owned());
    let rest = RestClient::new(&server.address, &token).expect("a client");
    let until = Instant::now() + Duration::from_secs(seconds);
    let id = ID.parse().expect("an id");
    soon(rest.until_decided(id, until, |_| {})).await
}

/// The path of the next request, without what it waits for.
async fn path(server: &mut Scripted) -> String {
    let heard = server.heard().await;
    let head = heard["head"].as_str().expect("a head");
    let path = head.split(' ').nth(1).expect("a path");
    let path = path.split("&wait=").next().expect("something");
    path.to_owned()
}

#[tokio::test]
async fn the_log_wakes_whoever_waits() {
    let mut server = Scripted::start(vec![
        decision("open"),
        head(4),
        decision("open"),
        page(json!({"seq": 5, "kind": "posted"}), true),
        page(json!({"seq": 6, "kind": "decided", "decision": ID}), true),
        decision("vetoed"),
    ])
    .await;
    let awaited = wait(&server, 60).await.expect("a verdict");
    assert_eq!(awaited.decision.facts.state, State::Vetoed);
    assert!(awaited.lost.is_none());
    let decision = format!("/v1/decisions/{ID}");
    for expected in [
        &decision,
        "/v1/rooms/r",
        &decision,
        "/v1/rooms/r/events?after=4",
        "/v1/rooms/r/events?after=5",
        &decision,
    ] {
        assert_eq!(path(&mut server).await, expected);
    }
}

#[tokio::test]
async fn another_log_is_read_from_its_head() {
    let mut server = Scripted::start(vec![
        decision("open"),
        head(4),
        decision("open"),
        page(json!({"seq": 2, "kind": "posted"}), false),
        head(9),
        decision("approved"),
    ])
    .await;
    let awaited = wait(&server, 60).await.expect("a verdict");
    assert_eq!(awaited.decision.facts.state, State::Approved);
    for _ in 0..4 {
        path(&mut server).await;
    }
    assert_eq!(path(&mut server).await, "/v1/rooms/r");
}

#[tokio::test]
async fn a_server_that_goes_away_leaves_what_was_known() {
    let seen = [decision("open"), head(4), decision("open")];
    let away = (0..40).map(|_| Connection::Http(503, error(1606, true)));
    let server = Scripted::start(seen.into_iter().chain(away).collect()).await;
    let awaited = wait(&server, 3).await.expect("it was open");
    assert_eq!(awaited.decision.facts.state, State::Open);
    assert!(awaited.lost.is_some_and(|why| why.may_pass()));
}

#[tokio::test]
async fn a_server_that_was_never_there_says_nothing() {
    let server = Scripted::start(Vec::new()).await;
    let why = wait(&server, 1).await.expect_err("nobody is there");
    assert!(why.may_pass(), "{why}");
}

#[tokio::test]
async fn who_may_not_look_any_more_is_told_at_once() {
    let seen = [decision("open"), head(4), decision("open")];
    let gone = [Connection::Http(403, error(1201, false))];
    let server = Scripted::start(seen.into_iter().chain(gone).collect()).await;
    let why = wait(&server, 60).await.expect_err("a refusal");
    assert!(!why.may_pass(), "{why}");
}
