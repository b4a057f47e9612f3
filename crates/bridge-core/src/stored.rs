//! The form in which an event is kept, and the checksum that guards a record.
//!
//! Logs of every earlier version are read by this module. A bound of a type in `text` or `id` may
//! be widened, never narrowed: old records are parsed by the same rules.

use bytes::Bytes;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::command::Key;
use crate::event::{Event, Stream};
use crate::id::{ClientId, Seq, Timestamp};

/// A body that is not an event.
#[derive(Debug, thiserror::Error)]
pub enum DecodeError {
    /// Written by a newer version, or damaged.
    #[error("unknown kind of event {0:?}")]
    UnknownKind(String),
    /// Damaged.
    #[error("the body of the event {kind}: {why}")]
    BadBody {
        /// The event's kind.
        kind: String,
        /// What is wrong.
        why: serde_json::Error,
    },
    /// Damaged, or put there by somebody else.
    #[error("the event {kind} is none of a {stream}")]
    Elsewhere {
        /// The event's kind.
        kind: String,
        /// The kind of its stream.
        stream: &'static str,
    },
}

/// An event's stored form. Its kind is kept beside it.
#[must_use]
pub fn encode(event: &Event) -> Bytes {
    match event {
        Event::RoomCreated(e) => json(e),
        Event::MemberJoined(e) => json(e),
        Event::MemberLeft(e) => json(e),
        Event::MemberRemoved(e) => json(e),
        Event::RoleGranted(e) => json(e),
        Event::ChannelCreated(e) => json(e),
        Event::Posted(e) => json(e),
        Event::RoomClosed(e) => json(e),
        Event::PolicyChanged(e) => json(e),
        Event::Proposed(e) => json(e),
        Event::Voted(e) => json(e),
        Event::AmendmentProposed(e) => json(e),
        Event::AmendmentVoted(e) => json(e),
        Event::Amended(e) => json(e),
        Event::VetoWindowClosed(e) => json(e),
        Event::Decided(e) => json(e),
        Event::Withdrawn(e) => json(e),
        Event::Critiqued(e) => json(e),
        Event::Resolved(e) => json(e),
        Event::Waived(e) => json(e),
        Event::Argued(e) => json(e),
        Event::MailboxOpened(e) => json(e),
        Event::MessageStored(e) => json(e),
        Event::MessageDelivered(e) => json(e),
        Event::LeaseExtended(e) => json(e),
        Event::MessageReturned(e) => json(e),
        Event::MessageSeen(e) => json(e),
        Event::MessageDone(e) => json(e),
        Event::MessageExpired(e) => json(e),
        Event::MessageDied(e) => json(e),
        Event::ReceiptKept(e) => json(e),
        Event::ReceiptsTold(e) => json(e),
        Event::BroadcastsRead(e) => json(e),
    }
}

fn json(event: &impl Serialize) -> Bytes {
    serde_json::to_vec(event)
        .expect("no map key of an event is anything but a string")
        .into()
}

/// An event of a stream from its stored form.
///
/// # Errors
/// When the kind is unknown, the body is not of that kind, or no such stream has it.
pub fn decode_in(stream: &Stream, kind: &str, body: &[u8]) -> Result<Event, DecodeError> {
    let event = decode(kind, body)?;
    if event.belongs_to(stream) {
        return Ok(event);
    }
    Err(DecodeError::Elsewhere {
        kind: kind.to_owned(),
        stream: stream.kind(),
    })
}

/// An event from its stored form.
///
/// # Errors
/// When the kind is unknown or the body is not of that kind.
pub fn decode(kind: &str, body: &[u8]) -> Result<Event, DecodeError> {
    Ok(match kind {
        "room_created" => Event::RoomCreated(parse(kind, body)?),
        "member_joined" => Event::MemberJoined(parse(kind, body)?),
        "member_left" => Event::MemberLeft(parse(kind, body)?),
        "member_removed" => Event::MemberRemoved(parse(kind, body)?),
        "role_granted" => Event::RoleGranted(parse(kind, body)?),
        "channel_created" => Event::ChannelCreated(parse(kind, body)?),
        "posted" => Event::Posted(parse(kind, body)?),
        "room_closed" => Event::RoomClosed(parse(kind, body)?),
        "policy_changed" => Event::PolicyChanged(parse(kind, body)?),
        "proposed" => Event::Proposed(parse(kind, body)?),
        "voted" => Event::Voted(parse(kind, body)?),
        "amendment_proposed" => Event::AmendmentProposed(parse(kind, body)?),
        "amendment_voted" => Event::AmendmentVoted(parse(kind, body)?),
        "amended" => Event::Amended(parse(kind, body)?),
        "veto_window_closed" => Event::VetoWindowClosed(parse(kind, body)?),
        "decided" => Event::Decided(parse(kind, body)?),
        "withdrawn" => Event::Withdrawn(parse(kind, body)?),
        "critiqued" => Event::Critiqued(parse(kind, body)?),
        "resolved" => Event::Resolved(parse(kind, body)?),
        "waived" => Event::Waived(parse(kind, body)?),
        "argued" => Event::Argued(parse(kind, body)?),
        "mailbox_opened" => Event::MailboxOpened(parse(kind, body)?),
        "message_stored" => Event::MessageStored(parse(kind, body)?),
        "message_delivered" => Event::MessageDelivered(parse(kind, body)?),
        "lease_extended" => Event::LeaseExtended(parse(kind, body)?),
        "message_returned" => Event::MessageReturned(parse(kind, body)?),
        "message_seen" => Event::MessageSeen(parse(kind, body)?),
        "message_done" => Event::MessageDone(parse(kind, body)?),
        "message_expired" => Event::MessageExpired(parse(kind, body)?),
        "message_died" => Event::MessageDied(parse(kind, body)?),
        "receipt_kept" => Event::ReceiptKept(parse(kind, body)?),
        "receipts_told" => Event::ReceiptsTold(parse(kind, body)?),
        "broadcasts_read" => Event::BroadcastsRead(parse(kind, body)?),
        _ => return Err(DecodeError::UnknownKind(kind.to_owned())),
    })
}

fn parse<T: DeserializeOwned>(kind: &str, body: &[u8]) -> Result<T, DecodeError> {
    serde_json::from_slice(body).map_err(|why| DecodeError::BadBody {
        kind: kind.to_owned(),
        why,
    })
}

/// What a checksum covers: everything that a record says.
#[derive(Debug, Clone, Copy)]
pub struct Sealed<'a> {
    /// Whose log it is in.
    pub stream: &'a Stream,
    /// Where.
    pub seq: Seq,
    /// When.
    pub at: Timestamp,
    /// By whom.
    pub by: &'a ClientId,
    /// Under which key.
    pub key: Option<&'a Key>,
    /// The event's kind.
    pub kind: &'a str,
    /// Its stored form.
    pub body: &'a [u8],
}

impl Sealed<'_> {
    /// CRC-32 over all parts, each with its length, so that no part can flow into the next.
    #[must_use]
    pub fn checksum(&self) -> u32 {
        let mut crc = crc32fast::Hasher::new();
        let mut part = |bytes: &[u8]| {
            crc.update(&(bytes.len() as u64).to_le_bytes());
            crc.update(bytes);
        };
        part(self.stream.kind().as_bytes());
        part(self.stream.name().as_bytes());
        part(&self.seq.get().to_le_bytes());
        part(&self.at.as_millis().to_le_bytes());
        part(self.by.as_str().as_bytes());
        if let Some(key) = self.key {
            part(key.word.as_str().as_bytes());
            part(&key.fingerprint.0);
        }
        part(self.kind.as_bytes());
        part(self.body);
        crc.finalize()
    }
}

#[cfg(test)]
mod tests;
