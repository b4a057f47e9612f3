//! A motion: what it is after its records, and what follows from that.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{
    Choice, Consent, Counted, Outcome, Rule, Severity, Side, Tally, Verdict, VoteType, Voter,
};
use crate::event::{Amended, Decided, Event, Proposed};
use crate::id::{ChannelName, ClientId, CritiqueId, DecisionId, Timestamp, author};
use crate::text::MessageText;

/// A motion after some of its records.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Motion {
    /// Its id.
    pub id: DecisionId,
    /// Who put it to the vote.
    #[serde(deserialize_with = "author")]
    pub proposer: ClientId,
    /// When.
    pub proposed_at: Timestamp,
    /// Where in the room it belongs.
    pub channel: ChannelName,
    /// The text that stands.
    pub text: MessageText,
    /// Its number, from 1.
    pub version: u32,
    /// What it takes.
    pub vote_type: VoteType,
    /// How many must vote, when it is decided by that.
    pub quorum: Option<u32>,
    /// Who may vote, by name.
    pub electorate: Arc<[Voter]>,
    /// Until when.
    pub deadline: Timestamp,
    /// Until when veto holders who have not voted hold an approval back; `None` when they do not, or
    /// not any more.
    pub veto_until: Option<Timestamp>,
    /// For how many seconds veto holders hold an approval of a new text back: frozen like weights.
    pub veto_seconds: u32,
    /// The motion of which it is an alternative.
    pub alternative_to: Option<DecisionId>,
    root: Option<DecisionId>,
    ballots: BTreeMap<ClientId, Choice>,
    gone: BTreeSet<ClientId>,
    has_ballots: bool,
    amendments: BTreeMap<u32, Amendment>,
    amendments_total: u32,
    critiques: BTreeMap<CritiqueId, Standing>,
    arguments: BTreeMap<Side, usize>,
    records: usize,
    said: BTreeMap<ClientId, Said>,
}

/// How much somebody has said about a motion.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Said {
    /// Records of all kinds.
    pub records: usize,
    /// Critiques.
    pub critiques: usize,
    /// Arguments.
    pub arguments: usize,
}

/// Another text for a motion, neither adopted nor lapsed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Amendment {
    /// The text.
    pub text: MessageText,
    /// Who wants it.
    pub author: ClientId,
    /// What the members of the electorate say of it.
    pub consents: BTreeMap<ClientId, Consent>,
}

/// A critique that is neither resolved nor waived.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Standing {
    /// Whose it is.
    pub author: ClientId,
    /// How much weight it has.
    pub severity: Severity,
    /// Members of the electorate who say that it need not be met.
    pub waived_by: BTreeSet<ClientId>,
}

impl Motion {
    /// A motion as it was proposed.
    #[must_use]
    pub fn new(proposed: &Proposed, by: &ClientId, at: Timestamp) -> Self {
        Self {
            id: proposed.decision,
            proposer: by.clone(),
            proposed_at: at,
            channel: proposed.channel.clone(),
            text: proposed.text.clone(),
            version: 1,
            vote_type: proposed.vote_type,
            quorum: proposed.quorum,
            electorate: by_name(proposed.electorate.clone()),
            deadline: proposed.deadline,
            veto_until: proposed.veto_until,
            veto_seconds: proposed.veto_seconds,
            alternative_to: proposed.alternative_to,
            root: proposed.root,
            ballots: BTreeMap::new(),
            gone: BTreeSet::new(),
            has_ballots: false,
            amendments: BTreeMap::new(),
            amendments_total: 0,
            critiques: BTreeMap::new(),
            arguments: BTreeMap::new(),
            records: 1,
            said: BTreeMap::new(),
        }
    }

    /// Takes in a record about it, behind the one that proposed it.
    pub fn apply(&mut self, event: &Event, by: &ClientId) {
        self.records += 1;
        self.note(event, by);
        match event {
            Event::Voted(voted) => {
                self.has_ballots = true;
                self.ballots.insert(voted.voter.clone(), voted.choice);
            }
            Event::AmendmentProposed(proposed) => {
                self.amendments_total = proposed.amendment;
                let amendment = Amendment {
                    text: proposed.text.clone(),
                    author: by.clone(),
                    consents: BTreeMap::new(),
                };
                self.amendments.insert(proposed.amendment, amendment);
            }
            Event::AmendmentVoted(voted) => {
                if let Some(amendment) = self.amendments.get_mut(&voted.amendment) {
                    amendment.consents.insert(voted.voter.clone(), voted.choice);
                }
                self.lapse(voted.amendment);
            }
            Event::Amended(amended) => self.amended(amended),
            Event::VetoWindowClosed(_) => self.veto_until = None,
            Event::Argued(argued) => *self.arguments.entry(argued.side).or_default() += 1,
            Event::Critiqued(critiqued) => {
                let standing = Standing {
                    author: by.clone(),
                    severity: critiqued.severity,
                    waived_by: BTreeSet::new(),
                };
                self.critiques.insert(critiqued.critique, standing);
            }
            Event::Resolved(resolved) => {
                self.critiques.remove(&resolved.critique);
            }
            Event::Waived(waived) if waived.suffices => {
                self.critiques.remove(&waived.critique);
            }
            Event::Waived(waived) => {
                if let Some(critique) = self.critiques.get_mut(&waived.critique) {
                    critique.waived_by.insert(by.clone());
                }
            }
            _ => {}
        }
    }

    fn amended(&mut self, amended: &Amended) {
        self.text = amended.text.clone();
        self.version = amended.version;
        self.deadline = amended.deadline;
        self.veto_until = amended.veto_until;
        self.ballots.clear();
        self.amendments.clear();
    }

    fn note(&mut self, event: &Event, by: &ClientId) {
        let said = match event {
            // They follow from what somebody said.
            Event::Amended(_) | Event::VetoWindowClosed(_) | Event::Decided(_) => return,
            _ => self.said.entry(by.clone()).or_default(),
        };
        said.records += 1;
        match event {
            Event::Critiqued(_) => said.critiques += 1,
            Event::Argued(_) => said.arguments += 1,
            _ => {}
        }
    }

    /// An amendment lapses when it can no longer get more than half of the electorate.
    fn lapse(&mut self, number: u32) {
        let Some(amendment) = self.amendments.get(&number) else {
            return;
        };
        let consents = amendment.consents.iter();
        let against = consents
            .filter(|(voter, consent)| **consent == Consent::Reject && self.voter(voter).is_some());
        if against.count() * 2 >= self.electorate.len() {
            self.amendments.remove(&number);
        }
    }

    /// A member has left the room: it counts as abstaining, whatever it said. For one who was removed
    /// nothing changes, or a coordinator could take a rejection away together with its author, or
    /// reach a quorum with those who have not voted.
    pub fn left(&mut self, client: &ClientId) {
        if self.voter(client).is_some() {
            self.gone.insert(client.clone());
            self.ballots.remove(client);
        }
    }

    /// Somebody has come back, and may vote again.
    pub fn returned(&mut self, client: &ClientId) {
        self.gone.remove(client);
    }

    /// The first of the motions that are linked as alternatives: itself, when there are none.
    #[must_use]
    pub fn root(&self) -> DecisionId {
        self.root.unwrap_or(self.id)
    }

    /// Whether not more than one of the two can be approved.
    #[must_use]
    pub fn is_rival_of(&self, other: &Self) -> bool {
        self.id != other.id && self.root() == other.root()
    }

    /// A member of the electorate.
    #[must_use]
    pub fn voter(&self, client: &ClientId) -> Option<&Voter> {
        let place = self
            .electorate
            .binary_search_by(|voter| voter.client.cmp(client));
        place.ok().map(|place| &self.electorate[place])
    }

    /// What counts of a member of the electorate; `None` when it has not voted and still may.
    #[must_use]
    pub fn counting(&self, client: &ClientId) -> Option<Choice> {
        let left = || self.gone.contains(client).then_some(Choice::Abstain);
        self.ballots.get(client).copied().or_else(left)
    }

    /// Members of the electorate who have left.
    #[must_use]
    pub const fn gone(&self) -> &BTreeSet<ClientId> {
        &self.gone
    }

    /// The ballots on the text that stands.
    #[must_use]
    pub const fn ballots(&self) -> &BTreeMap<ClientId, Choice> {
        &self.ballots
    }

    /// Whether anybody has ever voted on it, on whatever text.
    #[must_use]
    pub const fn has_ballots(&self) -> bool {
        self.has_ballots
    }

    /// Amendments that are neither adopted nor lapsed, by number.
    #[must_use]
    pub const fn amendments(&self) -> &BTreeMap<u32, Amendment> {
        &self.amendments
    }

    /// The number of its last amendment; 0 when there was none.
    #[must_use]
    pub const fn amendments_total(&self) -> u32 {
        self.amendments_total
    }

    /// Critiques of it that stand.
    #[must_use]
    pub const fn critiques(&self) -> &BTreeMap<CritiqueId, Standing> {
        &self.critiques
    }

    /// How many arguments of a side were brought forward.
    #[must_use]
    pub fn arguments(&self, side: Side) -> usize {
        self.arguments.get(&side).copied().unwrap_or_default()
    }

    /// How much somebody has said about it.
    #[must_use]
    pub fn said(&self, client: &ClientId) -> Said {
        self.said.get(client).copied().unwrap_or_default()
    }

    /// Blocking critiques of one author that stand.
    #[must_use]
    pub fn blocked_by(&self, client: &ClientId) -> usize {
        let standing = self.critiques.values();
        let blocking = standing.filter(|standing| {
            standing.severity == Severity::Blocking && standing.author == *client
        });
        blocking.count()
    }

    /// How many records are about it.
    #[must_use]
    pub const fn records(&self) -> usize {
        self.records
    }

    /// How the votes stand.
    #[must_use]
    pub fn tally(&self) -> Tally {
        let counted = self.electorate.iter().map(|voter| Counted {
            weight: voter.weight,
            choice: self.counting(&voter.client),
        });
        Tally::of(counted)
    }

    /// Members of the electorate who have not voted on the text that stands, those who left among
    /// them.
    #[must_use]
    pub fn not_voted(&self) -> Vec<ClientId> {
        let clients = self.electorate.iter().map(|voter| &voter.client);
        let without = clients.filter(|client| !self.ballots.contains_key(*client));
        without.cloned().collect()
    }

    /// Blocking critiques that hold its approval back.
    #[must_use]
    pub fn held_by(&self) -> Vec<CritiqueId> {
        let critiques = self.critiques.iter();
        let blocking = critiques.filter(|(_, standing)| standing.severity == Severity::Blocking);
        blocking.map(|(id, _)| *id).collect()
    }

    /// Veto holders for whom an approval waits.
    #[must_use]
    pub fn waits_for(&self) -> Vec<ClientId> {
        if self.veto_until.is_none() {
            return Vec::new();
        }
        let holders = self.electorate.iter().filter(|voter| voter.veto);
        let silent = holders.filter(|voter| self.counting(&voter.client).is_none());
        silent.map(|voter| voter.client.clone()).collect()
    }

    /// Whether more than half of the electorate are so many.
    #[must_use]
    pub fn is_majority(&self, members: usize) -> bool {
        members * 2 > self.electorate.len()
    }

    /// What it takes.
    #[must_use]
    pub const fn rule(&self) -> Rule {
        let quorum = match self.quorum {
            Some(quorum) => quorum,
            None => 0,
        };
        Rule {
            vote_type: self.vote_type,
            quorum,
        }
    }

    /// How it is decided at `now`, if it is. A veto is not seen here: it decides at once.
    #[must_use]
    pub fn verdict(&self, now: Timestamp) -> Option<Verdict> {
        let is_at_deadline = now >= self.deadline;
        let expired = is_at_deadline.then_some(Verdict::Expired);
        match self.rule().outcome(&self.tally(), is_at_deadline) {
            Outcome::Rejected => Some(Verdict::Rejected),
            Outcome::Undecided => expired,
            Outcome::Approved if !self.held_by().is_empty() => expired,
            Outcome::Approved if self.is_in_veto_window(now) => None,
            Outcome::Approved => Some(Verdict::Approved),
        }
    }

    fn is_in_veto_window(&self, now: Timestamp) -> bool {
        self.veto_until.is_some_and(|until| now < until) && !self.waits_for().is_empty()
    }

    /// When time has decided it, and how, if it has by `now`. Only two moments can.
    #[must_use]
    pub fn decided_by_time(&self, now: Timestamp) -> Option<(Timestamp, Verdict)> {
        let moments = [self.veto_until, Some(self.deadline)];
        let past = moments.into_iter().flatten().filter(|at| *at <= now);
        let mut decided = past.filter_map(|at| Some((at, self.verdict(at)?)));
        decided.next()
    }

    /// The record of its end.
    #[must_use]
    pub fn decided(&self, verdict: Verdict, superseded_by: Option<DecisionId>) -> Event {
        Event::Decided(Box::new(Decided {
            decision: self.id,
            version: self.version,
            verdict,
            tally: self.tally(),
            not_voted: self.not_voted(),
            left: self.gone.iter().cloned().collect(),
            superseded_by,
        }))
    }

    /// When time alone changes something about it next.
    #[must_use]
    pub fn due_at(&self) -> Timestamp {
        due_at(self.deadline, self.veto_until)
    }
}

/// As a room proposes it, so that one voter is found without looking at all of them.
fn by_name(mut electorate: Vec<Voter>) -> Arc<[Voter]> {
    electorate.sort_by(|a, b| a.client.cmp(&b.client));
    electorate.into()
}

/// When time alone changes something next about a motion with these times.
#[must_use]
pub fn due_at(deadline: Timestamp, veto_until: Option<Timestamp>) -> Timestamp {
    veto_until.unwrap_or(deadline).min(deadline)
}
