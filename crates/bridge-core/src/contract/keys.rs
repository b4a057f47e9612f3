//! One author, stream and key: one draft, for as long as the log is kept.

use crate::command::{Fingerprint, Key};
use crate::contract::Bench;
use crate::contract::desk::Desk;
use crate::contract::script::{client, draft, founded, joined, keyed, message, post, said, stream};
use crate::event::Envelope;
use crate::id::Seq;
use crate::owner::Answer;

fn duplicate(of: &Envelope) -> Answer {
    Answer::Duplicate(Box::new(of.clone()))
}

fn by(name: &str, envelope: Envelope) -> Envelope {
    Envelope {
        by: super::script::client(name),
        ..envelope
    }
}

/// The original comes back with its own fingerprint, so that the owner can tell a repeat from a
/// mistake; nothing is appended either way.
pub fn a_known_key_is_answered_with_the_original(bench: &dyn Bench) {
    let mut desk = Desk::with_room(bench, "alpha");
    let original = keyed("k", said("alpha", 3, "hello"));
    desk.stores(&[draft([original.clone()])]);
    let repeat = keyed("k", said("alpha", 4, "hello"));
    assert_eq!(desk.append(&[draft([repeat])]), [duplicate(&original)]);
    let mut reused = keyed("k", said("alpha", 4, "something else"));
    let word = "k".parse().expect("a letter is a valid key");
    reused.key = Some(Key {
        word,
        fingerprint: Fingerprint([9; 16]),
    });
    assert_eq!(desk.append(&[draft([reused])]), [duplicate(&original)]);
    assert_eq!(desk.head("alpha"), 3);
    desk.stores(&[post("alpha", 4)]);
}

/// The first draft of a batch is not committed when the second is looked at.
pub fn a_known_key_is_found_within_its_batch(bench: &dyn Bench) {
    let mut desk = Desk::with_room(bench, "alpha");
    let original = keyed("k", said("alpha", 3, "hello"));
    let repeat = keyed("k", said("alpha", 4, "hello"));
    let answers = desk.append(&[draft([original.clone()]), draft([repeat])]);
    assert_eq!(answers, [Answer::Stored, duplicate(&original)]);
    assert_eq!(desk.head("alpha"), 3);
}

/// A client may come back after a long time.
pub fn a_known_key_is_found_after_a_restart(bench: &dyn Bench) {
    let mut desk = Desk::with_room(bench, "alpha");
    let original = keyed("k", said("alpha", 3, "hello"));
    desk.stores(&[draft([original.clone()])]);
    desk.stores(&(4..54).map(|seq| post("alpha", seq)).collect::<Vec<_>>());
    desk.restart();
    let repeat = keyed("k", said("alpha", 54, "hello"));
    assert_eq!(desk.append(&[draft([repeat])]), [duplicate(&original)]);
    assert_eq!(desk.head("alpha"), 53);
}

/// Only the first record of a draft carries the key; it stands for the draft.
pub fn a_key_of_several_records_names_the_first(bench: &dyn Bench) {
    let mut desk = Desk::with_room(bench, "alpha");
    let first = keyed("k", said("alpha", 3, "hello"));
    desk.stores(&[
        draft([first.clone(), said("alpha", 4, "more")]),
        post("alpha", 5),
    ]);
    let repeat = [
        keyed("k", said("alpha", 6, "hello")),
        said("alpha", 7, "more"),
    ];
    assert_eq!(desk.append(&[draft(repeat)]), [duplicate(&first)]);
    assert_eq!(desk.head("alpha"), 5);
    assert_eq!(desk.store().message(message("alpha", 7)), Ok(None));
}

/// Two clients may count their requests from 1.
pub fn a_key_belongs_to_its_author(bench: &dyn Bench) {
    let mut desk = Desk::with_room(bench, "alpha");
    let anns = keyed("1", said("alpha", 3, "hello"));
    let bobs = by("bob", keyed("1", said("alpha", 4, "hello")));
    let nobodys = by("system", keyed("1", said("alpha", 5, "hello")));
    desk.stores(&[draft([anns]), draft([bobs])]);
    desk.stores(&[draft([nobodys])]);
}

/// One client may count its requests to each room from 1.
pub fn a_key_belongs_to_its_stream(bench: &dyn Bench) {
    let mut desk = Desk::new(bench);
    desk.stores(&[founded("alpha"), founded("beta")]);
    desk.stores(&[draft([keyed("1", said("alpha", 3, "hello"))])]);
    desk.stores(&[draft([keyed("1", said("beta", 3, "hello"))])]);
}

/// A key is a program's word, a name is a person's.
pub fn keys_are_compared_exactly_and_names_without_case(bench: &dyn Bench) {
    let mut desk = Desk::with_room(bench, "Alpha");
    // The fifth and the sixth look alike, and are one and two characters.
    let words = [
        "key",
        "KEY",
        "Key",
        "key ' \" \\ % _ ;",
        "é",
        "e\u{301}",
        "ключ",
        "КЛЮЧ",
        "0",
        "00",
    ];
    for (seq, word) in (3..).zip(words) {
        desk.stores(&[draft([keyed(word, said("Alpha", seq, "hello"))])]);
    }
    let next = 3 + words.len() as u64;
    let original = desk.all("Alpha")[2].clone();
    for (room, name) in [("alpha", "ann"), ("ALPHA", "Ann"), ("Alpha", "ANN")] {
        let repeat = by(name, keyed("key", said(room, next, "hello")));
        assert_eq!(
            desk.append(&[draft([repeat])]),
            [duplicate(&original)],
            "{room} {name}"
        );
    }
}

/// Whoever gives no key says every time that it is something new.
pub fn records_without_a_key_are_never_duplicates(bench: &dyn Bench) {
    let mut desk = Desk::with_room(bench, "alpha");
    desk.stores(&[
        draft([said("alpha", 3, "again")]),
        draft([said("alpha", 4, "again")]),
    ]);
    desk.stores(&[draft([said("alpha", 5, "again")])]);
}

/// What was decided behind a draft that did not land counted on it. Strangers did not.
pub fn a_duplicate_sends_back_what_was_decided_behind_it(bench: &dyn Bench) {
    let mut desk = Desk::new(bench);
    let original = keyed("k", said("alpha", 3, "hello"));
    desk.stores(&[founded("alpha"), founded("beta"), draft([original.clone()])]);
    let answers = desk.append(&[
        post("beta", 3),
        post("alpha", 4),
        draft([keyed("k", said("alpha", 5, "hello"))]),
        post("beta", 4),
        draft([
            keyed("later", said("alpha", 6, "behind it")),
            joined("alpha", 7, "bob"),
        ]),
        post("alpha", 8),
        post("beta", 5),
    ]);
    let back = Answer::NotNext;
    let stored = Answer::Stored;
    assert_eq!(
        answers,
        [
            stored.clone(),
            stored.clone(),
            duplicate(&original),
            stored.clone(),
            back.clone(),
            back,
            stored
        ]
    );
    assert_eq!((desk.head("alpha"), desk.head("beta")), (4, 5));
    assert_eq!(desk.rooms_of("bob"), [""; 0]);
    // Decided again, they follow.
    desk.stores(&[
        draft([
            keyed("later", said("alpha", 5, "behind it")),
            joined("alpha", 6, "bob"),
        ]),
        post("alpha", 7),
    ]);
    assert_eq!(desk.rooms_of("bob"), ["alpha"]);
}

/// What left no trace left no key either.
pub fn a_refused_draft_does_not_use_up_its_key(bench: &dyn Bench) {
    let mut desk = Desk::with_room(bench, "alpha");
    let early = draft([keyed("k", said("alpha", 4, "hello"))]);
    assert_eq!(desk.append(&[early]), [Answer::NotNext]);
    let both = [
        draft([keyed("k", said("alpha", 9, "hello"))]),
        post("alpha", 3),
    ];
    assert_eq!(desk.append(&both), [Answer::NotNext, Answer::Stored]);
    desk.stores(&[draft([keyed("k", said("alpha", 4, "hello"))])]);
    desk.restart();
    assert_eq!(desk.head("alpha"), 4);
}

/// A room that does not remember a key looks it up here before it refuses a request.
pub fn a_key_can_be_looked_up(bench: &dyn Bench) {
    let mut desk = Desk::with_room(bench, "alpha");
    let first = keyed("Ключ", said("alpha", 3, "hello"));
    desk.stores(&[draft([first.clone()])]);
    desk.restart();
    let fingerprint = first.key.as_ref().map(|key| key.fingerprint);
    let look = |room: &str, who: &str, word: &str| {
        let word = word.parse().expect("a short word is a valid key");
        let found = desk.store().key(&stream(room), &client(who), &word);
        found.expect("the store can be read")
    };
    let who = first.by.as_str().to_uppercase();
    assert_eq!(
        look("ALPHA", &who, "Ключ"),
        fingerprint.map(|print| (Seq::new(3), print))
    );
    assert_eq!(look("alpha", &who, "ключ"), None, "exactly");
    assert_eq!(look("alpha", "somebody-else", "Ключ"), None);
    assert_eq!(look("beta", &who, "Ключ"), None);
}
