//! A history with something of everything.

use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{Rest, TestServer, within};

/// Messages are dead after one failure, so that there are some. And who is not used for a second
/// falls asleep, which takes a snapshot.
pub(super) const SETTINGS: &str = "[messages]\nattempts = 1\n[rooms]\nidle_seconds = 1\n";

const TEXTS: [&str; 5] = [
    "日本語 العربية עברית हिन्दी",
    "👩‍👩‍👧‍👦 é é \u{200f}",
    "line\nbreak\r\n\ttab \u{2028}",
    "'; DROP TABLE log; -- \" \\ %s {}",
    "\u{7f}\u{80}\u{fffd}\u{10ffff}",
];

/// Everything that rooms, mailboxes and the broadcast stream can record.
pub(super) async fn make(server: &TestServer) {
    for client in ["ann", "Bob", "cem", "dan"] {
        server.rest(client).get("/v1/rooms").await.ok(200);
    }
    rooms(server).await;
    mail(server).await;
    asleep(server).await;
}

/// Until nobody is awake any more.
async fn asleep(server: &TestServer) {
    let admin = server.rest_with("root", "admin");
    let sleeping = async {
        while is_anybody_awake(&admin.get("/v1/admin/stats").await.ok(200)) {
            tokio::task::yield_now().await;
        }
    };
    within("rooms and mailboxes to sleep", sleeping).await;
}

fn is_anybody_awake(stats: &Value) -> bool {
    let parts = stats["actors"]["parts"].as_array().expect("a list");
    let lives = |name: &str| {
        let part = parts.iter().find(|part| part["name"] == name);
        part.expect("it is a part of the server")["live"] != 0
    };
    lives("rooms") || lives("mailboxes")
}

async fn rooms(server: &TestServer) {
    let (ann, bob, cem) = (server.rest("ann"), server.rest("bob"), server.rest("cem"));
    let room = json!({"room": "Den", "topic": "設計 📐"});
    ann.post("/v1/rooms", &room).await.ok(201);
    let me = "/v1/rooms/den/members/me";
    bob.put(me, &json!({})).await.ok(200);
    cem.put(me, &json!({})).await.ok(200);
    let role = json!({"role": "reviewer"});
    ann.put("/v1/rooms/den/members/BOB", &role).await.ok(200);
    ann.put("/v1/rooms/den/members/dan", &role).await.ok(200);
    let channel = json!({"name": "Prüfung", "topic": "ß"});
    ann.post("/v1/rooms/den/channels", &channel).await.ok(201);
    let mut above = Value::Null;
    for (number, text) in TEXTS.iter().enumerate() {
        let channel = ["main", "PRÜFUNG"][number % 2];
        let body = json!({"text": format!("{text} @bob"), "channel": channel,
            "metadata": {*text: [1.5, null, text]}, "reply_to": above});
        let key = format!("key-{number}-字");
        let path = "/v1/rooms/den/messages";
        // A key of any script does not fit into a header.
        let key = key.replace('字', "");
        let posted = ann.keyed(Method::POST, path, Some(&body), &key).await;
        above = posted.ok(201)["id"].clone();
    }
    ann.delete("/v1/rooms/den/members/cem").await.ok(200);
    let vault =
        json!({"room": "vault", "password": "öffne dich", "policy": {"visibility": "private"}});
    bob.post("/v1/rooms", &vault).await.ok(201);
    bob.delete("/v1/rooms/vault").await.ok(200);
}

async fn mail(server: &TestServer) {
    let (ann, bob, cem) = (server.rest("ann"), server.rest("bob"), server.rest("cem"));
    for (number, text) in TEXTS.iter().enumerate() {
        let body = json!({"to": "bob", "text": text, "priority": number % 4});
        ann.post("/v1/messages", &body).await.ok(201);
    }
    let several = json!({"to": ["bob", "cem", "dan"], "text": "to several 🚀"});
    ann.post("/v1/messages", &several).await.ok(201);
    let question = json!({"to": "cem", "text": "Is it?", "expects_reply": true, "ttl": 5});
    ann.post("/v1/messages", &question).await.ok(201);
    let all = server.rest_with("ann", "message broadcast");
    all.post(
        "/v1/messages",
        &json!({"to": "all", "text": "Guten Morgen ☀️"}),
    )
    .await
    .ok(201);
    let stages = [
        json!({"stage": "done"}),
        json!({"stage": "seen"}),
        json!({"stage": "failed", "reason": "no: 字 \u{0} \""}),
        json!({"stage": "failed"}),
    ];
    for (taken, stage) in take(&bob).await.iter().zip(stages) {
        acknowledge(&bob, taken, &stage).await;
    }
    take(&cem).await;
    let answer = json!({"to": "ann", "text": "It is", "reply_to": take(&bob).await[0]["id"]});
    let refused = bob.post("/v1/messages", &answer).await;
    assert!(refused.status < 500, "{refused:?}");
    // What was lasting for five seconds is over, and so are the leases.
    server.clock.turn(Duration::from_secs(7_200));
    take(&server.rest("cem")).await;
}

async fn take(rest: &Rest) -> Vec<Value> {
    let page = rest.get("/v1/mailbox?limit=4").await.ok(200);
    page["items"].as_array().expect("a list").clone()
}

async fn acknowledge(rest: &Rest, taken: &Value, stage: &Value) {
    let id = taken["id"].as_str().expect("an id");
    let said = rest.post(&format!("/v1/messages/{id}/ack"), stage).await;
    assert!(said.status < 500, "{said:?}");
}
