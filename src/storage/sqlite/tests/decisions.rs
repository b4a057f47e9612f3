//! What is asked and written about decisions goes by an index; and what only the database itself can
//! tell of a new policy.

use bridge_core::decision::{Severity, State, Tally, Target, Verdict, VoteType, Voter};
use bridge_core::event::{
    Amended, Critiqued, Decided, MemberJoined, PolicyChanged, Proposed, Resolved, RoleGranted,
    RoomCreated, VetoWindowClosed,
};
use bridge_core::policy::{Policy, Role, VoteWeight, Weights};
use bridge_core::ports::{CritiquesQuery, DecisionsQuery, Directory};
use bridge_core::text::Topic;
use bridge_core::{CritiqueId, DecisionId};

use super::plans::{Asked, assert_bounded, record, recorded, steps};
use super::*;

fn decision(n: u128) -> DecisionId {
    DecisionId::from_uuid(Uuid::from_u128(n))
}

fn critique(n: u128) -> CritiqueId {
    CritiqueId::from_uuid(Uuid::from_u128(n))
}

/// Records of a room, each a draft of its own, behind a position.
pub(super) fn append(log: &mut SqliteLog, name: &str, behind: u64, events: Vec<Event>) {
    append_to(log, &room(name), behind, events);
}

/// The same of any stream.
pub(super) fn append_to(log: &mut SqliteLog, to: &Stream, behind: u64, events: Vec<Event>) {
    for (seq, event) in (behind + 1..).zip(events) {
        let envelope = Envelope {
            stream: to.clone(),
            seq: Seq::new(seq),
            at: Timestamp::from_millis(1),
            by: "ann".parse().unwrap(),
            key: None,
            event,
        };
        let append = Append {
            incarnation: Incarnation::new(1),
            records: vec![Record::new(Arc::new(envelope))],
        };
        assert_eq!(log.append(&[&append]), Ok(vec![Answer::Stored]));
    }
}

pub(super) fn proposed(n: u128) -> Event {
    Event::Proposed(Box::new(Proposed {
        decision: decision(n),
        channel: ChannelName::main(),
        text: "PostgreSQL".parse().unwrap(),
        vote_type: VoteType::Consensus,
        quorum: None,
        electorate: vec![Voter {
            client: "ann".parse().unwrap(),
            weight: VoteWeight::from_milli(1_000),
            veto: true,
        }],
        deadline: Timestamp::from_millis(9),
        veto_until: Some(Timestamp::from_millis(5)),
        veto_seconds: 0,
        alternative_to: None,
        root: None,
    }))
}

fn critiqued(n: u128, of: u128) -> Event {
    Event::Critiqued(Critiqued {
        critique: critique(n),
        target: Target::Decision(decision(of)),
        severity: Severity::Minor,
        text: "slow".parse().unwrap(),
    })
}

/// Everything that changes a row.
fn life(n: u128) -> Vec<Event> {
    let resolved = Event::Resolved(Resolved {
        critique: critique(n),
        target: Target::Decision(decision(n)),
        text: None,
    });
    let amended = Event::Amended(Amended {
        decision: decision(n),
        amendment: 1,
        version: 2,
        text: "SQLite".parse().unwrap(),
        deadline: Timestamp::from_millis(9),
        veto_until: None,
    });
    let closed = Event::VetoWindowClosed(VetoWindowClosed {
        decision: decision(n),
        version: 1,
    });
    let decided = Event::Decided(Box::new(Decided {
        decision: decision(n),
        version: 2,
        verdict: Verdict::Expired,
        tally: Tally::default(),
        not_voted: Vec::new(),
        left: vec![],
        superseded_by: None,
    }));
    let (first, second) = (critiqued(n, n), critiqued(n + 100, n));
    let begin = vec![proposed(n), closed, first, second, resolved];
    [begin, vec![amended, decided]].concat()
}

#[test]
fn nothing_that_is_asked_about_decisions_grows_with_the_log() {
    let (place, asked) = (Place::new(), Asked::default());
    let mut log = place.open().log;
    append(&mut log, "den", 0, life(1));
    append(&mut log, "den", 7, vec![proposed(2), critiqued(2, 2)]);
    let store = recorded(&place, &asked);
    let den = "den".parse().unwrap();
    assert_eq!(store.decision_history(decision(1)).unwrap().len(), 7);
    for state in [None, Some(State::Open)] {
        for before in [None, Some(decision(3))] {
            let query = DecisionsQuery {
                state,
                before,
                rows_max: 9,
            };
            assert!(!store.decisions(&den, &query).unwrap().is_empty());
        }
    }
    for is_open in [None, Some(true)] {
        for before in [None, Some(critique(3))] {
            let query = CritiquesQuery {
                is_open,
                before,
                rows_max: 9,
            };
            assert!(!store.critiques(&den, &query).unwrap().is_empty());
        }
    }
    let later = Timestamp::from_millis(9);
    assert_eq!(store.due_rooms(later, 9).unwrap().len(), 1);
    let steps = steps(&place, &asked);
    assert!(steps.len() > 20, "{steps:?}");
    assert_bounded(&steps);
    for (sql, step) in &steps {
        let is_list = sql.contains("DESC");
        assert!(!(is_list && step.contains("TEMP B-TREE")), "{step}: {sql}");
    }
}

#[test]
fn nothing_that_is_written_about_decisions_grows_with_the_log() {
    let (place, asked) = (Place::new(), Asked::default());
    let mut log = place.open().log;
    append(&mut log, "den", 0, life(1));
    record(&mut log.conn, &asked);
    append(&mut log, "den", 7, life(2));
    let changed = Event::PolicyChanged(Box::new(PolicyChanged {
        policy: Policy::default(),
    }));
    append(&mut log, "den", 14, vec![changed]);
    let steps = steps(&place, &asked);
    assert!(steps.len() > 10, "{steps:?}");
    assert_bounded(&steps);
}

#[derive(QueryableByName)]
struct Weight {
    #[diesel(sql_type = diesel::sql_types::Text)]
    client: String,
    #[diesel(sql_type = diesel::sql_types::Integer)]
    weight_milli: i32,
}

/// By their roles, the granted ones too, and nobody's in another room.
#[test]
fn a_new_policy_weighs_every_member_of_its_room() {
    let place = Place::new();
    let mut log = place.open().log;
    let created = Event::RoomCreated(RoomCreated {
        topic: Topic::none(),
        policy: Policy::default(),
        password: None,
    });
    let joined = |name: &str, role| {
        let weight = VoteWeight::from_milli(7);
        Event::MemberJoined(MemberJoined {
            client: name.parse().unwrap(),
            role,
            weight,
            requested_role: None,
        })
    };
    let granted = Event::RoleGranted(RoleGranted {
        client: "cid".parse().unwrap(),
        role: Role::Reviewer,
        weight: VoteWeight::from_milli(8),
    });
    let members = vec![
        created,
        joined("ann", Role::Coordinator),
        joined("bob", Role::Tester),
        joined("cid", Role::Coder),
        joined("dora", Role::Participant),
        granted,
    ];
    append(&mut log, "den", 0, members.clone());
    append(&mut log, "vault", 0, members);
    let weights = Weights {
        coordinator: VoteWeight::from_milli(10),
        reviewer: VoteWeight::from_milli(20),
        others: VoteWeight::from_milli(30),
    };
    let changed = Event::PolicyChanged(Box::new(PolicyChanged {
        policy: Policy {
            weights,
            ..Policy::default()
        },
    }));
    append(&mut log, "den", 6, vec![changed]);
    for (name, expected) in [
        ("den", [("ann", 10), ("bob", 30), ("cid", 20), ("dora", 30)]),
        ("vault", [("ann", 7), ("bob", 7), ("cid", 8), ("dora", 7)]),
    ] {
        let query = "SELECT client, weight_milli FROM members \
             WHERE stream_id = (SELECT stream_id FROM rooms WHERE name = ?) ORDER BY client";
        let found: Vec<Weight> = diesel::sql_query(query)
            .bind::<diesel::sql_types::Text, _>(name)
            .load(&mut place.stranger())
            .unwrap();
        let found: Vec<(&str, i32)> = found
            .iter()
            .map(|row| (row.client.as_str(), row.weight_milli))
            .collect();
        assert_eq!(found, expected, "{name}");
    }
}
