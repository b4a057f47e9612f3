//! A server that does what a test says: for what a real one does only on a bad day.

use std::collections::VecDeque;
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::handshake::server::{ErrorResponse, Request, Response};
use tokio_tungstenite::{WebSocketStream, accept_hdr_async};

use crate::client::Address;

pub(crate) const EPOCH: &str = "ep_00000000000000000000000000000001";
pub(crate) const OTHER_EPOCH: &str = "ep_00000000000000000000000000000002";

/// How long anything may take. On loopback it takes milliseconds; this is for a busy machine, and
/// for repeats of what was refused.
const PATIENCE: Duration = Duration::from_secs(30);

/// What the server does on one connection; at the end it is cut.
pub(crate) enum Connection {
    /// Reads one request and answers it.
    Http(u16, Value),
    /// Opens a session.
    Socket(Vec<Act>),
}

/// One thing that the server does on a session.
pub(crate) enum Act {
    /// Sends a frame.
    Say(Value),
    /// Waits for a frame, and answers it with this and its `ref`.
    Answer(Value),
    /// Does nothing until the client goes away.
    Idle,
}

/// The server, and what it has heard: frames, and over HTTP `{head, body}`.
pub(crate) struct Scripted {
    pub(crate) address: Address,
    heard: mpsc::Receiver<Value>,
}

impl Scripted {
    pub(crate) async fn start(script: Vec<Connection>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let port = listener
            .local_addr()
            .expect("a bound socket has an address")
            .port();
        let (hear, heard) = mpsc::channel(64);
        tokio::spawn(async move {
            let mut script = VecDeque::from(script);
            while let Some(connection) = script.pop_front() {
                let (stream, _) = listener.accept().await.expect("a client connects");
                match connection {
                    Connection::Http(status, body) => http(stream, status, &body, &hear).await,
                    Connection::Socket(acts) => socket(stream, acts, &hear).await,
                }
            }
        });
        let address = format!("http://127.0.0.1:{port}")
            .parse()
            .expect("an address");
        Self { address, heard }
    }

    /// The next thing that it heard.
    pub(crate) async fn heard(&mut self) -> Value {
        let heard = soon(self.heard.recv()).await;
        heard.expect("the client says something")
    }
}

/// The result of something that must happen; a test of what goes on for ever would never fail.
pub(crate) async fn soon<T>(work: impl Future<Output = T>) -> T {
    tokio::time::timeout(PATIENCE, work)
        .await
        .expect("it happens within the time that a busy machine needs")
}

async fn http(mut stream: TcpStream, status: u16, body: &Value, hear: &mpsc::Sender<Value>) {
    let mut bytes = Vec::new();
    let (head, rest) = loop {
        stream.read_buf(&mut bytes).await.expect("a request");
        let text = String::from_utf8_lossy(&bytes).into_owned();
        if let Some((head, rest)) = text.split_once("\r\n\r\n") {
            let length = head
                .lines()
                .find_map(|line| line.strip_prefix("content-length: "));
            let length: usize = length.map_or(0, |n| n.parse().expect("a number"));
            if rest.len() >= length {
                break (head.to_owned(), rest.to_owned());
            }
        }
    };
    let request = json!({ "head": head, "body": rest });
    hear.send(request).await.expect("the test listens");
    let body = body.to_string();
    let length = body.len();
    let answer = format!("HTTP/1.1 {status} X\r\ncontent-length: {length}\r\n\r\n{body}");
    stream
        .write_all(answer.as_bytes())
        .await
        .expect("the client reads");
}

async fn socket(stream: TcpStream, acts: Vec<Act>, hear: &mpsc::Sender<Value>) {
    let mut socket = accept_hdr_async(stream, speak_our_protocol)
        .await
        .expect("an upgrade");
    for act in acts {
        match act {
            Act::Say(frame) => say(&mut socket, &frame).await,
            Act::Answer(mut frame) => {
                let request = listen(&mut socket).await;
                frame["ref"] = request["ref"].clone();
                hear.send(request).await.expect("the test listens");
                say(&mut socket, &frame).await;
            }
            Act::Idle => while let Some(Ok(_)) = socket.next().await {},
        }
    }
}

#[expect(clippy::result_large_err, reason = "the library wants it like this")]
fn speak_our_protocol(_: &Request, mut answer: Response) -> Result<Response, ErrorResponse> {
    let protocol = "agent-bridge.v1".parse().expect("a header");
    answer
        .headers_mut()
        .insert("sec-websocket-protocol", protocol);
    Ok(answer)
}

async fn say(socket: &mut WebSocketStream<TcpStream>, frame: &Value) {
    // The client may have gone on purpose.
    drop(socket.send(Message::text(frame.to_string())).await);
}

async fn listen(socket: &mut WebSocketStream<TcpStream>) -> Value {
    loop {
        if let Message::Text(text) = socket.next().await.expect("a frame").expect("a good frame") {
            return serde_json::from_str(&text).expect("JSON");
        }
    }
}

/// `welcome`, with what it promises for the room `r`.
pub(crate) fn welcome(epoch: &str, resumed: Value) -> Act {
    Act::Answer(json!({
        "type": "welcome", "session": "ses_1", "client": "ann", "version": "0", "epoch": epoch,
        "heartbeat_seconds": 1, "resumed": resumed,
    }))
}

/// `welcome`, with what it promises for the messages to `all`.
pub(crate) fn welcome_to_mail(epoch: &str, from: u64, complete: bool) -> Act {
    let Act::Answer(mut frame) = welcome(epoch, json!({})) else {
        panic!("a welcome is an answer");
    };
    frame["broadcast"] = json!({ "from": from, "to": from, "complete": complete });
    Act::Answer(frame)
}

pub(crate) fn message_id(n: u64) -> String {
    format!("msg_{n:032}")
}

/// A direct message to `ann`, or to somebody else.
pub(crate) fn message(n: u64, to: &str, attempt: u64) -> Value {
    json!({
        "type": "message", "id": message_id(n), "seq": n, "from": "bob", "to": to, "text": "hi",
        "kind": "message", "priority": 1, "reply_to": null, "expects_reply": false,
        "deadline": null, "attempt": attempt, "trace": "tr_1.0", "at": "x", "expires_at": "x",
        "metadata": null,
    })
}

pub(crate) fn stored(n: u64) -> Value {
    json!({ "type": "stored", "id": message_id(n), "at": "x", "duplicate": false })
}

pub(crate) fn event(seq: u64) -> Value {
    json!({"type": "event", "room": "r", "seq": seq, "at": "x", "by": "bob", "kind": "posted"})
}

pub(crate) fn bye(code: u16) -> Act {
    let reconnect = code < 4500;
    Act::Say(json!({
        "type": "bye", "code": code, "reason": "x", "reconnect": reconnect, "retry_after_ms": null,
    }))
}

pub(crate) fn rejected(number: u16, temporary: bool) -> Value {
    json!({
        "type": "rejected", "code": "word", "number": number, "message": "a sentence",
        "temporary": temporary, "retry_after_ms": null,
    })
}

/// The body of a refusal over HTTP.
pub(crate) fn error(number: u16, temporary: bool) -> Value {
    json!({ "error": rejected(number, temporary), "request_id": "req_1" })
}
