//! Long polls: reading one's mailbox by calls.

use std::time::Duration;

use agent_bridge::system::Stopwatch;
use serde_json::{Value, json};

use super::mail::{
    ended, history, id_of, known, list, say, send, silent, steps, take, take_after, texts, waiting,
};
use crate::support::{TestServer, within};

#[tokio::test]
async fn the_next_call_confirms_exactly_the_batch_before() {
    let server = TestServer::start();
    known(&server, &["bob"]).await;
    let (ann, bob) = (server.rest("ann"), server.rest("bob"));
    let mut ids = Vec::new();
    for text in ["one", "two", "three"] {
        ids.push(say(&ann, "bob", text).await);
    }
    let stages = async || {
        let mut stages = Vec::new();
        for id in &ids {
            let shown = history(&ann, id).await;
            let stage = shown["recipients"][0]["stage"].as_str();
            stages.push(stage.expect("a stage").to_owned());
        }
        stages
    };
    let page = take(&bob, "limit=2").await;
    assert_eq!(texts(&page["items"]), ["one", "two"]);
    assert_eq!(
        (&page["complete"], &page["receipts"]),
        (&json!(true), &json!([]))
    );
    assert_eq!(page["items"][0]["type"], "message");
    assert_eq!(stages().await, ["delivered", "delivered", "stored"]);
    let urgent = json!({"to": "bob", "text": "urgent", "priority": 3});
    send(&ann, urgent).await;
    let second = take_after(&bob, &page, "limit=2").await;
    assert_eq!(texts(&second["items"]), ["urgent", "three"]);
    assert_eq!(stages().await, ["seen", "seen", "delivered"]);
    // A call whose answer was lost is made again: the same is confirmed, and the rest comes again.
    let third = take_after(&bob, &page, "limit=2").await;
    assert_eq!(texts(&third["items"]), ["urgent", "three"]);
    assert_eq!(third["items"][0]["attempt"], 2);
    let last = take_after(&bob, &third, "").await;
    assert_eq!((&last["items"], &last["next"]), (&json!([]), &json!(null)));
    assert_eq!(stages().await, ["seen", "seen", "seen"]);
    let shown = history(&ann, &ids[0]).await;
    assert_eq!(steps(&shown), ["stored", "delivered 1 call", "seen"]);
}

#[tokio::test]
async fn a_call_waits_for_something_and_no_longer() {
    let server = TestServer::start();
    known(&server, &["bob"]).await;
    let (ann, bob) = (server.rest("ann"), server.rest("bob"));
    let since = Stopwatch::start();
    let page = take(&bob, "wait=2").await;
    assert_eq!((&page["items"], &page["next"]), (&json!([]), &json!(null)));
    assert!(since.elapsed() >= Duration::from_secs(2), "it did not wait");
    // It wakes when something comes.
    let (page, _) = tokio::join!(take(&bob, "wait=55"), say(&ann, "bob", "now"));
    assert_eq!(texts(&page["items"]), ["now"]);
    // It does not wait when something is there, nor for what it confirms.
    say(&ann, "bob", "there").await;
    let page = take_after(&bob, &page, "wait=55").await;
    assert_eq!(texts(&page["items"]), ["there"]);
    let (page, _) = tokio::join!(take_after(&bob, &page, "wait=55"), say(&ann, "bob", "next"));
    assert_eq!(texts(&page["items"]), ["next"]);
}

/// Of several who wait for the same client one gets a message, once.
#[tokio::test]
async fn who_waits_beside_another_takes_nothing_from_it() {
    let server = TestServer::start();
    known(&server, &["bob"]).await;
    let (ann, bob) = (server.rest("ann"), server.rest("bob"));
    let polls = async {
        tokio::join!(
            take(&bob, "wait=1"),
            take(&bob, "wait=1"),
            take(&bob, "wait=2")
        )
    };
    let (polled, id) = tokio::join!(polls, say(&ann, "bob", "x"));
    let (one, two, three) = polled;
    let mut got: Vec<usize> = [&one, &two, &three]
        .map(|page| list(&page["items"]).len())
        .into();
    got.sort_unstable();
    let shown = history(&ann, &id).await;
    // One that comes only after it was handed over is the next call, which gets it again.
    let returned = steps(&shown)
        .iter()
        .filter(|step| step.starts_with("returned"))
        .count();
    assert_eq!(got.iter().sum::<usize>(), 1 + returned, "{shown}");
    assert!(returned <= 2, "{shown}");
}

#[tokio::test]
async fn a_look_takes_nothing() {
    let server = TestServer::start();
    known(&server, &["bob"]).await;
    let (ann, bob) = (server.rest("ann"), server.rest("bob"));
    let id = say(&ann, "bob", "x").await;
    let urgent = json!({"to": "bob", "text": "urgent", "priority": 3});
    send(&ann, urgent).await;
    for _ in 0..2 {
        let looked = json!(waiting(&bob).await);
        assert_eq!(texts(&looked), ["urgent", "x"]);
        assert_eq!(looked[0]["attempt"], 0);
    }
    let first = bob.get("/v1/mailbox?peek=true&limit=1").await.ok(200);
    assert_eq!(texts(&first["items"]), ["urgent"]);
    assert_eq!(steps(&history(&ann, &id).await), ["stored"]);
    // It shows what somebody has, too, and takes it from nobody.
    take(&bob, "").await;
    assert_eq!(waiting(&bob).await.len(), 2);
    assert_eq!(
        steps(&history(&ann, &id).await),
        ["stored", "delivered 1 call"]
    );
}

#[tokio::test]
async fn who_waits_for_the_end_of_a_message_hears_of_it() {
    let server = TestServer::start();
    known(&server, &["bob", "cem"]).await;
    let ann = server.rest("ann");
    let id = send(&ann, json!({"to": ["bob", "cem"], "text": "x"})).await;
    let path = format!("/v1/messages/{id}/ack");
    let finish = async {
        for client in ["bob", "cem"] {
            for stage in ["seen", "done"] {
                let body = json!({"stage": stage});
                server.rest(client).post(&path, &body).await.ok(200);
            }
        }
    };
    let (shown, ()) = tokio::join!(ended(&ann, &id), finish);
    for recipient in list(&shown["recipients"]) {
        assert_eq!(recipient["stage"], "done");
    }
    // At once when it has ended; in time when it does not end.
    ended(&ann, &id).await;
    let open = say(&ann, "bob", "y").await;
    let since = Stopwatch::start();
    let shown = ann
        .get(&format!("/v1/messages/{open}?wait=1"))
        .await
        .ok(200);
    assert_eq!(shown["recipients"][0]["stage"], "stored");
    assert!(since.elapsed() >= Duration::from_secs(1), "it did not wait");
}

#[tokio::test]
async fn a_server_that_stops_ends_what_waits() {
    let mut server = TestServer::start();
    known(&server, &["bob"]).await;
    let (ann, bob) = (server.rest("ann"), server.rest("bob"));
    let id = say(&ann, "bob", "x").await;
    let page = take(&bob, "").await;
    let next = page["next"].as_str().expect("it took one").to_owned();
    let mailbox = tokio::spawn(async move { take(&bob, &format!("after={next}&wait=55")).await });
    // The call is there when what it confirms is seen.
    super::mail::until_stage(&ann, &id, "seen").await;
    let open = say(&ann, "ann", "open").await;
    let other = server.rest("ann");
    let path = format!("/v1/messages/{open}?wait=55");
    let message = tokio::spawn(async move { other.get(&path).await });
    let since = Stopwatch::start();
    let stopping = tokio::task::spawn_blocking(move || server.stop());
    let outcome = within("the server to stop", stopping).await;
    outcome.expect("no panic").expect("an orderly end");
    let page: Value = within("the poll", mailbox).await.expect("no panic");
    assert_eq!(page["items"], json!([]));
    // The other one may have come too late to be let in; it does not hold up the stop.
    drop(message);
    assert!(
        since.elapsed() < Duration::from_secs(5),
        "{:?}",
        since.elapsed()
    );
}

/// A session and a call of one client: who has a message, has it.
#[tokio::test]
async fn a_call_does_not_get_what_a_session_has() {
    let server = TestServer::start();
    let mut bob = server.session("bob").await;
    let mut ann = server.session("ann").await;
    let sent = ann
        .done(json!({"type": "send", "to": "bob", "text": "x"}))
        .await;
    let id = id_of(&sent);
    super::mail::message(&mut bob, &id).await;
    super::mail::receipt(&mut ann, &id, "delivered", "bob", "-").await;
    assert_eq!(take(&server.rest("bob"), "").await["items"], json!([]));
    bob.close().await;
    let page = take(&server.rest("bob"), "wait=15").await;
    assert_eq!(page["items"][0]["attempt"], 2);
    // And the other way round.
    let mut bob = server.session("bob").await;
    drop(silent(&server, "cem").await);
    let marker = say(&server.rest("ann"), "bob", "marker").await;
    super::mail::message(&mut bob, &marker).await;
    take_after(&server.rest("bob"), &page, "").await;
    super::mail::receipt(&mut bob, &id, "seen", "bob", "-").await;
}
