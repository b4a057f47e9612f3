//! What waits for a client, as JSON.

use bridge_core::{ClientId, CritiqueId, DecisionId, MessageId, RoomId, Timestamp};
use serde::Serialize;

use super::json;
use crate::wire::time;

/// Something that waits for a client.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TodoItem {
    /// What.
    #[serde(flatten)]
    pub what: TodoWhat,
    /// The beginning of what it says.
    pub text: String,
    /// Until when.
    #[serde(serialize_with = "instant")]
    pub deadline: Timestamp,
    /// Since when.
    #[serde(serialize_with = "instant")]
    pub since: Timestamp,
}

/// What waits.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum TodoWhat {
    /// A ballot.
    Vote {
        /// The room that decides.
        room: RoomId,
        /// On which motion.
        decision: DecisionId,
        /// On which text.
        version: u32,
    },
    /// A word on an amendment.
    Amendment {
        /// The room that decides.
        room: RoomId,
        /// Of which motion.
        decision: DecisionId,
        /// Its number.
        amendment: u32,
    },
    /// A blocking critique that stands.
    Critique {
        /// The room that decides.
        room: RoomId,
        /// Of which motion.
        decision: DecisionId,
        /// Which.
        critique: CritiqueId,
        /// Whether the client made it; otherwise the motion is the client's.
        yours: bool,
    },
    /// A message that expects a reply.
    Question {
        /// Which.
        message: MessageId,
        /// Whose.
        from: ClientId,
    },
}

fn instant<S: serde::Serializer>(at: &Timestamp, s: S) -> Result<S::Ok, S::Error> {
    s.serialize_str(&time::to_text(*at))
}

/// The JSON text of what waits, and whether it is all of it.
#[must_use]
pub fn todo_text(items: &[TodoItem], complete: bool) -> Vec<u8> {
    #[derive(Serialize)]
    struct List<'a> {
        items: &'a [TodoItem],
        complete: bool,
    }
    json(&List { items, complete })
}
