//! Motions, recounted from the records alone and in the plainest way: nothing here is the core's.

use std::collections::BTreeMap;

use bridge_core::decision::{Choice, Consent, Severity, Tally, Verdict, VoteType, Voter};
use bridge_core::event::{Decided, Envelope, Event, Proposed};
use bridge_core::{ClientId, CritiqueId, DecisionId, Timestamp};

use super::Violation;

/// A motion's records, and what else happened in its room since it was proposed.
struct Recount<'a> {
    proposed: &'a Proposed,
    proposer: ClientId,
    since: &'a [Envelope],
}

impl<'a> Recount<'a> {
    fn of(id: DecisionId, log: &'a [Envelope]) -> Result<Self, Violation> {
        let found = log
            .iter()
            .enumerate()
            .find_map(|(n, record)| match &record.event {
                Event::Proposed(proposed) if proposed.decision == id => Some((n, &**proposed)),
                _ => None,
            });
        let (at, proposed) = found.ok_or(format!("{id} was never proposed"))?;
        Ok(Self {
            proposed,
            proposer: log[at].by.clone(),
            since: &log[at + 1..],
        })
    }

    fn id(&self) -> DecisionId {
        self.proposed.decision
    }

    fn events(&self) -> impl Iterator<Item = &'a Event> {
        self.since.iter().map(|record| &record.event)
    }

    fn has_ended(&self) -> bool {
        self.events().any(|event| match event {
            Event::Decided(decided) => decided.decision == self.id(),
            Event::Withdrawn(withdrawn) => withdrawn.decision == self.id(),
            _ => false,
        })
    }

    /// Its version, its deadline and the end of its veto window.
    fn terms(&self) -> (u32, Timestamp, Option<Timestamp>) {
        let first = (1, self.proposed.deadline, self.proposed.veto_until);
        let amended = self.events().filter_map(|event| match event {
            Event::Amended(e) if e.decision == self.id() => {
                Some((e.version, e.deadline, e.veto_until))
            }
            _ => None,
        });
        amended.last().unwrap_or(first)
    }

    fn voter(&self, client: &ClientId) -> Option<&Voter> {
        self.proposed
            .electorate
            .iter()
            .find(|voter| voter.client == *client)
    }

    fn counting(&self, client: &ClientId) -> Option<Choice> {
        let (mut choice, mut is_gone) = (None, false);
        for event in self.events() {
            match event {
                Event::Amended(e) if e.decision == self.id() => choice = None,
                Event::Voted(e) if e.decision == self.id() && e.voter == *client => {
                    choice = Some(e.choice);
                }
                Event::MemberLeft(e) if e.client == *client => (choice, is_gone) = (None, true),
                Event::MemberJoined(e) if e.client == *client => is_gone = false,
                _ => {}
            }
        }
        choice.or(is_gone.then_some(Choice::Abstain))
    }

    fn is_held(&self) -> bool {
        let is_over = |id: CritiqueId| {
            self.events().any(|event| match event {
                Event::Resolved(e) => e.critique == id,
                Event::Waived(e) => e.critique == id && e.suffices,
                _ => false,
            })
        };
        self.events().any(|event| match event {
            Event::Critiqued(e) => {
                e.target.decision() == Some(self.id())
                    && e.severity == Severity::Blocking
                    && !is_over(e.critique)
            }
            _ => false,
        })
    }

    fn waits_for_a_veto_holder(&self, at: Timestamp) -> bool {
        let (_, _, until) = self.terms();
        let holders = self.proposed.electorate.iter().filter(|voter| voter.veto);
        let mut silent = holders.filter(|voter| self.counting(&voter.client).is_none());
        until.is_some_and(|until| at < until) && silent.next().is_some()
    }

    /// Members, or weight, of those who say so.
    fn sum(&self, wanted: impl Fn(Option<Choice>) -> bool, by_weight: bool) -> u64 {
        let voters = self.proposed.electorate.iter();
        let those = voters.filter(|voter| wanted(self.counting(&voter.client)));
        those
            .map(|voter| match by_weight {
                true => u64::from(voter.weight.milli()),
                false => 1,
            })
            .sum()
    }

    /// Whether it is approved by its votes, and whether it can be by those that are to come.
    fn votes(&self, is_at_deadline: bool) -> (bool, bool) {
        let by_weight = self.proposed.vote_type == VoteType::Weighted;
        let yes = self.sum(|c| c == Some(Choice::Approve), by_weight);
        let no = self.sum(
            |c| matches!(c, Some(Choice::Reject | Choice::Veto)),
            by_weight,
        );
        let silent = self.sum(|c| c.is_none(), by_weight);
        let all = self.sum(|_| true, by_weight);
        match self.proposed.vote_type {
            VoteType::SimpleMajority | VoteType::Weighted => {
                (yes > all - yes, yes + silent > all - yes - silent)
            }
            VoteType::Consensus => (yes == all, no == 0),
            VoteType::Quorum => {
                let quorum = u64::from(self.proposed.quorum.unwrap_or_default());
                let is_over = is_at_deadline || silent == 0;
                let suffices = all - silent >= quorum && yes > no;
                (suffices && is_over, suffices || !is_at_deadline)
            }
        }
    }

    fn tally(&self) -> Tally {
        let count = |wanted: &dyn Fn(Option<Choice>) -> bool| {
            let members = u32::try_from(self.sum(wanted, false)).expect("few members");
            (members, self.sum(wanted, true))
        };
        let (approve, approve_milli) = count(&|c| c == Some(Choice::Approve));
        let (reject, reject_milli) = count(&|c| matches!(c, Some(Choice::Reject | Choice::Veto)));
        let (abstain, abstain_milli) = count(&|c| c == Some(Choice::Abstain));
        let (outstanding, outstanding_milli) = count(&|c| c.is_none());
        Tally {
            approve,
            reject,
            abstain,
            outstanding,
            approve_milli,
            reject_milli,
            abstain_milli,
            outstanding_milli,
        }
    }

    /// Whether nothing may be said of it any more, though nobody has written its end down.
    fn is_decided_at(&self, at: Timestamp) -> bool {
        let (_, deadline, _) = self.terms();
        let (is_approved, may_be) = self.votes(at >= deadline);
        let stops = self.is_held() || self.waits_for_a_veto_holder(at);
        at >= deadline || !may_be || is_approved && !stops
    }

    /// Whether an amendment has what it takes: its proposer alone before the first ballot, or more than
    /// half of the electorate.
    fn is_wanted(&self, amendment: u32) -> bool {
        let consents = self.events().filter_map(|event| match event {
            Event::AmendmentVoted(e) if e.decision == self.id() && e.amendment == amendment => {
                Some((&e.voter, e.choice))
            }
            _ => None,
        });
        let last_words: BTreeMap<&ClientId, Consent> = consents.collect();
        let is_in = |client: &ClientId| {
            let mut is_gone = false;
            for event in self.events() {
                match event {
                    Event::MemberLeft(e) if e.client == *client => is_gone = true,
                    Event::MemberJoined(e) if e.client == *client => is_gone = false,
                    _ => {}
                }
            }
            self.voter(client).is_some() && !is_gone
        };
        let approving = last_words
            .iter()
            .filter(|(client, consent)| **consent == Consent::Approve && is_in(client));
        let has_ballots = self.events().any(|event| match event {
            Event::Voted(voted) => voted.decision == self.id(),
            _ => false,
        });
        let by_proposer = last_words.get(&self.proposer) == Some(&Consent::Approve);
        approving.count() * 2 > self.proposed.electorate.len() || !has_ballots && by_proposer
    }

    fn is_rightly_decided(&self, decided: &Decided, record: &Envelope) -> bool {
        let (version, deadline, _) = self.terms();
        let is_closed = self
            .events()
            .any(|event| matches!(event, Event::RoomClosed(_)));
        let is_late = record.at >= deadline;
        let (is_approved, may_be) = self.votes(is_late);
        let fits = match decided.verdict {
            Verdict::Approved => {
                is_approved && !self.is_held() && !self.waits_for_a_veto_holder(record.at)
            }
            Verdict::Rejected => !may_be,
            Verdict::Expired => (is_late || is_closed) && may_be,
            Verdict::Superseded => self.events().any(|event| match event {
                Event::Decided(other) => {
                    Some(other.decision) == decided.superseded_by
                        && other.verdict == Verdict::Approved
                }
                _ => false,
            }),
            Verdict::Vetoed => match self.events().last() {
                Some(Event::Voted(voted)) => {
                    let voter = self.voter(&voted.voter);
                    voted.decision == self.id()
                        && voted.choice == Choice::Veto
                        && voter.is_some_and(|voter| voter.veto)
                }
                _ => false,
            },
        };
        fits && decided.version == version && decided.tally == self.tally()
    }
}

/// The log without the going, or coming, of a member from which a record seems to follow.
fn before_the_going(log: &[Envelope], record: &Envelope) -> Option<Vec<Envelope>> {
    let same = log
        .iter()
        .rev()
        .take_while(|other| other.at == record.at && other.by == record.by);
    let going = same
        .into_iter()
        .find(|other| matches!(other.event, Event::MemberLeft(_) | Event::MemberJoined(_)))?;
    let others = log.iter().filter(|other| other.seq != going.seq);
    Some(others.cloned().collect())
}

/// Time had decided it, and it was written down only when somebody went or came.
fn was_decided_before(
    id: DecisionId,
    log: &[Envelope],
    decided: &Decided,
    record: &Envelope,
) -> bool {
    let Ok(recount) = Recount::of(id, log) else {
        return false;
    };
    let (_, deadline, until) = recount.terms();
    let is_by_time = record.at >= deadline || until.is_some_and(|until| record.at >= until);
    // What it was superseded by is in the log, and was decided in the same moment.
    let follows = is_by_time || decided.verdict == Verdict::Superseded;
    follows && recount.is_rightly_decided(decided, record)
}

/// Whether a record about a motion fits what the log has before it.
pub(crate) fn is_lawful(log: &[Envelope], record: &Envelope) -> Result<bool, Violation> {
    let Some(id) = record.event.decision() else {
        return Ok(true);
    };
    if matches!(record.event, Event::Proposed(_)) {
        return Ok(Recount::of(id, log).is_err());
    }
    let recount = Recount::of(id, log)?;
    if recount.has_ended() {
        return Ok(false);
    }
    let (version, deadline, until) = recount.terms();
    let is_late = record.at >= deadline;
    Ok(match &record.event {
        Event::Voted(voted) => {
            let is_own = voted.voter == record.by && recount.voter(&voted.voter).is_some();
            is_own && voted.version == version && !recount.is_decided_at(record.at)
        }
        Event::Amended(amended) => {
            amended.version == version + 1 && !is_late && recount.is_wanted(amended.amendment)
        }
        Event::VetoWindowClosed(_) => until.is_some_and(|until| until <= record.at),
        Event::Decided(decided) => {
            recount.is_rightly_decided(decided, record)
                || before_the_going(log, record)
                    .is_some_and(|log| was_decided_before(id, &log, decided, record))
        }
        _ => !is_late && !recount.is_decided_at(record.at),
    })
}
