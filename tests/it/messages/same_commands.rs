//! The same commands over both transports lead to the same messages, the same refusals and the
//! same state.

use std::collections::HashMap;

use reqwest::Method;
use serde_json::{Value, json};

use super::mail::{ended, history, id_of, known, list, millis_between, steps, take, waiting};
use crate::support::{Reply, TestServer, Ws};

const SCOPES: [(&str, &str); 3] = [
    ("ann", "message room orchestrate broadcast"),
    ("bob", "message room orchestrate"),
    ("cem", "message room orchestrate"),
];

/// What somebody asks for. `@name` stands for the id of the message of that name.
enum What {
    Send(Value),
    Ack(Value),
    /// A call of the mailbox, which is the same for both.
    Take(&'static str),
    /// Nothing, until this message of Ann's has ended.
    Wait(&'static str),
    /// Both servers begin anew.
    Restart,
}

/// What must come of it.
enum Outcome {
    /// A new message, under this name; an acknowledgement has the name of its message.
    Stored(&'static str),
    /// The original receipt of the message of this name.
    Again(&'static str),
    /// A refusal, by its number.
    Refused(u16),
    /// A page of so many messages.
    Page(usize),
}

struct Row {
    by: &'static str,
    key: Option<&'static str>,
    what: What,
    outcome: Outcome,
}

fn send(by: &'static str, body: Value, outcome: Outcome) -> Row {
    Row {
        by,
        key: None,
        what: What::Send(body),
        outcome,
    }
}

fn keyed(key: &'static str, row: Row) -> Row {
    Row {
        key: Some(key),
        ..row
    }
}

fn ack(by: &'static str, body: Value, outcome: Outcome) -> Row {
    Row {
        what: What::Ack(body),
        ..send(by, Value::Null, outcome)
    }
}

fn call(by: &'static str, query: &'static str, messages: usize) -> Row {
    Row {
        what: What::Take(query),
        ..send(by, Value::Null, Outcome::Page(messages))
    }
}

fn restart() -> Row {
    Row {
        what: What::Restart,
        ..call("", "", 0)
    }
}

fn wait(name: &'static str) -> Row {
    Row {
        what: What::Wait(name),
        ..call("", "", 0)
    }
}

use Outcome::{Again, Refused, Stored};

/// To one, to several, to everybody; with everything that a message can have.
fn sending() -> Vec<Row> {
    let several = json!({
        "to": ["Cem", "bob"], "payload": [1, {"a": null}, "字"], "priority": 3, "kind": "command",
        "metadata": {"n": [1, 2.5]},
    });
    let all = json!({"to": "ALL", "text": "to all 🐯", "priority": 2});
    let question = json!({
        "to": "bob", "text": "q?", "expects_reply": true, "deadline_seconds": 90,
        "ttl_seconds": 100,
    });
    let late = json!({"to": "dora", "text": "for later", "keep": true});
    let trace = format!("tr_{}.4", "0f".repeat(16));
    let traced = json!({"to": "cem", "text": "t", "trace": trace});
    let looping = json!({"to": "cem", "text": "t", "trace": trace.replace(".4", ".100")});
    vec![
        send(
            "ann",
            json!({"to": "BOB", "text": "first"}),
            Stored("first"),
        ),
        send("ann", several.clone(), Stored("several")),
        send("ann", all.clone(), Stored("all")),
        send("bob", all, Refused(1102)),
        send(
            "ann",
            json!({"to": "bob", "text": "0", "priority": 0}),
            Stored("p0"),
        ),
        send(
            "ann",
            json!({"to": "bob", "text": "1", "priority": 1}),
            Stored("p1"),
        ),
        send(
            "ann",
            json!({"to": "bob", "text": "2", "priority": 2}),
            Stored("p2"),
        ),
        send(
            "ann",
            json!({"to": "bob", "text": "3", "priority": 3}),
            Stored("p3"),
        ),
        send("ann", json!({"to": "ann", "text": "note"}), Stored("note")),
        send("ann", question, Stored("question")),
        send("ann", json!({"to": "dora", "text": "x"}), Refused(1300)),
        send(
            "ann",
            json!({"to": ["bob", "dora"], "text": "x"}),
            Refused(1300),
        ),
        send("ann", late, Stored("late")),
        send(
            "ann",
            json!({"to": ["dora", "bob"], "text": "k", "keep": true}),
            Stored("both"),
        ),
        send("ann", traced, Stored("traced")),
        send("ann", looping, Refused(1605)),
    ]
}

/// Keys, and what comes of them when they are said again.
fn repeating() -> Vec<Row> {
    let one = || json!({"to": "bob", "text": "once", "priority": 2});
    let two = || json!({"to": ["bob", "cem"], "text": "both once"});
    let all = || json!({"to": "all", "text": "all once", "ttl_seconds": 500});
    let seen = || json!({"id": "@k1", "stage": "seen"});
    let again = || {
        vec![
            keyed("k1", send("ann", one(), Again("k1"))),
            keyed("k2", send("ann", two(), Again("k2"))),
            keyed("k3", send("ann", all(), Again("k3"))),
            keyed("k4", ack("bob", seen(), Again("seen"))),
            keyed(
                "k1",
                send("ann", json!({"to": "bob", "text": "other"}), Refused(1400)),
            ),
            keyed(
                "k2",
                send(
                    "ann",
                    json!({"to": ["bob", "cem"], "text": "x"}),
                    Refused(1400),
                ),
            ),
            keyed(
                "k3",
                send("ann", json!({"to": "all", "text": "x"}), Refused(1400)),
            ),
        ]
    };
    let mut rows = vec![
        keyed("k1", send("ann", one(), Stored("k1"))),
        keyed("k2", send("ann", two(), Stored("k2"))),
        keyed("k3", send("ann", all(), Stored("k3"))),
        keyed("k4", ack("bob", seen(), Stored("seen"))),
        // A key is its sender's, and its mailbox's.
        keyed("k1", send("cem", one(), Stored("cems"))),
        keyed(
            "k1",
            send(
                "ann",
                json!({"to": "cem", "text": "once"}),
                Stored("to cem"),
            ),
        ),
    ];
    rows.extend(again());
    rows.push(restart());
    rows.extend(again());
    rows
}

/// What recipients say.
fn answering() -> Vec<Row> {
    let of = |id: &str, stage: &str| json!({"id": id, "stage": stage});
    let failed = json!({"id": "@p2", "stage": "failed", "reason": "no paper"});
    let answer = json!({"to": "ann", "text": "a!", "reply_to": "@question", "kind": "response"});
    let stranger = json!({"to": "ann", "text": "a!", "reply_to": "@question"});
    let own = json!({"to": "bob", "text": "and", "reply_to": "@first"});
    vec![
        ack("bob", of("@first", "seen"), Stored("f seen")),
        ack("bob", of("@first", "seen"), Again("-")),
        ack("bob", of("@first", "done"), Stored("f done")),
        ack("bob", of("@first", "done"), Again("-")),
        ack("bob", of("@first", "seen"), Refused(1303)),
        ack("bob", of("@first", "failed"), Refused(1303)),
        ack("cem", of("@first", "seen"), Refused(1302)),
        ack("ann", of("@first", "done"), Refused(1302)),
        ack("cem", of("@all", "done"), Refused(1302)),
        ack("cem", of("@several", "done"), Stored("s done")),
        call("bob", "limit=6", 6),
        ack("bob", failed, Stored("p2 failed")),
        send("cem", stranger, Refused(1302)),
        send("bob", answer, Stored("answer")),
        wait("question"),
        send("ann", own, Stored("own")),
        ack("bob", of("@question", "seen"), Refused(1303)),
    ]
}

/// A server, and how one talks to it.
struct Door {
    server: Option<TestServer>,
    sessions: HashMap<&'static str, Ws>,
    by_rest: bool,
    /// Names of messages by their ids, and their receipts.
    names: HashMap<String, &'static str>,
    receipts: HashMap<&'static str, Value>,
}

impl Door {
    async fn open(by_rest: bool) -> Self {
        let mut door = Self {
            server: Some(TestServer::start()),
            sessions: HashMap::new(),
            by_rest,
            names: HashMap::new(),
            receipts: HashMap::new(),
        };
        known(door.server(), &["ann", "bob", "cem"]).await;
        door.connect().await;
        door
    }

    fn server(&self) -> &TestServer {
        self.server.as_ref().expect("it runs")
    }

    /// Sessions that take no messages: what is handed over is the same for both.
    async fn connect(&mut self) {
        if self.by_rest {
            return;
        }
        for (client, scopes) in SCOPES {
            let token = self.server().token_with(client, scopes);
            let mut ws = Ws::open(self.server().addr, client, &token).await;
            ws.send(json!({"type": "hello", "messages": false})).await;
            ws.expect("welcome").await;
            self.sessions.insert(client, ws);
        }
    }

    async fn restart(&mut self) {
        self.sessions.clear();
        self.server = self.server.take().map(TestServer::restart);
        self.connect().await;
    }

    /// With ids in the place of names.
    fn with_ids(&self, body: &Value) -> Value {
        let mut text = body.to_string();
        for (id, name) in &self.names {
            text = text.replace(&format!("\"@{name}\""), &format!("\"{id}\""));
        }
        serde_json::from_str(&text).expect("still JSON")
    }

    async fn ask(&mut self, row: &Row) -> Value {
        let (kind, body) = match &row.what {
            What::Send(body) => ("send", body),
            What::Ack(body) => ("ack", body),
            What::Take(query) => return take(&self.server().rest(row.by), query).await,
            What::Wait(name) => {
                return ended(&self.server().rest("ann"), &self.id(name)).await;
            }
            What::Restart => {
                self.restart().await;
                return Value::Null;
            }
        };
        let mut body = self.with_ids(body);
        if self.by_rest {
            return answer(kind, &self.ask_rest(row, kind, &body).await);
        }
        body["type"] = json!(kind);
        if let Some(key) = row.key {
            body["key"] = json!(key);
        }
        let ws = self.sessions.get_mut(row.by).expect("one of the three");
        let mut told = ws.request(body).await;
        for field in ["type", "ref"] {
            told.as_object_mut().expect("a frame").remove(field);
        }
        told
    }

    async fn ask_rest(&self, row: &Row, kind: &str, body: &Value) -> Reply {
        let scopes = SCOPES.iter().find(|(client, _)| *client == row.by);
        let rest = self
            .server()
            .rest_with(row.by, scopes.expect("one of the three").1);
        let (path, body) = match (kind, body["id"].as_str()) {
            ("ack", Some(id)) => {
                let mut rest = body.clone();
                rest.as_object_mut().expect("an object").remove("id");
                (format!("/v1/messages/{id}/ack"), rest)
            }
            _ => ("/v1/messages".to_owned(), body.clone()),
        };
        match row.key {
            Some(key) => rest.keyed(Method::POST, &path, Some(&body), key).await,
            None => rest.post(&path, &body).await,
        }
    }

    /// Asks, and holds the answer against what must come.
    async fn play(&mut self, row: &Row) -> Value {
        let answer = self.ask(row).await;
        let shown = match &row.what {
            What::Send(body) | What::Ack(body) => format!("{} {body}: {answer}", row.by),
            What::Take(query) => format!("{} {query}: {answer}", row.by),
            What::Wait(_) | What::Restart => return self.timeless(answer),
        };
        match row.outcome {
            Outcome::Stored(name) => {
                assert_eq!(answer["duplicate"], false, "{shown}");
                if matches!(row.what, What::Send(_)) {
                    self.names.insert(id_of(&answer), name);
                }
                self.receipts.insert(name, answer.clone());
            }
            Outcome::Again(name) => {
                assert_eq!(answer["duplicate"], true, "{shown}");
                if let Some(original) = self.receipts.get(name) {
                    let same = ["id", "at"].map(|field| answer[field] == original[field]);
                    assert_eq!(same, [true, true], "{shown} after {original}");
                }
            }
            Outcome::Refused(number) => assert_eq!(answer["number"], number, "{shown}"),
            Outcome::Page(messages) => {
                assert_eq!(list(&answer["items"]).len(), messages, "{shown}");
            }
        }
        self.timeless(answer)
    }

    /// Without what is different each time: names in the place of ids, and in the place of times
    /// how long after the message they are, where that is certain.
    fn timeless(&self, mut value: Value) -> Value {
        if let Some(at) = value.get("at").cloned() {
            for field in ["expires_at", "deadline"] {
                if value[field].is_string() {
                    // To the second: the others of several get theirs a moment after the first.
                    let millis = millis_between(&at, &value[field]);
                    value[field] = json!((millis + 500).div_euclid(1_000));
                }
            }
        }
        match &mut value {
            Value::Object(fields) => {
                for field in ["at", "until", "not_before", "request_id", "epoch", "next"] {
                    if let Some(time) = fields.get_mut(field) {
                        *time = json!(time.is_string());
                    }
                }
                if let Some(trace) = fields.get_mut("trace") {
                    let hops = trace.as_str().and_then(|trace| trace.split_once('.'));
                    *trace = json!(hops.expect("a trace").1);
                }
                for field in fields.values_mut() {
                    *field = self.timeless(field.take());
                }
            }
            Value::Array(items) => {
                for item in items {
                    *item = self.timeless(item.take());
                }
            }
            Value::String(text) => {
                for (id, name) in &self.names {
                    *text = text.replace(id, name);
                }
            }
            _ => {}
        }
        value
    }

    /// Every message with its stages, and what waits for everybody.
    async fn state(&self) -> Value {
        let server = self.server();
        let mut state = json!({});
        for (id, name) in &self.names {
            let by = match *name {
                "answer" => "bob",
                "cems" => "cem",
                _ => "ann",
            };
            let shown = history(&server.rest(by), id).await;
            assert_eq!(shown["from"], by, "{shown}");
            state[*name] = self.timeless(shown);
        }
        for client in ["ann", "bob", "cem", "dora"] {
            let rest = server.rest(client);
            state[client] = self.timeless(json!(waiting(&rest).await));
            let page = take(&rest, "limit=500").await;
            state[format!("{client} calls")] = self.timeless(page);
        }
        state
    }

    fn id(&self, name: &str) -> String {
        let found = self.names.iter().find(|(_, known)| **known == name);
        found.expect("it was sent").0.clone()
    }
}

/// The body of an answer, or the error in it.
fn answer(kind: &str, reply: &Reply) -> Value {
    let mut body = reply.json();
    let Some(error) = body.get_mut("error") else {
        let is_new = kind == "send" && body["duplicate"] == false;
        let status = if is_new { 201 } else { 200 };
        assert_eq!(reply.status, status, "{}", reply.text);
        return body;
    };
    assert!(reply.status >= 400, "{}", reply.text);
    let mut error = error.take();
    error.as_object_mut().expect("an object").remove("details");
    error
}

#[tokio::test]
async fn both_transports_do_the_same() {
    let (mut by_socket, mut by_rest) = tokio::join!(Door::open(false), Door::open(true));
    for row in [sending(), repeating(), answering()].into_iter().flatten() {
        let (told, answered) = tokio::join!(by_socket.play(&row), by_rest.play(&row));
        assert_eq!(told, answered);
    }
    let (one, other) = tokio::join!(by_socket.state(), by_rest.state());
    for (name, shown) in one.as_object().expect("an object") {
        assert_eq!(*shown, other[name], "{name}");
    }
    assert_eq!(one, other);
    let question = &one["question"];
    let wanted = ["stored", "delivered 1 call", "done"];
    assert_eq!(steps(question), wanted);
    assert_eq!(question["recipients"][0]["history"][2]["reply"], "answer");
    let wanted = ["stored", "delivered 1 call", "returned 1 failed no paper"];
    assert_eq!(steps(&one["p2"]), wanted);
}
