//! What takes minutes, with a clock that is turned.

use std::time::Duration;

use serde_json::json;

use super::mail::{ended, history, known, message, say, send, steps, take, take_after, texts};
use crate::support::TestServer;

const MINUTE: Duration = Duration::from_secs(60);

/// Lets what is due by now happen: a message to somebody else ends, and everything that was due
/// with it was looked at.
async fn let_it_happen(server: &TestServer, time: Duration) {
    let ann = server.rest("ann");
    let timer = json!({"to": "cem", "text": "tick", "ttl_seconds": 1});
    let timer = send(&ann, timer).await;
    server.clock.turn(time);
    // The token that was good before may not be any more.
    let shown = ended(&server.rest("ann"), &timer).await;
    assert_eq!(shown["recipients"][0]["stage"], "expired");
}

/// A step of priority is worth a minute.
#[tokio::test]
async fn what_has_waited_long_enough_goes_before_what_is_urgent() {
    let server = TestServer::start();
    known(&server, &["bob", "dora"]).await;
    let ann = server.rest("ann");
    let with = |to: &str, text: &str, priority: u8| {
        let body = json!({"to": to, "text": text, "priority": priority});
        let ann = &ann;
        async move { send(ann, body).await }
    };
    for to in ["bob", "dora"] {
        with(to, "old", 0).await;
    }
    server.clock.turn(2 * MINUTE);
    for to in ["bob", "dora"] {
        with(to, "urgent", 3).await;
    }
    server.clock.turn(2 * MINUTE);
    let mut ids = Vec::new();
    for to in ["bob", "dora"] {
        ids.push(with(to, "urgent too", 3).await);
    }
    let wanted = ["urgent", "old", "urgent too"];
    let page = take(&server.rest("bob"), "").await;
    assert_eq!(texts(&page["items"]), wanted);
    let mut dora = server.session("dora").await;
    let mut told = Vec::new();
    for _ in wanted {
        told.push(dora.expect("message").await);
    }
    assert_eq!(texts(&json!(told)), wanted);
}

/// A model that thinks for twenty minutes has not failed; one that never comes back has, in an
/// hour.
#[tokio::test]
async fn a_receiver_that_thinks_for_twenty_minutes_keeps_its_message() {
    let server = TestServer::start();
    known(&server, &["bob", "cem"]).await;
    let (ann, bob) = (server.rest("ann"), server.rest("bob"));
    let id = say(&ann, "bob", "think about it").await;
    let page = take(&bob, "wait=10").await;
    assert_eq!(texts(&page["items"]), ["think about it"]);
    let_it_happen(&server, 20 * MINUTE).await;
    let shown = history(&ann, &id).await;
    assert_eq!(steps(&shown), ["stored", "delivered 1 call"]);
    let other = say(&ann, "bob", "and about this").await;
    let page = take_after(&bob, &page, "wait=10").await;
    assert_eq!(texts(&page["items"]), ["and about this"]);
    assert_eq!(
        steps(&history(&ann, &id).await),
        ["stored", "delivered 1 call", "seen"]
    );
    let_it_happen(&server, 61 * MINUTE).await;
    let mut session = server.session("bob").await;
    let again = message(&mut session, &other).await;
    assert_eq!(again["attempt"], 2);
    let wanted = ["stored", "delivered 1 call", "returned 1 lease_expired"];
    let shown = history(&server.rest("ann"), &other).await;
    assert_eq!(steps(&shown)[..3], wanted);
}
