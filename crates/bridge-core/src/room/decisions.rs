//! Motions of a room: who may do what about them, and what follows.

mod amending;
mod critiques;
mod debating;
mod ending;
mod proposing;
mod voting;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::aggregate::Undecided;
use crate::command::RoomCommand;
use crate::decision::{Motion, Severity, State, Voter};
use crate::event::{Envelope, Event};
use crate::id::{ClientId, CritiqueId, DecisionId, MessageId, Timestamp};
use crate::limits;
use crate::principal::Principal;
use crate::reject::Reject;
use crate::room::Room;

/// What a room knows of its motions.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Decisions {
    open: BTreeMap<DecisionId, Motion>,
    /// What became of the others: none of them is ever decided again.
    closed: BTreeMap<DecisionId, State>,
    /// Critiques of posts that stand. Those of a motion are the motion's.
    critiques: BTreeMap<CritiqueId, OfMessage>,
}

/// A critique of a post that is neither resolved nor waived.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct OfMessage {
    message: MessageId,
    author: ClientId,
    severity: Severity,
}

impl Room {
    /// Motions that are not decided yet, the oldest first.
    pub fn open_motions(&self) -> impl Iterator<Item = &Motion> {
        self.decisions.open.values()
    }

    /// A motion that is not decided yet.
    #[must_use]
    pub fn open_motion(&self, id: DecisionId) -> Option<&Motion> {
        self.decisions.open.get(&id)
    }

    pub(super) fn decide_about_motions(
        &self,
        command: &RoomCommand,
        by: &Principal,
        now: Timestamp,
    ) -> Result<Vec<Event>, Undecided<MessageId>> {
        self.member(by.client())?;
        Ok(match command {
            RoomCommand::Propose(propose) => self.decide_propose(propose, by, now)?,
            RoomCommand::Vote(vote) => self.decide_vote(vote, by, now)?,
            RoomCommand::Amend(amend) => self.decide_amend(amend, by, now)?,
            RoomCommand::Adopt(adopt) => self.decide_adopt(adopt, by, now)?,
            RoomCommand::Critique(critique) => self.decide_critique(critique, by, now)?,
            RoomCommand::Resolve(resolve) => self.decide_resolve(resolve, by, now)?,
            RoomCommand::Waive(waive) => self.decide_waive(waive, by, now)?,
            RoomCommand::Argue(argue) => self.decide_argue(argue, by, now)?,
            RoomCommand::Withdraw(withdraw) => self.decide_withdraw(withdraw, by, now)?,
            other => unreachable!("{} is about no motion", other.name()),
        })
    }

    /// A motion that can still be changed at `now`: time may have decided it before somebody has
    /// written that down.
    fn motion(&self, id: DecisionId, now: Timestamp) -> Result<&Motion, Reject> {
        let closed = |state| Reject::DecisionClosed {
            decision: id,
            state,
        };
        let Some(motion) = self.decisions.open.get(&id) else {
            let state = self.decisions.closed(id);
            return Err(state.map_or(Reject::DecisionNotFound(id), closed));
        };
        let due = self.decided_by_time(now);
        let ended = due.iter().find_map(|event| match event {
            Event::Decided(decided) if decided.decision == id => Some(decided.verdict),
            _ => None,
        });
        ended.map_or(Ok(motion), |verdict| Err(closed(verdict.into())))
    }

    /// Whether somebody may say more about a motion. One member alone cannot use up what all have.
    fn has_room_for_more(motion: &Motion, client: &ClientId) -> Result<(), Reject> {
        Reject::when_full(
            motion.said(client).records,
            "records of yours about this decision",
            limits::RECORDS_OF_ONE_MAX,
        )?;
        Reject::when_full(
            motion.records(),
            "records about this decision",
            limits::DECISION_RECORDS_MAX,
        )
    }

    /// Somebody who may vote on a motion.
    fn voter<'a>(&self, motion: &'a Motion, client: &ClientId) -> Result<&'a Voter, Reject> {
        self.member(client)?;
        let voter = motion.voter(client);
        voter.ok_or(Reject::NotInElectorate(motion.id))
    }

    /// An event about a motion, with what follows from it.
    fn with_consequences(
        &self,
        motion: &Motion,
        events: Vec<Event>,
        by: &ClientId,
        now: Timestamp,
    ) -> Vec<Event> {
        let mut after = motion.clone();
        for event in &events {
            after.apply(event, by);
        }
        let mut events = events;
        if let Some(verdict) = after.verdict(now) {
            events.extend(self.ending(&after, verdict, now));
        }
        events
    }

    pub(super) fn apply_about_motions(&mut self, envelope: &Envelope) {
        let decisions = &mut self.decisions;
        match &envelope.event {
            Event::Proposed(proposed) => {
                let motion = Motion::new(proposed, &envelope.by, envelope.at);
                decisions.open.insert(motion.id, motion);
            }
            Event::Decided(decided) => decisions.close(decided.decision, decided.verdict.into()),
            Event::Withdrawn(withdrawn) => decisions.close(withdrawn.decision, State::Withdrawn),
            event => match event.decision() {
                Some(id) => {
                    if let Some(motion) = decisions.open.get_mut(&id) {
                        motion.apply(event, &envelope.by);
                    }
                }
                None => decisions.apply_critique(event, &envelope.by),
            },
        }
    }
}

impl Decisions {
    /// What has become of a motion that has ended.
    pub(super) fn closed(&self, id: DecisionId) -> Option<State> {
        self.closed.get(&id).copied()
    }

    fn close(&mut self, id: DecisionId, state: State) {
        self.open.remove(&id);
        self.closed.insert(id, state);
        // Ids carry their time, and the log has them all.
        if self.closed.len() > limits::CLOSED_DECISIONS_REMEMBERED {
            self.closed.pop_first();
        }
    }

    /// A member has left.
    pub(super) fn left(&mut self, client: &ClientId) {
        for motion in self.open.values_mut() {
            motion.left(client);
        }
    }

    /// Somebody became a member, perhaps again.
    pub(super) fn joined(&mut self, client: &ClientId) {
        for motion in self.open.values_mut() {
            motion.returned(client);
        }
    }
}
