//! The list of the messages that were tried as often as may be.

use crate::contract::Bench;
use crate::contract::desk::Desk;
use crate::contract::mail::{
    about, all_opened, delivered, died, done, expired, failure, id, mail, message, stored, time,
};
use crate::contract::script::{client, draft};
use crate::event::{Envelope, Event};
use crate::id::MessageId;
use crate::message::Ending;
use crate::ports::DeadLettersQuery;

/// Who has which messages, in the order in which they come. The sender is `Ann`, and of the message
/// 6 it is `cid`. Those from 9 on end otherwise.
const MAIL: [(&str, &[u8]); 3] = [
    ("Zoe", &[3, 1, 7, 9]),
    ("bob", &[1, 5, 2, 10]),
    ("Cid", &[4, 1, 6, 11]),
];

fn with_dead_letters(bench: &dyn Bench) -> Desk<'_> {
    let mut desk = Desk::new(bench);
    desk.stores(&all_opened(MAIL.map(|(of, _)| of)));
    for (of, messages) in MAIL {
        for (seq, n) in (2..).zip(messages) {
            let record = from(*n, stored(of, seq, message(*n, 9_000)));
            desk.stores(&[draft([record])]);
        }
        for (seq, n) in (2..).zip(messages) {
            let mut it = about(seq, *n);
            it.from = from(*n, stored(of, seq, message(*n, 9_000))).by;
            let story = vec![failure(1, time(i64::from(*n)), Ending::Failed)];
            let end = match n {
                9 => done(it),
                10 => expired(it),
                11 => delivered(it, 1, 5_000),
                _ => died(it, story),
            };
            desk.stores(&[draft([mail(of, seq + 4, of, end)])]);
        }
    }
    desk
}

fn from(n: u8, record: Envelope) -> Envelope {
    let by = client(if n == 6 { "cid" } else { "Ann" });
    Envelope { by, ..record }
}

fn list(
    desk: &Desk<'_>,
    of: Option<&str>,
    before: Option<MessageId>,
    rows_max: usize,
) -> Vec<Envelope> {
    let query = DeadLettersQuery {
        of: of.map(client),
        before,
        rows_max,
    };
    let found = desk.store().dead_letters(&query);
    found.expect("a store without a fault can be read")
}

/// Whose mailbox a dead letter is in, and which message it is.
fn named(records: &[Envelope]) -> Vec<(&str, u8)> {
    let named = records.iter().map(|record| {
        let about = record.event.about().expect("it is about a message");
        (record.stream.name(), about.id.as_bytes()[0])
    });
    named.collect()
}

/// In the order of the streams' creation where one message died several times.
const ALL: [(&str, u8); 9] = [
    ("Zoe", 7),
    ("Cid", 6),
    ("bob", 5),
    ("Cid", 4),
    ("Zoe", 3),
    ("bob", 2),
    ("Zoe", 1),
    ("bob", 1),
    ("Cid", 1),
];

/// The records are the log's own, and messages that ended otherwise, or not yet, are not there.
pub fn they_are_listed_newest_first(bench: &dyn Bench) {
    let mut desk = with_dead_letters(bench);
    for _ in 0..2 {
        let found = list(&desk, None, None, 100);
        assert_eq!(named(&found), ALL);
        for record in &found {
            let of_stream = desk.page(&record.stream, record.seq.get() - 1, 1);
            assert_eq!(of_stream.first(), Some(record));
            assert!(matches!(record.event, Event::MessageDied(_)));
        }
        desk.restart();
    }
    assert_eq!(list(&desk, None, None, 0), []);
}

/// Every page begins behind the message with which the one before it ended. One that died several
/// times stays together, even if it is then too many.
pub fn they_are_paged_by_message(bench: &dyn Bench) {
    let desk = with_dead_letters(bench);
    for rows_max in [1, 2, 3, 4, 6, 7, 8, 9, 100] {
        let mut listed: Vec<Envelope> = Vec::new();
        loop {
            let last = listed.last().and_then(|last| last.event.about());
            let page = list(&desk, None, last.map(|about| about.id), rows_max);
            if page.is_empty() {
                break;
            }
            let has_the_last = named(&page).iter().any(|(_, n)| *n == 1);
            assert!(page.len() <= rows_max || has_the_last, "{rows_max} at most");
            assert!(page.len() < rows_max + 3, "no more than the message needs");
            listed.extend(page);
            assert!(listed.len() <= ALL.len(), "pages of {rows_max} do not end");
        }
        assert_eq!(named(&listed), ALL, "in pages of {rows_max}");
    }
    assert_eq!(named(&list(&desk, None, Some(id(3)), 2)), ALL[5..]);
    assert_eq!(named(&list(&desk, None, Some(id(200)), 1)), ALL[..1]);
    assert_eq!(list(&desk, None, Some(id(1)), 9), []);
}

/// Of those to a client and those from it, whichever way it is written.
pub fn they_are_of_their_sender_and_their_recipient(bench: &dyn Bench) {
    let desk = with_dead_letters(bench);
    let anns: Vec<_> = ALL.into_iter().filter(|(_, n)| *n != 6).collect();
    for (of, expected) in [
        ("ann", &anns[..]),
        ("ANN", &anns[..]),
        ("zoe", &[("Zoe", 7), ("Zoe", 3), ("Zoe", 1)]),
        ("BOB", &[("bob", 5), ("bob", 2), ("bob", 1)]),
        ("cid", &[("Cid", 6), ("Cid", 4), ("Cid", 1)]),
        ("dora", &[]),
    ] {
        assert_eq!(named(&list(&desk, Some(of), None, 100)), expected, "{of}");
    }
    assert_eq!(
        named(&list(&desk, Some("bob"), Some(id(5)), 1)),
        [("bob", 2)]
    );
    assert_eq!(
        named(&list(&desk, Some("bob"), Some(id(2)), 1)),
        [("bob", 1)]
    );
    assert_eq!(named(&list(&desk, Some("Ann"), Some(id(2)), 1)), ALL[6..]);
}
