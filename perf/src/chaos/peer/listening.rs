//! A client that goes on listening for as long as it lasts.

use std::convert::Infallible;

use serde_json::json;
use tokio::net::TcpStream;
use tokio::time::Instant;

use super::Peer;
use crate::chaos::server::Server;
use crate::clock::Clock;
use crate::socket::{Line, Socket};

/// A rhythm that does not wait for answers: what is late is still counted from when it was due.
#[derive(Debug, Clone, Copy)]
pub(in crate::chaos) struct Beat {
    pub(in crate::chaos) clock: Clock,
    /// The first time, and between two.
    pub(in crate::chaos) first: u64,
    pub(in crate::chaos) every: u64,
}

impl Beat {
    const fn due(&self, number: u64) -> u64 {
        self.first + number * self.every
    }
}

/// Why a client does something.
#[derive(Debug)]
pub(in crate::chaos) enum Occasion<'a> {
    /// A frame came.
    Heard(&'a [u8]),
    /// This moment was due.
    Due(u64),
}

async fn sleep_until(moment: Option<Instant>) {
    match moment {
        Some(moment) => tokio::time::sleep_until(moment).await,
        None => std::future::pending().await,
    }
}

impl Peer {
    /// Opens a session over a line of this kind, without a hello.
    pub(in crate::chaos) async fn connect_over(
        line: Line,
        server: &Server,
        name: &str,
    ) -> Result<Self, String> {
        let token = server.token(name)?;
        let socket = Socket::open_over(line, server.socket(), name, &token).await?;
        Ok(Self::over(socket, name))
    }

    /// Hears every frame, and answers the server's pings, until the session ends or `hear` has had
    /// enough; says why. It may be dropped and called again at any time.
    pub(in crate::chaos) async fn listen(
        &mut self,
        mut hear: impl FnMut(&[u8]) -> Result<(), String>,
    ) -> Result<Infallible, String> {
        let act = |occasion: Occasion<'_>| match occasion {
            Occasion::Heard(text) => hear(text).map(|()| Vec::new()),
            Occasion::Due(_) => Ok(Vec::new()),
        };
        self.work(None, act).await
    }

    /// The same, and sends what is returned: to what it hears, and each time that something is due.
    pub(in crate::chaos) async fn work(
        &mut self,
        beat: Option<Beat>,
        mut act: impl FnMut(Occasion<'_>) -> Result<Vec<String>, String>,
    ) -> Result<Infallible, String> {
        while let Some(frame) = self.kept.pop_front() {
            let answer = act(Occasion::Heard(frame.to_string().as_bytes()))?;
            self.say(answer);
        }
        let mut number = 0;
        loop {
            while let Some(text) = self.socket.next_text()? {
                let answer = act(Occasion::Heard(text))?;
                self.say(answer);
            }
            if let Err(why) = self.socket.flush() {
                return self.last_words(why, act).await;
            }
            let due = beat.map(|beat| beat.due(number));
            let pause = beat.zip(due).map(|(beat, due)| beat.clock.moment(due));
            tokio::select! {
                ready = self.socket.ready() => {
                    ready?;
                    self.socket.fill()?;
                }
                () = sleep_until(pause), if pause.is_some() => {
                    let said = act(Occasion::Due(due.unwrap_or_default()))?;
                    self.say(said);
                    number += 1;
                }
            }
        }
    }

    /// What came before the connection broke under what was written. Nothing is answered any more.
    async fn last_words(
        &mut self,
        broken: String,
        mut act: impl FnMut(Occasion<'_>) -> Result<Vec<String>, String>,
    ) -> Result<Infallible, String> {
        loop {
            while let Some(text) = self.socket.next_text()? {
                act(Occasion::Heard(text))?;
            }
            self.socket.readable().await?;
            if self.socket.fill().is_err() {
                return Err(broken);
            }
        }
    }

    fn say(&mut self, frames: Vec<String>) {
        for frame in frames {
            self.socket.queue(frame.as_bytes());
        }
    }

    /// The connection, for whoever writes to it what is no frame.
    pub(in crate::chaos) const fn connection(&self) -> &TcpStream {
        self.socket.stream()
    }

    /// Waits until the server has heard from this client.
    pub(in crate::chaos) async fn sign_of_life(&mut self) -> Result<(), String> {
        self.ask(json!({"type": "ping"})).await.map(drop)
    }
}
