//! Direct messages, as clients send and get them.

use bridge_core::message::{
    AckStage, Body, MessageKind, Outgoing, Priority, Recipients, ReplyWanted, Trace,
};
use bridge_core::text::{MessageText, Metadata, Payload, Reason};
use bridge_core::{ClientId, MessageId, Reject, Seq, limits};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The fields of `send`, and the body of `POST /v1/messages`.
#[derive(Debug, Clone, Deserialize)]
pub struct SendBody {
    /// To whom: a client, a list of clients, or `all`.
    pub to: Recipients,
    /// What it says to people.
    #[serde(default)]
    pub text: Option<MessageText>,
    /// What it says to programs; goes without `text`.
    #[serde(default)]
    pub payload: Option<Payload>,
    /// What it is for.
    #[serde(default)]
    pub kind: MessageKind,
    /// How urgent it is.
    #[serde(default)]
    pub priority: Priority,
    /// For how many seconds it may wait.
    #[serde(default)]
    pub ttl_seconds: Option<u32>,
    /// The message that it answers.
    #[serde(default)]
    pub reply_to: Option<MessageId>,
    /// Whether it wants an answer.
    #[serde(default)]
    pub expects_reply: bool,
    /// Within how many seconds; goes with `expects_reply`.
    #[serde(default)]
    pub deadline_seconds: Option<u32>,
    /// Whether a recipient that is not known yet is accepted.
    #[serde(default)]
    pub keep: bool,
    /// The trace of the message that this one follows from.
    #[serde(default)]
    pub trace: Option<Trace>,
    /// What the sender's program attached.
    #[serde(default)]
    pub metadata: Option<Metadata>,
}

impl SendBody {
    /// The message, with an id and a trace of the server's.
    ///
    /// # Errors
    /// Which field contradicts another, or is out of its bounds.
    pub fn into_message(self, id: MessageId, begun: Trace) -> Result<Outgoing, Reject> {
        let ttl_seconds = self.ttl_seconds()?;
        let expects_reply = self.reply_wanted(ttl_seconds)?;
        let body = match (self.text, self.payload) {
            (Some(text), None) => Body::Text(text),
            (None, Some(payload)) => Body::Payload(payload),
            (None, None) => return Err(Reject::field("text", "is missing; so is `payload`")),
            (Some(_), Some(_)) => return Err(Reject::field("payload", "goes without `text`")),
        };
        if self.kind == MessageKind::Notice {
            return Err(Reject::field("kind", "a notice is the server's own"));
        }
        fits_so_many(&self.to, &body, self.metadata.as_ref())?;
        Ok(Outgoing {
            id,
            to: self.to,
            body,
            kind: self.kind,
            priority: self.priority,
            ttl_seconds,
            reply_to: self.reply_to,
            expects_reply,
            keep: self.keep,
            trace_given: self.trace,
            trace: begun,
            metadata: self.metadata,
        })
    }

    fn ttl_seconds(&self) -> Result<u32, Reject> {
        let default = match self.to {
            Recipients::All => limits::BROADCAST_TTL_SECONDS_DEFAULT,
            Recipients::Clients(_) => limits::TTL_SECONDS_DEFAULT,
        };
        let seconds = self.ttl_seconds.unwrap_or(default);
        let max = limits::TTL_SECONDS_MAX;
        if (1..=max).contains(&seconds) {
            return Ok(seconds);
        }
        Err(Reject::field(
            "ttl_seconds",
            format!("must be from 1 to {max}"),
        ))
    }

    fn reply_wanted(&self, ttl_seconds: u32) -> Result<Option<ReplyWanted>, Reject> {
        let refuse = |why: String| Err(Reject::field("deadline_seconds", why));
        match (self.expects_reply, self.deadline_seconds) {
            (false, None) => Ok(None),
            (false, Some(_)) => refuse("goes with `expects_reply`".to_owned()),
            (true, Some(0)) => refuse("must be at least 1".to_owned()),
            (true, Some(seconds)) if seconds > ttl_seconds => refuse(format!(
                "must not be later than the end of the message itself, {ttl_seconds} seconds"
            )),
            (true, deadline_seconds) => Ok(Some(ReplyWanted { deadline_seconds })),
        }
    }
}

/// A large message to many is better said in a room, which keeps it once.
fn fits_so_many(to: &Recipients, body: &Body, metadata: Option<&Metadata>) -> Result<(), Reject> {
    let each = body.weight_bytes() + metadata.map_or(0, Metadata::weight_bytes);
    let copies = to.named().len();
    let max = limits::COPIES_BYTES_MAX;
    if each.saturating_mul(copies) <= max {
        return Ok(());
    }
    let why = format!(
        "names {copies} clients, which is too many for {each} bytes: at most {max} in all; say it \
         in a room, or share a file"
    );
    Err(Reject::field("to", why))
}

/// The fields of `ack`; `POST /v1/messages/{id}/ack` has the id in its path.
#[derive(Debug, Clone, Deserialize)]
pub struct AckBody {
    /// How far one has come with the message.
    pub stage: AckStage,
    /// What there is to say about it.
    #[serde(default)]
    pub reason: Option<Reason>,
}

/// The fields of `ack` as a frame.
#[derive(Debug, Clone, Deserialize)]
pub struct AckFrame {
    /// Which message.
    pub id: MessageId,
    /// How far one has come with it.
    pub stage: AckStage,
    /// What there is to say about it.
    #[serde(default)]
    pub reason: Option<Reason>,
}

/// A direct message, as a client reads it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Message {
    /// The message.
    pub id: MessageId,
    /// The record that stored it: of one's mailbox, or of the broadcast stream when it is to `all`.
    pub seq: Seq,
    /// Who sent it.
    pub from: String,
    /// To whom, all of them.
    pub to: Recipients,
    /// What it says to people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// What it says to programs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub payload: Option<Value>,
    /// What it is for.
    pub kind: MessageKind,
    /// How urgent it is.
    pub priority: Priority,
    /// The message that it answers.
    #[serde(default)]
    pub reply_to: Option<MessageId>,
    /// Whether it wants an answer.
    #[serde(default)]
    pub expects_reply: bool,
    /// Until when it waits for one.
    #[serde(default)]
    pub deadline: Option<String>,
    /// Which attempt to hand it over this is: 1 is the first. None for a message to `all`.
    #[serde(default)]
    pub attempt: Option<u32>,
    /// The chain that led to it.
    pub trace: String,
    /// When it was stored.
    pub at: String,
    /// Its time is over then.
    pub expires_at: String,
    /// What the sender's program attached.
    #[serde(default)]
    pub metadata: Option<Value>,
}

/// A message, or an acknowledgement, is durable.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct StoredBody {
    /// The request's word.
    #[serde(default, rename = "ref", skip_serializing_if = "Option::is_none")]
    pub reference: Option<String>,
    /// The message.
    pub id: MessageId,
    /// Since when.
    pub at: String,
    /// Whether this is the original answer to a repeated request.
    #[serde(default)]
    pub duplicate: bool,
}

/// What became of a message with one recipient.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReceiptBody {
    /// The message.
    pub id: MessageId,
    /// How far it has come.
    pub stage: bridge_core::message::Stage,
    /// With which recipient.
    pub by: ClientId,
    /// When.
    pub at: String,
    /// Why, when it ended without being done.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}
