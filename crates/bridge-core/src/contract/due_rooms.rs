//! Rooms in which time alone changes something.

use crate::contract::Bench;
use crate::contract::desk::Desk;
use crate::contract::mail::{all_opened, done, message, stored, time};
use crate::contract::motions::{
    amended, decided, policy_changed, proposed, voted, window_closed, withdrawn,
};
use crate::contract::script::{closed, draft, founded, record};
use crate::decision::{Choice, Verdict};
use crate::event::Event;
use crate::id::Timestamp;
use crate::policy::Policy;

/// What happens, and when something is due then.
type Step = (Event, Option<i64>);

/// Later than anything is ever due.
const EVER: i64 = i64::MAX;

fn due_rooms(desk: &Desk<'_>, now: i64, rows_max: usize) -> Vec<(String, i64)> {
    let found = desk.store().due_rooms(time(now), rows_max);
    let found = found.expect("a store without a fault can be read");
    found
        .into_iter()
        .map(|(room, since)| (room.to_string(), since.as_millis()))
        .collect()
}

fn next_due(desk: &Desk<'_>, after: i64) -> Option<i64> {
    let found = desk.store().next_due(time(after));
    let found = found.expect("a store without a fault can be read");
    found.map(Timestamp::as_millis)
}

/// Something is due in the room at that time and not a moment before, or nothing ever is.
fn assert_due(desk: &Desk<'_>, due: Option<i64>, what: &str) {
    assert_eq!(next_due(desk, i64::MIN), due, "{what}");
    let Some(due) = due else {
        assert_eq!(due_rooms(desk, EVER, 9), [], "{what}");
        return;
    };
    assert_eq!(due_rooms(desk, due - 1, 9), [], "{what}");
    let expected = [("Alpha".to_owned(), due)];
    assert_eq!(due_rooms(desk, due, 9), expected, "{what}");
    assert_eq!(due_rooms(desk, EVER, 9), expected, "{what}");
    assert_eq!(next_due(desk, due - 1), Some(due), "{what}");
    assert_eq!(next_due(desk, due), None, "{what}");
}

/// The end of its veto window, then its deadline; from the start after an amendment; and nothing once
/// it has ended.
pub fn a_motion_is_due_at_the_first_of_its_times(bench: &dyn Bench) {
    let stories: [(&str, Vec<Step>); 4] = [
        (
            "without a veto",
            vec![
                (proposed(1, 9_000, None), Some(9_000)),
                (voted(1, "Ann", Choice::Approve), Some(9_000)),
                (policy_changed(Policy::default()), Some(9_000)),
                (amended(1, 9_500, None), Some(9_500)),
                (decided(1, Verdict::Expired), None),
            ],
        ),
        (
            "with a veto",
            vec![
                (proposed(2, 9_000, Some(5_000)), Some(5_000)),
                (window_closed(2), Some(9_000)),
                (amended(2, 9_000, Some(6_000)), Some(6_000)),
                (amended(2, 9_900, Some(9_900)), Some(9_900)),
                (window_closed(2), Some(9_900)),
                (decided(2, Verdict::Approved), None),
            ],
        ),
        (
            "withdrawn",
            vec![
                (proposed(3, 9_000, Some(9_000)), Some(9_000)),
                (withdrawn(3), None),
            ],
        ),
        (
            "vetoed",
            vec![
                (proposed(4, -500, Some(-700)), Some(-700)),
                (decided(4, Verdict::Vetoed), None),
            ],
        ),
    ];
    let mut desk = Desk::with_room(bench, "Alpha");
    assert_due(&desk, None, "a new room");
    let mut seq = 2;
    for (story, steps) in stories {
        for (event, due) in steps {
            seq += 1;
            let what = format!("{story}, after {} at {seq}", event.kind());
            desk.stores(&[draft([record("Alpha", seq, "ann", event)])]);
            assert_due(&desk, due, &what);
        }
        desk.restart();
        assert_due(&desk, None, story);
    }
}

/// Each room once, with the first of its motions, and no more than were asked for.
pub fn the_longest_overdue_comes_first(bench: &dyn Bench) {
    let mut desk = Desk::new(bench);
    for (name, motions) in [
        ("Zoo", [(1, 3_000, None), (2, 8_000, Some(1_000))]),
        ("arc", [(3, 6_000, None), (4, 4_000, None)]),
        ("Moon", [(5, 9_000, None), (6, 2_000, Some(1_999))]),
    ] {
        desk.stores(&[founded(name)]);
        for (seq, (n, deadline, veto_until)) in (3..).zip(motions) {
            let event = proposed(n, deadline, veto_until);
            desk.stores(&[draft([record(name, seq, "ann", event)])]);
        }
    }
    desk.stores(&[founded("empty")]);
    let names = |desk: &Desk<'_>, now, rows_max| {
        let rooms = due_rooms(desk, now, rows_max).into_iter();
        rooms.map(|(room, _)| room).collect::<Vec<String>>()
    };
    let nobody = [""; 0];
    for _ in 0..2 {
        assert_eq!(names(&desk, 999, 9), nobody);
        assert_eq!(names(&desk, 1_000, 9), ["Zoo"]);
        assert_eq!(names(&desk, 1_999, 9), ["Zoo", "Moon"]);
        assert_eq!(names(&desk, EVER, 9), ["Zoo", "Moon", "arc"]);
        assert_eq!(names(&desk, EVER, 2), ["Zoo", "Moon"]);
        assert_eq!(names(&desk, EVER, 0), nobody);
        for (after, next) in [
            (i64::MIN, Some(1_000)),
            (1_000, Some(1_999)),
            (1_999, Some(3_000)),
            (4_000, Some(6_000)),
            (9_000, None),
        ] {
            assert_eq!(next_due(&desk, after), next, "after {after}");
        }
        desk.restart();
    }
    // A room that is closed ends its motions.
    let expired = |n| decided(n, Verdict::Expired);
    desk.stores(&[draft([
        closed("Zoo", 5),
        record("Zoo", 6, "ann", expired(1)),
        record("Zoo", 7, "ann", expired(2)),
    ])]);
    assert_eq!(names(&desk, EVER, 9), ["Moon", "arc"]);
}

/// Mailboxes are not rooms, and the next of all is the next of either.
pub fn the_next_is_the_next_of_mailboxes_and_rooms(bench: &dyn Bench) {
    let mut desk = Desk::with_room(bench, "Bob");
    desk.stores(&all_opened(["Bob"]));
    desk.stores(&[
        draft([record("Bob", 3, "ann", proposed(1, 4_000, None))]),
        draft([stored("Bob", 2, message(1, 3_000))]),
        draft([stored("Bob", 3, message(2, 5_000))]),
    ]);
    for _ in 0..2 {
        for (after, next) in [
            (i64::MIN, Some(3_000)),
            (3_000, Some(4_000)),
            (4_000, Some(5_000)),
            (5_000, None),
        ] {
            assert_eq!(next_due(&desk, after), next, "after {after}");
        }
        assert_eq!(due_rooms(&desk, EVER, 9), [("Bob".to_owned(), 4_000)]);
        let mailboxes = desk.store().due_mailboxes(time(3_500), 9);
        assert_eq!(mailboxes.map(|due| due.len()), Ok(1));
        desk.restart();
    }
    let about = crate::contract::mail::about(2, 1);
    desk.stores(&[draft([crate::contract::mail::mail(
        "Bob",
        4,
        "bob",
        done(about),
    )])]);
    assert_eq!(next_due(&desk, i64::MIN), Some(4_000));
}
