//! Tickets: a browser's way to a session without a token in its address.

use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::Error;

use super::{PROTOCOL, live, until_live, upgrade_over_http};
use crate::support::tokens::{USUAL_SCOPES, mint};
use crate::support::ws::{handshake, upgrade, with_header};
use crate::support::{Rest, TestServer, Ws};

const PATH: &str = "/v1/tickets";

/// A new ticket of a client.
async fn buy(rest: &Rest) -> Value {
    rest.post(PATH, &json!({})).await.ok(201)
}

fn text(bought: &Value) -> &str {
    bought["ticket"].as_str().expect("a text")
}

/// Opens a session with nothing but a ticket, as a browser does.
async fn enter(server: &TestServer, client: &str, ticket: &str) -> Result<Ws, Error> {
    let request = upgrade(server.addr, &format!("{client}?ticket={ticket}"));
    let request = with_header(request, PROTOCOL, "agent-bridge.v1");
    let (socket, _) = handshake(server.addr, request).await?;
    Ok(Ws::new(client, socket))
}

/// The sentence with which an upgrade with a ticket is refused.
async fn refused(server: &TestServer, path: &str, status: u16, code: &str, number: u16) -> String {
    let rest = Rest::new(server.addr, None);
    let request = upgrade_over_http(&rest, path).header(PROTOCOL, "agent-bridge.v1");
    let error = rest.send(request).await.error(status, code, number);
    error["message"].as_str().expect("a sentence").to_owned()
}

async fn unauthorized(server: &TestServer, ticket: &str) -> String {
    let path = format!("/ws/ann?ticket={ticket}");
    refused(server, &path, 401, "unauthorized", 1100).await
}

#[tokio::test]
async fn a_ticket_opens_one_session_as_whoever_bought_it() {
    let server = TestServer::start();
    let reply = server
        .rest_with("Ann", "room:den")
        .post(PATH, &json!({}))
        .await;
    let bought = reply.ok(201);
    let fields: Vec<_> = bought.as_object().expect("an object").keys().collect();
    assert_eq!(fields, ["client", "expires_at", "ticket"]);
    assert_eq!(bought["client"], "Ann");
    assert_eq!(reply.headers["cache-control"], "no-store");
    let mut ws = enter(&server, "ann", text(&bought))
        .await
        .expect("a session");
    assert_eq!(ws.hello().await["client"], "Ann");
    ws.create(json!({"room": "den"})).await;
    // It allows what the token allows, and no more.
    ws.refused(json!({"type": "create_room", "room": "attic"}), 1102)
        .await;
    let why = unauthorized(&server, text(&bought)).await;
    assert!(why.contains("used"), "{why}");
    assert_eq!(live(&server).await, 1);
    ws.settled().await;
}

#[tokio::test]
async fn a_ticket_and_its_session_end_with_the_token() {
    let server = TestServer::with("[sessions]\nheartbeat_seconds = 1\n");
    let two = Duration::from_secs(2);
    let token = mint(&server.tokens, "ann", USUAL_SCOPES, two, Duration::ZERO);
    let rest = Rest::new(server.addr, Some(token));
    let (used, late) = (buy(&rest).await, buy(&rest).await);
    let mut ws = enter(&server, "ann", text(&used)).await.expect("a session");
    ws.hello().await;
    assert_eq!(ws.bye(4500).await["reconnect"], false);
    until_live(&server, 0).await;
    let why = unauthorized(&server, text(&late)).await;
    assert!(why.contains("expired"), "{why}");
    // The token is still taken, for clocks may differ; what it buys would be over already.
    rest.post(PATH, &json!({}))
        .await
        .error(401, "unauthorized", 1100);
}

#[tokio::test]
async fn a_ticket_that_is_not_known_opens_nothing() {
    let server = TestServer::start();
    let other = TestServer::start();
    let foreign = buy(&other.rest("ann")).await;
    let made_up = format!("tkt_{}", "0".repeat(64));
    let token = server.token("ann");
    for ticket in ["", "garbage", "tkt_", &made_up, text(&foreign), &token] {
        let why = unauthorized(&server, ticket).await;
        assert!(why.contains("not known"), "{ticket:?}: {why}");
    }
    assert_eq!(live(&server).await, 0);
}

#[tokio::test]
async fn a_ticket_is_for_its_own_client_and_is_used_by_being_shown() {
    let server = TestServer::start();
    let bought = buy(&server.rest("ann")).await;
    let path = format!("/ws/bob?ticket={}", text(&bought));
    refused(&server, &path, 403, "forbidden", 1101).await;
    let why = unauthorized(&server, text(&bought)).await;
    assert!(why.contains("used"), "{why}");
    assert_eq!(live(&server).await, 0);
}

#[tokio::test]
async fn a_ticket_beside_a_token_is_refused_and_stays_good() {
    let server = TestServer::start();
    let bought = buy(&server.rest("ann")).await;
    let path = format!("/ws/ann?ticket={}", text(&bought));
    let with_header = server.rest("ann");
    let with_protocol = Rest::new(server.addr, None);
    let protocols = format!("agent-bridge.v1, bearer.{}", server.token("ann"));
    for (rest, protocols) in [
        (with_header, "agent-bridge.v1"),
        (with_protocol, protocols.as_str()),
    ] {
        let request = upgrade_over_http(&rest, &path).header(PROTOCOL, protocols);
        let error = rest.send(request).await.error(400, "invalid_field", 1003);
        assert_eq!(error["details"]["field"], "ticket");
    }
    let mut ws = enter(&server, "ann", text(&bought))
        .await
        .expect("a session");
    ws.hello().await;
}

#[tokio::test]
async fn a_ticket_opens_nothing_but_a_websocket() {
    let server = TestServer::start();
    let bought = buy(&server.rest("ann")).await;
    let nobody = Rest::new(server.addr, None);
    for (method, path) in [(Method::GET, "/v1/rooms"), (Method::POST, PATH)] {
        let path = format!("{path}?ticket={}", text(&bought));
        let reply = nobody.ask(method, &path, None).await;
        reply.error(401, "unauthorized", 1100);
    }
    let as_token = Rest::new(server.addr, Some(text(&bought).to_owned()));
    as_token
        .get("/v1/rooms")
        .await
        .error(401, "unauthorized", 1100);
    enter(&server, "ann", text(&bought))
        .await
        .expect("it was not used");
}

#[tokio::test]
async fn a_client_that_wants_too_many_tickets_is_told_to_wait() {
    let server = TestServer::start();
    let ann = server.rest("ann");
    let first = buy(&ann).await;
    for _ in 1..bridge_core::limits::CLIENT_TICKETS_MAX {
        buy(&ann).await;
    }
    let reply = ann.post(PATH, &json!({})).await;
    assert_eq!(reply.error(503, "busy", 1601)["temporary"], true);
    buy(&server.rest("bob")).await;
    enter(&server, "ann", text(&first))
        .await
        .expect("a session");
    buy(&ann).await;
}

#[tokio::test]
async fn a_restart_voids_tickets() {
    let server = TestServer::start();
    let bought = buy(&server.rest("ann")).await;
    let server = server.restart();
    let why = unauthorized(&server, text(&bought)).await;
    assert!(why.contains("not known"), "{why}");
    let again = buy(&server.rest("ann")).await;
    enter(&server, "ann", text(&again))
        .await
        .expect("a session");
}
