//! What has become of a message in a mailbox, and what is due of it.

use crate::contract::Bench;
use crate::contract::desk::Desk;
use crate::contract::mail::{
    about, all_opened, back, delivered, died, done, expired, failure, id, mail, mailbox, message,
    question, returned, stored, time, to_all,
};
use crate::contract::script::{at, client, draft, keyed, reason, stream};
use crate::event::{Event, MessageExpired, MessageReturned, MessageStored, Stream};
use crate::id::{ClientId, Timestamp};
use crate::message::{Ending, Expiry, Failure, Recipients, Stage};
use crate::owner::Answer;
use crate::ports::{Delivery, DueDelivery};

/// Later than anything is ever due.
const EVER: i64 = i64::MAX;

/// A desk with Bob's and Cid's mailboxes. Each has its first record.
pub(super) fn with_mailboxes(bench: &dyn Bench) -> Desk<'_> {
    let mut desk = Desk::new(bench);
    desk.stores(&all_opened(["Bob", "cid"]));
    desk
}

fn delivery(desk: &Desk<'_>, of: &str, n: u8) -> Option<Delivery> {
    let found = desk.store().delivery(&mailbox(of), id(n));
    found.expect("a store without a fault can be read")
}

/// A message that the case has stored.
pub(super) fn known(desk: &Desk<'_>, of: &str, n: u8) -> Delivery {
    delivery(desk, of, n).expect("a message that was stored is found in its mailbox")
}

fn due_in(desk: &Desk<'_>, of: &str, now: i64, rows_max: usize) -> Vec<DueDelivery> {
    let found = desk
        .store()
        .due_deliveries(&client(of), time(now), rows_max);
    found.expect("a store without a fault can be read")
}

/// The positions of the messages that are due.
pub(super) fn due_seqs(desk: &Desk<'_>, of: &str, now: i64) -> Vec<u64> {
    let due = due_in(desk, of, now, 100);
    due.iter().map(|due| due.about.message.get()).collect()
}

fn due_mailboxes(desk: &Desk<'_>, now: i64, rows_max: usize) -> Vec<String> {
    let found = desk.store().due_mailboxes(time(now), rows_max);
    let found = found.expect("a store without a fault can be read");
    for (of, since) in &found {
        assert_due_since(desk, of, *since);
    }
    found.iter().map(|(of, _)| of.to_string()).collect()
}

/// Something has been due in a mailbox since then, and nothing for longer.
fn assert_due_since(desk: &Desk<'_>, of: &ClientId, since: Timestamp) {
    for (at, is_due) in [(since, true), (since.plus_millis(-1), false)] {
        let found = desk.store().due_deliveries(of, at, 1);
        let found = found.expect("a store without a fault can be read");
        assert_eq!(!found.is_empty(), is_due, "{of} at {at:?}");
    }
}

/// The first that is ever due.
fn next_due(desk: &Desk<'_>) -> Option<i64> {
    due_after(desk, i64::MIN)
}

fn due_after(desk: &Desk<'_>, after: i64) -> Option<i64> {
    let found = desk.store().next_due(time(after));
    let found = found.expect("a store without a fault can be read");
    found.map(Timestamp::as_millis)
}

/// The message that the record at a position stored is due at that time and not a moment before,
/// or it never is.
pub(super) fn assert_due(desk: &Desk<'_>, of: &str, seq: u64, due: Option<i64>, what: &str) {
    match due {
        Some(due) => {
            assert!(
                due_seqs(desk, of, due).contains(&seq),
                "{what}: due at {due}"
            );
            let before = due_seqs(desk, of, due - 1);
            assert!(!before.contains(&seq), "{what}: not due before {due}");
        }
        None => assert!(
            !due_seqs(desk, of, EVER).contains(&seq),
            "{what}: never due"
        ),
    }
}

/// From the moment it is stored, whole, under any spelling of its mailbox, and nowhere else.
pub fn a_message_is_found_in_its_mailbox(bench: &dyn Bench) {
    let mut desk = with_mailboxes(bench);
    let record = keyed("k", stored("Bob", 2, question()));
    desk.stores(&[draft([record.clone()])]);
    let expected = Delivery {
        stage: Stage::Stored,
        attempts: 0,
        failures: Vec::new(),
        stored: record,
    };
    for _ in 0..2 {
        for spelling in ["Bob", "bob", "BOB"] {
            let found = known(&desk, spelling, 1);
            assert_eq!(format!("{found:?}"), format!("{expected:?}"), "{spelling}");
            assert_eq!(found, expected, "{spelling}");
        }
        assert_eq!(delivery(&desk, "Bob", 2), None, "another message");
        assert_eq!(delivery(&desk, "cid", 1), None, "another mailbox");
        assert_eq!(delivery(&desk, "dora", 1), None, "no mailbox");
        for elsewhere in [stream("bob"), Stream::Broadcast] {
            let found = desk.store().delivery(&elsewhere, id(1));
            assert_eq!(found, Ok(None), "{elsewhere}");
        }
        desk.restart();
    }
}

/// Attempt, time, ending and reason, in their order. A restart of the server is no failure.
pub fn failures_are_kept_to_the_letter(bench: &dyn Bench) {
    let mut desk = with_mailboxes(bench);
    desk.stores(&[draft([stored("Bob", 2, message(1, 100_000))])]);
    let endings = [
        (Ending::Failed, reason("it's \"broken\": {[$.x]} \\ %_ 🦀")),
        (Ending::ServerRestarted, reason("never kept")),
        (Ending::LeaseExpired, None),
        (Ending::ConnectionLost, reason("[]")),
        (Ending::NotConfirmed, reason("null\nand\tmore")),
    ];
    let mut expected: Vec<Failure> = Vec::new();
    for (number, (ending, reason)) in (1_u32..).zip(endings) {
        let seq = u64::from(number) + 2;
        let back = MessageReturned {
            reason: reason.clone(),
            ..back(about(2, 1), number, ending)
        };
        desk.stores(&[draft([mail(
            "Bob",
            seq,
            "bob",
            Event::MessageReturned(back),
        )])]);
        if ending != Ending::ServerRestarted {
            expected.push(Failure {
                reason,
                ..failure(number, at(seq), ending)
            });
        }
        let found = known(&desk, "Bob", 1);
        assert_eq!(found.failures, expected, "after {}", ending.as_str());
        desk.restart();
    }
}

/// Whichever end it is: nothing is due any more, and the message stays to be looked up. The record
/// of a death says which attempts failed.
pub fn an_end_is_an_end(bench: &dyn Bench) {
    let mut desk = with_mailboxes(bench);
    let story = vec![
        failure(1, time(3), Ending::LeaseExpired),
        failure(2, time(9), Ending::Failed),
    ];
    let no_reply = Event::MessageExpired(MessageExpired {
        about: about(4, 3),
        why: Expiry::NoReply,
    });
    let ends = [
        (done(about(2, 1)), Stage::Done, 1),
        (expired(about(3, 2)), Stage::Expired, 1),
        (no_reply, Stage::Expired, 1),
        (died(about(5, 4), story.clone()), Stage::Dead, 2),
        (died(about(6, 5), Vec::new()), Stage::Dead, 0),
    ];
    for (seq, n) in (2..7).zip(1..) {
        desk.stores(&[draft([stored("Bob", seq, message(n, 100_000))])]);
    }
    for (seq, n) in (2..7).zip(1..) {
        let it = about(seq, n);
        let tried = [
            mail("Bob", 2 * seq + 3, "bob", delivered(it.clone(), 1, 5_000)),
            mail("Bob", 2 * seq + 4, "bob", returned(it, 1, Ending::Failed)),
        ];
        desk.stores(&[draft(tried)]);
    }
    assert_eq!(due_seqs(&desk, "Bob", 100_000), [2, 3, 4, 5, 6]);
    for (n, (event, stage, failures)) in (1..).zip(ends) {
        let (seq, record) = (u64::from(n) + 1, u64::from(n) + 16);
        desk.stores(&[draft([mail("Bob", record, "bob", event)])]);
        assert_due(&desk, "Bob", seq, None, stage.as_str());
        let found = known(&desk, "Bob", n);
        let is = (found.stage, found.attempts, found.failures.len());
        assert_eq!(is, (stage, 1, failures), "the message {n}");
    }
    desk.restart();
    assert_eq!(due_seqs(&desk, "Bob", EVER), [0; 0]);
    assert_eq!(
        (next_due(&desk), due_mailboxes(&desk, EVER, 9).len()),
        (None, 0)
    );
    let dead = known(&desk, "Bob", 4);
    assert_eq!(dead.failures, story);
}

/// Its expiry, the end of its wait for an answer, the end of a lease: whichever comes first.
pub fn it_is_due_at_the_first_of_its_times(bench: &dyn Bench) {
    let mut desk = with_mailboxes(bench);
    // It expires; its deadline; its lease; due while stored and when returned; while delivered.
    let table = [
        (9_000, None, 5_000, 9_000, 5_000),
        (9_000, None, 9_001, 9_000, 9_000),
        (9_000, Some(7_000), 8_000, 7_000, 7_000),
        (9_000, Some(7_000), 6_000, 7_000, 6_000),
        (9_000, Some(11_000), 10_000, 9_000, 9_000),
        (9_000, Some(11_000), 1_000, 9_000, 1_000),
    ];
    let mut seq = 2;
    for (n, (expires_at, deadline, until, waits, held)) in (1..).zip(table) {
        let it = MessageStored {
            deadline: deadline.map(time),
            ..message(n, expires_at)
        };
        let place = seq;
        let steps = [
            (stored("Bob", seq, it), waits),
            (
                mail("Bob", seq + 1, "bob", delivered(about(seq, n), 1, until)),
                held,
            ),
            (
                mail(
                    "Bob",
                    seq + 2,
                    "bob",
                    returned(about(seq, n), 1, Ending::Failed),
                ),
                waits,
            ),
        ];
        for (record, due) in steps {
            let what = format!("the message {n} after {}", record.event.kind());
            desk.stores(&[draft([record])]);
            assert_due(&desk, "Bob", place, Some(due), &what);
            seq += 1;
        }
    }
}

/// Everything that the sweep over what is due needs, as it was written.
pub fn what_is_due_says_what_it_is(bench: &dyn Bench) {
    let mut desk = with_mailboxes(bench);
    let question = MessageStored {
        deadline: Some(time(7_000)),
        ..message(1, 9_000)
    };
    let notice = Event::MessageStored(Box::new(message(2, 9_500)));
    let it = about(2, 1);
    desk.stores(&[
        draft([stored("Bob", 2, question), mail("Bob", 3, "system", notice)]),
        draft([mail("Bob", 4, "bob", delivered(it.clone(), 1, 6_000))]),
    ]);
    let mut from_us = about(3, 2);
    from_us.from = client("system");
    let expected = [
        DueDelivery {
            about: it,
            stage: Stage::Delivered,
            expires_at: time(9_000),
            deadline: Some(time(7_000)),
        },
        DueDelivery {
            about: from_us,
            stage: Stage::Stored,
            expires_at: time(9_500),
            deadline: None,
        },
    ];
    for spelling in ["Bob", "bob", "BOB"] {
        let due = due_in(&desk, spelling, EVER, 9);
        assert_eq!(format!("{due:?}"), format!("{expected:?}"), "{spelling}");
        assert_eq!(due, expected, "{spelling}");
        desk.restart();
    }
    assert_eq!(due_in(&desk, "cid", EVER, 9), []);
    assert_eq!(due_in(&desk, "dora", EVER, 9), []);
}

/// Mailboxes and messages come in the order of their due times, the due moment included, and no
/// more than were asked for.
pub fn the_longest_overdue_comes_first(bench: &dyn Bench) {
    let mut desk = Desk::new(bench);
    assert_eq!(
        (next_due(&desk), due_mailboxes(&desk, EVER, 9).len()),
        (None, 0)
    );
    desk.stores(&all_opened(["Zoe", "ann", "Mia", "bob"]));
    for (of, times) in [
        ("Zoe", [3_000, 1_000, 8_000]),
        ("ann", [6_000, 4_000, 4_000]),
        ("Mia", [-500, 9_000, 2_000]),
    ] {
        for (seq, (n, due)) in (2..).zip((1..).zip(times)) {
            desk.stores(&[draft([stored(of, seq, message(n, due))])]);
        }
    }
    for _ in 0..2 {
        assert_eq!(next_due(&desk), Some(-500));
        for (after, next) in [
            (-501, Some(-500)),
            (-500, Some(1_000)),
            (4_000, Some(6_000)),
            (9_000, None),
        ] {
            assert_eq!(due_after(&desk, after), next, "after {after}");
        }
        let nobody = [""; 0];
        assert_eq!(due_mailboxes(&desk, -501, 9), nobody);
        assert_eq!(due_mailboxes(&desk, -500, 9), ["Mia"]);
        assert_eq!(due_mailboxes(&desk, 999, 9), ["Mia"]);
        assert_eq!(due_mailboxes(&desk, 1_000, 9), ["Mia", "Zoe"]);
        assert_eq!(due_mailboxes(&desk, EVER, 9), ["Mia", "Zoe", "ann"]);
        assert_eq!(due_mailboxes(&desk, EVER, 2), ["Mia", "Zoe"]);
        assert_eq!(due_mailboxes(&desk, EVER, 0), nobody);
        assert_eq!(due_seqs(&desk, "zoe", EVER), [3, 2, 4]);
        assert_eq!(due_seqs(&desk, "zoe", 3_000), [3, 2]);
        assert_eq!(due_seqs(&desk, "zoe", 2_999), [3]);
        assert_eq!(
            due_seqs(&desk, "ann", EVER),
            [3, 4, 2],
            "at one time: by seq"
        );
        assert_eq!(due_in(&desk, "Zoe", EVER, 2).len(), 2);
        assert_eq!(due_in(&desk, "Zoe", EVER, 0), []);
        assert_eq!(due_seqs(&desk, "bob", EVER), [0; 0]);
        desk.restart();
    }
    desk.stores(&[draft([mail("Mia", 5, "mia", done(about(2, 1)))])]);
    assert_eq!(next_due(&desk), Some(1_000));
    assert_eq!(due_mailboxes(&desk, EVER, 9), ["Zoe", "Mia", "ann"]);
}

/// Neither a message nor a step of one, whatever it was that did not land.
pub fn a_refused_draft_leaves_no_delivery(bench: &dyn Bench) {
    let mut desk = with_mailboxes(bench);
    let first = keyed("k", stored("Bob", 2, message(1, 9_000)));
    let again = keyed("k", stored("Bob", 3, message(2, 1_000)));
    let behind = mail("Bob", 4, "bob", done(about(2, 1)));
    let answers = desk.append(&[
        draft([first]),
        draft([again]),
        draft([behind]),
        draft([stored("cid", 9, message(3, 1_000))]),
        draft([stored("dora", 2, message(4, 1_000))]),
    ]);
    let landed = answers.iter().filter(|answer| **answer == Answer::Stored);
    assert_eq!(landed.count(), 1, "{answers:?}");
    for _ in 0..2 {
        let found = known(&desk, "Bob", 1);
        assert_eq!(found.stage, Stage::Stored);
        for (of, n) in [("Bob", 2), ("cid", 3), ("dora", 4)] {
            assert_eq!(delivery(&desk, of, n), None, "{of}");
        }
        assert_eq!(
            (next_due(&desk), due_mailboxes(&desk, EVER, 9)),
            (Some(9_000), vec!["Bob".into()])
        );
        desk.restart();
    }
}

/// The broadcast stream is read with cursors: nothing in it is delivered to anybody in particular.
pub fn a_message_to_all_is_nobodys(bench: &dyn Bench) {
    let mut desk = with_mailboxes(bench);
    let news = MessageStored {
        to: Recipients::All,
        ..message(1, 9_000)
    };
    desk.stores(&[draft([to_all(
        1,
        "Ann",
        Event::MessageStored(Box::new(news)),
    )])]);
    for place in [Stream::Broadcast, mailbox("Bob")] {
        assert_eq!(desk.store().delivery(&place, id(1)), Ok(None), "{place}");
    }
    assert_eq!(
        (next_due(&desk), due_mailboxes(&desk, EVER, 9).len()),
        (None, 0)
    );
}
