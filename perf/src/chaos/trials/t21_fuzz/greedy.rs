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
use crate::chaos::server::{Server, Start};
use crate::chaos::setting::Setting;

/// What a connection may cost besides what it is allowed to send.
const BESIDES_BYTES: usize = 64 * 1024;
/// How long a client goes on pushing when nothing is taken any more.
const PUSHES_FOR: Duration = Duration::from_secs(2);
/// The longest time that all of them may take.
const PATIENCE: Duration = Duration::from_secs(60);
/// Clients of each kind.
const KINDS: usize = 5;

/// A connection that is left as it is.
enum Kept {
    Session(#[expect(dead_code, reason = "it is kept open, and nothing else")] Box<Peer>),
    Request(#[expect(dead_code, reason = "it is kept open, and nothing else")] TcpStream),
}

/// How much the server grows by each of them.
pub(super) async fn measure(setting: &Setting, outcome: &mut Outcome) -> Result<Memory, String> {
    let folder = setting.folder()?;
    let count = setting.pick(60, 500);
    let server = Arc::new(start(setting, folder.path())?);
    // Whatever is made once is made before: threads, pools, the first room.
    let warming = (0..KINDS).map(|kind| greedy(Arc::clone(&server), kind, 0));
    drop(all(warming.collect(), PATIENCE).await?);
    let memory = Watch::begin(server.pid());
    let begun = server.resident_kib();
    let greedy = (0..count).map(|place| greedy(Arc::clone(&server), place % KINDS, place));
    let kept = all(greedy.collect(), PATIENCE).await?;
    let peak = memory.peak_kib();
    let each = (peak.saturating_sub(begun) * 1024) as f64 / count as f64;
    let bound = (limits::FRAME_BYTES_MAX + BESIDES_BYTES) as f64;
    outcome.figure("greedy sockets", count);
    outcome.at_most("bytes per greedy socket", each.round(), bound);
    drop(kept);
    Ok(memory.end())
}

fn start(setting: &Setting, folder: &Path) -> Result<Server, String> {
    Start::new(setting, folder)
        .set("sessions.heartbeat_seconds", "60")
        .go()
}

async fn greedy(server: Arc<Server>, kind: usize, place: usize) -> Result<Kept, String> {
    let max = limits::FRAME_BYTES_MAX;
    let mut bytes = Vec::new();
    match kind {
        // A frame but for its last byte.
        0 => frame(&mut bytes, 0x81, max, max - 1),
        // A message in parts but for the last one, and a part on top of that.
        1 => {
            frame(&mut bytes, 0x01, max / 2, max / 2);
            frame(&mut bytes, 0x00, max / 2, max / 2);
            frame(&mut bytes, 0x00, max, max - 1);
        }
        // The same in small parts, and a new message on top of that.
        2 => {
            frame(&mut bytes, 0x01, 1_024, 1_024);
            for _ in 1..max / 1_024 {
                frame(&mut bytes, 0x00, 1_024, 1_024);
            }
            frame(&mut bytes, 0x81, max, max - 1);
        }
        // A body but for its last byte.
        3 => {
            let token = server.token("greedy-body")?;
            let head = format!(
                "POST /v1/rooms HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {}\r\n\
                 Content-Length: {max}\r\n\r\n",
                token.reveal()
            );
            bytes.extend_from_slice(head.as_bytes());
            bytes.resize(bytes.len() + max - 1, b' ');
        }
        // A head that has no end.
        _ => {
            bytes.extend_from_slice(b"GET /v1/rooms HTTP/1.1\r\nHost: localhost\r\nX-Filler: ");
            bytes.resize(bytes.len() + max, b'x');
        }
    }
    if kind >= 3 {
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
        tokio::time::sleep(PUSHES_FOR).await;
    };
    drop(tokio::time::timeout(2 * PUSHES_FOR, pushing).await);
}
