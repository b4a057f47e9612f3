//! Everything that the logs have of a message.

use crate::contract::Bench;
use crate::contract::desk::Desk;
use crate::contract::mail::{
    self, about, all_opened, delivered, done, expired, mailbox, message, recipients, seen, stored,
    to_all,
};
use crate::contract::script::{self, draft, keyed};
use crate::event::{Envelope, Event, MessageStored};
use crate::id::MessageId;
use crate::message::Recipients;

fn history(desk: &Desk<'_>, id: MessageId) -> Vec<Envelope> {
    let found = desk.store().message_history(id);
    found.expect("a store without a fault can be read")
}

/// The record that stored it, then those about it, whole and to the letter, and none of others.
pub fn it_is_the_logs_own_records(bench: &dyn Bench) {
    let mut desk = Desk::new(bench);
    let log = mail::one_of_each("Bob.Dev");
    for envelope in log.clone() {
        desk.stores(&[draft([envelope])]);
    }
    for n in [1, 2, 3, 30] {
        let of_it = log.iter().filter(|record| match &record.event {
            Event::MessageStored(message) => message.id == mail::id(n),
            event => event.about().is_some_and(|about| about.id == mail::id(n)),
        });
        let expected: Vec<Envelope> = of_it.cloned().collect();
        assert!(!expected.is_empty(), "the case needs the message {n}");
        for _ in 0..2 {
            let found = history(&desk, mail::id(n));
            assert_eq!(found, expected, "of the message {n}");
            assert_eq!(format!("{found:?}"), format!("{expected:?}"));
            desk.restart();
        }
    }
    assert_eq!(history(&desk, mail::id(7)), [], "only a receipt names it");
    assert_eq!(history(&desk, mail::id(200)), [], "only an answer names it");
}

/// In the order of the mailboxes' creation, though their records came in turn.
pub fn it_goes_mailbox_by_mailbox(bench: &dyn Bench) {
    let mut desk = Desk::new(bench);
    let names = ["Zoe", "ann", "Mia"];
    desk.stores(&all_opened(names));
    let to_three = MessageStored {
        to: recipients(&names),
        ..message(1, 9_000)
    };
    for of in ["Mia", "ann", "Zoe"] {
        desk.stores(&[draft([stored(of, 2, to_three.clone())])]);
    }
    for (seq, event) in [
        (3, delivered(about(2, 1), 1, 5_000)),
        (4, seen(about(2, 1), 9_000)),
        (5, done(about(2, 1))),
    ] {
        for of in ["ann", "Zoe", "Mia"] {
            desk.stores(&[draft([mail::mail(of, seq, of, event.clone())])]);
        }
    }
    let mut expected: Vec<Envelope> = Vec::new();
    for of in names {
        expected.extend(desk.page(&mailbox(of), 1, 100));
    }
    assert_eq!(expected.len(), 12);
    assert_eq!(history(&desk, mail::id(1)), expected);
    desk.restart();
    assert_eq!(history(&desk, mail::id(1)), expected);
}

/// Its record on the broadcast stream.
pub fn a_message_to_all_has_one_record(bench: &dyn Bench) {
    let mut desk = Desk::new(bench);
    let news = |n| {
        let news = MessageStored {
            to: Recipients::All,
            ..message(n, 9_000)
        };
        Event::MessageStored(Box::new(news))
    };
    let first = keyed("k", to_all(1, "Ann", news(1)));
    desk.stores(&[draft([first.clone()]), draft([to_all(2, "bob", news(2))])]);
    for _ in 0..2 {
        assert_eq!(history(&desk, mail::id(1)), std::slice::from_ref(&first));
        assert_eq!(history(&desk, mail::id(2)), [to_all(2, "bob", news(2))]);
        desk.restart();
    }
}

/// A post in a room is found by its place and not here; what did not land is found nowhere.
pub fn others_have_none(bench: &dyn Bench) {
    let mut desk = Desk::with_room(bench, "alpha");
    desk.stores(&[script::post("alpha", 3)]);
    desk.stores(&all_opened(["bob"]));
    desk.append(&[
        draft([stored("bob", 3, message(1, 9_000))]),
        draft([mail::mail("bob", 3, "bob", expired(about(2, 2)))]),
    ]);
    for _ in 0..2 {
        for id in [script::message("alpha", 3), mail::id(1), mail::id(2)] {
            assert_eq!(history(&desk, id), [], "{id}");
        }
        desk.restart();
    }
}
