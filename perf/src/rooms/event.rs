//! What a post says, and what is read from the event that it becomes.

use std::io::Write as _;

use serde::Deserialize;

use crate::frames::{Rare, Rejected, parsed};

/// What stands at the beginning of every text: enough to know which post it is and when it began.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Stamp {
    /// Which member of the room posted it.
    pub(super) sender: usize,
    /// How many that member had posted then, this one included.
    pub(super) number: u64,
    /// When it was posted, or should have been.
    pub(super) at: u64,
}

/// Writes the frame of a post. Every text has the same length, whatever its numbers are.
pub(super) fn post(out: &mut Vec<u8>, room: &str, client: &str, stamp: Stamp, text_bytes: usize) {
    const PADDING: u8 = b'x';
    let Stamp { sender, number, at } = stamp;
    out.clear();
    let begun = write!(
        out,
        r#"{{"type":"post","room":"{room}","key":"{client}-{number}","ref":"{number}","text":""#
    );
    let text = out.len();
    let begun = begun.and_then(|()| write!(out, "{sender} {number} {at} "));
    begun.expect("writing to a vector does not fail");
    out.resize(text + text_bytes, PADDING);
    out.extend_from_slice(br#""}"#);
}

/// The stamp of a text.
pub(super) fn stamp(text: &str) -> Option<Stamp> {
    let mut words = text.split(' ');
    Some(Stamp {
        sender: words.next()?.parse().ok()?,
        number: words.next()?.parse().ok()?,
        at: words.next()?.parse().ok()?,
    })
}

/// A frame from the server, as far as the measurement needs it. Nothing of it is copied.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Incoming<'a> {
    Posted(Posted<'a>),
    /// Another event of the room.
    Event {
        seq: u64,
    },
    Rejected(Rejected),
    /// The server ends the session.
    Bye(String),
    /// Nothing that matters here.
    Other,
}

/// A post that has become durable.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Posted<'a> {
    pub(super) seq: u64,
    pub(super) by: &'a str,
    pub(super) text: &'a str,
    pub(super) reference: Option<&'a str>,
    pub(super) duplicate: bool,
}

#[derive(Deserialize)]
struct Event<'a> {
    seq: u64,
    by: &'a str,
    kind: &'a str,
    #[serde(default)]
    text: Option<&'a str>,
    #[serde(default, rename = "ref")]
    reference: Option<&'a str>,
    #[serde(default)]
    duplicate: bool,
}

/// Reads a frame.
pub(super) fn read(frame: &[u8]) -> Result<Incoming<'_>, String> {
    // Our server names the type first. If that changes, this fails loudly, not slowly.
    if frame.starts_with(br#"{"type":"event""#) {
        return event(frame);
    }
    Ok(match parsed(frame)? {
        Rare::Rejected(rejected) => Incoming::Rejected(rejected),
        Rare::Bye(bye) => Incoming::Bye(bye.why()),
        Rare::Other => Incoming::Other,
    })
}

fn event(frame: &[u8]) -> Result<Incoming<'_>, String> {
    let event: Event<'_> = parsed(frame)?;
    Ok(match (event.kind, event.text) {
        ("posted", Some(text)) => Incoming::Posted(Posted {
            seq: event.seq,
            by: event.by,
            text,
            reference: event.reference,
            duplicate: event.duplicate,
        }),
        _ => Incoming::Event { seq: event.seq },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_post_is_json_with_a_text_of_the_wanted_length() {
        let mut out = b"left over".to_vec();
        for (number, at) in [(1, 0), (123_456, u64::MAX)] {
            let told = Stamp {
                sender: 1,
                number,
                at,
            };
            post(&mut out, "room-1", "ann", told, 300);
            let frame: serde_json::Value = serde_json::from_slice(&out).expect("JSON");
            let text = frame["text"].as_str().expect("a text");
            assert_eq!(text.len(), 300);
            assert_eq!(stamp(text), Some(told));
            assert_eq!(frame["key"], format!("ann-{number}"));
            assert_eq!(frame["ref"], number.to_string());
            assert_eq!(frame["room"], "room-1");
        }
        assert_eq!(stamp("hello"), None);
    }

    #[test]
    fn an_event_is_read_without_a_copy() {
        let frame = br#"{"type":"event","room":"r","seq":7,"at":"x","by":"ann","kind":"posted",
            "id":"msg_1","channel":"main","text":"1 2 3 xxx","reply_to":null,"mentions":[],
            "metadata":null,"ref":"2"}"#;
        let expected = Posted {
            seq: 7,
            by: "ann",
            text: "1 2 3 xxx",
            reference: Some("2"),
            duplicate: false,
        };
        assert_eq!(read(frame), Ok(Incoming::Posted(expected)));
        let other = br#"{"type":"event","room":"r","seq":8,"by":"ann","kind":"member_left"}"#;
        assert_eq!(read(other), Ok(Incoming::Event { seq: 8 }));
    }

    #[test]
    fn refusals_and_goodbyes_are_told_apart() {
        let rejected = br#"{"type":"rejected","ref":"9","code":"busy","retry_after_ms":200}"#;
        let expected = Rejected {
            code: "busy".into(),
            reference: Some("9".into()),
            retry_after_ms: Some(200),
        };
        assert_eq!(read(rejected), Ok(Incoming::Rejected(expected)));
        let bye = br#"{"type":"bye","code":4002,"reason":"slow","reconnect":true}"#;
        assert_eq!(read(bye), Ok(Incoming::Bye("bye 4002: slow".into())));
        assert_eq!(
            read(br#"{"type":"presence","client":"ann"}"#),
            Ok(Incoming::Other)
        );
        assert!(read(b"nonsense").is_err());
        assert!(read(br#"{"type":"event"}"#).is_err());
    }
}
