use bridge_core::RejectCode;
use bridge_core::event::{Envelope, Event, Posted, RoomCreated, Stream};
use bridge_core::id::MessageId;
use bridge_core::policy::Policy;
use bridge_core::text::{PasswordHash, Topic};
use serde_json::{Value, json};

use super::*;

fn envelope(event: Event) -> Envelope {
    Envelope {
        stream: Stream::Room("Alpha".parse().unwrap()),
        seq: Seq::new(7),
        at: Timestamp::from_millis(1_795_335_330_250),
        by: "ann".parse().unwrap(),
        key: None,
        event,
    }
}

fn posted(text: &str) -> Envelope {
    envelope(Event::Posted(Posted {
        id: MessageId::from_uuid(uuid::Uuid::from_u128(1)),
        channel: "main".parse().unwrap(),
        text: text.parse().unwrap(),
        reply_to: None,
        mentions: vec!["bob".parse().unwrap()],
        metadata: None,
    }))
}

fn payload(frame: &[u8]) -> Value {
    let start = match frame[1] {
        126 => 4,
        127 => 10,
        _ => 2,
    };
    serde_json::from_slice(&frame[start..]).unwrap()
}

#[test]
fn an_event_is_flat_and_complete() {
    let text = event(&posted("hi @bob 🦀"));
    let expected = json!({
        "type": "event", "room": "Alpha", "seq": 7, "at": "2026-11-22T08:15:30.250Z",
        "by": "ann", "kind": "posted", "id": "msg_00000000000000000000000000000001",
        "channel": "main", "text": "hi @bob 🦀", "reply_to": null, "mentions": ["bob"],
        "metadata": null
    });
    assert_eq!(payload(&text.frame()), expected);
}

#[test]
fn the_answer_is_the_event_with_the_ref() {
    let text = event(&posted("hi"));
    let reference = Ref("a \"quoted\" word".into());
    let mut expected = payload(&text.frame());
    expected["ref"] = json!("a \"quoted\" word");
    assert_eq!(payload(&text.answer(Some(&reference), false)), expected);
    expected["duplicate"] = json!(true);
    assert_eq!(payload(&text.answer(Some(&reference), true)), expected);
    assert_eq!(text.answer(None, false), text.frame());
}

#[test]
fn a_password_hash_never_leaves() {
    let created = envelope(Event::RoomCreated(RoomCreated {
        topic: Topic::none(),
        policy: Policy::default(),
        password: Some(PasswordHash::new("$argon2id$secret")),
    }));
    let text = String::from_utf8(event(&created).as_bytes().to_vec()).unwrap();
    assert!(!text.contains("secret"), "{text}");
    assert!(text.contains("\"has_password\":true"), "{text}");
}

#[test]
fn frames_have_the_length_that_they_say() {
    for len in [0, 1, 125, 126, 65_535, 65_536] {
        let text = vec![b'x'; len];
        let frame = text_frame(&text);
        let (said, start) = match frame[1] {
            126 => (usize::from(u16::from_be_bytes([frame[2], frame[3]])), 4),
            127 => (
                u64::from_be_bytes(frame[2..10].try_into().unwrap()) as usize,
                10,
            ),
            short => (usize::from(short), 2),
        };
        assert_eq!((frame[0], said, frame.len() - start), (0x81, len, len));
    }
}

#[test]
fn a_long_reason_is_cut_between_characters() {
    let frame = close_frame(4002, &"é".repeat(200));
    assert!(frame.len() <= 127);
    assert!(std::str::from_utf8(&frame[4..]).is_ok());
}

#[test]
fn internals_stay_inside() {
    let reject = Reject::Internal {
        detail: "diesel: no such table".into(),
    };
    let text = payload(&rejected(None, &reject)).to_string();
    assert!(
        text.contains("\"number\":1900") && !text.contains("diesel"),
        "{text}"
    );
    assert_eq!(reject.code(), RejectCode::Internal);
}

#[test]
fn bye_is_a_frame_and_a_close_frame() {
    let bytes = bye(CloseReason::Slow);
    let len = usize::from(bytes[1]);
    let (start, len) = if len == 126 {
        (4, usize::from(u16::from_be_bytes([bytes[2], bytes[3]])))
    } else {
        (2, len)
    };
    let said: Bye = serde_json::from_slice(&bytes[start..start + len]).unwrap();
    assert_eq!((said.code, said.reconnect), (4002, true));
    let close = &bytes[start + len..];
    assert_eq!(
        (close[0], &close[2..4]),
        (0x88, &4002_u16.to_be_bytes()[..])
    );
}
