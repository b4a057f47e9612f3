//! Requests for an upgrade: what comes with them, what they are answered when there is none, and how
//! the connection goes on and ends when there is one.

use futures_util::future::join_all;
use tokio::net::TcpStream;

use super::until_open;
use crate::support::raw::{Raw, write_to};
use crate::support::{TestServer, within};

/// More than the web server feeds a request that has not asked for it (32 KiB).
const MANY_PINGS: usize = 4_000;
/// More than the system holds for the server.
const UNREAD_BYTES: usize = 4 * 1024 * 1024;

/// An upgrade to a path, with more lines for its head.
fn upgrade(path: &str, lines: &str) -> String {
    format!(
        "GET {path} HTTP/1.1\r\nhost: here\r\nconnection: upgrade\r\nupgrade: websocket\r\n\
         sec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n{lines}\r\n"
    )
}

/// The upgrade that a good client asks for.
fn usual(server: &TestServer) -> String {
    let token = server.token("ann");
    let lines =
        format!("authorization: Bearer {token}\r\nsec-websocket-protocol: agent-bridge.v1\r\n");
    upgrade("/ws/ann", &lines)
}

/// A short text frame as a client sends it; a mask of zeros changes nothing.
fn text(text: &str) -> Vec<u8> {
    let len = u8::try_from(text.len()).expect("short");
    assert!(len < 126, "its length would need more bytes");
    [&[0x81, 0x80 | len, 0, 0, 0, 0], text.as_bytes()].concat()
}

fn ping(reference: usize) -> Vec<u8> {
    text(&format!(r#"{{"type":"ping","ref":"n{reference}."}}"#))
}

fn hello_and_pings(pings: usize) -> Vec<u8> {
    let mut frames = text(r#"{"type":"hello"}"#);
    for number in 0..pings {
        frames.extend_from_slice(&ping(number));
    }
    frames
}

/// Reads until some text has come.
async fn read_up_to(raw: &Raw, wanted: &str) -> String {
    let mut all = Vec::new();
    let mut seen = 0;
    let reading = async {
        while !String::from_utf8_lossy(&all[seen..]).contains(wanted) {
            seen = all.len().saturating_sub(wanted.len());
            assert!(raw.read_some(&mut all).await, "it ended before {wanted}");
        }
    };
    within(wanted, reading).await;
    String::from_utf8_lossy(&all).into_owned()
}

/// In their order.
fn assert_all_answered(told: &str, pings: usize) {
    let (_, mut rest) = told.split_once(r#""type":"welcome""#).expect("a welcome");
    for number in 0..pings {
        let reference = format!(r#""n{number}.""#);
        let answer = rest.split_once(&reference);
        (_, rest) = answer.unwrap_or_else(|| panic!("ping {number} is lost"));
    }
}

#[tokio::test]
async fn frames_that_come_with_the_handshake_are_read() {
    let server = TestServer::start();
    let raw = Raw::connect(server.addr).await;
    let bytes = [usual(&server).into_bytes(), hello_and_pings(2)].concat();
    raw.write(&bytes).await;
    let told = read_up_to(&raw, "n1.").await;
    assert!(told.starts_with("HTTP/1.1 101 "), "{told}");
    assert_all_answered(&told, 2);
    // And those that come later, by the other way.
    raw.write(&ping(2)).await;
    read_up_to(&raw, "n2.").await;
}

/// Nobody may do that (RFC 6455, 4.1), and nothing of it is lost.
#[tokio::test]
async fn many_frames_that_do_not_wait_for_the_answer_are_read() {
    let server = TestServer::start();
    let before = "GET /status HTTP/1.1\r\nhost: here\r\n\r\n";
    for before in ["", before, &before.repeat(8)] {
        let raw = Raw::connect(server.addr).await;
        let head = [before, &usual(&server)].concat();
        let frames = [head.into_bytes(), hello_and_pings(MANY_PINGS)].concat();
        let last = format!("n{}.", MANY_PINGS - 1);
        let (told, ()) = tokio::join!(read_up_to(&raw, &last), raw.write(&frames));
        assert_all_answered(&told, MANY_PINGS);
    }
}

/// The head and the body of an answer, after which the connection ends.
async fn answer(server: &TestServer, request: &str) -> (String, String) {
    let raw = Raw::connect(server.addr).await;
    raw.write(request.as_bytes()).await;
    let answer = raw.to_the_end().await;
    let (head, body) = answer.split_once("\r\n\r\n").expect("a head");
    (head.to_ascii_lowercase(), body.to_owned())
}

#[tokio::test]
async fn an_upgrade_that_is_refused_is_answered_whole() {
    let server = TestServer::start();
    let good = usual(&server);
    let token = format!("authorization: Bearer {}\r\n", server.token("ann"));
    let protocol = "sec-websocket-protocol: agent-bridge.v1\r\n";
    let cases = [
        (upgrade("/ws/ann", protocol), 401, "unauthorized"),
        (upgrade("/ws/ann", &token), 426, "subprotocol_required"),
        (good.replace("/ws/ann", "/ws/bob"), 403, "forbidden"),
        (good.replace("/ws/ann", "/ws/me"), 400, "invalid_field"),
        (
            good.replace("version: 13", "version: 1"),
            400,
            "invalid_field",
        ),
        (good.replace("/ws/ann", "/nowhere"), 404, "no_such_route"),
        (good.replace("GET", "POST"), 404, "no_such_route"),
    ];
    // All at once, since each connection is read for a while before it ends.
    let answers = cases.iter().map(|(request, ..)| answer(&server, request));
    let answers = join_all(answers).await;
    for ((_, status, code), (head, body)) in cases.iter().zip(answers) {
        assert!(head.starts_with(&format!("http/1.1 {status} ")), "{head}");
        let length = format!("\r\ncontent-length: {}\r\n", body.len());
        assert!(head.contains(&length), "{head} does not say {length}");
        let body: serde_json::Value = serde_json::from_str(&body).expect("JSON");
        assert_eq!(body["error"]["code"], *code, "{body}");
        let id = body["request_id"].as_str().expect("an id");
        assert!(head.contains(&format!("\r\nx-request-id: {id}")), "{head}");
    }
    until_open(&server, 0).await;
}

#[tokio::test]
async fn other_resources_do_not_mind_an_upgrade() {
    let server = TestServer::start();
    let good = usual(&server);
    let (head, body) = answer(&server, &good.replace("/ws/ann", "/health")).await;
    assert!(head.starts_with("http/1.1 200 "), "{head}");
    assert!(!body.is_empty());
    let (head, body) = answer(&server, &good.replace("/ws/ann", "/v1/rooms")).await;
    assert!(head.starts_with("http/1.1 200 "), "{head}");
    assert!(body.starts_with('{'), "{body}");
}

/// Everything up to the end, which must be one in order.
async fn read_to_an_orderly_end(stream: &TcpStream) -> String {
    let mut all = Vec::new();
    let mut buffer = vec![0; 64 * 1024];
    let reading = async {
        loop {
            stream.readable().await.expect("a socket");
            match stream.try_read(&mut buffer) {
                Ok(0) => return,
                Ok(read) => all.extend_from_slice(&buffer[..read]),
                Err(why) if why.kind() == std::io::ErrorKind::WouldBlock => {}
                Err(why) => panic!("no orderly end: {why}"),
            }
        }
    };
    within("the end of a connection", reading).await;
    String::from_utf8_lossy(&all).into_owned()
}

/// Its last words are read, not lost to a reset, although much came after them that nobody wanted.
#[tokio::test]
async fn a_client_that_goes_on_sending_hears_the_last_words() {
    let server = TestServer::start();
    let raw = Raw::connect(server.addr).await;
    let binary = [0x82, 0x80, 0, 0, 0, 0];
    let bytes = [
        usual(&server).into_bytes(),
        hello_and_pings(0),
        binary.to_vec(),
    ]
    .concat();
    raw.write(&bytes).await;
    write_to(&raw.0, &vec![b'x'; UNREAD_BYTES]).await;
    let told = read_to_an_orderly_end(&raw.0).await;
    assert!(told.contains(r#""type":"bye""#), "{told}");
    assert!(told.contains("4502"), "{told}");
    drop(raw);
    until_open(&server, 0).await;
}
