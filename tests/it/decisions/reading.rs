//! Lists of decisions and critiques, and what a room shows of the open ones.

use serde_json::{Value, json};

use super::{DECISIONS, approve, den, path_of, propose};
use crate::support::{Rest, TestServer};

const CRITIQUES: &str = "/v1/rooms/den/critiques";

/// Everything of a list, page by page.
async fn pages(rest: &Rest, path: &str, limit: usize) -> Vec<Value> {
    let mut all = Vec::new();
    let mut after = String::new();
    loop {
        let page = rest
            .get(&format!("{path}limit={limit}{after}"))
            .await
            .ok(200);
        let items = page["items"].as_array().expect("a list").clone();
        assert!(items.len() <= limit, "{page}");
        all.extend(items);
        let Some(next) = page["next"].as_str() else {
            return all;
        };
        after = format!("&after={next}");
    }
}

fn texts(items: &[Value]) -> Vec<&str> {
    let texts = items.iter().map(|item| item["text"].as_str());
    texts.map(|text| text.expect("a text")).collect()
}

#[tokio::test]
async fn decisions_are_listed_by_their_state_the_newest_first() {
    let server = TestServer::start();
    let ann = den(&server, &["bob"]).await;
    let mut paths = Vec::new();
    for text in ["one", "two", "three", "four", "five"] {
        paths.push(propose(&ann, json!({"text": text})).await);
    }
    approve(&ann, &paths[1], 1).await;
    approve(&server.rest("bob"), &paths[1], 1).await;
    ann.delete(&paths[3]).await.ok(200);
    let listed = pages(&ann, &format!("{DECISIONS}?"), 2).await;
    assert_eq!(texts(&listed), ["five", "four", "three", "two", "one"]);
    for (item, path) in listed.iter().rev().zip(&paths) {
        let mut whole = ann.get(path).await.ok(200);
        let fields = whole.as_object_mut().expect("an object");
        for history in ["texts", "ballots", "amendments", "critiques", "arguments"] {
            assert!(fields.remove(history).is_some(), "{history}");
        }
        assert_eq!(*item, whole);
    }
    for (state, expected) in [
        ("open", &["five", "three", "one"][..]),
        ("approved", &["two"]),
        ("withdrawn", &["four"]),
        ("vetoed", &[]),
    ] {
        let listed = pages(&ann, &format!("{DECISIONS}?state={state}&"), 1).await;
        assert_eq!(texts(&listed), expected, "{state}");
    }
}

#[tokio::test]
async fn critiques_are_listed_whatever_they_are_of() {
    let server = TestServer::start();
    let ann = den(&server, &["bob", "cem"]).await;
    let bob = server.rest("bob");
    let posted = ann
        .post("/v1/rooms/den/messages", &json!({"text": "hi"}))
        .await
        .ok(201);
    let message = posted["id"].as_str().expect("an id");
    let of_message = format!("/v1/rooms/den/messages/{message}/critiques");
    let path = propose(&ann, json!({"text": "x"})).await;
    let of_decision = format!("{path}/critiques");
    let mut ids = Vec::new();
    for (to, text) in [
        (&of_message, "one"),
        (&of_decision, "two"),
        (&of_message, "three"),
        (&of_decision, "four"),
    ] {
        let body = json!({"severity": "major", "text": text});
        let made = bob.post(to, &body).await.ok(201);
        assert_eq!(
            (&made["kind"], &made["by"]),
            (&json!("critiqued"), &json!("bob"))
        );
        ids.push(made["critique"].as_str().expect("an id").to_owned());
    }
    let listed = pages(&ann, &format!("{CRITIQUES}?"), 3).await;
    assert_eq!(texts(&listed), ["four", "three", "two", "one"]);
    assert_eq!(listed[3]["target"], message);

    let met = format!("{CRITIQUES}/{}/resolve", ids[0]);
    bob.post(&met, &json!({"text": "met"})).await.ok(200);
    bob.post(&met, &json!({"text": "met"}))
        .await
        .error(404, "critique_not_found", 1505);
    // A coordinator alone waives what is held against a message; a decision's takes more than half.
    let text = json!({"text": "no need"});
    bob.post(&format!("{CRITIQUES}/{}/waive", ids[2]), &text)
        .await
        .error(403, "forbidden", 1101);
    let waived = ann
        .post(&format!("{CRITIQUES}/{}/waive", ids[2]), &text)
        .await
        .ok(200);
    assert_eq!(waived["suffices"], true);
    let waive = format!("{CRITIQUES}/{}/waive", ids[1]);
    let waived = server
        .rest("cem")
        .ask(reqwest::Method::POST, &waive, None)
        .await
        .ok(200);
    assert_eq!(
        (&waived["suffices"], &waived["text"]),
        (&json!(false), &Value::Null)
    );
    let open = pages(&ann, &format!("{CRITIQUES}?state=open&"), 1).await;
    assert_eq!(texts(&open), ["four", "two"]);
    assert_eq!(open[1]["waived_by"], json!(["cem"]));
    ann.delete(&path).await.ok(200);
    let closed = pages(&ann, &format!("{CRITIQUES}?state=closed&"), 2).await;
    let states: Vec<_> = closed.iter().map(|item| item["state"].as_str()).collect();
    assert_eq!(states, ["lapsed", "waived", "lapsed", "resolved"].map(Some));
    assert_eq!(closed[3]["answer"], "met");
    assert_eq!(
        pages(&ann, &format!("{CRITIQUES}?state=open&"), 1).await,
        Vec::<Value>::new()
    );
}

#[tokio::test]
async fn whoever_joins_is_told_what_is_open() {
    let server = TestServer::start();
    let ann = den(&server, &["bob"]).await;
    let open = propose(&ann, json!({"text": "open", "vote_type": "weighted"})).await;
    let ended = propose(&ann, json!({"text": "ended"})).await;
    ann.delete(&ended).await.ok(200);
    approve(&server.rest("bob"), &open, 1).await;
    let room = ann.get("/v1/rooms/den").await.ok(200);
    assert_eq!(room["open_decisions_total"], 1);
    let listed = ann.get(DECISIONS).await.ok(200);
    let listed = listed["items"].as_array().expect("a list");
    let expected: Vec<_> = listed
        .iter()
        .filter(|item| item["state"] == "open")
        .collect();
    let shown = room["open_decisions"].as_array().expect("a list");
    assert_eq!(shown.iter().collect::<Vec<_>>(), expected);
    let mut cem = server.session("cem").await;
    assert_eq!(
        cem.join("den").await["open_decisions"],
        room["open_decisions"]
    );
}

/// The room remembers the newest thousand posts; older ones are looked up.
#[tokio::test]
async fn a_post_of_long_ago_is_criticised_too() {
    let server = TestServer::start();
    let mut ws = server.session("ann").await;
    ws.create(json!({"room": "den"})).await;
    let old = ws.post("den", "long ago").await;
    for number in 0..1_100 {
        let text = number.to_string();
        ws.send(json!({"type": "post", "room": "den", "text": text}))
            .await;
    }
    ws.up_to("den", 1_103).await;
    let frame = json!({
        "type": "critique", "room": "den", "target": old["id"], "severity": "suggestion",
        "text": "better so",
    });
    let made = ws.done(frame).await;
    assert_eq!(
        (&made["target"], &made["severity"]),
        (&old["id"], &json!("suggestion"))
    );
    let nowhere = json!({
        "type": "critique", "room": "den", "target": "msg_00000000000000000000000000000001",
        "severity": "minor", "text": "x",
    });
    ws.refused(nowhere, 1302).await;
    let nowhere = json!({
        "type": "critique", "room": "den", "target": "dec_00000000000000000000000000000001",
        "severity": "minor", "text": "x",
    });
    ws.refused(nowhere, 1500).await;
}

/// Who decides alone, and when one ballot is enough, is said aloud.
#[tokio::test]
async fn the_object_warns_of_power() {
    let server = TestServer::start();
    let ann = den(&server, &["bob"]).await;
    let body = json!({"text": "x", "vote_type": "weighted"});
    let object = ann.post(DECISIONS, &body).await.ok(201);
    assert_eq!(object["electorate"][0]["power"], 1.0);
    assert_eq!(object["electorate"][1]["power"], 0.0);
    let warning = &object["warning"];
    assert_eq!(
        (&warning["code"], &warning["client"]),
        (&json!("one_decides"), &json!("ann"))
    );
    let body = json!({"text": "x", "vote_type": "quorum", "quorum": 1});
    let object = ann.post(DECISIONS, &body).await.ok(201);
    assert_eq!(object["warning"]["code"], "one_is_enough");
    assert_eq!(object["electorate"][0]["power"], Value::Null);
    let body = json!({"text": "x", "exclude_proposer": true, "deadline_seconds": 60});
    let object = ann.post(DECISIONS, &body).await.ok(201);
    assert_eq!(object["not_voted"], json!(["bob"]));
    assert_eq!(ann.get(&path_of(&object)).await.ok(200), object);
}
