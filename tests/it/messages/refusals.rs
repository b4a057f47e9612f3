//! What is wrong is refused by its number, the same over both transports, and stores nothing.

use serde_json::{Map, Value, json};

use super::mail::{NOTHING, id_of, known, list, say, send, silent, take, waiting};
use crate::support::{Rest, TestServer, Ws};

/// One who asks over both transports.
struct Asker {
    ws: Ws,
    rest: Rest,
}

impl Asker {
    async fn new(server: &TestServer, client: &str) -> Self {
        Self {
            ws: silent(server, client).await,
            rest: server.rest(client),
        }
    }

    /// Both refuse it, by the same number and in the same words. Returns the words.
    async fn refused(&mut self, kind: &str, body: &Value, status: u16, number: u16) -> String {
        let mut frame = body.clone();
        frame["type"] = json!(kind);
        let shown: String = frame.to_string().chars().take(200).collect();
        // Without a `ref`: JSON that nests too deep is not read far enough to find one.
        self.ws.send(frame).await;
        let told = self.ws.next().await;
        assert_eq!(told["type"], "rejected", "{shown}: {told}");
        assert_eq!(told["number"], number, "{shown}: {told}");
        let (path, body) = match kind {
            "ack" => {
                let mut rest = body.clone();
                let id = rest.as_object_mut().expect("an object").remove("id");
                let id = id.and_then(|id| id.as_str().map(str::to_owned));
                let id = id.unwrap_or_default();
                (format!("/v1/messages/{id}/ack"), rest)
            }
            _ => ("/v1/messages".to_owned(), body.clone()),
        };
        let reply = self.rest.post(&path, &body).await;
        let code = told["code"].as_str().expect("a word");
        let error = reply.error(status, code, number);
        assert_eq!(error["message"], told["message"], "{shown}");
        assert_eq!(error["temporary"], told["temporary"], "{shown}");
        error["message"].as_str().expect("a sentence").to_owned()
    }
}

/// A field and what does not belong there; `Null` takes the field out.
type Row = (&'static str, Value);

/// One field of a good message is replaced.
fn fields() -> Vec<Row> {
    let mut rows = Vec::new();
    let many: Vec<String> = (0..101).map(|n| format!("client-{n}")).collect();
    let x = "x";
    for (field, values) in [
        ("priority", json!([-1, 4, 1.5, "2", [1], 256])),
        (
            "ttl_seconds",
            json!([0, -1, 1.5, "9", 30 * 86_400 + 1, 5_000_000_000_u64]),
        ),
        ("deadline_seconds", json!([1, 0, -1, 1.5, "9"])),
        (
            "to",
            json!([[], many, ["bob", "BOB"], ["cem", "all"], ["all"], null]),
        ),
        (
            "to",
            json!([
                "",
                ".bob",
                "b b",
                "bób",
                x.repeat(65),
                "system",
                "me",
                "b/b"
            ]),
        ),
        (
            "to",
            json!([["bob", "system"], ["bob", 1], [["bob"]], 1, {}, true]),
        ),
        (
            "text",
            json!(["", " \n\u{3000}", "字".repeat(10_001), 1, ["x"], {}, null]),
        ),
        ("payload", json!([1])),
        ("kind", json!(["notice", "Message", "event", "", 1])),
        (
            "metadata",
            json!([[1], "x", 1, true, {"a": x.repeat(256 * 1024)}]),
        ),
        ("reply_to", json!(["x", "msg_1", 1, {}])),
        ("expects_reply", json!(["yes", 1])),
        ("keep", json!(["yes", 1])),
        (
            "trace",
            json!(["", "x", "tr_1.1", 1, format!("tr_{}.-1", "0".repeat(32))]),
        ),
    ] {
        let Value::Array(values) = values else {
            panic!("{values} is no list");
        };
        rows.extend(values.into_iter().map(|value| (field, value)));
    }
    rows
}

fn changed((field, value): &Row) -> Value {
    let mut body = json!({"to": "bob", "text": "x"});
    let fields: &mut Map<String, Value> = body.as_object_mut().expect("an object");
    match value {
        Value::Null => drop(fields.remove(*field)),
        value => drop(fields.insert((*field).to_owned(), value.clone())),
    }
    body
}

/// Payloads, and fields that contradict each other.
fn bodies() -> Vec<Value> {
    let asking = |deadline: i64, ttl: i64| {
        json!({
            "to": "bob", "text": "x", "expects_reply": true, "deadline_seconds": deadline,
            "ttl_seconds": ttl,
        })
    };
    vec![
        // As JSON it has two quotation marks besides.
        json!({"to": "bob", "payload": "x".repeat(256 * 1024 - 1)}),
        json!({"to": "bob", "payload": null}),
        asking(0, 10),
        asking(11, 10),
        asking(-1, 10),
        json!({"to": "all", "text": "x", "expects_reply": true, "deadline_seconds": 3_601}),
    ]
}

fn nested(levels: usize) -> Value {
    (1..levels).fold(json!([]), |inner, _| json!([inner]))
}

/// Nothing waits for anybody, and nobody is told anything.
async fn nothing_is_stored(server: &TestServer) {
    for client in ["ann", "bob", "cem"] {
        let rest = server.rest(client);
        assert_eq!(waiting(&rest).await, NOTHING, "{client}");
        let page = take(&rest, "").await;
        assert_eq!((&page["items"], &page["next"]), (&json!([]), &json!(null)));
    }
}

#[tokio::test]
async fn a_wrong_field_is_refused_and_nothing_is_stored() {
    let server = TestServer::start();
    known(&server, &["bob", "cem"]).await;
    let mut ann = Asker::new(&server, "ann").await;
    for row in fields() {
        let words = ann.refused("send", &changed(&row), 400, 1003).await;
        // A contradiction is told of the field that came too much.
        let is_named = words.contains(row.0) || row.0 == "text" && words.contains("payload");
        assert!(is_named, "{row:?}: {words}");
    }
    for body in bodies() {
        ann.refused("send", &body, 400, 1003).await;
    }
    // With the message itself around it, these are 33 levels.
    let deep = json!({"to": "bob", "payload": nested(32)});
    let words = ann.refused("send", &deep, 400, 1001).await;
    assert!(words.contains("32"), "{words}");
    nothing_is_stored(&server).await;
}

#[tokio::test]
async fn what_is_just_within_the_bounds_is_good() {
    let server = TestServer::start();
    let names: Vec<String> = (0..100).map(|n| format!("client-{n}")).collect();
    known(&server, &["ann", "bob"]).await;
    let ann = server.rest("ann");
    let good = [
        json!({"to": names, "text": "to a hundred", "keep": true}),
        json!({"to": "bob", "text": "🦀".repeat(10_000), "ttl_seconds": 30 * 86_400}),
        json!({"to": "bob", "payload": "x".repeat(256 * 1024 - 2)}),
        json!({"to": "bob", "payload": nested(31), "priority": 0}),
        json!({"to": "bob", "payload": false, "priority": 3, "ttl_seconds": 1}),
        json!({"to": "bob", "text": "x", "expects_reply": true, "deadline_seconds": 10, "ttl_seconds": 10}),
        json!({"to": "bob", "text": "x", "metadata": {}, "trace": null, "reply_to": null}),
    ];
    for body in &good {
        send(&ann, body.clone()).await;
    }
    let page = waiting(&server.rest("bob")).await;
    assert_eq!(page.len(), good.len() - 1);
    for body in &good[1..] {
        let is_it = |message: &&Value| {
            message["text"] == body["text"] && message["payload"] == body["payload"]
        };
        assert!(page.iter().any(|message| is_it(&message)), "{body}");
    }
    assert_eq!(waiting(&server.rest("client-99")).await.len(), 1);
}

#[tokio::test]
async fn who_is_not_known_is_refused_with_names_that_are_like_it() {
    let server = TestServer::start();
    known(&server, &["bob", "reviewer", "coder-1", "coder-2"]).await;
    let mut ann = Asker::new(&server, "ann").await;
    for (to, offered) in [
        (json!("reviwer"), "did you mean reviewer?"),
        (json!("CODER-3"), "did you mean coder-1 or coder-2?"),
        (json!(["bob", "revewer"]), "did you mean reviewer?"),
    ] {
        let body = json!({"to": to, "text": "x"});
        let words = ann.refused("send", &body, 404, 1300).await;
        assert!(words.contains(offered), "{words}");
    }
    let body = json!({"to": "zoroaster", "text": "x"});
    let words = ann.refused("send", &body, 404, 1300).await;
    assert!(
        !words.contains("did you mean") && words.contains("keep"),
        "{words}"
    );
    // Not even the one who is known got it.
    assert_eq!(waiting(&server.rest("bob")).await.len(), 0);
    // Who was kept a message for is not known by that.
    send(
        &server.rest("ann"),
        json!({"to": "zoroaster", "text": "x", "keep": true}),
    )
    .await;
    ann.refused("send", &body, 404, 1300).await;
}

#[tokio::test]
async fn a_wrong_acknowledgement_is_refused_and_changes_nothing() {
    let server = TestServer::start();
    known(&server, &["bob", "cem"]).await;
    let ann = server.rest("ann");
    let id = say(&ann, "bob", "to bob").await;
    let foreign = say(&ann, "cem", "to cem").await;
    let mut bob = Asker::new(&server, "bob").await;
    let of = |id: &str, stage: Value| json!({"id": id, "stage": stage});
    for stage in [
        json!("delivered"),
        json!("Seen"),
        json!(""),
        json!(1),
        json!(null),
    ] {
        let words = bob.refused("ack", &of(&id, stage), 400, 1003).await;
        assert!(words.contains("stage"), "{words}");
    }
    for reason in [json!(""), json!("字".repeat(1_001)), json!(1)] {
        let body = json!({"id": id, "stage": "failed", "reason": reason});
        let words = bob.refused("ack", &body, 400, 1003).await;
        assert!(words.contains("reason"), "{words}");
    }
    bob.refused("ack", &of("msg_1", json!("seen")), 400, 1003)
        .await;
    let unknown = format!("msg_{}", "0".repeat(32));
    for id in [&unknown, &foreign] {
        for stage in ["seen", "done", "failed"] {
            bob.refused("ack", &of(id, json!(stage)), 404, 1302).await;
        }
    }
    assert_eq!(waiting(&bob.rest).await.len(), 1);
    assert_eq!(waiting(&server.rest("cem")).await.len(), 1);
    // Never backwards, and never behind the end.
    super::mail::ack(&mut bob.ws, &id, "done").await;
    let short = json!({"to": "bob", "text": "x", "ttl_seconds": 1});
    let expired = send(&ann, short).await;
    super::mail::ended(&ann, &expired).await;
    for (id, stages) in [
        (&id, &["seen", "failed"][..]),
        (&expired, &["seen", "done", "failed"]),
    ] {
        for stage in stages {
            bob.refused("ack", &of(id, json!(stage)), 409, 1303).await;
        }
    }
    // The same when the mailbox has to look it up.
    drop(bob);
    let server = server.restart();
    let mut bob = Asker::new(&server, "bob").await;
    for id in [&id, &expired] {
        bob.refused("ack", &of(id, json!("seen")), 409, 1303).await;
    }
    bob.refused("ack", &of(&foreign, json!("seen")), 404, 1302)
        .await;
}

#[tokio::test]
async fn only_what_one_got_or_sent_can_be_answered() {
    let server = TestServer::start();
    known(&server, &["bob", "cem"]).await;
    let ann = server.rest("ann");
    let id = say(&ann, "bob", "to bob").await;
    let mut cem = Asker::new(&server, "cem").await;
    let unknown = format!("msg_{}", "0".repeat(32));
    for id in [&id, &unknown] {
        for to in [json!("ann"), json!(["ann", "bob"])] {
            let body = json!({"to": to, "text": "x", "reply_to": id});
            cem.refused("send", &body, 404, 1302).await;
        }
    }
    // A room's message is none of these.
    let mut bob = server.session("bob").await;
    let room = bob.create(json!({})).await;
    let posted = id_of(&bob.post(&room, "x").await);
    bob.refused(
        json!({"type": "send", "to": "ann", "text": "x", "reply_to": posted}),
        1302,
    )
    .await;
    assert_eq!(waiting(&ann).await.len(), 0);
}

/// The chain of a storm ends.
#[tokio::test]
async fn messages_that_answer_each_other_are_stopped() {
    let server = TestServer::start();
    known(&server, &["ann", "bob"]).await;
    let sides = [server.rest("ann"), server.rest("bob")];
    let mut id = say(&sides[0], "bob", "ping").await;
    for hop in 1..=100 {
        let (from, to) = if hop % 2 == 0 { (0, "bob") } else { (1, "ann") };
        let body = json!({"to": to, "text": "again", "reply_to": id});
        id = send(&sides[from], body).await;
    }
    let body = json!({"to": "ann", "text": "again", "reply_to": id});
    let reply = sides[1].post("/v1/messages", &body).await;
    reply.error(409, "loop_stopped", 1605);
    assert_eq!(waiting(&sides[0]).await.len(), 50);
}

/// What is asked of a mailbox.
#[tokio::test]
async fn a_wrong_call_of_the_mailbox_takes_nothing() {
    let server = TestServer::start();
    known(&server, &["bob"]).await;
    let id = say(&server.rest("ann"), "bob", "x").await;
    let bob = server.rest("bob");
    let epoch = format!("ep_{}", "0".repeat(32));
    for query in [
        "after=x",
        "after=7",
        "after=",
        &format!("after={epoch}"),
        &format!("after={epoch}:1-2:3"),
        &format!("after={epoch}:1-2:3:4:5"),
        &format!("after={epoch}:1:3:4"),
        "wait=56",
        "wait=-1",
        "wait=x",
        "limit=0",
        "limit=501",
        "limit=x",
        "peek=maybe",
        &format!("peek=true&after={epoch}:1-2:3:4"),
        "peek=true&wait=1",
    ] {
        let reply = bob.get(&format!("/v1/mailbox?{query}")).await;
        reply.error(400, "invalid_field", 1003);
    }
    for path in ["wait=56", "wait=x"] {
        let reply = bob.get(&format!("/v1/messages/{id}?{path}")).await;
        reply.error(400, "invalid_field", 1003);
    }
    for query in ["limit=0", "limit=501", "after=x"] {
        let reply = bob.get(&format!("/v1/dead-letters?{query}")).await;
        reply.error(400, "invalid_field", 1003);
    }
    bob.get("/v1/messages/x")
        .await
        .error(400, "invalid_field", 1003);
    let shown = super::mail::history(&bob, &id).await;
    assert_eq!(super::mail::steps(&shown), ["stored"]);
}

/// A cursor of another life of the log confirms nothing, and that is said.
#[tokio::test]
async fn a_cursor_of_another_epoch_confirms_nothing() {
    let server = TestServer::start();
    known(&server, &["bob"]).await;
    let id = say(&server.rest("ann"), "bob", "x").await;
    let bob = server.rest("bob");
    let page = take(&bob, "").await;
    let (next, epoch) = (&page["next"], &page["epoch"]);
    let (next, epoch) = (next.as_str().expect("it took one"), epoch.as_str());
    let other = next.replace(epoch.expect("an epoch"), &format!("ep_{}", "1".repeat(32)));
    assert_ne!(other, next);
    let page = take(&bob, &format!("after={other}")).await;
    assert_eq!(page["complete"], false);
    assert_eq!(list(&page["items"])[0]["attempt"], 2, "{page}");
    let shown = super::mail::history(&bob, &id).await;
    let steps = super::mail::steps(&shown);
    let wanted = [
        "stored",
        "delivered 1 call",
        "returned 1 not_confirmed",
        "delivered 2 call",
    ];
    assert_eq!(steps, wanted);
}
