//! Critiques of a room, of its posts and of its motions.

use crate::contract::Bench;
use crate::contract::desk::Desk;
use crate::contract::motions::{
    critique, critiqued, critiqued_at_length, decided, motion, proposed, resolved, voted, waived,
    withdrawn,
};
use crate::contract::script::{draft, founded, message, post, record, room};
use crate::decision::{Choice, Target, Verdict};
use crate::event::{Envelope, Event};
use crate::id::CritiqueId;
use crate::limits;
use crate::ports::CritiquesQuery;

fn records(desk: &Desk<'_>, of: &str, query: CritiquesQuery) -> Vec<Envelope> {
    let found = desk.store().critiques(&room(of), &query);
    found.expect("a store without a fault can be read")
}

/// The critiques of which there are records, the newest first.
fn page(
    desk: &Desk<'_>,
    of: &str,
    is_open: Option<bool>,
    before: Option<CritiqueId>,
    rows_max: usize,
) -> Vec<CritiqueId> {
    let query = CritiquesQuery {
        is_open,
        before,
        rows_max,
    };
    let records = records(desk, of, query);
    let seqs = records.iter().map(|record| record.seq);
    assert!(seqs.is_sorted_by(|one, next| one < next), "in order of seq");
    let made = records.iter().filter_map(|record| match &record.event {
        Event::Critiqued(critiqued) => Some(critiqued.critique),
        _ => None,
    });
    let mut made: Vec<CritiqueId> = made.collect();
    made.sort_by(|one, other| other.cmp(one));
    made
}

fn numbered<const N: usize>(numbers: [u8; N]) -> Vec<CritiqueId> {
    numbers.map(critique).to_vec()
}

/// Those that stand, and those that do not.
fn assert_open<const N: usize>(desk: &Desk<'_>, open: [u8; N], closed: &[u8], what: &str) {
    assert_eq!(
        page(desk, "alpha", Some(true), None, 99),
        numbered(open),
        "{what}"
    );
    let closed: Vec<CritiqueId> = closed.iter().copied().map(critique).collect();
    assert_eq!(page(desk, "alpha", Some(false), None, 99), closed, "{what}");
    let all = page(desk, "alpha", None, None, 99);
    assert_eq!(all.len(), N + closed.len(), "{what}");
}

/// A room with a post and two motions; the next record is its sixth.
fn with_targets(bench: &dyn Bench) -> Desk<'_> {
    let mut desk = Desk::with_room(bench, "alpha");
    desk.stores(&[
        post("alpha", 3),
        draft([record("alpha", 4, "ann", proposed(1, 9_000, None))]),
        draft([record("alpha", 5, "ann", proposed(2, 9_000, None))]),
    ]);
    desk
}

fn the_post() -> Target {
    Target::Message(message("alpha", 3))
}

/// All records about each, whole and to the letter, and no others.
pub fn they_come_with_all_their_records(bench: &dyn Bench) {
    let mut desk = with_targets(bench);
    let events = [
        critiqued(1, motion(1)),
        critiqued(2, the_post()),
        voted(1, "Ann", Choice::Approve),
        waived(1, motion(1), false),
        critiqued(3, motion(2)),
        resolved(2, the_post()),
        waived(1, motion(1), true),
        decided(2, Verdict::Rejected),
    ];
    let log: Vec<Envelope> = (6..)
        .zip(events)
        .map(|(seq, event)| record("alpha", seq, "Rev", event))
        .collect();
    for envelope in log.clone() {
        desk.stores(&[draft([envelope])]);
    }
    let expected = |numbers: &[u8]| {
        let about = log.iter().filter(|record| {
            let id = record.event.critique();
            id.is_some_and(|id| numbers.iter().any(|n| critique(*n) == id))
        });
        about.cloned().collect::<Vec<Envelope>>()
    };
    let newest = |rows_max| CritiquesQuery {
        is_open: None,
        before: None,
        rows_max,
    };
    for _ in 0..2 {
        let all = records(&desk, "ALPHA", newest(9));
        assert_eq!(all, expected(&[1, 2, 3]));
        assert_eq!(format!("{all:?}"), format!("{:?}", expected(&[1, 2, 3])));
        assert_eq!(records(&desk, "alpha", newest(2)), expected(&[2, 3]));
        let older = CritiquesQuery {
            before: Some(critique(3)),
            ..newest(1)
        };
        assert_eq!(records(&desk, "alpha", older), expected(&[2]));
        assert_eq!(records(&desk, "alpha", newest(0)), []);
        assert_eq!(records(&desk, "beta", newest(9)), [], "no such room");
        desk.restart();
    }
}

/// Page by page, whatever the order in which they came into the log, and none of another room's.
pub fn they_are_listed_newest_first(bench: &dyn Bench) {
    let mut desk = with_targets(bench);
    desk.stores(&[founded("beta"), post("beta", 3)]);
    for (seq, n) in (6..).zip([130, 2, 255, 9, 127]) {
        let of_beta = critiqued(n - 1, Target::Message(message("beta", 3)));
        desk.stores(&[
            draft([record("alpha", seq, "ann", critiqued(n, motion(1)))]),
            draft([record("beta", seq - 2, "ann", of_beta)]),
        ]);
    }
    for _ in 0..2 {
        for rows_max in [1, 2, 5, 100] {
            let mut listed: Vec<CritiqueId> = Vec::new();
            loop {
                let before = listed.last().copied();
                let page = page(&desk, "alpha", None, before, rows_max);
                assert!(page.len() <= rows_max);
                if page.is_empty() {
                    break;
                }
                listed.extend(page);
                assert!(listed.len() <= 5, "pages of {rows_max} do not end");
            }
            let expected = numbered([255, 130, 127, 9, 2]);
            assert_eq!(listed, expected, "{rows_max} at a time");
        }
        desk.restart();
    }
}

/// Until they are resolved, or waived by enough.
pub fn they_stand_until_they_are_answered(bench: &dyn Bench) {
    let mut desk = with_targets(bench);
    let steps = [
        (critiqued(1, motion(1)), &[1][..]),
        (critiqued(2, motion(1)), &[2, 1]),
        (critiqued(3, the_post()), &[3, 2, 1]),
        (critiqued(4, the_post()), &[4, 3, 2, 1]),
        (waived(1, motion(1), false), &[4, 3, 2, 1]),
        (waived(1, motion(1), true), &[4, 3, 2]),
        (resolved(2, motion(1)), &[4, 3]),
        (resolved(3, the_post()), &[4]),
        (waived(4, the_post(), true), &[]),
    ];
    for (seq, (event, open)) in (6..).zip(steps) {
        let what = format!("after {} at {seq}", event.kind());
        desk.stores(&[draft([record("alpha", seq, "rev", event)])]);
        let stand = page(&desk, "alpha", Some(true), None, 99);
        let open: Vec<CritiqueId> = open.iter().copied().map(critique).collect();
        assert_eq!(stand, open, "{what}");
    }
    desk.restart();
    assert_open(&desk, [], &[4, 3, 2, 1], "all of them are answered");
}

/// Whichever way it ends; those of others stand.
pub fn they_end_with_their_motion(bench: &dyn Bench) {
    let mut desk = with_targets(bench);
    let events = [
        critiqued(1, motion(1)),
        critiqued(2, motion(2)),
        critiqued(3, the_post()),
        critiqued(4, motion(1)),
    ];
    for (seq, event) in (6..).zip(events) {
        desk.stores(&[draft([record("alpha", seq, "rev", event)])]);
    }
    assert_open(&desk, [4, 3, 2, 1], &[], "all of them stand");
    desk.stores(&[draft([record("alpha", 10, "ann", withdrawn(1))])]);
    assert_open(&desk, [3, 2], &[4, 1], "one motion is withdrawn");
    let expired = decided(2, Verdict::Expired);
    desk.stores(&[draft([record("alpha", 11, "system", expired)])]);
    for _ in 0..2 {
        assert_open(&desk, [3], &[4, 2, 1], "the other one has expired");
        desk.restart();
    }
}

/// Long ones come in short pages, and none is left out.
pub fn a_page_is_bounded_in_bytes(bench: &dyn Bench) {
    let mut desk = with_targets(bench);
    let long = "字".repeat(limits::TEXT_CHARS_MAX);
    let drafts = (1..=80).map(|n| {
        let event = critiqued_at_length(n, the_post(), &long);
        draft([record("alpha", u64::from(n) + 5, "rev", event)])
    });
    desk.stores(&drafts.collect::<Vec<_>>());
    let mut listed: Vec<CritiqueId> = Vec::new();
    loop {
        let page = page(&desk, "alpha", Some(true), listed.last().copied(), 99);
        assert!(page.len() * long.len() <= limits::PAGE_BYTES_MAX + long.len());
        if page.is_empty() {
            break;
        }
        listed.extend(page);
        assert!(listed.len() <= 80, "pages do not end");
    }
    let expected: Vec<CritiqueId> = (1..=80).rev().map(critique).collect();
    assert_eq!(listed, expected);
}
