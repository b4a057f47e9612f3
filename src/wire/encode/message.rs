//! Direct messages, and what becomes of them, as JSON.

use bridge_core::event::{Envelope, Event, MessageStored};
use bridge_core::message::{Body, MessageKind, Priority, Recipients, Stage, Trace};
use bridge_core::text::{Metadata, Payload, Reason};
use bridge_core::{ClientId, MessageId, Seq, Timestamp};
use bytes::Bytes;
use serde::Serialize;

use super::{framed, json, word};
use crate::wire::frame::{ReceiptBody, Ref, StoredBody};
use crate::wire::time;

/// A message as its recipients, and its sender, see it.
#[derive(Serialize)]
pub(super) struct MessageBody<'a> {
    id: MessageId,
    #[serde(skip_serializing_if = "Option::is_none")]
    seq: Option<Seq>,
    from: &'a ClientId,
    to: &'a Recipients,
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    payload: Option<&'a Payload>,
    kind: MessageKind,
    priority: Priority,
    reply_to: Option<MessageId>,
    expects_reply: bool,
    deadline: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    attempt: Option<u32>,
    trace: Trace,
    at: String,
    expires_at: String,
    metadata: Option<&'a Metadata>,
}

impl<'a> MessageBody<'a> {
    pub(super) fn new(envelope: &'a Envelope, stored: &'a MessageStored) -> Self {
        let (text, payload) = match &stored.body {
            Body::Text(text) => (Some(&**text), None),
            Body::Payload(payload) => (None, Some(payload)),
        };
        Self {
            id: stored.id,
            seq: None,
            from: &envelope.by,
            to: &stored.to,
            text,
            payload,
            kind: stored.kind,
            priority: stored.priority,
            reply_to: stored.reply_to,
            expects_reply: stored.expects_reply,
            deadline: stored.deadline.map(time::to_text),
            attempt: None,
            trace: stored.trace,
            at: time::to_text(envelope.at),
            expires_at: time::to_text(stored.expires_at),
            metadata: stored.metadata.as_ref(),
        }
    }
}

/// The JSON text of a message that is handed over, or `None` when the record is of something else.
/// A message to `all` has no attempts.
#[must_use]
pub fn message_text(envelope: &Envelope, attempt: Option<u32>) -> Option<Vec<u8>> {
    #[derive(Serialize)]
    struct Frame<'a> {
        r#type: &'static str,
        #[serde(flatten)]
        body: MessageBody<'a>,
    }
    let Event::MessageStored(stored) = &envelope.event else {
        return None;
    };
    Some(json(&Frame {
        r#type: "message",
        body: MessageBody {
            seq: Some(envelope.seq),
            attempt,
            ..MessageBody::new(envelope, stored)
        },
    }))
}

/// The answer to `send` and to `ack`.
#[must_use]
pub fn stored(reference: Option<&Ref>, id: MessageId, at: Timestamp, duplicate: bool) -> Bytes {
    #[derive(Serialize)]
    struct Frame {
        r#type: &'static str,
        #[serde(flatten)]
        body: StoredBody,
    }
    framed(&Frame {
        r#type: "stored",
        body: stored_body(reference, id, at, duplicate),
    })
}

/// The same, as its fields.
#[must_use]
pub fn stored_body(
    reference: Option<&Ref>,
    id: MessageId,
    at: Timestamp,
    duplicate: bool,
) -> StoredBody {
    StoredBody {
        reference: word(reference).map(str::to_owned),
        id,
        at: time::to_text(at),
        duplicate,
    }
}

/// What became of a message with one recipient.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Receipt {
    /// The message.
    pub id: MessageId,
    /// How far it has come.
    pub stage: Stage,
    /// With which recipient.
    pub by: ClientId,
    /// When.
    pub at: Timestamp,
    /// Why, when it ended without being done.
    pub reason: Option<Reason>,
}

/// The frame that tells of it.
#[must_use]
pub fn receipt(receipt: &Receipt) -> Bytes {
    #[derive(Serialize)]
    struct Frame {
        r#type: &'static str,
        #[serde(flatten)]
        body: ReceiptBody,
    }
    framed(&Frame {
        r#type: "receipt",
        body: receipt_body(receipt),
    })
}

/// The same, as its fields.
#[must_use]
pub fn receipt_body(receipt: &Receipt) -> ReceiptBody {
    ReceiptBody {
        id: receipt.id,
        stage: receipt.stage,
        by: receipt.by.clone(),
        at: time::to_text(receipt.at),
        reason: receipt.reason.as_ref().map(ToString::to_string),
    }
}
