//! A frame of the server, as far as a trial looks at it. Nothing of it is copied, so that a client
//! of many sessions is not what is measured.

use std::borrow::Cow;

use serde::Deserialize;

/// Any frame. What a kind of frame does not have is `None`.
#[derive(Debug, Deserialize)]
pub(super) struct Heard<'a> {
    #[serde(rename = "type")]
    pub(super) kind: &'a str,
    #[serde(borrow, default)]
    pub(super) id: Option<Cow<'a, str>>,
    #[serde(borrow, default, rename = "ref")]
    pub(super) reference: Option<Cow<'a, str>>,
    #[serde(default)]
    pub(super) seq: Option<u64>,
    #[serde(borrow, default)]
    pub(super) code: Option<Code<'a>>,
    #[serde(default)]
    pub(super) retry_after_ms: Option<u64>,
}

/// Why something ended or was refused.
#[derive(Debug, PartialEq, Eq, Deserialize)]
#[serde(untagged)]
pub(super) enum Code<'a> {
    /// Of `bye`.
    Number(u64),
    /// Of `rejected`.
    Word(&'a str),
}

impl<'a> Heard<'a> {
    pub(super) fn read(text: &'a [u8]) -> Result<Self, String> {
        serde_json::from_slice(text).map_err(|why| {
            let begin = String::from_utf8_lossy(&text[..text.len().min(200)]);
            format!("a frame is not understood: {why}: {begin}")
        })
    }

    /// The number of a `bye`.
    pub(super) fn bye(&self) -> Option<u64> {
        match self.code {
            Some(Code::Number(number)) if self.kind == "bye" => Some(number),
            _ => None,
        }
    }

    /// The code of a refusal.
    pub(super) fn refusal(&self) -> Option<&str> {
        match self.code {
            Some(Code::Word(word)) if self.kind == "rejected" => Some(word),
            _ => None,
        }
    }
}

/// What stands at the beginning of an event. The rest may be long, and is not looked at.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Glance<'a> {
    pub(super) seq: u64,
    /// A post's, when it has no characters that are escaped.
    pub(super) text: Option<&'a str>,
}

/// Enough for a room's name and a short text.
const GLANCE_BYTES: usize = 512;

impl<'a> Glance<'a> {
    /// `None` when it is no event.
    pub(super) fn at(text: &'a [u8]) -> Option<Self> {
        let begin = &text[..text.len().min(GLANCE_BYTES)];
        // Our server names the type first. If that changes, nothing is found, which is loud.
        let begin = begin.strip_prefix(br#"{"type":"event","room":""#)?;
        let begin = match std::str::from_utf8(begin) {
            Ok(begin) => begin,
            Err(cut) => std::str::from_utf8(&begin[..cut.valid_up_to()]).ok()?,
        };
        let (_, seq) = begin.split_once(r#","seq":"#)?;
        let (seq, rest) = seq.split_once(',')?;
        let text = rest.split_once(r#","text":""#);
        let text = text.and_then(|(_, text)| Some(text.split_once('"')?.0));
        let seq = seq.parse().ok()?;
        Some(Self { seq, text })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_glance_is_enough_for_a_long_event() {
        let long = "x".repeat(2 * GLANCE_BYTES);
        let event = format!(
            r#"{{"type":"event","room":"r","seq":7,"at":"t","kind":"posted","text":"12","m":"{long}"}}"#
        );
        let found = Glance::at(event.as_bytes());
        let expected = Glance {
            seq: 7,
            text: Some("12"),
        };
        assert_eq!(found, Some(expected));
        let other = br#"{"type":"event","room":"r","seq":8,"kind":"member_left"}"#;
        assert_eq!(Glance::at(other), Some(Glance { seq: 8, text: None }));
        assert_eq!(Glance::at(br#"{"type":"bye","code":4002}"#), None);
    }

    #[test]
    fn frames_are_told_apart() {
        let event = br#"{"type":"event","room":"r","seq":7,"id":"msg_1","text":"a\nb","by":"x"}"#;
        let event = Heard::read(event).expect("an event");
        assert_eq!((event.kind, event.seq), ("event", Some(7)));
        assert_eq!((event.bye(), event.refusal()), (None, None));
        let bye = br#"{"type":"bye","code":4001,"reconnect":true,"retry_after_ms":1234}"#;
        let bye = Heard::read(bye).expect("a goodbye");
        assert_eq!((bye.bye(), bye.retry_after_ms), (Some(4001), Some(1234)));
        let rejected = br#"{"type":"rejected","ref":"9","code":"busy","number":1601}"#;
        let rejected = Heard::read(rejected).expect("a refusal");
        assert_eq!(rejected.refusal(), Some("busy"));
        assert!(Heard::read(b"nonsense").is_err());
    }
}
