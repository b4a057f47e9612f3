//! A client that hides nothing: every frame is sent as it is, and every frame that comes is seen.

mod listening;

use std::collections::VecDeque;

use serde_json::{Value, json};

use super::server::Server;
use crate::socket::Socket;
pub(super) use listening::{Beat, Occasion};

/// Frames that are kept while an answer is awaited.
const KEPT_MAX: usize = 200_000;

/// One session.
#[derive(Debug)]
pub(super) struct Peer {
    name: String,
    socket: Socket,
    references: u64,
    kept: VecDeque<Value>,
}

impl Peer {
    /// Opens a session, without a hello.
    pub(super) async fn connect(server: &Server, name: &str) -> Result<Self, String> {
        let token = server.token(name)?;
        let socket = Socket::open(server.socket(), name, &token).await?;
        Ok(Self::over(socket, name))
    }

    /// A client that has this connection.
    fn over(socket: Socket, name: &str) -> Self {
        Self {
            name: name.to_owned(),
            socket,
            references: 0,
            kept: VecDeque::new(),
        }
    }

    /// Opens a session that has said hello and takes no messages.
    pub(super) async fn watching(server: &Server, name: &str) -> Result<Self, String> {
        let mut peer = Self::connect(server, name).await?;
        peer.ask(json!({"type": "hello", "messages": false}))
            .await?;
        Ok(peer)
    }

    /// Opens a session that has said hello and takes messages.
    pub(super) async fn taking_mail(server: &Server, name: &str) -> Result<Self, String> {
        let mut peer = Self::connect(server, name).await?;
        peer.ask(json!({"type": "hello"})).await?;
        Ok(peer)
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// The connection, for whoever does something unusual with it.
    pub(super) const fn socket(&mut self) -> &mut Socket {
        &mut self.socket
    }

    /// Sends a frame as it is.
    pub(super) async fn send(&mut self, frame: &Value) -> Result<(), String> {
        self.socket.queue(frame.to_string().as_bytes());
        self.flush().await
    }

    /// Writes what waits.
    pub(super) async fn flush(&mut self) -> Result<(), String> {
        loop {
            self.socket.flush()?;
            if self.socket.waiting() == 0 {
                return Ok(());
            }
            self.socket.ready().await?;
        }
    }

    /// The next frame, within half a minute.
    pub(super) async fn next(&mut self) -> Result<Value, String> {
        match self.kept.pop_front() {
            Some(frame) => Ok(frame),
            None => self.read().await,
        }
    }

    /// What came with earlier reads, without waiting.
    pub(super) fn next_kept(&mut self) -> Option<Value> {
        self.kept.pop_front()
    }

    /// Sends a request under a new `ref` and waits for the frame that answers it, be it a refusal or
    /// not. What comes before it is kept for [`Peer::next`].
    pub(super) async fn ask(&mut self, mut frame: Value) -> Result<Value, String> {
        self.references += 1;
        let reference = format!("{}-{}", self.name, self.references);
        frame["ref"] = json!(reference);
        self.send(&frame).await?;
        loop {
            let came = self.read().await?;
            if came["ref"] == reference {
                return Ok(came);
            }
            if self.kept.len() == KEPT_MAX {
                return Err(format!("{KEPT_MAX} frames came, and no answer among them"));
            }
            self.kept.push_back(came);
        }
    }

    /// The same for what must not be refused.
    pub(super) async fn must(&mut self, frame: Value) -> Result<Value, String> {
        let answer = self.ask(frame.clone()).await?;
        if answer["type"] == "rejected" {
            return Err(format!("{frame} was refused: {answer}"));
        }
        Ok(answer)
    }

    async fn read(&mut self) -> Result<Value, String> {
        let text = self.socket.text().await?;
        serde_json::from_str(&text).map_err(|why| format!("a frame is no JSON: {why}: {text}"))
    }
}
