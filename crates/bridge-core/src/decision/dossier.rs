//! Everything that the log has of one motion, put in order: what one is shown who asks for it.

use std::collections::BTreeSet;

use super::{Choice, Consent, Motion, Severity, Side, State, Target};
use crate::event::{Decided, Envelope, Event};
use crate::id::{ClientId, CritiqueId, DecisionId, RoomId, Seq, Timestamp};
use crate::text::{Evidence, MessageText, Reason};

/// A motion with its history.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dossier {
    /// The room that decides it.
    pub room: RoomId,
    /// The motion after its last record. It does not know who has left the room since it was proposed:
    /// of one that is open the room knows better.
    pub motion: Motion,
    /// Where it is in its life.
    pub state: State,
    /// How it was decided.
    pub decided: Option<Decided>,
    /// When it was decided, or withdrawn.
    pub ended_at: Option<Timestamp>,
    /// Its last record.
    pub last_seq: Seq,
    /// Its texts, from version 1 on.
    pub texts: Vec<Text>,
    /// Every ballot, the voided and the replaced ones too, in order.
    pub ballots: Vec<Ballot>,
    /// Every amendment, in order.
    pub amendments: Vec<AmendmentHistory>,
    /// Every critique of it, in order.
    pub critiques: Vec<CritiqueHistory>,
    /// Every argument, in order.
    pub arguments: Vec<Argument>,
}

/// One text of a motion.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Text {
    /// Its number.
    pub version: u32,
    /// The text.
    pub text: MessageText,
    /// Whose it is.
    pub by: ClientId,
    /// Since when it stood.
    pub at: Timestamp,
    /// The amendment that it came from.
    pub amendment: Option<u32>,
}

/// One ballot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ballot {
    /// Whose.
    pub voter: ClientId,
    /// On which text.
    pub version: u32,
    /// What.
    pub choice: Choice,
    /// Why.
    pub reason: Option<Reason>,
    /// When.
    pub at: Timestamp,
    /// Whether it counts: it is its voter's last one on the text that stands.
    pub counts: bool,
}

/// What became of an amendment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AmendmentState {
    /// It may be adopted.
    Open,
    /// It is the motion's text, or was.
    Adopted,
    /// Another one was adopted, half of the electorate has rejected it, or the motion ended.
    Lapsed,
}

/// An amendment with what was said of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AmendmentHistory {
    /// Its number.
    pub number: u32,
    /// The text that it would replace.
    pub version: u32,
    /// The text.
    pub text: MessageText,
    /// Whose it is.
    pub by: ClientId,
    /// When.
    pub at: Timestamp,
    /// What became of it.
    pub state: AmendmentState,
    /// Everybody's last word on it, by name.
    pub consents: Vec<(ClientId, Consent)>,
}

/// What became of a critique.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CritiqueState {
    /// It stands.
    Open,
    /// Its author says that it is met.
    Resolved,
    /// It need not be met.
    Waived,
    /// Its motion has ended.
    Lapsed,
}

/// A critique with what was said of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CritiqueHistory {
    /// The critique.
    pub critique: CritiqueId,
    /// Of what.
    pub target: Target,
    /// How much weight it has.
    pub severity: Severity,
    /// What.
    pub text: MessageText,
    /// Whose it is.
    pub by: ClientId,
    /// When.
    pub at: Timestamp,
    /// What became of it.
    pub state: CritiqueState,
    /// Who says that it need not be met, by name.
    pub waived_by: BTreeSet<ClientId>,
    /// What was said when it was resolved or waived.
    pub answer: Option<MessageText>,
}

/// One argument.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Argument {
    /// For what.
    pub side: Side,
    /// What.
    pub text: MessageText,
    /// What it rests on.
    pub evidence: Vec<Evidence>,
    /// Whose it is.
    pub by: ClientId,
    /// When.
    pub at: Timestamp,
}

impl Dossier {
    /// A motion from all of its records, in order of seq; `None` when the first one does not propose
    /// it, or is not in a room.
    #[must_use]
    pub fn of(records: &[Envelope]) -> Option<Self> {
        let (first, rest) = records.split_first()?;
        let mut dossier = Self::proposed(first)?;
        for envelope in rest {
            if envelope.event.decision() == Some(dossier.motion.id) {
                dossier.take_in(envelope);
            }
        }
        dossier.settle();
        Some(dossier)
    }

    /// Its id.
    #[must_use]
    pub const fn id(&self) -> DecisionId {
        self.motion.id
    }

    fn proposed(first: &Envelope) -> Option<Self> {
        let (Event::Proposed(proposed), crate::event::Stream::Room(room)) =
            (&first.event, &first.stream)
        else {
            return None;
        };
        let motion = Motion::new(proposed, &first.by, first.at);
        let text = Text {
            version: 1,
            text: motion.text.clone(),
            by: first.by.clone(),
            at: first.at,
            amendment: None,
        };
        Some(Self {
            room: room.clone(),
            motion,
            state: State::Open,
            decided: None,
            ended_at: None,
            last_seq: first.seq,
            texts: vec![text],
            ballots: Vec::new(),
            amendments: Vec::new(),
            critiques: Vec::new(),
            arguments: Vec::new(),
        })
    }

    fn take_in(&mut self, envelope: &Envelope) {
        let (by, at) = (&envelope.by, envelope.at);
        self.last_seq = envelope.seq;
        self.motion.apply(&envelope.event, by);
        match &envelope.event {
            Event::Voted(voted) => self.ballots.push(Ballot {
                voter: voted.voter.clone(),
                version: voted.version,
                choice: voted.choice,
                reason: voted.reason.clone(),
                at,
                counts: false,
            }),
            Event::AmendmentProposed(proposed) => self.amendments.push(AmendmentHistory {
                number: proposed.amendment,
                version: proposed.version,
                text: proposed.text.clone(),
                by: by.clone(),
                at,
                state: AmendmentState::Open,
                consents: Vec::new(),
            }),
            Event::AmendmentVoted(voted) => {
                self.consent(voted.amendment, &voted.voter, voted.choice);
            }
            Event::Amended(amended) => self.amended(amended.amendment, at),
            Event::Decided(decided) => {
                self.state = decided.verdict.into();
                self.ended_at = Some(at);
                for client in &decided.left {
                    self.motion.left(client);
                }
                self.decided = Some((**decided).clone());
            }
            Event::Withdrawn(_) => {
                self.state = State::Withdrawn;
                self.ended_at = Some(at);
            }
            Event::Argued(argued) => self.arguments.push(Argument {
                side: argued.side,
                text: argued.text.clone(),
                evidence: argued.evidence.clone(),
                by: by.clone(),
                at,
            }),
            event => take_in_critique(&mut self.critiques, event, by, at),
        }
    }

    fn consent(&mut self, amendment: u32, voter: &ClientId, choice: Consent) {
        let mut amendments = self.amendments.iter_mut();
        let Some(amendment) = amendments.find(|other| other.number == amendment) else {
            return;
        };
        let consents = &mut amendment.consents;
        consents.retain(|(other, _)| other != voter);
        consents.push((voter.clone(), choice));
        consents.sort_by(|(a, _), (b, _)| a.cmp(b));
    }

    fn amended(&mut self, number: u32, at: Timestamp) {
        for amendment in &mut self.amendments {
            if amendment.number == number {
                amendment.state = AmendmentState::Adopted;
                self.texts.push(Text {
                    version: self.motion.version,
                    text: amendment.text.clone(),
                    by: amendment.by.clone(),
                    at,
                    amendment: Some(number),
                });
            } else if amendment.state == AmendmentState::Open {
                amendment.state = AmendmentState::Lapsed;
            }
        }
    }

    /// What can be said only when all is known.
    fn settle(&mut self) {
        self.count_ballots();
        let has_ended = self.state != State::Open;
        for amendment in &mut self.amendments {
            let stands = self.motion.amendments().contains_key(&amendment.number);
            if amendment.state == AmendmentState::Open && (has_ended || !stands) {
                amendment.state = AmendmentState::Lapsed;
            }
        }
        if has_ended {
            for critique in &mut self.critiques {
                if critique.state == CritiqueState::Open {
                    critique.state = CritiqueState::Lapsed;
                }
            }
        }
    }
}

impl Dossier {
    /// The same as the room has it, which knows who has left. Of the same record, or it is not the same.
    #[must_use]
    pub fn as_of(mut self, live: &Motion) -> Self {
        self.motion = live.clone();
        self.count_ballots();
        self
    }

    fn count_ballots(&mut self) {
        let mut seen = BTreeSet::new();
        for ballot in self.ballots.iter_mut().rev() {
            let stands = ballot.version == self.motion.version
                && self.motion.ballots().contains_key(&ballot.voter);
            ballot.counts = stands && seen.insert(ballot.voter.clone());
        }
    }
}

/// Critiques from all the records about them, in order of seq. One whose motion has ended is open as
/// far as these tell.
#[must_use]
pub fn critiques_of(records: &[Envelope]) -> Vec<CritiqueHistory> {
    let mut critiques = Vec::new();
    for envelope in records {
        take_in_critique(&mut critiques, &envelope.event, &envelope.by, envelope.at);
    }
    critiques
}

fn take_in_critique(
    critiques: &mut Vec<CritiqueHistory>,
    event: &Event,
    by: &ClientId,
    at: Timestamp,
) {
    match event {
        Event::Critiqued(critiqued) => critiques.push(CritiqueHistory {
            critique: critiqued.critique,
            target: critiqued.target,
            severity: critiqued.severity,
            text: critiqued.text.clone(),
            by: by.clone(),
            at,
            state: CritiqueState::Open,
            waived_by: BTreeSet::new(),
            answer: None,
        }),
        Event::Resolved(resolved) => {
            if let Some(critique) = find(critiques, resolved.critique) {
                critique.state = CritiqueState::Resolved;
                critique.answer.clone_from(&resolved.text);
            }
        }
        Event::Waived(waived) => {
            if let Some(critique) = find(critiques, waived.critique) {
                critique.waived_by.insert(by.clone());
                critique.answer.clone_from(&waived.text);
                if waived.suffices {
                    critique.state = CritiqueState::Waived;
                }
            }
        }
        _ => {}
    }
}

fn find(critiques: &mut [CritiqueHistory], id: CritiqueId) -> Option<&mut CritiqueHistory> {
    critiques
        .iter_mut()
        .find(|critique| critique.critique == id)
}

#[cfg(test)]
mod tests;
