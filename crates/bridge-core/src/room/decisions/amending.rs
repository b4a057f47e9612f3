//! Other texts for a motion.

use crate::command::{Adopt, Amend};
use crate::decision::{Amendment, Consent, Motion};
use crate::event::{Amended, AmendmentProposed, AmendmentVoted, Event};
use crate::id::{ClientId, Timestamp};
use crate::limits;
use crate::principal::Principal;
use crate::reject::Reject;
use crate::room::Room;

use super::voting::is_current;

impl Room {
    pub(super) fn decide_amend(
        &self,
        amend: &Amend,
        by: &Principal,
        now: Timestamp,
    ) -> Result<Vec<Event>, Reject> {
        let motion = self.motion(amend.decision, now)?;
        self.may_amend(motion, by.client())?;
        is_current(motion, amend.version)?;
        Self::has_room_for_more(motion, by.client())?;
        let open = motion.amendments().values();
        let own = open.filter(|amendment| amendment.author == *by.client());
        Reject::when_full(
            own.count(),
            "open amendments of yours to this decision",
            limits::OPEN_AMENDMENTS_OF_ONE_MAX,
        )?;
        Reject::when_full(
            motion.amendments().len(),
            "open amendments of this decision",
            limits::OPEN_AMENDMENTS_MAX,
        )?;
        Reject::when_full(
            motion.amendments_total() as usize,
            "amendments of this decision",
            limits::AMENDMENTS_MAX as usize,
        )?;
        if amend.text == motion.text {
            return Err(Reject::field(
                "text",
                "must differ from the text that stands",
            ));
        }
        Ok(vec![Event::AmendmentProposed(AmendmentProposed {
            decision: motion.id,
            version: motion.version,
            amendment: motion.amendments_total() + 1,
            text: amend.text.clone(),
        })])
    }

    /// Whoever may vote; and the proposer, whose motion it is, also without a vote.
    fn may_amend(&self, motion: &Motion, client: &ClientId) -> Result<(), Reject> {
        if motion.proposer == *client {
            return self.member(client).map(drop);
        }
        self.voter(motion, client).map(drop)
    }

    pub(super) fn decide_adopt(
        &self,
        adopt: &Adopt,
        by: &Principal,
        now: Timestamp,
    ) -> Result<Vec<Event>, Reject> {
        let motion = self.motion(adopt.decision, now)?;
        self.may_amend(motion, by.client())?;
        let amendment = motion.amendments().get(&adopt.amendment);
        let amendment = amendment.ok_or(Reject::AmendmentNotFound {
            decision: motion.id,
            amendment: adopt.amendment,
        })?;
        Self::has_room_for_more(motion, by.client())?;
        let is_friendly = is_friendly(motion, adopt, by.client());
        let voter = match motion.voter(by.client()) {
            Some(voter) => voter.client.clone(),
            None if is_friendly => by.client().clone(),
            None => return Err(Reject::NotInElectorate(motion.id)),
        };
        let mut events = vec![Event::AmendmentVoted(AmendmentVoted {
            decision: motion.id,
            amendment: adopt.amendment,
            voter,
            choice: adopt.choice,
        })];
        if is_friendly || is_adopted(motion, amendment, adopt, by.client()) {
            events.push(amended(motion, adopt.amendment, amendment, now));
        }
        Ok(self.with_consequences(motion, events, by.client(), now))
    }
}

/// Veto holders get the time again that they had at first.
fn amended(motion: &Motion, number: u32, amendment: &Amendment, now: Timestamp) -> Event {
    let has_window = motion.veto_seconds > 0;
    let window = has_window.then(|| now.plus_seconds(motion.veto_seconds));
    Event::Amended(Amended {
        decision: motion.id,
        amendment: number,
        version: motion.version + 1,
        text: amendment.text.clone(),
        deadline: motion.deadline.max(window.unwrap_or(motion.deadline)),
        veto_until: window,
    })
}

/// The proposer alone may change the motion as long as nobody has voted on it.
fn is_friendly(motion: &Motion, adopt: &Adopt, client: &ClientId) -> bool {
    motion.proposer == *client && adopt.choice == Consent::Approve && !motion.has_ballots()
}

/// Whether more than half of the electorate wants it, with this consent.
fn is_adopted(motion: &Motion, amendment: &Amendment, adopt: &Adopt, client: &ClientId) -> bool {
    let earlier = amendment.consents.iter().filter(|(voter, consent)| {
        let counts = motion.voter(voter).is_some() && !motion.gone().contains(*voter);
        *voter != client && **consent == Consent::Approve && counts
    });
    let this = usize::from(adopt.choice == Consent::Approve);
    motion.is_majority(earlier.count() + this)
}
