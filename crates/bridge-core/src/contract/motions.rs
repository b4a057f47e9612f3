//! Records of motions and critiques, written by hand.

use crate::contract::mail::time;
use crate::contract::script::{channel, client, keyed, reason, record, text};
use crate::decision::{
    Choice, Consent, Severity, Side, State, Tally, Target, Verdict, VoteType, Voter,
};
use crate::event::{
    Amended, AmendmentProposed, AmendmentVoted, Argued, Critiqued, Decided, Envelope, Event,
    PolicyChanged, Proposed, Resolved, VetoWindowClosed, Voted, Waived, Withdrawn,
};
use crate::id::{CritiqueId, DecisionId};
use crate::policy::{Policy, Role, RoleRule, VetoHolders, Visibility, VoteWeight, Weights, Who};

/// The id of the motion with a number. Greater numbers are newer.
pub(super) fn decision(n: u8) -> DecisionId {
    DecisionId::from_uuid(uuid::Uuid::from_u128(u128::from(n) << 120 | 6))
}

/// The id of the critique with a number. Greater numbers are newer.
pub(super) fn critique(n: u8) -> CritiqueId {
    CritiqueId::from_uuid(uuid::Uuid::from_u128(u128::from(n) << 120 | 7))
}

/// A critique of the motion `n` is of this.
pub(super) fn motion(n: u8) -> Target {
    Target::Decision(decision(n))
}

fn voter(name: &str, milli: u32, veto: bool) -> Voter {
    Voter {
        client: client(name),
        weight: VoteWeight::from_milli(milli),
        veto,
    }
}

/// Ann and Rev may vote, and Rev holds a veto when there is a window.
pub(super) fn proposed(n: u8, deadline: i64, veto_until: Option<i64>) -> Event {
    Event::Proposed(Box::new(Proposed {
        decision: decision(n),
        channel: channel("main"),
        text: text("PostgreSQL 🐘"),
        vote_type: VoteType::SimpleMajority,
        quorum: None,
        electorate: vec![
            voter("Ann", 2_000, false),
            voter("Rev", 1_500, veto_until.is_some()),
        ],
        deadline: time(deadline),
        veto_until: veto_until.map(time),
        alternative_to: None,
        root: None,
    }))
}

pub(super) fn voted(n: u8, who: &str, choice: Choice) -> Event {
    Event::Voted(Voted {
        decision: decision(n),
        version: 1,
        voter: client(who),
        choice,
        reason: reason("because,\n\"it\" is — ясно"),
    })
}

pub(super) fn amended(n: u8, deadline: i64, veto_until: Option<i64>) -> Event {
    Event::Amended(Amended {
        decision: decision(n),
        amendment: 1,
        version: 2,
        text: text("PostgreSQL 18"),
        deadline: time(deadline),
        veto_until: veto_until.map(time),
    })
}

pub(super) fn window_closed(n: u8) -> Event {
    Event::VetoWindowClosed(VetoWindowClosed {
        decision: decision(n),
        version: 1,
    })
}

pub(super) fn decided(n: u8, verdict: Verdict) -> Event {
    Event::Decided(Box::new(Decided {
        decision: decision(n),
        version: 1,
        verdict,
        tally: Tally::default(),
        not_voted: Vec::new(),
        superseded_by: None,
    }))
}

pub(super) fn withdrawn(n: u8) -> Event {
    Event::Withdrawn(Withdrawn {
        decision: decision(n),
    })
}

/// The end of a motion that leads to a state; none leads to an open one.
pub(super) fn end(n: u8, state: State) -> Option<Event> {
    let verdict = match state {
        State::Open => return None,
        State::Approved => Verdict::Approved,
        State::Rejected => Verdict::Rejected,
        State::Vetoed => Verdict::Vetoed,
        State::Expired => Verdict::Expired,
        State::Superseded => Verdict::Superseded,
        State::Withdrawn => return Some(withdrawn(n)),
    };
    Some(decided(n, verdict))
}

pub(super) fn critiqued(n: u8, target: Target) -> Event {
    critiqued_at_length(n, target, "too slow")
}

pub(super) fn critiqued_at_length(n: u8, target: Target, what: &str) -> Event {
    Event::Critiqued(Critiqued {
        critique: critique(n),
        target,
        severity: Severity::Blocking,
        text: text(what),
    })
}

pub(super) fn resolved(n: u8, target: Target) -> Event {
    Event::Resolved(Resolved {
        critique: critique(n),
        target,
        text: Some(text("erledigt ✅")),
    })
}

pub(super) fn waived(n: u8, target: Target, suffices: bool) -> Event {
    Event::Waived(Waived {
        critique: critique(n),
        target,
        text: None,
        suffices,
    })
}

pub(super) fn policy_changed(policy: Policy) -> Event {
    Event::PolicyChanged(Box::new(PolicyChanged { policy }))
}

/// Everything that the log of a room can say of motions and critiques, behind its first two records:
/// motions 1 to 3, critiques 1 to 3, records with all their fields and with none of the optional ones.
pub(super) fn one_of_each(room: &str) -> Vec<Envelope> {
    let of_post = Target::Message(crate::contract::script::message(room, 3));
    let events = [
        vec![
            policy_changed(strict_policy()),
            policy_changed(Policy::default()),
        ],
        motions_and_ballots(),
        amendments(),
        vec![window_closed(2)],
        critiques(of_post),
        arguments(),
        vec![
            withdrawn(3),
            decided(1, Verdict::Approved),
            Event::Decided(Box::new(superseded())),
        ],
    ]
    .concat();
    let authors = ["Ann", "rev", "REV", "ann"];
    let numbered = (3..).zip(authors.into_iter().cycle()).zip(events);
    let records = numbered.map(|((seq, by), event)| {
        let envelope = record(room, seq, by, event);
        match seq % 3 {
            0 => keyed(&format!("key {seq}"), envelope),
            _ => envelope,
        }
    });
    records.collect()
}

fn strict_policy() -> Policy {
    Policy {
        visibility: Visibility::Listed,
        roles: RoleRule::Open,
        create_channels: Who::Coordinators,
        weights: Weights {
            reviewer: VoteWeight::from_milli(1),
            ..Weights::default()
        },
        propose: Who::Coordinators,
        veto: VetoHolders {
            roles: vec![Role::Tester],
            clients: vec![client("Grace")],
        },
        veto_window_seconds: 0,
    }
}

fn motions_and_ballots() -> Vec<Event> {
    let alternative = Proposed {
        decision: decision(2),
        channel: channel("設計"),
        text: text("SQLite"),
        vote_type: VoteType::Quorum,
        quorum: Some(2),
        electorate: vec![voter("Ann", 2_000, false), voter("Rev", 0, true)],
        deadline: time(9_500),
        veto_until: Some(time(4_000)),
        alternative_to: Some(decision(1)),
        root: Some(decision(1)),
    };
    vec![
        proposed(1, 9_000, None),
        Event::Proposed(Box::new(alternative)),
        proposed(3, 9_000, None),
        voted(1, "Ann", Choice::Approve),
        Event::Voted(Voted {
            decision: decision(2),
            version: 1,
            voter: client("Rev"),
            choice: Choice::Veto,
            reason: None,
        }),
    ]
}

fn amendments() -> Vec<Event> {
    vec![
        Event::AmendmentProposed(AmendmentProposed {
            decision: decision(2),
            version: 1,
            amendment: 1,
            text: text("SQLite ≥ 3.51"),
        }),
        Event::AmendmentVoted(AmendmentVoted {
            decision: decision(2),
            amendment: 1,
            voter: client("ann"),
            choice: Consent::Approve,
        }),
        amended(2, 9_900, Some(5_000)),
    ]
}

fn critiques(of_post: Target) -> Vec<Event> {
    vec![
        critiqued(1, motion(1)),
        critiqued(2, motion(2)),
        critiqued(3, of_post),
        resolved(1, motion(1)),
        waived(2, motion(2), false),
        Event::Waived(Waived {
            critique: critique(2),
            target: motion(2),
            text: Some(text("enough")),
            suffices: true,
        }),
        Event::Resolved(Resolved {
            critique: critique(3),
            target: of_post,
            text: None,
        }),
    ]
}

fn arguments() -> Vec<Event> {
    let link = "https://example.org/字";
    let argued = |side, evidence| {
        Event::Argued(Argued {
            decision: decision(1),
            side,
            text: text("it is there already"),
            evidence,
        })
    };
    let evidence = vec![link.parse().expect("a case writes valid evidence")];
    vec![
        argued(Side::For, Vec::new()),
        argued(Side::Against, evidence),
    ]
}

fn superseded() -> Decided {
    Decided {
        decision: decision(2),
        version: 2,
        verdict: Verdict::Superseded,
        tally: Tally {
            approve: 1,
            outstanding: 1,
            approve_milli: 2_000,
            ..Tally::default()
        },
        not_voted: vec![client("Rev")],
        superseded_by: Some(decision(1)),
    }
}
