//! Motions are put to the vote, and taken back.

use crate::command::{Propose, Withdraw};
use crate::decision::{Motion, Rule, VoteType, Voter};
use crate::event::{Event, Proposed, Withdrawn};
use crate::id::{ClientId, Timestamp};
use crate::limits;
use crate::policy::Who;
use crate::principal::Principal;
use crate::reject::Reject;
use crate::room::Room;

impl Room {
    pub(super) fn decide_propose(
        &self,
        propose: &Propose,
        by: &Principal,
        now: Timestamp,
    ) -> Result<Vec<Event>, Reject> {
        if self.policy.propose == Who::Coordinators && !self.leads(by) {
            return Err(Reject::Forbidden(
                "only a coordinator may propose decisions in this room",
            ));
        }
        let channel = self.channel(&propose.channel)?.clone();
        let rival = propose.alternative_to.map(|id| self.motion(id, now));
        let rival = rival.transpose()?;
        let electorate = self.electorate(propose, by);
        self.has_room_for_a_motion(by.client(), electorate.len())?;
        let quorum = quorum(propose, &electorate)?;
        // An alternative must not win by being over first.
        let least = rival.map_or(now, |rival| rival.deadline);
        let deadline = deadline(propose, now)?.max(least);
        let veto_seconds = self.veto_seconds(&electorate);
        let window = (veto_seconds > 0).then(|| now.plus_seconds(veto_seconds));
        Ok(vec![Event::Proposed(Box::new(Proposed {
            decision: propose.id,
            channel,
            text: propose.text.clone(),
            vote_type: propose.vote_type,
            quorum,
            electorate,
            deadline: deadline.max(window.unwrap_or(deadline)),
            veto_until: window,
            veto_seconds,
            alternative_to: propose.alternative_to,
            root: rival.map(Motion::root),
        }))])
    }

    fn has_room_for_a_motion(&self, by: &ClientId, voters: usize) -> Result<(), Reject> {
        let open = &self.decisions.open;
        let own = open.values().filter(|motion| motion.proposer == *by);
        let all_voters: usize = open.values().map(|motion| motion.electorate.len()).sum();
        Reject::when_full(
            own.count(),
            "open decisions of yours",
            limits::OPEN_DECISIONS_OF_ONE_MAX,
        )?;
        Reject::when_full(open.len(), "open decisions", limits::OPEN_DECISIONS_MAX)?;
        let with_all_but_one = (all_voters + voters).saturating_sub(1);
        Reject::when_full(
            with_all_but_one,
            "voters in open decisions",
            limits::OPEN_VOTERS_MAX,
        )
    }

    /// Who may vote: the members of this moment, with the weights and vetoes of this moment.
    fn electorate(&self, propose: &Propose, by: &Principal) -> Vec<Voter> {
        let members = self.members.iter();
        let voters =
            members.filter(|(client, _)| !propose.exclude_proposer || *client != by.client());
        voters
            .map(|(client, member)| Voter {
                client: client.clone(),
                weight: member.weight,
                veto: self.policy.veto.include(client, member.role),
            })
            .collect()
    }

    /// For how many seconds veto holders hold an approval back: none when there are none.
    fn veto_seconds(&self, electorate: &[Voter]) -> u32 {
        match electorate.iter().any(|voter| voter.veto) {
            true => self.policy.veto_window_seconds,
            false => 0,
        }
    }

    pub(super) fn decide_withdraw(
        &self,
        withdraw: &Withdraw,
        by: &Principal,
        now: Timestamp,
    ) -> Result<Vec<Event>, Reject> {
        let motion = self.motion(withdraw.decision, now)?;
        if motion.proposer != *by.client() {
            return Err(Reject::Forbidden(
                "only who proposed a decision may withdraw it",
            ));
        }
        if motion.has_ballots() {
            return Err(Reject::BallotsCast(motion.id));
        }
        Ok(vec![Event::Withdrawn(Withdrawn {
            decision: motion.id,
        })])
    }
}

/// How many must vote, when that matters.
fn quorum(propose: &Propose, electorate: &[Voter]) -> Result<Option<u32>, Reject> {
    let voters = u32::try_from(electorate.len()).unwrap_or(u32::MAX);
    if voters == 0 {
        return Err(Reject::field(
            "exclude_proposer",
            "must be false in a room without other members: nobody could vote",
        ));
    }
    if propose.vote_type == VoteType::Weighted && electorate.iter().all(|v| v.weight.milli() == 0) {
        return Err(Reject::field(
            "vote_type",
            "cannot be weighted here: the room's policy gives nobody who may vote any weight",
        ));
    }
    match (propose.vote_type, propose.quorum) {
        (VoteType::Quorum, asked) => {
            let usual = Rule::default_quorum(voters);
            let quorum = asked.unwrap_or(usual);
            // Or one member alone could put an end to what all others are voting on.
            let least = match propose.alternative_to {
                Some(_) => usual,
                None => 1,
            };
            if (least..=voters).contains(&quorum) {
                return Ok(Some(quorum));
            }
            let why = format!(
                "must be at least {least} and at most {voters}, which is how many may vote"
            );
            Err(Reject::field("quorum", why))
        }
        (_, None) => Ok(None),
        (_, Some(_)) => Err(Reject::field(
            "quorum",
            "belongs to the vote type quorum only",
        )),
    }
}

fn deadline(propose: &Propose, now: Timestamp) -> Result<Timestamp, Reject> {
    let seconds = propose.deadline_seconds;
    let max = limits::DECISION_SECONDS_MAX;
    if !(1..=max).contains(&seconds) {
        let why = format!("must be from 1 to {max}");
        return Err(Reject::field("deadline_seconds", why));
    }
    Ok(now.plus_seconds(seconds))
}
