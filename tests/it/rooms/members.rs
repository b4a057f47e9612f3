//! Coming, going, and what one may do.

use serde_json::{Value, json};

use crate::support::TestServer;

#[tokio::test]
async fn joined_shows_the_room() {
    let server = TestServer::start();
    let mut ann = server.session("ann").await;
    let mut bob = server.session("bob").await;
    ann.create(json!({"room": "den", "topic": "Tigers"})).await;
    let channel = json!({"type": "create_channel", "room": "den", "name": "b", "topic": "B"});
    ann.done(channel).await;
    ann.post("den", "early").await;
    bob.send(json!({"type": "join", "room": "den", "role": "coder", "ref": "j"}))
        .await;
    let joined = bob.expect("joined").await;
    assert_eq!(
        (&joined["ref"], &joined["room"]),
        (&json!("j"), &json!("den"))
    );
    assert_eq!((&joined["head"], &joined["seq"]), (&json!(5), &json!(5)));
    assert_eq!(
        (&joined["complete"], &joined["topic"]),
        (&json!(true), &json!("Tigers"))
    );
    assert_eq!(joined["open_decisions"], json!([]));
    assert_eq!(joined["policy"]["visibility"], "open");
    assert!(
        joined["epoch"]
            .as_str()
            .is_some_and(|epoch| epoch.starts_with("ep_")),
        "{joined}"
    );
    assert!(
        joined["at"].is_string() && joined.get("duplicate").is_none(),
        "{joined}"
    );
    let channels: Vec<_> = joined["channels"]
        .as_array()
        .into_iter()
        .flatten()
        .collect();
    assert_eq!(channels.len(), 2, "{joined}");
    assert_eq!(
        (&channels[0]["name"], &channels[0]["topic"]),
        (&json!("b"), &json!("B"))
    );
    assert_eq!(channels[1]["name"], "main");
    let members: Vec<_> = joined["members"].as_array().into_iter().flatten().collect();
    assert_eq!(members.len(), 2, "{joined}");
    assert_eq!(
        (&members[0]["client"], &members[0]["role"]),
        (&json!("ann"), &json!("coordinator"))
    );
    assert_eq!(
        (&members[1]["client"], &members[1]["role"]),
        (&json!("bob"), &json!("coder"))
    );
    assert_eq!(
        (&members[0]["weight"], &members[1]["weight"]),
        (&json!(2.0), &json!(1.0))
    );
    assert_eq!(members[0]["online"], true);

    let told = ann.event("member_joined").await;
    assert_eq!((&told["seq"], &told["by"]), (&json!(5), &json!("bob")));
    // What follows is live, and nothing from before comes.
    assert!(bob.settled().await.is_empty());
    ann.post("den", "late").await;
    assert_eq!(bob.event("posted").await["seq"], 6);
}

#[tokio::test]
async fn a_join_may_ask_for_the_past() {
    let server = TestServer::start();
    let mut ann = server.session("ann").await;
    ann.create(json!({"room": "den"})).await;
    for number in 0..600 {
        ann.send(json!({"type": "post", "room": "den", "text": format!("{number}")}))
            .await;
    }
    ann.up_to("den", 602).await;
    for (client, since, complete) in [("bob", 0, true), ("cem", 500, true), ("dot", 9_000, false)] {
        let mut ws = server.session(client).await;
        let joined = ws
            .done(json!({"type": "join", "room": "den", "since": since}))
            .await;
        assert_eq!(joined["complete"], complete, "{client}");
        let head = joined["head"].as_u64().expect("a head");
        if since < head {
            ws.up_to("den", head).await;
        }
        ws.settled().await;
        let seqs: Vec<_> = ws.events("den").iter().map(|e| e["seq"].as_u64()).collect();
        let from = if complete { since } else { head };
        let expected: Vec<_> = (from + 1..=head).map(Some).collect();
        // A cursor that is ahead of the log is of another one: everything or nothing follows.
        let everything: Vec<_> = (1..=head).map(Some).collect();
        assert!(
            seqs == expected || !complete && seqs == everything,
            "{client}: {seqs:?}"
        );
    }
}

#[tokio::test]
async fn whoever_leaves_hears_it_and_nothing_after() {
    let server = TestServer::start();
    let mut ann = server.session("ann").await;
    let mut bob = server.session("bob").await;
    ann.create(json!({"room": "den"})).await;
    bob.join("den").await;
    ann.event("member_joined").await;
    let left = bob.done(json!({"type": "leave", "room": "den"})).await;
    assert_eq!(
        (&left["kind"], &left["client"]),
        (&json!("member_left"), &json!("bob"))
    );
    assert_eq!(ann.event("member_left").await["seq"], 4);
    ann.post("den", "he is gone").await;
    assert!(bob.settled().await.is_empty());
    bob.refused(json!({"type": "leave", "room": "den"}), 1201)
        .await;
    bob.refused(json!({"type": "post", "room": "den", "text": "x"}), 1201)
        .await;
    server
        .rest("bob")
        .get("/v1/rooms/den/messages")
        .await
        .error(403, "not_a_member", 1201);
    // And may come back.
    assert_eq!(bob.join("den").await["head"], 6);
}

#[tokio::test]
async fn whoever_is_removed_hears_it_and_nothing_after() {
    let server = TestServer::start();
    let mut ann = server.session("ann").await;
    let mut bob = server.session("bob").await;
    let mut again = server.session("bob").await;
    ann.create(json!({"room": "den"})).await;
    bob.join("den").await;
    again.event("member_joined").await;
    let remove = json!({"type": "remove", "room": "den", "client": "BOB", "reason": "büro 🚪"});
    bob.refused(remove.clone(), 1101).await;
    let removed = ann.done(remove).await;
    assert_eq!(
        (&removed["kind"], &removed["reason"]),
        (&json!("member_removed"), &json!("büro 🚪"))
    );
    for session in [&mut bob, &mut again] {
        let told = session.event("member_removed").await;
        assert_eq!((&told["seq"], &told["by"]), (&json!(4), &json!("ann")));
    }
    ann.post("den", "he is gone").await;
    for session in [&mut bob, &mut again] {
        assert!(session.settled().await.is_empty());
    }
    let refusal = json!({"type": "remove", "room": "den", "client": "bob"});
    ann.refused(refusal, 1201).await;
}

#[tokio::test]
async fn power_is_granted_and_not_claimed() {
    let server = TestServer::start();
    let mut ann = server.session("ann").await;
    let mut bob = server.session("bob").await;
    ann.create(json!({"room": "den"})).await;
    for (client, role) in [("bob", "reviewer"), ("cem", "coordinator")] {
        let mut ws = server.session(client).await;
        ws.done(json!({"type": "join", "room": "den", "role": role}))
            .await;
        let told = ann.event("member_joined").await;
        assert_eq!(
            (&told["role"], &told["requested_role"]),
            (&json!("participant"), &json!(role))
        );
        assert_eq!(told["weight"], 1.0);
    }
    let grant = |client: &str, role: &str| json!({"type": "grant", "room": "den", "client": client, "role": role});
    assert_eq!(
        bob.refused(grant("bob", "reviewer"), 1204).await["code"],
        "role_not_allowed"
    );
    let granted = ann.done(grant("bob", "reviewer")).await;
    assert_eq!(
        (&granted["kind"], &granted["weight"]),
        (&json!("role_granted"), &json!(1.5))
    );
    ann.refused(grant("ann", "coder"), 1101).await;
    ann.refused(grant("bob", "king"), 1003).await;
    let mut stranger = server.session("dot").await;
    stranger.refused(grant("dot", "coordinator"), 1201).await;
    let shown = server.rest("bob").get("/v1/rooms/den").await.ok(200);
    let roles: Vec<_> = shown["members"].as_array().into_iter().flatten().collect();
    let role_of = |client: &str| {
        roles
            .iter()
            .find(|m| m["client"] == client)
            .map(|m| &m["role"])
    };
    assert_eq!(role_of("bob"), Some(&json!("reviewer")));
    assert_eq!(role_of("cem"), Some(&json!("participant")));
}

#[tokio::test]
async fn a_room_may_give_every_role_away() {
    let server = TestServer::start();
    let mut ann = server.session("ann").await;
    let mut bob = server.session("bob").await;
    ann.create(json!({"room": "den", "policy": {"roles": "open"}}))
        .await;
    bob.done(json!({"type": "join", "room": "den", "role": "coordinator"}))
        .await;
    let told: Value = ann.event("member_joined").await;
    assert_eq!(
        (&told["role"], &told["requested_role"]),
        (&json!("coordinator"), &json!(null))
    );
}

#[tokio::test]
async fn a_coordinator_who_leaves_is_succeeded() {
    let server = TestServer::start();
    let mut ann = server.session("ann").await;
    let mut bob = server.session("bob").await;
    let mut cem = server.session("cem").await;
    ann.create(json!({"room": "den"})).await;
    cem.join("den").await;
    bob.join("den").await;
    cem.event("member_joined").await;
    ann.done(json!({"type": "leave", "room": "den"})).await;
    for ws in [&mut bob, &mut cem] {
        assert_eq!(ws.event("member_left").await["seq"], 5);
        let granted = ws.event("role_granted").await;
        assert_eq!(
            (&granted["client"], &granted["role"]),
            (&json!("cem"), &json!("coordinator"))
        );
        assert_eq!((&granted["seq"], granted.get("ref")), (&json!(6), None));
    }
    assert_eq!(
        ann.settled().await.len(),
        2,
        "both comings, and nothing after its own going"
    );
}
