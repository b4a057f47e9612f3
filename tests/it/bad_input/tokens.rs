//! Who is nobody is told nothing.

use std::time::Duration;

use reqwest::Method;
use serde_json::json;

use crate::support::tokens::{USUAL_SCOPES, mint};
use crate::support::{Rest, TestServer};

const ROUTES: [(Method, &str); 14] = [
    (Method::POST, "/v1/rooms"),
    (Method::GET, "/v1/rooms"),
    (Method::GET, "/v1/rooms/den"),
    (Method::DELETE, "/v1/rooms/den"),
    (Method::PUT, "/v1/rooms/den/members/me"),
    (Method::DELETE, "/v1/rooms/den/members/me"),
    (Method::PUT, "/v1/rooms/den/members/bob"),
    (Method::DELETE, "/v1/rooms/den/members/bob"),
    (Method::POST, "/v1/rooms/den/channels"),
    (Method::GET, "/v1/rooms/den/channels"),
    (Method::POST, "/v1/rooms/den/messages"),
    (Method::GET, "/v1/rooms/den/messages"),
    (Method::GET, "/v1/rooms/den/events"),
    (Method::GET, "/v1/admin/stats"),
];

#[tokio::test]
async fn every_route_wants_a_token_of_this_server() {
    let server = TestServer::start();
    let other = TestServer::start();
    server
        .rest("ann")
        .post("/v1/rooms", &json!({"room": "den"}))
        .await
        .ok(201);
    let minute = Duration::from_secs(60);
    let expired = mint(&server.tokens, "ann", USUAL_SCOPES, minute, 60 * minute);
    let tokens = [
        None,
        Some("garbage".to_owned()),
        Some(other.token_with("ann", "room admin")),
        Some(expired),
    ];
    for token in tokens {
        let rest = Rest::new(server.addr, token);
        let tickets = (Method::POST, "/v1/tickets");
        for (method, path) in ROUTES.into_iter().chain([tickets]) {
            let body = json!({"room": "x", "text": "x", "name": "x", "role": "coder"});
            let reply = rest.ask(method, path, Some(&body)).await;
            let error = reply.error(401, "unauthorized", 1100);
            let message = error["message"].as_str().expect("a sentence");
            assert!(message.contains("token"), "{message}");
        }
    }
    assert_eq!(server.rest("ann").head("den").await, 2);
}

#[tokio::test]
async fn a_token_without_the_scope_opens_no_room() {
    let server = TestServer::start();
    server
        .rest("ann")
        .post("/v1/rooms", &json!({"room": "den"}))
        .await
        .ok(201);
    let rest = server.rest_with("ann", "message");
    for (method, path) in &ROUTES[1..] {
        let body = json!({"room": "x", "text": "x", "name": "x", "role": "coder"});
        let reply = rest.ask(method.clone(), path, Some(&body)).await;
        reply.error(403, "scope_missing", 1102);
    }
    assert_eq!(server.rest("ann").head("den").await, 2);
}
