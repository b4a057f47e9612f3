//! The upgrade: who may open a session, and as whom.

use std::time::Duration;

use reqwest::Method;
use tokio_tungstenite::tungstenite::Error;

use super::{PROTOCOL, live, upgrade_over_http};
use crate::support::tokens::{USUAL_SCOPES, mint};
use crate::support::ws::{handshake, upgrade, usual, with_header};
use crate::support::{Rest, TestServer, Ws};

#[tokio::test]
async fn without_the_subprotocol_there_is_no_session() {
    let server = TestServer::start();
    let rest = server.rest("ann");
    let plain = upgrade_over_http(&rest, "/ws/ann");
    let other = upgrade_over_http(&rest, "/ws/ann").header(PROTOCOL, "mqtt, agent-bridge.v2");
    for request in [plain, other] {
        let reply = rest.send(request).await;
        let error = reply.error(426, "subprotocol_required", 1007);
        let message = error["message"].as_str().expect("a sentence");
        assert!(message.contains("agent-bridge.v1"), "{message}");
        let offered = reply
            .headers
            .get(PROTOCOL)
            .and_then(|value| value.to_str().ok());
        assert_eq!(offered, Some("agent-bridge.v1"));
    }
    assert_eq!(live(&server).await, 0);
}

#[tokio::test]
async fn the_path_names_the_client_of_the_token() {
    let server = TestServer::start();
    let rest = server.rest("ann");
    let request = upgrade_over_http(&rest, "/ws/bob").header(PROTOCOL, "agent-bridge.v1");
    rest.send(request).await.error(403, "forbidden", 1101);
    assert_eq!(live(&server).await, 0);
    // Names are one without regard to case.
    let mut ws = Ws::open(server.addr, "ANN", &server.token("ann")).await;
    assert_eq!(ws.hello().await["client"], "ann");
}

#[tokio::test]
async fn a_path_that_is_no_name_is_refused() {
    let server = TestServer::start();
    let rest = server.rest("ann");
    for path in ["/ws/me", "/ws/.ann", "/ws/%E5%AD%97", "/ws/a%2Fb"] {
        let request = upgrade_over_http(&rest, path).header(PROTOCOL, "agent-bridge.v1");
        rest.send(request).await.error(400, "invalid_field", 1003);
    }
    assert_eq!(live(&server).await, 0);
}

#[tokio::test]
async fn only_a_good_token_opens_a_session() {
    let server = TestServer::start();
    let stranger = TestServer::start();
    let hour = Duration::from_secs(3_600);
    let expired = mint(
        &server.tokens,
        "ann",
        USUAL_SCOPES,
        Duration::from_secs(60),
        hour,
    );
    let good = server.token("ann");
    let (unsigned, _) = good.rsplit_once('.').expect("a JWT has three parts");
    let tokens = [
        None,
        Some(String::new()),
        Some("garbage".to_owned()),
        Some("a.b.c".to_owned()),
        Some(format!("{unsigned}.")),
        Some(good.to_lowercase()),
        Some("x".repeat(9_000)),
        Some(stranger.token("ann")),
        Some(expired),
    ];
    for token in tokens {
        let shown = token.clone();
        let rest = Rest::new(server.addr, token);
        let request = upgrade_over_http(&rest, "/ws/ann").header(PROTOCOL, "agent-bridge.v1");
        let reply = rest.send(request).await;
        assert_eq!(reply.status, 401, "{shown:?}");
        reply.error(401, "unauthorized", 1100);
        let scheme = reply.headers.get("www-authenticate");
        assert_eq!(scheme.and_then(|value| value.to_str().ok()), Some("Bearer"));
    }
    assert_eq!(live(&server).await, 0);
}

#[tokio::test]
async fn a_browser_brings_its_token_among_the_subprotocols() {
    let server = TestServer::start();
    for order in [
        "agent-bridge.v1, bearer.TOKEN",
        "bearer.TOKEN,agent-bridge.v1",
    ] {
        let protocols = order.replace("TOKEN", &server.token("ann"));
        let request = with_header(upgrade(server.addr, "ann"), PROTOCOL, &protocols);
        let (socket, response) = handshake(server.addr, request).await.expect("a good token");
        let chosen = response
            .headers()
            .get(PROTOCOL)
            .and_then(|value| value.to_str().ok());
        assert_eq!(chosen, Some("agent-bridge.v1"), "the token is not echoed");
        let mut ws = Ws::new("ann", socket);
        assert_eq!(ws.hello().await["client"], "ann");
    }
    let protocols = "agent-bridge.v1, bearer.garbage";
    let request = with_header(upgrade(server.addr, "ann"), PROTOCOL, protocols);
    match handshake(server.addr, request).await {
        Err(Error::Http(response)) => assert_eq!(response.status().as_u16(), 401),
        other => panic!("a garbage token led to {:?}", other.err()),
    }
}

#[tokio::test]
async fn a_token_in_the_address_is_not_looked_at() {
    let server = TestServer::start();
    let token = server.token("ann");
    let rest = Rest::new(server.addr, None);
    for query in ["token", "access_token", "ticket"] {
        let path = format!("/ws/ann?{query}={token}");
        let request = upgrade_over_http(&rest, &path).header(PROTOCOL, "agent-bridge.v1");
        rest.send(request).await.error(401, "unauthorized", 1100);
    }
}

#[tokio::test]
async fn the_handshake_names_what_was_agreed() {
    let server = TestServer::start();
    let request = usual(server.addr, "ann", &server.token("ann"));
    let (_socket, response) = handshake(server.addr, request).await.expect("a session");
    assert_eq!(response.status().as_u16(), 101);
    assert_eq!(response.headers()[PROTOCOL], "agent-bridge.v1");
}

#[tokio::test]
async fn a_request_that_is_no_upgrade_is_refused() {
    let server = TestServer::start();
    let rest = server.rest("ann");
    let request = rest
        .request(Method::GET, "/ws/ann")
        .header(PROTOCOL, "agent-bridge.v1");
    rest.send(request).await.error(400, "invalid_field", 1003);
}
