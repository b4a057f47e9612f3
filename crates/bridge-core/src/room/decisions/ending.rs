//! How motions end: by votes, by time, and with their room.

use std::collections::BTreeSet;

use crate::decision::{Motion, Verdict};
use crate::event::{Event, VetoWindowClosed};
use crate::id::{ClientId, DecisionId, Timestamp};
use crate::principal::Principal;
use crate::reject::Reject;
use crate::room::Room;

impl Room {
    /// The end of a motion. With one that is approved its alternatives end too.
    pub(super) fn ending(&self, motion: &Motion, verdict: Verdict, now: Timestamp) -> Vec<Event> {
        end(motion, verdict, self.decisions.open.values(), now)
    }

    /// What time has decided.
    pub(in crate::room) fn decide_conclude(
        &self,
        by: &Principal,
        now: Timestamp,
    ) -> Result<Vec<Event>, Reject> {
        if !by.is_system() {
            return Err(Reject::Forbidden(
                "only the server itself concludes decisions",
            ));
        }
        let mut events = self.decided_by_time(now);
        let ended = ended_by(&events);
        let open = self.decisions.open.values();
        let open = open.filter(|motion| !ended.contains(&motion.id));
        let closed = open.filter(|motion| motion.veto_until.is_some_and(|until| until <= now));
        events.extend(closed.map(|motion| {
            Event::VetoWindowClosed(VetoWindowClosed {
                decision: motion.id,
                version: motion.version,
            })
        }));
        Ok(events)
    }

    /// The ends of motions that time has brought, and nobody has written down yet. Whatever changes who
    /// counts is preceded by them: a decided motion never changes.
    pub(in crate::room) fn decided_by_time(&self, now: Timestamp) -> Vec<Event> {
        let motions = self.decisions.open.values();
        let due = motions.filter_map(|motion| {
            let (at, verdict) = motion.decided_by_time(now)?;
            // Of two at the same time the one that is approved wins, and of two such the older one.
            Some((at, verdict != Verdict::Approved, motion.id, motion, verdict))
        });
        let mut due: Vec<_> = due.collect();
        due.sort_by_key(|(at, is_no_approval, id, ..)| (*at, *is_no_approval, *id));
        let ends = due
            .into_iter()
            .map(|(.., motion, verdict)| (motion, verdict));
        conclude(ends, self.decisions.open.values(), now)
    }

    /// What follows for the motions when a member leaves.
    pub(in crate::room) fn motions_without(&self, client: &ClientId, now: Timestamp) -> Vec<Event> {
        let mut events = self.decided_by_time(now);
        let ended = ended_by(&events);
        let open = self.decisions.open.values();
        let open = open.filter(|motion| !ended.contains(&motion.id));
        let mut after: Vec<Motion> = open.cloned().collect();
        for motion in &mut after {
            motion.left(client);
        }
        let ends = after
            .iter()
            .filter_map(|motion| Some((motion, motion.verdict(now)?)));
        events.extend(conclude(ends, after.iter(), now));
        events
    }

    /// A room's motions end with it.
    pub(in crate::room) fn motions_at_the_end(&self, now: Timestamp) -> Vec<Event> {
        let mut events = self.decided_by_time(now);
        let ended = ended_by(&events);
        let open = self.decisions.open.values();
        let open = open.filter(|motion| !ended.contains(&motion.id));
        events.extend(open.map(|motion| motion.decided(Verdict::Expired, None)));
        events
    }

    /// When time alone changes something next.
    #[must_use]
    pub fn due_at(&self) -> Option<Timestamp> {
        self.decisions.open.values().map(Motion::due_at).min()
    }
}

/// The end of a motion, and of those of all of them that are its alternatives. One that time has ended
/// before ends as it did then.
fn end<'a>(
    motion: &Motion,
    verdict: Verdict,
    all: impl Iterator<Item = &'a Motion>,
    now: Timestamp,
) -> Vec<Event> {
    let mut events = vec![motion.decided(verdict, None)];
    if verdict == Verdict::Approved {
        let rivals = all.filter(|other| other.is_rival_of(motion));
        events.extend(rivals.map(|rival| match rival.decided_by_time(now) {
            Some((_, before)) if before != Verdict::Approved => rival.decided(before, None),
            _ => rival.decided(Verdict::Superseded, Some(motion.id)),
        }));
    }
    events
}

/// One end after the other: a rival may have ended before one is looked at.
fn conclude<'a>(
    ends: impl Iterator<Item = (&'a Motion, Verdict)>,
    all: impl Iterator<Item = &'a Motion> + Clone,
    now: Timestamp,
) -> Vec<Event> {
    let mut events = Vec::new();
    let mut ended = BTreeSet::new();
    for (motion, verdict) in ends {
        if ended.contains(&motion.id) {
            continue;
        }
        for event in end(motion, verdict, all.clone(), now) {
            let is_new = event.decision().is_none_or(|id| ended.insert(id));
            events.extend(is_new.then_some(event));
        }
    }
    events
}

fn ended_by(events: &[Event]) -> BTreeSet<DecisionId> {
    events.iter().filter_map(Event::decision).collect()
}
