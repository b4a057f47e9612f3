//! Motions and critiques, as whoever may read them is shown them.

use std::time::Duration;

use bridge_core::command::{Argue, Critique, Resolve, RoomCommand, Waive, Withdraw};
use bridge_core::decision::dossier::CritiqueState;
use bridge_core::decision::{Choice, Severity, Side, State, Target};
use bridge_core::policy::{Policy, Visibility};
use bridge_core::ports::{CritiquesQuery, DecisionsQuery};
use bridge_core::principal::Scope;
use bridge_core::text::Topic;
use bridge_core::{CritiqueId, DecisionId, Principal, Reject, RejectCode, RoomId, Scopes, limits};

use super::due_rooms::{join, propose, vote};
use super::harness::{House, house, room, run, somebody};
use crate::actors::Faults;
use crate::actors::bridge::{NewRoom, Shown};

const LONG: Duration = Duration::from_secs(60);

fn code<T>(answer: Result<T, Reject>) -> Option<RejectCode> {
    answer.err().map(|reject| reject.code())
}

/// Ann's room with Bob and Cid, which strangers see or not.
async fn den(visibility: Visibility) -> House {
    let house = house(&[], Faults::default(), LONG);
    let new = NewRoom {
        room: Some(room("Den")),
        topic: Topic::none(),
        password: None,
        policy: Policy {
            visibility: Visibility::Open,
            ..Policy::default()
        },
    };
    let made = house.bridge.create_room(new, somebody("ann"), None).await;
    made.expect("it is new");
    for name in ["bob", "cid"] {
        ask(&house, name, join(None)).await;
    }
    let change = bridge_core::command::SetPolicy {
        visibility: Some(visibility),
        ..Default::default()
    };
    ask(&house, "ann", RoomCommand::SetPolicy(change)).await;
    house
}

async fn ask(house: &House, by: &str, command: RoomCommand) {
    let name = command.name();
    let answer = house.ask("den", by, command).await;
    answer.unwrap_or_else(|reject| panic!("{by} may {name}: {reject}"));
}

async fn proposed(house: &House, text: &str) -> DecisionId {
    let motion = propose(house, text);
    let id = motion.id;
    ask(house, "ann", RoomCommand::Propose(motion)).await;
    id
}

async fn criticised(house: &House, target: Target) -> CritiqueId {
    let id = house.bridge.ids().critique();
    let critique = Critique {
        id,
        target,
        severity: Severity::Blocking,
        text: "too slow".parse().expect("a text"),
        target_seq: None,
    };
    ask(house, "bob", RoomCommand::Critique(critique)).await;
    id
}

async fn shown(house: &House, by: &str, id: DecisionId) -> Shown {
    let shown = house.bridge.decision(&somebody(by), id).await;
    shown.expect("it may be read")
}

const fn motions(rows_max: usize) -> DecisionsQuery {
    DecisionsQuery {
        state: None,
        before: None,
        rows_max,
    }
}

const fn critiques(is_open: Option<bool>, rows_max: usize) -> CritiquesQuery {
    CritiquesQuery {
        is_open,
        before: None,
        rows_max,
    }
}

/// The log has the ballots; the room knows that one of the voters has left.
#[test]
fn an_open_motion_is_shown_as_its_room_has_it() {
    run(async {
        let house = den(Visibility::Open).await;
        let id = proposed(&house, "PostgreSQL").await;
        ask(&house, "bob", vote(id, Choice::Reject)).await;
        ask(&house, "bob", RoomCommand::Leave).await;
        let Shown { dossier, live } = shown(&house, "ann", id).await;
        assert_eq!(dossier.state, State::Open);
        let live = live.expect("it is open");
        let tally = live.tally();
        assert_eq!((tally.reject, tally.abstain, tally.outstanding), (0, 1, 2));
        assert_eq!(dossier.ballots.len(), 1);
        assert_eq!(
            dossier.motion.tally().reject,
            1,
            "the log alone does not know"
        );

        ask(&house, "ann", vote(id, Choice::Approve)).await;
        ask(&house, "cid", vote(id, Choice::Approve)).await;
        let Shown { dossier, live } = shown(&house, "cid", id).await;
        assert_eq!((dossier.state, live), (State::Approved, None));
        let decided = dossier.decided.expect("it is decided");
        assert_eq!((decided.tally.approve, decided.tally.abstain), (2, 1));
    });
}

/// By its id, in its room, in the lists: who may not know of it learns nothing.
#[test]
fn only_members_and_administrators_read() {
    run(async {
        for (visibility, refusal) in [
            (Visibility::Open, RejectCode::NotAMember),
            (Visibility::Private, RejectCode::RoomNotFound),
        ] {
            let house = den(visibility).await;
            let id = proposed(&house, "PostgreSQL").await;
            let bridge = &house.bridge;
            let den = room("DEN");
            let root = Principal::new(
                "root".parse().expect("a name"),
                Scopes::new([Scope::Admin, Scope::Room]).expect("two scopes"),
            );
            for may in [somebody("bob"), root] {
                assert_eq!(code(bridge.decision(&may, id).await), None);
                assert_eq!(code(bridge.decision_in(&may, &den, id).await), None);
                assert_eq!(code(bridge.decisions(&may, &den, motions(9)).await), None);
                let found = bridge.critiques(&may, &den, critiques(None, 9)).await;
                assert_eq!(code(found), None);
            }
            let eve = somebody("eve");
            let not_found = Some(RejectCode::DecisionNotFound);
            assert_eq!(code(bridge.decision(&eve, id).await), not_found);
            let refusal = Some(refusal);
            assert_eq!(code(bridge.decision_in(&eve, &den, id).await), refusal);
            assert_eq!(
                code(bridge.decisions(&eve, &den, motions(9)).await),
                refusal
            );
            let found = bridge.critiques(&eve, &den, critiques(None, 9)).await;
            assert_eq!(code(found), refusal);
            // A token that is limited to another room hides this one.
            let elsewhere = Scopes::new([Scope::OneRoom(room("vault"))]).expect("one scope");
            let elsewhere = Principal::new("bob".parse().expect("a name"), elsewhere);
            assert_eq!(code(bridge.decision(&elsewhere, id).await), not_found);
            let lacks = Some(RejectCode::ScopeMissing);
            assert_eq!(code(bridge.decision_in(&elsewhere, &den, id).await), lacks);
        }
    });
}

#[test]
fn what_is_not_there_is_not_found() {
    run(async {
        let house = den(Visibility::Open).await;
        let id = proposed(&house, "PostgreSQL").await;
        house.create("vault", "ann").await.expect("it is new");
        let bridge = &house.bridge;
        let (ann, unknown) = (somebody("ann"), bridge.ids().decision());
        let not_found = Some(RejectCode::DecisionNotFound);
        assert_eq!(code(bridge.decision(&ann, unknown).await), not_found);
        let vault: RoomId = room("vault");
        let in_vault = bridge.decision_in(&ann, &vault, id).await;
        assert_eq!(code(in_vault), not_found, "it is of another room");
        let in_den = bridge.decision_in(&ann, &room("den"), unknown).await;
        assert_eq!(code(in_den), not_found);
        let nowhere = bridge.decisions(&ann, &room("attic"), motions(9)).await;
        assert_eq!(code(nowhere), Some(RejectCode::RoomNotFound));
        let empty = bridge.decisions(&ann, &vault, motions(9)).await;
        assert_eq!(empty, Ok((Vec::new(), None)));
    });
}

#[test]
fn motions_are_paged_newest_first() {
    run(async {
        let house = den(Visibility::Open).await;
        let mut ids = Vec::new();
        for n in 0..5 {
            ids.push(proposed(&house, &n.to_string()).await);
        }
        let withdraw = Withdraw { decision: ids[2] };
        ask(&house, "ann", RoomCommand::Withdraw(withdraw)).await;
        ids.reverse();
        let (ann, den) = (somebody("ann"), room("den"));
        for rows_max in [1, 2, 4, 5, 9] {
            let mut listed = Vec::new();
            let mut query = motions(rows_max);
            loop {
                let page = house.bridge.decisions(&ann, &den, query).await;
                let (page, next) = page.expect("it may be read");
                assert!(page.len() <= rows_max && !page.is_empty());
                for shown in page {
                    let is_open = shown.dossier.state == State::Open;
                    assert_eq!(shown.live.is_some(), is_open);
                    listed.push(shown.dossier.id());
                }
                let Some(next) = next else { break };
                assert_eq!(listed.last(), Some(&next));
                assert!(listed.len() < ids.len(), "pages of {rows_max} do not end");
                query.before = Some(next);
            }
            assert_eq!(listed, ids, "{rows_max} at a time");
        }
        let query = DecisionsQuery {
            state: Some(State::Withdrawn),
            ..motions(9)
        };
        let page = house.bridge.decisions(&ann, &den, query).await;
        let (page, next) = page.expect("it may be read");
        assert_eq!((page.len(), next), (1, None));
        assert_eq!(page[0].dossier.id(), ids[2]);
    });
}

/// A page ends when it has as many records as one motion may have.
#[test]
fn a_page_of_motions_is_bounded_in_records() {
    run(async {
        let house = den(Visibility::Open).await;
        let (long, short) = (
            proposed(&house, "long").await,
            proposed(&house, "short").await,
        );
        let longest = proposed(&house, "longest").await;
        for _ in 1..limits::DECISION_RECORDS_MAX {
            ask(&house, "ann", vote(longest, Choice::Abstain)).await;
        }
        for _ in 0..limits::ARGUMENTS_MAX {
            let argue = Argue {
                decision: long,
                side: Side::For,
                text: "again".parse().expect("a text"),
                evidence: Vec::new(),
            };
            ask(&house, "ann", RoomCommand::Argue(argue)).await;
        }
        let (ann, den) = (somebody("ann"), room("den"));
        let page = house.bridge.decisions(&ann, &den, motions(9)).await;
        let (page, next) = page.expect("it may be read");
        assert_eq!((page.len(), next), (1, Some(longest)));
        let rest = DecisionsQuery {
            before: next,
            ..motions(9)
        };
        let page = house.bridge.decisions(&ann, &den, rest).await;
        let (page, next) = page.expect("it may be read");
        let ids: Vec<DecisionId> = page.iter().map(|shown| shown.dossier.id()).collect();
        assert_eq!((ids, next), (vec![short, long], None));
    });
}

/// Those whose motion has ended are told apart from those that stand.
#[test]
fn critiques_say_what_has_become_of_them() {
    run(async {
        let house = den(Visibility::Open).await;
        let (one, other) = (
            proposed(&house, "one").await,
            proposed(&house, "other").await,
        );
        let mut ids = Vec::new();
        for target in [one, other, other, other] {
            ids.push(criticised(&house, Target::Decision(target)).await);
        }
        let text = None;
        let critique = ids[1];
        ask(
            &house,
            "bob",
            RoomCommand::Resolve(Resolve { critique, text }),
        )
        .await;
        for name in ["ann", "cid"] {
            let (critique, text) = (ids[2], Some("enough".parse().expect("a text")));
            ask(&house, name, RoomCommand::Waive(Waive { critique, text })).await;
        }
        let withdraw = Withdraw { decision: one };
        ask(&house, "ann", RoomCommand::Withdraw(withdraw)).await;
        let expected = [
            (ids[3], CritiqueState::Open),
            (ids[2], CritiqueState::Waived),
            (ids[1], CritiqueState::Resolved),
            (ids[0], CritiqueState::Lapsed),
        ];
        let (ann, den) = (somebody("ann"), room("den"));
        for rows_max in [1, 2, 3, 4, 9] {
            let mut listed = Vec::new();
            let mut query = critiques(None, rows_max);
            loop {
                let page = house.bridge.critiques(&ann, &den, query).await;
                let (page, next) = page.expect("it may be read");
                listed.extend(page.iter().map(|found| (found.critique, found.state)));
                let Some(next) = next else { break };
                query.before = Some(next);
                assert!(
                    listed.len() < expected.len(),
                    "pages of {rows_max} do not end"
                );
            }
            assert_eq!(listed, expected, "{rows_max} at a time");
        }
        for (is_open, expected) in [(true, &expected[..1]), (false, &expected[1..])] {
            let page = house
                .bridge
                .critiques(&ann, &den, critiques(Some(is_open), 9));
            let (page, next) = page.await.expect("it may be read");
            let listed: Vec<_> = page
                .iter()
                .map(|found| (found.critique, found.state))
                .collect();
            assert_eq!((&listed[..], next), (expected, None));
        }
    });
}
