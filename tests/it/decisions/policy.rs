//! A room's policy is changed, by both transports, and merged by the room.

use reqwest::Method;
use serde_json::{Value, json};

use super::{DECISIONS, den};
use crate::support::{Reply, Rest, TestServer};

async fn patch(rest: &Rest, policy: Value) -> Reply {
    let body = json!({"policy": policy});
    rest.ask(Method::PATCH, "/v1/rooms/den", Some(&body)).await
}

fn usual() -> Value {
    json!({
        "visibility": "open", "roles": "granted", "create_channels": "members",
        "weights": {"coordinator": 2.0, "reviewer": 1.5, "others": 1.0}, "propose": "members",
        "veto": {"roles": ["reviewer"], "clients": []}, "veto_window_seconds": 60,
    })
}

#[tokio::test]
async fn what_is_not_named_stays() {
    let server = TestServer::start();
    let ann = den(&server, &["bob"]).await;
    let mut ws = server.session("ann").await;
    let room = ann.get("/v1/rooms/den").await.ok(200);
    let mut policy = usual();
    assert_eq!(room["policy"], policy);
    let weights = json!({"weights": {"others": 3}});
    let frame = json!({"type": "set_policy", "room": "den", "policy": weights});
    let changed = ws.done(frame).await;
    policy["weights"]["others"] = json!(3.0);
    assert_eq!(
        (&changed["kind"], &changed["policy"]),
        (&json!("policy_changed"), &policy)
    );
    let holders = json!({"veto": {"clients": ["bob", "cem", "bob"]}, "propose": "coordinators"});
    let room = patch(&ann, holders).await.ok(200);
    policy["veto"]["clients"] = json!(["bob", "cem"]);
    policy["propose"] = json!("coordinators");
    assert_eq!(room["policy"], policy);
    assert_eq!(room["members"][1]["weight"], 3.0, "bob's, at once");
    let room = patch(&ann, json!({"veto": {"roles": []}, "weights": null}))
        .await
        .ok(200);
    policy["veto"]["roles"] = json!([]);
    assert_eq!(room["policy"], policy);
    let all = json!({
        "visibility": "listed", "roles": "open", "create_channels": "coordinators",
        "weights": {"coordinator": 1, "reviewer": 1, "others": 1}, "propose": "members",
        "veto": {"roles": ["coder", "tester"], "clients": ["ann"]}, "veto_window_seconds": 0,
    });
    let room = patch(&ann, all.clone()).await.ok(200);
    assert_eq!(
        room["policy"].to_string().replace(".0", ""),
        all.to_string()
    );
    let object = server
        .rest("bob")
        .post(DECISIONS, &json!({"text": "x"}))
        .await
        .ok(201);
    assert_eq!(object["electorate"][0]["veto"], true, "ann is named");
    assert_eq!(
        object["electorate"][1]["veto"], false,
        "bob is not any more"
    );
    assert_eq!(object["veto_until"], Value::Null, "nobody is waited for");
}

#[tokio::test]
async fn what_changes_nothing_is_answered_and_not_written() {
    let server = TestServer::start();
    let ann = den(&server, &[]).await;
    let mut ws = server.session("ann").await;
    let head = ann.head("den").await;
    for policy in [
        json!({}),
        usual(),
        json!({"veto": {"roles": ["reviewer", "reviewer"]}}),
    ] {
        let frame = json!({"type": "set_policy", "room": "den", "policy": policy});
        assert_eq!(ws.done(frame).await["type"], "unchanged");
        assert_eq!(patch(&ann, policy).await.ok(200)["policy"], usual());
    }
    assert_eq!(ann.head("den").await, head);
}

#[tokio::test]
async fn a_room_is_made_with_its_policy() {
    let server = TestServer::start();
    let policy = json!({
        "propose": "coordinators", "veto": {"clients": ["cem"]}, "veto_window_seconds": 5,
        "weights": {"others": 0.5},
    });
    let mut ann = server.session("ann").await;
    ann.create(json!({"room": "den", "policy": policy})).await;
    let mut expected = usual();
    expected["propose"] = json!("coordinators");
    expected["veto"]["clients"] = json!(["cem"]);
    expected["veto_window_seconds"] = json!(5);
    expected["weights"]["others"] = json!(0.5);
    let mut bob = server.session("bob").await;
    assert_eq!(bob.join("den").await["policy"], expected);
    let frame = json!({"type": "propose", "room": "den", "text": "x"});
    bob.refused(frame.clone(), 1101).await;
    let proposed = ann.done(frame).await;
    assert_eq!(
        proposed["electorate"][1],
        json!({"client": "bob", "weight": 0.5, "veto": false})
    );
}
