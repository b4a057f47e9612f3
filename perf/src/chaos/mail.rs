//! Direct messages, as trials send, get and look back at them.

use std::net::SocketAddr;
use std::time::Duration;

use agent_bridge::client::message::{FailureFacts, RecipientFacts};
use agent_bridge::client::{MessageFacts, Token};
use agent_bridge::wire::time;
use bridge_core::Timestamp;
use reqwest::{Client, Method};
use serde::Deserialize;
use serde_json::{Value, json};

use super::http::{Answer, Http};
use super::peer::Peer;
use super::server::Server;

/// Letters in a page of the list of those that are dead.
const LETTERS_PAGE: usize = 500;
/// Tries of one read.
const READS_TRIED: u32 = 100;
/// Messages of which one sender waits to hear that they are stored.
const SENT_AT_ONCE: usize = 200;

/// Somebody's way to a mailbox, by sessions and by calls. It outlives the server.
#[derive(Debug, Clone)]
pub(super) struct Mailer {
    pub(super) name: String,
    address: SocketAddr,
    token: Token,
    http: Http,
}

/// What was written down when a message was given up.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Letter {
    pub(super) id: String,
    pub(super) to: String,
    pub(super) failures: Vec<FailureFacts>,
}

impl Mailer {
    pub(super) fn new(client: &Client, server: &Server, name: &str) -> Result<Self, String> {
        Ok(Self {
            name: name.to_owned(),
            address: server.socket(),
            token: server.token(name)?,
            http: Http::with(client, server, name)?,
        })
    }

    /// A session that takes messages.
    pub(super) async fn session(&self) -> Result<Peer, String> {
        self.session_with(json!({"type": "hello"})).await
    }

    /// A session that takes none.
    pub(super) async fn silent(&self) -> Result<Peer, String> {
        self.session_with(json!({"type": "hello", "messages": false}))
            .await
    }

    async fn session_with(&self, hello: Value) -> Result<Peer, String> {
        let mut peer = Peer::open(self.address, &self.name, &self.token).await?;
        peer.must(hello).await?;
        Ok(peer)
    }

    /// A call, which waits for so many seconds.
    pub(super) async fn call(&self, wait_seconds: u64) -> Result<Value, String> {
        self.get(&format!("/v1/mailbox?limit=500&wait={wait_seconds}"))
            .await
    }

    /// A call that takes so many at most, at once, and confirms what the call before returned.
    pub(super) async fn take(&self, after: Option<&str>, limit: usize) -> Result<Value, String> {
        let after = after.map(|after| format!("&after={after}"));
        self.get(&format!(
            "/v1/mailbox?limit={limit}{}",
            after.unwrap_or_default()
        ))
        .await
    }

    /// Says how far one has come with a message.
    pub(super) async fn ack(&self, id: &str, stage: &str) -> Result<Value, String> {
        let (path, body) = (
            format!("/v1/messages/{id}/ack"),
            json!({"stage": stage, "reason": "as planned"}),
        );
        self.must(Method::POST, &path, Some(&body)).await
    }

    /// A message with everything that became of it. Waits for so many seconds until it has ended.
    pub(super) async fn story(&self, id: &str, wait_seconds: u64) -> Result<MessageFacts, String> {
        let path = format!("/v1/messages/{id}?wait={wait_seconds}");
        let shown = self.get(&path).await?;
        serde_json::from_value(shown).map_err(|why| format!("{id} is not understood: {why}"))
    }

    /// The same for a message with one recipient.
    pub(super) async fn way(&self, id: &str, wait_seconds: u64) -> Result<RecipientFacts, String> {
        let mut story = self.story(id, wait_seconds).await?;
        let way = story.recipients.pop();
        way.ok_or_else(|| format!("{id} has no recipient"))
    }

    /// Every dead letter that one sent or was to get.
    pub(super) async fn dead_letters(&self) -> Result<Vec<Letter>, String> {
        let mut letters = Vec::new();
        let mut path = format!("/v1/dead-letters?limit={LETTERS_PAGE}");
        loop {
            let page = self.get(&path).await?;
            let items = serde_json::from_value::<Vec<Letter>>(page["items"].clone());
            letters.extend(items.map_err(|why| format!("a dead letter is not understood: {why}"))?);
            let Some(next) = page["next"].as_str() else {
                return Ok(letters);
            };
            path = format!("/v1/dead-letters?limit={LETTERS_PAGE}&after={next}");
        }
    }

    /// Reads something. Who reads much at once is told to wait now and then, and waits.
    async fn get(&self, path: &str) -> Result<Value, String> {
        for _ in 0..READS_TRIED {
            let answer = self.http.ask(Method::GET, path, None, None).await?;
            let error = &answer.body["error"];
            if error["temporary"] != true {
                return body_of(path, answer);
            }
            let millis = error["retry_after_ms"].as_u64().unwrap_or_default();
            tokio::time::sleep(Duration::from_millis(millis)).await;
        }
        self.must(Method::GET, path, None).await
    }

    async fn must(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
    ) -> Result<Value, String> {
        body_of(path, self.http.ask(method, path, None, body).await?)
    }
}

fn body_of(path: &str, answer: Answer) -> Result<Value, String> {
    if (200..300).contains(&answer.status) {
        return Ok(answer.body);
    }
    Err(format!("{path}: {}: {}", answer.status, answer.body))
}

/// Sends frames, many of them before the first is answered, and returns the answers in their order.
pub(super) async fn send_all(peer: &mut Peer, frames: &[Value]) -> Result<Vec<Value>, String> {
    let mut answers = Vec::with_capacity(frames.len());
    for some in frames.chunks(SENT_AT_ONCE) {
        let mut waiting: Vec<Option<Value>> = vec![None; some.len()];
        for (place, frame) in some.iter().enumerate() {
            let mut frame = frame.clone();
            frame["ref"] = json!(place.to_string());
            peer.queue(&frame);
        }
        peer.flush().await?;
        while waiting.iter().any(Option::is_none) {
            let came = peer.next().await?;
            let place = came["ref"].as_str().and_then(|word| word.parse().ok());
            let Some(place) = place.filter(|place: &usize| *place < waiting.len()) else {
                continue;
            };
            if came["type"] != "stored" {
                return Err(format!("{} was refused: {came}", some[place]));
            }
            waiting[place] = Some(came);
        }
        answers.extend(waiting.into_iter().flatten());
    }
    Ok(answers)
}

/// A time of the protocol.
pub(super) fn instant(text: &str) -> Result<Timestamp, String> {
    time::from_text(text).ok_or_else(|| format!("{text:?} is no time"))
}

/// One that a step may lack.
pub(super) fn maybe_instant(text: Option<&String>) -> Result<Timestamp, String> {
    instant(text.map_or("", String::as_str))
}
