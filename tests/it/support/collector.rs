//! What takes spans over OTLP, and shows them to a test.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;

use super::within;

/// A collector. It goes with the test.
pub(crate) struct Collector {
    pub(crate) addr: SocketAddr,
    taken: Arc<Taken>,
}

#[derive(Default)]
struct Taken {
    requests: Mutex<Vec<String>>,
    more: Notify,
}

/// A span, as it came.
#[derive(Debug, Clone)]
pub(crate) struct Span(Value);

impl Collector {
    /// One that takes everything.
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let addr = listener.local_addr().expect("its address");
        let taken = Arc::<Taken>::default();
        let taking = Arc::clone(&taken);
        tokio::spawn(async move {
            loop {
                let (socket, _) = listener.accept().await.expect("a connection");
                tokio::spawn(serve(socket, Arc::clone(&taking)));
            }
        });
        Self { addr, taken }
    }

    /// Everything that it was sent, as it was sent.
    pub(crate) fn requests(&self) -> Vec<String> {
        self.taken.requests.lock().expect("no panic").clone()
    }

    /// All spans so far of a trace.
    pub(crate) fn spans_of(&self, trace: &str) -> Vec<Span> {
        let requests = self.requests();
        let spans = requests.iter().flat_map(|request| {
            let json: Value = serde_json::from_str(request).expect("JSON");
            let spans = &json["resourceSpans"][0]["scopeSpans"][0]["spans"];
            spans.as_array().expect("spans").clone()
        });
        let of_trace = spans.filter(|span| span["traceId"] == trace);
        of_trace.map(Span).collect()
    }

    /// The same, once there are so many.
    pub(crate) async fn trace(&self, trace: &str, spans: usize) -> Vec<Span> {
        loop {
            let more = self.taken.more.notified();
            let found = self.spans_of(trace);
            if found.len() >= spans {
                return found;
            }
            within(&format!("more spans than {found:?}"), more).await;
        }
    }
}

impl Span {
    pub(crate) fn name(&self) -> &str {
        self.text("name")
    }

    pub(crate) fn text(&self, field: &str) -> &str {
        self.0[field].as_str().unwrap_or_default()
    }

    /// The value of an attribute, as a text.
    pub(crate) fn attribute(&self, key: &str) -> Option<&str> {
        let attributes = self.0["attributes"].as_array()?;
        let found = attributes.iter().find(|one| one["key"] == key)?;
        let value = &found["value"];
        value["stringValue"].as_str().or(value["intValue"].as_str())
    }

    /// The traces that it is linked to.
    pub(crate) fn links(&self) -> Vec<&str> {
        let links = self.0["links"].as_array().expect("links");
        links
            .iter()
            .filter_map(|link| link["traceId"].as_str())
            .collect()
    }

    /// When it began and when it ended, in nanoseconds.
    pub(crate) fn times(&self) -> (u64, u64) {
        let time = |field| self.text(field).parse().expect("nanoseconds");
        (time("startTimeUnixNano"), time("endTimeUnixNano"))
    }
}

/// Answers the requests of one connection, until it is closed.
async fn serve(mut socket: TcpStream, taken: Arc<Taken>) {
    let mut came = Vec::new();
    loop {
        let body = loop {
            if let Some(body) = take_body(&mut came) {
                break body;
            }
            match socket.read_buf(&mut came).await {
                Ok(0) | Err(_) => return,
                Ok(_) => {}
            }
        };
        taken.requests.lock().expect("no panic").push(body);
        taken.more.notify_waiters();
        let answer =
            b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n{}";
        if socket.write_all(answer).await.is_err() {
            return;
        }
    }
}

/// The body of the first request, if it is all there; it must be one for traces, in JSON.
fn take_body(came: &mut Vec<u8>) -> Option<String> {
    let head_len = came.windows(4).position(|end| end == b"\r\n\r\n")? + 4;
    let head = String::from_utf8_lossy(&came[..head_len]).to_lowercase();
    assert!(head.starts_with("post /v1/traces http/1.1\r\n"), "{head}");
    assert!(
        head.contains("content-type: application/json\r\n"),
        "{head}"
    );
    let length = head.split("content-length: ").nth(1).expect("a length");
    let length: usize = length.split("\r\n").next()?.parse().expect("a number");
    if came.len() < head_len + length {
        return None;
    }
    let rest = came.split_off(head_len + length);
    let request = std::mem::replace(came, rest);
    Some(String::from_utf8(request[head_len..].to_vec()).expect("UTF-8"))
}
