//! A client that goes on listening for as long as it lasts.

use std::convert::Infallible;

use serde_json::json;

use super::Peer;
use crate::chaos::server::Server;
use crate::socket::{Filled, Line, Socket};

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
        while let Some(frame) = self.kept.pop_front() {
            hear(frame.to_string().as_bytes())?;
        }
        loop {
            while let Some(text) = self.socket.next_text()? {
                hear(text)?;
            }
            self.socket.flush()?;
            self.socket.ready().await?;
            // A server that is gone is told when everything that it said has been heard.
            if self.socket.fill()? == Filled::Nothing {
                tokio::task::yield_now().await;
            }
        }
    }

    /// Waits until the server has heard from this client.
    pub(in crate::chaos) async fn sign_of_life(&mut self) -> Result<(), String> {
        self.ask(json!({"type": "ping"})).await.map(drop)
    }
}
