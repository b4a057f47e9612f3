//! What somebody holds against a post or a motion.

use crate::aggregate::Undecided;
use crate::command::{Critique, Resolve, Waive};
use crate::decision::{Motion, Severity, Target};
use crate::event::{Critiqued, Event, Resolved, Waived};
use crate::id::{ClientId, CritiqueId, MessageId, Timestamp};
use crate::limits;
use crate::principal::Principal;
use crate::reject::Reject;
use crate::room::Room;

use super::{Decisions, OfMessage};

/// A critique that stands.
enum Found<'a> {
    OfMessage(&'a OfMessage),
    OfMotion(&'a Motion, &'a crate::decision::Standing),
}

impl Room {
    pub(super) fn decide_critique(
        &self,
        critique: &Critique,
        by: &Principal,
        now: Timestamp,
    ) -> Result<Vec<Event>, Undecided<MessageId>> {
        match critique.target {
            Target::Message(id) => {
                self.knows_message(id, critique.target_seq)?;
                self.has_room_for_advice(by.client())?;
            }
            Target::Decision(id) => self.may_criticise(self.motion(id, now)?, critique, by)?,
        }
        Ok(vec![Event::Critiqued(Critiqued {
            critique: critique.id,
            target: critique.target,
            severity: critique.severity,
            text: critique.text.clone(),
        })])
    }

    fn has_room_for_advice(&self, client: &ClientId) -> Result<(), Reject> {
        let open = &self.decisions.critiques;
        let own = open.values().filter(|critique| critique.author == *client);
        Reject::when_full(
            own.count(),
            "open critiques of yours",
            limits::OPEN_CRITIQUES_OF_ONE_MAX,
        )?;
        Reject::when_full(open.len(), "open critiques", limits::OPEN_CRITIQUES_MAX)
    }

    /// Who has no say in it cannot stop it, and who has cannot be kept from it by others.
    fn may_criticise(
        &self,
        motion: &Motion,
        critique: &Critique,
        by: &Principal,
    ) -> Result<(), Reject> {
        let client = by.client();
        Reject::when_full(
            motion.said(client).critiques,
            "critiques of yours of this decision",
            limits::CRITIQUES_OF_ONE_MAX,
        )?;
        if critique.severity != Severity::Blocking {
            return Self::has_room_for_more(motion, client);
        }
        self.voter(motion, client)?;
        Reject::when_full(
            motion.blocked_by(client),
            "blocking critiques of yours of this decision",
            limits::BLOCKING_OF_ONE_MAX,
        )
    }

    /// Only who made it knows whether it is met.
    pub(super) fn decide_resolve(
        &self,
        resolve: &Resolve,
        by: &Principal,
        now: Timestamp,
    ) -> Result<Vec<Event>, Reject> {
        let found = self.critique(resolve.critique, now)?;
        if found.author() != by.client() {
            return Err(Reject::Forbidden(
                "only who made a critique resolves it; others may waive it",
            ));
        }
        let resolved = Event::Resolved(Resolved {
            critique: resolve.critique,
            target: found.target(),
            text: resolve.text.clone(),
        });
        Ok(match found {
            Found::OfMessage(_) => vec![resolved],
            Found::OfMotion(motion, _) => {
                self.with_consequences(motion, vec![resolved], by.client(), now)
            }
        })
    }

    pub(super) fn decide_waive(
        &self,
        waive: &Waive,
        by: &Principal,
        now: Timestamp,
    ) -> Result<Vec<Event>, Reject> {
        let found = self.critique(waive.critique, now)?;
        let waived = |suffices| {
            Event::Waived(Waived {
                critique: waive.critique,
                target: found.target(),
                text: waive.text.clone(),
                suffices,
            })
        };
        match found {
            Found::OfMessage(_) => {
                let otherwise =
                    Reject::Forbidden("only a coordinator may waive a critique of a message");
                self.must_lead(by, otherwise)?;
                Ok(vec![waived(true)])
            }
            Found::OfMotion(motion, standing) => {
                let client = by.client();
                self.voter(motion, client)?;
                Self::has_room_for_more(motion, client)?;
                let others = standing.waived_by.iter();
                let others =
                    others.filter(|other| *other != client && !motion.gone().contains(*other));
                let suffices = motion.is_majority(others.count() + 1);
                Ok(self.with_consequences(motion, vec![waived(suffices)], client, now))
            }
        }
    }

    fn critique(&self, id: CritiqueId, now: Timestamp) -> Result<Found<'_>, Reject> {
        if let Some(of_message) = self.decisions.critiques.get(&id) {
            return Ok(Found::OfMessage(of_message));
        }
        let mut motions = self.decisions.open.values();
        let motion = motions.find(|motion| motion.critiques().contains_key(&id));
        let motion = motion.ok_or(Reject::CritiqueNotFound(id))?;
        let motion = self.motion(motion.id, now)?;
        let standing = motion.critiques().get(&id);
        let standing = standing.ok_or(Reject::CritiqueNotFound(id))?;
        Ok(Found::OfMotion(motion, standing))
    }
}

impl Found<'_> {
    const fn author(&self) -> &ClientId {
        match self {
            Self::OfMessage(of_message) => &of_message.author,
            Self::OfMotion(_, standing) => &standing.author,
        }
    }

    const fn target(&self) -> Target {
        match self {
            Self::OfMessage(of_message) => Target::Message(of_message.message),
            Self::OfMotion(motion, _) => Target::Decision(motion.id),
        }
    }
}

impl Decisions {
    pub(super) fn apply_critique(&mut self, event: &Event, by: &ClientId) {
        match event {
            Event::Critiqued(critiqued) => {
                if let Target::Message(message) = critiqued.target {
                    let of_message = OfMessage {
                        message,
                        author: by.clone(),
                        severity: critiqued.severity,
                    };
                    self.critiques.insert(critiqued.critique, of_message);
                }
            }
            Event::Resolved(resolved) => {
                self.critiques.remove(&resolved.critique);
            }
            Event::Waived(waived) => {
                self.critiques.remove(&waived.critique);
            }
            other => unreachable!("{} is about a motion", other.kind()),
        }
    }
}
