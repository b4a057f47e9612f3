//! Signs of life, in both directions.

use std::time::Duration;

use serde_json::json;
use tokio_tungstenite::tungstenite::Message;

use super::{live, until_live};
use crate::support::server::ShiftedClock;
use crate::support::ws::Came;
use crate::support::{TestServer, within};

const FAST: &str = "[sessions]\nheartbeat_seconds = 1\n";

#[tokio::test]
async fn a_ping_is_answered_with_its_ref_and_the_time() {
    let server = TestServer::start();
    let mut ws = server.session("ann").await;
    ws.send(json!({"type": "ping", "ref": "日本 🏓"})).await;
    let pong = ws.expect("pong").await;
    assert_eq!(pong["ref"], "日本 🏓");
    let at = pong["at"].as_str().expect("a time");
    assert!(
        at.len() == 24 && at.ends_with('Z'),
        "RFC 3339, UTC, milliseconds: {at}"
    );
    ws.send(json!({"type": "ping"})).await;
    assert!(ws.expect("pong").await.get("ref").is_none());
}

#[tokio::test]
async fn a_websocket_ping_is_answered_with_its_payload() {
    let server = TestServer::start();
    let mut ws = server.session("ann").await;
    for payload in [&b""[..], &b"are you there?"[..], &[0xff; 125][..]] {
        ws.message(Message::Ping(payload.to_vec().into())).await;
        match ws.came().await {
            Came::Pong(answer) => assert_eq!(answer, payload),
            other => panic!("a ping led to {other:?}"),
        }
    }
}

#[tokio::test]
async fn the_server_pings_and_a_client_that_answers_stays() {
    let server = TestServer::with(FAST);
    let mut ws = server.open("ann").await;
    assert_eq!(ws.hello().await["heartbeat_seconds"], 1);
    // A silent one is dead after two heartbeats; four pings are more.
    let mut pings = 0;
    while pings < 4 {
        match ws.came().await {
            Came::Ping => pings += 1,
            other => panic!("instead of a ping came {other:?}"),
        }
    }
    ws.settled().await;
}

/// Longer than any silence, and shorter than a token's life.
const HALF_AN_HOUR: Duration = Duration::from_secs(1_800);

#[tokio::test]
async fn a_wall_clock_that_is_set_ends_no_session_that_answers() {
    let server = TestServer::with(FAST);
    let mut ws = server.session("ann").await;
    for set in [ShiftedClock::set_forward, ShiftedClock::set_back] {
        set(&server.clock, HALF_AN_HOUR);
        for _ in 0..3 {
            match ws.came().await {
                Came::Ping => {}
                other => panic!("instead of a ping came {other:?}"),
            }
        }
    }
    ws.settled().await;
}

#[tokio::test]
async fn a_silent_client_is_pinged_and_then_closed() {
    ends_when_silent(|_| {}).await;
}

#[tokio::test]
async fn a_wall_clock_that_is_set_back_keeps_no_silent_client() {
    ends_when_silent(|clock| clock.set_back(HALF_AN_HOUR)).await;
}

async fn ends_when_silent(meanwhile: impl FnOnce(&ShiftedClock)) {
    let server = TestServer::with(FAST);
    let mut ws = server.session("ann").await;
    assert_eq!(live(&server).await, 1);
    meanwhile(&server.clock);
    // Read by hand, so that nothing answers the ping.
    let bytes = within("the end of the connection", read_to_end(ws.raw())).await;
    let frames = frames(&bytes);
    let opcodes: Vec<_> = frames.iter().map(|(opcode, _)| *opcode).collect();
    assert_eq!(opcodes, [0x9, 0x1, 0x8], "ping, bye, close: {frames:?}");
    let bye: serde_json::Value = serde_json::from_slice(&frames[1].1).expect("JSON");
    assert_eq!((&bye["type"], &bye["code"]), (&json!("bye"), &json!(4006)));
    assert_eq!(bye["reconnect"], true);
    assert_eq!(frames[2].1[..2], 4006_u16.to_be_bytes());
    until_live(&server, 0).await;
}

/// Everything up to the end of a connection.
async fn read_to_end(stream: &tokio::net::TcpStream) -> Vec<u8> {
    let mut all = Vec::new();
    let mut buffer = [0; 4_096];
    loop {
        stream.readable().await.expect("a socket");
        match stream.try_read(&mut buffer) {
            Ok(0) => return all,
            Ok(read) => all.extend_from_slice(&buffer[..read]),
            Err(why) if why.kind() == std::io::ErrorKind::WouldBlock => {}
            Err(_) => return all,
        }
    }
}

/// Short frames of a server: opcode and payload.
fn frames(mut bytes: &[u8]) -> Vec<(u8, Vec<u8>)> {
    let mut frames = Vec::new();
    while let [first, second, rest @ ..] = bytes {
        let (len, rest) = match second {
            126 => (
                usize::from(u16::from_be_bytes([rest[0], rest[1]])),
                &rest[2..],
            ),
            short => (usize::from(*short), rest),
        };
        let (payload, rest) = rest.split_at(len);
        frames.push((first & 0x0f, payload.to_vec()));
        bytes = rest;
    }
    frames
}
