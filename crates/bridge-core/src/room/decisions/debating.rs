//! Arguments.

use crate::command::Argue;
use crate::event::{Argued, Event};
use crate::id::Timestamp;
use crate::limits;
use crate::principal::Principal;
use crate::reject::Reject;
use crate::room::Room;

impl Room {
    /// Every member may speak, also who has no vote.
    pub(super) fn decide_argue(
        &self,
        argue: &Argue,
        by: &Principal,
        now: Timestamp,
    ) -> Result<Vec<Event>, Reject> {
        let motion = self.motion(argue.decision, now)?;
        Self::has_room_for_more(motion, by.client())?;
        Reject::when_full(
            motion.said(by.client()).arguments,
            "arguments of yours about this decision",
            limits::ARGUMENTS_OF_ONE_MAX,
        )?;
        Reject::when_full(
            motion.arguments(argue.side),
            "arguments of this side about this decision",
            limits::ARGUMENTS_OF_A_SIDE_MAX,
        )?;
        if argue.evidence.len() > limits::EVIDENCE_MAX {
            let why = format!("must have at most {} pieces", limits::EVIDENCE_MAX);
            return Err(Reject::field("evidence", why));
        }
        Ok(vec![Event::Argued(Argued {
            decision: motion.id,
            side: argue.side,
            text: argue.text.clone(),
            evidence: argue.evidence.clone(),
        })])
    }
}
