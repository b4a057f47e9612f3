//! Direct messages over REST.

use std::time::Duration;

use bridge_core::message::AckStage;
use bridge_core::text::Reason;
use bridge_core::{MessageId, limits};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::time::Instant;

use super::RestClient;
use crate::client::back_off::BackOff;
use crate::client::error::ClientError;
use crate::client::keys;
use crate::client::message::MessageFacts;
use crate::client::session::{NewMessage, without_nulls};

/// The longest pause before a message is looked at again when the server cannot be asked.
const PAUSE_MAX: Duration = Duration::from_secs(5);
/// The first one.
const PAUSE_FIRST: Duration = Duration::from_secs(1);
/// The longest time between two looks for somebody who watches: soon enough to be believed, and a
/// dozen requests a minute.
const LOOK_EVERY_MAX: Duration = Duration::from_secs(5);

/// How often a message is looked at while one waits for its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Looks {
    /// Again and again, because somebody watches its stages.
    Often,
    /// At its end, or as rarely as the server allows.
    Seldom,
}

/// A message as the server tells of it, and what that means.
#[derive(Debug, Clone)]
pub struct Tracked {
    /// The answer.
    pub answer: Value,
    /// The same, read.
    pub facts: MessageFacts,
}

impl Tracked {
    fn read(answer: Value) -> Result<Self, ClientError> {
        let facts = MessageFacts::deserialize(&answer)
            .map_err(|why| ClientError::Protocol(why.to_string()))?;
        Ok(Self { answer, facts })
    }
}

impl RestClient {
    /// Sends a direct message; the answer comes when it is durable in every recipient's mailbox.
    ///
    /// # Errors
    /// See [`ClientError`].
    pub async fn send_message(&self, new: &NewMessage) -> Result<Value, ClientError> {
        let path = ["v1", "messages"];
        self.post(&path, &new.fields(), new.key.clone()).await
    }

    /// A message and what has become of it.
    ///
    /// # Errors
    /// See [`ClientError`].
    pub async fn message(&self, id: MessageId) -> Result<Tracked, ClientError> {
        self.message_within(id, Duration::ZERO).await
    }

    /// Waits until a message has ended with every recipient, but only so long; `tell` hears of
    /// every look at it. A server that cannot be asked for a while is asked again.
    ///
    /// # Errors
    /// See [`ClientError`]; what may pass, only when it has not by then.
    pub async fn until_ended(
        &self,
        id: MessageId,
        until: Instant,
        looks: Looks,
        mut tell: impl FnMut(&MessageFacts),
    ) -> Result<Tracked, ClientError> {
        let mut back_off = BackOff::new(PAUSE_FIRST, PAUSE_MAX);
        let mut looked = 0;
        loop {
            let left = until.saturating_duration_since(Instant::now());
            let wait = left.min(longest_wait(looks, looked));
            looked += 1;
            let asked = Instant::now();
            match self.message_within(id, wait).await {
                Ok(tracked) => {
                    back_off.reset();
                    tell(&tracked.facts);
                    if left.is_zero() || tracked.facts.has_ended() {
                        return Ok(tracked);
                    }
                    // Whatever stands in between may not hold an answer back.
                    if asked.elapsed() < wait {
                        tokio::time::sleep(PAUSE_FIRST.min(left)).await;
                    }
                }
                Err(why) if why.may_pass() && !left.is_zero() => {
                    let pause = back_off.wait(why.retry_after_ms(), keys::jitter());
                    tokio::time::sleep(pause.min(left)).await;
                }
                Err(why) => return Err(why),
            }
        }
    }

    /// One look, which the server answers at the message's end or when the time is over.
    async fn message_within(&self, id: MessageId, wait: Duration) -> Result<Tracked, ClientError> {
        let id = id.to_string();
        let path = ["v1", "messages", &id];
        // Whole seconds, rounded up: a look that is over a little late costs nothing.
        let seconds = wait.as_millis().div_ceil(1_000);
        let query = [("wait", seconds.to_string())];
        let query = if seconds == 0 { &[][..] } else { &query };
        Tracked::read(self.get_later(&path, query, wait).await?)
    }

    /// Says how far one has come with a message.
    ///
    /// # Errors
    /// See [`ClientError`].
    pub async fn acknowledge(
        &self,
        id: MessageId,
        stage: AckStage,
        reason: Option<&Reason>,
    ) -> Result<Value, ClientError> {
        let id = id.to_string();
        let body = without_nulls(json!({ "stage": stage, "reason": reason }));
        self.post(&["v1", "messages", &id, "ack"], &body, None)
            .await
    }

    /// What waits in the mailbox, in order of delivery. It takes nothing.
    ///
    /// # Errors
    /// See [`ClientError`].
    pub async fn peek(&self, limit: u64) -> Result<Value, ClientError> {
        let query = [("peek", true.to_string()), ("limit", limit.to_string())];
        self.get(&["v1", "mailbox"], &query).await
    }
}

/// The first look is at once, so that whoever watches sees something.
fn longest_wait(looks: Looks, looked: u32) -> Duration {
    match looks {
        Looks::Seldom => limits::LONG_POLL_MAX,
        Looks::Often => Duration::from_secs(looked.into()).min(LOOK_EVERY_MAX),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::Token;
    use crate::client::tests::scripted::{Connection, Scripted, error, message, message_id, soon};

    /// For longer than a single request is repeated.
    #[tokio::test]
    async fn a_server_that_is_away_for_a_while_is_asked_again() {
        let away = (0..6).map(|_| Connection::Http(503, error(1606, true)));
        let mut done = message(1, "bob", 1);
        done["recipients"] = json!([{ "client": "bob", "stage": "done" }]);
        let back = [Connection::Http(200, done)];
        let server = Scripted::start(away.chain(back).collect()).await;
        let token = Token::from("a.b.c".to_owned());
        let rest = RestClient::new(&server.address, &token).expect("a client");
        let id = message_id(1).parse().expect("an id");
        let until = Instant::now() + Duration::from_secs(20);
        let waiting = rest.until_ended(id, until, Looks::Seldom, |_| {});
        let tracked = soon(waiting).await.expect("it is back");
        assert!(tracked.facts.has_ended());
    }

    #[test]
    fn looks_become_rarer() {
        let waits: Vec<_> = (0..8)
            .map(|looked| longest_wait(Looks::Often, looked).as_secs())
            .collect();
        assert_eq!(waits, [0, 1, 2, 3, 4, 5, 5, 5]);
        assert_eq!(longest_wait(Looks::Seldom, 0), limits::LONG_POLL_MAX);
    }
}
