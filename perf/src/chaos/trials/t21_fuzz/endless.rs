//! What has no end, or is too large, or comes too slowly.

use std::io::ErrorKind;
use std::sync::Arc;
use std::time::Duration;

use serde_json::json;
use tokio::io::Interest;
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::frames::header;
use crate::chaos::peer::Peer;
use crate::chaos::server::Server;
use crate::clock::{Clock, nanos};

/// When a refusal that needs nothing but a header must have ended the connection.
const AT_ONCE: Duration = Duration::from_secs(3);
/// When somebody who says nothing, or very little, must have been shown out: the server gives ten
/// seconds for a head and for a hello.
const SHOWN_OUT: Duration = Duration::from_secs(16);
/// Between two bytes of somebody who says very little.
const DRIBBLE_EVERY: Duration = Duration::from_millis(250);

/// One way of going on for too long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Endless {
    /// A frame that announces a gibibyte, and dribbles.
    HugeFrame,
    /// Parts of a message that never ends.
    Parts,
    /// A body of chunks that never ends.
    Chunks,
    /// A head that never ends.
    Head,
    /// A head, one byte now and then.
    SlowHead,
    /// A connection that says nothing at all.
    Silence,
    /// A session that never says hello.
    NoHello,
}

impl Endless {
    pub(super) const ALL: [Self; 7] = [
        Self::HugeFrame,
        Self::Parts,
        Self::Chunks,
        Self::Head,
        Self::SlowHead,
        Self::Silence,
        Self::NoHello,
    ];

    const fn within(self) -> Duration {
        match self {
            Self::HugeFrame | Self::Parts | Self::Chunks | Self::Head => AT_ONCE,
            Self::SlowHead | Self::Silence | Self::NoHello => SHOWN_OUT,
        }
    }
}

/// Tries it, and says what is wrong with how it ended, if anything is.
pub(super) async fn tried(server: Arc<Server>, how: Endless, clock: Clock) -> Option<String> {
    let begun = clock.nanos();
    let patience = how.within() * 3;
    match timeout(patience, go(&server, how)).await {
        Ok(Ok(())) => {}
        Ok(Err(why)) => return Some(format!("{how:?} could not be tried: {why}")),
        Err(_) => return Some(format!("{how:?} was never ended, not after {patience:?}")),
    }
    let took = Duration::from_nanos(clock.nanos() - begun);
    if nanos(took) > nanos(how.within()) {
        return Some(format!("{how:?} was ended after {took:?}"));
    }
    None
}

/// Goes on until the server ends it.
async fn go(server: &Server, how: Endless) -> Result<(), String> {
    let post = "POST /v1/rooms HTTP/1.1\r\nHost: localhost\r\n";
    match how {
        Endless::HugeFrame => {
            let peer = live(server).await?;
            let mut head = Vec::new();
            header(&mut head, 0x81, 0x80, 1 << 30);
            dribble(peer.connection(), &head).await;
        }
        Endless::Parts => {
            let peer = live(server).await?;
            let (mut first, mut other) = (Vec::new(), Vec::new());
            part(&mut first, 0x01);
            part(&mut other, 0x00);
            flood(peer.connection(), &first, &other).await;
        }
        Endless::Chunks => {
            let token = server.token("endless")?;
            let token = token.reveal();
            let head = format!(
                "{post}Authorization: Bearer {token}\r\nTransfer-Encoding: chunked\r\n\r\n"
            );
            let chunk = format!("10000\r\n{}\r\n", " ".repeat(0x1_0000));
            let stream = connect(server).await?;
            flood(&stream, head.as_bytes(), chunk.as_bytes()).await;
        }
        Endless::Head => {
            let line = format!("X-Filler: {}\r\n", "x".repeat(4_000));
            let stream = connect(server).await?;
            flood(&stream, post.as_bytes(), line.as_bytes()).await;
        }
        Endless::SlowHead => dribble(&connect(server).await?, b"GET /v1/rooms HTTP/1.1\r\n").await,
        Endless::Silence => until_ended(&connect(server).await?).await?,
        Endless::NoHello => {
            let peer = Peer::connect(server, "endless").await?;
            until_ended(peer.connection()).await?;
        }
    }
    Ok(())
}

async fn live(server: &Server) -> Result<Peer, String> {
    let mut peer = Peer::connect(server, "endless").await?;
    peer.ask(json!({"type": "hello", "messages": false}))
        .await?;
    Ok(peer)
}

async fn connect(server: &Server) -> Result<TcpStream, String> {
    let stream = TcpStream::connect(server.socket()).await;
    stream.map_err(|why| why.to_string())
}

fn part(out: &mut Vec<u8>, first: u8) {
    const PART_BYTES: usize = 64 * 1024;
    header(out, first, 0x80, PART_BYTES as u64);
    out.extend_from_slice(&[0; 4]);
    out.resize(out.len() + PART_BYTES, b' ');
}

/// Writes as fast as the server takes it, for ever.
async fn flood(stream: &TcpStream, first: &[u8], then: &[u8]) {
    let mut rest = first;
    while !has_ended(stream) {
        match stream.try_write(rest) {
            Ok(some) => rest = &rest[some..],
            Err(why) if why.kind() == ErrorKind::WouldBlock => {
                let either = Interest::READABLE | Interest::WRITABLE;
                if stream.ready(either).await.is_err() {
                    return;
                }
            }
            Err(_) => return,
        }
        if rest.is_empty() {
            rest = then;
            tokio::task::yield_now().await;
        }
    }
}

/// Writes some bytes, and then one now and then.
async fn dribble(stream: &TcpStream, first: &[u8]) {
    let mut rest = first;
    while !has_ended(stream) {
        match stream.try_write(rest) {
            Ok(_) => {}
            Err(why) if why.kind() == ErrorKind::WouldBlock => {}
            Err(_) => return,
        }
        rest = b"x";
        tokio::time::sleep(DRIBBLE_EVERY).await;
    }
}

/// Reads what there is to read; says whether that is all.
fn has_ended(stream: &TcpStream) -> bool {
    let mut some = [0; 4 * 1024];
    loop {
        match stream.try_read(&mut some) {
            Ok(0) => return true,
            Ok(_) => {}
            Err(why) => return why.kind() != ErrorKind::WouldBlock,
        }
    }
}

async fn until_ended(stream: &TcpStream) -> Result<(), String> {
    while !has_ended(stream) {
        stream.readable().await.map_err(|why| why.to_string())?;
    }
    Ok(())
}
