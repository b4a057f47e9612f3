//! Sends what was made up, and looks at what comes back.

use std::sync::Arc;
use std::time::Duration;

use rand::RngExt;
use rand::rngs::StdRng;
use serde_json::json;
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::{frames, requests};
use crate::chaos::peer::Peer;
use crate::chaos::server::Server;

/// What is sent in one session before its answers are waited for.
const FRAMES_AT_ONCE: usize = 5;
/// A server that waits for the rest of a frame does not answer, so nobody waits for long.
const ANSWER_WITHIN: Duration = Duration::from_millis(500);
/// Bytes of an answer over REST that are looked at: its head, and the beginning of its body.
const ANSWER_BYTES: usize = 4 * 1024;

/// What somebody did, and was told.
#[derive(Debug, Default)]
pub(super) struct Tally {
    pub(super) executions: u64,
    /// Requests that were refused, politely.
    pub(super) refused: u64,
    /// Sessions and connections that the server ended.
    pub(super) ended: u64,
    /// Those that were not answered, because the server waits for more of them.
    pub(super) unanswered: u64,
    /// The server said that it had failed.
    pub(super) internal: Vec<String>,
    /// It said something that is not of its protocol.
    pub(super) odd: Vec<String>,
}

impl Tally {
    pub(super) fn add(&mut self, other: Self) {
        self.executions += other.executions;
        self.refused += other.refused;
        self.ended += other.ended;
        self.unanswered += other.unanswered;
        self.internal.extend(other.internal);
        self.odd.extend(other.odd);
    }
}

/// Sessions, one after the other, with so many frames in all.
pub(super) async fn sessions(
    server: Arc<Server>,
    name: String,
    mut random: StdRng,
    executions: u64,
) -> Result<Tally, String> {
    let mut tally = Tally::default();
    while tally.executions < executions {
        let mut peer = Peer::connect(&server, &name).await?;
        if random.random_bool(0.9) {
            let resume = frames::cursors(&mut random);
            let mut hello = json!({"type": "hello", "messages": random.random_bool(0.5)});
            if random.random_bool(0.5) {
                hello["resume"] = resume;
            }
            peer.send(&hello).await?;
        }
        let mut is_open = true;
        while is_open && tally.executions < executions {
            for _ in 0..FRAMES_AT_ONCE {
                let bytes = frames::next(&mut random);
                peer.socket().queue_raw(&bytes);
                tally.executions += 1;
            }
            is_open = tally.exchange(&mut peer).await;
        }
    }
    Ok(tally)
}

impl Tally {
    /// Writes what waits and reads what comes; says whether the session goes on.
    async fn exchange(&mut self, peer: &mut Peer) -> bool {
        let word = format!("sync-{}", self.executions);
        let ping = json!({"type": "ping", "ref": word});
        let answered = async {
            peer.send(&ping).await?;
            loop {
                let text = peer.socket().text().await?;
                if self.hears(&text, &word) {
                    return Ok(());
                }
            }
        };
        let answered: Result<Result<(), String>, _> = timeout(ANSWER_WITHIN, answered).await;
        match answered {
            Ok(Ok(())) => true,
            Ok(Err(why)) => {
                self.ended += 1;
                let is_end = ["closed", "the connection was lost", "the server ended"];
                if !is_end.iter().any(|end| why.starts_with(end)) {
                    self.odd.push(why);
                }
                false
            }
            Err(_) => {
                self.unanswered += 1;
                false
            }
        }
    }

    /// Whether it is the answer to our own ping.
    fn hears(&mut self, text: &str, word: &str) -> bool {
        let Ok(frame) = serde_json::from_str::<serde_json::Value>(text) else {
            self.odd.push(excerpt(text));
            return false;
        };
        let is_internal = frame["type"] == "rejected" && frame["code"] == "internal";
        let has_failed = frame["type"] == "bye" && frame["code"] == 4_003;
        if is_internal || has_failed {
            self.internal.push(excerpt(text));
        }
        self.refused += u64::from(frame["type"] == "rejected");
        if !frame["type"].is_string() {
            self.odd.push(excerpt(text));
        }
        frame["ref"] == word
    }
}

/// So many requests over REST, each over a connection of its own.
pub(super) async fn requests(
    server: Arc<Server>,
    name: String,
    mut random: StdRng,
    executions: u64,
) -> Result<Tally, String> {
    let mut tally = Tally::default();
    let token = server.token(&name)?;
    while tally.executions < executions {
        let bytes = requests::next(&mut random, token.reveal());
        tally.executions += 1;
        let stream = TcpStream::connect(server.socket()).await;
        let stream = stream.map_err(|why| format!("the server takes no connection: {why}"))?;
        let mut answer = Vec::new();
        match timeout(ANSWER_WITHIN, ask(&stream, &bytes, &mut answer)).await {
            Ok(()) => tally.ended += u64::from(answer.is_empty()),
            Err(_) => tally.unanswered += u64::from(answer.is_empty()),
        }
        tally.judge(&answer, &bytes);
    }
    Ok(tally)
}

/// Asks, and reads until there is enough. A server may hang up at any time.
async fn ask(stream: &TcpStream, mut bytes: &[u8], answer: &mut Vec<u8>) {
    let mut is_writing = true;
    loop {
        if is_writing && !bytes.is_empty() {
            match stream.try_write(bytes) {
                Ok(written) => bytes = &bytes[written..],
                Err(why) if why.kind() == std::io::ErrorKind::WouldBlock => {}
                Err(_) => is_writing = false,
            }
        }
        match stream.try_read_buf(answer) {
            Ok(0) => return,
            Ok(_) => {}
            Err(why) if why.kind() == std::io::ErrorKind::WouldBlock => {
                let is_enough = is_whole(answer) || answer.len() > ANSWER_BYTES;
                if is_enough {
                    return;
                }
                let ready = if is_writing && !bytes.is_empty() {
                    tokio::io::Interest::READABLE | tokio::io::Interest::WRITABLE
                } else {
                    tokio::io::Interest::READABLE
                };
                if stream.ready(ready).await.is_err() {
                    return;
                }
            }
            Err(_) => return,
        }
    }
}

/// Whether the head is there, and as much of the body as it announces.
fn is_whole(answer: &[u8]) -> bool {
    let text = String::from_utf8_lossy(answer);
    let Some((head, body)) = text.split_once("\r\n\r\n") else {
        return false;
    };
    let mut fields = head.lines().filter_map(|line| line.split_once(':'));
    let len = fields.find(|(name, _)| name.eq_ignore_ascii_case("content-length"));
    let len = len.and_then(|(_, len)| len.trim().parse::<usize>().ok());
    // Without a length it goes on for as long as it likes.
    len.is_none_or(|len| body.len() >= len)
}

impl Tally {
    fn judge(&mut self, answer: &[u8], asked: &[u8]) {
        if answer.is_empty() {
            return;
        }
        let text = String::from_utf8_lossy(answer);
        let status = text.strip_prefix("HTTP/1.").and_then(|rest| rest.get(2..5));
        let status: Option<u16> = status.and_then(|status| status.parse().ok());
        let Some(status) = status else {
            return self.odd.push(excerpt(&text));
        };
        self.refused += u64::from(status >= 400);
        // 503 says that it is busy, which it may be.
        if status == 500 || status > 503 || text.contains("\"code\":\"internal\"") {
            let asked = excerpt(&String::from_utf8_lossy(asked));
            self.internal.push(format!("{asked} -> {}", excerpt(&text)));
        }
    }
}

fn excerpt(text: &str) -> String {
    let some: String = text.chars().take(160).collect();
    some.escape_debug().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failures_of_the_server_are_seen() {
        let mut tally = Tally::default();
        assert!(!tally.hears(r#"{"type":"rejected","code":"bad_json"}"#, "w"));
        assert!(tally.hears(r#"{"type":"pong","ref":"w"}"#, "w"));
        assert_eq!((tally.internal.len(), tally.odd.len()), (0, 0));
        tally.hears(r#"{"type":"rejected","code":"internal"}"#, "w");
        tally.hears(r#"{"type":"bye","code":4003}"#, "w");
        tally.hears("nonsense", "w");
        assert_eq!((tally.internal.len(), tally.odd.len()), (2, 1));
        for (answer, internal) in [
            ("HTTP/1.1 400 Bad Request\r\n\r\n", 2),
            ("HTTP/1.1 503 Busy\r\n\r\n", 2),
            ("HTTP/1.1 500 Oh\r\n\r\n", 3),
            ("HTTP/1.1 200 OK\r\n\r\n{\"code\":\"internal\"}", 4),
        ] {
            tally.judge(answer.as_bytes(), b"GET /");
            assert_eq!(tally.internal.len(), internal, "{answer}");
        }
        tally.judge(b"\x81\x02hi", b"GET /");
        assert_eq!(tally.odd.len(), 2);
    }

    #[test]
    fn an_answer_ends_where_it_says() {
        assert!(!is_whole(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{"));
        assert!(is_whole(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}"));
        assert!(!is_whole(b"HTTP/1.1 200 OK\r\n"));
    }
}
