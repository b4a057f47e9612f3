//! A question, and the wait for its answer.
//!
//! The answer is found by the question's own stages, and read by its id. The mailbox is never
//! opened: asking must not take the other messages that wait in it.

use std::time::Duration;

use bridge_core::MessageId;
use bridge_core::message::{ReplyWanted, Stage};
use serde::Deserialize;
use tokio::time::Instant;

use super::error::{ClientError, Unanswered};
use super::message::{MessageFacts, RecipientFacts};
use super::rest::{Looks, RestClient, Tracked};
use super::session::NewMessage;
use crate::wire::frame::StoredBody;

/// How much longer than the question itself its sender waits: it ends at the server's clock, and
/// the news of it is on its way for a while.
const GRACE: Duration = Duration::from_secs(10);

/// Asks one client, and waits for the answer. `tell` hears of every look at the question.
///
/// The answer stays in the mailbox until it is acknowledged.
///
/// # Errors
/// [`ClientError::Unanswered`] when none came, or whatever the server refused.
pub async fn ask(
    rest: &RestClient,
    question: &NewMessage,
    within: Duration,
    looks: Looks,
    mut tell: impl FnMut(&MessageFacts),
) -> Result<Tracked, ClientError> {
    let seconds = u32::try_from(within.as_secs()).unwrap_or(u32::MAX);
    let question = NewMessage {
        expects_reply: Some(ReplyWanted {
            deadline_seconds: Some(seconds),
        }),
        ..question.clone()
    };
    let answer = rest.send_message(&question).await?;
    let stored =
        StoredBody::deserialize(answer).map_err(|why| ClientError::Protocol(why.to_string()))?;
    let until = Instant::now() + within + GRACE;
    let tracked = rest.until_ended(stored.id, until, looks, &mut tell).await?;
    rest.message(reply(&tracked.facts, within)?).await
}

/// The id of the answer.
fn reply(facts: &MessageFacts, within: Duration) -> Result<MessageId, ClientError> {
    let Some(way) = facts.recipients.first() else {
        let why = "a question without a recipient".to_owned();
        return Err(ClientError::Protocol(why));
    };
    way.reply().ok_or_else(|| {
        ClientError::Unanswered(Box::new(Unanswered {
            id: facts.id,
            stage: way.stage,
            why: why_not(way, within),
        }))
    })
}

/// Why there is no answer, and how far the question came.
fn why_not(way: &RecipientFacts, within: Duration) -> String {
    let client = &way.client;
    let tries = match way.attempts {
        1 => "1 attempt".to_owned(),
        n => format!("{n} attempts"),
    };
    match way.stage {
        Stage::Done => format!(
            "{client} has finished with the question without an answer to it; one that is sent \
             later comes to your mailbox"
        ),
        Stage::Dead => format!(
            "the question is dead: {client} has not confirmed it in {tries}; \
             agent-bridge dead-letters says why"
        ),
        Stage::Stored | Stage::Delivered | Stage::Seen | Stage::Expired => format!(
            "no reply from {client} within {} s: {}; one that is sent later comes to your mailbox",
            within.as_secs(),
            reached(way),
        ),
    }
}

/// The last stage of a question before it ended.
fn reached(way: &RecipientFacts) -> String {
    let client = &way.client;
    let has = |stage: Stage| way.history.iter().any(|step| step.stage == stage.as_str());
    if has(Stage::Seen) {
        format!("{client} has seen the question")
    } else if has(Stage::Delivered) {
        format!("the question was delivered, and {client} has not confirmed it")
    } else {
        format!("the question is stored, and {client} has not come to get it")
    }
}

#[cfg(test)]
mod tests;
