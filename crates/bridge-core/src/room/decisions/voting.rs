//! Ballots.

use crate::command::Vote;
use crate::decision::{Choice, Motion, Verdict};
use crate::event::{Event, Voted};
use crate::id::Timestamp;
use crate::principal::Principal;
use crate::reject::Reject;
use crate::room::Room;

impl Room {
    pub(super) fn decide_vote(
        &self,
        vote: &Vote,
        by: &Principal,
        now: Timestamp,
    ) -> Result<Vec<Event>, Reject> {
        let motion = self.motion(vote.decision, now)?;
        let voter = self.voter(motion, by.client())?;
        is_current(motion, vote.version)?;
        if vote.choice == Choice::Veto && !voter.veto {
            return Err(Reject::NoVetoPower(motion.id));
        }
        if vote.choice == Choice::Veto && vote.reason.is_none() {
            return Err(Reject::field("reason", "is missing: a veto says why"));
        }
        // Whoever has not voted on this text may, whatever others have done; and who may end it, too.
        let is_first = !motion.ballots().contains_key(by.client());
        if !is_first && vote.choice != Choice::Veto {
            Self::has_room_for_more(motion, by.client())?;
        }
        let voted = Event::Voted(Voted {
            decision: motion.id,
            version: vote.version,
            // As the electorate has it, whatever the spelling of the token.
            voter: voter.client.clone(),
            choice: vote.choice,
            reason: vote.reason.clone(),
        });
        if vote.choice != Choice::Veto {
            return Ok(self.with_consequences(motion, vec![voted], by.client(), now));
        }
        let mut after = motion.clone();
        after.apply(&voted, by.client());
        let mut events = vec![voted];
        events.extend(self.ending(&after, Verdict::Vetoed, now));
        Ok(events)
    }
}

/// Nobody votes on a text that he may not have read.
pub(super) const fn is_current(motion: &Motion, version: u32) -> Result<(), Reject> {
    if version == motion.version {
        return Ok(());
    }
    Err(Reject::StaleVersion {
        decision: motion.id,
        asked: version,
        current: motion.version,
    })
}
