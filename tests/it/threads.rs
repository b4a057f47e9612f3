//! Threads of a room, over real sockets.

use serde_json::{Value, json};

use crate::support::{Rest, TestServer};

const MESSAGES: &str = "/v1/rooms/den/messages";

/// A room `den` that `ann` has made, with Bob.
async fn den(server: &TestServer) -> Rest {
    let ann = server.rest("ann");
    ann.post("/v1/rooms", &json!({"room": "den"})).await.ok(201);
    let me = "/v1/rooms/den/members/me";
    server.rest("bob").put(me, &json!({})).await.ok(200);
    ann
}

/// Posts a text, as an answer to a message when there is one. Returns the event.
async fn post(rest: &Rest, text: &str, above: Option<&Value>) -> Value {
    let body = json!({"text": text, "reply_to": above.map(|above| &above["id"])});
    rest.post(MESSAGES, &body).await.ok(201)
}

fn path(message: &Value) -> String {
    format!(
        "{MESSAGES}/{}/thread",
        message["id"].as_str().expect("an id")
    )
}

/// The posts of a thread as they should be told: as they were, with their depths.
fn told(posts: &[(&Value, u32)]) -> Vec<Value> {
    let told = posts.iter().map(|(post, depth)| {
        let mut post = (*post).clone();
        post["depth"] = json!(depth);
        post
    });
    told.collect()
}

#[tokio::test]
async fn a_thread_is_read_whole_from_any_of_its_messages() {
    let server = TestServer::start();
    let ann = den(&server).await;
    let bob = server.rest("bob");
    let first = post(&ann, "Which database?", None).await;
    let other = post(&bob, "Good morning", None).await;
    let one = post(&bob, "SQLite 字", Some(&first)).await;
    let deep = post(&ann, "Why?", Some(&one)).await;
    let two = post(&ann, "PostgreSQL", Some(&first)).await;
    let whole = told(&[(&first, 0), (&one, 1), (&deep, 2), (&two, 1)]);
    let server = server.restart();
    for (client, asked) in [
        ("ann", &first),
        ("bob", &one),
        ("ann", &deep),
        ("bob", &two),
    ] {
        let rest = server.rest(client);
        let page = rest.get(&path(asked)).await.ok(200);
        assert_eq!(page, json!({"items": whole, "next": null}), "of {asked}");
    }
    let ann = server.rest("ann");
    let page = ann.get(&path(&other)).await.ok(200);
    assert_eq!(page["items"], json!(told(&[(&other, 0)])));

    let mut found = Vec::new();
    let mut after = json!(0);
    while !after.is_null() {
        let asked = format!("{}?limit=3&after={after}", path(&deep));
        let page = ann.get(&asked).await.ok(200);
        let items = page["items"].as_array().expect("a list");
        found.extend(items.clone());
        assert!(found.len() <= whole.len(), "its pages do not end");
        after = page["next"].clone();
    }
    assert_eq!(found, whole);
    let behind = format!("{}?after={}", path(&deep), two["seq"]);
    let page = ann.get(&behind).await.ok(200);
    assert_eq!(page, json!({"items": [], "next": null}));
}

#[tokio::test]
async fn a_thread_is_read_by_members_of_its_room_only() {
    let server = TestServer::start();
    let ann = den(&server).await;
    let first = post(&ann, "x", None).await;
    let private = json!({"room": "vault", "policy": {"visibility": "private"}});
    ann.post("/v1/rooms", &private).await.ok(201);
    let secret = ann
        .post("/v1/rooms/vault/messages", &json!({"text": "secret"}))
        .await
        .ok(201);
    let of_vault = path(&secret).replace("den", "vault");
    ann.get(&of_vault).await.ok(200);
    let cem = server.rest("cem");
    cem.get(&path(&first))
        .await
        .error(403, "not_a_member", 1201);
    cem.get(&of_vault).await.error(404, "room_not_found", 1200);
    // By way of a room that one may read, nothing is told of another one.
    let bob = server.rest("bob");
    bob.get(&path(&secret))
        .await
        .error(404, "message_not_found", 1302);
    bob.delete("/v1/rooms/den/members/me").await.ok(200);
    bob.get(&path(&first))
        .await
        .error(403, "not_a_member", 1201);
    let elsewhere = server.rest_with("ann", "room:attic");
    elsewhere
        .get(&path(&first))
        .await
        .error(403, "scope_missing", 1102);
}

#[tokio::test]
async fn bad_ids_and_bounds_are_refused() {
    let server = TestServer::start();
    let ann = den(&server).await;
    let first = post(&ann, "x", None).await;
    let nobody = "msg_00000000000000000000000000000001";
    ann.get(&format!("{MESSAGES}/{nobody}/thread"))
        .await
        .error(404, "message_not_found", 1302);
    let sent = json!({"to": "bob", "text": "direct"});
    let direct = ann.post("/v1/messages", &sent).await.ok(201);
    ann.get(&path(&direct))
        .await
        .error(404, "message_not_found", 1302);
    for bad in ["7", "dec_00000000000000000000000000000001", "msg_", "%20"] {
        let error = ann.get(&format!("{MESSAGES}/{bad}/thread")).await;
        let error = error.error(400, "invalid_field", 1003);
        assert_eq!(error["details"]["field"], "id", "{bad}");
    }
    for (field, bad) in [
        ("after", "-1"),
        ("after", "x"),
        ("limit", "0"),
        ("limit", "501"),
    ] {
        let error = ann.get(&format!("{}?{field}={bad}", path(&first))).await;
        let error = error.error(400, "invalid_field", 1003);
        assert_eq!(error["details"]["field"], field, "{bad}");
    }
}
