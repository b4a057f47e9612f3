//! Fields about decisions that are wrong, the same over both transports, and names in paths.

use reqwest::Method;
use serde_json::{Value, json};

use super::table::{Door, Fixture, Put, Row, changed, long};
use crate::support::TestServer;

/// In paths and bodies, the one decision, critique and post that there are.
const NAMES: [&str; 3] = ["DECISION", "CRITIQUE", "MESSAGE"];

fn doors() -> Vec<Door> {
    let door = |kind, method, path, good| Door {
        kind,
        method,
        path,
        good,
    };
    vec![
        door(
            "propose",
            Method::POST,
            "/v1/rooms/den/decisions",
            || json!({"text": "x"}),
        ),
        door(
            "amend",
            Method::POST,
            "/v1/rooms/den/decisions/DECISION/amendments",
            || json!({"decision": "DECISION", "version": 1, "text": "y"}),
        ),
        door(
            "adopt",
            Method::PUT,
            "/v1/rooms/den/decisions/DECISION/amendments/1/ballot",
            || json!({"decision": "DECISION", "amendment": 1, "choice": "reject"}),
        ),
        door(
            "argue",
            Method::POST,
            "/v1/rooms/den/decisions/DECISION/arguments",
            || json!({"decision": "DECISION", "side": "for", "text": "x"}),
        ),
        door(
            "critique",
            Method::POST,
            "/v1/rooms/den/decisions/DECISION/critiques",
            || json!({"target": "DECISION", "severity": "minor", "text": "x"}),
        ),
        door(
            "resolve",
            Method::POST,
            "/v1/rooms/den/critiques/CRITIQUE/resolve",
            || json!({"critique": "CRITIQUE", "text": "x"}),
        ),
        door(
            "waive",
            Method::POST,
            "/v1/rooms/den/critiques/CRITIQUE/waive",
            || json!({"critique": "CRITIQUE", "text": "x"}),
        ),
        // It ends the motion: nobody else may vote.
        door(
            "vote",
            Method::PUT,
            "/v1/rooms/den/decisions/DECISION/ballot",
            || json!({"decision": "DECISION", "version": 1, "choice": "abstain"}),
        ),
        door(
            "set_policy",
            Method::PATCH,
            "/v1/rooms/den",
            || json!({"policy": {"propose": "coordinators"}}),
        ),
    ]
}

fn table() -> Vec<Row> {
    let mut rows = Vec::new();
    for (kind, field) in [
        ("propose", "text"),
        ("vote", "version"),
        ("vote", "choice"),
        ("amend", "version"),
        ("amend", "text"),
        ("adopt", "choice"),
        ("argue", "side"),
        ("argue", "text"),
        ("critique", "severity"),
        ("critique", "text"),
        ("set_policy", "policy"),
    ] {
        rows.push((kind, field, Put::Missing, field));
    }
    for (kind, field, place, list) in lists() {
        let Value::Array(values) = list else {
            panic!("{list} is no list");
        };
        let these = values.into_iter();
        rows.extend(these.map(|value| (kind, field, Put::This(value), place)));
    }
    rows
}

/// Type, field, the word that has to be in the refusal, and a list of values that do not belong there.
#[expect(clippy::too_many_lines, reason = "a table of cases, one a line or two")]
fn lists() -> Vec<(&'static str, &'static str, &'static str, Value)> {
    let texts = || json!(["", " \n\u{3000}", 1, ["x"], {}, long(10_001)]);
    let numbers = || json!([-1, 1.5, "1", true, [], 4_294_967_296_u64]);
    let words = || json!(["", "yes", "APPROVE", "For", 1, null, [], {}]);
    let many: Vec<_> = (0..11).map(|n| format!("file_{n}")).collect();
    let evidence = json!(["x", 1, null, {}, [1], [""], [null], [long(1_025)], many]);
    vec![
        ("propose", "text", "text", texts()),
        ("propose", "vote_type", "vote_type", words()),
        (
            "propose",
            "vote_type",
            "simple_majority",
            json!(["majority"]),
        ),
        ("propose", "quorum", "quorum", numbers()),
        (
            "propose",
            "quorum",
            "belongs to the vote type quorum",
            json!([1]),
        ),
        ("propose", "deadline_seconds", "deadline_seconds", numbers()),
        (
            "propose",
            "deadline_seconds",
            "from 1 to 7776000",
            json!([0, 7_776_001]),
        ),
        (
            "propose",
            "exclude_proposer",
            "exclude_proposer",
            json!([1, "true", null, true]),
        ),
        (
            "propose",
            "alternative_to",
            "alternative_to",
            json!(["", "x", 1, "msg_1", "MESSAGE"]),
        ),
        (
            "propose",
            "channel",
            "channel",
            json!(["", "a\nb", " a", long(65), 1]),
        ),
        ("vote", "version", "version", numbers()),
        ("vote", "choice", "choice", words()),
        ("vote", "choice", "`veto`", json!(["for"])),
        ("vote", "reason", "reason", json!(["", long(1_001), 1, []])),
        ("amend", "version", "version", numbers()),
        ("amend", "text", "text", texts()),
        ("amend", "text", "must differ", json!(["the text"])),
        (
            "adopt",
            "choice",
            "choice",
            json!(["", "abstain", "veto", 1, null]),
        ),
        ("argue", "side", "`against`", json!(["neither", "FOR"])),
        ("argue", "side", "side", json!([1, null, ["for"]])),
        ("argue", "text", "text", texts()),
        ("argue", "evidence", "evidence", evidence),
        (
            "critique",
            "severity",
            "`suggestion`",
            json!(["fatal", "Blocking", ""]),
        ),
        ("critique", "severity", "severity", json!([1, null, {}])),
        ("critique", "text", "text", texts()),
        ("resolve", "text", "text", texts()),
        ("waive", "text", "text", texts()),
        ("set_policy", "policy", "policy", policies()),
        (
            "set_policy",
            "policy",
            "`reviewer`",
            json!([{"veto": {"roles": ["king"]}}]),
        ),
    ]
}

fn policies() -> Value {
    let many: Vec<_> = (0..101).map(|n| format!("c{n}")).collect();
    json!([
        null, "open", 1, ["private"], {"visibility": "hidden"}, {"roles": 1},
        {"create_channels": "nobody"}, {"propose": "nobody"}, {"propose": ["members"]},
        {"weights": {"others": -1}}, {"weights": {"reviewer": "2"}}, {"weights": [1, 2, 3]},
        {"veto": "reviewer"}, {"veto": ["reviewer"]}, {"veto": {"roles": "reviewer"}},
        {"veto": {"clients": ["a b"]}}, {"veto": {"clients": ["all"]}},
        {"veto": {"clients": many}}, {"veto_window_seconds": -1}, {"veto_window_seconds": 604_801},
        {"veto_window_seconds": "60"},
    ])
}

/// Puts the ids in the place of their names.
fn with_ids(text: &str, ids: &[String; 3]) -> String {
    let names = NAMES.iter().zip(ids);
    names.fold(text.to_owned(), |text, (name, id)| text.replace(name, id))
}

fn id(value: &Value) -> String {
    value.as_str().expect("an id").to_owned()
}

/// A decision, a critique of it and a post in a room with `bob`.
async fn den(server: &TestServer) -> (Fixture, [String; 3]) {
    let mut ws = server.session("ann").await;
    ws.create(json!({"room": "den"})).await;
    let motion = json!({"type": "propose", "room": "den", "text": "the text"});
    let decision = id(&ws.done(motion).await["decision"]);
    let doubt = json!({
        "type": "critique", "room": "den", "target": decision, "severity": "minor", "text": "x",
    });
    let critique = id(&ws.done(doubt).await["critique"]);
    let message = id(&ws.post("den", "x").await["id"]);
    let rest = server.rest("ann");
    (Fixture { ws, rest }, [decision, critique, message])
}

#[tokio::test]
async fn a_wrong_field_is_refused_in_the_same_words_by_both() {
    let server = TestServer::start();
    let (mut fixture, ids) = den(&server).await;
    let doors = doors();
    for (kind, field, put, place) in table() {
        let door = doors.iter().find(|door| door.kind == kind);
        let door = door.expect("one of the doors");
        let body = Value::Object(changed(&(door.good)(), field, &put));
        let body = serde_json::from_str(&with_ids(&body.to_string(), &ids)).expect("JSON");
        let path = with_ids(door.path, &ids);
        fixture.refused_by_both(door, &path, &body, place).await;
    }
    let Fixture { mut ws, rest } = fixture;
    assert_eq!(rest.head("den").await, 5, "nothing has changed");
    assert_eq!(ws.post("den", "still here").await["seq"], 6);
    // Each door is open for what is good.
    for door in &doors {
        let body = serde_json::from_str(&with_ids(&(door.good)().to_string(), &ids));
        let body: Value = body.expect("JSON");
        let path = with_ids(door.path, &ids);
        let reply = rest.ask(door.method.clone(), &path, Some(&body)).await;
        let is_gone = door.kind == "waive" && reply.status == 404;
        assert!(
            is_gone || matches!(reply.status, 200 | 201),
            "{path}: {}",
            reply.text
        );
    }
}

const BAD_IDS: [&str; 6] = [
    "x",
    "dec_",
    "dec_1",
    "msg_1",
    "DEC_00000000000000000000000000000001",
    "crit_zz",
];

/// Frames of a door with everything but an id, or a number, in one of the fields that say what they
/// are about; and that field.
fn about_nothing(door: &Door) -> Vec<(&'static str, Value)> {
    let mut good = (door.good)();
    good["type"] = json!(door.kind);
    good["room"] = json!("den");
    let mut frames = Vec::new();
    for field in ["decision", "critique", "target", "amendment"] {
        if good.get(field).is_none() {
            continue;
        }
        let mut bad: Vec<_> = BAD_IDS.iter().map(|id| json!(id)).collect();
        bad.extend([json!(-1), json!(1.5), Value::Null, json!([]), json!({})]);
        for value in bad {
            let mut frame = good.clone();
            frame[field] = value;
            frames.push((field, frame));
        }
        let mut without = good.clone();
        without.as_object_mut().expect("an object").remove(field);
        frames.push((field, without));
    }
    frames
}

#[tokio::test]
async fn a_frame_about_nothing_is_refused_with_the_field() {
    let server = TestServer::start();
    let (mut fixture, ids) = den(&server).await;
    let withdraw = Door {
        kind: "withdraw",
        method: Method::DELETE,
        path: "/v1/rooms/den/decisions/DECISION",
        good: || json!({"decision": "DECISION"}),
    };
    for door in doors().iter().chain([&withdraw]) {
        for (field, frame) in about_nothing(door) {
            let text = with_ids(&frame.to_string(), &ids);
            let frame = serde_json::from_str(&text).expect("JSON");
            let refusal = fixture.ws.refused(frame, 1003).await;
            let told = refusal["message"].as_str().expect("a sentence");
            assert!(told.starts_with(field), "{text}: {told}");
        }
    }
    assert_eq!(fixture.rest.head("den").await, 5, "nothing has changed");
}

/// What stands in a frame stands in the path over REST.
#[tokio::test]
async fn a_path_about_nothing_is_refused() {
    let server = TestServer::start();
    let (fixture, ids) = den(&server).await;
    for door in doors() {
        for id in BAD_IDS {
            let path = door.path.replace("DECISION", id).replace("CRITIQUE", id);
            if path != door.path {
                let good = (door.good)();
                let reply = fixture
                    .rest
                    .ask(door.method.clone(), &path, Some(&good))
                    .await;
                reply.error(400, "invalid_field", 1003);
            }
        }
    }
    let doubt = json!({"severity": "minor", "text": "x"});
    let consent = json!({"choice": "approve"});
    for (method, path, body) in [
        (Method::GET, "/v1/decisions/x", None),
        (Method::GET, "/v1/rooms/den/decisions/x", None),
        (Method::DELETE, "/v1/rooms/den/decisions/x", None),
        (
            Method::POST,
            "/v1/rooms/den/messages/dec_1/critiques",
            Some(&doubt),
        ),
        (
            Method::PUT,
            "/v1/rooms/den/decisions/DECISION/amendments/one/ballot",
            Some(&consent),
        ),
        (
            Method::PUT,
            "/v1/rooms/den/decisions/DECISION/amendments/-1/ballot",
            Some(&consent),
        ),
    ] {
        let reply = fixture.rest.ask(method, &with_ids(path, &ids), body).await;
        reply.error(400, "invalid_field", 1003);
    }
    assert_eq!(fixture.rest.head("den").await, 5, "nothing has changed");
}

#[tokio::test]
async fn a_wrong_query_is_refused_with_its_field() {
    let server = TestServer::start();
    let (fixture, ids) = den(&server).await;
    for (query, field) in [
        ("decisions?state=closed", "state"),
        ("decisions?state=", "state"),
        ("decisions?after=x", "after"),
        ("decisions?after=MESSAGE", "after"),
        ("decisions?limit=0", "limit"),
        ("decisions?limit=501", "limit"),
        ("critiques?state=resolved", "state"),
        ("critiques?after=DECISION", "after"),
        ("critiques?limit=-1", "limit"),
    ] {
        let path = with_ids(&format!("/v1/rooms/den/{query}"), &ids);
        let error = fixture
            .rest
            .get(&path)
            .await
            .error(400, "invalid_field", 1003);
        assert_eq!(error["details"]["field"], field, "{path}: {error}");
    }
    let unknown = "dec_00000000000000000000000000000001";
    for path in [
        format!("/v1/decisions/{unknown}"),
        format!("/v1/rooms/den/decisions/{unknown}"),
    ] {
        fixture
            .rest
            .get(&path)
            .await
            .error(404, "decision_not_found", 1500);
    }
}
