//! The stored forms, to the letter. A log outlives every version that wrote it: what stands here
//! may be added to, and nothing of it may be changed.

use proptest::prelude::*;
use serde_json::json;
use uuid::Uuid;

use super::*;
use crate::command::Fingerprint;
use crate::event::{
    ChannelCreated, MemberJoined, MemberLeft, MemberRemoved, Posted, RoleGranted, RoomClosed,
    RoomCreated,
};
use crate::id::MessageId;
use crate::policy::{Policy, Role, RoleRule, Visibility, VoteWeight, Who};
use crate::text::{PasswordHash, Topic};

mod decisions;
mod mail;

/// An event, its kind and its body.
type Golden = (Event, &'static str, &'static str);

fn client(name: &str) -> ClientId {
    name.parse().unwrap()
}

fn message(n: u128) -> MessageId {
    MessageId::from_uuid(Uuid::from_u128(n))
}

/// The room that sets everything, and the room that sets nothing.
fn rooms() -> Vec<Golden> {
    let policy = Policy {
        visibility: Visibility::Private,
        roles: RoleRule::Open,
        create_channels: Who::Coordinators,
        ..Policy::default()
    };
    let password = Some(PasswordHash::new("$argon2id$v=19$x"));
    let strict = RoomCreated {
        topic: "topic \"1\"".parse().unwrap(),
        policy,
        password,
    };
    let policy = Policy {
        visibility: Visibility::Listed,
        ..Policy::default()
    };
    let plain = RoomCreated {
        topic: Topic::none(),
        policy,
        password: None,
    };
    vec![
        (
            Event::RoomCreated(strict),
            "room_created",
            r#"{"topic":"topic \"1\"","policy":{"visibility":"private","roles":"open","create_channels":"coordinators","weights":{"coordinator":2000,"reviewer":1500,"others":1000}},"password":"$argon2id$v=19$x"}"#,
        ),
        (
            Event::RoomCreated(plain),
            "room_created",
            r#"{"topic":"","policy":{"visibility":"listed","roles":"granted","create_channels":"members","weights":{"coordinator":2000,"reviewer":1500,"others":1000}}}"#,
        ),
    ]
}

fn members() -> Vec<Golden> {
    let joined = |requested_role| MemberJoined {
        client: client("Bob.Dev"),
        role: Role::Participant,
        weight: VoteWeight::from_milli(1_250),
        requested_role,
    };
    let removed = |reason| MemberRemoved {
        client: client("bob"),
        reason,
    };
    let weight = VoteWeight::from_milli(1_500);
    let granted = RoleGranted {
        client: client("bob"),
        role: Role::Reviewer,
        weight,
    };
    vec![
        (
            Event::MemberJoined(joined(Some(Role::Coordinator))),
            "member_joined",
            r#"{"client":"Bob.Dev","role":"participant","weight":1250,"requested_role":"coordinator"}"#,
        ),
        (
            Event::MemberJoined(joined(None)),
            "member_joined",
            r#"{"client":"Bob.Dev","role":"participant","weight":1250}"#,
        ),
        (
            Event::MemberLeft(MemberLeft {
                client: client("bob"),
            }),
            "member_left",
            r#"{"client":"bob"}"#,
        ),
        (
            Event::MemberRemoved(removed(Some("spam".parse().unwrap()))),
            "member_removed",
            r#"{"client":"bob","reason":"spam"}"#,
        ),
        (
            Event::MemberRemoved(removed(None)),
            "member_removed",
            r#"{"client":"bob"}"#,
        ),
        (
            Event::RoleGranted(granted),
            "role_granted",
            r#"{"client":"bob","role":"reviewer","weight":1500}"#,
        ),
    ]
}

fn talk() -> Vec<Golden> {
    let design = ChannelCreated {
        channel: "設計".parse().unwrap(),
        topic: "how it looks".parse().unwrap(),
    };
    let bare = Posted {
        id: message(1),
        channel: "main".parse().unwrap(),
        text: "hello 🦀\n\u{7}".parse().unwrap(),
        reply_to: None,
        mentions: Vec::new(),
        metadata: None,
    };
    let full = Posted {
        id: message(u128::MAX),
        reply_to: Some(message(1)),
        mentions: vec![client("ann"), client("Bob")],
        metadata: Some(json!({"b": 1, "a": [null, 2.5]}).try_into().unwrap()),
        ..bare.clone()
    };
    let reason = Some("done".parse().unwrap());
    vec![
        (
            Event::ChannelCreated(design),
            "channel_created",
            r#"{"channel":"設計","topic":"how it looks"}"#,
        ),
        (
            Event::Posted(full),
            "posted",
            r#"{"id":"msg_ffffffffffffffffffffffffffffffff","channel":"main","text":"hello 🦀\n\u0007","reply_to":"msg_00000000000000000000000000000001","mentions":["ann","Bob"],"metadata":{"a":[null,2.5],"b":1}}"#,
        ),
        (
            Event::Posted(bare),
            "posted",
            r#"{"id":"msg_00000000000000000000000000000001","channel":"main","text":"hello 🦀\n\u0007"}"#,
        ),
        (
            Event::RoomClosed(RoomClosed { reason }),
            "room_closed",
            r#"{"reason":"done"}"#,
        ),
        (
            Event::RoomClosed(RoomClosed { reason: None }),
            "room_closed",
            "{}",
        ),
    ]
}

fn golden() -> Vec<Golden> {
    [
        rooms(),
        members(),
        talk(),
        decisions::golden(),
        mail::golden(),
    ]
    .concat()
}

#[test]
fn every_event_has_its_stored_form() {
    for (event, kind, form) in golden() {
        assert_eq!(event.kind(), kind);
        assert_eq!(String::from_utf8_lossy(&encode(&event)), form, "{kind}");
        assert_eq!(decode(kind, form.as_bytes()).unwrap(), event, "{form}");
    }
}

#[test]
fn every_kind_is_among_them() {
    // A match, so that a new kind does not compile here until it has a form above.
    let number = |event: &Event| match event {
        Event::RoomCreated(_) => 0,
        Event::MemberJoined(_) => 1,
        Event::MemberLeft(_) => 2,
        Event::MemberRemoved(_) => 3,
        Event::RoleGranted(_) => 4,
        Event::ChannelCreated(_) => 5,
        Event::Posted(_) => 6,
        Event::RoomClosed(_) => 7,
        Event::MailboxOpened(_) => 8,
        Event::MessageStored(_) => 9,
        Event::MessageDelivered(_) => 10,
        Event::MessageReturned(_) => 11,
        Event::MessageSeen(_) => 12,
        Event::MessageDone(_) => 13,
        Event::MessageExpired(_) => 14,
        Event::MessageDied(_) => 15,
        Event::ReceiptKept(_) => 16,
        Event::ReceiptsTold(_) => 17,
        Event::BroadcastsRead(_) => 18,
        Event::LeaseExtended(_) => 19,
        Event::PolicyChanged(_) => 20,
        Event::Proposed(_) => 21,
        Event::Voted(_) => 22,
        Event::AmendmentProposed(_) => 23,
        Event::AmendmentVoted(_) => 24,
        Event::Amended(_) => 25,
        Event::VetoWindowClosed(_) => 26,
        Event::Decided(_) => 27,
        Event::Withdrawn(_) => 28,
        Event::Critiqued(_) => 29,
        Event::Resolved(_) => 30,
        Event::Waived(_) => 31,
        Event::Argued(_) => 32,
    };
    let mut kinds: Vec<_> = golden().iter().map(|(event, ..)| number(event)).collect();
    kinds.sort_unstable();
    kinds.dedup();
    assert_eq!(kinds, (0..33).collect::<Vec<_>>());
}

/// Spellings are part of the form, and names are equal without regard to case.
#[test]
fn names_are_read_back_as_they_were_written() {
    for (event, kind, form) in golden() {
        assert_eq!(
            encode(&decode(kind, form.as_bytes()).unwrap()),
            form.as_bytes(),
            "{event:?}"
        );
    }
}

#[test]
fn older_and_newer_forms_are_read() {
    // A policy from before it had any of its fields, and from before it had the last of them.
    let oldest = decode("room_created", br#"{"topic":"","policy":{}}"#).unwrap();
    let expected = RoomCreated {
        topic: Topic::none(),
        policy: Policy::default(),
        password: None,
    };
    assert_eq!(oldest, Event::RoomCreated(expected.clone()));
    let open = br#"{"topic":"","policy":{"visibility":"open"},"password":null}"#;
    assert_eq!(
        decode("room_created", open).unwrap(),
        Event::RoomCreated(expected)
    );
    // A field of a version that is not written yet.
    let left = decode("member_left", br#"{"client":"bob","mood":{"sad":true}}"#).unwrap();
    assert_eq!(
        left,
        Event::MemberLeft(MemberLeft {
            client: client("bob")
        })
    );
}

#[test]
fn what_is_no_event_is_refused_with_its_kind() {
    let cases = [
        ("posted", "{}"),
        ("posted", "[]"),
        ("posted", ""),
        ("posted", "{\"id\":\"msg_1\"}"),
        ("member_left", r#"{"client":"not a name"}"#),
        ("member_left", r#"{"client":"bob"} trailing"#),
        (
            "role_granted",
            r#"{"client":"bob","role":"king","weight":1}"#,
        ),
        ("message_stored", "{}"),
        ("message_seen", r#"{"message":1,"from":"ann","ends_at":1}"#),
        ("mailbox_opened", r#"{"client":"all","broadcasts_read":0}"#),
    ];
    for (kind, body) in cases {
        let why = decode(kind, body.as_bytes()).unwrap_err();
        assert!(why.to_string().contains(kind), "{why}");
    }
    for (stream, is_its) in [
        (Stream::Room("den".parse().unwrap()), true),
        (Stream::Mailbox("ann".parse().unwrap()), false),
        (Stream::Broadcast, false),
    ] {
        let closed = decode_in(&stream, "room_closed", b"{}");
        assert_eq!(closed.is_ok(), is_its, "{stream}");
        let read = decode_in(&stream, "broadcasts_read", br#"{"through":1}"#);
        assert_eq!(
            read.is_ok(),
            matches!(stream, Stream::Mailbox(_)),
            "{stream}"
        );
    }
    let why = decode("sang", b"{}").unwrap_err();
    assert_eq!(why.to_string(), r#"unknown kind of event "sang""#);
}

/// The parts of a sealed record, owned.
#[derive(Debug, Clone)]
struct Parts {
    stream: Stream,
    seq: Seq,
    at: Timestamp,
    by: ClientId,
    key: Option<Key>,
    kind: String,
    body: Vec<u8>,
}

impl Parts {
    fn of(event: &Event) -> Self {
        let fingerprint = Fingerprint([7; 16]);
        Self {
            stream: Stream::Room("Alpha".parse().unwrap()),
            seq: Seq::new(12),
            at: Timestamp::from_millis(1_700_000_000_123),
            by: client("ann"),
            key: Some(Key {
                word: "key-1".parse().unwrap(),
                fingerprint,
            }),
            kind: event.kind().to_owned(),
            body: encode(event).to_vec(),
        }
    }

    fn checksum(&self) -> u32 {
        let Self {
            stream,
            seq,
            at,
            by,
            key,
            kind,
            body,
        } = self;
        Sealed {
            stream,
            seq: *seq,
            at: *at,
            by,
            key: key.as_ref(),
            kind,
            body,
        }
        .checksum()
    }
}

fn flipped(bytes: &[u8], bit: usize) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    let bit = bit % (bytes.len() * 8);
    bytes[bit / 8] ^= 1 << (bit % 8);
    bytes
}

/// The same with one bit flipped, where that is still a text of its kind.
fn flipped_text<T: std::str::FromStr>(text: &str, bit: usize) -> Option<T> {
    String::from_utf8(flipped(text.as_bytes(), bit))
        .ok()?
        .parse()
        .ok()
}

/// Checksums stand in the log, so the recipe may not change.
#[test]
fn the_recipe_of_checksums_is_kept() {
    let left = Event::MemberLeft(MemberLeft {
        client: client("ann"),
    });
    let with_a_key = Parts::of(&left);
    let without = Parts {
        key: None,
        ..with_a_key.clone()
    };
    assert_eq!(
        (with_a_key.checksum(), without.checksum()),
        (833_805_561, 1_439_345_032)
    );
    let of = |stream| Parts {
        stream,
        ..with_a_key.clone()
    };
    let mailbox = of(Stream::Mailbox(client("Alpha")));
    let broadcast = of(Stream::Broadcast);
    assert_eq!(
        (mailbox.checksum(), broadcast.checksum()),
        (1_350_833_112, 791_608_322)
    );
}

/// A part cannot lend its end to the next one's beginning.
#[test]
fn parts_do_not_flow_into_each_other() {
    let left = Event::MemberLeft(MemberLeft {
        client: client("ann"),
    });
    let one = Parts {
        kind: "ab".to_owned(),
        body: b"c".to_vec(),
        ..Parts::of(&left)
    };
    let other = Parts {
        kind: "a".to_owned(),
        body: b"bc".to_vec(),
        ..Parts::of(&left)
    };
    assert_ne!(one.checksum(), other.checksum());
    let spelled = Parts {
        by: client("ANN"),
        ..Parts::of(&left)
    };
    assert_ne!(
        spelled.checksum(),
        Parts::of(&left).checksum(),
        "spelling is guarded, too"
    );
}

proptest! {
    #[test]
    fn any_flipped_bit_changes_the_checksum(which in 0_usize..1_000, bit in 0_usize..1 << 16) {
        let golden = golden();
        let parts = Parts::of(&golden[which % golden.len()].0);
        let sum = parts.checksum();
        let n = 1_u64 << (bit % 63);
        let mut others = vec![
            Parts { body: flipped(&parts.body, bit), ..parts.clone() },
            Parts { seq: Seq::new(parts.seq.get() ^ n), ..parts.clone() },
            Parts { at: Timestamp::from_millis(parts.at.as_millis() ^ (1 << (bit % 64))), ..parts.clone() },
            Parts { key: None, ..parts.clone() },
        ];
        let kind: Option<String> = flipped_text(&parts.kind, bit);
        others.extend(kind.map(|kind| Parts { kind, ..parts.clone() }));
        let by: Option<ClientId> = flipped_text(parts.by.as_str(), bit);
        others.extend(by.map(|by| Parts { by, ..parts.clone() }));
        let room = flipped_text("Alpha", bit).map(Stream::Room);
        others.extend(room.map(|stream| Parts { stream, ..parts.clone() }));
        let word = flipped_text("key-1", bit);
        let fingerprint = Fingerprint([7; 16]);
        others.extend(word.map(|word| Parts { key: Some(Key { word, fingerprint }), ..parts.clone() }));
        let other_print = flipped(&[7; 16], bit).try_into().map(Fingerprint).unwrap();
        let word = "key-1".parse().unwrap();
        others.push(Parts { key: Some(Key { word, fingerprint: other_print }), ..parts.clone() });
        for other in others {
            prop_assert_ne!(other.checksum(), sum, "{:?}", other);
        }
    }
}
