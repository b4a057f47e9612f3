//! A raw WebSocket client: it sees the frames as they are, in their order.

use std::collections::VecDeque;
use std::net::SocketAddr;

use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::handshake::client::{Request, Response};
use tokio_tungstenite::tungstenite::http::HeaderValue;
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{WebSocketStream, client_async};

use super::within;

/// One session.
pub(crate) struct Ws {
    client: String,
    socket: WebSocketStream<TcpStream>,
    /// Frames that came before the answer to a request.
    backlog: VecDeque<Value>,
    /// Every frame that came, in order.
    pub(crate) all: Vec<Value>,
    references: u32,
}

/// What came out of a socket.
#[derive(Debug)]
pub(crate) enum Came {
    Frame(Value),
    Ping,
    Pong(Vec<u8>),
    /// A close frame with its number, or the end of the connection without one.
    Closed(Option<u16>),
}

/// A request for an upgrade, to be changed before it is sent.
pub(crate) fn upgrade(addr: SocketAddr, client: &str) -> Request {
    let url = format!("ws://{addr}/ws/{client}");
    url.into_client_request().expect("a good address")
}

/// Tries an upgrade.
pub(crate) async fn handshake(
    addr: SocketAddr,
    request: Request,
) -> Result<(WebSocketStream<TcpStream>, Response), Error> {
    let work = async {
        let stream = TcpStream::connect(addr).await.expect("the server listens");
        stream.set_nodelay(true).expect("a TCP socket");
        client_async(request, stream).await
    };
    within("the handshake", work).await
}

pub(crate) fn with_header(mut request: Request, name: &'static str, value: &str) -> Request {
    let value = HeaderValue::from_str(value).expect("a header");
    request.headers_mut().insert(name, value);
    request
}

/// The usual request: a token in its header, and our protocol.
pub(crate) fn usual(addr: SocketAddr, client: &str, token: &str) -> Request {
    let request = upgrade(addr, client);
    let request = with_header(request, "authorization", &format!("Bearer {token}"));
    with_header(request, "sec-websocket-protocol", "agent-bridge.v1")
}

impl Ws {
    /// Opens a session that has said nothing yet.
    pub(crate) async fn open(addr: SocketAddr, client: &str, token: &str) -> Self {
        let (socket, _) = handshake(addr, usual(addr, client, token))
            .await
            .unwrap_or_else(|why| panic!("{client} cannot open a session: {why}"));
        Self::new(client, socket)
    }

    pub(crate) fn new(client: &str, socket: WebSocketStream<TcpStream>) -> Self {
        Self {
            client: client.to_owned(),
            socket,
            backlog: VecDeque::new(),
            all: Vec::new(),
            references: 0,
        }
    }

    /// Says hello without a cursor. Returns the welcome.
    pub(crate) async fn hello(&mut self) -> Value {
        self.send(json!({"type": "hello"})).await;
        self.expect("welcome").await
    }

    /// Says hello with cursors. Returns the welcome.
    pub(crate) async fn resume(&mut self, resume: Value) -> Value {
        self.send(json!({"type": "hello", "resume": resume})).await;
        self.expect("welcome").await
    }

    pub(crate) async fn send(&mut self, frame: Value) {
        self.message(Message::text(frame.to_string())).await;
    }

    /// Sends any message, even one that is not allowed.
    pub(crate) async fn message(&mut self, message: Message) {
        let sent = within("a frame to be sent", self.socket.send(message)).await;
        sent.unwrap_or_else(|why| panic!("{} cannot send: {why}", self.client));
    }

    /// Sends a frame to a server that may be gone.
    pub(crate) async fn try_send(&mut self, frame: Value) -> Result<(), Error> {
        let sent = self.socket.send(Message::text(frame.to_string()));
        within("a frame to be sent", sent).await
    }

    /// The socket, for bytes that no client would send.
    pub(crate) fn raw(&mut self) -> &mut TcpStream {
        self.socket.get_mut()
    }

    /// The next thing of any kind.
    pub(crate) async fn came(&mut self) -> Came {
        let what = format!("something for {}", self.client);
        match within(&what, self.socket.next()).await {
            None | Some(Err(_)) => Came::Closed(None),
            Some(Ok(Message::Text(text))) => {
                let frame: Value = serde_json::from_str(&text)
                    .unwrap_or_else(|why| panic!("no JSON ({why}): {text}"));
                self.all.push(frame.clone());
                Came::Frame(frame)
            }
            Some(Ok(Message::Ping(_))) => Came::Ping,
            Some(Ok(Message::Pong(payload))) => Came::Pong(payload.to_vec()),
            Some(Ok(Message::Close(close))) => {
                Came::Closed(close.map(|close| u16::from(close.code)))
            }
            Some(Ok(other)) => panic!("the server sent {other:?}"),
        }
    }

    async fn read(&mut self) -> Value {
        loop {
            match self.came().await {
                Came::Frame(frame) => return frame,
                Came::Ping | Came::Pong(_) => {}
                Came::Closed(code) => {
                    let last = self.all.last();
                    panic!(
                        "{}'s session ended with {code:?} after {last:?}",
                        self.client
                    )
                }
            }
        }
    }

    /// The next frame. Presence is told whenever it is, and so is left out.
    pub(crate) async fn next(&mut self) -> Value {
        if let Some(frame) = self.backlog.pop_front() {
            return frame;
        }
        loop {
            let frame = self.read().await;
            if frame["type"] != "presence" {
                return frame;
            }
        }
    }

    /// The next frame, which is of this type.
    pub(crate) async fn expect(&mut self, kind: &str) -> Value {
        let frame = self.next().await;
        assert_eq!(frame["type"], kind, "{} was told {frame}", self.client);
        frame
    }

    /// The next frame, which is an event of this kind.
    pub(crate) async fn event(&mut self, kind: &str) -> Value {
        let frame = self.expect("event").await;
        assert_eq!(frame["kind"], kind, "{} was told {frame}", self.client);
        frame
    }

    /// The next frame, which is a refusal.
    pub(crate) async fn rejected(&mut self, number: u16) -> Value {
        let frame = self.expect("rejected").await;
        assert_eq!(frame["number"], number, "{} was told {frame}", self.client);
        assert!(
            frame["code"].is_string() && frame["temporary"].is_boolean(),
            "{frame}"
        );
        assert!(
            frame["message"]
                .as_str()
                .is_some_and(|text| !text.is_empty()),
            "{frame}"
        );
        frame
    }

    /// Reads until the frame that is looked for. What comes before stays to be read.
    pub(crate) async fn until(&mut self, wanted: impl Fn(&Value) -> bool) -> Value {
        if let Some(place) = self.backlog.iter().position(&wanted) {
            return self.backlog.remove(place).expect("it was just found");
        }
        loop {
            let frame = self.read().await;
            if wanted(&frame) {
                return frame;
            }
            if frame["type"] != "presence" {
                self.backlog.push_back(frame);
            }
        }
    }

    /// Reads up to an event of a room; forgets what comes before.
    pub(crate) async fn up_to(&mut self, room: &str, seq: u64) -> Value {
        loop {
            let frame = self.next().await;
            if frame["type"] == "event" && frame["room"] == room && frame["seq"] == seq {
                return frame;
            }
        }
    }

    /// Sends a request with a `ref` of its own, and returns the answer to it.
    pub(crate) async fn request(&mut self, mut frame: Value) -> Value {
        self.references += 1;
        let reference = format!("r{}", self.references);
        frame["ref"] = json!(reference);
        self.send(frame).await;
        self.until(|frame| frame["ref"] == json!(reference)).await
    }

    /// A request that is carried out: its answer is the event, or `joined`.
    pub(crate) async fn done(&mut self, frame: Value) -> Value {
        let answer = self.request(frame.clone()).await;
        assert_ne!(
            answer["type"], "rejected",
            "{frame} of {}: {answer}",
            self.client
        );
        answer
    }

    /// A request that is refused.
    pub(crate) async fn refused(&mut self, frame: Value, number: u16) -> Value {
        let answer = self.request(frame.clone()).await;
        assert_eq!(
            answer["type"], "rejected",
            "{frame} of {}: {answer}",
            self.client
        );
        assert_eq!(
            answer["number"], number,
            "{frame} of {}: {answer}",
            self.client
        );
        answer
    }

    /// Makes a room and takes in both its first events. Returns its id.
    pub(crate) async fn create(&mut self, mut fields: Value) -> String {
        fields["type"] = json!("create_room");
        let created = self.done(fields).await;
        let room = created["room"]
            .as_str()
            .expect("a room has an id")
            .to_owned();
        let joined = self.until(|f| f["kind"] == "member_joined" && f["room"] == room.as_str());
        assert_eq!(joined.await["seq"], 2);
        room
    }

    /// Joins a room. Returns the answer; its own coming is not told besides.
    pub(crate) async fn join(&mut self, room: &str) -> Value {
        let joined = self.done(json!({"type": "join", "room": room})).await;
        assert_eq!(joined["type"], "joined", "{joined}");
        joined
    }

    /// Posts, and returns the event.
    pub(crate) async fn post(&mut self, room: &str, text: &str) -> Value {
        let posted = self
            .done(json!({"type": "post", "room": room, "text": text}))
            .await;
        assert_eq!(posted["kind"], "posted", "{posted}");
        posted
    }

    /// Nothing that is on its way may be left: a ping is answered behind it, in the same outbox.
    /// Returns what came before the answer.
    pub(crate) async fn settled(&mut self) -> Vec<Value> {
        let pong = self.request(json!({"type": "ping"})).await;
        assert_eq!(pong["type"], "pong");
        self.backlog.drain(..).collect()
    }

    /// Every event of a room that came, as everybody else has it: without `ref`.
    pub(crate) fn events(&self, room: &str) -> Vec<Value> {
        let of_room = |f: &&Value| f["type"] == "event" && f["room"] == room;
        self.all
            .iter()
            .filter(of_room)
            .map(as_told_to_all)
            .collect()
    }

    /// Events of a room that are news; the answer to a repeat is not.
    pub(crate) fn news(&self, room: &str) -> Vec<Value> {
        let is_news =
            |f: &&Value| f["type"] == "event" && f["room"] == room && f.get("duplicate").is_none();
        self.all
            .iter()
            .filter(is_news)
            .map(as_told_to_all)
            .collect()
    }

    /// The last words: `bye` with this number, then the close frame with the same. Returns `bye`.
    pub(crate) async fn bye(&mut self, number: u16) -> Value {
        let bye = loop {
            let frame = self.next().await;
            if frame["type"] == "bye" {
                break frame;
            }
        };
        assert_eq!(bye["code"], number, "{bye}");
        assert_eq!(bye["reconnect"], number < 4500, "{bye}");
        assert!(
            bye["reason"].as_str().is_some_and(|text| !text.is_empty()),
            "{bye}"
        );
        assert_eq!(bye["retry_after_ms"].is_u64(), number < 4500, "{bye}");
        loop {
            match self.came().await {
                Came::Closed(code) => {
                    assert_eq!(code, Some(number), "the close frame says the same");
                    return bye;
                }
                Came::Frame(frame) => panic!("{frame} came after bye"),
                Came::Ping | Came::Pong(_) => {}
            }
        }
    }

    /// Says goodbye, and waits until the server has done so, too.
    pub(crate) async fn close(mut self) {
        self.message(Message::Close(None)).await;
        while !matches!(self.came().await, Came::Closed(_)) {}
    }
}

/// An event without what only the one who caused it is told.
pub(crate) fn as_told_to_all(event: &Value) -> Value {
    let mut event = event.clone();
    let fields = event.as_object_mut().expect("a frame is an object");
    fields.remove("ref");
    fields.remove("duplicate");
    event
}
