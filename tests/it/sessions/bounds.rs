//! How many sessions there may be.

use serde_json::json;

use super::until_live;
use crate::support::TestServer;

#[tokio::test]
async fn a_clients_newest_session_replaces_its_stalest() {
    let server = TestServer::with("[sessions]\nper_client = 2\n");
    let mut older = server.session("ann").await;
    let mut newer = server.session("ann").await;
    older.create(json!({"room": "den"})).await;
    newer.event("member_joined").await;
    let last_of_newer = newer.request(json!({"type": "ping"})).await["at"].clone();
    // The older one speaks last, by the server's own clock.
    loop {
        let pong = older.request(json!({"type": "ping"})).await;
        if pong["at"].as_str() > last_of_newer.as_str() {
            break;
        }
    }
    let mut newest = server.session("ann").await;
    let bye = newer.bye(4503).await;
    assert_eq!(bye["reconnect"], false);
    older.settled().await;
    assert_eq!(newest.post("den", "one of two").await["seq"], 3);
    assert_eq!(older.event("posted").await["seq"], 3);
    until_live(&server, 2).await;
    // Others are not concerned.
    server.session("bob").await.settled().await;
}

#[tokio::test]
async fn a_full_server_sends_newcomers_away_for_now() {
    let server = TestServer::with("[sessions]\ntotal = 2\n");
    let mut ann = server.session("ann").await;
    let bob = server.session("bob").await;
    let mut third = server.open("cem").await;
    assert_eq!(third.bye(4005).await["reconnect"], true);
    until_live(&server, 2).await;
    ann.settled().await;
    bob.close().await;
    until_live(&server, 1).await;
    server.session("cem").await.settled().await;
}

#[tokio::test]
async fn a_full_server_still_lets_a_client_replace_its_own_session() {
    let server = TestServer::with("[sessions]\ntotal = 2\nper_client = 1\n");
    let mut old = server.session("ann").await;
    let mut bob = server.session("bob").await;
    let mut new = server.session("ann").await;
    old.bye(4503).await;
    new.settled().await;
    bob.settled().await;
}
