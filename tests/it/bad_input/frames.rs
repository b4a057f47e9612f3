//! Frames that are no requests, and bytes that are no frames.

use serde_json::json;
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::frame::Frame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::{Data, OpCode};

use crate::support::{TestServer, Ws, within};

const FRAME_BYTES_MAX: u64 = 512 * 1024;

async fn den(server: &TestServer) -> Ws {
    let mut ws = server.session("ann").await;
    ws.create(json!({"room": "den"})).await;
    ws
}

/// The room is as it was, and takes the next message.
async fn unharmed(server: &TestServer) {
    let mut ws = server.session("ann").await;
    assert_eq!(ws.post("den", "still here").await["seq"], 3);
}

async fn write(stream: &TcpStream, mut bytes: &[u8]) {
    while !bytes.is_empty() {
        within("a socket that takes bytes", stream.writable())
            .await
            .expect("a socket");
        match stream.try_write(bytes) {
            Ok(written) => bytes = &bytes[written..],
            Err(why) if why.kind() == std::io::ErrorKind::WouldBlock => {}
            Err(why) => panic!("the server hung up: {why}"),
        }
    }
}

/// The header of a client's frame, masked with zeros.
fn header(first: u8, len: u64) -> Vec<u8> {
    let mut header = vec![first, 0xff];
    header.extend_from_slice(&len.to_be_bytes());
    header.extend_from_slice(&[0; 4]);
    header
}

#[tokio::test]
async fn texts_that_are_no_requests_are_refused_and_nothing_else() {
    let server = TestServer::start();
    let mut ws = den(&server).await;
    let not_json = [
        "",
        " ",
        "x",
        "{",
        "}",
        "null",
        "1",
        "\"post\"",
        "[]",
        "[{\"type\":\"ping\"}]",
        "{\"type\":\"ping\"",
        "{'type':'ping'}",
        "{\"type\":\"ping\",}",
        "{\"type\":\"ping\"} x",
        "{\"type\":\"ping\"}{\"type\":\"ping\"}",
        "{\"type\":\"ping\",\"n\":01}",
        "{\"type\":\"\\ud800\"}",
        "{\"type\":\"ping\",\"x\":\"\u{1}\"}",
        "\u{feff}{\"type\":\"ping\"}",
    ];
    for text in not_json {
        ws.message(Message::text(text)).await;
        let refusal = ws.rejected(1001).await;
        assert_eq!(
            (&refusal["code"], refusal.get("ref")),
            (&json!("bad_json"), None),
            "{text:?}"
        );
    }
    let deep = format!(
        "{{\"type\":\"ping\",\"x\":{}{}}}",
        "[".repeat(100_000),
        "]".repeat(100_000)
    );
    ws.message(Message::text(deep)).await;
    ws.rejected(1001).await;
    for (text, number) in [
        ("{\"type\":\"nonsense\"}", 1002),
        ("{\"type\":\"\"}", 1002),
        ("{\"type\":\"POST\"}", 1002),
        ("{\"type\":\"welcome\"}", 1002),
        ("{}", 1003),
        ("{\"type\":1}", 1003),
        ("{\"type\":null}", 1003),
        ("{\"type\":[\"ping\"]}", 1003),
        ("{\"type\":\"ping\",\"ref\":1}", 1003),
        ("{\"type\":\"ping\",\"ref\":{}}", 1003),
    ] {
        ws.message(Message::text(text)).await;
        ws.rejected(number).await;
    }
    let refusal = ws
        .refused(json!({"type": "nonsense\u{0}".repeat(100)}), 1002)
        .await;
    assert!(
        refusal["message"]
            .as_str()
            .is_some_and(|text| text.len() < 400),
        "{refusal}"
    );
    ws.message(Message::text(
        "{\"type\":\"ping\",\"unknown\":[1,2,{}],\"ref\":\"ok\"}",
    ))
    .await;
    assert_eq!(ws.expect("pong").await["ref"], "ok");
    unharmed(&server).await;
}

#[tokio::test]
async fn text_that_is_not_utf8_is_refused() {
    let server = TestServer::start();
    let mut ws = den(&server).await;
    for bytes in [
        &b"{\"type\":\"post\",\"room\":\"den\",\"text\":\"\xff\"}"[..],
        &b"{\"type\":\"post\",\"room\":\"den\",\"text\":\"\xed\xa0\x80\"}"[..],
        &b"{\"type\":\"post\",\"room\":\"den\",\"text\":\"x\",\"\xc3\":1}"[..],
        &b"{\"type\":\"post\",\"room\":\"den\",\"text\":\"x\",\"metadata\":{\"a\":\"\xf5\"}}"[..],
        &b"\xff\xfe{}"[..],
    ] {
        let mut frame = header(0x81, bytes.len() as u64);
        frame.extend_from_slice(bytes);
        write(ws.raw(), &frame).await;
        ws.rejected(1001).await;
    }
    unharmed(&server).await;
}

#[tokio::test]
async fn a_frame_that_is_too_large_is_refused_by_its_header() {
    let server = TestServer::start();
    for announced in [FRAME_BYTES_MAX + 1, 1 << 40, u64::MAX >> 1] {
        let mut ws = if announced == FRAME_BYTES_MAX + 1 {
            den(&server).await
        } else {
            server.session("ann").await
        };
        // Nothing of its payload is sent.
        write(ws.raw(), &header(0x81, announced)).await;
        assert_eq!(ws.rejected(1004).await["code"], "too_large");
        ws.bye(4502).await;
    }
    unharmed(&server).await;
}

#[tokio::test]
async fn a_frame_at_the_limit_is_read() {
    let server = TestServer::start();
    let mut ws = den(&server).await;
    let head = "{\"type\":\"ping\",\"ref\":\"big\",\"x\":\"";
    let filler = "x".repeat(usize::try_from(FRAME_BYTES_MAX).expect("small") - head.len() - 2);
    ws.message(Message::text(format!("{head}{filler}\"}}")))
        .await;
    assert_eq!(ws.expect("pong").await["ref"], "big");
    unharmed(&server).await;
}

#[tokio::test]
async fn a_message_in_parts_is_put_together_within_the_limit() {
    let server = TestServer::start();
    let mut ws = den(&server).await;
    let text = "{\"type\":\"ping\",\"ref\":\"ünïted\"}".as_bytes();
    for (place, byte) in text.iter().enumerate() {
        let opcode = if place == 0 {
            Data::Text
        } else {
            Data::Continue
        };
        let is_last = place + 1 == text.len();
        let frame = Frame::message(vec![*byte], OpCode::Data(opcode), is_last);
        ws.message(Message::Frame(frame)).await;
        if place == 5 {
            ws.message(Message::Ping(vec![].into())).await;
        }
    }
    assert_eq!(ws.expect("pong").await["ref"], "ünïted");
    let part = vec![b'x'; 200 * 1024];
    for opcode in [Data::Text, Data::Continue, Data::Continue] {
        let frame = Frame::message(part.clone(), OpCode::Data(opcode), false);
        ws.message(Message::Frame(frame)).await;
    }
    ws.rejected(1004).await;
    ws.bye(4502).await;
    unharmed(&server).await;
}

/// Nothing of what may not come is waited for: it would be kept until all of it is there.
#[tokio::test]
async fn what_may_not_follow_a_part_is_refused_by_its_header() {
    let server = TestServer::start();
    den(&server).await.close().await;
    let part = vec![b'x'; 200 * 1024];
    let begun = async || {
        let mut ws = server.session("ann").await;
        let mut bytes = header(0x01, part.len() as u64);
        bytes.extend_from_slice(&part);
        write(ws.raw(), &bytes).await;
        ws
    };
    let rest = FRAME_BYTES_MAX - part.len() as u64;
    let mut ws = begun().await;
    write(ws.raw(), &header(0x00, rest + 1)).await;
    assert_eq!(ws.rejected(1004).await["code"], "too_large");
    ws.bye(4502).await;
    // Another message, a ping in parts, and binary.
    for first in [0x81, 0x01, 0x09, 0x82] {
        let mut ws = begun().await;
        write(ws.raw(), &header(first, 100)).await;
        ws.bye(4502).await;
    }
    unharmed(&server).await;
}

#[tokio::test]
async fn what_is_not_text_ends_the_session() {
    let server = TestServer::start();
    let first = den(&server).await;
    first.close().await;
    let mut ws = server.session("ann").await;
    ws.message(Message::binary(b"{\"type\":\"ping\"}".to_vec()))
        .await;
    assert_eq!(ws.bye(4502).await["reconnect"], false);
    let mut long_ping = vec![0x89, 0xfe, 0x00, 0x80];
    long_ping.extend_from_slice(&[0; 4 + 128]);
    let bad: [&[u8]; 5] = [
        // An opcode that there is not, reserved bits, a part of nothing, no mask, a long ping.
        &[0x83, 0x80, 0, 0, 0, 0],
        &[0xf1, 0x80, 0, 0, 0, 0],
        &[0x80, 0x80, 0, 0, 0, 0],
        &[0x81, 0x02, b'{', b'}'],
        &long_ping,
    ];
    for bytes in bad {
        let mut ws = server.session("ann").await;
        write(ws.raw(), bytes).await;
        ws.bye(4502).await;
    }
    unharmed(&server).await;
}
