//! Arguments.

use crate::command::Argue;
use crate::event::{Argued, Event};
use crate::id::Timestamp;
use crate::limits;
use crate::reject::Reject;
use crate::room::Room;

impl Room {
    /// Every member may speak, also who has no vote.
    pub(super) fn decide_argue(&self, argue: &Argue, now: Timestamp) -> Result<Vec<Event>, Reject> {
        let motion = self.motion(argue.decision, now)?;
        if motion.arguments() >= limits::ARGUMENTS_MAX {
            return Err(Reject::RoomFull {
                what: "arguments about this decision",
                max: limits::ARGUMENTS_MAX,
            });
        }
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
