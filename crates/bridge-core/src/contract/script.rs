//! Records written by hand.

use std::sync::Arc;

use serde_json::json;

use crate::command::{Fingerprint, Key};
use crate::event::{
    ChannelCreated, Envelope, Event, MemberJoined, MemberLeft, MemberRemoved, Posted, RoleGranted,
    RoomClosed, RoomCreated, Stream,
};
use crate::id::{
    ChannelName, ClientId, IdempotencyKey, Incarnation, MessageId, RoomId, Seq, Timestamp,
};
use crate::policy::{Policy, Role, RoleRule, Visibility, VoteWeight, Who};
use crate::ports::{Append, Record};
use crate::text::{MessageText, Metadata, PasswordHash, Reason, Topic};

/// Some day in November 2023, in milliseconds: wide enough to need eight bytes.
const BEGINNING: i64 = 1_700_000_000_123;

pub(super) fn room(name: &str) -> RoomId {
    name.parse().expect("a case writes valid room names")
}

pub(super) fn stream(name: &str) -> Stream {
    Stream::Room(room(name))
}

pub(super) fn client(name: &str) -> ClientId {
    ClientId::from_stored(name).expect("a case writes valid client names")
}

pub(super) fn channel(name: &str) -> ChannelName {
    name.parse().expect("a case writes valid channel names")
}

pub(super) fn text(text: &str) -> MessageText {
    text.parse().expect("a case writes valid texts")
}

pub(super) fn topic(topic: &str) -> Topic {
    topic.parse().expect("a case writes valid topics")
}

pub(super) fn reason(reason: &str) -> Option<Reason> {
    Some(reason.parse().expect("a case writes valid reasons"))
}

pub(super) fn metadata(value: serde_json::Value) -> Metadata {
    value.try_into().expect("a case writes valid metadata")
}

/// When the record at a position was accepted.
pub(super) fn at(seq: u64) -> Timestamp {
    let millis = i64::try_from(seq * 1_001).expect("a case has few records");
    Timestamp::from_millis(BEGINNING + millis)
}

/// The id of the message at a position: the same for every spelling of the room.
pub(super) fn message(room: &str, seq: u64) -> MessageId {
    let spelled = room.to_ascii_lowercase();
    let name = spelled
        .bytes()
        .fold(7_u64, |sum, b| sum.wrapping_mul(31) + u64::from(b));
    MessageId::from_uuid(uuid::Uuid::from_u128(
        u128::from(name) << 64 | u128::from(seq),
    ))
}

pub(super) fn record(room: &str, seq: u64, by: &str, event: Event) -> Envelope {
    record_of(stream(room), seq, by, event)
}

pub(super) fn record_of(stream: Stream, seq: u64, by: &str, event: Event) -> Envelope {
    Envelope {
        stream,
        seq: Seq::new(seq),
        at: at(seq),
        by: client(by),
        key: None,
        event,
    }
}

/// The record under a key. The fingerprint is of no particular command, and has bytes of every
/// sort: none of them may end it.
pub(super) fn keyed(word: &str, envelope: Envelope) -> Envelope {
    let word: IdempotencyKey = word.parse().expect("a case writes valid keys");
    let fingerprint = Fingerprint([
        0, 255, 1, 128, b'\'', b'"', 0, 7, 8, 9, 10, 13, 92, 37, 95, 0,
    ]);
    Envelope {
        key: Some(Key { word, fingerprint }),
        ..envelope
    }
}

pub(super) fn draft(envelopes: impl IntoIterator<Item = Envelope>) -> Append {
    let records = envelopes
        .into_iter()
        .map(|envelope| Record::new(Arc::new(envelope)));
    Append {
        incarnation: Incarnation::new(1),
        records: records.collect(),
    }
}

/// Ann says something in the room's first channel.
pub(super) fn said(room: &str, seq: u64, what: &str) -> Envelope {
    said_in(room, seq, "main", what)
}

pub(super) fn said_in(room: &str, seq: u64, where_: &str, what: &str) -> Envelope {
    let posted = Posted {
        id: message(room, seq),
        channel: channel(where_),
        text: text(what),
        reply_to: None,
        mentions: Vec::new(),
        metadata: None,
    };
    record(room, seq, "ann", Event::Posted(posted))
}

/// A post as a draft of its own.
pub(super) fn post(room: &str, seq: u64) -> Append {
    draft([said(room, seq, &format!("the record {seq} of {room}"))])
}

/// Ann makes a room and is in it: the records 1 and 2.
pub(super) fn founded(room: &str) -> Append {
    founded_as(room, Visibility::Open, None)
}

pub(super) fn founded_as(
    room: &str,
    visibility: Visibility,
    password: Option<PasswordHash>,
) -> Append {
    let policy = Policy {
        visibility,
        ..Policy::default()
    };
    let created = RoomCreated {
        topic: topic(&format!("about {room}")),
        policy,
        password,
    };
    let created = record(room, 1, "ann", Event::RoomCreated(created));
    draft([created, joined(room, 2, "ann")])
}

/// The same about something in particular.
pub(super) fn founded_about(room: &str, about: &str) -> Append {
    let created = RoomCreated {
        topic: topic(about),
        policy: Policy::default(),
        password: None,
    };
    let created = record(room, 1, "ann", Event::RoomCreated(created));
    draft([created, joined(room, 2, "ann")])
}

pub(super) fn joined(room: &str, seq: u64, who: &str) -> Envelope {
    let joined = MemberJoined {
        client: client(who),
        role: Role::Participant,
        weight: VoteWeight::from_milli(1_000),
        requested_role: None,
    };
    record(room, seq, who, Event::MemberJoined(joined))
}

pub(super) fn left(room: &str, seq: u64, who: &str) -> Envelope {
    record(
        room,
        seq,
        who,
        Event::MemberLeft(MemberLeft {
            client: client(who),
        }),
    )
}

pub(super) fn removed(room: &str, seq: u64, who: &str) -> Envelope {
    let removed = MemberRemoved {
        client: client(who),
        reason: None,
    };
    record(room, seq, "ann", Event::MemberRemoved(removed))
}

pub(super) fn granted(room: &str, seq: u64, who: &str) -> Envelope {
    let weight = VoteWeight::from_milli(1_500);
    let granted = RoleGranted {
        client: client(who),
        role: Role::Reviewer,
        weight,
    };
    record(room, seq, "ann", Event::RoleGranted(granted))
}

pub(super) fn closed(room: &str, seq: u64) -> Envelope {
    record(
        room,
        seq,
        "ann",
        Event::RoomClosed(RoomClosed { reason: None }),
    )
}

/// A room's log with every kind of event that one has, by authors of every spelling, with keys and without. Records
/// with all their fields and with none of the optional ones.
pub(super) fn one_of_each(room: &str) -> Vec<Envelope> {
    let given = RoleGranted {
        client: client("bob.dev"),
        role: Role::Coordinator,
        weight: VoteWeight::from_milli(2_000),
    };
    let design = ChannelCreated {
        channel: channel("設計"),
        topic: topic("Wie es aussieht"),
    };
    let thrown_out = MemberRemoved {
        client: client("cid"),
        reason: reason("spam,\nagain and again"),
    };
    let over = RoomClosed {
        reason: reason("done — готово"),
    };
    vec![
        keyed(
            "the first",
            record(room, 1, "Ann", Event::RoomCreated(strict_room())),
        ),
        joined(room, 2, "Ann"),
        keyed(
            "a wish",
            record(room, 3, "Bob.Dev", Event::MemberJoined(wish("Bob.Dev"))),
        ),
        record(room, 4, "ANN", Event::RoleGranted(given)),
        keyed(
            "design",
            record(room, 5, "ann", Event::ChannelCreated(design)),
        ),
        joined(room, 6, "cid"),
        record(room, 7, "ann", Event::MemberRemoved(thrown_out)),
        said(room, 8, "who is here?"),
        keyed(
            "an answer",
            record(room, 9, "bob.DEV", Event::Posted(answer(room))),
        ),
        left(room, 10, "ann"),
        granted(room, 11, "dora"),
        record(room, 12, "system", Event::RoomClosed(over)),
    ]
}

fn strict_room() -> RoomCreated {
    let policy = Policy {
        visibility: Visibility::Private,
        roles: RoleRule::Open,
        create_channels: Who::Coordinators,
        ..Policy::default()
    };
    let password = Some(PasswordHash::new(
        "$argon2id$v=19$m=1,t=1,p=1$c2FsdA$aGFzaA",
    ));
    RoomCreated {
        topic: topic("a topic"),
        policy,
        password,
    }
}

fn wish(who: &str) -> MemberJoined {
    MemberJoined {
        client: client(who),
        role: Role::Coder,
        weight: VoteWeight::from_milli(1_250),
        requested_role: Some(Role::Coordinator),
    }
}

fn answer(room: &str) -> Posted {
    Posted {
        id: message(room, 9),
        channel: channel("設計"),
        text: text("@bob.dev yes"),
        reply_to: Some(message(room, 8)),
        mentions: vec![client("BOB.dev"), client("ann")],
        metadata: Some(metadata(
            json!({"model": "m-1", "tokens": [1, 2.5, null, {"deep": true}]}),
        )),
    }
}
