//! The last words.

use std::time::Duration;

use serde_json::json;
use tokio_tungstenite::tungstenite::Message;

use super::{live, until_live};
use crate::support::binary::folder;
use crate::support::tokens::{USUAL_SCOPES, mint};
use crate::support::ws::Came;
use crate::support::{Binary, TestServer, Ws, within};

#[tokio::test]
async fn a_session_ends_with_its_token() {
    let server = TestServer::with("[sessions]\nheartbeat_seconds = 1\n");
    let two = Duration::from_secs(2);
    let token = mint(&server.tokens, "ann", USUAL_SCOPES, two, Duration::ZERO);
    let mut ws = Ws::open(server.addr, "ann", &token).await;
    ws.hello().await;
    ws.create(json!({"room": "den"})).await;
    let bye = ws.bye(4500).await;
    assert_eq!(bye["reconnect"], false);
    until_live(&server, 0).await;
    // The client is still a member, with its next token.
    let mut ws = server.open("ann").await;
    assert_eq!(ws.hello().await["resumed"]["den"]["to"], 2);
}

#[tokio::test]
async fn a_client_that_says_goodbye_is_told_goodbye() {
    let server = TestServer::start();
    let mut ws = server.session("ann").await;
    ws.message(Message::Close(None)).await;
    assert!(matches!(ws.came().await, Came::Closed(Some(1000))));
    until_live(&server, 0).await;
}

/// Entering a room takes a few steps; whoever goes between two of them must not stay in it.
#[tokio::test]
async fn clients_that_go_while_they_enter_are_forgotten() {
    let server = TestServer::start();
    let mut ann = server.session("ann").await;
    ann.create(json!({"room": "den"})).await;
    for number in 0..200 {
        let mut ws = server.session(&format!("client-{number}")).await;
        let join = json!({"type": "join", "room": "den"});
        if number % 2 == 0 {
            ws.done(join).await;
        } else {
            ws.send(join).await;
        }
    }
    until_live(&server, 1).await;
    let rest = server.rest("ann");
    let shown = async {
        loop {
            let room = rest.get("/v1/rooms/den").await.ok(200);
            let members = room["members"].as_array().expect("a list");
            let online = members
                .iter()
                .filter(|member| member["online"] == true)
                .count();
            if online == 1 {
                return;
            }
            tokio::task::yield_now().await;
        }
    };
    within("everybody but ann to be offline", shown).await;
}

/// A session that ended must not leave its connection behind.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn clients_that_just_go_leave_no_socket_behind() {
    let server = TestServer::start();
    let sockets = || {
        let open = std::fs::read_dir("/proc/self/fd").expect("Linux").flatten();
        let names = open.filter_map(|entry| std::fs::read_link(entry.path()).ok());
        names
            .filter(|name| name.to_string_lossy().starts_with("socket:"))
            .count()
    };
    server.session("ann").await.close().await;
    until_live(&server, 0).await;
    let before = sockets();
    for number in 0..50 {
        let mut ws = server.open(&format!("client-{number}")).await;
        if number % 2 == 0 {
            ws.hello().await;
        }
    }
    until_live(&server, 0).await;
    let closed = async {
        while sockets() > before {
            tokio::task::yield_now().await;
        }
    };
    within(&format!("the sockets to go back to {before}"), closed).await;
}

#[tokio::test]
async fn a_client_that_just_goes_is_forgotten() {
    let server = TestServer::start();
    let mut ann = server.session("ann").await;
    ann.create(json!({"room": "den"})).await;
    let mut bob = server.session("bob").await;
    bob.join("den").await;
    bob.settled().await;
    ann.event("member_joined").await;
    drop(bob);
    let offline = |f: &serde_json::Value| {
        f["type"] == "presence" && f["client"] == "bob" && f["online"] == false
    };
    // Coming and going within the time that presence gathers is no news; then nothing is told.
    let shown = async {
        loop {
            let room = server.rest("ann").get("/v1/rooms/den").await.ok(200);
            let members = room["members"].as_array().expect("a list").clone();
            let is_offline = |m: &serde_json::Value| m["client"] == "bob" && m["online"] == false;
            if members.iter().any(is_offline) {
                return;
            }
            tokio::task::yield_now().await;
        }
    };
    within("bob to be offline", shown).await;
    assert!(
        !ann.settled().await.iter().any(offline),
        "presence is told a second later"
    );
    assert_eq!(live(&server).await, 1);
}

#[tokio::test]
async fn a_server_that_stops_says_so_to_everybody() {
    let mut server = TestServer::start();
    let mut greeted = server.session("ann").await;
    // It has said nothing yet, and may not even be among the live ones when the server stops.
    let mut silent = server.open("bob").await;
    let (stopped, bye, other) = tokio::join!(
        async {
            tokio::task::spawn_blocking(move || {
                let outcome = server.stop();
                (outcome, server)
            })
            .await
        },
        greeted.bye(4001),
        silent.bye(4001)
    );
    assert_eq!(
        (&bye["reconnect"], &other["reconnect"]),
        (&json!(true), &json!(true))
    );
    let (outcome, _server) = stopped.expect("no panic");
    outcome.expect("an orderly end");
}

#[cfg(unix)]
#[tokio::test]
async fn sigterm_ends_the_program_in_order() {
    let folder = folder();
    let server = Binary::start(folder.path(), 0);
    let mut ann = server.session("ann").await;
    ann.create(json!({"room": "den"})).await;
    server.terminate();
    assert_eq!(ann.bye(4001).await["reconnect"], true);
    let (code, _, said) = server.ended().await;
    assert_eq!(code, Some(0), "{said}");
    // What was acknowledged is there.
    let server = Binary::start(folder.path(), 0);
    assert_eq!(server.rest("ann").head("den").await, 2);
}
