//! What the sender is told of its messages.

use serde_json::{Value, json};

use super::mail::{
    NOTHING, ack, ended, id_of, known, list, message, receipt, say, silent, take, take_after, told,
    told_of,
};
use crate::support::TestServer;

#[tokio::test]
async fn a_sender_that_is_connected_hears_every_stage_in_order() {
    let server = TestServer::start();
    let mut ann = server.session("ann").await;
    let mut other = server.session("ann").await;
    let mut silent = silent(&server, "ann").await;
    let mut bob = server.session("bob").await;
    let mut cem = server.session("cem").await;
    let frame = json!({"type": "send", "to": ["bob", "cem"], "text": "x"});
    let id = id_of(&ann.done(frame).await);
    for (name, session) in [("bob", &mut bob), ("cem", &mut cem)] {
        message(session, &id).await;
        ack(session, &id, "seen").await;
        ack(session, &id, "done").await;
        for sender in [&mut ann, &mut other] {
            for stage in ["delivered", "seen", "done"] {
                let by = |frame: &Value| frame["type"] == "receipt" && frame["by"] == name;
                let frame = sender.until(by).await;
                assert_eq!(told(&frame), told_of(&id, stage, name, "-"));
            }
        }
    }
    for sender in [&mut ann, &mut other, &mut silent] {
        assert_eq!(sender.settled().await, NOTHING, "and nothing else");
    }
}

/// Three messages that end in three ways, while their sender is away.
async fn three_ends(server: &TestServer) -> [(String, &'static str, &'static str); 3] {
    known(server, &["bob"]).await;
    let (ann, bob) = (server.rest("ann"), server.rest("bob"));
    let done = say(&ann, "bob", "done").await;
    let dead = say(&ann, "bob", "dead").await;
    let brief = json!({"to": "bob", "text": "brief", "ttl_seconds": 1});
    let expired = super::mail::send(&ann, brief).await;
    let said = async |id: &str, body: Value| {
        bob.post(&format!("/v1/messages/{id}/ack"), &body)
            .await
            .ok(200);
    };
    said(&done, json!({"stage": "seen"})).await;
    said(&done, json!({"stage": "done"})).await;
    said(&dead, json!({"stage": "failed", "reason": "no paper"})).await;
    for id in [&done, &dead, &expired] {
        ended(&ann, id).await;
    }
    [
        (done, "done", "-"),
        (dead, "dead", "failed"),
        (expired, "expired", "ttl"),
    ]
}

const ONE_ATTEMPT: &str = "[messages]\nattempts = 1\n";

/// Every end has been told, or is kept: the follower is through with it.
async fn until_kept(server: &TestServer, client: &str, receipts: usize) -> Value {
    super::mail::until("the receipts to be kept", async || {
        let page = take(&server.rest(client), "").await;
        (list(&page["receipts"]).len() == receipts).then_some(page)
    })
    .await
}

#[tokio::test]
async fn what_ended_while_its_sender_was_away_is_told_at_its_hello_once() {
    let server = TestServer::with(ONE_ATTEMPT);
    let ends = three_ends(&server).await;
    until_kept(&server, "ann", 3).await;
    let waits = say(&server.rest("bob"), "ann", "a message").await;
    // A session without messages is not told, and takes nothing away.
    assert_eq!(silent(&server, "ann").await.settled().await, NOTHING);
    let server = server.restart();
    let mut ann = server.session("ann").await;
    let mut heard = Vec::new();
    for _ in 0..3 {
        heard.push(told(&ann.expect("receipt").await));
    }
    message(&mut ann, &waits).await;
    for (id, stage, reason) in &ends {
        let wanted = told_of(id, stage, "bob", reason);
        assert!(heard.contains(&wanted), "{wanted} in {heard:?}");
    }
    ack(&mut ann, &waits, "done").await;
    ann.close().await;
    let marker = say(&server.rest("bob"), "ann", "marker").await;
    let mut ann = server.session("ann").await;
    message(&mut ann, &marker).await;
}

#[tokio::test]
async fn receipts_come_with_a_call_until_they_are_confirmed() {
    let server = TestServer::with(ONE_ATTEMPT);
    let ends = three_ends(&server).await;
    let ann = server.rest("ann");
    let page = until_kept(&server, "ann", 3).await;
    assert_eq!(page["items"], json!([]));
    let heard: Vec<Value> = list(&page["receipts"]).iter().map(told).collect();
    for (id, stage, reason) in &ends {
        let wanted = told_of(id, stage, "bob", reason);
        assert!(heard.contains(&wanted), "{wanted} in {heard:?}");
    }
    // A call that was lost is repeated; one that arrived is confirmed by the next.
    let again = take(&ann, "").await;
    assert_eq!(again["receipts"], page["receipts"]);
    // A peek does not show them.
    super::mail::waiting(&ann).await;
    let after = take_after(&ann, &again, "").await;
    let rest = ["receipts", "next", "complete"].map(|field| after[field].clone());
    assert_eq!(rest, [json!([]), json!(null), json!(true)]);
    let server = server.restart();
    let page = take(&server.rest("ann"), "").await;
    assert_eq!(
        (&page["receipts"], &page["next"]),
        (&json!([]), &json!(null))
    );
}

/// A receipt wakes a long poll like a message.
#[tokio::test]
async fn a_receipt_wakes_who_waits() {
    let server = TestServer::start();
    known(&server, &["bob"]).await;
    let (ann, bob) = (server.rest("ann"), server.rest("bob"));
    let id = say(&ann, "bob", "x").await;
    let path = format!("/v1/messages/{id}/ack");
    let (page, _) = tokio::join!(take(&ann, "wait=15"), async {
        bob.post(&path, &json!({"stage": "done"})).await.ok(200)
    });
    let heard: Vec<Value> = list(&page["receipts"]).iter().map(told).collect();
    assert_eq!(heard, [told_of(&id, "done", "bob", "-")]);
}

/// The ends of one's messages to several are told one by one.
#[tokio::test]
async fn a_message_to_several_ends_with_each_of_them() {
    let server = TestServer::start();
    known(&server, &["bob", "cem"]).await;
    let mut ann = server.session("ann").await;
    let frame = json!({"type": "send", "to": ["bob", "cem"], "text": "x", "ttl_seconds": 1});
    let id = id_of(&ann.done(frame).await);
    let path = format!("/v1/messages/{id}/ack");
    server
        .rest("bob")
        .post(&path, &json!({"stage": "done"}))
        .await
        .ok(200);
    receipt(&mut ann, &id, "done", "bob", "-").await;
    receipt(&mut ann, &id, "expired", "cem", "ttl").await;
    // One who got it sees its own side only.
    let shown = ended(&server.rest("cem"), &id).await;
    assert_eq!(list(&shown["recipients"]).len(), 1);
    assert_eq!(shown["recipients"][0]["client"], "cem");
    assert_eq!(shown["to"], json!(["bob", "cem"]));
    let shown = ended(&server.rest("ann"), &id).await;
    assert_eq!(list(&shown["recipients"]).len(), 2);
}
