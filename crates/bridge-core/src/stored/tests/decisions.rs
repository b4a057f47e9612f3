//! The stored forms of decisions, and of policies that say something about them.

use super::*;
use crate::decision::{Choice, Consent, Severity, Side, Tally, Target, Verdict, VoteType, Voter};
use crate::event::{
    Amended, AmendmentProposed, AmendmentVoted, Argued, Critiqued, Decided, PolicyChanged,
    Proposed, Resolved, VetoWindowClosed, Voted, Waived, Withdrawn,
};
use crate::id::{ChannelName, CritiqueId, DecisionId};
use crate::policy::VetoHolders;

fn decision(n: u128) -> DecisionId {
    DecisionId::from_uuid(Uuid::from_u128(n))
}

fn critique(n: u128) -> CritiqueId {
    CritiqueId::from_uuid(Uuid::from_u128(n))
}

fn voter(name: &str, milli: u32, veto: bool) -> Voter {
    Voter {
        client: client(name),
        weight: VoteWeight::from_milli(milli),
        veto,
    }
}

pub(super) fn golden() -> Vec<Golden> {
    [policies(), motions(), amendments(), ends(), critiques()].concat()
}

fn policies() -> Vec<Golden> {
    let changed = |policy| Event::PolicyChanged(Box::new(PolicyChanged { policy }));
    let all = Policy {
        propose: Who::Coordinators,
        veto: VetoHolders {
            roles: vec![],
            clients: vec![client("Grace")],
        },
        veto_window_seconds: 0,
        ..Policy::default()
    };
    vec![
        (
            changed(Policy::default()),
            "policy_changed",
            r#"{"policy":{"visibility":"open","roles":"granted","create_channels":"members","weights":{"coordinator":2000,"reviewer":1500,"others":1000}}}"#,
        ),
        (
            changed(all),
            "policy_changed",
            r#"{"policy":{"visibility":"open","roles":"granted","create_channels":"members","weights":{"coordinator":2000,"reviewer":1500,"others":1000},"propose":"coordinators","veto":{"roles":[],"clients":["Grace"]},"veto_window_seconds":0}}"#,
        ),
    ]
}

fn motions() -> Vec<Golden> {
    let plain = Proposed {
        decision: decision(1),
        channel: ChannelName::main(),
        text: "PostgreSQL".parse().unwrap(),
        vote_type: VoteType::SimpleMajority,
        quorum: None,
        electorate: vec![voter("ann", 2_000, false)],
        deadline: Timestamp::from_millis(90_000),
        veto_until: None,
        veto_seconds: 0,
        alternative_to: None,
        root: None,
    };
    let rich = Proposed {
        decision: decision(2),
        vote_type: VoteType::Quorum,
        quorum: Some(2),
        electorate: vec![voter("ann", 2_000, false), voter("Rev", 1_500, true)],
        veto_until: Some(Timestamp::from_millis(60_000)),
        veto_seconds: 60,
        alternative_to: Some(decision(1)),
        root: Some(decision(1)),
        ..plain.clone()
    };
    vec![
        (
            Event::Proposed(Box::new(plain)),
            "proposed",
            r#"{"decision":"dec_00000000000000000000000000000001","channel":"main","text":"PostgreSQL","vote_type":"simple_majority","electorate":[{"client":"ann","weight":2000}],"deadline":90000}"#,
        ),
        (
            Event::Proposed(Box::new(rich)),
            "proposed",
            r#"{"decision":"dec_00000000000000000000000000000002","channel":"main","text":"PostgreSQL","vote_type":"quorum","quorum":2,"electorate":[{"client":"ann","weight":2000},{"client":"Rev","weight":1500,"veto":true}],"deadline":90000,"veto_until":60000,"veto_seconds":60,"alternative_to":"dec_00000000000000000000000000000001","root":"dec_00000000000000000000000000000001"}"#,
        ),
        (
            Event::Voted(Voted {
                decision: decision(1),
                version: 2,
                voter: client("Bob"),
                choice: Choice::Veto,
                reason: Some("unsafe".parse().unwrap()),
            }),
            "voted",
            r#"{"decision":"dec_00000000000000000000000000000001","version":2,"voter":"Bob","choice":"veto","reason":"unsafe"}"#,
        ),
        (
            Event::Argued(Argued {
                decision: decision(1),
                side: Side::Against,
                text: "slow".parse().unwrap(),
                evidence: vec!["https://example.org/1".parse().unwrap()],
            }),
            "argued",
            r#"{"decision":"dec_00000000000000000000000000000001","side":"against","text":"slow","evidence":["https://example.org/1"]}"#,
        ),
    ]
}

fn amendments() -> Vec<Golden> {
    vec![
        (
            Event::AmendmentProposed(AmendmentProposed {
                decision: decision(1),
                version: 1,
                amendment: 3,
                text: "SQLite".parse().unwrap(),
            }),
            "amendment_proposed",
            r#"{"decision":"dec_00000000000000000000000000000001","version":1,"amendment":3,"text":"SQLite"}"#,
        ),
        (
            Event::AmendmentVoted(AmendmentVoted {
                decision: decision(1),
                amendment: 3,
                voter: client("bob"),
                choice: Consent::Approve,
            }),
            "amendment_voted",
            r#"{"decision":"dec_00000000000000000000000000000001","amendment":3,"voter":"bob","choice":"approve"}"#,
        ),
        (
            Event::Amended(Amended {
                decision: decision(1),
                amendment: 3,
                version: 2,
                text: "SQLite".parse().unwrap(),
                deadline: Timestamp::from_millis(90_000),
                veto_until: None,
            }),
            "amended",
            r#"{"decision":"dec_00000000000000000000000000000001","amendment":3,"version":2,"text":"SQLite","deadline":90000}"#,
        ),
    ]
}

fn ends() -> Vec<Golden> {
    let decided = Decided {
        decision: decision(1),
        version: 2,
        verdict: Verdict::Superseded,
        tally: Tally {
            approve: 1,
            outstanding: 1,
            approve_milli: 2_000,
            outstanding_milli: 1_500,
            ..Tally::default()
        },
        not_voted: vec![client("Rev")],
        left: vec![client("Rev")],
        superseded_by: Some(decision(2)),
    };
    vec![
        (
            Event::VetoWindowClosed(VetoWindowClosed {
                decision: decision(1),
                version: 1,
            }),
            "veto_window_closed",
            r#"{"decision":"dec_00000000000000000000000000000001","version":1}"#,
        ),
        (
            Event::Decided(Box::new(decided)),
            "decided",
            r#"{"decision":"dec_00000000000000000000000000000001","version":2,"verdict":"superseded","tally":{"approve":1,"reject":0,"abstain":0,"outstanding":1,"approve_milli":2000,"reject_milli":0,"abstain_milli":0,"outstanding_milli":1500},"not_voted":["Rev"],"left":["Rev"],"superseded_by":"dec_00000000000000000000000000000002"}"#,
        ),
        (
            Event::Withdrawn(Withdrawn {
                decision: decision(1),
            }),
            "withdrawn",
            r#"{"decision":"dec_00000000000000000000000000000001"}"#,
        ),
    ]
}

fn critiques() -> Vec<Golden> {
    vec![
        (
            Event::Critiqued(Critiqued {
                critique: critique(5),
                target: Target::Message(message(7)),
                severity: Severity::Blocking,
                text: "no".parse().unwrap(),
            }),
            "critiqued",
            r#"{"critique":"crit_00000000000000000000000000000005","target":"msg_00000000000000000000000000000007","severity":"blocking","text":"no"}"#,
        ),
        (
            Event::Resolved(Resolved {
                critique: critique(5),
                target: Target::Decision(decision(1)),
                text: None,
            }),
            "resolved",
            r#"{"critique":"crit_00000000000000000000000000000005","target":"dec_00000000000000000000000000000001"}"#,
        ),
        (
            Event::Waived(Waived {
                critique: critique(5),
                target: Target::Decision(decision(1)),
                text: Some("fine".parse().unwrap()),
                suffices: true,
            }),
            "waived",
            r#"{"critique":"crit_00000000000000000000000000000005","target":"dec_00000000000000000000000000000001","text":"fine","suffices":true}"#,
        ),
    ]
}
