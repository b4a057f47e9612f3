//! A reader of server-sent events that sees every line.

use reqwest::{Method, RequestBuilder, Response};
use serde_json::Value;

use super::rest::{Reply, Rest};
use super::within;

/// An open stream.
pub(crate) struct Sse {
    response: Response,
    bytes: Vec<u8>,
    /// Comments so far.
    pub(crate) heartbeats: usize,
}

/// One event of a stream.
#[derive(Debug)]
pub(crate) struct Told {
    pub(crate) id: Option<String>,
    pub(crate) name: String,
    pub(crate) retry: Option<u64>,
    pub(crate) data: Value,
}

fn request(rest: &Rest, path: &str, last: Option<&str>) -> RequestBuilder {
    let request = rest.request(Method::GET, path);
    let request = request.header("accept", "text/event-stream");
    match last {
        Some(last) => request.header("last-event-id", last),
        None => request,
    }
}

impl Sse {
    /// Opens a stream, from a place if there is one.
    pub(crate) async fn open(rest: &Rest, path: &str, last: Option<&str>) -> Self {
        let asked = request(rest, path, last).send();
        let response = within(path, asked).await.expect("an answer");
        assert_eq!(response.status().as_u16(), 200, "{path}");
        let header = |name| {
            let value = response.headers().get(name).expect("a header");
            value.to_str().expect("ASCII").to_owned()
        };
        assert_eq!(header("content-type"), "text/event-stream");
        assert_eq!(header("cache-control"), "no-store");
        // Or it would stay after the stream, and hold up a stop.
        assert_eq!(header("connection"), "close");
        assert!(!header("x-request-id").is_empty());
        Self {
            response,
            bytes: Vec::new(),
            heartbeats: 0,
        }
    }

    /// Asks for a stream that is refused.
    pub(crate) async fn refused(rest: &Rest, path: &str, last: Option<&str>) -> Reply {
        rest.send(request(rest, path, last)).await
    }

    /// The next event, or `None` at the end.
    pub(crate) async fn next(&mut self) -> Option<Told> {
        loop {
            while let Some(block) = self.block() {
                if let Some(told) = self.parse(&block) {
                    return Some(told);
                }
            }
            let chunk = within("a stream to go on", self.response.chunk()).await;
            let Some(chunk) = chunk.expect("an orderly end") else {
                assert_eq!(self.bytes, b"", "the stream ends within an event");
                return None;
            };
            self.bytes.extend_from_slice(&chunk);
        }
    }

    /// Up to an empty line.
    fn block(&mut self) -> Option<String> {
        let end = self.bytes.windows(2).position(|pair| pair == b"\n\n")?;
        let block: Vec<u8> = self.bytes.drain(..end + 2).collect();
        Some(String::from_utf8(block).expect("UTF-8"))
    }

    fn parse(&mut self, block: &str) -> Option<Told> {
        let (mut id, mut name, mut retry, mut data) = (None, None, None, None);
        for line in block.lines().filter(|line| !line.is_empty()) {
            if line.starts_with(':') {
                self.heartbeats += 1;
                continue;
            }
            let (field, value) = line.split_once(": ").expect("a field");
            let taken = match field {
                "id" => id.replace(value.to_owned()),
                "event" => name.replace(value.to_owned()),
                "retry" => retry.replace(value.to_owned()),
                "data" => data.replace(value.to_owned()),
                _ => panic!("an unknown field: {line:?}"),
            };
            assert_eq!(taken, None, "a field comes once: {block:?}");
        }
        Some(Told {
            data: serde_json::from_str(&data?).expect("JSON in one line"),
            id,
            name: name.expect("every event has a name"),
            retry: retry.map(|millis| millis.parse().expect("a number")),
        })
    }

    /// The next event, which has this name.
    pub(crate) async fn expect(&mut self, name: &str) -> Told {
        let told = self.next().await.expect("the stream goes on");
        assert_eq!(told.name, name, "{told:?}");
        assert_eq!(told.data["type"], name, "{told:?}");
        told
    }

    /// So many events of the room's log.
    pub(crate) async fn events(&mut self, count: usize) -> Vec<Value> {
        let mut events = Vec::new();
        while events.len() < count {
            let told = self.expect("event").await;
            let id = told.id.expect("an event has an id");
            let (_, seq) = id.rsplit_once(':').expect("EPOCH:SEQ");
            assert_eq!(seq, told.data["seq"].to_string());
            events.push(told.data);
        }
        events
    }

    /// The last words, with this number, and the end. Whatever comes before is passed over.
    pub(crate) async fn bye(&mut self, number: u16) -> Told {
        let bye = loop {
            let told = self.next().await.expect("a stream ends with bye");
            if told.name == "bye" {
                break told;
            }
        };
        assert_eq!(bye.data["code"], number, "{bye:?}");
        assert_eq!(bye.id, None, "a reader goes on after what it read");
        assert_eq!(bye.data["retry_after_ms"].as_u64(), bye.retry, "{bye:?}");
        assert!(self.next().await.is_none(), "something came after bye");
        bye
    }
}
