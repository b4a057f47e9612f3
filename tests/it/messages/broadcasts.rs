//! Messages to `all`.

use serde_json::{Value, json};

use super::mail::{NOTHING, history, id_of, known, list, say, send, take, take_after, texts};
use crate::support::{Rest, TestServer, Ws};

const SCOPES: &str = "message room broadcast";

fn caller(server: &TestServer) -> Rest {
    server.rest_with("ann", SCOPES)
}

async fn to_all(from: &Rest, text: &str) -> String {
    send(from, json!({"to": "all", "text": text})).await
}

/// The next message, which is to all and has this text.
async fn heard(ws: &mut Ws, text: &str) -> Value {
    let frame = ws.expect("message").await;
    assert_eq!(
        (&frame["text"], &frame["to"]),
        (&json!(text), &json!("all")),
        "{frame}"
    );
    assert!(
        frame.get("attempt").is_none(),
        "it has no attempts: {frame}"
    );
    frame
}

/// Requests are answered when what was missed has been told. Who closes before that may be told
/// the last ones again, since how far one has read is noted by a session that has arrived.
async fn hello_is_over(ws: &mut Ws) {
    assert_eq!(ws.settled().await, NOTHING);
}

#[tokio::test]
async fn everybody_who_is_connected_hears_it() {
    let server = TestServer::start();
    let token = server.token_with("ann", SCOPES);
    let mut ann = Ws::open(server.addr, "ann", &token).await;
    ann.hello().await;
    let mut sessions = vec![server.session("bob").await, server.session("bob").await];
    sessions.push(server.session("cem").await);
    let frame = json!({"type": "send", "to": "all", "text": "hi", "key": "k", "priority": 3});
    let stored = ann.done(frame.clone()).await;
    let again = ann.done(frame).await;
    assert_eq!(
        (&again["id"], &again["duplicate"]),
        (&stored["id"], &json!(true))
    );
    ann.done(json!({"type": "send", "to": "all", "payload": [1]}))
        .await;
    sessions.push(ann);
    for session in &mut sessions {
        let told = heard(session, "hi").await;
        assert_eq!((&told["id"], &told["seq"]), (&stored["id"], &json!(1)));
        let hour = super::mail::millis_between(&told["at"], &told["expires_at"]);
        assert_eq!(hour, 3_600_000);
        assert_eq!(session.expect("message").await["payload"], json!([1]));
        assert_eq!(session.settled().await, NOTHING, "a repeat is no news");
    }
    // It has no stages, and nobody can confirm it.
    let id = id_of(&stored);
    let shown = history(&server.rest("cem"), &id).await;
    assert_eq!(
        (&shown["recipients"], &shown["text"]),
        (&json!([]), &json!("hi"))
    );
    sessions[0]
        .refused(json!({"type": "ack", "id": id, "stage": "seen"}), 1302)
        .await;
    // But it can be answered, if one knows what it says.
    let answer = json!({"type": "send", "to": "ann", "text": "hi!", "reply_to": id});
    sessions[2].done(answer).await;
}

#[tokio::test]
async fn who_was_away_hears_it_at_hello_and_not_again() {
    let server = TestServer::start();
    known(&server, &["bob"]).await;
    let ann = caller(&server);
    to_all(&ann, "one").await;
    to_all(&ann, "two").await;
    let direct = say(&ann, "bob", "to bob").await;
    let mut bob = server.session("bob").await;
    // What is for all is another stream than what is for bob: only within each there is an order.
    let mut missed = Vec::new();
    for _ in 0..3 {
        missed.push(bob.expect("message").await);
    }
    let (all, own): (Vec<Value>, Vec<Value>) =
        missed.into_iter().partition(|one| one["to"] == "all");
    assert_eq!(texts(&json!(all)), ["one", "two"]);
    assert_eq!(texts(&json!(own)), ["to bob"]);
    super::mail::ack(&mut bob, &direct, "done").await;
    to_all(&ann, "three").await;
    heard(&mut bob, "three").await;
    bob.close().await;
    for server in [server.restart()] {
        let ann = caller(&server);
        to_all(&ann, "four").await;
        for text in ["four", "five"] {
            let mut bob = server.session("bob").await;
            heard(&mut bob, text).await;
            hello_is_over(&mut bob).await;
            bob.close().await;
            to_all(&ann, "five").await;
        }
    }
}

/// A client that comes back at once is not told again what it was told, time and again.
#[tokio::test]
async fn who_comes_back_at_once_is_not_told_twice() {
    let server = TestServer::start();
    known(&server, &["bob"]).await;
    let ann = caller(&server);
    for round in 0..20 {
        let text = format!("{round}");
        to_all(&ann, &text).await;
        let mut bob = server.session("bob").await;
        heard(&mut bob, &text).await;
        hello_is_over(&mut bob).await;
        bob.close().await;
    }
}

#[tokio::test]
async fn a_cursor_says_from_where_one_is_told() {
    let server = TestServer::start();
    let mut bob = server.session("bob").await;
    let ann = caller(&server);
    for text in ["one", "two", "three"] {
        to_all(&ann, text).await;
        heard(&mut bob, text).await;
    }
    bob.close().await;
    let mut bob = server.open("bob").await;
    let welcome = bob.resume(json!({"broadcast": 1})).await;
    let resumed = json!({"from": 1, "to": 3, "complete": true});
    assert_eq!(welcome["broadcast"], resumed, "{welcome}");
    heard(&mut bob, "two").await;
    heard(&mut bob, "three").await;
    bob.close().await;
    // Of another life of the log, or ahead of it: one begins now, and is told so.
    let other = format!("ep_{}", "1".repeat(32));
    for resume in [
        json!({"epoch": other, "broadcast": 1}),
        json!({"broadcast": 7}),
    ] {
        let mut bob = server.open("bob").await;
        let welcome = bob.resume(resume).await;
        assert_eq!(welcome["broadcast"]["complete"], false, "{welcome}");
        bob.close().await;
    }
}

#[tokio::test]
async fn what_has_expired_and_what_came_before_one_is_not_told() {
    let server = TestServer::start();
    known(&server, &["bob"]).await;
    let ann = caller(&server);
    let brief = json!({"to": "all", "text": "brief", "ttl_seconds": 1});
    let brief = send(&ann, brief).await;
    to_all(&ann, "long").await;
    // Its end is nobody's event; a message to bob that ends after it is.
    let clock = json!({"to": "bob", "text": "clock", "ttl_seconds": 1});
    let clock = send(&ann, clock).await;
    super::mail::ended(&ann, &clock).await;
    let page = take(&server.rest("bob"), "").await;
    assert_eq!(texts(&page["items"]), ["long"]);
    let mut bob = server.session("bob").await;
    heard(&mut bob, "long").await;
    // Nor is it told by the log, from which one reads who is further behind.
    bob.close().await;
    let server = server.restart();
    let mut bob = server.open("bob").await;
    bob.resume(json!({"broadcast": 0})).await;
    heard(&mut bob, "long").await;
    history(&server.rest("bob"), &brief).await;
    // A client that is new begins now.
    let mut eve = server.session("eve").await;
    to_all(&caller(&server), "new").await;
    heard(&mut eve, "new").await;
    assert_eq!(take(&server.rest("dan"), "").await["items"], json!([]));
}

#[tokio::test]
async fn a_call_hands_them_over_too() {
    let server = TestServer::start();
    known(&server, &["bob"]).await;
    let (ann, bob) = (caller(&server), server.rest("bob"));
    let direct = say(&ann, "bob", "to bob").await;
    for text in ["one", "two", "three"] {
        to_all(&ann, text).await;
    }
    let page = take(&bob, "limit=3").await;
    assert_eq!(texts(&page["items"]), ["to bob", "one", "two"]);
    assert!(page["items"][1].get("attempt").is_none(), "{page}");
    // Not confirmed, and so handed over again.
    let page = take(&bob, "limit=3").await;
    assert_eq!(texts(&page["items"]), ["to bob", "one", "two"]);
    let page = take_after(&bob, &page, "limit=3").await;
    assert_eq!(texts(&page["items"]), ["three"]);
    let page = take_after(&bob, &page, "").await;
    assert_eq!((&page["items"], &page["next"]), (&json!([]), &json!(null)));
    // Also after a restart, without a cursor.
    super::mail::until("what was confirmed to be noted", async || {
        let page = take(&bob, "").await;
        list(&page["items"]).is_empty().then_some(())
    })
    .await;
    let server = server.restart();
    let bob = server.rest("bob");
    assert_eq!(take(&bob, "").await["items"], json!([]));
    let shown = history(&bob, &direct).await;
    assert_eq!(shown["recipients"][0]["stage"], "seen");
    // It wakes who waits.
    let ann = caller(&server);
    let (page, _) = tokio::join!(take(&bob, "wait=15"), to_all(&ann, "four"));
    assert_eq!(texts(&page["items"]), ["four"]);
}
