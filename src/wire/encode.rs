//! Types become bytes: JSON texts, and WebSocket frames around them.
//!
//! An event is encoded once; every receiver gets the same bytes. Only the one who caused it gets a
//! frame of its own, made from the same text with its `ref` added.

mod decision;
mod event;
mod framing;
mod history;
mod list;
mod mailbox;
mod message;
mod room;
mod todo;

use std::collections::BTreeMap;

use bridge_core::room::RoomView;
use bridge_core::session::CloseReason;
use bridge_core::{ClientId, Epoch, Reject, RoomId, Seq, SessionId, Timestamp, limits};
use bytes::Bytes;
use serde::Serialize;

use super::codes;
use super::frame::{Bye, Ref, Rejected, ResumedBody};
use super::time;

pub use decision::{critiques_text, decision_text, decisions_text};
pub use event::{EventText, event};
pub use framing::{close_frame, ping_frame, pong_frame, text_frame};
pub use history::{MessageFacts, RecipientFacts, dead_letters_text, history_text};
pub use list::{ListFacts, list_text, thread_page_text};
pub use mailbox::{MailboxFacts, mailbox_text};
pub use message::{Receipt, message_text, receipt, receipt_body, stored, stored_body};
pub use room::{channels_text, room_text};
pub use todo::{TodoItem, TodoWhat, todo_text};

/// JSON text of something that is made of strings, numbers and lists.
pub(crate) fn json(value: &impl Serialize) -> Vec<u8> {
    serde_json::to_vec(value).expect("the wire's own types have string keys and finite numbers")
}

fn framed(value: &impl Serialize) -> Bytes {
    text_frame(&json(value))
}

fn word(reference: Option<&Ref>) -> Option<&str> {
    reference.map(|Ref(text)| &**text)
}

/// The answer to `ping`.
#[must_use]
pub fn pong(reference: Option<&Ref>, at: Timestamp) -> Bytes {
    #[derive(Serialize)]
    struct Pong<'a> {
        r#type: &'static str,
        #[serde(rename = "ref", skip_serializing_if = "Option::is_none")]
        reference: Option<&'a str>,
        at: String,
    }
    framed(&Pong {
        r#type: "pong",
        reference: word(reference),
        at: time::to_text(at),
    })
}

/// A refusal, as its fields.
#[must_use]
pub fn rejected_body(reference: Option<&Ref>, reject: &Reject) -> Rejected {
    let row = codes::reject(reject.code());
    Rejected {
        reference: word(reference).map(str::to_owned),
        code: row.word.to_owned(),
        number: row.number,
        message: reject.to_string(),
        temporary: reject.is_temporary(),
        retry_after_ms: row.retry_after_ms,
    }
}

/// The refusal of a request.
#[must_use]
pub fn rejected(reference: Option<&Ref>, reject: &Reject) -> Bytes {
    #[derive(Serialize)]
    struct Frame {
        r#type: &'static str,
        #[serde(flatten)]
        body: Rejected,
    }
    framed(&Frame {
        r#type: "rejected",
        body: rejected_body(reference, reject),
    })
}

/// Everything is as a request wants it already, and nothing was written.
#[must_use]
pub fn unchanged(reference: Option<&Ref>) -> Bytes {
    #[derive(Serialize)]
    struct Unchanged<'a> {
        r#type: &'static str,
        #[serde(rename = "ref", skip_serializing_if = "Option::is_none")]
        reference: Option<&'a str>,
    }
    framed(&Unchanged {
        r#type: "unchanged",
        reference: word(reference),
    })
}

/// The last words of a session, and the close frame behind them.
#[must_use]
pub fn bye(reason: CloseReason) -> Bytes {
    bye_with(reason, codes::close(reason).retry_after_ms)
}

/// The same, and when to come back, in milliseconds, instead of when everybody does.
#[must_use]
pub fn bye_until(reason: CloseReason, retry_after_ms: u64) -> Bytes {
    bye_with(reason, Some(retry_after_ms))
}

fn bye_with(reason: CloseReason, retry_after_ms: Option<u64>) -> Bytes {
    #[derive(Serialize)]
    struct Frame {
        r#type: &'static str,
        #[serde(flatten)]
        body: Bye,
    }
    let row = codes::close(reason);
    let body = Bye {
        code: row.number,
        reason: row.reason.to_owned(),
        reconnect: row.reconnect(),
        retry_after_ms,
    };
    let mut bytes = framed(&Frame {
        r#type: "bye",
        body,
    })
    .to_vec();
    bytes.extend_from_slice(&close_frame(row.number, row.reason));
    bytes.into()
}

/// Somebody came or went.
#[must_use]
pub fn presence(client: &ClientId, online: bool, room: &RoomId) -> Bytes {
    #[derive(Serialize)]
    struct Presence<'a> {
        r#type: &'static str,
        client: &'a ClientId,
        online: bool,
        rooms: [&'a RoomId; 1],
    }
    framed(&Presence {
        r#type: "presence",
        client,
        online,
        rooms: [room],
    })
}

/// What `welcome` says.
#[derive(Debug)]
pub struct WelcomeFacts<'a> {
    /// The session.
    pub session: SessionId,
    /// Whose it is.
    pub client: &'a ClientId,
    /// Which life of the log it is.
    pub epoch: Epoch,
    /// Between two pings.
    pub heartbeat_seconds: u64,
    /// What each room's resume can promise.
    pub resumed: &'a [(RoomId, ResumedBody)],
    /// What the resume of the messages to `all` can promise.
    pub broadcast: Option<&'a ResumedBody>,
}

/// The answer to `hello`.
#[must_use]
pub fn welcome(reference: Option<&Ref>, facts: &WelcomeFacts<'_>) -> Bytes {
    #[derive(Serialize)]
    struct Welcome<'a> {
        r#type: &'static str,
        #[serde(rename = "ref", skip_serializing_if = "Option::is_none")]
        reference: Option<&'a str>,
        session: SessionId,
        client: &'a ClientId,
        version: &'static str,
        epoch: Epoch,
        heartbeat_seconds: u64,
        limits: Limits,
        resumed: BTreeMap<&'a str, &'a ResumedBody>,
        #[serde(skip_serializing_if = "Option::is_none")]
        broadcast: Option<&'a ResumedBody>,
    }
    framed(&Welcome {
        r#type: "welcome",
        reference: word(reference),
        session: facts.session,
        client: facts.client,
        version: env!("CARGO_PKG_VERSION"),
        epoch: facts.epoch,
        heartbeat_seconds: facts.heartbeat_seconds,
        limits: Limits::CURRENT,
        resumed: facts
            .resumed
            .iter()
            .map(|(room, body)| (room.as_str(), body))
            .collect(),
        broadcast: facts.broadcast,
    })
}

/// The bounds that a client should know before it runs into them.
#[derive(Serialize)]
struct Limits {
    text_chars: usize,
    payload_bytes: usize,
    frame_bytes: usize,
    in_flight: usize,
    page: usize,
}

impl Limits {
    const CURRENT: Self = Self {
        text_chars: limits::TEXT_CHARS_MAX,
        payload_bytes: limits::PAYLOAD_BYTES_MAX,
        frame_bytes: limits::FRAME_BYTES_MAX,
        in_flight: limits::IN_FLIGHT_REQUESTS_MAX,
        page: limits::PAGE_RECORDS_MAX,
    };
}

/// What `joined` says besides the room.
#[derive(Debug)]
pub struct JoinedFacts {
    /// Which life of the log it is.
    pub epoch: Epoch,
    /// Whether everything since the client's cursor follows.
    pub complete: bool,
    /// The record that made it a member.
    pub seq: Seq,
    /// Now.
    pub at: Timestamp,
    /// Whether this is the original answer to a repeated request.
    pub duplicate: bool,
}

/// The answer to `join`.
#[must_use]
pub fn joined(reference: Option<&Ref>, view: &RoomView, facts: &JoinedFacts) -> Bytes {
    #[derive(Serialize)]
    struct Joined<'a> {
        r#type: &'static str,
        #[serde(rename = "ref", skip_serializing_if = "Option::is_none")]
        reference: Option<&'a str>,
        #[serde(skip_serializing_if = "std::ops::Not::not")]
        duplicate: bool,
        at: String,
        seq: Seq,
        complete: bool,
        #[serde(flatten)]
        room: room::RoomBody<'a>,
    }
    framed(&Joined {
        r#type: "joined",
        reference: word(reference),
        duplicate: facts.duplicate,
        at: time::to_text(facts.at),
        seq: facts.seq,
        complete: facts.complete,
        room: room::RoomBody::new(view, Some(facts.epoch)),
    })
}

#[cfg(test)]
mod tests;
