//! Messages: posting them, and reading them in windows.

use serde_json::{Value, json};

use crate::support::{Rest, TestServer};

fn texts(page: &Value) -> Vec<&str> {
    let items = page["items"].as_array().expect("a list");
    items
        .iter()
        .map(|item| item["text"].as_str().expect("a text"))
        .collect()
}

async fn den(server: &TestServer) -> Rest {
    let rest = server.rest("ann");
    rest.post("/v1/rooms", &json!({"room": "den"}))
        .await
        .ok(201);
    rest.post("/v1/rooms/den/channels", &json!({"name": "Odd"}))
        .await
        .ok(201);
    for number in 0..20 {
        let channel = if number % 2 == 1 { "odd" } else { "main" };
        let body = json!({"text": format!("{number}"), "channel": channel});
        let posted = rest.post("/v1/rooms/den/messages", &body).await.ok(201);
        assert_eq!(posted["seq"], number + 4);
        assert!(posted.get("duplicate").is_none(), "{posted}");
    }
    rest
}

#[tokio::test]
async fn messages_are_read_in_windows() {
    let server = TestServer::start();
    let rest = den(&server).await;
    let get = async |query: &str| {
        rest.get(&format!("/v1/rooms/den/messages{query}"))
            .await
            .ok(200)
    };
    let page = get("").await;
    assert_eq!(texts(&page).len(), 20);
    assert!(
        page["epoch"]
            .as_str()
            .is_some_and(|epoch| epoch.starts_with("ep_")),
        "{page}"
    );
    let newest = get("?limit=3").await;
    assert_eq!(texts(&newest), ["17", "18", "19"], "in order of seq");
    let before = get(&format!("?limit=3&before={}", newest["previous"])).await;
    assert_eq!(texts(&before), ["14", "15", "16"]);
    let oldest = get("?limit=3&after=0").await;
    assert_eq!(texts(&oldest), ["0", "1", "2"]);
    let after = get(&format!("?limit=3&after={}", oldest["next"])).await;
    assert_eq!(texts(&after), ["3", "4", "5"]);
    let end = get("?after=23").await;
    assert_eq!((texts(&end).len(), &end["next"]), (0, &json!(23)));
    assert!(texts(&get("?before=1").await).is_empty());
    let odd = get("?channel=ODD&limit=2").await;
    assert_eq!(texts(&odd), ["17", "19"]);
    assert_eq!(odd["items"][0]["channel"], "Odd");
    let odd = get(&format!("?channel=odd&limit=2&before={}", odd["previous"])).await;
    assert_eq!(texts(&odd), ["13", "15"]);
    assert!(texts(&get("?channel=none").await).is_empty());
}

#[tokio::test]
async fn messages_are_the_events_of_the_room() {
    let server = TestServer::start();
    let rest = den(&server).await;
    let messages = rest.get("/v1/rooms/den/messages?limit=500").await.ok(200);
    let events = rest.events("den", 0).await;
    let posted: Vec<_> = events
        .into_iter()
        .filter(|event| event["kind"] == "posted")
        .collect();
    assert_eq!(messages["items"], json!(posted));
}

#[tokio::test]
async fn large_messages_are_paged_by_size() {
    let server = TestServer::start();
    let rest = server.rest("ann");
    rest.post("/v1/rooms", &json!({"room": "den"}))
        .await
        .ok(201);
    let filler = json!({"filler": "x".repeat(250 * 1024)});
    for number in 0..12 {
        let body = json!({"text": format!("{number}"), "metadata": filler});
        rest.post("/v1/rooms/den/messages", &body).await.ok(201);
    }
    assert_eq!(rest.events("den", 0).await.len(), 14);
    let mut after = 0;
    let mut seen = 0;
    while seen < 12 {
        let page = rest
            .get(&format!("/v1/rooms/den/messages?after={after}"))
            .await
            .ok(200);
        let found = texts(&page).len();
        assert!((1..=5).contains(&found), "{found} in a page of a megabyte");
        seen += found;
        after = page["next"].as_u64().expect("a seq");
    }
    assert_eq!((seen, after), (12, 14));
}
