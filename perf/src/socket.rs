//! A WebSocket client that does as little as possible, so that the server is what is measured:
//! frames are made and read in two buffers, over a plain TCP stream.
//!
//! It speaks what our server speaks: unfragmented text, pings and closing.

mod frame;
mod line;
mod upgrade;

use std::cell::RefCell;
use std::io::ErrorKind;
use std::net::SocketAddr;
use std::time::Duration;

use agent_bridge::client::Token;
use tokio::io::Interest;
use tokio::net::TcpStream;
use tokio::time::timeout;

use frame::{Opcode, Parsed};
pub(crate) use line::{CAN_CUT, Line, cut, reset_at_end, widen};

/// How much is read at once.
const READ_BYTES: usize = 64 * 1024;
/// Room that a connection keeps when it has read everything: ten thousand must fit into memory.
const INBOX_KEPT_BYTES: usize = 16 * 1024;

thread_local! {
    /// Where everything is read first, so that a connection keeps no more than what it was sent.
    static READ_HERE: RefCell<Vec<u8>> = RefCell::new(vec![0; READ_BYTES]);
}

/// How long a server may take to answer while a measurement is set up.
const ANSWER_WITHIN: Duration = Duration::from_secs(30);

/// One connection.
#[derive(Debug)]
pub(crate) struct Socket {
    stream: TcpStream,
    inbox: Vec<u8>,
    read: usize,
    outbox: Vec<u8>,
    mask: Masks,
}

/// Whether anything came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Filled {
    Some,
    Nothing,
}

impl Socket {
    /// Opens a session of the protocol `agent-bridge.v1`.
    pub(crate) async fn open(
        server: SocketAddr,
        client: &str,
        token: &Token,
    ) -> Result<Self, String> {
        Self::open_over(Line::default(), server, client, token).await
    }

    /// The same over a line of this kind.
    pub(crate) async fn open_over(
        line: Line,
        server: SocketAddr,
        client: &str,
        token: &Token,
    ) -> Result<Self, String> {
        let opening = async {
            let stream = line.connect(server).await.map_err(lost)?;
            let inbox = upgrade::upgrade(&stream, server, client, token).await?;
            Ok(Self {
                stream,
                inbox,
                read: 0,
                outbox: Vec::new(),
                mask: Masks::new(client),
            })
        };
        within("opening a session", opening).await
    }

    /// Waits until there is something to read, or room for what waits to be written.
    pub(crate) async fn ready(&self) -> Result<(), String> {
        let interest = if self.outbox.is_empty() {
            Interest::READABLE
        } else {
            Interest::READABLE | Interest::WRITABLE
        };
        self.stream.ready(interest).await.map_err(lost).map(drop)
    }

    /// Waits until there is something to read, or never will be.
    pub(crate) async fn readable(&self) -> Result<(), String> {
        self.stream.readable().await.map_err(lost)
    }

    /// Puts a text among what is to be written.
    pub(crate) fn queue(&mut self, text: &[u8]) {
        frame::put(&mut self.outbox, Opcode::Text, self.mask.next(), text);
    }

    /// Puts bytes among what is to be written, whatever they are.
    pub(crate) fn queue_raw(&mut self, bytes: &[u8]) {
        self.outbox.extend_from_slice(bytes);
    }

    /// The connection, for whoever does something unusual with it.
    pub(crate) const fn stream(&self) -> &TcpStream {
        &self.stream
    }

    /// Bytes that wait to be written.
    pub(crate) const fn waiting(&self) -> usize {
        self.outbox.len()
    }

    /// Writes as much as the system takes now.
    pub(crate) fn flush(&mut self) -> Result<(), String> {
        while !self.outbox.is_empty() {
            match self.stream.try_write(&self.outbox) {
                Ok(written) => drop(self.outbox.drain(..written)),
                Err(why) if why.kind() == ErrorKind::WouldBlock => return Ok(()),
                Err(why) => return Err(lost(why)),
            }
        }
        Ok(())
    }

    /// Reads what is there now.
    pub(crate) fn fill(&mut self) -> Result<Filled, String> {
        self.inbox.drain(..self.read);
        self.read = 0;
        if self.inbox.is_empty() {
            self.inbox.shrink_to(INBOX_KEPT_BYTES);
        }
        READ_HERE.with_borrow_mut(|here| match self.stream.try_read(here) {
            Ok(0) => Err("the server ended the connection".to_owned()),
            Ok(read) => {
                self.inbox.extend_from_slice(&here[..read]);
                Ok(Filled::Some)
            }
            Err(why) if why.kind() == ErrorKind::WouldBlock => Ok(Filled::Nothing),
            Err(why) => Err(lost(why)),
        })
    }

    /// The next text in what was read. Pings are answered on the way.
    pub(crate) fn next_text(&mut self) -> Result<Option<&[u8]>, String> {
        loop {
            let Some(Parsed { opcode, payload }) = frame::parse(&self.inbox, self.read)? else {
                return Ok(None);
            };
            self.read = payload.end;
            match opcode {
                Opcode::Text => return Ok(Some(&self.inbox[payload])),
                Opcode::Ping => {
                    let mask = self.mask.next();
                    frame::put(&mut self.outbox, Opcode::Pong, mask, &self.inbox[payload]);
                }
                Opcode::Pong => {}
                Opcode::Close => return Err(closed(&self.inbox[payload])),
            }
        }
    }

    /// Waits for the next text, while a measurement is set up.
    pub(crate) async fn text(&mut self) -> Result<String, String> {
        let coming = async {
            loop {
                if let Some(text) = self.next_text()? {
                    return Ok(String::from_utf8_lossy(text).into_owned());
                }
                self.flush()?;
                self.ready().await?;
                self.fill()?;
            }
        };
        within("an answer", coming).await
    }
}

async fn within<T>(what: &str, work: impl Future<Output = Result<T, String>>) -> Result<T, String> {
    let late = || format!("{what} took longer than {} s", ANSWER_WITHIN.as_secs());
    timeout(ANSWER_WITHIN, work).await.map_err(|_| late())?
}

#[expect(
    clippy::needless_pass_by_value,
    reason = "it stands where an error is mapped"
)]
fn lost(why: std::io::Error) -> String {
    format!("the connection was lost: {why}")
}

fn closed(payload: &[u8]) -> String {
    match payload.split_first_chunk() {
        Some((code, reason)) => {
            let reason = String::from_utf8_lossy(reason);
            format!("closed with {}: {reason}", u16::from_be_bytes(*code))
        }
        None => "closed without a reason".to_owned(),
    }
}

/// Masking keys. They protect proxies from scripts in browsers, so here they need not be secret,
/// only different (xorshift32).
#[derive(Debug)]
struct Masks(u32);

impl Masks {
    fn new(seed: &str) -> Self {
        let mixed = seed.bytes().fold(0x811c_9dc5_u32, |hash, byte| {
            (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193)
        });
        Self(mixed | 1)
    }

    const fn next(&mut self) -> [u8; 4] {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 17;
        self.0 ^= self.0 << 5;
        self.0.to_ne_bytes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn masks_differ() {
        let mut masks = Masks::new("ann");
        let some: std::collections::HashSet<_> = (0..1_000).map(|_| masks.next()).collect();
        assert_eq!(some.len(), 1_000);
        assert_ne!(Masks::new("ann").next(), Masks::new("bob").next());
    }

    #[test]
    fn a_close_says_why() {
        assert_eq!(closed(b"\x0f\xa2slow"), "closed with 4002: slow");
        assert_eq!(closed(b""), "closed without a reason");
    }
}
