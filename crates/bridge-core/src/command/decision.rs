//! What clients ask about decisions.

use serde::Serialize;

use crate::decision::{Choice, Consent, Severity, Side, Target, VoteType};
use crate::id::{ChannelName, ClientId, CritiqueId, DecisionId, Seq};
use crate::policy::{Role, RoleRule, VetoHolders, Visibility, VoteWeight, Weights, Who};
use crate::text::{Evidence, MessageText, Reason};

/// Change the room's policy. What is `None` stays as it is.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct SetPolicy {
    /// Who finds and joins the room.
    pub visibility: Option<Visibility>,
    /// How roles that hold power are come by.
    pub roles: Option<RoleRule>,
    /// Who may create channels.
    pub create_channels: Option<Who>,
    /// Vote weight by role.
    pub weights: SetWeights,
    /// Who may propose decisions.
    pub propose: Option<Who>,
    /// Who holds a veto.
    pub veto: SetVetoHolders,
    /// For how many seconds veto holders hold an approval back.
    pub veto_window_seconds: Option<u32>,
}

/// Change vote weights. What is `None` stays as it is.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct SetWeights {
    /// A coordinator's.
    pub coordinator: Option<VoteWeight>,
    /// A reviewer's.
    pub reviewer: Option<VoteWeight>,
    /// Everybody else's.
    pub others: Option<VoteWeight>,
}

impl SetWeights {
    /// The weights after it.
    #[must_use]
    pub fn of(&self, weights: &Weights) -> Weights {
        Weights {
            coordinator: self.coordinator.unwrap_or(weights.coordinator),
            reviewer: self.reviewer.unwrap_or(weights.reviewer),
            others: self.others.unwrap_or(weights.others),
        }
    }
}

/// Change who holds a veto. What is `None` stays as it is.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct SetVetoHolders {
    /// Members with one of these roles.
    pub roles: Option<Vec<Role>>,
    /// These members, whatever their role.
    pub clients: Option<Vec<ClientId>>,
}

impl SetVetoHolders {
    /// The holders after it.
    #[must_use]
    pub fn of(&self, holders: &VetoHolders) -> VetoHolders {
        VetoHolders {
            roles: self.roles.as_ref().unwrap_or(&holders.roles).clone(),
            clients: self.clients.as_ref().unwrap_or(&holders.clients).clone(),
        }
    }
}

/// Put a motion to the vote.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Propose {
    /// Its id, made by the server.
    #[serde(skip)]
    pub id: DecisionId,
    /// Where in the room it belongs.
    pub channel: ChannelName,
    /// Its text.
    pub text: MessageText,
    /// What it takes.
    pub vote_type: VoteType,
    /// How many must vote, for [`VoteType::Quorum`]; otherwise it says nothing and is refused.
    pub quorum: Option<u32>,
    /// Seconds from now until its deadline.
    pub deadline_seconds: u32,
    /// Whether the proposer has no vote.
    pub exclude_proposer: bool,
    /// The motion of which it is an alternative.
    pub alternative_to: Option<DecisionId>,
}

/// Vote.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Vote {
    /// On which motion.
    pub decision: DecisionId,
    /// On which text.
    pub version: u32,
    /// What.
    pub choice: Choice,
    /// Why. A veto must say it.
    pub reason: Option<Reason>,
}

/// Propose another text for a motion.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Amend {
    /// For which.
    pub decision: DecisionId,
    /// The text that it would replace.
    pub version: u32,
    /// The text.
    pub text: MessageText,
}

/// Say whether an amendment is to be adopted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Adopt {
    /// Of which motion.
    pub decision: DecisionId,
    /// Its number.
    pub amendment: u32,
    /// Whether it is.
    pub choice: Consent,
}

/// Hold something against a message or a motion.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Critique {
    /// The critique's id, made by the server.
    #[serde(skip)]
    pub id: CritiqueId,
    /// Against what.
    pub target: Target,
    /// How much weight it has.
    pub severity: Severity,
    /// What.
    pub text: MessageText,
    /// Where the shell found the message in this room, when the room asked it to look.
    #[serde(skip)]
    pub target_seq: Option<Seq>,
}

/// Say that one's critique is met.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Resolve {
    /// Which.
    pub critique: CritiqueId,
    /// How.
    pub text: Option<MessageText>,
}

/// Say that a critique need not be met.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Waive {
    /// Which.
    pub critique: CritiqueId,
    /// Why.
    pub text: Option<MessageText>,
}

/// Speak for or against a motion.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Argue {
    /// Which.
    pub decision: DecisionId,
    /// For what.
    pub side: Side,
    /// What.
    pub text: MessageText,
    /// What it rests on.
    pub evidence: Vec<Evidence>,
}

/// Take a motion back, before the first ballot.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Withdraw {
    /// Which.
    pub decision: DecisionId,
}
