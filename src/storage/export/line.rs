//! The lines of an export.

use std::borrow::Cow;

use bridge_core::command::{Fingerprint, Key};
use bridge_core::event::{Envelope, Stream};
use bridge_core::ports::{Record, StoreError};
use bridge_core::stored::{self, Sealed};
use bridge_core::{ClientId, Epoch, Seq, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::hex;
use crate::storage::view::WalkedRow;

/// The form of the lines.
pub(super) const VERSION: u32 = 1;

/// The first line.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Header {
    /// The form of the lines.
    pub(super) agent_bridge_export: u32,
    /// The life of the log that was exported.
    pub(super) epoch: Epoch,
}

impl Header {
    pub(super) const fn new(epoch: Epoch) -> Self {
        Self {
            agent_bridge_export: VERSION,
            epoch,
        }
    }
}

/// The last line.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Trailer {
    /// That it is the last one.
    pub(super) end: bool,
    /// How many streams there are.
    pub(super) streams: u64,
    /// How many records.
    pub(super) records: u64,
    /// Of all bytes in front of this line.
    pub(super) sha256: String,
}

impl Trailer {
    /// How it begins, and no record does.
    pub(super) const BEGINS: &str = "{\"end\":";
}

/// A record.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RecordLine<'a> {
    /// `room:Den`, in its creator's spelling.
    pub(super) stream: String,
    pub(super) seq: u64,
    at_ms: i64,
    by: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    key: Option<String>,
    /// What the key was used for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    fingerprint: Option<String>,
    kind: String,
    /// Whether effects of it on other streams are still to be brought about.
    pub(super) open: bool,
    checksum: u32,
    /// Its event's stored form, byte by byte: the checksum is over it.
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    body: Option<Cow<'a, RawValue>>,
    /// The same, where it cannot stand in a line as it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    body_text: Option<String>,
}

impl RecordLine<'static> {
    /// The line of a record, if it is what was written.
    pub(super) fn of(walked: WalkedRow, stream: &Stream) -> Result<Self, StoreError> {
        let checksum = walked.row.checksum();
        let text = String::from_utf8(walked.row.body().to_vec());
        let envelope = walked.row.into_envelope(stream)?;
        let corrupt = |why: &dyn std::fmt::Display| {
            StoreError::Corrupt(format!("log {stream} seq {}: {why}", envelope.seq))
        };
        let text = text.map_err(|why| corrupt(&why))?;
        let (body, body_text) = match as_it_is(&text) {
            Some(body) => (Some(Cow::Owned(body)), None),
            None => (None, Some(text)),
        };
        let key = envelope.key.as_ref();
        Ok(Self {
            stream: stream.to_string(),
            seq: envelope.seq.get(),
            at_ms: envelope.at.as_millis(),
            by: envelope.by.as_str().to_owned(),
            key: key.map(|key| key.word.as_str().to_owned()),
            fingerprint: key.map(|key| hex::text(&key.fingerprint.0)),
            kind: envelope.event.kind().to_owned(),
            open: walked.is_open,
            checksum: u32::try_from(checksum).map_err(|why| corrupt(&why))?,
            body,
            body_text,
        })
    }
}

impl RecordLine<'_> {
    /// The record, if it is what was exported.
    pub(super) fn into_record(self) -> Result<Record, String> {
        let named = self.stream.split_once(':');
        let stream = named.and_then(|(kind, name)| Stream::from_words(kind, name));
        let stream = stream.ok_or_else(|| format!("stream: {:?} is none", self.stream))?;
        let by = ClientId::from_stored(&self.by).map_err(|why| format!("by: {why}"))?;
        let key = self.key()?;
        let body = match (&self.body, &self.body_text) {
            (Some(body), None) => body.get().as_bytes(),
            (None, Some(text)) => text.as_bytes(),
            _ => return Err("it needs one of body and body_text".to_owned()),
        };
        let sealed = Sealed {
            stream: &stream,
            seq: Seq::new(self.seq),
            at: Timestamp::from_millis(self.at_ms),
            by: &by,
            key: key.as_ref(),
            kind: &self.kind,
            body,
        };
        if sealed.checksum() != self.checksum {
            return Err("checksum: the record is not what was written".to_owned());
        }
        let event = stored::decode_in(&stream, &self.kind, body);
        let event = event.map_err(|why| format!("body: {why}"))?;
        if self.open && !event.has_follow_up() {
            return Err("open: the record has no effects on other streams".to_owned());
        }
        let (seq, at) = (sealed.seq, sealed.at);
        let body = body.to_vec().into();
        let envelope = Envelope {
            stream,
            seq,
            at,
            by,
            key,
            event,
        };
        Ok(Record {
            envelope: envelope.into(),
            body,
        })
    }

    fn key(&self) -> Result<Option<Key>, String> {
        let (word, fingerprint) = match (&self.key, &self.fingerprint) {
            (None, None) => return Ok(None),
            (Some(word), Some(fingerprint)) => (word, fingerprint),
            _ => return Err("key: it comes with its fingerprint, or not at all".to_owned()),
        };
        let word = word.parse().map_err(|why| format!("key: {why}"))?;
        let bytes = hex::bytes(fingerprint).ok_or("fingerprint: not 64 digits of 0-9 a-f")?;
        Ok(Some(Key {
            word,
            fingerprint: Fingerprint(bytes),
        }))
    }
}

/// JSON that can stand in a line without a change of a byte.
fn as_it_is(text: &str) -> Option<Box<RawValue>> {
    if text.contains(['\n', '\r']) {
        return None;
    }
    let raw = RawValue::from_string(text.to_owned()).ok()?;
    (raw.get() == text).then_some(raw)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_stands_in_a_line_only_as_it_is() {
        for good in ["{}", "{\"a\": \"字 \\n\\u0000\"}", "[1.0,2e3]"] {
            assert_eq!(
                as_it_is(good).map(|raw| raw.get().to_owned()).as_deref(),
                Some(good)
            );
        }
        for bad in ["", " {}", "{}\n", "{\n}", "{", "{} {}"] {
            assert!(as_it_is(bad).is_none(), "{bad:?}");
        }
    }
}
