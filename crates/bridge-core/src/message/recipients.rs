//! To whom a message goes.

use std::collections::BTreeSet;
use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::id::ClientId;
use crate::limits;

/// Everybody, or a list of clients, each once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Recipients {
    /// Every client, present or not.
    All,
    /// These, in the order in which the sender wrote them.
    Clients(Vec<ClientId>),
}

/// Why something does not say to whom a message goes.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidRecipients {
    /// An empty list.
    #[error("must name at least one client")]
    None,
    /// More names than a list may have.
    #[error("must name at most {max} clients, but names {len}")]
    TooMany {
        /// Names given.
        len: usize,
        /// Names allowed.
        max: usize,
    },
    /// A name that stands twice.
    #[error("names {0} twice")]
    Twice(ClientId),
    /// Something that is not a client's name.
    #[error("{name:?} {why}")]
    BadName {
        /// As it was given.
        name: String,
        /// What is wrong.
        why: crate::id::InvalidName,
    },
}

impl Recipients {
    /// A list of clients.
    ///
    /// # Errors
    /// When it is empty, too long, or names somebody twice.
    pub fn clients(list: Vec<ClientId>) -> Result<Self, InvalidRecipients> {
        if list.is_empty() {
            return Err(InvalidRecipients::None);
        }
        let (len, max) = (list.len(), limits::RECIPIENTS_MAX);
        if len > max {
            return Err(InvalidRecipients::TooMany { len, max });
        }
        let mut seen = BTreeSet::new();
        for client in &list {
            if !seen.insert(client) {
                return Err(InvalidRecipients::Twice(client.clone()));
            }
        }
        Ok(Self::Clients(list))
    }

    /// One client.
    #[must_use]
    pub fn one(client: ClientId) -> Self {
        Self::Clients(vec![client])
    }

    /// From the words that somebody wrote: a name, names, or `all`, which stands alone.
    ///
    /// # Errors
    /// Why they do not say to whom a message goes.
    pub fn parse<'a>(words: impl IntoIterator<Item = &'a str>) -> Result<Self, InvalidRecipients> {
        let words: Vec<&str> = words.into_iter().collect();
        if let [only] = words[..]
            && only.eq_ignore_ascii_case(ALL)
        {
            return Ok(Self::All);
        }
        let max = limits::RECIPIENTS_MAX;
        if words.len() > max {
            let len = words.len();
            return Err(InvalidRecipients::TooMany { len, max });
        }
        let names = words.into_iter().map(|name| {
            name.parse().map_err(|why| InvalidRecipients::BadName {
                name: name.chars().take(limits::NAME_CHARS_MAX).collect(),
                why,
            })
        });
        Self::clients(names.collect::<Result<_, _>>()?)
    }

    /// The clients that are named; none for everybody.
    #[must_use]
    pub fn named(&self) -> &[ClientId] {
        match self {
            Self::All => &[],
            Self::Clients(list) => list,
        }
    }

    /// Where a message to several has its home: the mailbox that gets it first, and whose record
    /// decides under which id all the others get it. The same for every order of the names.
    #[must_use]
    pub fn home(&self) -> Option<&ClientId> {
        self.named().iter().min()
    }

    /// Roughly how many bytes it holds.
    #[must_use]
    pub fn weight_bytes(&self) -> usize {
        let names = self.named().iter();
        names
            .map(|name| name.as_str().len() + size_of::<ClientId>())
            .sum()
    }
}

/// In the protocol's words.
const ALL: &str = "all";

impl fmt::Display for Recipients {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::All => f.write_str(ALL),
            Self::Clients(list) => {
                for (place, client) in list.iter().enumerate() {
                    if place > 0 {
                        f.write_str(", ")?;
                    }
                    write!(f, "{client}")?;
                }
                Ok(())
            }
        }
    }
}

/// A word when it is one, else a list.
impl Serialize for Recipients {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::All => s.serialize_str(ALL),
            Self::Clients(list) => match &list[..] {
                [one] => one.serialize(s),
                list => list.serialize(s),
            },
        }
    }
}

impl<'de> Deserialize<'de> for Recipients {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        struct Visitor;

        impl<'de> serde::de::Visitor<'de> for Visitor {
            type Value = Recipients;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a client, a list of clients, or \"all\"")
            }

            fn visit_str<E: serde::de::Error>(self, word: &str) -> Result<Recipients, E> {
                Recipients::parse([word]).map_err(E::custom)
            }

            fn visit_seq<A: serde::de::SeqAccess<'de>>(
                self,
                mut list: A,
            ) -> Result<Recipients, A::Error> {
                let mut names: Vec<String> = Vec::new();
                while let Some(name) = list.next_element()? {
                    // One more than allowed is enough to know.
                    if names.len() <= limits::RECIPIENTS_MAX {
                        names.push(name);
                    }
                }
                if names.iter().any(|name| name.eq_ignore_ascii_case(ALL)) {
                    return Err(serde::de::Error::custom(
                        "\"all\" stands alone, not in a list",
                    ));
                }
                Recipients::parse(names.iter().map(String::as_str))
                    .map_err(serde::de::Error::custom)
            }
        }

        d.deserialize_any(Visitor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(json: &str) -> Result<Recipients, String> {
        serde_json::from_str(json).map_err(|why| why.to_string())
    }

    #[test]
    fn a_word_a_list_or_everybody() {
        for (json, shown) in [
            ("\"ann\"", "ann"),
            ("[\"bob\", \"ann\"]", "bob, ann"),
            ("\"ALL\"", "all"),
            ("[\"ann\"]", "ann"),
        ] {
            let to = read(json).expect(json);
            assert_eq!(to.to_string(), shown);
            let again = read(&serde_json::to_string(&to).expect("it can be written"));
            assert_eq!(again, Ok(to));
        }
    }

    #[test]
    fn what_names_nobody_or_somebody_twice_is_refused() {
        let many = format!("[{}]", vec!["\"x\""; limits::RECIPIENTS_MAX + 2].join(","));
        for (json, part) in [
            ("[]", "at least one"),
            ("[\"ann\", \"ANN\"]", "names ANN twice"),
            ("[\"ann\", \"all\"]", "stands alone"),
            ("[\"ann\", \"b b\"]", "\"b b\""),
            ("\"system\"", "reserved"),
            ("\"\"", "empty"),
            ("7", "a client, a list"),
            ("{\"a\": 1}", "a client, a list"),
            ("[\"ann\", 7]", "string"),
            (&many, "at most"),
        ] {
            let why = read(json).expect_err(json);
            assert!(why.contains(part), "{json}: {why}");
        }
    }

    #[test]
    fn the_home_does_not_depend_on_the_order() {
        let a = read("[\"bob\", \"Ann\", \"cem\"]").expect("good names");
        let b = read("[\"cem\", \"bob\", \"ann\"]").expect("good names");
        assert_eq!(a.home(), b.home());
        assert_eq!(Recipients::All.home(), None);
    }
}
