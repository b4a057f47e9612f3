//! One WebSocket session.

mod inbound;
mod messages;
mod order;
mod requests;
mod upgrade;

use std::collections::VecDeque;
use std::time::Duration;

use bridge_core::ClientId;
use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;

use super::back_off::BackOff;
use super::error::{ClientError, root_cause};
use super::keys;
use super::token::Token;
use super::url::Address;
use crate::wire::frame::{ResumeBody, ServerFrame, Welcome};
use inbound::{closed, frame, is_answer};
use order::{Arrival, Order};

pub use messages::NewMessage;
pub(super) use messages::ack_frame;
pub(crate) use requests::without_nulls;
pub use requests::{NewPost, NewRoom};

/// How long the answer to a request may take: a durable write on a slow disk, behind others.
const ANSWER_WITHIN: Duration = Duration::from_secs(15);
/// How long the system may take to accept a frame. Only a server that does not read fills it.
const SEND_WITHIN: Duration = Duration::from_secs(10);
/// Heartbeats of the server without a frame of any kind after which it is gone: its own rule is
/// two, and the third is for the way.
const HEARTBEATS_MISSED_MAX: u32 = 3;
/// The longest silence that is believed, whatever heartbeat the server announces.
const SILENCE_MAX: Duration = Duration::from_secs(300);
/// How long the closing handshake may take. The server knows what it needs to know after our part.
const CLOSE_WITHIN: Duration = Duration::from_secs(2);
/// Frames that are kept while an answer is awaited: what the server's own outbox holds.
const BACKLOG_FRAMES_MAX: usize = 4_096;
/// Repeats of a request that was refused for now.
const RETRIES_MAX: u32 = 4;
/// The first pause between two of them; the server's own wish comes on top.
const PAUSE_FIRST: Duration = Duration::from_millis(100);
/// The longest one.
const PAUSE_MAX: Duration = Duration::from_secs(2);

/// Whether a session takes its client's messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mail {
    /// It does, and the receipts of what its client sent.
    Taken,
    /// It only watches rooms, and leaves them to others.
    Left,
}

/// One live connection. Dropping it cuts the connection without a word; [`Session::close`] says
/// goodbye.
///
/// The server's pings are answered while [`Session::next`] or a request is under way, so a session
/// has to be read.
#[derive(Debug)]
pub struct Session {
    socket: WebSocketStream<TcpStream>,
    client: ClientId,
    silence: Duration,
    references: u64,
    order: Order,
    backlog: VecDeque<ServerFrame>,
}

impl Session {
    /// Opens a session. It has to say [`Session::hello`] before anything else.
    ///
    /// # Errors
    /// [`ClientError::Unreachable`], or what the server said instead of opening it.
    pub async fn connect(
        address: &Address,
        client: &ClientId,
        token: &Token,
    ) -> Result<Self, ClientError> {
        let socket = upgrade::open(address, client, token).await?;
        Ok(Self {
            socket,
            client: client.clone(),
            silence: SILENCE_MAX,
            references: 0,
            order: Order::default(),
            backlog: VecDeque::new(),
        })
    }

    /// Whose session it is.
    #[must_use]
    pub const fn client(&self) -> &ClientId {
        &self.client
    }

    /// Begins, or goes on where an earlier session was. All the client's rooms go live; the answer
    /// says for each from where.
    ///
    /// # Errors
    /// See [`ClientError`].
    pub async fn hello(
        &mut self,
        resume: Option<&ResumeBody>,
        mail: Mail,
    ) -> Result<Welcome, ClientError> {
        let mut frame = json!({ "type": "hello" });
        if let Some(resume) = resume {
            frame["resume"] = json!(resume);
        }
        if mail == Mail::Left {
            frame["messages"] = json!(false);
        }
        let reference = self.label(&mut frame);
        self.send(&frame).await?;
        let answer = self.answer(&reference);
        let welcome = match within(ANSWER_WITHIN, "the welcome", answer).await? {
            ServerFrame::Welcome(welcome) => welcome,
            ServerFrame::Rejected(rejected) => return Err(ClientError::rejected(rejected)),
            _ => return Err(ClientError::Protocol("hello brought no welcome".to_owned())),
        };
        let heartbeat = Duration::from_secs(welcome.heartbeat_seconds.max(1));
        self.silence = heartbeat
            .saturating_mul(HEARTBEATS_MISSED_MAX)
            .min(SILENCE_MAX);
        for (room, resumed) in &welcome.resumed {
            self.order.start(room, resumed.from);
        }
        Ok(welcome)
    }

    /// Sends a frame as it is and waits for nothing. Its answer, if it has a `ref`, comes out of
    /// [`Session::next`].
    ///
    /// # Errors
    /// When the connection is gone.
    pub async fn send(&mut self, frame: &Value) -> Result<(), ClientError> {
        let sent = self.socket.send(Message::text(frame.to_string()));
        match timeout(SEND_WITHIN, sent).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(why)) => Err(ClientError::Lost(root_cause(&why))),
            Err(_) => Err(ClientError::TimedOut {
                what: "sending a frame",
                after: SEND_WITHIN,
            }),
        }
    }

    /// Sends a request and returns its answer. It adds the `ref`, and a `key` to what changes
    /// something; a refusal that will pass is repeated with the same key a few times.
    ///
    /// An answer that is an event is also one of the room's: it comes out of [`Session::next`] too,
    /// in its place, so that whoever only reads there sees every event once and in order.
    ///
    /// # Errors
    /// [`ClientError::Refused`], or that the session is over.
    pub async fn request(&mut self, mut frame: Value) -> Result<ServerFrame, ClientError> {
        let changes = !matches!(frame["type"].as_str(), Some("hello" | "ping"));
        if changes && frame.get("key").is_none_or(Value::is_null) {
            frame["key"] = json!(keys::new_key());
        }
        let mut back_off = BackOff::new(PAUSE_FIRST, PAUSE_MAX);
        loop {
            let reference = self.label(&mut frame);
            self.send(&frame).await?;
            let answer = self.answer(&reference);
            let error = match within(ANSWER_WITHIN, "the server's answer", answer).await? {
                ServerFrame::Rejected(rejected) => ClientError::rejected(rejected),
                answer => return Ok(answer),
            };
            if !error.may_pass() || back_off.tries() == RETRIES_MAX {
                return Err(error);
            }
            tokio::time::sleep(back_off.wait(error.retry_after_ms(), keys::jitter())).await;
        }
    }

    /// The next frame that is no answer to a [`Session::request`]: events, each once and in order,
    /// messages, receipts, presence, and the answers to what was sent by [`Session::send`]. `None` when the server said
    /// goodbye without a complaint.
    ///
    /// It can be given up at any time without losing a frame.
    ///
    /// # Errors
    /// [`ClientError::Closed`] with the server's reason, or [`ClientError::Lost`].
    pub async fn next(&mut self) -> Result<Option<ServerFrame>, ClientError> {
        if let Some(frame) = self.backlog.pop_front() {
            return Ok(Some(frame));
        }
        loop {
            let Some(frame) = self.read().await? else {
                return Ok(None);
            };
            if self.order.admit(&frame)? == Arrival::News {
                return Ok(Some(frame));
            }
        }
    }

    /// Says goodbye. Errors do not matter any more.
    pub async fn close(mut self) {
        let goodbye = async {
            if self.socket.close(None).await.is_ok() {
                while let Some(Ok(_)) = self.socket.next().await {}
            }
        };
        if timeout(CLOSE_WITHIN, goodbye).await.is_err() {
            tracing::debug!("the server did not answer the goodbye");
        }
    }

    /// Gives a request its `ref`. Ours begin with a word of our own, so that they are never those
    /// of somebody who uses [`Session::send`].
    fn label(&mut self, frame: &mut Value) -> String {
        self.references += 1;
        let reference = format!("request-{}", self.references);
        frame["ref"] = json!(reference);
        reference
    }

    /// Reads until the answer comes, and keeps everything else for [`Session::next`].
    async fn answer(&mut self, reference: &str) -> Result<ServerFrame, ClientError> {
        loop {
            let Some(frame) = self.read().await? else {
                return Err(ClientError::Lost("the server said goodbye".to_owned()));
            };
            let is_answer = is_answer(&frame, reference);
            let is_event = matches!(frame, ServerFrame::Event(_));
            let is_news = self.order.admit(&frame)? == Arrival::News;
            if is_news && (is_event || !is_answer) {
                if self.backlog.len() == BACKLOG_FRAMES_MAX {
                    let why = "more came than can be kept while an answer is awaited";
                    return Err(ClientError::Lost(why.to_owned()));
                }
                self.backlog.push_back(frame.clone());
            }
            if is_answer {
                return Ok(frame);
            }
        }
    }

    /// The next frame from the socket. `None` after a goodbye without a complaint.
    async fn read(&mut self) -> Result<Option<ServerFrame>, ClientError> {
        loop {
            // Any frame is a sign of life, the server's pings among them.
            let Ok(message) = timeout(self.silence, self.socket.next()).await else {
                let what = "the server's next sign of life";
                return Err(ClientError::TimedOut {
                    what,
                    after: self.silence,
                });
            };
            match message {
                Some(Ok(Message::Text(text))) => return frame(&text),
                Some(Ok(Message::Close(close))) => return closed(close),
                Some(Ok(_)) => {}
                Some(Err(why)) => return Err(ClientError::Lost(root_cause(&why))),
                None => return Err(ClientError::Lost("it just ended".to_owned())),
            }
        }
    }
}

/// Gives up after a while.
pub(crate) async fn within<T>(
    after: Duration,
    what: &'static str,
    work: impl Future<Output = Result<T, ClientError>>,
) -> Result<T, ClientError> {
    timeout(after, work)
        .await
        .unwrap_or(Err(ClientError::TimedOut { what, after }))
}

#[cfg(test)]
mod tests;
