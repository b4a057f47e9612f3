//! What happens to decisions, and to critiques.

use serde::{Deserialize, Serialize};

use crate::decision::{Choice, Consent, Severity, Side, Tally, Target, Verdict, VoteType, Voter};
use crate::id::{ChannelName, ClientId, CritiqueId, DecisionId, Timestamp};
use crate::policy::Policy;
use crate::text::{Evidence, MessageText, Reason};

/// A coordinator has changed what its room's policy says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PolicyChanged {
    /// All of it.
    pub policy: Policy,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands a reference")]
const fn is_zero(seconds: &u32) -> bool {
    *seconds == 0
}

/// A motion was put to the vote. Whoever did is the record's author.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Proposed {
    /// The motion.
    pub decision: DecisionId,
    /// Where in the room it belongs.
    pub channel: ChannelName,
    /// Its text; this is version 1.
    pub text: MessageText,
    /// What it takes.
    pub vote_type: VoteType,
    /// How many must vote, when it is decided by that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quorum: Option<u32>,
    /// Who may vote, by name. Weights and vetoes are frozen here.
    pub electorate: Vec<Voter>,
    /// Until when.
    pub deadline: Timestamp,
    /// Until when it is not approved before all of its veto holders have voted; `None` when it has
    /// none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub veto_until: Option<Timestamp>,
    /// For how many seconds an amendment gives veto holders their time again.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub veto_seconds: u32,
    /// The motion of which it is an alternative.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub alternative_to: Option<DecisionId>,
    /// The first of the motions that are linked with it in this way.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub root: Option<DecisionId>,
}

/// A member of the electorate has voted: its earlier ballot on this version does not count any more.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Voted {
    /// On which motion.
    pub decision: DecisionId,
    /// On which text.
    pub version: u32,
    /// Who.
    pub voter: ClientId,
    /// What.
    pub choice: Choice,
    /// Why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<Reason>,
}

/// Another text was proposed for a motion.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AmendmentProposed {
    /// Of which motion.
    pub decision: DecisionId,
    /// Which text it would replace.
    pub version: u32,
    /// Its number among the motion's amendments, from 1.
    pub amendment: u32,
    /// The text.
    pub text: MessageText,
}

/// Somebody said whether an amendment is to be adopted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AmendmentVoted {
    /// Of which motion.
    pub decision: DecisionId,
    /// Its number.
    pub amendment: u32,
    /// Who.
    pub voter: ClientId,
    /// What.
    pub choice: Consent,
}

/// An amendment was adopted: the ballots on the old text are void, and its other amendments lapse.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Amended {
    /// The motion.
    pub decision: DecisionId,
    /// The amendment's number.
    pub amendment: u32,
    /// The new text's number.
    pub version: u32,
    /// The new text.
    pub text: MessageText,
    /// Until when one may vote: never earlier than before.
    pub deadline: Timestamp,
    /// Until when veto holders who have not voted hold an approval back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub veto_until: Option<Timestamp>,
}

/// Veto holders who have not voted do not hold an approval back any more.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct VetoWindowClosed {
    /// Of which motion.
    pub decision: DecisionId,
    /// On which text.
    pub version: u32,
}

/// A motion was decided, for good.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Decided {
    /// Which.
    pub decision: DecisionId,
    /// On which text.
    pub version: u32,
    /// How.
    pub verdict: Verdict,
    /// How the votes stood.
    pub tally: Tally,
    /// Members of the electorate who did not vote on this text, by name.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub not_voted: Vec<ClientId>,
    /// Those of the electorate who had left, and so counted as abstaining, by name.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub left: Vec<ClientId>,
    /// The alternative that was approved, when this is why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub superseded_by: Option<DecisionId>,
}

/// A motion's proposer has taken it back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Withdrawn {
    /// Which.
    pub decision: DecisionId,
}

/// Somebody holds something against a message or a motion.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Critiqued {
    /// The critique.
    pub critique: CritiqueId,
    /// Against what.
    pub target: Target,
    /// How much weight it has.
    pub severity: Severity,
    /// What.
    pub text: MessageText,
}

/// A critique's author says that it is met.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Resolved {
    /// Which.
    pub critique: CritiqueId,
    /// Of what.
    pub target: Target,
    /// How.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<MessageText>,
}

/// Somebody says that a critique need not be met. Of a motion's it takes more than half of the
/// electorate.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Waived {
    /// Which.
    pub critique: CritiqueId,
    /// Of what.
    pub target: Target,
    /// Why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<MessageText>,
    /// Whether that is enough, so that the critique is waived now.
    pub suffices: bool,
}

/// Somebody spoke for or against a motion.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Argued {
    /// Which.
    pub decision: DecisionId,
    /// For what.
    pub side: Side,
    /// What.
    pub text: MessageText,
    /// What it rests on.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub evidence: Vec<Evidence>,
}
