//! The server begins anew in the middle of it.

use serde_json::{Value, json};

use super::mail::{
    ack, ended, history, id_of, known, list, message, say, send, silent, steps, take, take_after,
    told, until, until_stage, waiting,
};
use crate::support::binary::folder;
use crate::support::{Binary, TestServer};

/// That the server stopped is nobody's failure.
#[tokio::test]
async fn leases_of_sessions_are_given_back_without_counting() {
    let mut server = TestServer::with("[messages]\nattempts = 2\n");
    known(&server, &["bob"]).await;
    let id = say(&server.rest("ann"), "bob", "x").await;
    for attempt in 1..=3 {
        let mut bob = server.session("bob").await;
        assert_eq!(message(&mut bob, &id).await["attempt"], attempt);
        until_stage(&server.rest("ann"), &id, "delivered").await;
        // It is still there when the server stops.
        let restarting = tokio::task::spawn_blocking(|| server.restart());
        let (restarted, _) = tokio::join!(restarting, bob.bye(4001));
        server = restarted.expect("no panic");
    }
    let mut bob = server.session("bob").await;
    assert_eq!(message(&mut bob, &id).await["attempt"], 4);
    ack(&mut bob, &id, "done").await;
    let shown = ended(&server.rest("ann"), &id).await;
    let mut wanted = vec!["stored".to_owned()];
    for attempt in 1..=3 {
        wanted.push(format!("delivered {attempt} session"));
        wanted.push(format!("returned {attempt} server_restarted"));
    }
    wanted.extend(["delivered 4 session".to_owned(), "done".to_owned()]);
    assert_eq!(steps(&shown), wanted);
}

/// The same when it was killed and could say nothing more. What a caller has, it keeps: it thinks,
/// and knows nothing of the server.
#[tokio::test]
async fn leases_survive_a_kill_where_they_should() {
    let folder = folder();
    let server = Binary::start(folder.path(), 0);
    let (ann, bob) = (server.rest("ann"), server.rest("bob"));
    waiting(&bob).await;
    let called = say(&ann, "bob", "for a call").await;
    let page = take(&bob, "").await;
    let mut session = server.session("bob").await;
    let pushed = say(&ann, "bob", "for a session").await;
    message(&mut session, &pushed).await;
    until_stage(&ann, &pushed, "delivered").await;
    server.kill();
    let server = Binary::start(folder.path(), 0);
    let bob = server.rest("bob");
    let after = take_after(&bob, &page, "").await;
    assert_eq!(after["complete"], true);
    assert_eq!(after["items"][0]["id"], pushed.as_str());
    let shown = history(&server.rest("ann"), &called).await;
    assert_eq!(steps(&shown), ["stored", "delivered 1 call", "seen"]);
    let shown = history(&server.rest("ann"), &pushed).await;
    let returned = "returned 1 server_restarted";
    assert_eq!(
        steps(&shown),
        [
            "stored",
            "delivered 1 session",
            returned,
            "delivered 2 call"
        ]
    );
}

/// What becomes due while nobody is there to do it is done at the start, without anybody asking.
#[tokio::test]
async fn what_became_due_while_the_server_was_down_is_done_at_its_start() {
    let settings = "[messages]\ncall_lease_seconds = 1\nattempts = 1\n";
    let server = TestServer::with(settings);
    known(&server, &["bob"]).await;
    let (ann, bob) = (server.rest("ann"), server.rest("bob"));
    let brief = |text: &str| json!({"to": "bob", "text": text, "ttl_seconds": 1});
    let leased = say(&ann, "bob", "leased").await;
    let seen = send(&ann, brief("seen")).await;
    let page = take(&bob, "").await;
    assert_eq!(list(&page["items"]).len(), 2);
    let path = format!("/v1/messages/{seen}/ack");
    bob.post(&path, &json!({"stage": "seen"})).await.ok(200);
    let open = send(&ann, brief("open")).await;
    let question = json!({
        "to": "bob", "text": "?", "expects_reply": true, "deadline_seconds": 1,
    });
    let question = send(&ann, question).await;
    let server = down_for_a_second(server).await;
    let mut ann = server.session("ann").await;
    let mut ends = Vec::new();
    for _ in 0..4 {
        let receipt = told(&ann.until(|frame| frame["type"] == "receipt").await);
        ends.push((
            receipt["id"].clone(),
            receipt["stage"].clone(),
            receipt["reason"].clone(),
        ));
    }
    for (id, stage, reason) in [
        (&leased, "dead", "lease_expired"),
        (&seen, "expired", "seen"),
        (&open, "expired", "ttl"),
        (&question, "expired", "no_reply"),
    ] {
        let wanted = (json!(id), json!(stage), json!(reason));
        assert!(ends.contains(&wanted), "{wanted:?} in {ends:?}");
    }
    assert_eq!(waiting(&server.rest("bob")).await.len(), 0);
}

/// Stops a server, and starts another one on its data when a second has passed.
async fn down_for_a_second(server: TestServer) -> TestServer {
    let (folder, settings) = server.end();
    crate::support::wait::for_a_while(std::time::Duration::from_millis(1_050)).await;
    TestServer::on(folder, settings)
}

/// Answers whose questions were not done yet, messages to several that are not everywhere yet,
/// mentions, receipts: whatever was under way when the server was killed is brought about.
#[tokio::test]
async fn what_follows_elsewhere_is_brought_about_after_a_kill() {
    let folder = folder();
    let server = Binary::start(folder.path(), 0);
    let clients = ["ann", "bob", "cem"];
    for client in clients {
        waiting(&server.rest(client)).await;
    }
    let mut ann = server.open("ann").await;
    ann.send(json!({"type": "hello", "messages": false})).await;
    ann.expect("welcome").await;
    ann.create(json!({"room": "den"})).await;
    for client in ["bob", "cem"] {
        let me = "/v1/rooms/den/members/me";
        server.rest(client).put(me, &json!({})).await.ok(200);
    }
    let mut questions = Vec::new();
    for _ in 0..10 {
        let body = json!({"type": "send", "to": "bob", "text": "?", "expects_reply": true});
        questions.push(id_of(&ann.done(body).await));
    }
    let mut bob = server.open("bob").await;
    bob.send(json!({"type": "hello", "messages": false})).await;
    bob.expect("welcome").await;
    // Everything at once, and then the end as soon as the last is stored.
    for question in &questions {
        bob.send(json!({"type": "send", "to": "ann", "text": "!", "reply_to": question}))
            .await;
        bob.send(json!({"type": "post", "room": "den", "text": "@cem", "ref": question}))
            .await;
    }
    let last = questions.last().expect("ten of them").as_str();
    bob.until(|frame| frame["ref"] == last).await;
    server.kill();
    let server = Binary::start(folder.path(), 0);
    let rest = server.rest("ann");
    let mut posted = 0;
    for event in rest.events("den", 0).await {
        posted += usize::from(event["kind"] == "posted");
    }
    assert_eq!(posted, 10);
    let notices = async || {
        let waits = waiting(&server.rest("cem")).await;
        (waits.len() == 10).then_some(waits)
    };
    let notices = until("ten notices", notices).await;
    let mut places: Vec<_> = notices
        .iter()
        .map(|n| n["metadata"]["seq"].as_u64())
        .collect();
    places.sort_unstable();
    places.dedup();
    assert_eq!(places.len(), 10, "each once");
    // All of them were stored before the post behind the last of them.
    for question in &questions {
        let shown = ended(&rest, question).await;
        assert_eq!(shown["recipients"][0]["stage"], "done");
    }
    let kept = async || {
        let page = take(&rest, "").await;
        (list(&page["receipts"]).len() == 10).then_some(page)
    };
    let page = until("ten receipts", kept).await;
    let mut heard: Vec<String> = list(&page["receipts"]).iter().map(id_of).collect();
    heard.sort_unstable();
    questions.sort_unstable();
    assert_eq!(heard, questions);
}

/// What nobody has touched waits as it was.
#[tokio::test]
async fn a_mailbox_is_after_a_restart_what_it_was() {
    let server = TestServer::start();
    known(&server, &["bob"]).await;
    let mut ann = silent(&server, "ann").await;
    for number in 0..40 {
        let priority = number % 4;
        let frame = json!({"type": "send", "to": "bob", "text": "x", "priority": priority});
        ann.done(frame).await;
    }
    let before: Vec<Value> = waiting(&server.rest("bob")).await;
    drop(ann);
    let server = server.restart();
    assert_eq!(waiting(&server.rest("bob")).await, before);
    let mut bob = server.session("bob").await;
    for wanted in &before {
        let told = message(&mut bob, &id_of(wanted)).await;
        assert_eq!(
            (&told["seq"], &told["attempt"]),
            (&wanted["seq"], &json!(1))
        );
    }
    let mut ann = server.session("ann").await;
    let last = id_of(&before[39]);
    ack(&mut bob, &last, "done").await;
    let is_end = |frame: &Value| frame["stage"] == "done";
    let end = ann.until(is_end).await;
    assert_eq!(end["id"], last.as_str());
}
