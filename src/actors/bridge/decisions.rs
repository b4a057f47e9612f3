//! Reading motions and critiques: their history from the log, and what is open from its room.

use bridge_core::decision::dossier::{CritiqueHistory, CritiqueState, critiques_of};
use bridge_core::decision::{Dossier, Motion, State};
use bridge_core::event::{Envelope, Stream};
use bridge_core::ports::{CritiquesQuery, DecisionsQuery, Store, StoreError};
use bridge_core::principal::Action;
use bridge_core::{CritiqueId, DecisionId, Principal, Reject, RoomId, Seq, limits};

use super::Bridge;

/// A motion with its history.
#[derive(Debug, Clone, PartialEq)]
pub struct Shown {
    /// What the log has of it.
    pub dossier: Dossier,
    /// The motion as its room has it, as of the same record, while it is open: the room knows who has
    /// left.
    pub live: Option<Motion>,
}

/// What a room says of its open motions.
pub(super) struct Live {
    /// Its last record.
    head: Seq,
    /// Those that somebody asked for.
    pub(super) motions: Vec<Motion>,
}

impl Live {
    /// A motion from its records, which are at least as new as this.
    fn show(&self, mut records: Vec<Envelope>) -> Option<Shown> {
        let dossier = Dossier::of(&records)?;
        if dossier.state != State::Open {
            return Some(Shown {
                dossier,
                live: None,
            });
        }
        let live = self.motions.iter().find(|live| live.id == dossier.id());
        let Some(live) = live else {
            // It was proposed since the room was asked, and nobody has left since then.
            let live = Some(dossier.motion.clone());
            return Some(Shown { dossier, live });
        };
        records.retain(|record| record.seq <= self.head);
        Some(Shown {
            dossier: Dossier::of(&records)?.as_of(live),
            live: Some(live.clone()),
        })
    }

    /// Whether these records are at least as new.
    fn is_older_than(&self, records: &[Envelope]) -> bool {
        let Some(dossier) = Dossier::of(records) else {
            return false;
        };
        let live = self.motions.iter().find(|live| live.id == dossier.id());
        dossier.state != State::Open
            || live.is_some_and(|live| live.records() <= dossier.motion.records())
    }
}

impl Bridge {
    /// A motion, when its room is not known.
    ///
    /// # Errors
    /// When there is no such motion in any room that the caller may read.
    pub async fn decision(&self, by: &Principal, id: DecisionId) -> Result<Shown, Reject> {
        let not_found = || Reject::DecisionNotFound(id);
        let mut records = self.history_of(id).await?;
        let Some(Stream::Room(room)) = records.first().map(|first| first.stream.clone()) else {
            return Err(not_found());
        };
        let live = self.live_motions(&room, by, Some(id)).await;
        let live = live.map_err(|reject| match reject {
            Reject::RoomNotFound(_) | Reject::NotAMember(_) | Reject::ScopeMissing { .. } => {
                not_found()
            }
            other => other,
        })?;
        if !live.is_older_than(&records) {
            // Something has happened in between.
            records = self.history_of(id).await?;
        }
        live.show(records).ok_or_else(not_found)
    }

    /// A motion of a room.
    ///
    /// # Errors
    /// When the caller may not read the room, or it has no such motion.
    pub async fn decision_in(
        &self,
        by: &Principal,
        room: &RoomId,
        id: DecisionId,
    ) -> Result<Shown, Reject> {
        let live = self.live_motions(room, by, Some(id)).await?;
        let mut records = self.history_of(id).await?;
        records.retain(|record| record.stream == Stream::Room(room.clone()));
        live.show(records).ok_or(Reject::DecisionNotFound(id))
    }

    /// Motions of a room, the newest first, and before which to go on when there are more. A page has
    /// no more records than one motion may have, but at least one motion when there is one.
    ///
    /// # Errors
    /// When the caller may not read the room.
    pub async fn decisions(
        &self,
        by: &Principal,
        room: &RoomId,
        query: DecisionsQuery,
    ) -> Result<(Vec<Shown>, Option<DecisionId>), Reject> {
        let live = self.live_motions(room, by, None).await?;
        let room = room.clone();
        let read = move |store: &dyn Store| {
            let one_more = DecisionsQuery {
                rows_max: query.rows_max.saturating_add(1),
                ..query
            };
            let ids = store.decisions(&room, &one_more)?;
            let mut found = Vec::new();
            let mut records = 0;
            for id in ids.iter().take(query.rows_max) {
                if records >= limits::DECISION_RECORDS_MAX {
                    break;
                }
                let history = store.decision_history(*id)?;
                records += history.len();
                found.push(history);
            }
            let last = found.len().checked_sub(1).map(|last| ids[last]);
            Ok((last.filter(|_| ids.len() > found.len()), found))
        };
        let (next, found) = self.reads().run(read).await?;
        let shown = found.into_iter().filter_map(|records| live.show(records));
        Ok((shown.collect(), next))
    }

    /// Critiques of a room, the newest first, and before which to go on when there are more.
    ///
    /// # Errors
    /// When the caller may not read the room.
    pub async fn critiques(
        &self,
        by: &Principal,
        room: &RoomId,
        query: CritiquesQuery,
    ) -> Result<(Vec<CritiqueHistory>, Option<CritiqueId>), Reject> {
        self.live_motions(room, by, None).await?;
        let room = room.clone();
        let read = move |store: &dyn Store| {
            let mut page = critiques_of(&store.critiques(&room, &query)?);
            page.sort_by_key(|critique| std::cmp::Reverse(critique.critique));
            if query.is_open != Some(true) {
                lapse(&mut page, store, &room, query)?;
            }
            let last = page.last().map(|critique| critique.critique);
            let behind = CritiquesQuery {
                before: last,
                rows_max: 1,
                ..query
            };
            let has_more = last.is_some() && !store.critiques(&room, &behind)?.is_empty();
            Ok((page, last.filter(|_| has_more)))
        };
        self.reads().run(read).await
    }

    /// What the log has of a motion.
    pub(super) async fn history_of(&self, id: DecisionId) -> Result<Vec<Envelope>, Reject> {
        let read = move |store: &dyn Store| store.decision_history(id);
        self.reads().run(read).await
    }

    /// The open motions of a room, or one of them, for whoever may read it.
    pub(super) async fn live_motions(
        &self,
        room: &RoomId,
        by: &Principal,
        only: Option<DecisionId>,
    ) -> Result<Live, Reject> {
        by.allows(Action::UseRoom(room))?;
        let motions = self.room(room)?.open_motions(by.clone(), only).await;
        let (head, motions) = motions.map_err(|reject| reject.as_asked(room))?;
        Ok(Live { head, motions })
    }
}

/// The records of a critique do not say that its motion has ended; the store knows which ones stand.
fn lapse(
    page: &mut [CritiqueHistory],
    store: &dyn Store,
    room: &RoomId,
    query: CritiquesQuery,
) -> Result<(), StoreError> {
    let open = CritiquesQuery {
        is_open: Some(true),
        ..query
    };
    let open: Vec<CritiqueId> = critiques_of(&store.critiques(room, &open)?)
        .into_iter()
        .map(|open| open.critique)
        .collect();
    for critique in page {
        if critique.state == CritiqueState::Open && !open.contains(&critique.critique) {
            critique.state = CritiqueState::Lapsed;
        }
    }
    Ok(())
}
