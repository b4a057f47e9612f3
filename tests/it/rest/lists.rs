//! The list of rooms, page by page.

use serde_json::{Value, json};

use crate::support::{Rest, TestServer};

async fn all(rest: &Rest, limit: usize) -> Vec<String> {
    let mut names = Vec::new();
    let mut after = String::new();
    loop {
        let page = rest
            .get(&format!("/v1/rooms?limit={limit}{after}"))
            .await
            .ok(200);
        let items = page["items"].as_array().expect("a list");
        assert!(items.len() <= limit, "{page}");
        names.extend(
            items
                .iter()
                .map(|item| item["room"].as_str().expect("a name").to_owned()),
        );
        match &page["next"] {
            Value::Null => return names,
            next => after = format!("&after={}", next.as_str().expect("an opaque word")),
        }
    }
}

#[tokio::test]
async fn pages_together_are_the_list() {
    let server = TestServer::start();
    let rest = server.rest("ann");
    let mut expected = Vec::new();
    for number in 0..23 {
        let room = format!("Room-{number:02}");
        rest.post("/v1/rooms", &json!({"room": room})).await.ok(201);
        expected.push(room);
    }
    for limit in [1, 5, 22, 23, 24, 500] {
        assert_eq!(all(&rest, limit).await, expected, "{limit}");
    }
    let item = rest.get("/v1/rooms?limit=1").await.ok(200)["items"][0].clone();
    let fields: Vec<_> = item.as_object().expect("an object").keys().collect();
    let documented = [
        "closed_at",
        "created_at",
        "has_password",
        "members_total",
        "room",
        "topic",
        "visibility",
    ];
    assert_eq!(fields, documented);
}

#[tokio::test]
async fn everybody_sees_what_they_may_know_of() {
    let server = TestServer::start();
    let rest = server.rest("ann");
    for (room, visibility) in [
        ("a", "open"),
        ("b", "listed"),
        ("c", "private"),
        ("d", "private"),
    ] {
        let body = json!({"room": room, "policy": {"visibility": visibility}});
        rest.post("/v1/rooms", &body).await.ok(201);
    }
    rest.put("/v1/rooms/d/members/bob", &json!({"role": "coder"}))
        .await
        .ok(200);
    assert_eq!(all(&rest, 2).await, ["a", "b", "c", "d"]);
    assert_eq!(all(&server.rest("bob"), 2).await, ["a", "b", "d"]);
    assert_eq!(all(&server.rest("cem"), 1).await, ["a", "b"]);
    // A token for one room shows that one; a page may be short, but the list goes on.
    assert_eq!(all(&server.rest_with("bob", "room:d"), 1).await, ["d"]);
    rest.delete("/v1/rooms/a").await.ok(200);
    let page = rest.get("/v1/rooms").await.ok(200);
    assert!(page["items"][0]["closed_at"].is_string(), "{page}");
}
