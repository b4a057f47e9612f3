//! The fields of events about decisions.

use bridge_core::decision::{Choice, Consent, Severity, Side, Target, Verdict, VoteType, Voter};
use bridge_core::event::{Decided, Event, Proposed};
use bridge_core::text::{Evidence, MessageText};
use bridge_core::{ClientId, CritiqueId, DecisionId};
use serde::Serialize;

use super::{json, policy};
use crate::wire::encode::decision::TallyBody;
use crate::wire::frame::PolicyBody;
use crate::wire::time;

/// The kind's own fields.
pub(super) fn fields(event: &Event) -> Vec<u8> {
    match event {
        Event::PolicyChanged(e) => json(&PolicyChanged {
            policy: policy(&e.policy),
        }),
        Event::Proposed(e) => json(&ProposedBody::from(&**e)),
        Event::Voted(e) => json(&Voted {
            decision: e.decision,
            version: e.version,
            voter: &e.voter,
            choice: e.choice,
            reason: e.reason.as_deref(),
        }),
        Event::AmendmentProposed(e) => json(&AmendmentProposed {
            decision: e.decision,
            version: e.version,
            amendment: e.amendment,
            text: &e.text,
        }),
        Event::AmendmentVoted(e) => json(&AmendmentVoted {
            decision: e.decision,
            amendment: e.amendment,
            voter: &e.voter,
            choice: e.choice,
        }),
        Event::Amended(e) => json(&Amended {
            decision: e.decision,
            amendment: e.amendment,
            version: e.version,
            text: &e.text,
            deadline: time::to_text(e.deadline),
            veto_until: e.veto_until.map(time::to_text),
        }),
        Event::VetoWindowClosed(e) => json(&VetoWindowClosed {
            decision: e.decision,
            version: e.version,
        }),
        Event::Decided(e) => json(&DecidedBody::from(&**e)),
        Event::Withdrawn(e) => json(&Withdrawn {
            decision: e.decision,
        }),
        Event::Argued(e) => json(&Argued {
            decision: e.decision,
            side: e.side,
            text: &e.text,
            evidence: &e.evidence,
        }),
        other => of_critique(other),
    }
}

fn of_critique(event: &Event) -> Vec<u8> {
    match event {
        Event::Critiqued(e) => json(&Critiqued {
            critique: e.critique,
            target: e.target,
            severity: e.severity,
            text: &e.text,
        }),
        Event::Resolved(e) => json(&Answered {
            critique: e.critique,
            target: e.target,
            text: e.text.as_ref(),
            suffices: None,
        }),
        Event::Waived(e) => json(&Answered {
            critique: e.critique,
            target: e.target,
            text: e.text.as_ref(),
            suffices: Some(e.suffices),
        }),
        other => unreachable!("{} is about no decision", other.kind()),
    }
}

#[derive(Serialize)]
struct PolicyChanged {
    policy: PolicyBody,
}

#[derive(Serialize)]
struct ProposedBody<'a> {
    decision: DecisionId,
    version: u32,
    channel: &'a str,
    text: &'a MessageText,
    vote_type: VoteType,
    quorum: Option<u32>,
    electorate: Vec<VoterBody<'a>>,
    deadline: String,
    veto_until: Option<String>,
    alternative_to: Option<DecisionId>,
}

impl<'a> From<&'a Proposed> for ProposedBody<'a> {
    fn from(proposed: &'a Proposed) -> Self {
        Self {
            decision: proposed.decision,
            version: 1,
            channel: proposed.channel.as_str(),
            text: &proposed.text,
            vote_type: proposed.vote_type,
            quorum: proposed.quorum,
            electorate: proposed.electorate.iter().map(VoterBody::from).collect(),
            deadline: time::to_text(proposed.deadline),
            veto_until: proposed.veto_until.map(time::to_text),
            alternative_to: proposed.alternative_to,
        }
    }
}

#[derive(Serialize)]
struct VoterBody<'a> {
    client: &'a ClientId,
    weight: f64,
    veto: bool,
}

impl<'a> From<&'a Voter> for VoterBody<'a> {
    fn from(voter: &'a Voter) -> Self {
        Self {
            client: &voter.client,
            weight: voter.weight.as_f64(),
            veto: voter.veto,
        }
    }
}

#[derive(Serialize)]
struct Voted<'a> {
    decision: DecisionId,
    version: u32,
    voter: &'a ClientId,
    choice: Choice,
    reason: Option<&'a str>,
}

#[derive(Serialize)]
struct AmendmentProposed<'a> {
    decision: DecisionId,
    version: u32,
    amendment: u32,
    text: &'a MessageText,
}

#[derive(Serialize)]
struct AmendmentVoted<'a> {
    decision: DecisionId,
    amendment: u32,
    voter: &'a ClientId,
    choice: Consent,
}

#[derive(Serialize)]
struct Amended<'a> {
    decision: DecisionId,
    amendment: u32,
    version: u32,
    text: &'a MessageText,
    deadline: String,
    veto_until: Option<String>,
}

#[derive(Serialize)]
struct VetoWindowClosed {
    decision: DecisionId,
    version: u32,
}

#[derive(Serialize)]
struct DecidedBody<'a> {
    decision: DecisionId,
    version: u32,
    verdict: Verdict,
    tally: TallyBody,
    not_voted: &'a [ClientId],
    left: &'a [ClientId],
    superseded_by: Option<DecisionId>,
}

impl<'a> From<&'a Decided> for DecidedBody<'a> {
    fn from(decided: &'a Decided) -> Self {
        Self {
            decision: decided.decision,
            version: decided.version,
            verdict: decided.verdict,
            tally: (&decided.tally).into(),
            not_voted: &decided.not_voted,
            left: &decided.left,
            superseded_by: decided.superseded_by,
        }
    }
}

#[derive(Serialize)]
struct Withdrawn {
    decision: DecisionId,
}

#[derive(Serialize)]
struct Critiqued<'a> {
    critique: CritiqueId,
    target: Target,
    severity: Severity,
    text: &'a MessageText,
}

#[derive(Serialize)]
struct Answered<'a> {
    critique: CritiqueId,
    target: Target,
    text: Option<&'a MessageText>,
    #[serde(skip_serializing_if = "Option::is_none")]
    suffices: Option<bool>,
}

#[derive(Serialize)]
struct Argued<'a> {
    decision: DecisionId,
    side: Side,
    text: &'a MessageText,
    evidence: &'a [Evidence],
}
