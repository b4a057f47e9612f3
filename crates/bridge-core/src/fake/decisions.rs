//! Motions and critiques, found in the records.

use super::store::{Kept, MemoryStore};
use crate::decision::{Dossier, State, Target};
use crate::event::{Envelope, Event, Stream};
use crate::id::{CritiqueId, DecisionId, RoomId, Timestamp};
use crate::limits;
use crate::ports::{CritiquesQuery, DecisionsQuery};

impl Kept {
    /// All records about a motion.
    pub(super) fn about_decision(&self, id: DecisionId) -> Vec<Envelope> {
        let records = self.records();
        let about = records.filter(|record| record.event.decision() == Some(id));
        about.cloned().collect()
    }
}

impl MemoryStore {
    pub(super) fn decisions_of(&self, room: &RoomId, query: &DecisionsQuery) -> Vec<DecisionId> {
        let records = self.all(&Stream::Room(room.clone()));
        let proposed = records.iter().filter_map(|record| match &record.event {
            Event::Proposed(proposed) => Some(proposed.decision),
            _ => None,
        });
        let mut newest_first: Vec<DecisionId> = proposed.collect();
        newest_first.sort_by(|one, other| other.cmp(one));
        let state_of = |id| {
            let dossier = Dossier::of(&self.kept().about_decision(id));
            dossier.map_or(State::Open, |dossier| dossier.state)
        };
        newest_first
            .into_iter()
            .filter(|id| query.before.is_none_or(|before| *id < before))
            .filter(|id| query.state.is_none_or(|state| state_of(*id) == state))
            .take(query.rows_max)
            .collect()
    }

    pub(super) fn critiques_of(&self, room: &RoomId, query: &CritiquesQuery) -> Vec<Envelope> {
        let records = self.all(&Stream::Room(room.clone()));
        let made = records.iter().filter_map(|record| match &record.event {
            Event::Critiqued(critiqued) => Some((critiqued.critique, critiqued.target)),
            _ => None,
        });
        let mut newest_first: Vec<(CritiqueId, Target)> = made.collect();
        newest_first.sort_by(|one, other| other.cmp(one));
        let mut bytes = 0;
        let wanted: Vec<CritiqueId> = newest_first
            .into_iter()
            .filter(|(id, _)| query.before.is_none_or(|before| *id < before))
            .filter(|(id, target)| {
                query
                    .is_open
                    .is_none_or(|is_open| stands(&records, *id, *target) == is_open)
            })
            .take(query.rows_max)
            .map(|(id, _)| id)
            .take_while(|id| {
                let fits = bytes < limits::PAGE_BYTES_MAX;
                let about = records.iter().filter(|r| r.event.critique() == Some(*id));
                bytes += about
                    .map(|record| crate::stored::encode(&record.event).len())
                    .sum::<usize>();
                fits
            })
            .collect();
        let is_wanted = |record: &Envelope| {
            let id = record.event.critique();
            id.is_some_and(|id| wanted.contains(&id))
        };
        records.into_iter().filter(is_wanted).collect()
    }

    /// When time alone changes something about each open motion, the earliest first.
    pub(super) fn due_in_rooms(&self) -> Vec<(RoomId, Timestamp)> {
        let mut due: Vec<(RoomId, Timestamp)> = Vec::new();
        for room in self.rooms_by_name(None) {
            let motions = room.open_motions();
            due.extend(motions.map(|motion| (room.id().clone(), motion.due_at())));
        }
        due.sort_by_key(|(_, at)| *at);
        due
    }
}

/// A critique stands until it is met, need not be met, or has lost its motion.
fn stands(records: &[Envelope], id: CritiqueId, target: Target) -> bool {
    let is_end = |event: &Event| match event {
        Event::Resolved(resolved) => resolved.critique == id,
        Event::Waived(waived) => waived.critique == id && waived.suffices,
        Event::Decided(decided) => target == Target::Decision(decided.decision),
        Event::Withdrawn(withdrawn) => target == Target::Decision(withdrawn.decision),
        _ => false,
    };
    !records.iter().any(|record| is_end(&record.event))
}
