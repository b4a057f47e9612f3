//! Records whose effects on other streams are still to be brought about.

use serde_json::json;

use crate::contract::Bench;
use crate::contract::desk::Desk;
use crate::contract::mail::{
    self, about, all_opened, delivered, died, done, expired, mailbox, message, recipients, seen,
    stored,
};
use crate::contract::script::{client, draft, founded, post, said, stream};
use crate::event::{Envelope, Event, MessageStored, Stream};
use crate::id::Seq;
use crate::message::Body;
use crate::owner::Answer;
use crate::ports::FollowUp;
use crate::{limits, stored as forms};

fn open(desk: &Desk<'_>, after: Option<&FollowUp>, rows_max: usize) -> Vec<FollowUp> {
    let found = desk.store().follow_ups(after, rows_max);
    found.expect("a store without a fault can be read")
}

fn named(open: &[FollowUp]) -> Vec<String> {
    let named = open.iter().map(|open| {
        assert_eq!(open.place.1, open.envelope.seq);
        format!("{} {}", open.envelope.stream, open.envelope.seq)
    });
    named.collect()
}

fn all(desk: &Desk<'_>) -> Vec<String> {
    named(&open(desk, None, 100))
}

/// Somebody is called by name.
fn calling(room: &str, seq: u64) -> Envelope {
    let mut record = said(room, seq, "@bob look");
    if let Event::Posted(posted) = &mut record.event {
        posted.mentions = vec![client("bob")];
    }
    record
}

fn several(n: u8) -> MessageStored {
    MessageStored {
        to: recipients(&["bob", "cid"]),
        ..message(n, 9_000)
    }
}

fn done_with(desk: &mut Desk<'_>, done: &[(Stream, u64)]) {
    let done: Vec<_> = done
        .iter()
        .map(|(stream, seq)| (stream.clone(), Seq::new(*seq)))
        .collect();
    assert_eq!(desk.log().follow_ups_done(&done), Ok(()));
}

/// Those that have an effect, as they stand in the log, and no others.
pub fn every_record_with_an_effect_waits(bench: &dyn Bench) {
    let mut desk = Desk::new(bench);
    let answer = MessageStored {
        reply_to: Some(mail::id(90)),
        ..message(2, 9_000)
    };
    let it = || about(2, 1);
    let log = [
        (false, mail::opened("bob")),
        (false, stored("bob", 2, message(1, 9_000))),
        (true, stored("bob", 3, answer)),
        (true, stored("bob", 4, several(3))),
        (
            false,
            mail::mail("bob", 5, "bob", delivered(it(), 1, 5_000)),
        ),
        (false, mail::mail("bob", 6, "bob", seen(it(), 9_000))),
        (true, mail::mail("bob", 7, "bob", done(it()))),
        (true, mail::mail("bob", 8, "bob", expired(about(3, 2)))),
        (true, mail::mail("bob", 9, "bob", died(about(4, 3), vec![]))),
    ];
    let mut expected: Vec<Envelope> = Vec::new();
    for (has_effect, record) in log {
        desk.stores(&[draft([record.clone()])]);
        expected.extend(has_effect.then_some(record));
        let open = open(&desk, None, 100);
        let open: Vec<_> = open.into_iter().map(|open| open.envelope).collect();
        assert_eq!(open, expected);
    }
    desk.stores(&[
        founded("alpha"),
        post("alpha", 3),
        draft([calling("alpha", 4)]),
    ]);
    desk.restart();
    let rest = all(&desk).split_off(expected.len());
    assert_eq!(rest, ["room:alpha 4"]);
}

/// Streams in the order of their creation, whatever their names and kinds; each in order of seq.
fn in_three_streams(bench: &dyn Bench) -> Desk<'_> {
    let mut desk = Desk::new(bench);
    desk.stores(&[founded("Zeta"), founded("alpha")]);
    desk.stores(&all_opened(["Bob"]));
    desk.stores(&[
        draft([stored("Bob", 2, several(1)), stored("Bob", 3, several(2))]),
        draft([calling("alpha", 3)]),
        draft([
            calling("Zeta", 3),
            said("Zeta", 4, "hello"),
            calling("Zeta", 5),
        ]),
        draft([calling("alpha", 4)]),
    ]);
    desk
}

const IN_ORDER: [&str; 6] = [
    "room:Zeta 3",
    "room:Zeta 5",
    "room:alpha 3",
    "room:alpha 4",
    "mailbox:Bob 2",
    "mailbox:Bob 3",
];

/// Every page begins behind the last one's end, and what has come before it is for a later round.
pub fn they_are_paged_by_their_place(bench: &dyn Bench) {
    let mut desk = in_three_streams(bench);
    for rows_max in [1, 2, 3, 4, 100] {
        let mut listed: Vec<FollowUp> = Vec::new();
        loop {
            let page = open(&desk, listed.last(), rows_max);
            assert!(page.len() <= rows_max);
            if page.is_empty() {
                break;
            }
            listed.extend(page);
            assert!(
                listed.len() <= IN_ORDER.len(),
                "pages of {rows_max} do not end"
            );
            assert!(listed.is_sorted_by(|one, next| one.place < next.place));
        }
        assert_eq!(named(&listed), IN_ORDER, "in pages of {rows_max}");
        desk.restart();
    }
    assert_eq!(open(&desk, None, 0), []);
    let second = open(&desk, None, 2).pop();
    desk.stores(&[draft([calling("Zeta", 6)])]);
    let behind = named(&open(&desk, second.as_ref(), 100));
    assert_eq!(behind, [&["room:Zeta 6"], &IN_ORDER[2..]].concat());
}

/// Once, and for good. To say so twice, of records without effects, or of none, harms nobody.
pub fn what_is_done_is_forgotten(bench: &dyn Bench) {
    let mut desk = in_three_streams(bench);
    done_with(&mut desk, &[]);
    assert_eq!(all(&desk), IN_ORDER);
    let some = [
        (stream("ZETA"), 5),
        (mailbox("bob"), 2),
        (stream("Zeta"), 4),
        (stream("alpha"), 99),
        (stream("bob"), 3),
        (mailbox("nobody"), 1),
        (Stream::Broadcast, 1),
    ];
    let left = [
        "room:Zeta 3",
        "room:alpha 3",
        "room:alpha 4",
        "mailbox:Bob 3",
    ];
    for _ in 0..2 {
        done_with(&mut desk, &some);
        assert_eq!(all(&desk), left);
        desk.restart();
        assert_eq!(all(&desk), left);
    }
    let rest = [
        (stream("Zeta"), 3),
        (stream("alpha"), 3),
        (stream("alpha"), 4),
        (mailbox("Bob"), 3),
    ];
    done_with(&mut desk, &rest);
    assert_eq!(all(&desk), [""; 0]);
    // The log has them all the same, and goes on.
    assert_eq!(desk.head("Zeta"), 5);
    desk.stores(&[draft([calling("Zeta", 6)])]);
    assert_eq!(all(&desk), ["room:Zeta 6"]);
}

/// What did not land has no effects.
pub fn a_refused_draft_leaves_none(bench: &dyn Bench) {
    let mut desk = Desk::with_room(bench, "alpha");
    let answers = desk.append(&[
        draft([calling("alpha", 4)]),
        draft([stored("bob", 2, several(1))]),
        draft([said("alpha", 2, "late"), calling("alpha", 3)]),
    ]);
    assert_eq!(answers, vec![Answer::NotNext; 3]);
    assert_eq!(all(&desk), [""; 0]);
    desk.stores(&[draft([calling("alpha", 3)])]);
    desk.restart();
    assert_eq!(all(&desk), ["room:alpha 3"]);
}

/// A page of large messages is short, and one is always a page.
pub fn a_page_is_bounded_in_bytes(bench: &dyn Bench) {
    let mut desk = Desk::new(bench);
    desk.stores(&all_opened(["bob"]));
    let large = json!({"large": "x".repeat(limits::PAYLOAD_BYTES_MAX - 64)});
    let large = MessageStored {
        body: Body::Payload(large.try_into().expect("it is below the bound by a margin")),
        ..several(1)
    };
    let mut one_record_bytes = 0;
    for (seq, n) in (2..14).zip(1..) {
        let id = mail::id(n);
        let record = stored(
            "bob",
            seq,
            MessageStored {
                id,
                ..large.clone()
            },
        );
        one_record_bytes = forms::encode(&record.event).len();
        desk.stores(&[draft([record])]);
    }
    let mut listed: Vec<FollowUp> = Vec::new();
    let mut pages = 0;
    while listed.len() < 12 {
        let page = open(&desk, listed.last(), 100);
        assert!(!page.is_empty(), "a page is never empty before the end");
        let bytes = page.len() * one_record_bytes;
        assert!(
            bytes < limits::PAGE_BYTES_MAX + 2 * one_record_bytes,
            "{bytes} bytes"
        );
        listed.extend(page);
        pages += 1;
    }
    assert!(
        pages <= 4,
        "a page is not much smaller than it may be: {pages} pages"
    );
    assert_eq!(open(&desk, listed.last(), 100), []);
}
