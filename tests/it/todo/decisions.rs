//! Ballots, amendments and critiques.

use std::time::Duration;

use serde_json::{Value, json};

use super::{DECISIONS, approve, den, join, propose, todo, words};
use crate::support::TestServer;

const NONE: [&str; 0] = [];

#[tokio::test]
async fn a_ballot_waits_until_it_is_cast_or_the_motion_ends() {
    let server = TestServer::start();
    let ann = den(&server, &["bob", "cem"]).await;
    let (bob, cem) = (server.rest("bob"), server.rest("cem"));
    let later = json!({"text": "later", "deadline_seconds": 7_200});
    let (_, later) = propose(&ann, later).await;
    let soon = json!({"text": "soon", "deadline_seconds": 3_600});
    let (id, soon) = propose(&ann, soon).await;
    let items = todo(&bob).await;
    assert_eq!(words(&items), ["vote soon", "vote later"]);
    let object = bob.get(&soon).await.ok(200);
    let expected = json!({
        "kind": "vote", "room": "den", "decision": id, "version": 1, "text": "soon",
        "deadline": object["deadline"], "since": object["proposed_at"],
    });
    assert_eq!(items[0], expected);
    approve(&bob, &soon, 1).await;
    assert_eq!(words(&todo(&bob).await), ["vote later"]);
    assert_eq!(words(&todo(&cem).await), ["vote soon", "vote later"]);
    // Who has the last word takes it away from everybody.
    approve(&cem, &soon, 1).await;
    assert_eq!(words(&todo(&ann).await), ["vote later"]);
    ann.delete(&later).await.ok(200);
    for client in ["ann", "bob", "cem"] {
        assert_eq!(words(&todo(&server.rest(client)).await), NONE);
    }
}

#[tokio::test]
async fn what_time_has_decided_does_not_wait_any_more() {
    let server = TestServer::start();
    let ann = den(&server, &["bob"]).await;
    propose(&ann, json!({"text": "x", "deadline_seconds": 60})).await;
    assert_eq!(words(&todo(&ann).await), ["vote x"]);
    server.clock.turn(Duration::from_secs(61));
    // Tokens are made by the machine's clock, so there is another one.
    assert_eq!(words(&todo(&server.rest("bob")).await), NONE);
}

#[tokio::test]
async fn whoever_may_not_vote_is_not_asked_to() {
    let server = TestServer::start();
    let ann = den(&server, &["bob", "cem", "eve"]).await;
    let excluded = json!({"text": "x", "exclude_proposer": true});
    let (_, path) = propose(&ann, excluded).await;
    let (bob, dora) = (server.rest("bob"), server.rest("dora"));
    assert_eq!(words(&todo(&ann).await), NONE);
    assert_eq!(words(&todo(&dora).await), NONE, "a stranger");
    join(&dora, "den").await;
    assert_eq!(words(&todo(&dora).await), NONE, "she came later");
    // Who leaves has nothing to do there, and who comes back votes again.
    approve(&bob, &path, 1).await;
    bob.delete("/v1/rooms/den/members/me").await.ok(200);
    assert_eq!(words(&todo(&bob).await), NONE);
    join(&bob, "den").await;
    assert_eq!(words(&todo(&bob).await), ["vote x"]);
}

#[tokio::test]
async fn an_amendment_waits_for_a_word_and_its_text_for_another_ballot() {
    let server = TestServer::start();
    let ann = den(&server, &["bob", "cem"]).await;
    let (bob, cem) = (server.rest("bob"), server.rest("cem"));
    let body = json!({"text": "one", "exclude_proposer": true, "vote_type": "consensus"});
    let (id, path) = propose(&ann, body).await;
    let amendment = json!({"version": 1, "text": "two"});
    let amended = bob
        .post(&format!("{path}/amendments"), &amendment)
        .await
        .ok(201);
    let items = todo(&ann).await;
    let deadline = ann.get(&path).await.ok(200)["deadline"].clone();
    let expected = json!({
        "kind": "amendment", "room": "den", "decision": id, "amendment": 1, "text": "two",
        "deadline": deadline, "since": amended["at"],
    });
    assert_eq!(items, [expected], "as long as nobody has voted it is hers");
    assert_eq!(words(&todo(&cem).await), ["vote one", "amendment two"]);
    approve(&cem, &path, 1).await;
    assert_eq!(words(&todo(&ann).await), NONE);
    assert_eq!(words(&todo(&cem).await), ["amendment two"]);
    let adopt = format!("{path}/amendments/1/ballot");
    let approving = json!({"choice": "approve"});
    bob.put(&adopt, &approving).await.ok(200);
    assert_eq!(words(&todo(&bob).await), ["vote one"]);
    let adopted = cem.put(&adopt, &approving).await.ok(200);
    let items = todo(&cem).await;
    assert_eq!(words(&items), ["vote two"], "the old ballot is void");
    assert_eq!(
        (&items[0]["version"], &items[0]["since"]),
        (&json!(2), &adopted["texts"][1]["at"])
    );
}

#[tokio::test]
async fn a_blocking_critique_waits_for_both_sides() {
    let server = TestServer::start();
    let ann = den(&server, &["bob", "cem"]).await;
    let bob = server.rest("bob");
    let body = json!({"text": "x", "exclude_proposer": true});
    let (id, path) = propose(&ann, body).await;
    approve(&bob, &path, 1).await;
    let critiques = format!("{path}/critiques");
    let minor = json!({"severity": "minor", "text": "a typo"});
    bob.post(&critiques, &minor).await.ok(201);
    assert_eq!(words(&todo(&bob).await), NONE);
    let blocking = json!({"severity": "blocking", "text": "who makes the backups?"});
    let made = bob.post(&critiques, &blocking).await.ok(201);
    for (client, yours) in [("ann", false), ("bob", true)] {
        let items = todo(&server.rest(client)).await;
        let deadline = ann.get(&path).await.ok(200)["deadline"].clone();
        let expected = json!({
            "kind": "critique", "room": "den", "decision": id, "critique": made["critique"],
            "yours": yours, "text": "who makes the backups?", "deadline": deadline,
            "since": made["at"],
        });
        assert_eq!(items, [expected], "of {client}");
    }
    assert_eq!(words(&todo(&server.rest("cem")).await), ["vote x"]);
    let critique = made["critique"].as_str().expect("an id");
    let resolve = format!("/v1/rooms/den/critiques/{critique}/resolve");
    bob.post(&resolve, &json!({})).await.ok(200);
    for client in ["ann", "bob"] {
        assert_eq!(words(&todo(&server.rest(client)).await), NONE);
    }
}

/// No more than one can take in, and it says that there is more.
#[tokio::test]
async fn a_list_that_is_too_long_says_so() {
    let server = TestServer::start();
    let ann = server.rest("ann");
    let long = "字".repeat(201);
    let mut open = 0;
    for room in ["den", "attic"] {
        ann.post("/v1/rooms", &json!({"room": room})).await.ok(201);
        // Nobody alone may have so many.
        let mut proposers = vec![server.rest("ann")];
        for n in 0..6 {
            let member = server.rest(&format!("c{n}"));
            let path = format!("/v1/rooms/{room}/members/me");
            member.put(&path, &json!({})).await.ok(200);
            proposers.push(member);
        }
        for n in 0..51 {
            let body = json!({"text": long, "vote_type": "quorum", "quorum": 1,
                "deadline_seconds": 7_000 - open});
            let path = format!("/v1/rooms/{room}/decisions");
            let proposer = &proposers[n % proposers.len()];
            proposer.post(&path, &body).await.ok(201);
            open += 1;
        }
    }
    let page = ann.get("/v1/todo").await.ok(200);
    let items = page["items"].as_array().expect("a list");
    assert_eq!((items.len(), &page["complete"]), (100, &json!(false)));
    let deadline = |item: &Value| item["deadline"].as_str().expect("a time").to_owned();
    assert!(items.is_sorted_by_key(deadline), "the most urgent first");
    assert_eq!(items[0]["room"], "attic");
    let shortened = items[0]["text"].as_str().expect("a text");
    assert_eq!(shortened.chars().count(), 200);
    assert!(shortened.ends_with("字…"));
    assert!(ann.get(DECISIONS).await.ok(200)["items"].is_array());
}
