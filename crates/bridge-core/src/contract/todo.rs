//! What waits for somebody: open motions of its rooms, and questions in its mailbox.

use crate::contract::Bench;
use crate::contract::desk::Desk;
use crate::contract::mail::{
    about, all_opened, back, delivered, died, done, expired, mail, message, reopened, seen, stored,
    time,
};
use crate::contract::motions::{amended, decided, decision, proposed, withdrawn};
use crate::contract::script::{
    client, closed, draft, founded, joined, left, record, removed, text,
};
use crate::decision::Verdict;
use crate::event::{Envelope, Event, MessageReturned, MessageStored};
use crate::id::{Seq, Timestamp};
use crate::limits;
use crate::message::{Body, Ending};
use crate::ports::{OpenDecision, QuestionsQuery};

fn open_decisions(desk: &Desk<'_>, of: &str, rows_max: usize) -> Vec<OpenDecision> {
    let found = desk.store().open_decisions(&client(of), rows_max);
    found.expect("a store without a fault can be read")
}

/// The room, the number of the motion, and its deadline.
fn open(room: &str, n: u8, deadline: i64) -> OpenDecision {
    OpenDecision {
        room: room.parse().expect("a case writes valid names"),
        decision: decision(n),
        deadline: time(deadline),
    }
}

fn questions(
    desk: &Desk<'_>,
    of: &str,
    after: Option<(Timestamp, Seq)>,
    rows_max: usize,
) -> Vec<Envelope> {
    let query = QuestionsQuery { after, rows_max };
    let found = desk.store().open_questions(&client(of), &query);
    found.expect("a store without a fault can be read")
}

/// Where the questions of a mailbox stand that have not ended.
fn seqs(desk: &Desk<'_>, of: &str) -> Vec<u64> {
    let found = questions(desk, of, None, 100);
    found.iter().map(|record| record.seq.get()).collect()
}

fn question(n: u8, expires_at: i64, deadline: Option<i64>) -> MessageStored {
    MessageStored {
        expects_reply: true,
        deadline: deadline.map(time),
        ..message(n, expires_at)
    }
}

/// Of all rooms together by their deadlines, whatever their order in the log, and of no others.
pub fn the_motion_with_the_earliest_deadline_comes_first(bench: &dyn Bench) {
    let mut desk = Desk::with_room(bench, "Alpha");
    desk.stores(&[founded("beta"), founded("gamma")]);
    let alpha = |seq, event| draft([record("Alpha", seq, "ann", event)]);
    let beta = |seq, event| draft([record("beta", seq, "ann", event)]);
    let gamma = |seq, event| draft([record("gamma", seq, "ann", event)]);
    desk.stores(&[
        alpha(3, proposed(1, 9_000, None)),
        alpha(4, proposed(2, 3_000, None)),
        beta(3, proposed(3, 5_000, Some(1_000))),
        beta(4, proposed(4, 9_000, None)),
        gamma(3, proposed(5, 1_000, None)),
        gamma(4, removed("gamma", 4, "ann").event),
    ]);
    let expected = [
        open("Alpha", 2, 3_000),
        open("beta", 3, 5_000),
        open("Alpha", 1, 9_000),
        open("beta", 4, 9_000),
    ];
    for spelling in ["ann", "ANN"] {
        for rows_max in [0, 1, 3, 4, 100] {
            let found = open_decisions(&desk, spelling, rows_max);
            assert_eq!(found, expected[..rows_max.min(4)], "{rows_max} at most");
        }
        desk.restart();
    }
    assert_eq!(open_decisions(&desk, "bob", 9), []);
}

/// With every change of it, and until it ends.
pub fn a_motion_is_open_until_it_ends(bench: &dyn Bench) {
    let mut desk = Desk::with_room(bench, "alpha");
    let mut seq = 2;
    let mut write = |desk: &mut Desk<'_>, event| {
        seq += 1;
        desk.stores(&[draft([record("alpha", seq, "ann", event)])]);
    };
    for n in [1, 2] {
        write(&mut desk, proposed(n, 9_000, None));
    }
    write(&mut desk, amended(2, 9_500, None));
    let both = [open("alpha", 1, 9_000), open("alpha", 2, 9_500)];
    assert_eq!(open_decisions(&desk, "ann", 9), both);
    write(&mut desk, decided(1, Verdict::Rejected));
    assert_eq!(open_decisions(&desk, "ann", 9), both[1..]);
    write(&mut desk, withdrawn(2));
    for _ in 0..2 {
        assert_eq!(open_decisions(&desk, "ann", 9), []);
        desk.restart();
    }
}

/// As the rooms' logs say it: whoever leaves has nothing more to do there until it is back.
pub fn motions_are_of_members_only(bench: &dyn Bench) {
    let mut desk = Desk::with_room(bench, "alpha");
    let motion = record("alpha", 3, "ann", proposed(1, 9_000, None));
    desk.stores(&[draft([motion]), draft([joined("alpha", 4, "Bob")])]);
    let expected = [open("alpha", 1, 9_000)];
    assert_eq!(open_decisions(&desk, "bob", 9), expected);
    desk.stores(&[draft([left("alpha", 5, "BOB")])]);
    assert_eq!(open_decisions(&desk, "bob", 9), []);
    desk.stores(&[draft([joined("alpha", 6, "bob")])]);
    assert_eq!(open_decisions(&desk, "bob", 9), expected);
    desk.stores(&[draft([removed("alpha", 7, "bob")])]);
    assert_eq!(open_decisions(&desk, "bob", 9), []);
    // A room that is closed keeps its members; its motions have ended before.
    desk.stores(&[draft([
        record("alpha", 8, "system", decided(1, Verdict::Expired)),
        closed("alpha", 9),
    ])]);
    assert_eq!(open_decisions(&desk, "ann", 9), []);
}

/// Whether it was handed over or seen: only its end ends it.
pub fn a_question_waits_until_it_ends(bench: &dyn Bench) {
    let mut desk = Desk::new(bench);
    desk.stores(&all_opened(["bob"]));
    for n in 1..=5 {
        let stored = stored("bob", u64::from(n) + 1, question(n, 9_000, None));
        desk.stores(&[draft([stored])]);
    }
    desk.stores(&[draft([stored("bob", 7, message(6, 9_000))])]);
    assert_eq!(
        seqs(&desk, "bob"),
        [2, 3, 4, 5, 6],
        "a message is no question"
    );
    let steps = [
        (delivered(about(2, 1), 1, 5_000), &[2, 3, 4, 5, 6][..]),
        (seen(about(2, 1), 9_000), &[2, 3, 4, 5, 6]),
        (seen(about(3, 2), 9_000), &[2, 3, 4, 5, 6]),
        (done(about(2, 1)), &[3, 4, 5, 6]),
        (expired(about(4, 3)), &[3, 5, 6]),
        (died(about(5, 4), Vec::new()), &[3, 6]),
        (taken_up_again(3, 2), &[3, 6]),
        (done(about(3, 2)), &[6]),
        (done(about(6, 5)), &[]),
    ];
    for (seq, (event, expected)) in (8..).zip(steps) {
        let step = mail("bob", seq, "bob", event);
        desk.stores(&[draft([step])]);
        assert_eq!(seqs(&desk, "BOB"), expected, "after the record {seq}");
        desk.restart();
        assert_eq!(seqs(&desk, "bob"), expected, "after a restart");
    }
}

fn taken_up_again(seq: u64, n: u8) -> Event {
    let back = MessageReturned {
        reopened: Some(reopened()),
        ..back(about(seq, n), 1, Ending::Failed)
    };
    Event::MessageReturned(back)
}

/// The record that stored it, those that end first before the others; page by page the same.
pub fn the_question_that_ends_first_comes_first(bench: &dyn Bench) {
    let mut desk = Desk::new(bench);
    desk.stores(&all_opened(["bob", "cid"]));
    let of_bob = [
        stored("bob", 2, question(1, 9_000, None)),
        stored("bob", 3, question(2, 9_000, Some(3_000))),
        stored("bob", 4, question(3, 2_000, Some(8_000))),
        stored("bob", 5, question(4, 9_000, Some(3_000))),
        stored("bob", 6, question(5, 9_000, Some(9_000))),
    ];
    desk.stores(&of_bob.clone().map(|record| draft([record])));
    desk.stores(&[draft([stored("cid", 2, question(1, 1_000, None))])]);
    let expected = [2, 1, 3, 0, 4].map(|place: usize| of_bob[place].clone());
    for rows_max in [1, 2, 5, 100] {
        let mut found: Vec<Envelope> = Vec::new();
        loop {
            let last = found.last().map(|last| match &last.event {
                Event::MessageStored(message) => (message.ends_at(), last.seq),
                other => panic!("a {} is no question", other.kind()),
            });
            let page = questions(&desk, "bob", last, rows_max);
            assert!(page.len() <= rows_max);
            if page.is_empty() {
                break;
            }
            found.extend(page);
            assert!(
                found.len() <= expected.len(),
                "pages of {rows_max} do not end"
            );
        }
        assert_eq!(found, expected, "{rows_max} at a time");
        desk.restart();
    }
    assert_eq!(questions(&desk, "bob", None, 0), []);
    assert_eq!(questions(&desk, "dora", None, 9), [], "no such mailbox");
    // Behind one that has ended as well.
    let behind = questions(&desk, "bob", Some((time(3_000), Seq::new(4))), 9);
    assert_eq!(behind, expected[2..]);
}

/// In about as many bytes as a page has; one that is larger comes alone.
pub fn a_page_of_questions_is_bounded_in_bytes(bench: &dyn Bench) {
    let mut desk = Desk::new(bench);
    desk.stores(&all_opened(["bob"]));
    let long = "x".repeat(limits::TEXT_CHARS_MAX);
    let many = (limits::PAGE_BYTES_MAX / long.len() + 3) as u64;
    for n in 0..many {
        let body = Body::Text(text(&long));
        let id = u8::try_from(n + 1).expect("a page has fewer than 250 of them");
        let question = MessageStored {
            body,
            ..question(id, 9_000, None)
        };
        desk.stores(&[draft([stored("bob", n + 2, question)])]);
    }
    let first = questions(&desk, "bob", None, limits::PAGE_RECORDS_MAX);
    assert!(
        !first.is_empty() && (first.len() as u64) < many,
        "{}",
        first.len()
    );
}
