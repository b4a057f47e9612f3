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
        let mut events = vec![motion.decided(verdict, None)];
        if verdict == Verdict::Approved {
            let rivals = self.rivals(motion);
            events.extend(rivals.map(|rival| rival.decided(Verdict::Superseded, Some(motion.id))));
        }
        events
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
        let motions = self.decisions.open.values().cloned();
        Ok(self.concluding(motions, now, None))
    }

    /// Each motion's end, if it has come, or the end of its veto window.
    fn concluding(
        &self,
        motions: impl Iterator<Item = Motion>,
        now: Timestamp,
        otherwise: Option<Verdict>,
    ) -> Vec<Event> {
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
            for event in self.ending(&motion, verdict) {
                // A rival may have ended before this one was looked at.
                let is_new = event.decision().is_none_or(|id| ended.insert(id));
                events.extend(is_new.then_some(event));
            }
        }
        events
    }

    /// What follows for the motions when a member goes.
    pub(in crate::room) fn motions_without(
        &self,
        client: &ClientId,
        was_removed: bool,
        now: Timestamp,
    ) -> Vec<Event> {
        let motions = self.decisions.open.values();
        let concerned = motions.filter(|motion| motion.voter(client).is_some());
        let after = concerned.map(|motion| {
            let mut after = motion.clone();
            after.left(client, was_removed);
            after
        });
        let mut events = self.concluding(after, now, None);
        // That is the server's own affair, and its time comes.
        events.retain(|event| !matches!(event, Event::VetoWindowClosed(_)));
        events
    }

    /// A room's motions end with it.
    pub(in crate::room) fn motions_at_the_end(&self, now: Timestamp) -> Vec<Event> {
        let motions = self.decisions.open.values().cloned();
        self.concluding(motions, now, Some(Verdict::Expired))
    }

    /// When time alone changes something next.
    #[must_use]
    pub fn due_at(&self) -> Option<Timestamp> {
        self.decisions.open.values().map(Motion::due_at).min()
    }
}
