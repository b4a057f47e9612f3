//! Ids that the server gives: a prefix that says what it is, and a UUIDv7 that carries its time.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use uuid::Uuid;

/// A text that is not an id of the expected kind.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("must be an id such as {prefix}0192f0c1d2e37000a1b2c3d4e5f60718")]
pub struct InvalidId {
    prefix: &'static str,
}

macro_rules! prefixed_id {
    ($(#[$doc:meta])* $name:ident, $prefix:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(Uuid);

        impl $name {
            /// What stands before the digits.
            pub const PREFIX: &'static str = $prefix;

            /// An id from the shell's id source.
            #[must_use]
            pub const fn from_uuid(uuid: Uuid) -> Self {
                Self(uuid)
            }

            /// The sixteen bytes that a store keeps.
            #[must_use]
            pub const fn as_bytes(&self) -> &[u8; 16] {
                self.0.as_bytes()
            }

            /// An id from the sixteen bytes of a store; `None` when they are not sixteen.
            #[must_use]
            pub fn from_slice(bytes: &[u8]) -> Option<Self> {
                Uuid::from_slice(bytes).ok().map(Self)
            }
        }

        impl FromStr for $name {
            type Err = InvalidId;

            fn from_str(text: &str) -> Result<Self, InvalidId> {
                text.strip_prefix($prefix)
                    .filter(|digits| digits.len() == 32)
                    .and_then(|digits| Uuid::try_parse(digits).ok())
                    .map(Self)
                    .ok_or(InvalidId { prefix: $prefix })
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!($prefix, "{}"), self.0.simple())
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
                s.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
                super::name::parse_string(d)
            }
        }
    };
}

prefixed_id! {
    /// A post in a room, or a direct message.
    MessageId, "msg_"
}

prefixed_id! {
    /// A motion that is put to the vote.
    DecisionId, "dec_"
}

prefixed_id! {
    /// What somebody holds against a message or a decision.
    CritiqueId, "crit_"
}

prefixed_id! {
    /// One live connection of a client.
    SessionId, "ses_"
}

prefixed_id! {
    /// One request, in answers and in logs.
    RequestId, "req_"
}

prefixed_id! {
    /// A token's `jti`.
    TokenId, "tok_"
}

prefixed_id! {
    /// Which life of the log it is. It changes when a backup is restored, so that a cursor from
    /// another life is noticed.
    Epoch, "ep_"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_round_trip_and_foreign_ones_are_refused() {
        let id = MessageId::from_uuid(Uuid::from_u128(7));
        let text = id.to_string();
        assert_eq!(text, "msg_00000000000000000000000000000007");
        assert_eq!(text.parse(), Ok(id));
        for bad in [
            "",
            "msg_",
            "ses_00000000000000000000000000000007",
            "msg_7",
            "msg_zz",
        ] {
            assert!(bad.parse::<MessageId>().is_err(), "{bad:?}");
        }
        let hyphenated = format!("msg_{}", Uuid::from_u128(7));
        assert!(
            hyphenated.parse::<MessageId>().is_err(),
            "one spelling only"
        );
    }
}
