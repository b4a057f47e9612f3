//! What clients say about decisions. What a request is about stands in a frame beside the other
//! fields, and over REST in the path; so it is read by itself.

use bridge_core::command::{
    Adopt, Amend, Argue, Critique, Propose, Resolve, RoomCommand, Vote, Waive, Withdraw,
};
use bridge_core::decision::{Choice, Consent, Severity, Side, Target, VoteType};
use bridge_core::ports::Ids;
use bridge_core::text::{Evidence, MessageText, Reason};
use bridge_core::{ChannelName, CritiqueId, DecisionId, limits};
use serde::Deserialize;

use super::PolicyChangeBody;
use super::object;

/// What can be asked about decisions.
#[derive(Debug)]
pub enum DecisionRequest {
    /// `propose`
    Propose(ProposeBody),
    /// `vote`
    Vote(DecisionId, VoteBody),
    /// `amend`
    Amend(DecisionId, AmendBody),
    /// `adopt`, of the amendment with this number
    Adopt(DecisionId, u32, AdoptBody),
    /// `argue`
    Argue(DecisionId, ArgueBody),
    /// `withdraw`
    Withdraw(DecisionId),
    /// `critique`
    Critique(Target, CritiqueBody),
    /// `resolve`
    Resolve(CritiqueId, AnswerBody),
    /// `waive`
    Waive(CritiqueId, AnswerBody),
}

impl DecisionRequest {
    /// The command, with ids of the server's for what is new.
    #[must_use]
    pub fn into_command(self, ids: &dyn Ids) -> RoomCommand {
        match self {
            Self::Propose(body) => body.into_command(ids.decision()),
            Self::Vote(decision, body) => body.into_command(decision),
            Self::Amend(decision, body) => body.into_command(decision),
            Self::Adopt(decision, amendment, body) => body.into_command(decision, amendment),
            Self::Argue(decision, body) => body.into_command(decision),
            Self::Withdraw(decision) => RoomCommand::Withdraw(Withdraw { decision }),
            Self::Critique(target, body) => body.into_command(ids.critique(), target),
            Self::Resolve(critique, body) => body.resolving(critique),
            Self::Waive(critique, body) => body.waiving(critique),
        }
    }
}

/// The fields of `set_policy`, and the body of `PATCH /v1/rooms/{room}`.
#[derive(Debug, Deserialize)]
pub struct SetPolicyBody {
    /// What is to be changed.
    #[serde(deserialize_with = "object::only")]
    pub policy: PolicyChangeBody,
}

/// The fields of `propose`, and the body of `POST …/decisions`.
#[derive(Debug, Deserialize)]
pub struct ProposeBody {
    /// What is put to the vote.
    pub text: MessageText,
    /// What it takes.
    #[serde(default = "usual_vote_type")]
    pub vote_type: VoteType,
    /// How many members must vote, for the vote type `quorum`.
    #[serde(default)]
    pub quorum: Option<u32>,
    /// For how many seconds one may vote.
    #[serde(default = "usual_deadline")]
    pub deadline_seconds: u32,
    /// Whether the proposer has no vote.
    #[serde(default)]
    pub exclude_proposer: bool,
    /// The open motion of which it is an alternative.
    #[serde(default)]
    pub alternative_to: Option<DecisionId>,
    /// Where in the room it belongs.
    #[serde(default = "ChannelName::main")]
    pub channel: ChannelName,
}

const fn usual_vote_type() -> VoteType {
    VoteType::SimpleMajority
}

const fn usual_deadline() -> u32 {
    limits::DECISION_SECONDS_DEFAULT
}

/// The fields of `vote`, and the body of `PUT …/{decision}/ballot`.
#[derive(Debug, Deserialize)]
pub struct VoteBody {
    /// On which text.
    pub version: u32,
    /// What.
    pub choice: Choice,
    /// Why; a veto must say it.
    #[serde(default)]
    pub reason: Option<Reason>,
}

/// The fields of `amend`, and the body of `POST …/{decision}/amendments`.
#[derive(Debug, Deserialize)]
pub struct AmendBody {
    /// The text that it would replace.
    pub version: u32,
    /// The text.
    pub text: MessageText,
}

/// The fields of `adopt`, and the body of `PUT …/{decision}/amendments/{amendment}/ballot`.
#[derive(Debug, Deserialize)]
pub struct AdoptBody {
    /// Whether it is to be adopted.
    pub choice: Consent,
}

/// The fields of `argue`, and the body of `POST …/{decision}/arguments`.
#[derive(Debug, Deserialize)]
pub struct ArgueBody {
    /// For what.
    pub side: Side,
    /// What.
    pub text: MessageText,
    /// What it rests on.
    #[serde(default)]
    pub evidence: Vec<Evidence>,
}

/// The fields of `critique`, and the body of `POST …/critiques`.
#[derive(Debug, Deserialize)]
pub struct CritiqueBody {
    /// How much weight it has.
    pub severity: Severity,
    /// What.
    pub text: MessageText,
}

/// The fields of `resolve` and of `waive`, and the bodies of their routes.
#[derive(Debug, Default, Deserialize)]
pub struct AnswerBody {
    /// What there is to say.
    #[serde(default)]
    pub text: Option<MessageText>,
}

/// A decision that a frame is about.
#[derive(Debug, Deserialize)]
pub(in crate::wire) struct OfDecision {
    pub(in crate::wire) decision: DecisionId,
}

/// Which amendment of its decision a frame is about.
#[derive(Debug, Deserialize)]
pub(in crate::wire) struct OfAmendment {
    pub(in crate::wire) amendment: u32,
}

/// What a frame criticises.
#[derive(Debug, Deserialize)]
pub(in crate::wire) struct OfTarget {
    pub(in crate::wire) target: Target,
}

/// A critique that a frame is about.
#[derive(Debug, Deserialize)]
pub(in crate::wire) struct OfCritique {
    pub(in crate::wire) critique: CritiqueId,
}

impl ProposeBody {
    /// The command, with an id of the server's.
    #[must_use]
    pub fn into_command(self, id: DecisionId) -> RoomCommand {
        RoomCommand::Propose(Propose {
            id,
            channel: self.channel,
            text: self.text,
            vote_type: self.vote_type,
            quorum: self.quorum,
            deadline_seconds: self.deadline_seconds,
            exclude_proposer: self.exclude_proposer,
            alternative_to: self.alternative_to,
        })
    }
}

impl VoteBody {
    /// The command about this decision.
    #[must_use]
    pub fn into_command(self, decision: DecisionId) -> RoomCommand {
        RoomCommand::Vote(Vote {
            decision,
            version: self.version,
            choice: self.choice,
            reason: self.reason,
        })
    }
}

impl AmendBody {
    /// The command about this decision.
    #[must_use]
    pub fn into_command(self, decision: DecisionId) -> RoomCommand {
        RoomCommand::Amend(Amend {
            decision,
            version: self.version,
            text: self.text,
        })
    }
}

impl AdoptBody {
    /// The command about this amendment of this decision.
    #[must_use]
    pub const fn into_command(self, decision: DecisionId, amendment: u32) -> RoomCommand {
        RoomCommand::Adopt(Adopt {
            decision,
            amendment,
            choice: self.choice,
        })
    }
}

impl ArgueBody {
    /// The command about this decision.
    #[must_use]
    pub fn into_command(self, decision: DecisionId) -> RoomCommand {
        RoomCommand::Argue(Argue {
            decision,
            side: self.side,
            text: self.text,
            evidence: self.evidence,
        })
    }
}

impl CritiqueBody {
    /// The command about this target, with an id of the server's.
    #[must_use]
    pub fn into_command(self, id: CritiqueId, target: Target) -> RoomCommand {
        RoomCommand::Critique(Critique {
            id,
            target,
            severity: self.severity,
            text: self.text,
            target_seq: None,
        })
    }
}

impl AnswerBody {
    /// The command that says that this critique is met.
    #[must_use]
    pub fn resolving(self, critique: CritiqueId) -> RoomCommand {
        RoomCommand::Resolve(Resolve {
            critique,
            text: self.text,
        })
    }

    /// The command that says that this critique need not be met.
    #[must_use]
    pub fn waiving(self, critique: CritiqueId) -> RoomCommand {
        RoomCommand::Waive(Waive {
            critique,
            text: self.text,
        })
    }
}
