//! Who wants more say than it has gets a refusal, or nothing.

use serde_json::{Value, json};

use super::{DECISIONS, approve, den, path_of, propose};
use crate::support::TestServer;

fn id_of(path: &str) -> &str {
    path.rsplit('/').next().expect("the last part of a path")
}

#[tokio::test]
async fn who_votes_twice_counts_once() {
    let server = TestServer::start();
    let ann = den(&server, &["bob", "cem", "dan"]).await;
    let path = propose(&ann, json!({"text": "x"})).await;
    for _ in 0..3 {
        let object = approve(&ann, &path, 1).await;
        assert_eq!(object["tally"]["approve"], 1, "{object}");
        assert_eq!(object["state"], "open");
    }
    let other = json!({"version": 1, "choice": "reject"});
    let object = ann.put(&format!("{path}/ballot"), &other).await.ok(200);
    assert_eq!(
        (&object["tally"]["approve"], &object["tally"]["reject"]),
        (&json!(0), &json!(1))
    );
    let counting: Vec<_> = object["ballots"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|ballot| ballot["counts"].as_bool())
        .collect();
    assert_eq!(
        counting,
        [Some(false), Some(false), Some(false), Some(true)]
    );
}

#[tokio::test]
async fn who_has_left_or_comes_late_has_no_vote() {
    let server = TestServer::start();
    let ann = den(&server, &["bob", "cem"]).await;
    let path = propose(&ann, json!({"text": "x", "vote_type": "consensus"})).await;
    let (bob, late) = (server.rest("bob"), server.rest("late"));
    approve(&bob, &path, 1).await;
    let me = "/v1/rooms/den/members/me";
    bob.delete(me).await.ok(200);
    let ballot = json!({"version": 1, "choice": "approve"});
    let to = format!("{path}/ballot");
    bob.put(&to, &ballot).await.error(403, "not_a_member", 1201);
    let object = ann.get(&path).await.ok(200);
    assert_eq!(
        (&object["tally"]["approve"], &object["tally"]["abstain"]),
        (&json!(0), &json!(1))
    );
    assert_eq!(object["electorate"][1]["choice"], Value::Null, "{object}");
    assert_eq!(object["ballots"][0]["counts"], false);

    late.put(me, &json!({})).await.ok(200);
    late.put(&to, &ballot)
        .await
        .error(403, "not_in_electorate", 1502);
    let block = json!({"severity": "blocking", "text": "no"});
    let critiques = format!("{path}/critiques");
    late.post(&critiques, &block)
        .await
        .error(403, "not_in_electorate", 1502);
    let amend = json!({"version": 1, "text": "y"});
    let amendments = format!("{path}/amendments");
    late.post(&amendments, &amend)
        .await
        .error(403, "not_in_electorate", 1502);
    // To speak is everybody's.
    let argue = json!({"side": "against", "text": "no"});
    late.post(&format!("{path}/arguments"), &argue)
        .await
        .ok(201);
}

#[tokio::test]
async fn what_a_request_says_of_its_sender_is_ignored() {
    let server = TestServer::start();
    let ann = den(&server, &["bob", "cem"]).await;
    let bob = server.rest("bob");
    let body = json!({
        "text": "x", "vote_type": "weighted", "by": "ann", "proposer": "ann", "weight": 1000,
        "electorate": [{"client": "bob", "weight": 1000}], "deadline": "2026-01-01T00:00:00.000Z",
        "version": 7, "decision": "dec_00000000000000000000000000000001",
    });
    let object = bob.post(DECISIONS, &body).await.ok(201);
    assert_eq!(
        (&object["proposer"], &object["version"]),
        (&json!("bob"), &json!(1))
    );
    assert_ne!(object["decision"], "dec_00000000000000000000000000000001");
    let path = path_of(&object);
    let ballot = json!({
        "version": 1, "choice": "approve", "by": "ann", "voter": "ann", "weight": 1000,
        "role": "coordinator",
    });
    let object = bob.put(&format!("{path}/ballot"), &ballot).await.ok(200);
    assert_eq!(object["ballots"][0]["voter"], "bob");
    assert_eq!(object["tally"]["weight"]["approve"], 1.0);
    assert_eq!(object["electorate"][0]["weight"], 2.0, "ann's, by her role");

    let mut ws = server.session("bob").await;
    let frame = json!({
        "type": "propose", "room": "den", "text": "y", "by": "ann", "proposer": "ann",
    });
    assert_eq!(ws.done(frame).await["by"], "bob");
    let decision = id_of(&path);
    let frame = json!({
        "type": "vote", "room": "den", "decision": decision, "version": 1, "choice": "reject",
        "by": "ann", "voter": "ann", "weight": 1000,
    });
    let voted = ws.done(frame).await;
    assert_eq!(
        (&voted["by"], &voted["voter"]),
        (&json!("bob"), &json!("bob"))
    );
    assert_eq!(ann.get(&path).await.ok(200)["tally"]["approve"], 0);
}

#[tokio::test]
async fn power_is_not_to_be_had_for_the_asking() {
    let server = TestServer::start();
    let ann = den(&server, &["bob"]).await;
    let eve = server.rest("eve");
    // A role that was asked for is not held.
    let me = "/v1/rooms/den/members/me";
    eve.put(me, &json!({"role": "reviewer"})).await.ok(200);
    let object = ann.post(DECISIONS, &json!({"text": "x"})).await.ok(201);
    let path = path_of(&object);
    assert_eq!(object["electorate"][2]["veto"], false);
    assert_eq!(object["electorate"][2]["weight"], 1.0);
    let veto = json!({"version": 1, "choice": "veto", "reason": "no"});
    let ballot = format!("{path}/ballot");
    eve.put(&ballot, &veto)
        .await
        .error(403, "no_veto_power", 1504);
    // Nor is one that is granted when the motion is there already.
    let reviewer = json!({"role": "reviewer"});
    ann.put("/v1/rooms/den/members/eve", &reviewer)
        .await
        .ok(200);
    eve.put(&ballot, &veto)
        .await
        .error(403, "no_veto_power", 1504);
    let policy = json!({"policy": {"veto": {"clients": ["bob"]}}});
    let room = "/v1/rooms/den";
    let bob = server.rest("bob");
    for policy in [policy, json!({"policy": {}})] {
        let answer = bob.ask(reqwest::Method::PATCH, room, Some(&policy)).await;
        answer.error(403, "forbidden", 1101);
    }
    // Of a veto somebody wants to hear why.
    let next = propose(&ann, json!({"text": "y"})).await;
    let silent = json!({"version": 1, "choice": "veto"});
    let error = eve.put(&format!("{next}/ballot"), &silent).await;
    assert_eq!(
        error.error(400, "invalid_field", 1003)["details"]["field"],
        "reason"
    );
    eve.put(&format!("{next}/ballot"), &veto).await.ok(200);
    let error = bob
        .put(
            &format!("{next}/ballot"),
            &json!({"version": 1, "choice": "approve"}),
        )
        .await;
    let error = error.error(409, "decision_closed", 1503);
    assert_eq!(error["details"]["state"], "vetoed");
}

#[tokio::test]
async fn old_texts_are_not_voted_on() {
    let server = TestServer::start();
    let ann = den(&server, &["bob"]).await;
    let path = propose(&ann, json!({"text": "x"})).await;
    let amend = json!({"version": 1, "text": "y"});
    ann.post(&format!("{path}/amendments"), &amend)
        .await
        .ok(201);
    // Its proposer alone, because nobody has voted.
    let adopt = format!("{path}/amendments/1/ballot");
    let adopted = ann.put(&adopt, &json!({"choice": "approve"})).await;
    assert_eq!(adopted.ok(200)["text"], "y");
    let mut bob = server.session("bob").await;
    for version in [0, 1, 3] {
        let frame = json!({
            "type": "vote", "room": "den", "decision": id_of(&path), "version": version,
            "choice": "approve",
        });
        let refusal = bob.refused(frame, 1501).await;
        let told = refusal["message"].as_str().expect("a sentence");
        assert!(told.contains("version is 2"), "{told}");
    }
    let again = json!({"version": 1, "text": "z"});
    ann.post(&format!("{path}/amendments"), &again)
        .await
        .error(409, "stale_version", 1501);
    ann.put(&adopt, &json!({"choice": "reject"}))
        .await
        .error(404, "amendment_not_found", 1506);
    bob.done(json!({
        "type": "vote", "room": "den", "decision": id_of(&path), "version": 2, "choice": "reject",
    }))
    .await;
    let other = propose(&ann, json!({"text": "w"})).await;
    approve(&ann, &other, 1).await;
    ann.delete(&other).await.error(409, "ballots_cast", 1507);
}

#[tokio::test]
async fn outsiders_read_nothing() {
    let server = TestServer::start();
    let ann = den(&server, &["bob"]).await;
    let path = propose(&ann, json!({"text": "secret"})).await;
    let doubt = json!({"severity": "minor", "text": "secret"});
    let doubt = ann.post(&format!("{path}/critiques"), &doubt).await.ok(201);
    let doubt = doubt["critique"].as_str().expect("an id");
    let known = format!("/v1/decisions/{}", id_of(&path));
    assert_eq!(
        server.rest("bob").get(&known).await.ok(200)["text"],
        "secret"
    );
    let outsider = server.rest("out");
    for private in [false, true] {
        if private {
            let policy = json!({"policy": {"visibility": "private"}});
            let answer = ann
                .ask(reqwest::Method::PATCH, "/v1/rooms/den", Some(&policy))
                .await;
            assert_eq!(answer.ok(200)["policy"]["visibility"], "private");
        }
        let (status, code, number) = match private {
            true => (404, "room_not_found", 1200),
            false => (403, "not_a_member", 1201),
        };
        for read in [path.as_str(), DECISIONS, "/v1/rooms/den/critiques"] {
            outsider.get(read).await.error(status, code, number);
        }
        outsider
            .get(&known)
            .await
            .error(404, "decision_not_found", 1500);
        let ballot = json!({"version": 1, "choice": "approve"});
        let argue = json!({"side": "for", "text": "x"});
        let requests = [
            (
                reqwest::Method::POST,
                DECISIONS.to_owned(),
                json!({"text": "x"}),
            ),
            (reqwest::Method::PUT, format!("{path}/ballot"), ballot),
            (reqwest::Method::POST, format!("{path}/arguments"), argue),
            (reqwest::Method::DELETE, path.clone(), json!({})),
            (
                reqwest::Method::POST,
                format!("/v1/rooms/den/critiques/{doubt}/resolve"),
                json!({}),
            ),
            (
                reqwest::Method::PATCH,
                "/v1/rooms/den".to_owned(),
                json!({"policy": {}}),
            ),
        ];
        for (method, path, body) in requests {
            let reply = outsider.ask(method, &path, Some(&body)).await;
            reply.error(status, code, number);
        }
        let outside = outsider.get("/v1/rooms/den").await;
        assert!(!outside.text.contains("secret"), "{}", outside.text);
    }
    // A token of another room does not reach it either, whoever has it.
    let elsewhere = server.rest_with("bob", "room:attic");
    elsewhere
        .get(&known)
        .await
        .error(404, "decision_not_found", 1500);
    elsewhere.get(&path).await.error(403, "scope_missing", 1102);
}

/// What is in one room is not found by way of another.
#[tokio::test]
async fn a_decision_belongs_to_its_room() {
    let server = TestServer::start();
    let ann = den(&server, &[]).await;
    let path = propose(&ann, json!({"text": "x", "vote_type": "consensus"})).await;
    ann.post("/v1/rooms", &json!({"room": "attic"}))
        .await
        .ok(201);
    let elsewhere = path.replace("/den/", "/attic/");
    ann.get(&elsewhere)
        .await
        .error(404, "decision_not_found", 1500);
    let ballot = json!({"version": 1, "choice": "approve"});
    ann.put(&format!("{elsewhere}/ballot"), &ballot)
        .await
        .error(404, "decision_not_found", 1500);
    let posted = ann
        .post("/v1/rooms/attic/messages", &json!({"text": "x"}))
        .await
        .ok(201);
    let message = posted["id"].as_str().expect("an id");
    let doubt = json!({"severity": "major", "text": "x"});
    ann.post(
        &format!("/v1/rooms/den/messages/{message}/critiques"),
        &doubt,
    )
    .await
    .error(404, "message_not_found", 1302);
    assert_eq!(
        ann.get("/v1/rooms/attic/decisions").await.ok(200)["items"],
        json!([])
    );
}
