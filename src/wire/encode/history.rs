//! The stages of a message, as its sender reads them.

use bridge_core::event::{Envelope, Event, MessageStored};
use bridge_core::message::{Ending, Expiry, Failure, Stage, Via};
use bridge_core::{ClientId, MessageId};
use serde::Serialize;

use super::json;
use super::message::MessageBody;
use crate::wire::time;

/// A message with what became of it.
#[derive(Debug)]
pub struct MessageFacts<'a> {
    /// The record that stored it.
    pub stored: (&'a Envelope, &'a MessageStored),
    /// What became of it with each recipient that the reader may know of; none of a message to
    /// `all`.
    pub recipients: Vec<RecipientFacts<'a>>,
}

/// What became of a message with one recipient.
#[derive(Debug)]
pub struct RecipientFacts<'a> {
    /// Whose mailbox it is in.
    pub client: &'a ClientId,
    /// The records about it, the one that stored it first.
    pub records: Vec<&'a Envelope>,
}

#[derive(Serialize)]
struct Body<'a> {
    #[serde(flatten)]
    message: MessageBody<'a>,
    recipients: Vec<RecipientBody<'a>>,
}

#[derive(Serialize)]
struct RecipientBody<'a> {
    client: &'a ClientId,
    stage: Stage,
    at: String,
    attempts: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'static str>,
    history: Vec<StepBody<'a>>,
}

/// One step of a message's way. `stage` is `returned` when an attempt ended without a confirmation,
/// and `extended` when a lease goes on although the clock, which was set forward, has passed its end.
#[derive(Default, Serialize)]
struct StepBody<'a> {
    stage: &'static str,
    at: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    attempt: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    via: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    until: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    not_before: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reply: Option<MessageId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    failures: Option<Vec<FailureBody<'a>>>,
}

/// An attempt that failed.
#[derive(Debug, Serialize)]
pub(super) struct FailureBody<'a> {
    attempt: u32,
    at: String,
    reason: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<&'a str>,
}

impl<'a> FailureBody<'a> {
    pub(super) fn new(failure: &'a Failure) -> Self {
        Self {
            attempt: failure.attempt,
            at: time::to_text(failure.at),
            reason: failure.ending.as_str(),
            detail: failure.reason.as_deref(),
        }
    }
}

/// The JSON text of a message with its stages.
#[must_use]
pub fn history_text(facts: &MessageFacts<'_>) -> Vec<u8> {
    let (envelope, stored) = facts.stored;
    json(&Body {
        message: MessageBody::new(envelope, stored),
        recipients: facts.recipients.iter().map(recipient).collect(),
    })
}

fn recipient<'a>(facts: &'a RecipientFacts<'_>) -> RecipientBody<'a> {
    let mut body = RecipientBody {
        client: facts.client,
        stage: Stage::Stored,
        at: String::new(),
        attempts: 0,
        reason: None,
        history: Vec::new(),
    };
    for record in &facts.records {
        let Some((reached, step)) = step(record) else {
            continue;
        };
        if let Some(stage) = reached {
            body.stage = stage;
            body.at.clone_from(&step.at);
            body.reason = step.reason;
        }
        if let (Some(Stage::Delivered), Some(attempt)) = (reached, step.attempt) {
            body.attempts = attempt;
        }
        body.history.push(step);
    }
    body
}

/// What a record says of a message's way, and the stage that it reached thereby.
fn step(record: &Envelope) -> Option<(Option<Stage>, StepBody<'_>)> {
    let at = time::to_text(record.at);
    let step = |stage: Stage| StepBody {
        stage: stage.as_str(),
        at: at.clone(),
        ..StepBody::default()
    };
    Some(match &record.event {
        Event::MessageStored(_) => (Some(Stage::Stored), step(Stage::Stored)),
        Event::MessageDelivered(delivered) => {
            let step = StepBody {
                attempt: Some(delivered.attempt),
                via: Some(via(delivered.via)),
                until: Some(time::to_text(delivered.until)),
                ..step(Stage::Delivered)
            };
            (Some(Stage::Delivered), step)
        }
        Event::LeaseExtended(extended) => {
            let step = StepBody {
                stage: "extended",
                at: at.clone(),
                attempt: Some(extended.attempt),
                until: Some(time::to_text(extended.until)),
                ..StepBody::default()
            };
            (None, step)
        }
        Event::MessageReturned(returned) => {
            // One that had been seen is open again.
            let reached = returned.reopened.as_ref().map(|_| Stage::Delivered);
            let step = StepBody {
                stage: "returned",
                at: at.clone(),
                attempt: Some(returned.attempt),
                reason: Some(Ending::as_str(returned.ending)),
                detail: returned.reason.as_deref(),
                not_before: Some(time::to_text(returned.not_before)),
                ..StepBody::default()
            };
            (reached, step)
        }
        Event::MessageSeen(_) => (Some(Stage::Seen), step(Stage::Seen)),
        Event::MessageDone(done) => {
            let step = StepBody {
                reply: done.reply,
                ..step(Stage::Done)
            };
            (Some(Stage::Done), step)
        }
        Event::MessageExpired(expired) => {
            let step = StepBody {
                reason: Some(Expiry::as_str(expired.why)),
                ..step(Stage::Expired)
            };
            (Some(Stage::Expired), step)
        }
        Event::MessageDied(died) => {
            let step = StepBody {
                reason: Some("attempts"),
                failures: Some(died.failures.iter().map(FailureBody::new).collect()),
                ..step(Stage::Dead)
            };
            (Some(Stage::Dead), step)
        }
        _ => return None,
    })
}

const fn via(via: Via) -> &'static str {
    match via {
        Via::Session => "session",
        Via::Call => "call",
    }
}

/// The JSON text of a page of dead letters: records that ended messages so, with their mailboxes.
#[must_use]
pub fn dead_letters_text(letters: &[Envelope], next: Option<MessageId>) -> Vec<u8> {
    #[derive(Serialize)]
    struct Letter<'a> {
        id: MessageId,
        from: &'a ClientId,
        to: &'a str,
        at: String,
        failures: Vec<FailureBody<'a>>,
    }
    #[derive(Serialize)]
    struct List<'a> {
        items: Vec<Letter<'a>>,
        next: Option<MessageId>,
    }
    let items = letters.iter().filter_map(|record| match &record.event {
        Event::MessageDied(died) => Some(Letter {
            id: died.about.id,
            from: &died.about.from,
            to: record.stream.name(),
            at: time::to_text(record.at),
            failures: died.failures.iter().map(FailureBody::new).collect(),
        }),
        _ => None,
    });
    json(&List {
        items: items.collect(),
        next,
    })
}
