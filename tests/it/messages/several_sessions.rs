//! A client with several sessions: each gets each message, and all of them have one lease.

use serde_json::{Value, json};

use super::mail::{NOTHING, ack, history, id_of, known, message, receipt, say, silent, steps};
use crate::support::TestServer;

#[tokio::test]
async fn each_session_gets_each_message_and_one_confirms_for_all() {
    let server = TestServer::start();
    let mut ann = server.session("ann").await;
    let mut sessions = Vec::new();
    for _ in 0..3 {
        sessions.push(server.session("bob").await);
    }
    let sent = ann
        .done(json!({"type": "send", "to": "bob", "text": "x"}))
        .await;
    let id = id_of(&sent);
    for session in &mut sessions {
        assert_eq!(message(session, &id).await["attempt"], 1);
    }
    // One that comes later gets it in the same attempt.
    sessions.push(server.session("bob").await);
    assert_eq!(message(&mut sessions[3], &id).await["attempt"], 1);
    for (place, stage) in [(2, "seen"), (0, "done")] {
        ack(&mut sessions[place], &id, stage).await;
        for other in (0..4).filter(|other| *other != place) {
            receipt(&mut sessions[other], &id, stage, "bob", "-").await;
        }
        assert_eq!(sessions[place].settled().await, NOTHING);
    }
    let shown = history(&server.rest("ann"), &id).await;
    assert_eq!(
        steps(&shown),
        ["stored", "delivered 1 session", "seen", "done"]
    );
    for stage in ["delivered", "seen", "done"] {
        receipt(&mut ann, &id, stage, "bob", "-").await;
    }
    // Over REST it is nobody's session, so all of them are told.
    let id = say(&server.rest("ann"), "bob", "y").await;
    for session in &mut sessions {
        message(session, &id).await;
    }
    let path = format!("/v1/messages/{id}/ack");
    server
        .rest("bob")
        .post(&path, &json!({"stage": "done"}))
        .await
        .ok(200);
    for session in &mut sessions {
        receipt(session, &id, "done", "bob", "-").await;
    }
}

#[tokio::test]
async fn a_session_that_ends_takes_nothing_from_the_others() {
    let server = TestServer::start();
    known(&server, &["bob"]).await;
    let ann = server.rest("ann");
    let mut first = server.session("bob").await;
    let mut second = server.session("bob").await;
    let id = say(&ann, "bob", "x").await;
    message(&mut first, &id).await;
    message(&mut second, &id).await;
    first.close().await;
    // What comes next from this mailbox comes after what the end of the session led to.
    let marker = say(&ann, "bob", "marker").await;
    message(&mut second, &marker).await;
    let mut third = server.session("bob").await;
    assert_eq!(message(&mut third, &id).await["attempt"], 1);
    message(&mut third, &marker).await;
    let shown = history(&ann, &id).await;
    assert_eq!(steps(&shown), ["stored", "delivered 1 session"]);
    // The last one that has it takes it back with it.
    second.close().await;
    third.close().await;
    let mut fourth = server.session("bob").await;
    assert_eq!(message(&mut fourth, &id).await["attempt"], 2);
    ack(&mut fourth, &id, "done").await;
    let shown = history(&ann, &id).await;
    let back = "returned 1 connection_lost";
    let wanted = [
        "stored",
        "delivered 1 session",
        back,
        "delivered 2 session",
        "done",
    ];
    assert_eq!(steps(&shown), wanted);
}

#[tokio::test]
async fn a_session_without_messages_takes_none_and_ends_no_lease() {
    let server = TestServer::start();
    known(&server, &["bob"]).await;
    let ann = server.rest("ann");
    let kept = say(&ann, "bob", "kept").await;
    let caller = server.rest_with("dan", "broadcast message");
    let all = json!({"to": "all", "text": "to all"});
    let said = id_of(&caller.post("/v1/messages", &all).await.ok(201));
    let mut watcher = silent(&server, "bob").await;
    let mut bob = server.session("bob").await;
    // From two streams, in either order.
    let mut first = [0, 1].map(|_| String::new());
    for id in &mut first {
        *id = id_of(&bob.expect("message").await);
    }
    first.sort();
    let mut both = [kept.clone(), said];
    both.sort();
    assert_eq!(first, both);
    let live = say(&ann, "bob", "live").await;
    message(&mut bob, &live).await;
    caller.post("/v1/messages", &all).await.ok(201);
    let to_all = bob.expect("message").await;
    // It may send and confirm all the same; the others are told.
    ack(&mut watcher, &live, "seen").await;
    receipt(&mut bob, &live, "seen", "bob", "-").await;
    let note = json!({"type": "send", "to": "bob", "text": "to myself"});
    let note = id_of(&watcher.done(note).await);
    let is_note = |frame: &Value| frame["type"] == "message" && frame["id"] == note.as_str();
    bob.until(is_note).await;
    assert_eq!(watcher.settled().await, NOTHING);
    let told = watcher
        .all
        .iter()
        .filter(|frame| frame["type"] == "message");
    assert_eq!(told.count(), 0);
    watcher.close().await;
    let marker = say(&ann, "bob", "marker").await;
    let is_marker = |frame: &Value| frame["id"] == marker.as_str();
    bob.until(is_marker).await;
    let shown = history(&ann, &kept).await;
    assert_eq!(steps(&shown), ["stored", "delivered 1 session"]);
    // What is said to all is not noted as read by one who does not listen.
    bob.close().await;
    silent(&server, "cem").await.close().await;
    caller.post("/v1/messages", &all).await.ok(201);
    silent(&server, "cem").await.close().await;
    let mut cem = server.session("cem").await;
    let told = cem.expect("message").await;
    assert_eq!(
        (&told["to"], told["seq"].as_u64()),
        (&json!("all"), Some(3))
    );
    assert_eq!(to_all["seq"], 2);
}
