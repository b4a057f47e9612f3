//! Who acts, and what a token allows.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use crate::id::{ClientId, InvalidName, RoomId};
use crate::limits;
use crate::reject::Reject;

/// One thing that a token allows.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Scope {
    /// Send and receive direct messages.
    Message,
    /// Take part in rooms.
    Room,
    /// Plan and run teams.
    Orchestrate,
    /// Send to `all`.
    Broadcast,
    /// Administer the server.
    Admin,
    /// Read what the server measures.
    Metrics,
    /// Take part in this room only.
    OneRoom(RoomId),
}

/// Why a text is not a scope.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidScope {
    /// No scope has this name.
    #[error(
        "unknown scope {0:?}; scopes are message, room, orchestrate, broadcast, admin, \
         metrics, room:<id>"
    )]
    Unknown(String),
    /// `room:` with something that is not a room id.
    #[error("the room of the scope {scope:?} {why}")]
    BadRoom {
        /// The scope as it was given.
        scope: String,
        /// What is wrong with the room.
        why: InvalidName,
    },
    /// More scopes than a token may carry.
    #[error("a token carries at most {} scopes", limits::TOKEN_SCOPES_MAX)]
    TooMany,
}

impl FromStr for Scope {
    type Err = InvalidScope;

    fn from_str(text: &str) -> Result<Self, InvalidScope> {
        if let Some(room) = text.strip_prefix("room:") {
            return room
                .parse()
                .map(Self::OneRoom)
                .map_err(|why| InvalidScope::BadRoom {
                    scope: text.to_owned(),
                    why,
                });
        }
        match text {
            "message" => Ok(Self::Message),
            "room" => Ok(Self::Room),
            "orchestrate" => Ok(Self::Orchestrate),
            "broadcast" => Ok(Self::Broadcast),
            "admin" => Ok(Self::Admin),
            "metrics" => Ok(Self::Metrics),
            _ => Err(InvalidScope::Unknown(text.to_owned())),
        }
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Message => f.write_str("message"),
            Self::Room => f.write_str("room"),
            Self::Orchestrate => f.write_str("orchestrate"),
            Self::Broadcast => f.write_str("broadcast"),
            Self::Admin => f.write_str("admin"),
            Self::Metrics => f.write_str("metrics"),
            Self::OneRoom(room) => write!(f, "room:{room}"),
        }
    }
}

/// The scopes of one token. Cheap to clone: every request carries them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scopes(Arc<[Scope]>);

impl Default for Scopes {
    /// What a token gets when nobody says otherwise.
    fn default() -> Self {
        Self([Scope::Message, Scope::Room, Scope::Orchestrate].into())
    }
}

impl Scopes {
    /// Scopes from a list; order and repetition do not matter.
    ///
    /// # Errors
    /// When there are more than [`limits::TOKEN_SCOPES_MAX`].
    pub fn new(scopes: impl IntoIterator<Item = Scope>) -> Result<Self, InvalidScope> {
        let mut list = Vec::new();
        for scope in scopes {
            if !list.contains(&scope) {
                list.push(scope);
            }
        }
        if list.len() > limits::TOKEN_SCOPES_MAX {
            return Err(InvalidScope::TooMany);
        }
        Ok(Self(list.into()))
    }

    /// The scopes, each once.
    #[must_use]
    pub fn as_slice(&self) -> &[Scope] {
        &self.0
    }

    fn has(&self, scope: &Scope) -> bool {
        self.0.contains(scope)
    }

    /// A token that names rooms is limited to them, whatever else it carries.
    fn reaches(&self, room: &RoomId) -> bool {
        let mut named = self.0.iter().filter_map(|s| match s {
            Scope::OneRoom(id) => Some(id),
            _ => None,
        });
        match named.next() {
            None => self.has(&Scope::Room),
            Some(first) => first == room || named.any(|id| id == room),
        }
    }

    fn names_rooms(&self) -> bool {
        self.0.iter().any(|s| matches!(s, Scope::OneRoom(_)))
    }
}

/// Space separated, as RFC 8693 writes a token's `scope`.
impl fmt::Display for Scopes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, scope) in self.0.iter().enumerate() {
            if i > 0 {
                f.write_str(" ")?;
            }
            scope.fmt(f)?;
        }
        Ok(())
    }
}

impl FromStr for Scopes {
    type Err = InvalidScope;

    fn from_str(text: &str) -> Result<Self, InvalidScope> {
        let scopes: Result<Vec<_>, _> =
            text.split_ascii_whitespace().map(Scope::from_str).collect();
        Self::new(scopes?)
    }
}

/// What somebody wants to do, as far as a token can allow or forbid it.
#[derive(Debug, Clone, Copy)]
pub enum Action<'a> {
    /// Open a session, or ask who one is.
    Connect,
    /// Act in a room, or look at it.
    UseRoom(&'a RoomId),
    /// Look at the list of rooms.
    ListRooms,
    /// Send and receive direct messages. A token that names rooms may, with their members.
    Message,
    /// Send to everybody.
    Broadcast,
    /// Overrule a room's roles.
    Administer,
    /// Read what the server measures.
    Measure,
}

/// Who acts: an authenticated client and what its token allows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Principal {
    client: ClientId,
    scopes: Scopes,
}

impl Principal {
    /// A principal, from a token that was verified.
    #[must_use]
    pub const fn new(client: ClientId, scopes: Scopes) -> Self {
        Self { client, scopes }
    }

    /// The client that acts.
    #[must_use]
    pub const fn client(&self) -> &ClientId {
        &self.client
    }

    /// What its token allows.
    #[must_use]
    pub const fn scopes(&self) -> &Scopes {
        &self.scopes
    }

    /// Checks that the token allows an action. Roles in a room are the room's own affair.
    ///
    /// # Errors
    /// [`Reject::ScopeMissing`] with the scope that is needed.
    pub fn allows(&self, action: Action<'_>) -> Result<(), Reject> {
        let missing = match action {
            Action::Connect => return Ok(()),
            Action::UseRoom(room) if self.scopes.reaches(room) => return Ok(()),
            Action::UseRoom(room) if self.scopes.names_rooms() => format!("room:{room}"),
            Action::ListRooms if self.scopes.has(&Scope::Room) => return Ok(()),
            Action::ListRooms if self.scopes.names_rooms() => return Ok(()),
            Action::UseRoom(_) | Action::ListRooms => Scope::Room.to_string(),
            Action::Message if self.scopes.has(&Scope::Message) => return Ok(()),
            Action::Message if self.scopes.names_rooms() => return Ok(()),
            Action::Message => Scope::Message.to_string(),
            Action::Broadcast if self.may_broadcast() => return Ok(()),
            Action::Broadcast => Scope::Broadcast.to_string(),
            Action::Administer if self.is_admin() => return Ok(()),
            Action::Administer => Scope::Admin.to_string(),
            Action::Measure if self.may_measure() => return Ok(()),
            Action::Measure => Scope::Metrics.to_string(),
        };
        Err(Reject::ScopeMissing { scope: missing })
    }

    fn may_measure(&self) -> bool {
        self.is_admin() || (self.scopes.has(&Scope::Metrics) && !self.scopes.names_rooms())
    }

    fn may_broadcast(&self) -> bool {
        self.scopes.has(&Scope::Broadcast) && !self.scopes.names_rooms()
    }

    /// The rooms that the token is limited to, if it is: it then exchanges messages with their
    /// members only.
    #[must_use]
    pub fn confined_to(&self) -> Option<Vec<RoomId>> {
        let named = self.scopes.0.iter().filter_map(|scope| match scope {
            Scope::OneRoom(room) => Some(room.clone()),
            _ => None,
        });
        let rooms: Vec<RoomId> = named.collect();
        (!rooms.is_empty()).then_some(rooms)
    }

    /// Whether it is the server itself that acts. No token can carry its name.
    #[must_use]
    pub fn is_system(&self) -> bool {
        self.client == ClientId::system()
    }

    /// Whether the token administers the server. A token that names rooms does not.
    #[must_use]
    pub fn is_admin(&self) -> bool {
        self.scopes.has(&Scope::Admin) && !self.scopes.names_rooms()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn principal(scopes: &str) -> Principal {
        let client = "ann".parse().expect("a valid name");
        Principal::new(client, scopes.parse().expect("valid scopes"))
    }

    #[test]
    fn scopes_decide_cell_by_cell() {
        let alpha: RoomId = "alpha".parse().expect("a valid name");
        let beta: RoomId = "beta".parse().expect("a valid name");
        // scopes, alpha, beta, list, administer, message, broadcast
        let table = [
            ("", false, false, false, false, false, false),
            ("message", false, false, false, false, true, false),
            ("broadcast", false, false, false, false, false, true),
            ("room", true, true, true, false, false, false),
            ("admin", false, false, false, true, false, false),
            ("room admin", true, true, true, true, false, false),
            ("room:ALPHA", true, false, true, false, true, false),
            ("room room:alpha", true, false, true, false, true, false),
            (
                "room:alpha broadcast",
                true,
                false,
                true,
                false,
                true,
                false,
            ),
            (
                "room room:alpha admin",
                true,
                false,
                true,
                false,
                true,
                false,
            ),
            ("room:alpha room:beta", true, true, true, false, true, false),
        ];
        for (scopes, in_alpha, in_beta, list, administer, message, broadcast) in table {
            let p = principal(scopes);
            let seen = (
                p.allows(Action::UseRoom(&alpha)).is_ok(),
                p.allows(Action::UseRoom(&beta)).is_ok(),
                p.allows(Action::ListRooms).is_ok(),
                p.allows(Action::Administer).is_ok(),
                p.allows(Action::Message).is_ok(),
                p.allows(Action::Broadcast).is_ok(),
            );
            let wanted = (in_alpha, in_beta, list, administer, message, broadcast);
            assert_eq!(seen, wanted, "{scopes:?}");
        }
    }

    #[test]
    fn scopes_are_written_as_they_are_read() {
        let scopes: Scopes = "room  message room room:Alpha"
            .parse()
            .expect("valid scopes");
        assert_eq!(scopes.to_string(), "room message room:Alpha");
        assert!("room super".parse::<Scopes>().is_err());
        assert!("room:all".parse::<Scopes>().is_err());
    }
}
