//! Clients that do not read, and clients that do not stop.

use std::time::Duration;

use serde_json::{Value, json};
use tokio_tungstenite::client_async;

use super::{open, until_open};
use crate::support::raw::{Raw, write_to};
use crate::support::wait::for_a_while;
use crate::support::ws::usual;
use crate::support::{TestServer, Ws};

const POST_BYTES: usize = 200 * 1024;
const STUCK_POSTS: u64 = 9;
const SOON: Duration = Duration::from_secs(1);

fn large_post(number: u64) -> Value {
    let metadata = json!({"filler": "x".repeat(POST_BYTES)});
    json!({"type": "post", "room": "den", "text": format!("{number}"), "metadata": metadata})
}

async fn den(server: &TestServer, posts: u64) -> Ws {
    let mut ann = server.session("ann").await;
    ann.create(json!({"room": "den"})).await;
    for number in 0..posts {
        ann.done(large_post(number)).await;
    }
    ann
}

/// A session over a socket that takes little.
async fn narrow(server: &TestServer, client: &str) -> Ws {
    let Raw(stream) = Raw::narrow(server.addr).await;
    let request = usual(server.addr, client, &server.token(client));
    let (socket, _) = client_async(request, stream).await.expect("a session");
    Ws::new(client, socket)
}

/// Asks for more than the sockets between them take, and reads nothing of it.
async fn unread_pages(server: &TestServer) -> Raw {
    let raw = Raw::narrow(server.addr).await;
    let token = server.token("ann");
    let request = format!(
        "GET /v1/rooms/den/events?limit=500 HTTP/1.1\r\nhost: here\r\n\
         authorization: Bearer {token}\r\n\r\n"
    );
    raw.write(request.repeat(12).as_bytes()).await;
    raw
}

async fn assert_cut_off(server: &TestServer) {
    let ann = den(server, 8).await;
    ann.close().await;
    until_open(server, 0).await;
    let raw = unread_pages(server).await;
    until_open(server, 1).await;
    until_open(server, 0).await;
    let answers = raw.to_the_end().await;
    let whole = 12 * 4 * POST_BYTES;
    assert!(
        answers.len() < whole,
        "all of it was sent: {}",
        answers.len()
    );
}

/// Nobody says goodbye over REST; the system gives the connection up.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn an_answer_that_nobody_reads_is_given_up() {
    let server = TestServer::tuned("", |tuning| {
        tuning.unacknowledged = SOON;
        tuning.keep_alive = 600 * SOON;
    });
    assert_cut_off(&server).await;
}

/// The same where the system has no such option, only later.
#[tokio::test]
async fn an_answer_that_nobody_reads_is_cut_off_by_the_server_itself() {
    let server = TestServer::tuned("", |tuning| {
        tuning.idle = SOON;
        tuning.look_every = SOON / 10;
        tuning.keep_alive = 600 * SOON;
    });
    assert_cut_off(&server).await;
}

/// It is not told more than its outbox holds, and is alive; but it does not read.
#[tokio::test]
async fn a_session_whose_socket_takes_nothing_is_told_so_and_misses_nothing() {
    let server = TestServer::tuned("", |tuning| tuning.write = SOON / 2);
    let mut ann = den(&server, 0).await;
    let (mut slow, seen, head) = stuck(&server, &mut ann).await;
    // Until it has been found out. Nothing tells when that is, and it may take another five seconds
    // to read what it was told.
    for_a_while(3 * SOON).await;
    assert_eq!(slow.bye(4002).await["reconnect"], true);
    let told = slow.events("den");
    let seqs: Vec<_> = told.iter().map(|event| event["seq"].as_u64()).collect();
    assert_eq!(seqs, (seen + 1..=head).map(Some).collect::<Vec<_>>());
    let mut again = server.open("cem").await;
    let welcome = again.resume(json!({"rooms": {"den": head}})).await;
    assert_eq!(welcome["resumed"]["den"]["complete"], true);
    ann.settled().await;
}

/// One that never reads again is shut down, and nothing of it stays.
#[tokio::test]
async fn a_session_that_never_reads_again_leaves_no_connection_behind() {
    let server = TestServer::tuned("", |tuning| tuning.write = SOON / 2);
    let mut ann = den(&server, 0).await;
    let (slow, _, _) = stuck(&server, &mut ann).await;
    assert_eq!(open(&server).await, 2);
    until_open(&server, 1).await;
    drop(slow);
}

/// A session whose socket is full, and that could still be told some. Up to where it had read, and
/// the head of its room.
async fn stuck(server: &TestServer, ann: &mut Ws) -> (Ws, u64, u64) {
    let mut slow = narrow(server, "cem").await;
    slow.hello().await;
    let seen = slow.join("den").await["head"].as_u64().expect("a head");
    slow.settled().await;
    // Twice what the system holds for it, and less than that and an outbox.
    for number in 0..STUCK_POSTS {
        ann.done(large_post(number)).await;
    }
    (slow, seen, seen + STUCK_POSTS)
}

/// A pong is owed for the last ping only, so a flood of them costs neither memory nor the session.
#[tokio::test]
async fn a_flood_of_pings_costs_nobody_anything() {
    const PINGS: usize = 50_000;
    let server = TestServer::start();
    let mut ws = narrow(&server, "ann").await;
    ws.hello().await;
    // A ping with a payload of 100 bytes; a mask of zeros changes nothing.
    let mut ping = vec![0x89, 0x80 | 100, 0, 0, 0, 0];
    ping.extend_from_slice(&[b'x'; 100]);
    let flood = ping.repeat(1_000);
    for _ in 0..PINGS / 1_000 {
        write_to(ws.raw(), &flood).await;
    }
    ws.settled().await;
    ws.create(json!({"room": "den"})).await;
}

/// Parts of nothing, without end: each is read, none is kept.
#[tokio::test]
async fn empty_parts_without_end_are_read_and_not_kept() {
    let server = TestServer::start();
    let mut ws = server.session("ann").await;
    let mut bytes = vec![0x01, 0x80, 0, 0, 0, 0];
    bytes.extend_from_slice(&[0x00, 0x80, 0, 0, 0, 0].repeat(200_000));
    let text = br#"{"type":"ping","ref":"at last"}"#;
    bytes.extend_from_slice(&[
        0x80,
        0x80 | u8::try_from(text.len()).expect("short"),
        0,
        0,
        0,
        0,
    ]);
    bytes.extend_from_slice(text);
    write_to(ws.raw(), &bytes).await;
    assert_eq!(ws.expect("pong").await["ref"], "at last");
}
