//! Motions: their history, and the list of a room's.

use crate::contract::Bench;
use crate::contract::desk::Desk;
use crate::contract::motions::{
    self, amended, critiqued, decided, decision, end, motion, proposed, voted, window_closed,
};
use crate::contract::script::{draft, founded, post, record, room};
use crate::decision::{Choice, State, Verdict};
use crate::event::Envelope;
use crate::id::DecisionId;
use crate::owner::Answer;
use crate::ports::DecisionsQuery;

fn history(desk: &Desk<'_>, n: u8) -> Vec<Envelope> {
    let found = desk.store().decision_history(decision(n));
    found.expect("a store without a fault can be read")
}

fn page(
    desk: &Desk<'_>,
    of: &str,
    state: Option<State>,
    before: Option<DecisionId>,
    rows_max: usize,
) -> Vec<DecisionId> {
    let query = DecisionsQuery {
        state,
        before,
        rows_max,
    };
    let found = desk.store().decisions(&room(of), &query);
    found.expect("a store without a fault can be read")
}

fn all(desk: &Desk<'_>, of: &str, state: Option<State>) -> Vec<DecisionId> {
    page(desk, of, state, None, 100)
}

fn numbered<const N: usize>(numbers: [u8; N]) -> Vec<DecisionId> {
    numbers.map(decision).to_vec()
}

/// The record that proposed it, then those about it, whole and to the letter, and none of others.
pub fn a_history_is_the_logs_own_records(bench: &dyn Bench) {
    let mut desk = Desk::with_room(bench, "Alpha.Team");
    let log = motions::one_of_each("Alpha.Team");
    for envelope in log.clone() {
        desk.stores(&[draft([envelope])]);
    }
    for n in [1, 2, 3] {
        let of_it = log
            .iter()
            .filter(|record| record.event.decision() == Some(decision(n)));
        let expected: Vec<Envelope> = of_it.cloned().collect();
        assert!(expected.len() > 1, "the case needs the motion {n}");
        for _ in 0..2 {
            let found = history(&desk, n);
            assert_eq!(found, expected, "of the motion {n}");
            assert_eq!(format!("{found:?}"), format!("{expected:?}"));
            desk.restart();
        }
    }
    assert_eq!(history(&desk, 4), [], "nobody proposed it");
}

/// In order of seq, though records of others came between them, in one batch and in several.
pub fn histories_do_not_mix(bench: &dyn Bench) {
    let mut desk = Desk::with_room(bench, "alpha");
    desk.stores(&[founded("beta")]);
    let alpha = |seq, event| record("alpha", seq, "ann", event);
    let beta = |seq, event| record("beta", seq, "ann", event);
    desk.stores(&[
        draft([alpha(3, proposed(1, 9_000, None))]),
        draft([beta(3, proposed(2, 9_000, None))]),
        draft([
            alpha(4, voted(1, "Ann", Choice::Approve)),
            alpha(5, proposed(3, 9_000, None)),
        ]),
        post("beta", 4),
        draft([beta(5, voted(2, "Ann", Choice::Approve))]),
    ]);
    desk.stores(&[
        post("alpha", 6),
        draft([alpha(7, critiqued(1, motion(1)))]),
        draft([alpha(8, voted(3, "Rev", Choice::Reject))]),
        draft([
            alpha(9, voted(1, "Rev", Choice::Approve)),
            alpha(10, decided(1, Verdict::Approved)),
        ]),
    ]);
    for _ in 0..2 {
        for (n, expected) in [(1, &[3, 4, 7, 9, 10][..]), (2, &[3, 5]), (3, &[5, 8])] {
            let seqs: Vec<u64> = history(&desk, n).iter().map(|r| r.seq.get()).collect();
            assert_eq!(seqs, expected, "of the motion {n}");
        }
        desk.restart();
    }
}

/// Page by page, whatever the order in which they came into the log, and none of another room's.
pub fn they_are_listed_newest_first(bench: &dyn Bench) {
    let mut desk = Desk::with_room(bench, "Alpha");
    desk.stores(&[founded("beta")]);
    let numbers = [130, 2, 255, 9, 127, 128, 1];
    for (seq, n) in (3..).zip(numbers) {
        desk.stores(&[
            draft([record("Alpha", seq, "ann", proposed(n, 9_000, None))]),
            draft([record("beta", seq, "ann", proposed(n ^ 64, 9_000, None))]),
        ]);
    }
    let expected = numbered([255, 130, 128, 127, 9, 2, 1]);
    for rows_max in [1, 2, 7, 100] {
        for spelling in ["Alpha", "alpha", "ALPHA"] {
            let mut listed: Vec<DecisionId> = Vec::new();
            loop {
                let before = listed.last().copied();
                let page = page(&desk, spelling, None, before, rows_max);
                assert!(page.len() <= rows_max);
                if page.is_empty() {
                    break;
                }
                listed.extend(page);
                assert!(
                    listed.len() <= expected.len(),
                    "pages of {rows_max} do not end"
                );
            }
            assert_eq!(listed, expected, "{rows_max} at a time");
        }
        desk.restart();
    }
    assert_eq!(page(&desk, "Alpha", None, None, 0), []);
    assert_eq!(
        page(&desk, "Alpha", None, Some(decision(129)), 2),
        numbered([128, 127]),
        "one goes on also before one that the room does not have"
    );
    assert_eq!(page(&desk, "gamma", None, None, 9), [], "no such room");
}

/// A motion is in one list at a time, and goes into another when it ends.
pub fn they_are_listed_by_state(bench: &dyn Bench) {
    let mut desk = Desk::with_room(bench, "alpha");
    let mut seq = 2;
    let mut next = || {
        seq += 1;
        seq
    };
    for n in 1..=14 {
        let record = record("alpha", next(), "ann", proposed(n, 9_000, Some(5_000)));
        desk.stores(&[draft([record])]);
    }
    assert_eq!(all(&desk, "alpha", Some(State::Open)).len(), 14);
    // 1 and 8 stay open, 2 and 9 are approved, and so on.
    for (n, state) in (1..=14).zip(State::ALL.iter().cycle()) {
        let changes = [
            voted(n, "Ann", Choice::Approve),
            window_closed(n),
            amended(n, 9_500, Some(6_000)),
        ];
        for event in changes.into_iter().chain(end(n, *state)) {
            let record = record("alpha", next(), "ann", event);
            desk.stores(&[draft([record])]);
        }
    }
    for _ in 0..2 {
        for (n, state) in (1..).zip(State::ALL.iter().copied()) {
            let expected = numbered([n + 7, n]);
            assert_eq!(all(&desk, "alpha", Some(state)), expected, "{state}");
            let first = page(&desk, "alpha", Some(state), None, 1);
            assert_eq!(first, expected[..1], "{state}");
            let rest = page(&desk, "alpha", Some(state), Some(expected[0]), 9);
            assert_eq!(rest, expected[1..], "{state}");
        }
        assert_eq!(all(&desk, "alpha", None).len(), 14);
        desk.restart();
    }
}

/// Proposed, amended and decided at once.
pub fn a_life_may_come_in_one_batch(bench: &dyn Bench) {
    let mut desk = Desk::with_room(bench, "alpha");
    let events = [
        proposed(1, 9_000, Some(5_000)),
        proposed(2, 9_000, Some(5_000)),
        critiqued(1, motion(1)),
        amended(1, 9_900, None),
        window_closed(2),
        decided(1, Verdict::Vetoed),
    ];
    let records = (3..)
        .zip(events)
        .map(|(seq, event)| draft([record("alpha", seq, "ann", event)]));
    desk.stores(&records.collect::<Vec<_>>());
    for _ in 0..2 {
        assert_eq!(all(&desk, "alpha", Some(State::Vetoed)), numbered([1]));
        assert_eq!(all(&desk, "alpha", Some(State::Open)), numbered([2]));
        assert_eq!(history(&desk, 1).len(), 4);
        desk.restart();
    }
}

/// Neither a motion nor a step of one, whatever it was that did not land.
pub fn a_refused_draft_leaves_no_motion(bench: &dyn Bench) {
    let mut desk = Desk::with_room(bench, "alpha");
    desk.stores(&[draft([record("alpha", 3, "ann", proposed(1, 9_000, None))])]);
    let alpha = |seq, event| record("alpha", seq, "ann", event);
    let answers = desk.append(&[
        draft([alpha(9, proposed(2, 9_000, None))]),
        draft([alpha(9, decided(1, Verdict::Approved))]),
        draft([record("beta", 2, "ann", proposed(3, 9_000, None))]),
        draft([alpha(4, voted(1, "Ann", Choice::Reject))]),
    ]);
    let landed = answers.iter().filter(|answer| **answer == Answer::Stored);
    assert_eq!(landed.count(), 1, "{answers:?}");
    for _ in 0..2 {
        assert_eq!(all(&desk, "alpha", None), numbered([1]));
        assert_eq!(all(&desk, "alpha", Some(State::Open)), numbered([1]));
        assert_eq!(history(&desk, 1).len(), 2);
        for n in [2, 3] {
            assert_eq!(history(&desk, n), [], "the motion {n}");
        }
        desk.restart();
    }
}
