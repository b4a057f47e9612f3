//! Fields that are wrong, the same over both transports.

use reqwest::Method;
use serde_json::{Map, Value, json};

use crate::support::{Rest, TestServer, Ws};

/// A request over both transports: the frame's type, the route, and a body that is good.
pub(super) struct Door {
    pub(super) kind: &'static str,
    pub(super) method: Method,
    pub(super) path: &'static str,
    pub(super) good: fn() -> Value,
}

const DOORS: [Door; 5] = [
    Door {
        kind: "create_room",
        method: Method::POST,
        path: "/v1/rooms",
        good: || json!({"room": "attic"}),
    },
    Door {
        kind: "post",
        method: Method::POST,
        path: "/v1/rooms/den/messages",
        good: || json!({"text": "x"}),
    },
    Door {
        kind: "create_channel",
        method: Method::POST,
        path: "/v1/rooms/den/channels",
        good: || json!({"name": "x"}),
    },
    Door {
        kind: "grant",
        method: Method::PUT,
        path: "/v1/rooms/den/members/CLIENT",
        good: || json!({"client": "bob", "role": "coder"}),
    },
    Door {
        kind: "remove",
        method: Method::DELETE,
        path: "/v1/rooms/den/members/CLIENT",
        good: || json!({"client": "bob", "reason": "x"}),
    },
];

/// What is put in the place of a field. `Missing` takes it out.
pub(super) enum Put {
    Missing,
    This(Value),
}

pub(super) fn long(chars: usize) -> Value {
    json!("字".repeat(chars))
}

/// A row: type, field, what is put there, and the word that has to be in the refusal.
pub(super) type Row = (&'static str, &'static str, Put, &'static str);

fn table() -> Vec<Row> {
    let deep = (0..40).fold(json!({}), |inner, _| json!({"a": inner}));
    let large = json!({"a": "x".repeat(256 * 1024)});
    let mut rows = vec![
        ("post", "text", Put::Missing, "text"),
        ("create_channel", "name", Put::Missing, "name"),
        ("grant", "role", Put::Missing, "role"),
        ("post", "metadata", Put::This(deep), "32"),
        ("post", "metadata", Put::This(large), "262144"),
    ];
    for (kind, field, list) in lists() {
        let Value::Array(values) = list else {
            panic!("{list} is no list");
        };
        for value in values {
            rows.push((kind, field, Put::This(value), field));
        }
    }
    rows
}

/// Type, field, and a list of values that do not belong there.
fn lists() -> Vec<(&'static str, &'static str, Value)> {
    let channels = || json!(["", "a\nb", "a\u{0}b", " a", long(65), 1]);
    let topics = || json!([long(257), 1, []]);
    let texts = json!(["", " \n\u{3000}", 1, null, ["x"], {}, long(10_001)]);
    let policies = json!([
        "open",
        1,
        ["private"],
        {"visibility": "hidden"},
        {"roles": 1},
        {"weights": {"others": -1}},
        {"weights": {"others": 0.0001}},
        {"weights": [1, 2, 3]},
    ]);
    vec![
        ("post", "text", texts),
        ("post", "channel", channels()),
        ("post", "reply_to", json!(["x", 1, "msg_1"])),
        ("post", "metadata", json!([[1], "x", 1, true])),
        ("create_channel", "name", channels()),
        ("create_channel", "topic", topics()),
        ("create_room", "topic", topics()),
        ("create_room", "password", json!(["", long(257), 1])),
        ("create_room", "policy", policies),
        ("create_room", "room", json!(bad_ids())),
        ("grant", "role", json!(["Coder", "king", "", 1])),
        ("remove", "reason", json!(["", long(1_001), 1])),
    ]
}

fn bad_ids() -> Vec<Value> {
    let names = [
        "", ".hidden", "a b", "a/b", "a\u{0}b", "字", "émile", "ALL", "me", "System",
    ];
    let mut ids: Vec<_> = names.iter().map(|name| json!(name)).collect();
    ids.push(json!("x".repeat(65)));
    ids.push(json!(1));
    ids
}

pub(super) fn changed(good: &Value, field: &str, put: &Put) -> Map<String, Value> {
    let mut body = good.as_object().expect("an object").clone();
    match put {
        Put::Missing => drop(body.remove(field)),
        Put::This(value) => drop(body.insert(field.to_owned(), value.clone())),
    }
    body
}

pub(super) struct Fixture {
    pub(super) ws: Ws,
    pub(super) rest: Rest,
}

impl Fixture {
    pub(super) async fn refused_by_both(
        &mut self,
        door: &Door,
        path: &str,
        body: &Map<String, Value>,
        place: &str,
    ) {
        let mut frame = Value::Object(body.clone());
        frame["type"] = json!(door.kind);
        if door.kind != "create_room" {
            frame["room"] = json!("den");
        }
        // Without a `ref`: JSON that nests too deep is not read far enough to find one.
        self.ws.send(frame.clone()).await;
        let told = self.ws.next().await;
        let shown: String = frame.to_string().chars().take(200).collect();
        assert_eq!(told["type"], "rejected", "{shown}: {told}");
        assert!(
            told["number"] == 1003 || told["number"] == 1001,
            "{shown}: {told}"
        );
        assert!(
            told["message"].as_str().is_some_and(|m| m.contains(place)),
            "{shown}: {told}"
        );
        let reply = self
            .rest
            .ask(door.method.clone(), path, Some(&json!(body)))
            .await;
        let code = told["code"].as_str().expect("a word").to_owned();
        let number = u16::try_from(told["number"].as_u64().expect("a number")).expect("small");
        let error = reply.error(400, &code, number);
        if place != "room" {
            assert_eq!(error["message"], told["message"], "{shown}");
        }
    }
}

#[tokio::test]
async fn a_wrong_field_is_refused_in_the_same_words_by_both() {
    let server = TestServer::start();
    let mut ws = server.session("ann").await;
    ws.create(json!({"room": "den"})).await;
    ws.done(json!({"type": "grant", "room": "den", "client": "bob", "role": "coder"}))
        .await;
    let rest = server.rest("ann");
    let mut fixture = Fixture { ws, rest };
    for (kind, field, put, place) in table() {
        let door = DOORS
            .iter()
            .find(|door| door.kind == kind)
            .expect("one of the doors");
        let body = changed(&(door.good)(), field, &put);
        let path = door.path.replace("CLIENT", "bob");
        fixture.refused_by_both(door, &path, &body, place).await;
    }
    let Fixture { mut ws, rest } = fixture;
    assert_eq!(rest.head("den").await, 3, "nothing has changed");
    rest.get("/v1/rooms/attic")
        .await
        .error(404, "room_not_found", 1200);
    assert_eq!(ws.post("den", "still here").await["seq"], 4);
}

#[tokio::test]
async fn what_is_just_within_the_bounds_is_good() {
    let server = TestServer::start();
    let mut ws = server.session("ann").await;
    let room = "x".repeat(64);
    let password = long(256);
    ws.create(json!({"room": room, "topic": long(256), "password": password}))
        .await;
    let channel = long(64);
    let made = json!({"type": "create_channel", "room": room, "name": channel, "topic": long(256)});
    ws.done(made).await;
    let emoji = "🦀".repeat(10_000);
    let key = "🗝".repeat(128);
    let metadata = json!({"a": "x".repeat(256 * 1024 - 8)});
    let frame = json!({
        "type": "post", "room": room, "text": emoji, "channel": channel, "key": key,
        "metadata": metadata,
    });
    let posted = ws.done(frame).await;
    assert_eq!(posted["text"], emoji);
    let nested = (0..29).fold(json!({}), |inner, _| json!({"a": inner}));
    let frame = json!({"type": "post", "room": room, "text": "x", "metadata": nested});
    assert_eq!(ws.done(frame).await["metadata"], nested);
    let rest = server.rest("ann");
    let path = format!("/v1/rooms/{room}/messages");
    let by_rest = rest
        .post(&path, &json!({"text": emoji, "metadata": metadata}))
        .await
        .ok(201);
    assert_eq!(by_rest["text"], emoji);
    let client = "y".repeat(64);
    assert_eq!(server.open(&client).await.hello().await["client"], client);
}

/// Names in paths and in frames keep the same rules.
#[tokio::test]
async fn a_wrong_name_is_refused_wherever_it_stands() {
    let server = TestServer::start();
    let mut ws = server.session("ann").await;
    ws.create(json!({"room": "den"})).await;
    let rest = server.rest("ann");
    for id in bad_ids() {
        for kind in ["join", "leave", "post"] {
            ws.refused(json!({"type": kind, "room": id, "text": "x"}), 1003)
                .await;
        }
        for kind in ["grant", "remove"] {
            let frame = json!({"type": kind, "room": "den", "client": id, "role": "coder"});
            ws.refused(frame, 1003).await;
        }
        let Some(id) = id.as_str().filter(|id| !id.is_empty()) else {
            continue;
        };
        let id: String = form_urlencoded::byte_serialize(id.as_bytes()).collect();
        let id = id.replace('+', "%20");
        for path in ["", "/messages", "/events", "/channels"] {
            rest.get(&format!("/v1/rooms/{id}{path}"))
                .await
                .error(400, "invalid_field", 1003);
        }
        if id != "me" {
            let path = format!("/v1/rooms/den/members/{id}");
            let reply = rest.put(&path, &json!({"role": "coder"})).await;
            reply.error(400, "invalid_field", 1003);
        }
    }
    for key in [
        json!(""),
        json!("x".repeat(129)),
        json!("a\nb"),
        json!(" a"),
        json!(1),
        json!({}),
    ] {
        ws.refused(
            json!({"type": "post", "room": "den", "text": "x", "key": key}),
            1003,
        )
        .await;
    }
    for frame in [
        json!({"type": "post", "text": "x"}),
        json!({"type": "leave"}),
    ] {
        ws.refused(frame, 1003).await;
    }
    assert_eq!(rest.head("den").await, 2);
}
