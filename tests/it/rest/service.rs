//! What the server says of itself.

use serde_json::json;

use crate::support::{Rest, TestServer};

#[tokio::test]
async fn anybody_may_ask_whether_it_is_well() {
    let server = TestServer::start();
    let rest = Rest::new(server.addr, None);
    let health = rest.get("/health").await.ok(200);
    assert_eq!(health["status"], "healthy");
    assert!(
        health["timestamp"]
            .as_str()
            .is_some_and(|at| at.ends_with('Z')),
        "{health}"
    );
    let ready = rest.get("/ready").await.ok(200);
    let dependencies = json!({"log": "ok", "database": "ok"});
    let expected = json!({"ready": true, "draining": false, "dependencies": dependencies});
    assert_eq!(ready, expected);
}

#[tokio::test]
async fn status_counts() {
    let server = TestServer::start();
    let rest = server.rest("ann");
    let status = async || rest.get("/status").await.ok(200);
    let before = status().await;
    assert_eq!(
        (&before["total_messages"], &before["active_rooms"]),
        (&json!(0), &json!(0))
    );
    assert_eq!(before["version"], env!("CARGO_PKG_VERSION"));
    let mut ws = server.session("ann").await;
    ws.create(json!({"room": "den"})).await;
    for _ in 0..3 {
        ws.post("den", "x").await;
    }
    let after = status().await;
    assert_eq!(
        (&after["total_messages"], &after["active_rooms"]),
        (&json!(3), &json!(1))
    );
    assert_eq!(after["active_connections"], 1);
    drop(ws);
    let server = server.restart();
    let rest = server.rest("ann");
    let status = rest.get("/status").await.ok(200);
    assert_eq!(
        (&status["total_messages"], &status["active_rooms"]),
        (&json!(3), &json!(0))
    );
}

#[tokio::test]
async fn statistics_are_for_administrators() {
    let server = TestServer::start();
    let path = "/v1/admin/stats";
    server
        .rest("ann")
        .get(path)
        .await
        .error(403, "scope_missing", 1102);
    server
        .rest_with("ann", "admin room:den")
        .get(path)
        .await
        .error(403, "scope_missing", 1102);
    server
        .rest("ann")
        .post("/v1/rooms", &json!({"room": "den"}))
        .await
        .ok(201);
    let stats = server.rest_with("root", "admin").get(path).await.ok(200);
    assert_eq!(
        (&stats["rooms_awake"], &stats["rooms_quarantined"]),
        (&json!(1), &json!(0))
    );
    // Ann and root were met for the first time: one record in the mailbox of each.
    assert_eq!(stats["log"]["records"], 2 + 2);
    assert_eq!(
        stats["log"]["batches"],
        1 + 2,
        "a room and its first member land together"
    );
    let log = &stats["log"];
    assert_eq!(
        (&log["failures"], &log["restarts"], &log["broken"]),
        (&json!(0), &json!(0), &json!(false))
    );
    assert_eq!(log["state"], "ok");
    assert!(
        log.get("at_work_millis").is_some(),
        "a number while it works"
    );
    let reads = stats["reads"]["total"].as_u64().expect("a number");
    let page = server.rest("ann").get("/v1/rooms/den/events").await;
    page.ok(200);
    let stats = server.rest_with("root", "admin").get(path).await.ok(200);
    assert_eq!(stats["reads"]["total"], reads + 1, "one page, one read");
}

#[tokio::test]
async fn the_tree_of_supervision_is_shown_and_what_is_not_held_back_stays_as_it_is() {
    let server = TestServer::start();
    let root = server.rest_with("root", "admin");
    let stats = root.get("/v1/admin/stats").await.ok(200);
    let parts = stats["actors"]["parts"].as_array().expect("a list");
    let names: Vec<&str> = parts.iter().filter_map(|p| p["name"].as_str()).collect();
    let expected = "rooms mailboxes broadcast sessions timekeeper follower requests";
    let expected: Vec<&str> = expected.split(' ').chain(["log writer"]).collect();
    assert_eq!(names, expected);
    for part in parts {
        assert_eq!(
            (&part["failures"], &part["quarantined"]),
            (&json!(0), &json!([]))
        );
    }
    let path = "/v1/admin/actors/release";
    let room = json!({"actor": "room:den"});
    let ann = server.rest("ann");
    ann.post(path, &room)
        .await
        .error(403, "scope_missing", 1102);
    let answer = root.post(path, &room).await.ok(200);
    assert_eq!(answer, json!({"actor": "room:den", "released": false}));
    for actor in ["den", "planet:mars", "room:", "", "room:a b"] {
        let body = json!({"actor": actor});
        root.post(path, &body)
            .await
            .error(400, "invalid_field", 1003);
    }
}
