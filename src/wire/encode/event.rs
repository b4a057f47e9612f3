//! An event as JSON: the envelope's fields and the kind's own, flat.

mod decision;

use bridge_core::event::{Envelope, Event, Stream};
use bridge_core::policy::{Policy, Role};
use bridge_core::text::Metadata;
use bridge_core::{ClientId, MessageId, Seq};
use bytes::Bytes;
use serde::Serialize;

use super::{json, text_frame, word};
use crate::wire::frame::{PolicyBody, Ref};
use crate::wire::time;

/// The JSON text of an event, from which frames are made.
#[derive(Debug, Clone)]
pub struct EventText(Vec<u8>);

impl EventText {
    /// The text.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// The frame that every receiver gets.
    #[must_use]
    pub fn frame(&self) -> Bytes {
        text_frame(&self.0)
    }

    /// The frame for the one who caused it.
    #[must_use]
    pub fn answer(&self, reference: Option<&Ref>, duplicate: bool) -> Bytes {
        text_frame(&self.answer_text(reference, duplicate))
    }

    /// The text for the one who caused it.
    #[must_use]
    pub fn answer_text(&self, reference: Option<&Ref>, duplicate: bool) -> Vec<u8> {
        #[derive(Serialize)]
        struct Added<'a> {
            #[serde(rename = "ref", skip_serializing_if = "Option::is_none")]
            reference: Option<&'a str>,
            #[serde(skip_serializing_if = "std::ops::Not::not")]
            duplicate: bool,
        }
        let mut text = self.0.clone();
        append_fields(
            &mut text,
            &json(&Added {
                reference: word(reference),
                duplicate,
            }),
        );
        text
    }

    /// The text of a message in a thread.
    #[must_use]
    pub fn thread_text(&self, depth: u32) -> Vec<u8> {
        #[derive(Serialize)]
        struct Added {
            depth: u32,
        }
        let mut text = self.0.clone();
        append_fields(&mut text, &json(&Added { depth }));
        text
    }
}

/// Puts the fields of one JSON object at the end of another.
fn append_fields(object: &mut Vec<u8>, more: &[u8]) {
    if more == b"{}" {
        return;
    }
    object.pop();
    object.push(b',');
    object.extend_from_slice(&more[1..]);
}

/// Encodes an event of a room.
///
/// # Panics
/// When it is an event of another kind of stream: those are told in frames of their own, and
/// whoever asks for this one mixed up two logs.
#[must_use]
pub fn event(envelope: &Envelope) -> EventText {
    #[derive(Serialize)]
    struct Head<'a> {
        r#type: &'static str,
        room: &'a str,
        seq: Seq,
        at: String,
        by: &'a ClientId,
        kind: &'static str,
    }
    let Stream::Room(room) = &envelope.stream else {
        unreachable!("only rooms tell events, and {} is none", envelope.stream);
    };
    let mut text = json(&Head {
        r#type: "event",
        room: room.as_str(),
        seq: envelope.seq,
        at: time::to_text(envelope.at),
        by: &envelope.by,
        kind: envelope.event.kind(),
    });
    append_fields(&mut text, &fields(&envelope.event));
    EventText(text)
}

/// The kind's own fields. What the log keeps and nobody may see, the password's hash, is not among
/// them; that is why the log's own form is not used.
fn fields(event: &Event) -> Vec<u8> {
    match event {
        Event::RoomCreated(e) => json(&RoomCreated {
            topic: &e.topic,
            policy: policy(&e.policy),
            has_password: e.password.is_some(),
        }),
        Event::MemberJoined(e) => json(&MemberJoined {
            client: &e.client,
            role: e.role,
            weight: e.weight.as_f64(),
            requested_role: e.requested_role,
        }),
        Event::MemberLeft(e) => json(&MemberGone {
            client: &e.client,
            reason: None,
        }),
        Event::MemberRemoved(e) => json(&MemberGone {
            client: &e.client,
            reason: e.reason.as_deref(),
        }),
        Event::RoleGranted(e) => json(&RoleGranted {
            client: &e.client,
            role: e.role,
            weight: e.weight.as_f64(),
        }),
        Event::ChannelCreated(e) => json(&ChannelCreated {
            channel: e.channel.as_str(),
            topic: &e.topic,
        }),
        Event::Posted(e) => json(&Posted {
            id: e.id,
            channel: e.channel.as_str(),
            text: &e.text,
            reply_to: e.reply_to,
            mentions: &e.mentions,
            metadata: e.metadata.as_ref(),
        }),
        Event::RoomClosed(e) => json(&RoomClosed {
            reason: e.reason.as_deref(),
        }),
        Event::PolicyChanged(_)
        | Event::Proposed(_)
        | Event::Voted(_)
        | Event::AmendmentProposed(_)
        | Event::AmendmentVoted(_)
        | Event::Amended(_)
        | Event::VetoWindowClosed(_)
        | Event::Decided(_)
        | Event::Withdrawn(_)
        | Event::Critiqued(_)
        | Event::Resolved(_)
        | Event::Waived(_)
        | Event::Argued(_) => decision::fields(event),
        Event::MailboxOpened(_)
        | Event::MessageStored(_)
        | Event::MessageDelivered(_)
        | Event::LeaseExtended(_)
        | Event::MessageReturned(_)
        | Event::MessageSeen(_)
        | Event::MessageDone(_)
        | Event::MessageExpired(_)
        | Event::MessageDied(_)
        | Event::ReceiptKept(_)
        | Event::ReceiptsTold(_)
        | Event::BroadcastsRead(_) => unreachable!("no room decides on {}", event.kind()),
    }
}

fn policy(policy: &Policy) -> PolicyBody {
    policy.into()
}

#[derive(Serialize)]
struct RoomCreated<'a> {
    topic: &'a str,
    policy: PolicyBody,
    has_password: bool,
}

#[derive(Serialize)]
struct MemberJoined<'a> {
    client: &'a ClientId,
    role: Role,
    weight: f64,
    requested_role: Option<Role>,
}

#[derive(Serialize)]
struct MemberGone<'a> {
    client: &'a ClientId,
    reason: Option<&'a str>,
}

#[derive(Serialize)]
struct RoleGranted<'a> {
    client: &'a ClientId,
    role: Role,
    weight: f64,
}

#[derive(Serialize)]
struct ChannelCreated<'a> {
    channel: &'a str,
    topic: &'a str,
}

#[derive(Serialize)]
struct Posted<'a> {
    id: MessageId,
    channel: &'a str,
    text: &'a str,
    reply_to: Option<MessageId>,
    mentions: &'a [ClientId],
    metadata: Option<&'a Metadata>,
}

#[derive(Serialize)]
struct RoomClosed<'a> {
    reason: Option<&'a str>,
}
