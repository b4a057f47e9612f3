//! Texts that people write, each with its bound, and the JSON that programs attach.

use std::fmt;
use std::ops::Deref;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

use crate::id;
use crate::limits;

/// Why a text was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidText {
    /// Nothing, or nothing but white space.
    #[error("must not be empty")]
    Empty,
    /// More characters than the bound.
    #[error("must be at most {max} characters, but has {len}")]
    TooLong {
        /// Characters given.
        len: usize,
        /// Characters allowed.
        max: usize,
    },
}

fn bounded(text: &str, max: usize, may_be_empty: bool) -> Result<Box<str>, InvalidText> {
    if !may_be_empty && text.trim().is_empty() {
        return Err(InvalidText::Empty);
    }
    // A character is at least one byte, so most texts are accepted without counting.
    if text.len() > max {
        let len = text.chars().count();
        if len > max {
            return Err(InvalidText::TooLong { len, max });
        }
    }
    Ok(text.into())
}

macro_rules! text_type {
    ($(#[$doc:meta])* $name:ident, $max:expr, empty: $empty:literal) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, Hash, Serialize)]
        #[serde(transparent)]
        pub struct $name(Box<str>);

        impl FromStr for $name {
            type Err = InvalidText;

            fn from_str(text: &str) -> Result<Self, InvalidText> {
                bounded(text, $max, $empty).map(Self)
            }
        }

        impl Deref for $name {
            type Target = str;

            fn deref(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Debug::fmt(&self.0, f)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
                id::parse_string(d)
            }
        }
    };
}

text_type! {
    /// What somebody says: 1–10,000 characters of any script.
    MessageText, limits::TEXT_CHARS_MAX, empty: false
}

text_type! {
    /// What a room or a channel is about: at most 256 characters, or nothing.
    Topic, limits::TOPIC_CHARS_MAX, empty: true
}

text_type! {
    /// Why somebody did something: at most 1,000 characters.
    Reason, limits::REASON_CHARS_MAX, empty: false
}

text_type! {
    /// What an argument rests on: a link, or the id of a file: at most 1,024 characters.
    Evidence, limits::EVIDENCE_CHARS_MAX, empty: false
}

impl Topic {
    /// No topic.
    #[must_use]
    pub fn none() -> Self {
        Self("".into())
    }
}

/// Any JSON that a program sends to a program; the broker keeps it and does not read it.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(transparent)]
pub struct Payload(Value);

/// A payload of more bytes than the bound, written compactly.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be at most {max} bytes as JSON, but has {len}")]
pub struct PayloadTooLarge {
    /// Bytes given.
    pub len: usize,
    /// Bytes allowed.
    pub max: usize,
}

impl Payload {
    /// Roughly how many bytes it holds.
    #[must_use]
    pub fn weight_bytes(&self) -> usize {
        weight_bytes(&self.0)
    }
}

impl TryFrom<Value> for Payload {
    type Error = PayloadTooLarge;

    fn try_from(value: Value) -> Result<Self, PayloadTooLarge> {
        let len = value.to_string().len();
        let max = limits::PAYLOAD_BYTES_MAX;
        if len > max {
            return Err(PayloadTooLarge { len, max });
        }
        Ok(Self(value))
    }
}

impl<'de> Deserialize<'de> for Payload {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        Value::deserialize(d)?
            .try_into()
            .map_err(serde::de::Error::custom)
    }
}

/// A JSON object that a program attaches to a message; the broker keeps it and does not read it.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(transparent)]
pub struct Metadata(Value);

/// Why a JSON value is not metadata.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidMetadata {
    /// A list, a number, …
    #[error("must be a JSON object")]
    NotAnObject,
    /// More bytes than the bound, written compactly.
    #[error("must be at most {max} bytes as JSON, but has {len}")]
    TooLarge {
        /// Bytes given.
        len: usize,
        /// Bytes allowed.
        max: usize,
    },
}

impl Metadata {
    /// Roughly how many bytes it holds.
    #[must_use]
    pub fn weight_bytes(&self) -> usize {
        weight_bytes(&self.0)
    }
}

fn weight_bytes(value: &Value) -> usize {
    let held = match value {
        Value::Null | Value::Bool(_) | Value::Number(_) => 0,
        Value::String(text) => text.len(),
        Value::Array(items) => items.iter().map(weight_bytes).sum(),
        Value::Object(fields) => fields.iter().map(|(k, v)| k.len() + weight_bytes(v)).sum(),
    };
    held + VALUE_BYTES
}

/// What a value takes beside its text. Snapshots keep such sums, so it is the same on every machine.
const VALUE_BYTES: usize = 32;

impl TryFrom<Value> for Metadata {
    type Error = InvalidMetadata;

    fn try_from(value: Value) -> Result<Self, InvalidMetadata> {
        if !value.is_object() {
            return Err(InvalidMetadata::NotAnObject);
        }
        let len = value.to_string().len();
        let max = limits::PAYLOAD_BYTES_MAX;
        if len > max {
            return Err(InvalidMetadata::TooLarge { len, max });
        }
        Ok(Self(value))
    }
}

impl<'de> Deserialize<'de> for Metadata {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        Value::deserialize(d)?
            .try_into()
            .map_err(serde::de::Error::custom)
    }
}

/// A room password's hash in PHC form, as the shell made it. Two equal ones are one password's.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct PasswordHash(Box<str>);

impl PasswordHash {
    /// Wraps a hash that the shell made.
    #[must_use]
    pub fn new(phc: &str) -> Self {
        Self(phc.into())
    }

    /// The hash, for the shell to verify a password against.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Hashes are not for logs.
impl fmt::Debug for PasswordHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PasswordHash(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_counted_in_characters() {
        let emoji = "🦀".repeat(limits::TEXT_CHARS_MAX);
        assert!(emoji.parse::<MessageText>().is_ok());
        let more = format!("{emoji}字");
        assert_eq!(
            more.parse::<MessageText>(),
            Err(InvalidText::TooLong {
                len: 10_001,
                max: 10_000
            })
        );
    }

    #[test]
    fn only_a_topic_may_be_empty() {
        assert_eq!("".parse::<MessageText>(), Err(InvalidText::Empty));
        assert_eq!(
            " \n\t\u{3000}".parse::<MessageText>(),
            Err(InvalidText::Empty)
        );
        assert_eq!("".parse::<Reason>(), Err(InvalidText::Empty));
        assert_eq!("".parse::<Topic>(), Ok(Topic::none()));
    }

    #[test]
    fn metadata_is_a_bounded_object() {
        assert!(Metadata::try_from(serde_json::json!({"a": [1, 2]})).is_ok());
        assert_eq!(
            Metadata::try_from(serde_json::json!([1])),
            Err(InvalidMetadata::NotAnObject)
        );
        let big = "x".repeat(limits::PAYLOAD_BYTES_MAX);
        assert!(matches!(
            Metadata::try_from(serde_json::json!({ "a": big })),
            Err(InvalidMetadata::TooLarge { .. })
        ));
    }

    #[test]
    fn a_hash_does_not_show_itself() {
        assert!(!format!("{:?}", PasswordHash::new("$argon2id$secret")).contains("secret"));
    }
}
