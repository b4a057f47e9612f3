//! A client that hides nothing: every frame is sent as it is, and every frame that comes is seen.

mod listening;

use std::collections::VecDeque;
use std::net::SocketAddr;

use agent_bridge::client::Token;
use serde_json::{Value, json};

use super::server::Server;
use crate::socket::{Filled, Socket};
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
        Self::open(server.socket(), name, &server.token(name)?).await
    }

    /// The same for a task, which has no server.
    pub(super) async fn open(
        server: SocketAddr,
        name: &str,
        token: &Token,
    ) -> Result<Self, String> {
        Ok(Self::over(Socket::open(server, name, token).await?, name))
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
        self.queue(frame);
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

    /// The next frame, whenever it comes.
    pub(super) async fn came(&mut self) -> Result<Value, String> {
        loop {
            if let Some(frame) = self.next_ready()? {
                return Ok(frame);
            }
            self.socket.flush()?;
            self.socket.ready().await?;
            self.socket.fill()?;
        }
    }

    /// The next frame that has come already.
    pub(super) fn next_ready(&mut self) -> Result<Option<Value>, String> {
        if let Some(frame) = self.kept.pop_front() {
            return Ok(Some(frame));
        }
        let text = self.socket.next_text()?;
        text.map(parse).transpose()
    }

    /// What had come before the connection broke and was not read yet.
    pub(super) fn left_over(&mut self) -> Vec<Value> {
        let mut left: Vec<Value> = self.kept.drain(..).collect();
        loop {
            match self.next_ready() {
                Ok(Some(frame)) => left.push(frame),
                Ok(None) if self.socket.fill() == Ok(Filled::Some) => {}
                Ok(None) | Err(_) => return left,
            }
        }
    }

    /// Puts a frame among those that are written by the next [`Peer::flush`].
    pub(super) fn queue(&mut self, frame: &Value) {
        self.socket.queue(frame.to_string().as_bytes());
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
        parse(self.socket.text().await?.as_bytes())
    }
}

fn parse(text: &[u8]) -> Result<Value, String> {
    serde_json::from_slice(text).map_err(|why| {
        let text = String::from_utf8_lossy(text);
        format!("a frame is no JSON: {why}: {text}")
    })
}
