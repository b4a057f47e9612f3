//! How motions end: by votes, by time, and with their room.

use std::collections::BTreeSet;

use crate::decision::{Motion, Verdict};
use crate::event::{Event, VetoWindowClosed};
use crate::id::{ClientId, Timestamp};
use crate::principal::Principal;
use crate::reject::Reject;
use crate::room::Room;

impl Room {
    /// The end of a motion. With one that is approved its alternatives end too.
    pub(super) fn ending(&self, motion: &Motion, verdict: Verdict) -> Vec<Event> {
        end(motion, verdict, self.decisions.open.values())
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
        let motions: Vec<&Motion> = self.decisions.open.values().collect();
        Ok(concluding(&motions, now, None))
    }

    /// What follows for the motions when a member goes.
    pub(in crate::room) fn motions_without(
        &self,
        client: &ClientId,
        was_removed: bool,
        now: Timestamp,
    ) -> Vec<Event> {
        let mut after: Vec<Motion> = self.decisions.open.values().cloned().collect();
        for motion in &mut after {
            motion.left(client, was_removed);
        }
        let after: Vec<&Motion> = after.iter().collect();
        let mut events = concluding(&after, now, None);
        // That is the server's own affair, and its time comes.
        events.retain(|event| !matches!(event, Event::VetoWindowClosed(_)));
        events
    }

    /// A room's motions end with it.
    pub(in crate::room) fn motions_at_the_end(&self, now: Timestamp) -> Vec<Event> {
        let motions: Vec<&Motion> = self.decisions.open.values().collect();
        concluding(&motions, now, Some(Verdict::Expired))
    }

    /// When time alone changes something next.
    #[must_use]
    pub fn due_at(&self) -> Option<Timestamp> {
        self.decisions.open.values().map(Motion::due_at).min()
    }
}

/// The end of a motion, and of those of all of them that are its alternatives.
fn end<'a>(motion: &Motion, verdict: Verdict, all: impl Iterator<Item = &'a Motion>) -> Vec<Event> {
    let mut events = vec![motion.decided(verdict, None)];
    if verdict == Verdict::Approved {
        let rivals = all.filter(|other| other.is_rival_of(motion));
        events.extend(rivals.map(|rival| rival.decided(Verdict::Superseded, Some(motion.id))));
    }
    events
}

/// The end of each motion of which it has come, or of its veto window.
fn concluding(motions: &[&Motion], now: Timestamp, otherwise: Option<Verdict>) -> Vec<Event> {
    let mut events = Vec::new();
    let mut ended = BTreeSet::new();
    for motion in motions {
        if ended.contains(&motion.id) {
            continue;
        }
        let Some(verdict) = motion.verdict(now).or(otherwise) else {
            if motion.veto_until.is_some_and(|until| until <= now) {
                events.push(Event::VetoWindowClosed(VetoWindowClosed {
                    decision: motion.id,
                    version: motion.version,
                }));
            }
            continue;
        };
        for event in end(motion, verdict, motions.iter().copied()) {
            // A rival may have ended before this one was looked at.
            let is_new = event.decision().is_none_or(|id| ended.insert(id));
            events.extend(is_new.then_some(event));
        }
    }
    events
}
