//! Queries, routes and headers.

use reqwest::Method;
use serde_json::json;

use crate::support::{Rest, TestServer};

#[tokio::test]
async fn a_bad_query_is_refused_with_its_field() {
    let server = TestServer::start();
    let rest = server.rest("ann");
    rest.post("/v1/rooms", &json!({"room": "den"}))
        .await
        .ok(201);
    for (path, field) in [
        ("/v1/rooms?limit=0", "limit"),
        ("/v1/rooms?limit=501", "limit"),
        ("/v1/rooms?limit=-1", "limit"),
        ("/v1/rooms?limit=x", "limit"),
        ("/v1/rooms?limit=", "limit"),
        ("/v1/rooms?limit=99999999999999999999999", "limit"),
        ("/v1/rooms?after=.x", "after"),
        ("/v1/rooms?after=%E5%AD%97", "after"),
        ("/v1/rooms/den/messages?limit=0", "limit"),
        ("/v1/rooms/den/messages?after=x", "after"),
        ("/v1/rooms/den/messages?before=-1", "before"),
        ("/v1/rooms/den/messages?after=1&before=2", "before"),
        ("/v1/rooms/den/messages?channel=", "channel"),
        ("/v1/rooms/den/messages?channel=a%00b", "channel"),
        ("/v1/rooms/den/events?wait=56", "wait"),
        ("/v1/rooms/den/events?wait=-1", "wait"),
        ("/v1/rooms/den/events?wait=1.5", "wait"),
        ("/v1/rooms/den/events?limit=501", "limit"),
        ("/v1/rooms/den/events?after=1e3", "after"),
        ("/v1/rooms/den/events?epoch=x", "epoch"),
    ] {
        let error = rest.get(path).await.error(400, "invalid_field", 1003);
        let message = error["message"].as_str().expect("a sentence");
        assert!(message.contains(field), "{path}: {message}");
    }
    // What is not known is ignored, as in a body.
    rest.get("/v1/rooms?colour=red").await.ok(200);
}

#[tokio::test]
async fn what_is_nowhere_is_404_in_json() {
    let server = TestServer::start();
    let rest = server.rest("ann");
    for path in [
        "/",
        "/v1",
        "/v1/",
        "/v1/nothing",
        "/ws",
        "/ws/",
        "/v2/rooms",
        "/v1/rooms/den/x",
    ] {
        rest.get(path).await.error(404, "no_such_route", 1006);
    }
    rest.get("/%2e%2e/etc/passwd")
        .await
        .error(404, "no_such_route", 1006);
    rest.get("/v1/rooms/nowhere")
        .await
        .error(404, "room_not_found", 1200);
}

#[tokio::test]
async fn a_method_that_a_route_does_not_have_is_refused_in_json() {
    let server = TestServer::start();
    let rest = server.rest("ann");
    for (method, path) in [
        (Method::DELETE, "/v1/rooms"),
        (Method::POST, "/v1/rooms/den"),
        (Method::POST, "/health"),
        (Method::PATCH, "/v1/rooms/den/messages"),
    ] {
        let reply = rest.ask(method, path, None).await;
        assert!(
            matches!(reply.status, 404 | 405),
            "{path}: {}",
            reply.status
        );
        let body = reply.ok(reply.status);
        assert!(
            body["error"]["code"].is_string() && body["request_id"].is_string(),
            "{body}"
        );
    }
}

#[tokio::test]
async fn a_requests_id_is_the_clients_own_when_it_is_decent() {
    let server = TestServer::start();
    let rest = Rest::new(server.addr, None);
    let asked = async |id: &str| {
        let request = rest
            .request(Method::GET, "/v1/rooms")
            .header("x-request-id", id);
        let reply = rest.send(request).await;
        reply.error(401, "unauthorized", 1100);
        reply.json()["request_id"]
            .as_str()
            .expect("an id")
            .to_owned()
    };
    assert_eq!(asked("my-id_1.2").await, "my-id_1.2");
    let long = "x".repeat(65);
    for bad in ["", "a b", "<script>", long.as_str()] {
        let id = asked(bad).await;
        assert!(id != bad && id.starts_with("req_"), "{id}");
    }
    assert_ne!(asked("").await, asked("").await);
}
