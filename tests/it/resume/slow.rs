//! A reader that does not read is sent away; the others do not notice.

use serde_json::{Value, json};
use tokio::net::TcpSocket;
use tokio_tungstenite::client_async;

use super::seqs;
use crate::support::raw::try_write_to;
use crate::support::ws::{Came, usual};
use crate::support::{TestServer, Ws, within};

const POSTS: u64 = 60;
const POST_BYTES: usize = 200 * 1024;

/// A session over a socket that takes little.
async fn narrow(server: &TestServer, client: &str) -> Ws {
    let socket = TcpSocket::new_v4().expect("a socket");
    socket
        .set_recv_buffer_size(4 * 1024)
        .expect("a small buffer");
    let stream = socket
        .connect(server.addr)
        .await
        .expect("the server listens");
    let request = usual(server.addr, client, &server.token(client));
    let (socket, _) = client_async(request, stream).await.expect("a session");
    Ws::new(client, socket)
}

fn large_post(number: u64) -> Value {
    let metadata = json!({"filler": "x".repeat(POST_BYTES)});
    json!({"type": "post", "room": "den", "text": format!("{number}"), "metadata": metadata})
}

async fn live(server: &TestServer) -> Value {
    server.rest("ann").get("/status").await.ok(200)["active_connections"].clone()
}

#[tokio::test]
async fn a_reader_that_stops_reading_is_sent_away_and_misses_nothing() {
    let server = TestServer::start();
    let mut ann = server.session("ann").await;
    ann.create(json!({"room": "den"})).await;
    let mut bob = server.session("bob").await;
    bob.join("den").await;
    let mut slow = narrow(&server, "cem").await;
    slow.hello().await;
    let seen = slow.join("den").await["head"].as_u64().expect("a head");
    slow.settled().await;
    let head = seen + POSTS;
    let write = async {
        for number in 0..POSTS {
            ann.done(large_post(number)).await;
        }
    };
    let ((), _) = tokio::join!(write, bob.up_to("den", head));
    let gone = async {
        while live(&server).await != json!(2) {
            tokio::task::yield_now().await;
        }
    };
    within("the slow session to end", gone).await;
    let measured = server.rest("ann").get("/metrics").await.text;
    let counted = "\nbridge_slow_consumer_disconnects_total 1\n";
    assert!(measured.contains(counted), "{measured}");
    // What is still on its way to it is contiguous, and ends in `bye`, or in nothing at all.
    let close = loop {
        match slow.came().await {
            Came::Closed(code) => break code,
            Came::Frame(_) | Came::Ping | Came::Pong(_) => {}
        }
    };
    assert!(matches!(close, Some(4002) | None), "{close:?}");
    if close.is_some() {
        let bye = slow.all.last().expect("it was told something");
        assert_eq!(
            (&bye["code"], &bye["reconnect"]),
            (&json!(4002), &json!(true))
        );
    }
    let told = seqs(&slow.events("den"));
    let last = told.last().copied().unwrap_or(seen);
    assert_eq!(told, (seen + 1..=last).collect::<Vec<_>>());
    assert!(last < head, "it was not slow at all");

    let mut again = server.open("cem").await;
    let welcome = again.resume(json!({"rooms": {"den": last}})).await;
    assert_eq!(
        welcome["resumed"]["den"],
        json!({"from": last, "to": head, "complete": true})
    );
    again.up_to("den", head).await;
    assert_eq!(
        seqs(&again.events("den")),
        (last + 1..=head).collect::<Vec<_>>()
    );
}

/// What the client enters elsewhere while a session still catches up is not lost on it.
#[tokio::test]
async fn a_room_entered_while_a_session_catches_up_goes_live() {
    let server = TestServer::start();
    let mut ann = server.session("ann").await;
    ann.create(json!({"room": "den"})).await;
    for number in 0..40 {
        ann.done(large_post(number)).await;
    }
    let mut behind = narrow(&server, "ann").await;
    // It reads its welcome and no further, so that the server is in the middle of eight megabytes.
    let welcome = behind.resume(json!({"rooms": {"den": 0}})).await;
    assert_eq!(welcome["resumed"]["den"]["complete"], true);
    ann.create(json!({"room": "loft"})).await;
    behind.up_to("den", 42).await;
    behind.settled().await;
    ann.post("loft", "news").await;
    let told = behind
        .until(|frame| frame["room"] == "loft" && frame["kind"] == "posted")
        .await;
    assert_eq!(told["seq"], 3);
}

/// A client that floods and does not read its own answers harms nobody but itself.
#[tokio::test]
async fn a_writer_that_does_not_read_is_sent_away() {
    let server = TestServer::start();
    let mut ann = server.session("ann").await;
    ann.create(json!({"room": "attic"})).await;
    let mut flood = narrow(&server, "cem").await;
    flood.hello().await;
    flood.create(json!({"room": "den"})).await;
    let post = masked(large_post(0).to_string().as_bytes());
    let pushing = async {
        // Until the server has hung up.
        while try_write_to(flood.raw(), &post).await.is_ok() {}
    };
    let working = async {
        loop {
            ann.post("attic", "calm").await;
        }
    };
    let flooding = async {
        tokio::select! {
            () = pushing => {}
            () = working => {}
        }
    };
    within("the flood to end", flooding).await;
    // Ann's last post may still be on its way, so the next one comes after it or after its place.
    let head = server.rest("ann").head("attic").await;
    let mut again = server.session("ann").await;
    let seq = again.post("attic", "calm").await["seq"].as_u64();
    assert!(seq > Some(head), "{seq:?} after {head}");
}

/// A text frame as a client sends it; a mask of zeros changes nothing.
fn masked(payload: &[u8]) -> Vec<u8> {
    let mut frame = vec![0x81, 0xff];
    frame.extend_from_slice(&(payload.len() as u64).to_be_bytes());
    frame.extend_from_slice(&[0; 4]);
    frame.extend_from_slice(payload);
    frame
}
