//! Names that people choose, and keys that programs choose.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::limits;

/// Names that mean something to the protocol and can be neither a client nor a room.
pub const RESERVED_NAMES: [&str; 3] = ["all", "me", "system"];

/// Why a text is not a name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidName {
    /// Nothing was given.
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
    /// A character outside `A-Z a-z 0-9 . _ -`.
    #[error("may only contain A-Z a-z 0-9 . _ -, but contains {0:?}")]
    BadCharacter(char),
    /// A control character or white space at an end, in a name of any script.
    #[error("must not contain control characters, nor begin or end with white space")]
    Unprintable,
    /// Hidden-file style names are refused, because names become paths in backups and exports.
    #[error("must not begin with a dot")]
    LeadingDot,
    /// One of [`RESERVED_NAMES`].
    #[error("{0:?} is a reserved name")]
    Reserved(String),
}

/// An ASCII name that is kept as it was written and compared without regard to case.
#[derive(Clone)]
struct Name(Arc<str>);

impl Name {
    fn parse(text: &str) -> Result<Self, InvalidName> {
        let len = text.chars().count();
        if len == 0 {
            return Err(InvalidName::Empty);
        }
        if len > limits::NAME_CHARS_MAX {
            return Err(InvalidName::TooLong {
                len,
                max: limits::NAME_CHARS_MAX,
            });
        }
        if let Some(bad) = text.chars().find(|c| !is_name_char(*c)) {
            return Err(InvalidName::BadCharacter(bad));
        }
        if text.starts_with('.') {
            return Err(InvalidName::LeadingDot);
        }
        if RESERVED_NAMES.iter().any(|r| r.eq_ignore_ascii_case(text)) {
            return Err(InvalidName::Reserved(text.to_owned()));
        }
        Ok(Self(text.into()))
    }

    fn bytes_folded(&self) -> impl Iterator<Item = u8> + '_ {
        self.0.bytes().map(|b| b.to_ascii_lowercase())
    }
}

/// Whether a character may stand in the name of a client or a room.
pub(crate) fn is_name_char(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-')
}

impl PartialEq for Name {
    fn eq(&self, other: &Self) -> bool {
        self.0.eq_ignore_ascii_case(&other.0)
    }
}

impl Eq for Name {}

impl Hash for Name {
    fn hash<H: Hasher>(&self, state: &mut H) {
        for byte in self.bytes_folded() {
            state.write_u8(byte);
        }
        state.write_u8(0xff);
    }
}

impl Ord for Name {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.bytes_folded().cmp(other.bytes_folded())
    }
}

impl PartialOrd for Name {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

macro_rules! name_type {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        ///
        /// 1–64 of `A-Z a-z 0-9 . _ -`, not beginning with a dot, not reserved. It keeps the
        /// spelling it was given, and compares without regard to case.
        #[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(Name);

        impl $name {
            /// The name as it was written.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0.0
            }

            /// The spelling under which the name is unique: lower case.
            #[must_use]
            pub fn folded(&self) -> String {
                self.0.0.to_ascii_lowercase()
            }
        }

        impl FromStr for $name {
            type Err = InvalidName;

            fn from_str(text: &str) -> Result<Self, InvalidName> {
                Name::parse(text).map(Self)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
                s.serialize_str(self.as_str())
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
                parse_string(d)
            }
        }
    };
}

name_type! {
    /// Who acts: a human, an agent or a service.
    ClientId
}

name_type! {
    /// A place with members, channels and one ordered log.
    RoomId
}

impl ClientId {
    /// The server itself, as the author of what follows from somebody else's action. The name is
    /// reserved, so no token can ever carry it.
    #[must_use]
    pub fn system() -> Self {
        Self(Name("system".into()))
    }

    /// Reads an author back from the log, where [`ClientId::system`] is allowed.
    ///
    /// # Errors
    /// When the text is not a name.
    pub fn from_stored(text: &str) -> Result<Self, InvalidName> {
        if text == "system" {
            return Ok(Self::system());
        }
        text.parse()
    }
}

/// A topic inside a room: 1–64 characters of any script, compared without regard to case.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ChannelName(Arc<str>);

impl ChannelName {
    /// The channel that every room has.
    #[must_use]
    pub fn main() -> Self {
        Self("main".into())
    }

    /// The name as it was written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The spelling under which the name is unique in its room: lower case, by Unicode's rules.
    #[must_use]
    pub fn folded(&self) -> String {
        self.0.to_lowercase()
    }
}

impl FromStr for ChannelName {
    type Err = InvalidName;

    fn from_str(text: &str) -> Result<Self, InvalidName> {
        printable(text, limits::NAME_CHARS_MAX).map(Self)
    }
}

/// A client's own word for one request, under which a repeat is recognised: 1–128 characters.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct IdempotencyKey(Arc<str>);

impl IdempotencyKey {
    /// The key as it was given. Keys are compared exactly.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for IdempotencyKey {
    type Err = InvalidName;

    fn from_str(text: &str) -> Result<Self, InvalidName> {
        printable(text, limits::KEY_CHARS_MAX).map(Self)
    }
}

fn printable(text: &str, max: usize) -> Result<Arc<str>, InvalidName> {
    let len = text.chars().count();
    if len == 0 {
        return Err(InvalidName::Empty);
    }
    if len > max {
        return Err(InvalidName::TooLong { len, max });
    }
    if text.chars().any(char::is_control) || text.trim() != text {
        return Err(InvalidName::Unprintable);
    }
    Ok(text.into())
}

macro_rules! text_traits {
    ($name:ident) => {
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
                s.serialize_str(&self.0)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
                parse_string(d)
            }
        }
    };
}

text_traits!(ChannelName);
text_traits!(IdempotencyKey);

/// Deserializes through `FromStr`, so that a name has one set of rules and one set of sentences.
pub(crate) fn parse_string<'de, D, T>(d: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: FromStr<Err: fmt::Display>,
{
    struct Visitor<T>(std::marker::PhantomData<T>);

    impl<T: FromStr<Err: fmt::Display>> serde::de::Visitor<'_> for Visitor<T> {
        type Value = T;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a string")
        }

        fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<T, E> {
            text.parse().map_err(E::custom)
        }
    }

    d.deserialize_str(Visitor(std::marker::PhantomData))
}

/// Deserializes the author of something: [`ClientId::system`] is allowed, as in the log.
pub(crate) fn author<'de, D: Deserializer<'de>>(d: D) -> Result<ClientId, D::Error> {
    struct Author(ClientId);

    impl FromStr for Author {
        type Err = InvalidName;

        fn from_str(text: &str) -> Result<Self, InvalidName> {
            ClientId::from_stored(text).map(Self)
        }
    }

    parse_string(d).map(|Author(client)| client)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_keep_their_spelling_and_ignore_case() {
        let written: RoomId = "Alpha.Team-1".parse().expect("a valid name");
        let other: RoomId = "alpha.team-1".parse().expect("a valid name");
        assert_eq!(written, other);
        assert_eq!(written.as_str(), "Alpha.Team-1");
        assert_eq!(written.folded(), "alpha.team-1");
        let set: std::collections::HashSet<_> = [written, other].into();
        assert_eq!(set.len(), 1);
    }

    #[test]
    fn bad_names_say_why() {
        let cases = [
            ("", InvalidName::Empty),
            (".hidden", InvalidName::LeadingDot),
            ("a b", InvalidName::BadCharacter(' ')),
            ("café", InvalidName::BadCharacter('é')),
            ("a/../b", InvalidName::BadCharacter('/')),
            ("ALL", InvalidName::Reserved("ALL".into())),
            ("system", InvalidName::Reserved("system".into())),
        ];
        for (text, why) in cases {
            assert_eq!(text.parse::<ClientId>(), Err(why), "{text:?}");
        }
        let long = "x".repeat(65);
        assert_eq!(
            long.parse::<ClientId>(),
            Err(InvalidName::TooLong { len: 65, max: 64 })
        );
        assert!("x".repeat(64).parse::<ClientId>().is_ok());
    }

    #[test]
    fn only_the_log_may_say_system() {
        assert_eq!(ClientId::from_stored("system"), Ok(ClientId::system()));
        assert!("System".parse::<ClientId>().is_err());
    }

    #[test]
    fn channels_are_of_any_script() {
        for name in ["général", "設計", "🚀 launch", "main"] {
            assert!(name.parse::<ChannelName>().is_ok(), "{name:?}");
        }
        for name in ["", " padded", "line\nbreak", &"字".repeat(65)] {
            assert!(name.parse::<ChannelName>().is_err(), "{name:?}");
        }
        assert_eq!(
            "ÉCOLE".parse::<ChannelName>().map(|c| c.folded()),
            Ok("école".to_owned())
        );
    }
}
