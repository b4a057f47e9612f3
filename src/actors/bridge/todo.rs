//! What waits for a client: ballots, amendments and critiques in its rooms, and questions in its
//! mailbox.

use std::collections::BTreeSet;
use std::collections::hash_map::{Entry, HashMap};

use bridge_core::decision::{Awaited, Dossier, Motion};
use bridge_core::event::{Envelope, Event};
use bridge_core::message::Body;
use bridge_core::ports::{OpenDecision, QuestionsQuery, Store};
use bridge_core::principal::Action;
use bridge_core::{DecisionId, Principal, Reject, RoomId, Timestamp, limits};

use super::Bridge;
use crate::wire::encode::{self, TodoItem, TodoWhat};

/// What waits for a client, the most urgent first.
#[derive(Debug, Default)]
pub struct Todo {
    /// Each with everything that is told of it.
    pub items: Vec<TodoItem>,
    /// Whether this is all of it.
    pub complete: bool,
}

/// Something that a motion waits for, before it is known what it says.
struct Claim {
    room: RoomId,
    decision: DecisionId,
    awaited: Awaited,
    /// The text that stands, and its number.
    text: String,
    version: u32,
    proposed_at: Timestamp,
    deadline: Timestamp,
}

/// Something that waits, of a motion or a mailbox.
enum Found {
    InRoom(Claim),
    InMailbox(TodoItem),
}

impl Found {
    /// The most urgent first; what has the same deadline is in the order of its kind and its age.
    fn rank(&self) -> (Timestamp, u8, [u8; 16], Option<Awaited>) {
        match self {
            Self::InMailbox(item) => {
                let id = match &item.what {
                    TodoWhat::Question { message, .. } => *message.as_bytes(),
                    _ => [0; 16],
                };
                (item.deadline, 0, id, None)
            }
            Self::InRoom(claim) => {
                let kind = match claim.awaited {
                    Awaited::Ballot => 1,
                    Awaited::Consent(_) => 2,
                    Awaited::Critique { .. } => 3,
                };
                let id = *claim.decision.as_bytes();
                (claim.deadline, kind, id, Some(claim.awaited))
            }
        }
    }
}

impl Bridge {
    /// What waits for a client. A room that cannot be asked now is left out, and it is said that this
    /// is not all.
    ///
    /// # Errors
    /// When the token allows neither rooms nor messages, or the store cannot be read.
    pub async fn todo(&self, by: &Principal) -> Result<Todo, Reject> {
        let (rooms, messages) = (by.allows(Action::ListRooms), by.allows(Action::Message));
        if messages.is_err() {
            rooms.clone()?;
        }
        let mut found = Vec::new();
        let mut complete = true;
        if rooms.is_ok() {
            complete &= self.claims(by, &mut found).await?;
        }
        if messages.is_ok() {
            complete &= self.questions(by, &mut found).await?;
        }
        found.sort_by_cached_key(Found::rank);
        complete &= found.len() <= limits::TODO_ITEMS_MAX;
        found.truncate(limits::TODO_ITEMS_MAX);
        let items = self.told(found).await?;
        Ok(Todo { items, complete })
    }

    /// What the open motions of a client's rooms wait for. Returns whether that is all of it.
    async fn claims(&self, by: &Principal, found: &mut Vec<Found>) -> Result<bool, Reject> {
        let client = by.client().clone();
        let max = limits::TODO_MOTIONS_MAX;
        let read = move |store: &dyn Store| store.open_decisions(&client, max + 1);
        let mut open = self.reads().run(read).await?;
        let mut complete = open.len() <= max;
        open.truncate(max);
        let mut rooms = rooms_of(open);
        rooms.retain(|room| by.allows(Action::UseRoom(room)).is_ok());
        complete &= rooms.len() <= limits::TODO_ROOMS_MAX;
        rooms.truncate(limits::TODO_ROOMS_MAX);
        for room in rooms {
            match self.live_motions(&room, by, None).await {
                Ok(live) => found.extend(self.claims_of(&room, &live.motions, by)),
                // It has lost its member a moment ago.
                Err(Reject::NotAMember(_) | Reject::RoomNotFound(_)) => {}
                Err(why) => {
                    tracing::debug!(%room, error = %why, "what waits there is not told");
                    complete = false;
                }
            }
        }
        Ok(complete)
    }

    fn claims_of(&self, room: &RoomId, motions: &[Motion], by: &Principal) -> Vec<Found> {
        let now = self.clock().now();
        // Time may have decided one before somebody has written that down.
        let open = motions
            .iter()
            .filter(|motion| motion.verdict(now).is_none());
        let claims = open.flat_map(|motion| {
            let awaited = motion.awaited_of(by.client()).into_iter();
            awaited.map(|awaited| {
                Found::InRoom(Claim {
                    room: room.clone(),
                    decision: motion.id,
                    awaited,
                    text: shortened(&motion.text),
                    version: motion.version,
                    proposed_at: motion.proposed_at,
                    deadline: motion.deadline,
                })
            })
        });
        claims.collect()
    }

    /// The questions of a client's mailbox. Returns whether these are all.
    async fn questions(&self, by: &Principal, found: &mut Vec<Found>) -> Result<bool, Reject> {
        let correspondents = self.correspondents(by).await?;
        let now = self.clock().now();
        let mut after = None;
        let mut looked_at = 0;
        while looked_at <= limits::TODO_ITEMS_MAX {
            let client = by.client().clone();
            let query = QuestionsQuery {
                after,
                rows_max: limits::TODO_ITEMS_MAX + 1 - looked_at,
            };
            let read = move |store: &dyn Store| store.open_questions(&client, &query);
            let page = self.reads().run(read).await?;
            if page.is_empty() {
                return Ok(true);
            }
            looked_at += page.len();
            for record in &page {
                let Some((item, is_over)) = question(record, now) else {
                    continue;
                };
                after = Some((item.deadline, record.seq));
                let may_know = |known: &BTreeSet<_>| known.contains(&record.by);
                if !is_over && correspondents.as_ref().is_none_or(may_know) {
                    found.push(Found::InMailbox(item));
                }
            }
        }
        Ok(false)
    }

    /// What there is, with the texts and the times that only the log has. Histories are read one by
    /// one, so that others get their turn in between.
    async fn told(&self, found: Vec<Found>) -> Result<Vec<TodoItem>, Reject> {
        let mut dossiers: HashMap<DecisionId, Option<Dossier>> = HashMap::new();
        let mut items = Vec::with_capacity(found.len());
        for one in found {
            let claim = match one {
                Found::InMailbox(item) => {
                    items.push(item);
                    continue;
                }
                Found::InRoom(claim) => claim,
            };
            let id = claim.decision;
            if claim.is_of_first_text() {
                items.extend(claim.told(None));
                continue;
            }
            let dossier = match dossiers.entry(id) {
                Entry::Occupied(known) => known.into_mut(),
                Entry::Vacant(place) => place.insert(Dossier::of(&self.history_of(id).await?)),
            };
            items.extend(claim.told(dossier.as_ref()));
        }
        Ok(items)
    }
}

impl Claim {
    /// Whether the room has told everything already.
    fn is_of_first_text(&self) -> bool {
        self.awaited == Awaited::Ballot && self.version == 1
    }

    /// What is told of it; nothing when the log does not have it, which it does.
    fn told(self, dossier: Option<&Dossier>) -> Option<TodoItem> {
        let (room, decision, version) = (self.room, self.decision, self.version);
        let (what, text, since) = match self.awaited {
            Awaited::Ballot => {
                let what = TodoWhat::Vote {
                    room,
                    decision,
                    version,
                };
                let texts = dossier.map_or(&[][..], |dossier| &dossier.texts);
                let standing = texts.iter().find(|text| text.version == version);
                let since = standing.map_or(self.proposed_at, |text| text.at);
                (what, self.text, since)
            }
            Awaited::Consent(number) => {
                let mut amendments = dossier?.amendments.iter();
                let amendment = amendments.find(|one| one.number == number)?;
                let what = TodoWhat::Amendment {
                    room,
                    decision,
                    amendment: number,
                };
                (what, shortened(&amendment.text), amendment.at)
            }
            Awaited::Critique { critique, yours } => {
                let mut critiques = dossier?.critiques.iter();
                let made = critiques.find(|one| one.critique == critique)?;
                let what = TodoWhat::Critique {
                    room,
                    decision,
                    critique,
                    yours,
                };
                (what, shortened(&made.text), made.at)
            }
        };
        Some(TodoItem {
            what,
            text,
            deadline: self.deadline,
            since,
        })
    }
}

/// Each room once, in the order of its most urgent motion.
fn rooms_of(open: Vec<OpenDecision>) -> Vec<RoomId> {
    let mut rooms: Vec<RoomId> = Vec::new();
    for motion in open {
        if !rooms.contains(&motion.room) {
            rooms.push(motion.room);
        }
    }
    rooms
}

/// A question from the record that stored it, and whether its time is over.
fn question(record: &Envelope, now: Timestamp) -> Option<(TodoItem, bool)> {
    let Event::MessageStored(message) = &record.event else {
        return None;
    };
    let text = match &message.body {
        Body::Text(text) => shortened(text),
        Body::Payload(payload) => shortened(&String::from_utf8_lossy(&encode::json(payload))),
    };
    let deadline = message.ends_at();
    let item = TodoItem {
        what: TodoWhat::Question {
            message: message.id,
            from: record.by.clone(),
        },
        text,
        deadline,
        since: record.at,
    };
    Some((item, now >= deadline))
}

/// The beginning of a text, and a sign that it goes on when it does.
fn shortened(text: &str) -> String {
    let max = limits::TODO_TEXT_CHARS_MAX;
    if text.chars().nth(max).is_none() {
        return text.to_owned();
    }
    let mut short: String = text.chars().take(max - 1).collect();
    short.push('…');
    short
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_text_is_shortened_and_says_so() {
        let max = limits::TODO_TEXT_CHARS_MAX;
        for whole in ["", "字", &"字".repeat(max)] {
            assert_eq!(shortened(whole), *whole);
        }
        let short = shortened(&"字".repeat(max + 1));
        assert_eq!(short.chars().count(), max);
        assert!(short.ends_with("字…"), "{short}");
    }
}
