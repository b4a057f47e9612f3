//! The same commands about decisions over both transports lead to the same events.

use reqwest::Method;
use serde_json::{Value, json};

use super::den;
use crate::support::{Rest, TestServer, Ws};

/// By whom, the frame, and the same over REST. `DEC1` is the first motion, `CRIT1` the first critique,
/// and `MSG` a post.
type Row = (&'static str, Value, Method, &'static str);

fn frame(kind: &str, mut fields: Value) -> Value {
    fields["type"] = json!(kind);
    fields["room"] = json!("den");
    fields
}

/// Motions and what is said of them, with refusals in between.
#[expect(clippy::too_many_lines, reason = "a table of cases, one a line or two")]
fn table() -> Vec<Row> {
    let (post, put) = (|| Method::POST, || Method::PUT);
    let decisions = "/v1/rooms/den/decisions";
    let ballot = "/v1/rooms/den/decisions/DEC1/ballot";
    let ballot2 = "/v1/rooms/den/decisions/DEC2/ballot";
    let amendments = "/v1/rooms/den/decisions/DEC1/amendments";
    let adopt = "/v1/rooms/den/decisions/DEC1/amendments/1/ballot";
    let vote = |decision: &str, version: u32, choice: &str| {
        let fields = json!({
            "decision": decision, "version": version, "choice": choice, "reason": "büro 👀",
        });
        frame("vote", fields)
    };
    let motion = json!({"text": "Tigers 🐯", "vote_type": "consensus", "deadline_seconds": 60});
    let rival = json!({"text": "Lions", "alternative_to": "DEC1", "exclude_proposer": true});
    let amend = frame(
        "amend",
        json!({"decision": "DEC1", "version": 1, "text": "字"}),
    );
    let consent = frame(
        "adopt",
        json!({"decision": "DEC1", "amendment": 1, "choice": "approve"}),
    );
    let argue = json!({"decision": "DEC1", "side": "against", "text": "no", "evidence": ["a"]});
    let doubt = json!({"target": "DEC1", "severity": "blocking", "text": "but"});
    let on_post = json!({"target": "MSG", "severity": "suggestion", "text": "so"});
    let resolve = |critique: &str| frame("resolve", json!({"critique": critique, "text": "met"}));
    let waive = |critique: &str| frame("waive", json!({"critique": critique}));
    let policy = json!({"policy": {"veto": {"clients": ["cem"]}, "weights": {"others": 0.5}}});
    let withdraw = frame("withdraw", json!({"decision": "DEC2"}));
    vec![
        (
            "bob",
            frame("set_policy", policy.clone()),
            Method::PATCH,
            "/v1/rooms/den",
        ),
        (
            "ann",
            frame("set_policy", policy),
            Method::PATCH,
            "/v1/rooms/den",
        ),
        ("ann", frame("propose", motion), post(), decisions),
        ("bob", frame("propose", rival), post(), decisions),
        (
            "bob",
            frame("propose", json!({"text": "x", "quorum": 2})),
            post(),
            decisions,
        ),
        ("bob", vote("DEC1", 1, "approve"), put(), ballot),
        ("bob", vote("DEC1", 1, "veto"), put(), ballot),
        ("bob", vote("DEC1", 2, "approve"), put(), ballot),
        ("bob", vote("DEC2", 1, "approve"), put(), ballot2),
        ("bob", amend, post(), amendments),
        ("ann", consent.clone(), put(), adopt),
        ("cem", consent.clone(), put(), adopt),
        ("cem", consent, put(), adopt),
        (
            "cem",
            frame("argue", argue),
            post(),
            "/v1/rooms/den/decisions/DEC1/arguments",
        ),
        (
            "cem",
            frame("critique", doubt),
            post(),
            "/v1/rooms/den/decisions/DEC1/critiques",
        ),
        (
            "bob",
            frame("critique", on_post),
            post(),
            "/v1/rooms/den/messages/MSG/critiques",
        ),
        (
            "ann",
            resolve("CRIT1"),
            post(),
            "/v1/rooms/den/critiques/CRIT1/resolve",
        ),
        (
            "ann",
            waive("CRIT1"),
            post(),
            "/v1/rooms/den/critiques/CRIT1/waive",
        ),
        (
            "bob",
            waive("CRIT1"),
            post(),
            "/v1/rooms/den/critiques/CRIT1/waive",
        ),
        (
            "bob",
            resolve("CRIT2"),
            post(),
            "/v1/rooms/den/critiques/CRIT2/resolve",
        ),
        (
            "bob",
            resolve("CRIT2"),
            post(),
            "/v1/rooms/den/critiques/CRIT2/resolve",
        ),
        ("ann", vote("DEC1", 2, "approve"), put(), ballot),
        ("bob", vote("DEC1", 2, "approve"), put(), ballot),
        (
            "ann",
            withdraw.clone(),
            Method::DELETE,
            "/v1/rooms/den/decisions/DEC2",
        ),
        (
            "bob",
            withdraw,
            Method::DELETE,
            "/v1/rooms/den/decisions/DEC2",
        ),
        ("cem", vote("DEC1", 2, "approve"), put(), ballot),
        ("cem", vote("DEC1", 2, "reject"), put(), ballot),
    ]
}

/// A server, and the names of what was made on it.
struct Side {
    server: TestServer,
    ann: Rest,
    names: Vec<(String, String)>,
}

impl Side {
    async fn start() -> Self {
        let server = TestServer::start();
        let ann = den(&server, &["bob", "cem"]).await;
        let text = json!({"text": "a post"});
        let posted = ann.post("/v1/rooms/den/messages", &text).await.ok(201);
        let names = vec![(id(&posted["id"]), "MSG".to_owned())];
        Self { server, ann, names }
    }

    /// Gives the newest things their names.
    async fn look(&mut self) {
        let events = self.ann.events("den", 0).await;
        for (kind, field, name) in [
            ("proposed", "decision", "DEC"),
            ("critiqued", "critique", "CRIT"),
        ] {
            let made = events.iter().filter(|event| event["kind"] == kind);
            for (event, n) in made.zip(1..) {
                let pair = (id(&event[field]), format!("{name}{n}"));
                if !self.names.contains(&pair) {
                    self.names.push(pair);
                }
            }
        }
    }

    /// The ids in the place of the names.
    fn with_ids(&self, text: &str) -> String {
        let names = self.names.iter();
        names.fold(text.to_owned(), |text, (id, name)| text.replace(name, id))
    }

    /// The names in the place of the ids.
    fn with_names(&self, value: &Value) -> Value {
        let names = self.names.iter();
        let text = names.fold(value.to_string(), |text, (id, name)| text.replace(id, name));
        serde_json::from_str(&text).expect("still JSON")
    }

    /// All events, without what is different each time.
    async fn events(&self) -> Vec<Value> {
        let mut events = self.ann.events("den", 0).await;
        for event in &mut events {
            let fields = event.as_object_mut().expect("an object");
            for time in ["at", "deadline", "veto_until"] {
                fields.remove(time);
            }
        }
        events.iter().map(|event| self.with_names(event)).collect()
    }
}

fn id(value: &Value) -> String {
    value.as_str().expect("an id").to_owned()
}

/// The refusal, or nothing.
fn refusal(answer: &Value) -> Value {
    json!({"number": answer["number"], "message": answer["message"]})
}

#[tokio::test]
async fn both_transports_do_the_same() {
    let (mut by_socket, mut by_rest) = (Side::start().await, Side::start().await);
    let mut sessions: Vec<(&str, Ws)> = Vec::new();
    for client in ["ann", "bob", "cem"] {
        sessions.push((client, by_socket.server.session(client).await));
    }
    let mut refused = 0;
    for (by, frame, method, path) in table() {
        let ws = sessions.iter_mut().find(|(client, _)| *client == by);
        let (_, ws) = ws.expect("one of the three");
        let asked = by_socket.with_ids(&frame.to_string());
        let told = ws
            .request(serde_json::from_str(&asked).expect("JSON"))
            .await;
        let told = by_socket.with_names(&told);
        let body = serde_json::from_str(&by_rest.with_ids(&frame.to_string())).expect("JSON");
        let rest = by_rest.server.rest(by);
        let reply = rest.ask(method, &by_rest.with_ids(path), Some(&body)).await;
        let answer = by_rest.with_names(&reply.json());
        if told["type"] == "rejected" {
            refused += 1;
            assert_eq!(refusal(&answer["error"]), refusal(&told), "{frame}");
        } else {
            assert!(matches!(reply.status, 200 | 201), "{frame}: {}", reply.text);
        }
        by_socket.look().await;
        by_rest.look().await;
    }
    let (told, done) = (by_socket.events().await, by_rest.events().await);
    assert_eq!(told, done);
    let kinds: Vec<_> = done.iter().map(|event| event["kind"].as_str()).collect();
    assert_eq!(refused, 10, "{kinds:?}");
    let decided = done.iter().filter(|event| event["kind"] == "decided");
    let verdicts: Vec<_> = decided.map(|event| event["verdict"].as_str()).collect();
    assert_eq!(verdicts, [Some("approved")]);
}
