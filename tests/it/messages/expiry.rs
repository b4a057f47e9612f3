//! The time of a message is over, or nobody answers.

use serde_json::json;

use super::mail::{
    ack, ended, history, id_of, known, message, receipt, say, send, silent, steps, waiting,
};
use crate::support::TestServer;

#[tokio::test]
async fn what_nobody_took_in_time_expires_and_is_not_delivered() {
    let server = TestServer::start();
    known(&server, &["bob"]).await;
    let mut ann = server.session("ann").await;
    let frame = json!({"type": "send", "to": "bob", "text": "x", "ttl_seconds": 1});
    let id = id_of(&ann.done(frame).await);
    receipt(&mut ann, &id, "expired", "bob", "ttl").await;
    let shown = ended(&server.rest("ann"), &id).await;
    assert_eq!(steps(&shown), ["stored", "expired ttl"]);
    let over = super::mail::millis_between(&shown["expires_at"], &shown["recipients"][0]["at"]);
    assert!(
        (0..1_000).contains(&over),
        "it expired {over} ms after its time"
    );
    assert_eq!(waiting(&server.rest("bob")).await.len(), 0);
    let marker = say(&server.rest("ann"), "bob", "marker").await;
    let mut bob = server.session("bob").await;
    message(&mut bob, &marker).await;
}

/// A message that is leased when its time is over, and one that was seen.
#[tokio::test]
async fn what_was_delivered_or_seen_expires_too() {
    let server = TestServer::start();
    let mut ann = server.session("ann").await;
    let mut bob = server.session("bob").await;
    let brief = |text: &str| json!({"type": "send", "to": "bob", "text": text, "ttl_seconds": 1});
    let open = id_of(&ann.done(brief("open")).await);
    message(&mut bob, &open).await;
    receipt(&mut ann, &open, "delivered", "bob", "-").await;
    receipt(&mut ann, &open, "expired", "bob", "ttl").await;
    let seen = id_of(&ann.done(brief("seen")).await);
    message(&mut bob, &seen).await;
    ack(&mut bob, &seen, "seen").await;
    receipt(&mut ann, &seen, "delivered", "bob", "-").await;
    receipt(&mut ann, &seen, "seen", "bob", "-").await;
    receipt(&mut ann, &seen, "expired", "bob", "seen").await;
    bob.refused(json!({"type": "ack", "id": seen, "stage": "done"}), 1303)
        .await;
    let rest = server.rest("ann");
    let delivered = "delivered 1 session";
    let shown = ended(&rest, &open).await;
    assert_eq!(steps(&shown), ["stored", delivered, "expired ttl"]);
    let shown = ended(&rest, &seen).await;
    assert_eq!(steps(&shown), ["stored", delivered, "seen", "expired seen"]);
    assert_eq!(
        rest.get("/v1/dead-letters").await.ok(200)["items"],
        json!([])
    );
}

#[tokio::test]
async fn a_question_that_nobody_answers_ends_at_its_deadline() {
    let server = TestServer::start();
    let mut ann = server.session("ann").await;
    let mut bob = server.session("bob").await;
    let question = json!({
        "type": "send", "to": "bob", "text": "?", "expects_reply": true, "deadline_seconds": 1,
    });
    let ignored = id_of(&ann.done(question.clone()).await);
    let seen = id_of(&ann.done(question).await);
    let told = message(&mut bob, &ignored).await;
    assert_eq!(told["expects_reply"], true);
    assert_eq!(
        super::mail::millis_between(&told["at"], &told["deadline"]),
        1_000
    );
    message(&mut bob, &seen).await;
    ack(&mut bob, &seen, "seen").await;
    for id in [&ignored, &seen] {
        let is_end = |frame: &serde_json::Value| {
            frame["type"] == "receipt" && frame["id"] == id.as_str() && frame["stage"] == "expired"
        };
        assert_eq!(ann.until(is_end).await["reason"], "no_reply");
        let shown = ended(&server.rest("ann"), id).await;
        assert_eq!(shown["recipients"][0]["reason"], "no_reply");
    }
    // An answer that comes too late is a message like any other.
    let late = json!({"type": "send", "to": "ann", "text": "!", "reply_to": seen});
    let late = id_of(&bob.done(late).await);
    ann.until(|frame| frame["type"] == "message" && frame["id"] == late.as_str())
        .await;
    let shown = history(&server.rest("ann"), &seen).await;
    assert_eq!(shown["recipients"][0]["stage"], "expired");
}

#[tokio::test]
async fn an_answer_makes_its_question_done() {
    let server = TestServer::start();
    let mut ann = silent(&server, "ann").await;
    let mut bob = server.session("bob").await;
    let rest = server.rest("ann");
    for seen_first in [false, true] {
        let question = json!({"type": "send", "to": "bob", "text": "?", "expects_reply": true});
        let question = id_of(&ann.done(question).await);
        let trace = message(&mut bob, &question).await["trace"].clone();
        if seen_first {
            ack(&mut bob, &question, "seen").await;
        }
        let answer = json!({
            "type": "send", "to": "ann", "text": "!", "reply_to": question, "kind": "response",
        });
        let answer = id_of(&bob.done(answer).await);
        // Its own sessions hear that it needs no more work.
        receipt(&mut bob, &question, "done", "bob", "-").await;
        let shown = ended(&rest, &question).await;
        let done = shown["recipients"][0]["history"].as_array();
        let done = done.and_then(|steps| steps.last()).expect("some steps");
        assert_eq!(
            (&done["stage"], &done["reply"]),
            (&json!("done"), &json!(answer))
        );
        let shown = history(&rest, &answer).await;
        assert_eq!(
            (&shown["reply_to"], &shown["kind"]),
            (&json!(question), &json!("response"))
        );
        // The answer follows from the question.
        let next = trace.as_str().expect("a trace").replace(".0", ".1");
        assert_eq!(shown["trace"], next);
    }
}

/// It must be an answer: from the one who was asked, to the one who asked, to a question.
#[tokio::test]
async fn what_is_no_answer_leaves_the_question_open() {
    let server = TestServer::start();
    known(&server, &["ann", "cem"]).await;
    let mut bob = server.session("bob").await;
    let ann = server.rest("ann");
    let plain = say(&ann, "bob", "no question").await;
    let question = json!({"to": ["bob", "cem"], "text": "?", "expects_reply": true});
    let question = send(&ann, question).await;
    message(&mut bob, &plain).await;
    message(&mut bob, &question).await;
    let answer =
        |to: &str, id: &str| json!({"type": "send", "to": to, "text": "!", "reply_to": id});
    bob.done(answer("ann", &plain)).await;
    bob.done(answer("cem", &question)).await;
    // Ann's own word on it is no answer either.
    send(
        &ann,
        json!({"to": "bob", "text": "well?", "reply_to": question}),
    )
    .await;
    bob.expect("message").await;
    // What follows from all that has followed when this one has.
    let marker = json!({"to": "bob", "text": "?", "expects_reply": true});
    let marker = send(&ann, marker).await;
    message(&mut bob, &marker).await;
    bob.done(answer("ann", &marker)).await;
    receipt(&mut bob, &marker, "done", "bob", "-").await;
    assert_eq!(
        steps(&history(&ann, &plain).await),
        ["stored", "delivered 1 session"]
    );
    let shown = history(&ann, &question).await;
    let stages: Vec<_> = super::mail::list(&shown["recipients"])
        .iter()
        .map(|recipient| (recipient["client"].as_str(), recipient["stage"].as_str()))
        .collect();
    let wanted = [
        (Some("bob"), Some("delivered")),
        (Some("cem"), Some("stored")),
    ];
    assert_eq!(stages, wanted);
    // With several, each ends for itself.
    bob.done(answer("ann", &question)).await;
    receipt(&mut bob, &question, "done", "bob", "-").await;
    let shown = history(&ann, &question).await;
    assert_eq!(shown["recipients"][1]["stage"], "stored", "{shown}");
}
