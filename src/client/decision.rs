//! A decision as the server tells of it.

use bridge_core::decision::{Choice, Consent, Severity, State, VoteType};
use bridge_core::{CritiqueId, DecisionId, RoomId};
use serde::Deserialize;

/// A decision. In a list it comes without its history.
#[derive(Debug, Clone, Deserialize)]
pub struct DecisionFacts {
    /// Which.
    pub decision: DecisionId,
    /// The room that decides it.
    pub room: RoomId,
    /// Where in the room it belongs.
    pub channel: String,
    /// Who proposed it.
    pub proposer: String,
    /// When.
    pub proposed_at: String,
    /// Where it is in its life.
    pub state: State,
    /// The number of the text that stands.
    pub version: u32,
    /// The text that stands.
    pub text: String,
    /// The SHA-256 of its bytes.
    pub sha256: String,
    /// What it takes.
    pub vote_type: VoteType,
    /// How many must vote, when that matters.
    #[serde(default)]
    pub quorum: Option<u32>,
    /// Until when it may be decided.
    pub deadline: String,
    /// Until when an approval waits for veto holders.
    #[serde(default)]
    pub veto_until: Option<String>,
    /// When it was decided, or withdrawn.
    #[serde(default)]
    pub ended_at: Option<String>,
    /// The decision of which it is an alternative.
    #[serde(default)]
    pub alternative_to: Option<DecisionId>,
    /// The alternative that was approved.
    #[serde(default)]
    pub superseded_by: Option<DecisionId>,
    /// How the votes stand.
    pub tally: TallyFacts,
    /// Who may vote.
    #[serde(default)]
    pub electorate: Vec<VoterFacts>,
    /// Who has not voted on the text that stands.
    #[serde(default)]
    pub not_voted: Vec<String>,
    /// Blocking critiques that stand.
    #[serde(default)]
    pub held_by: Vec<CritiqueId>,
    /// Veto holders for whom an approval waits.
    #[serde(default)]
    pub waits_for: Vec<String>,
    /// What somebody should know who votes.
    #[serde(default)]
    pub warning: Option<WarningFacts>,
    /// Every ballot, in order.
    #[serde(default)]
    pub ballots: Vec<BallotFacts>,
    /// Every amendment, in order.
    #[serde(default)]
    pub amendments: Vec<AmendmentFacts>,
    /// Every critique, in order.
    #[serde(default)]
    pub critiques: Vec<CritiqueFacts>,
    /// What was said for and against it.
    #[serde(default)]
    pub arguments: ArgumentsFacts,
}

/// How the votes stand: members, and the same in weight.
#[derive(Debug, Clone, Deserialize)]
pub struct TallyFacts {
    /// For it.
    pub approve: u32,
    /// Against it.
    pub reject: u32,
    /// Neither.
    pub abstain: u32,
    /// Not yet.
    pub outstanding: u32,
    /// The weight of each.
    pub weight: WeightFacts,
}

/// How the votes stand, in weight.
#[derive(Debug, Clone, Deserialize)]
pub struct WeightFacts {
    /// For it.
    pub approve: f64,
    /// Against it.
    pub reject: f64,
    /// Neither.
    pub abstain: f64,
    /// Not yet.
    pub outstanding: f64,
}

/// Somebody who may vote.
#[derive(Debug, Clone, Deserialize)]
pub struct VoterFacts {
    /// Who.
    pub client: String,
    /// How much its ballot counts.
    pub weight: f64,
    /// Whether it may end the motion.
    #[serde(default)]
    pub veto: bool,
    /// How often its vote turns the result, from 0 to 1.
    #[serde(default)]
    pub power: Option<f64>,
    /// The ballot that counts.
    #[serde(default)]
    pub choice: Option<Choice>,
}

/// What somebody should know who votes.
#[derive(Debug, Clone, Deserialize)]
pub struct WarningFacts {
    /// A sentence that says it.
    pub message: String,
}

/// A ballot.
#[derive(Debug, Clone, Deserialize)]
pub struct BallotFacts {
    /// Whose.
    pub voter: String,
    /// Why.
    #[serde(default)]
    pub reason: Option<String>,
    /// Whether it is its voter's last one on the text that stands.
    pub counts: bool,
}

/// An amendment.
#[derive(Debug, Clone, Deserialize)]
pub struct AmendmentFacts {
    /// Its number.
    pub amendment: u32,
    /// The number of the text that it would replace.
    pub version: u32,
    /// The text.
    pub text: String,
    /// Whose it is.
    pub by: String,
    /// What became of it: `open`, `adopted` or `lapsed`.
    pub state: String,
    /// What was said of it.
    #[serde(default)]
    pub consents: Vec<ConsentFacts>,
}

/// What somebody said of an amendment.
#[derive(Debug, Clone, Deserialize)]
pub struct ConsentFacts {
    /// Who.
    pub voter: String,
    /// What.
    pub choice: Consent,
}

/// A critique.
#[derive(Debug, Clone, Deserialize)]
pub struct CritiqueFacts {
    /// Which.
    pub critique: CritiqueId,
    /// How much weight it has.
    pub severity: Severity,
    /// What it says.
    pub text: String,
    /// Whose it is.
    pub by: String,
    /// What became of it: `open`, `resolved` or `waived`.
    pub state: String,
    /// Who says that it need not be met.
    #[serde(default)]
    pub waived_by: Vec<String>,
    /// What was said when it was resolved or waived.
    #[serde(default)]
    pub answer: Option<String>,
}

/// What was said for and against a decision.
#[derive(Debug, Clone, Default, Deserialize)]
pub struct ArgumentsFacts {
    /// For it.
    #[serde(default, rename = "for")]
    pub pro: Vec<ArgumentFacts>,
    /// Against it.
    #[serde(default, rename = "against")]
    pub contra: Vec<ArgumentFacts>,
}

/// An argument.
#[derive(Debug, Clone, Deserialize)]
pub struct ArgumentFacts {
    /// What it says.
    pub text: String,
    /// What it rests on.
    #[serde(default)]
    pub evidence: Vec<String>,
    /// Whose it is.
    pub by: String,
}

impl DecisionFacts {
    /// Whether it can still be decided.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.state == State::Open
    }
}
