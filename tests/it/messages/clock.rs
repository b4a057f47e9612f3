//! The wall clock is set while the server runs.

use std::time::Duration;

use serde_json::json;

use super::mail::{
    NOTHING, ack, ended, history, id_of, known, message, millis_between, say, send, steps, until,
    until_stage,
};
use crate::support::TestServer;

/// Shorter than a token's life.
const HALF_AN_HOUR: Duration = Duration::from_secs(1_800);
const MINUTE: Duration = Duration::from_secs(60);

/// That a message is over is what everybody sees on their own clock.
#[tokio::test]
async fn a_clock_that_is_set_forward_ends_what_has_an_end_by_it() {
    let server = TestServer::start();
    known(&server, &["bob"]).await;
    let mut ann = server.session("ann").await;
    let brief = json!({"type": "send", "to": "bob", "text": "brief", "ttl_seconds": 1_000});
    let brief = id_of(&ann.done(brief).await);
    let lasting = say(&server.rest("ann"), "bob", "lasting").await;
    server.clock.set_forward(HALF_AN_HOUR);
    let mut bob = server.session("bob").await;
    message(&mut bob, &lasting).await;
    let is_of_it = |frame: &serde_json::Value| frame["id"] == brief.as_str();
    assert_eq!(ann.until(is_of_it).await["stage"], "expired");
    // Written down and told by the clock that was set.
    let shown = ended(&server.rest("ann"), &brief).await;
    let late = millis_between(&shown["expires_at"], &shown["recipients"][0]["at"]);
    assert!((700_000..900_000).contains(&late), "{late} ms");
    assert_eq!(bob.settled().await, NOTHING);
}

/// Else whatever was to happen in a second would happen in half an hour and a second.
#[tokio::test]
async fn a_clock_that_is_set_back_holds_nothing_up() {
    let server = TestServer::with("[messages]\nlease_seconds = 1\n");
    known(&server, &["bob", "cem"]).await;
    let ann = server.rest("ann");
    let brief = |to: &str| json!({"to": to, "text": "brief", "ttl_seconds": 1});
    let over = send(&ann, brief("cem")).await;
    ended(&ann, &over).await;
    let mut bob = server.session("bob").await;
    let id = say(&ann, "bob", "x").await;
    assert_eq!(message(&mut bob, &id).await["attempt"], 1);
    until_stage(&ann, &id, "delivered").await;
    server.clock.set_back(HALF_AN_HOUR);
    // A lease that was given before, and one after it.
    for attempt in 2..=3 {
        assert_eq!(message(&mut bob, &id).await["attempt"], attempt);
    }
    // A life that begins after it, in a mailbox that has a record from before.
    let fresh = send(&ann, brief("cem")).await;
    assert_eq!(steps(&ended(&ann, &fresh).await), ["stored", "expired ttl"]);
    assert_eq!(steps(&ended(&ann, &over).await), ["stored", "expired ttl"]);
    assert_eq!(server.session("cem").await.settled().await, NOTHING);
}

/// What was told to be over stays so, and what is sent after comes after.
#[tokio::test]
async fn the_order_of_a_mailbox_survives_a_clock_that_is_set_back() {
    let server = TestServer::start();
    known(&server, &["bob"]).await;
    let ann = server.rest("ann");
    let mut ids = Vec::new();
    for text in ["one", "two", "three"] {
        ids.push(say(&ann, "bob", text).await);
        server.clock.set_back(MINUTE);
    }
    let mut bob = server.session("bob").await;
    let mut before: Option<serde_json::Value> = None;
    for id in &ids {
        let told = message(&mut bob, id).await;
        if let Some(before) = before.replace(told["at"].clone()) {
            assert!(millis_between(&before, &told["at"]) >= 0);
        }
    }
}

/// A lease is time to work in, and none has gone by.
#[tokio::test]
async fn a_clock_that_is_set_forward_ends_no_lease() {
    let server = TestServer::start();
    known(&server, &["bob"]).await;
    let ann = server.rest("ann");
    let id = say(&ann, "bob", "think about it").await;
    let mut bob = server.session("bob").await;
    message(&mut bob, &id).await;
    until_stage(&ann, &id, "delivered").await;
    server.clock.set_forward(HALF_AN_HOUR);
    let extended = until("the lease to go on", async || {
        let shown = history(&ann, &id).await;
        let step = shown["recipients"][0]["history"][2].clone();
        (step["stage"] == "extended").then_some(step)
    });
    let extended = extended.await;
    let left = millis_between(&extended["at"], &extended["until"]);
    assert!((200_000..=300_000).contains(&left), "{left} ms");
    ack(&mut bob, &id, "done").await;
    let wanted = ["stored", "delivered 1 session", "extended 1", "done"];
    assert_eq!(steps(&ended(&ann, &id).await), wanted);
    assert_eq!(bob.settled().await, NOTHING);
}

/// Another process knows from the log how late it is.
#[tokio::test]
async fn a_clock_that_was_set_back_before_a_restart_holds_nothing_up() {
    let server = TestServer::with("[messages]\nlease_seconds = 1\n");
    known(&server, &["bob"]).await;
    let before = say(&server.rest("ann"), "bob", "before").await;
    server.clock.set_back(HALF_AN_HOUR);
    let restarted = tokio::task::spawn_blocking(|| server.restart()).await;
    let server = restarted.expect("no panic");
    let mut bob = server.session("bob").await;
    for attempt in 1..=2 {
        assert_eq!(message(&mut bob, &before).await["attempt"], attempt);
    }
    ack(&mut bob, &before, "done").await;
    let brief = json!({"to": "bob", "text": "brief", "ttl_seconds": 1});
    let brief = send(&server.rest("ann"), brief).await;
    message(&mut bob, &brief).await;
    let shown = ended(&server.rest("ann"), &brief).await;
    assert_eq!(shown["recipients"][0]["stage"], "expired");
}
