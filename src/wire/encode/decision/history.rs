//! What has been said of a decision, and of critiques.

use bridge_core::decision::dossier::{
    AmendmentHistory, AmendmentState, Argument, Ballot, CritiqueHistory, CritiqueState, Text,
};
use bridge_core::decision::{Choice, Consent, Dossier, Severity, Side, Target};
use bridge_core::text::Evidence;
use bridge_core::{ClientId, CritiqueId};
use serde::Serialize;

use super::Facts;
use crate::wire::encode::json;
use crate::wire::time;

/// The JSON text of a page of critiques, and before which to go on.
#[must_use]
pub fn critiques_text(critiques: &[CritiqueHistory], next: Option<CritiqueId>) -> Vec<u8> {
    #[derive(Serialize)]
    struct List<'a> {
        items: Vec<CritiqueBody<'a>>,
        next: Option<CritiqueId>,
    }
    json(&List {
        items: critiques.iter().map(CritiqueBody::from).collect(),
        next,
    })
}

#[derive(Serialize)]
pub(super) struct HistoryBody<'a> {
    texts: Vec<TextBody<'a>>,
    ballots: Vec<BallotBody<'a>>,
    amendments: Vec<AmendmentBody<'a>>,
    critiques: Vec<CritiqueBody<'a>>,
    arguments: ArgumentsBody<'a>,
}

impl<'a> HistoryBody<'a> {
    pub(super) fn new(dossier: &'a Dossier, facts: &Facts<'_>) -> Self {
        let ballots = dossier.ballots.iter();
        Self {
            texts: dossier.texts.iter().map(TextBody::from).collect(),
            ballots: ballots
                .map(|ballot| BallotBody::new(ballot, facts))
                .collect(),
            amendments: dossier.amendments.iter().map(AmendmentBody::from).collect(),
            critiques: dossier.critiques.iter().map(CritiqueBody::from).collect(),
            arguments: ArgumentsBody {
                r#for: arguments(dossier, Side::For),
                against: arguments(dossier, Side::Against),
            },
        }
    }
}

#[derive(Serialize)]
struct TextBody<'a> {
    version: u32,
    text: &'a str,
    by: &'a ClientId,
    at: String,
    amendment: Option<u32>,
}

impl<'a> From<&'a Text> for TextBody<'a> {
    fn from(text: &'a Text) -> Self {
        Self {
            version: text.version,
            text: &text.text,
            by: &text.by,
            at: time::to_text(text.at),
            amendment: text.amendment,
        }
    }
}

#[derive(Serialize)]
struct BallotBody<'a> {
    voter: &'a ClientId,
    version: u32,
    choice: Choice,
    reason: Option<&'a str>,
    at: String,
    counts: bool,
}

impl<'a> BallotBody<'a> {
    fn new(ballot: &'a Ballot, facts: &Facts<'_>) -> Self {
        Self {
            voter: &ballot.voter,
            version: ballot.version,
            choice: ballot.choice,
            reason: ballot.reason.as_deref(),
            at: time::to_text(ballot.at),
            // Whoever has left takes its ballot along, which its motion's records do not say.
            counts: ballot.counts && facts.choice(&ballot.voter).is_some(),
        }
    }
}

#[derive(Serialize)]
struct AmendmentBody<'a> {
    amendment: u32,
    version: u32,
    text: &'a str,
    by: &'a ClientId,
    at: String,
    state: &'static str,
    consents: Vec<ConsentBody<'a>>,
}

#[derive(Serialize)]
struct ConsentBody<'a> {
    voter: &'a ClientId,
    choice: Consent,
}

impl<'a> From<&'a AmendmentHistory> for AmendmentBody<'a> {
    fn from(amendment: &'a AmendmentHistory) -> Self {
        let consents = amendment.consents.iter();
        Self {
            amendment: amendment.number,
            version: amendment.version,
            text: &amendment.text,
            by: &amendment.by,
            at: time::to_text(amendment.at),
            state: match amendment.state {
                AmendmentState::Open => "open",
                AmendmentState::Adopted => "adopted",
                AmendmentState::Lapsed => "lapsed",
            },
            consents: consents
                .map(|(voter, choice)| ConsentBody {
                    voter,
                    choice: *choice,
                })
                .collect(),
        }
    }
}

#[derive(Serialize)]
struct CritiqueBody<'a> {
    critique: CritiqueId,
    target: Target,
    severity: Severity,
    text: &'a str,
    by: &'a ClientId,
    at: String,
    state: &'static str,
    waived_by: Vec<&'a ClientId>,
    answer: Option<&'a str>,
}

impl<'a> From<&'a CritiqueHistory> for CritiqueBody<'a> {
    fn from(critique: &'a CritiqueHistory) -> Self {
        Self {
            critique: critique.critique,
            target: critique.target,
            severity: critique.severity,
            text: &critique.text,
            by: &critique.by,
            at: time::to_text(critique.at),
            state: match critique.state {
                CritiqueState::Open => "open",
                CritiqueState::Resolved => "resolved",
                CritiqueState::Waived => "waived",
                CritiqueState::Lapsed => "lapsed",
            },
            waived_by: critique.waived_by.iter().collect(),
            answer: critique.answer.as_deref(),
        }
    }
}

#[derive(Serialize)]
struct ArgumentsBody<'a> {
    r#for: Vec<ArgumentBody<'a>>,
    against: Vec<ArgumentBody<'a>>,
}

#[derive(Serialize)]
struct ArgumentBody<'a> {
    text: &'a str,
    evidence: &'a [Evidence],
    by: &'a ClientId,
    at: String,
}

impl<'a> From<&'a Argument> for ArgumentBody<'a> {
    fn from(argument: &'a Argument) -> Self {
        Self {
            text: &argument.text,
            evidence: &argument.evidence,
            by: &argument.by,
            at: time::to_text(argument.at),
        }
    }
}

fn arguments(dossier: &Dossier, side: Side) -> Vec<ArgumentBody<'_>> {
    let arguments = dossier.arguments.iter();
    let these = arguments.filter(|argument| argument.side == side);
    these.map(ArgumentBody::from).collect()
}
