//! A decision as JSON, in REST, in a room's state and in events.

mod history;
#[cfg(test)]
mod tests;

use bridge_core::decision::{
    Choice, Dossier, Motion, Power, State, Tally, Verdict, VoteType, Voter, Warning,
};
use bridge_core::event::Decided;
use bridge_core::{ClientId, CritiqueId, DecisionId, RoomId, Timestamp, limits};
use serde::Serialize;
use serde_json::value::RawValue;
use sha2::{Digest, Sha256};

use super::json;
use crate::hex;
use crate::wire::time;

use history::HistoryBody;
pub use history::critiques_text;

/// The JSON text of a decision with its history. `live` is the motion as its room has it, while it is
/// open.
#[must_use]
pub fn decision_text(dossier: &Dossier, live: Option<&Motion>) -> Vec<u8> {
    let facts = Facts::of(dossier, live);
    let history = HistoryBody::new(dossier, &facts);
    json(&Body {
        history: Some(history),
        ..Body::new(&facts)
    })
}

/// The JSON text of a page of decisions, without their histories, and before which to go on: after the
/// last one, or earlier when they do not fit into [`limits::PAGE_BYTES_MAX`].
#[must_use]
pub fn decisions_text<'a>(
    items: impl IntoIterator<Item = (&'a Dossier, Option<&'a Motion>)>,
    next: Option<DecisionId>,
) -> Vec<u8> {
    #[derive(Serialize)]
    struct List {
        items: Vec<Box<RawValue>>,
        next: Option<DecisionId>,
    }
    let facts: Vec<Facts<'_>> = items
        .into_iter()
        .map(|(dossier, live)| Facts::of(dossier, live))
        .collect();
    let shown = fitting(&facts, 1, limits::PAGE_BYTES_MAX);
    let next = match facts.get(shown.len()) {
        Some(_) => shown.len().checked_sub(1).map(|last| facts[last].motion.id),
        None => next,
    };
    json(&List { items: shown, next })
}

/// Open motions without their histories, as many as fit into [`limits::OPEN_DECISIONS_BYTES_MAX`].
pub(super) fn open_decisions(room: &RoomId, motions: &[Motion]) -> Vec<Box<RawValue>> {
    let facts: Vec<_> = motions
        .iter()
        .map(|motion| Facts::open(room, motion))
        .collect();
    fitting(&facts, 0, limits::OPEN_DECISIONS_BYTES_MAX)
}

/// The first decisions without their histories, as many as fit, and so many at least. An electorate
/// may be large, and real power takes time to count: what is not shown is not looked at.
fn fitting(facts: &[Facts<'_>], at_least: usize, bytes_max: usize) -> Vec<Box<RawValue>> {
    let mut shown = Vec::new();
    let mut bytes = 0;
    for facts in facts {
        let text = serde_json::value::to_raw_value(&Body::new(facts))
            .expect("the wire's own types have string keys and finite numbers");
        bytes += text.get().len();
        if bytes > bytes_max && shown.len() >= at_least {
            break;
        }
        shown.push(text);
    }
    shown
}

/// What is known of a decision, wherever it is from.
struct Facts<'a> {
    room: &'a RoomId,
    motion: &'a Motion,
    state: State,
    decided: Option<&'a Decided>,
    ended_at: Option<Timestamp>,
}

impl<'a> Facts<'a> {
    const fn open(room: &'a RoomId, motion: &'a Motion) -> Self {
        Self {
            room,
            motion,
            state: State::Open,
            decided: None,
            ended_at: None,
        }
    }

    fn of(dossier: &'a Dossier, live: Option<&'a Motion>) -> Self {
        let live = live.filter(|_| dossier.state == State::Open);
        Self {
            room: &dossier.room,
            motion: live.unwrap_or(&dossier.motion),
            state: dossier.state,
            decided: dossier.decided.as_ref(),
            ended_at: dossier.ended_at,
        }
    }

    const fn is_open(&self) -> bool {
        matches!(self.state, State::Open)
    }

    /// The ballot that counts. The log does not say of a motion that has ended who had left the room
    /// before, but its last record says, by name, whose ballots there were not.
    fn choice(&self, voter: &ClientId) -> Option<Choice> {
        let has_voted = self
            .decided
            .is_none_or(|decided| decided.not_voted.binary_search(voter).is_err());
        let ballot = self.motion.ballots().get(voter).copied();
        ballot.filter(|_| has_voted)
    }

    fn tally(&self) -> Tally {
        self.decided
            .map_or_else(|| self.motion.tally(), |decided| decided.tally)
    }

    fn not_voted(&self) -> Vec<ClientId> {
        self.decided.map_or_else(
            || self.motion.not_voted(),
            |decided| decided.not_voted.clone(),
        )
    }
}

#[derive(Serialize)]
struct Body<'a> {
    decision: DecisionId,
    room: &'a RoomId,
    channel: &'a str,
    proposer: &'a ClientId,
    proposed_at: String,
    state: State,
    verdict: Option<Verdict>,
    version: u32,
    text: &'a str,
    sha256: String,
    vote_type: VoteType,
    quorum: Option<u32>,
    deadline: String,
    veto_until: Option<String>,
    ended_at: Option<String>,
    alternative_to: Option<DecisionId>,
    superseded_by: Option<DecisionId>,
    tally: TallyBody,
    electorate: Vec<VoterBody<'a>>,
    not_voted: Vec<ClientId>,
    held_by: Vec<CritiqueId>,
    waits_for: Vec<ClientId>,
    warning: Option<WarningBody>,
    #[serde(flatten)]
    history: Option<HistoryBody<'a>>,
}

impl<'a> Body<'a> {
    fn new(facts: &Facts<'a>) -> Self {
        let motion = facts.motion;
        let power = Power::of(&motion.electorate, motion.rule());
        let veto_until = motion.veto_until.filter(|_| facts.is_open());
        let waits_for = match facts.is_open() {
            true => motion.waits_for(),
            false => Vec::new(),
        };
        Self {
            decision: motion.id,
            room: facts.room,
            channel: motion.channel.as_str(),
            proposer: &motion.proposer,
            proposed_at: time::to_text(motion.proposed_at),
            state: facts.state,
            verdict: facts.decided.map(|decided| decided.verdict),
            version: motion.version,
            text: &motion.text,
            sha256: hex::text(&Sha256::digest(motion.text.as_bytes())),
            vote_type: motion.vote_type,
            quorum: motion.quorum,
            deadline: time::to_text(motion.deadline),
            veto_until: veto_until.map(time::to_text),
            ended_at: facts.ended_at.map(time::to_text),
            alternative_to: motion.alternative_to,
            superseded_by: facts.decided.and_then(|decided| decided.superseded_by),
            tally: (&facts.tally()).into(),
            electorate: electorate(facts, power.of_each.as_deref()),
            not_voted: facts.not_voted(),
            held_by: motion.held_by(),
            waits_for,
            warning: power.warning.map(WarningBody::from),
            history: None,
        }
    }
}

#[derive(Serialize)]
struct VoterBody<'a> {
    client: &'a ClientId,
    weight: f64,
    veto: bool,
    power: Option<f64>,
    choice: Option<Choice>,
}

fn electorate<'a>(facts: &Facts<'a>, power: Option<&[f64]>) -> Vec<VoterBody<'a>> {
    let voter = |(place, voter): (usize, &'a Voter)| VoterBody {
        client: &voter.client,
        weight: voter.weight.as_f64(),
        veto: voter.veto,
        power: power.and_then(|of_each| of_each.get(place).copied()),
        choice: facts.choice(&voter.client),
    };
    facts
        .motion
        .electorate
        .iter()
        .enumerate()
        .map(voter)
        .collect()
}

#[derive(Serialize)]
struct WarningBody {
    code: &'static str,
    client: Option<ClientId>,
    message: String,
}

impl From<Warning> for WarningBody {
    fn from(warning: Warning) -> Self {
        match warning {
            Warning::OneDecides(client) => Self {
                code: "one_decides",
                message: format!("{client} decides alone, whatever the others vote"),
                client: Some(client),
            },
            Warning::OneIsEnough => Self {
                code: "one_is_enough",
                message: "one ballot is enough when nobody else votes".to_owned(),
                client: None,
            },
        }
    }
}

/// How the votes stand: members, and the same in weight.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub(super) struct TallyBody {
    approve: u32,
    reject: u32,
    abstain: u32,
    outstanding: u32,
    weight: WeightsBody,
}

#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
struct WeightsBody {
    approve: f64,
    reject: f64,
    abstain: f64,
    outstanding: f64,
}

impl From<&Tally> for TallyBody {
    fn from(tally: &Tally) -> Self {
        Self {
            approve: tally.approve,
            reject: tally.reject,
            abstain: tally.abstain,
            outstanding: tally.outstanding,
            weight: WeightsBody {
                approve: weight(tally.approve_milli),
                reject: weight(tally.reject_milli),
                abstain: weight(tally.abstain_milli),
                outstanding: weight(tally.outstanding_milli),
            },
        }
    }
}

/// Sums of weights are far below the numbers that a double cannot hold exactly.
#[expect(
    clippy::cast_precision_loss,
    reason = "at most 2,000 voters of 1,000,000 each"
)]
fn weight(milli: u64) -> f64 {
    milli as f64 / 1_000.0
}
