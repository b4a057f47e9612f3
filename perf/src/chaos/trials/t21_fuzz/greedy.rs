//! Clients that each try to make the server keep as much as it will.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use bridge_core::limits;
use serde_json::json;
use tokio::net::TcpStream;

use super::frames::header;
use crate::chaos::crowd::all;
use crate::chaos::memory::{Memory, Watch};
use crate::chaos::outcome::Outcome;
use crate::chaos::peer::Peer;
use crate::chaos::reading::stats;
use crate::chaos::server::{Server, Start};
use crate::chaos::setting::Setting;

/// What a connection may cost besides what it is allowed to send, and besides this:
const BESIDES_BYTES: usize = 64 * 1024;
/// The web server reads 128 KiB ahead of us, into a buffer that doubles when it is full and that it
/// keeps for as long as the connection lasts. It cannot be told to take less.
const READ_AHEAD_BYTES: usize = 256 * 1024;
/// How long the server may take to read what it was sent, when it takes no more.
const READS_FOR: Duration = Duration::from_millis(700);
/// How long a client goes on pushing.
const PUSHES_FOR: Duration = Duration::from_secs(5);
/// The longest time that all of them may take.
const PATIENCE: Duration = Duration::from_secs(60);
/// For comparison. It comes first, and whatever is made once for a client is made with it.
const IDLE: &str = "nothing but a hello";
/// What they try.
const KINDS: [&str; 6] = [
    IDLE,
    "a frame but for its last byte",
    "a message in parts but for the last one",
    "the same, and a message on top of it",
    "a body but for its last byte",
    "a head without an end",
];

/// A connection that is left as it is.
enum Kept {
    Session(#[expect(dead_code, reason = "it is kept open, and nothing else")] Box<Peer>),
    Request(#[expect(dead_code, reason = "it is kept open, and nothing else")] TcpStream),
}

/// By how much the server grows for each of them.
pub(super) async fn measure(setting: &Setting, outcome: &mut Outcome) -> Result<Memory, String> {
    let folder = setting.folder()?;
    let count = setting.pick(30, 300);
    let server = Arc::new(start(setting, folder.path())?);
    let warming = (0..KINDS.len()).map(|kind| greedy(Arc::clone(&server), kind, kind));
    drop(all(warming.collect(), PATIENCE).await?);
    let memory = Watch::begin(server.pid());
    let mut worst = (0.0, "");
    for (kind, what) in KINDS.iter().enumerate() {
        setting.at(format!("{count} times {what}"));
        let begun = server.resident_kib();
        let greedy = (0..count).map(|place| greedy(Arc::clone(&server), kind, place));
        let kept = all(greedy.collect(), PATIENCE).await?;
        let grown = server.resident_kib().saturating_sub(begun) * 1024;
        drop(kept);
        let each = grown as f64 / count as f64;
        if *what == IDLE {
            outcome.figure("bytes per idle socket", each.round());
        } else if each > worst.0 {
            worst = (each, what);
        }
        until_nobody_is_there(&server).await?;
    }
    let bound = (limits::FRAME_BYTES_MAX + READ_AHEAD_BYTES + BESIDES_BYTES) as f64;
    outcome.figure("greedy sockets of each kind", count);
    outcome.figure("the greediest", worst.1);
    outcome.at_most("bytes per greedy socket", worst.0.round(), bound);
    Ok(memory.end(setting).await)
}

fn start(setting: &Setting, folder: &Path) -> Result<Server, String> {
    Start::new(setting, folder)?
        .set("sessions.heartbeat_seconds", "60")
        // What the server does not need any more is given back at once, so that the process shows
        // what it holds.
        .variable("_RJEM_MALLOC_CONF", "dirty_decay_ms:0,muzzy_decay_ms:0")
        .go()
}

/// Waits until the server has let go of everybody.
async fn until_nobody_is_there(server: &Server) -> Result<(), String> {
    let operator = server.operator()?;
    let gone = async {
        while stats(&operator).await?["sessions"] != 0 {
            tokio::time::sleep(READS_FOR / 20).await;
        }
        Ok(())
    };
    let gone = tokio::time::timeout(PATIENCE, gone).await;
    gone.map_err(|_| "sessions are left without their clients".to_owned())?
}

async fn greedy(server: Arc<Server>, kind: usize, place: usize) -> Result<Kept, String> {
    let max = limits::FRAME_BYTES_MAX;
    let mut bytes = Vec::new();
    match kind {
        0 => {}
        1 => frame(&mut bytes, 0x81, max, max - 1),
        2 => parts(&mut bytes, max),
        3 => {
            parts(&mut bytes, max);
            frame(&mut bytes, 0x81, max, max - 1);
        }
        4 => {
            let token = server.token("greedy-body")?;
            let head = format!(
                "POST /v1/rooms HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {}\r\n\
                 Content-Length: {max}\r\n\r\n",
                token.reveal()
            );
            bytes.extend_from_slice(head.as_bytes());
            bytes.resize(bytes.len() + max - 1, b' ');
        }
        _ => {
            bytes.extend_from_slice(b"GET /v1/rooms HTTP/1.1\r\nHost: localhost\r\nX-Filler: ");
            bytes.resize(bytes.len() + max, b'x');
        }
    }
    if kind >= 4 {
        let stream = TcpStream::connect(server.socket()).await;
        let stream = stream.map_err(|why| why.to_string())?;
        push(&stream, &bytes).await;
        return Ok(Kept::Request(stream));
    }
    let mut peer = Peer::connect(&server, &format!("greedy-{place}")).await?;
    peer.ask(json!({"type": "hello", "messages": false}))
        .await?;
    push(peer.connection(), &bytes).await;
    Ok(Kept::Session(Box::new(peer)))
}

/// A message of so many bytes that has no last part.
fn parts(out: &mut Vec<u8>, bytes: usize) {
    const PART_BYTES: usize = 4 * 1024;
    for place in 0..bytes / PART_BYTES {
        let first = if place == 0 { 0x01 } else { 0x00 };
        frame(out, first, PART_BYTES, PART_BYTES);
    }
}

/// A frame that announces so much and has so much.
fn frame(out: &mut Vec<u8>, first: u8, announced: usize, there: usize) {
    header(out, first, 0x80, announced as u64);
    out.extend_from_slice(&[0; 4]);
    out.resize(out.len() + there, b' ');
}

/// Writes as much as is taken. Who is refused has tried.
async fn push(stream: &TcpStream, mut bytes: &[u8]) {
    let pushing = async {
        while !bytes.is_empty() {
            match stream.try_write(bytes) {
                Ok(written) => bytes = &bytes[written..],
                Err(why) if why.kind() == std::io::ErrorKind::WouldBlock => {
                    if stream.writable().await.is_err() {
                        return;
                    }
                }
                Err(_) => return,
            }
        }
        // The server has it when it has read it.
        tokio::time::sleep(READS_FOR).await;
    };
    drop(tokio::time::timeout(PUSHES_FOR, pushing).await);
}
