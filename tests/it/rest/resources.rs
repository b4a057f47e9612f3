//! Rooms, members and channels: what is made, shown and ended.

use serde_json::{Value, json};

use crate::support::TestServer;

#[tokio::test]
async fn a_room_is_made_shown_and_closed() {
    let server = TestServer::start();
    let rest = server.rest("ann");
    let body = json!({"room": "Den", "topic": "Tigers", "password": "x"});
    let created = rest.post("/v1/rooms", &body).await.ok(201);
    assert_eq!(
        (&created["room"], &created["head"]),
        (&json!("Den"), &json!(2))
    );
    assert_eq!(
        (&created["created_by"], &created["closed_at"]),
        (&json!("ann"), &Value::Null)
    );
    assert_eq!(
        (&created["has_password"], &created["posts"]),
        (&json!(true), &json!(0))
    );
    assert_eq!(created["members"][0]["client"], "ann");
    let mut shown = rest.get("/v1/rooms/den").await.ok(200);
    assert_eq!(shown, created);
    rest.post("/v1/rooms", &body)
        .await
        .error(409, "room_exists", 1206);
    let closed = rest.delete("/v1/rooms/den").await.ok(200);
    assert_eq!(
        (&closed["kind"], &closed["seq"]),
        (&json!("room_closed"), &json!(3))
    );
    assert_eq!(closed["reason"], Value::Null);
    shown["closed_at"] = closed["at"].clone();
    shown["head"] = json!(3);
    assert_eq!(rest.get("/v1/rooms/den").await.ok(200), shown);
    rest.delete("/v1/rooms/den")
        .await
        .error(409, "room_closed", 1202);
    let text = shown.to_string();
    assert!(!text.contains("argon2"), "{text}");
}

#[tokio::test]
async fn members_come_and_go() {
    let server = TestServer::start();
    let (ann, bob) = (server.rest("ann"), server.rest("bob"));
    ann.post("/v1/rooms", &json!({"room": "den"})).await.ok(201);
    let me = "/v1/rooms/den/members/me";
    let joined = bob.put(me, &json!({"role": "reviewer"})).await.ok(200);
    assert_eq!(joined["members"][1]["requested_role"], "reviewer");
    assert_eq!(joined["members_total"], 2);
    bob.put(me, &json!({}))
        .await
        .error(409, "already_a_member", 1203);
    let his = "/v1/rooms/den/members/bob";
    let granted = ann.put(his, &json!({"role": "reviewer"})).await.ok(200);
    assert_eq!(
        (&granted["kind"], &granted["weight"]),
        (&json!("role_granted"), &json!(1.5))
    );
    let shown = bob.get("/v1/rooms/den").await.ok(200);
    assert_eq!(shown["members"][1]["role"], "reviewer");
    bob.delete("/v1/rooms/den/members/ann")
        .await
        .error(403, "forbidden", 1101);
    let removed = ann.delete(his).await.ok(200);
    assert_eq!(removed["kind"], "member_removed");
    ann.delete(his).await.error(403, "not_a_member", 1201);
    bob.put(me, &json!({})).await.ok(200);
    assert_eq!(bob.delete(me).await.ok(200)["kind"], "member_left");
    bob.delete(me).await.error(403, "not_a_member", 1201);
    assert_eq!(ann.head("den").await, 7);
}

#[tokio::test]
async fn channels_are_made_and_listed() {
    let server = TestServer::start();
    let rest = server.rest("ann");
    rest.post("/v1/rooms", &json!({"room": "den"}))
        .await
        .ok(201);
    let path = "/v1/rooms/den/channels";
    let made = rest
        .post(path, &json!({"name": "Tests", "topic": "t"}))
        .await
        .ok(201);
    assert_eq!(
        (&made["kind"], &made["channel"]),
        (&json!("channel_created"), &json!("Tests"))
    );
    rest.post(path, &json!({"name": "tests"}))
        .await
        .error(409, "channel_exists", 1209);
    let listed = rest.get(path).await.ok(200);
    let names: Vec<_> = listed["items"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|c| &c["name"])
        .collect();
    assert_eq!(names, ["main", "Tests"]);
    assert_eq!(listed["next"], Value::Null);
    assert_eq!(listed["items"][1]["topic"], "t");
}

#[tokio::test]
async fn outsiders_see_a_rooms_outside() {
    let server = TestServer::start();
    let rest = server.rest("ann");
    rest.post("/v1/rooms", &json!({"room": "den", "topic": "Tigers"}))
        .await
        .ok(201);
    rest.post("/v1/rooms/den/messages", &json!({"text": "secret"}))
        .await
        .ok(201);
    let outsider = server.rest("bob");
    let outside = outsider.get("/v1/rooms/den").await.ok(200);
    for inside in ["members", "channels", "posts", "open_decisions"] {
        assert!(outside.get(inside).is_none(), "{inside}: {outside}");
    }
    assert_eq!(
        (&outside["topic"], &outside["members_total"]),
        (&json!("Tigers"), &json!(1))
    );
    for path in ["messages", "events", "channels"] {
        let reply = outsider.get(&format!("/v1/rooms/den/{path}")).await;
        reply.error(403, "not_a_member", 1201);
    }
    let post = json!({"text": "x"});
    outsider
        .post("/v1/rooms/den/messages", &post)
        .await
        .error(403, "not_a_member", 1201);
    // An administrator sees what there is, but reads nothing.
    let admin = server.rest_with("root", "room admin");
    assert_eq!(
        admin.get("/v1/rooms/den").await.ok(200)["members"][0]["client"],
        "ann"
    );
    admin
        .get("/v1/rooms/den/messages")
        .await
        .error(403, "not_a_member", 1201);
}
