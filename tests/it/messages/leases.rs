//! What is handed over and not confirmed comes again, and in the end it is a dead letter.

use serde_json::{Value, json};

use super::mail::{
    NOTHING, ack, ended, history, id_of, known, list, message, receipt, say, send, silent, steps,
    take, until_stage, waiting,
};
use crate::support::{Rest, TestServer};

/// A lease of a second, and two attempts.
const SHORT: &str = "[messages]\nlease_seconds = 1\ncall_lease_seconds = 1\nattempts = 2\n";

#[tokio::test]
async fn what_came_while_one_was_away_is_told_at_hello_by_priority() {
    let server = TestServer::start();
    known(&server, &["bob"]).await;
    let mut ann = server.session("ann").await;
    let mut ids = Vec::new();
    for (text, priority) in [
        ("a0", 0),
        ("b1", 1),
        ("c3", 3),
        ("d1", 1),
        ("e2", 2),
        ("f3", 3),
    ] {
        let frame = json!({"type": "send", "to": "bob", "text": text, "priority": priority});
        ids.push((text, id_of(&ann.done(frame).await)));
    }
    let mut bob = server.session("bob").await;
    for text in ["c3", "f3", "e2", "b1", "d1", "a0"] {
        let told = bob.expect("message").await;
        let id = ids.iter().find(|(known, _)| *known == text);
        assert_eq!(told["text"], text);
        assert_eq!(told["id"], id.expect("it was sent").1.as_str());
        let fixed = ["from", "to", "kind", "attempt", "reply_to", "metadata"];
        let fixed = fixed.map(|field| told[field].clone());
        let wanted = [
            json!("ann"),
            json!("bob"),
            json!("message"),
            json!(1),
            json!(null),
            json!(null),
        ];
        assert_eq!(fixed, wanted, "{told}");
    }
    assert_eq!(bob.settled().await, NOTHING);
}

/// Ten times what one session is sent at once.
#[tokio::test]
async fn a_mailbox_that_is_far_behind_is_told_all_in_order() {
    let server = TestServer::start();
    known(&server, &["bob"]).await;
    let mut ann = silent(&server, "ann").await;
    let filler = json!({"filler": "x".repeat(8 * 1024)});
    for number in 0..320 {
        let priority = number % 4;
        ann.send(json!({
            "type": "send", "to": "bob", "payload": number, "priority": priority,
            "metadata": filler,
        }))
        .await;
    }
    // Their answers may overtake each other; they themselves do not.
    for _ in 0..320 {
        ann.expect("stored").await;
    }
    let mut bob = server.session("bob").await;
    let mut told = Vec::new();
    for _ in 0..320 {
        told.push(
            bob.expect("message").await["payload"]
                .as_u64()
                .expect("a number"),
        );
    }
    let mut wanted: Vec<u64> = (0..320).collect();
    wanted.sort_by_key(|number| (3 - number % 4, *number));
    assert_eq!(told, wanted);
}

#[tokio::test]
async fn a_lease_that_runs_out_brings_the_message_again_and_then_a_dead_letter() {
    let server = TestServer::with(SHORT);
    let mut ann = server.session("ann").await;
    let mut bob = server.session("bob").await;
    let sent = ann
        .done(json!({"type": "send", "to": "bob", "text": "x"}))
        .await;
    let id = id_of(&sent);
    assert_eq!(message(&mut bob, &id).await["attempt"], 1);
    receipt(&mut ann, &id, "delivered", "bob", "-").await;
    assert_eq!(message(&mut bob, &id).await["attempt"], 2);
    receipt(&mut ann, &id, "delivered", "bob", "-").await;
    receipt(&mut ann, &id, "dead", "bob", "lease_expired").await;
    let rest = server.rest("ann");
    let shown = ended(&rest, &id).await;
    let wanted = [
        "stored",
        "delivered 1 session",
        "returned 1 lease_expired",
        "delivered 2 session",
        "dead attempts",
    ];
    assert_eq!(steps(&shown), wanted);
    let recipient = &shown["recipients"][0];
    assert_eq!(
        (
            &recipient["stage"],
            &recipient["attempts"],
            &recipient["reason"]
        ),
        (&json!("dead"), &json!(2), &json!("attempts"))
    );
    assert_eq!(
        failures(&recipient["history"][4]),
        ["1 lease_expired", "2 lease_expired"]
    );
    assert_eq!(waiting(&server.rest("bob")).await.len(), 0);
    // Who dies is not told again, and takes no acknowledgement.
    bob.refused(json!({"type": "ack", "id": id, "stage": "done"}), 1303)
        .await;
    assert_eq!(bob.settled().await, NOTHING);
}

fn failures(value: &Value) -> Vec<String> {
    let failures = list(&value["failures"]).iter().map(|failure| {
        let word = |field: &str| failure[field].as_str().unwrap_or_default().to_owned();
        let text = format!(
            "{} {} {}",
            failure["attempt"],
            word("reason"),
            word("detail")
        );
        text.trim_end().to_owned()
    });
    failures.collect()
}

/// What a client's calls and words lead to without any waiting.
async fn die(from: &Rest, to: &Rest, name: &str) -> String {
    let id = say(from, name, "poison").await;
    let ack = format!("/v1/messages/{id}/ack");
    let failed = json!({"stage": "failed", "reason": "no paper"});
    let said = to.post(&ack, &failed).await.ok(200);
    assert_eq!(
        (&said["id"], &said["duplicate"]),
        (&json!(id), &json!(false))
    );
    id
}

#[tokio::test]
async fn dead_letters_are_listed_for_both_sides_and_nobody_else() {
    let server = TestServer::with("[messages]\nattempts = 1\n");
    known(&server, &["bob", "cem"]).await;
    let (ann, bob, cem) = (server.rest("ann"), server.rest("bob"), server.rest("cem"));
    let first = die(&ann, &bob, "bob").await;
    let second = die(&bob, &cem, "cem").await;
    let third = die(&ann, &bob, "bob").await;
    let letters = async |rest: &Rest, query: &str| {
        let page = rest.get(&format!("/v1/dead-letters{query}")).await.ok(200);
        let ids: Vec<String> = list(&page["items"]).iter().map(id_of).collect();
        (ids, page)
    };
    let (ids, page) = letters(&ann, "").await;
    assert_eq!(ids, [third.clone(), first.clone()], "the newest first");
    let letter = &page["items"][1];
    assert_eq!(
        (&letter["from"], &letter["to"]),
        (&json!("ann"), &json!("bob"))
    );
    assert_eq!(failures(letter), ["1 failed no paper"]);
    let all_bobs = [third.clone(), second.clone(), first.clone()];
    assert_eq!(letters(&bob, "").await.0, all_bobs);
    assert_eq!(letters(&cem, "").await.0, all_bobs[1..2]);
    assert_eq!(letters(&server.rest("dan"), "").await.0, [""; 0]);
    // Page by page.
    let mut paged = Vec::new();
    let mut query = "?limit=1".to_owned();
    loop {
        let (ids, page) = letters(&bob, &query).await;
        assert_eq!(ids.len(), 1);
        paged.extend(ids);
        let Some(next) = page["next"].as_str() else {
            break;
        };
        query = format!("?limit=1&after={next}");
    }
    assert_eq!(paged, all_bobs);
    let admin = server.rest_with("root", "admin");
    let page = admin.get("/v1/admin/dead-letters").await.ok(200);
    assert_eq!(list(&page["items"]).len(), 3);
    // It has ended for both.
    for rest in [&ann, &bob] {
        let shown = ended(rest, &first).await;
        assert_eq!(shown["recipients"][0]["stage"], "dead");
    }
    cem.get(&format!("/v1/messages/{first}"))
        .await
        .error(404, "message_not_found", 1302);
}

/// One attempt fails once, whoever says so and how often.
#[tokio::test]
async fn to_say_again_that_it_failed_is_no_second_failure() {
    let server = TestServer::with(SHORT);
    known(&server, &["bob"]).await;
    let (ann, bob) = (server.rest("ann"), server.rest("bob"));
    let id = say(&ann, "bob", "x").await;
    let ack = format!("/v1/messages/{id}/ack");
    for is_repeat in [false, true, true] {
        let said = bob.post(&ack, &json!({"stage": "failed"})).await.ok(200);
        assert_eq!(said["duplicate"], is_repeat);
    }
    let shown = history(&ann, &id).await;
    assert_eq!(steps(&shown), ["stored", "returned 1 failed"]);
}

/// Five seconds after the first failure it is tried again, and not before.
#[tokio::test]
async fn what_failed_is_tried_again_after_its_back_off() {
    let server = TestServer::start();
    known(&server, &["bob"]).await;
    let mut ann = server.session("ann").await;
    let mut bob = server.session("bob").await;
    let frame = json!({"type": "send", "to": "bob", "text": "x", "priority": 3});
    let id = id_of(&ann.done(frame).await);
    message(&mut bob, &id).await;
    let failed = json!({"type": "ack", "id": id, "stage": "failed", "reason": "no paper"});
    bob.done(failed).await;
    let shown = history(&server.rest("ann"), &id).await;
    let returned = &shown["recipients"][0]["history"][2];
    let wait = super::mail::millis_between(&returned["at"], &returned["not_before"]);
    assert_eq!(wait, 5_000);
    assert_eq!(shown["recipients"][0]["stage"], "delivered");
    // Neither a call nor another session gets it earlier.
    assert_eq!(take(&server.rest("bob"), "").await["items"], json!([]));
    let mut other = server.session("bob").await;
    let between = say(&server.rest("ann"), "bob", "in between").await;
    message(&mut other, &between).await;
    message(&mut bob, &between).await;
    for session in [&mut bob, &mut other] {
        assert_eq!(message(session, &id).await["attempt"], 2);
    }
    ack(&mut bob, &id, "done").await;
    let shown = ended(&server.rest("ann"), &id).await;
    let wanted = [
        "stored",
        "delivered 1 session",
        "returned 1 failed no paper",
        "delivered 2 session",
        "done",
    ];
    assert_eq!(steps(&shown), wanted);
    let steps = list(&shown["recipients"][0]["history"]);
    let waited = super::mail::millis_between(&steps[2]["not_before"], &steps[3]["at"]);
    assert!((0..1_000).contains(&waited), "{waited} ms late");
}

/// What was seen may still fail, and is then tried again.
#[tokio::test]
async fn what_was_seen_can_still_fail() {
    let server = TestServer::start();
    known(&server, &["bob"]).await;
    let (ann, bob) = (server.rest("ann"), server.rest("bob"));
    let id = say(&ann, "bob", "x").await;
    let path = format!("/v1/messages/{id}/ack");
    take(&bob, "").await;
    bob.post(&path, &json!({"stage": "seen"})).await.ok(200);
    assert_eq!(waiting(&bob).await.len(), 0);
    // Also when it has to be looked up first.
    let server = server.restart();
    let (ann, bob) = (server.rest("ann"), server.rest("bob"));
    drop(ann);
    bob.post(&path, &json!({"stage": "failed", "reason": "after all"}))
        .await
        .ok(200);
    assert_eq!(waiting(&bob).await.len(), 1);
    let shown = history(&bob, &id).await;
    let wanted = [
        "stored",
        "delivered 1 call",
        "seen",
        "returned 1 failed after all",
    ];
    assert_eq!(steps(&shown), wanted);
    assert_eq!(shown["recipients"][0]["stage"], "delivered");
    bob.post(&path, &json!({"stage": "done"})).await.ok(200);
    assert_eq!(waiting(&bob).await.len(), 0);
}

#[tokio::test]
async fn a_connection_that_is_lost_gives_its_messages_back() {
    let server = TestServer::start();
    let mut ann = server.session("ann").await;
    let mut bob = server.session("bob").await;
    let sent = ann
        .done(json!({"type": "send", "to": "bob", "text": "x"}))
        .await;
    let id = id_of(&sent);
    assert_eq!(message(&mut bob, &id).await["attempt"], 1);
    receipt(&mut ann, &id, "delivered", "bob", "-").await;
    // Its socket is shut; the server has noticed when the message is back.
    drop(bob);
    let is_back = async || {
        let shown = history(&server.rest("ann"), &id).await;
        (steps(&shown).len() == 3).then_some(())
    };
    super::mail::until("the message to come back", is_back).await;
    let mut bob = server.session("bob").await;
    assert_eq!(message(&mut bob, &id).await["attempt"], 2);
    receipt(&mut ann, &id, "delivered", "bob", "-").await;
    ack(&mut bob, &id, "seen").await;
    receipt(&mut ann, &id, "seen", "bob", "-").await;
    // What was seen does not come again.
    bob.close().await;
    let marker = say(&server.rest("ann"), "bob", "marker").await;
    let mut bob = server.session("bob").await;
    message(&mut bob, &marker).await;
    let shown = history(&server.rest("ann"), &id).await;
    let wanted = [
        "stored",
        "delivered 1 session",
        "returned 1 connection_lost",
        "delivered 2 session",
        "seen",
    ];
    assert_eq!(steps(&shown), wanted);
}

/// Two attempts that were cut off, and it is dead.
#[tokio::test]
async fn attempts_that_are_cut_off_count() {
    let server = TestServer::with("[messages]\nattempts = 2\n");
    known(&server, &["bob"]).await;
    let ann = server.rest("ann");
    let id = say(&ann, "bob", "x").await;
    for attempt in 1..=2 {
        let mut bob = server.session("bob").await;
        assert_eq!(message(&mut bob, &id).await["attempt"], attempt);
        until_stage(&ann, &id, "delivered").await;
        bob.close().await;
        if attempt == 1 {
            let returned = async || {
                let shown = history(&ann, &id).await;
                let returned = steps(&shown)
                    .iter()
                    .any(|step| step.starts_with("returned"));
                returned.then_some(())
            };
            super::mail::until("it to come back", returned).await;
        }
    }
    let shown = ended(&ann, &id).await;
    let dead = &shown["recipients"][0]["history"][4];
    assert_eq!(failures(dead), ["1 connection_lost", "2 connection_lost"]);
}

/// A message that was taken by a call comes again when its caller does not call again.
#[tokio::test]
async fn a_callers_lease_runs_out_too() {
    let server = TestServer::with(SHORT);
    known(&server, &["bob"]).await;
    let id = say(&server.rest("ann"), "bob", "x").await;
    let page = take(&server.rest("bob"), "").await;
    assert_eq!(page["items"][0]["attempt"], 1);
    // A session is not told what a caller has; and is when the caller has let it go.
    let mut bob = server.session("bob").await;
    let live = send(
        &server.rest("ann"),
        json!({"to": "bob", "text": "y", "priority": 0}),
    )
    .await;
    message(&mut bob, &live).await;
    ack(&mut bob, &live, "done").await;
    assert_eq!(message(&mut bob, &id).await["attempt"], 2);
    ack(&mut bob, &id, "seen").await;
    let shown = history(&server.rest("ann"), &id).await;
    let wanted = [
        "stored",
        "delivered 1 call",
        "returned 1 lease_expired",
        "delivered 2 session",
        "seen",
    ];
    assert_eq!(steps(&shown), wanted);
}

/// However fast a client confirms, and however busy its mailbox is: what it confirms was handed
/// over first.
#[tokio::test]
async fn nothing_is_confirmed_that_was_not_handed_over() {
    const MESSAGES: usize = 400;
    let server = TestServer::start();
    let mut bob = server.session("bob").await;
    let mut senders = Vec::new();
    for _ in 0..4 {
        senders.push(silent(&server, "ann").await);
    }
    let sending = async {
        for number in 0..MESSAGES {
            let frame = json!({"type": "send", "to": "bob", "text": "x"});
            senders[number % 4].send(frame).await;
        }
    };
    let confirming = async {
        let mut ids = Vec::new();
        for _ in 0..MESSAGES {
            let id = id_of(&bob.expect("message").await);
            bob.send(json!({"type": "ack", "id": id, "stage": "done"}))
                .await;
            ids.push(id);
        }
        ids
    };
    let ((), ids) = tokio::join!(sending, confirming);
    let rest = server.rest("ann");
    for id in ids {
        let shown = ended(&rest, &id).await;
        assert_eq!(steps(&shown), ["stored", "delivered 1 session", "done"]);
    }
}

/// Who comes back at once gets what it had in a second attempt, and only in that.
#[tokio::test]
async fn who_comes_back_at_once_gets_each_message_once() {
    let server = TestServer::start();
    let ann = server.rest("ann");
    // Back-offs that are longer than nothing begin with the second time, so each is new.
    for number in 0..30 {
        let name = format!("bob-{number}");
        let mut bob = server.session(&name).await;
        let id = say(&ann, &name, "x").await;
        assert_eq!(message(&mut bob, &id).await["attempt"], 1);
        bob.close().await;
        let mut bob = server.session(&name).await;
        assert_eq!(message(&mut bob, &id).await["attempt"], 2, "{name}");
        let marker = say(&ann, &name, "marker").await;
        message(&mut bob, &marker).await;
    }
}
