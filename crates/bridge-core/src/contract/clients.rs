//! Who is known, and which names are like a name.

use crate::contract::Bench;
use crate::contract::desk::Desk;
use crate::contract::mail::{all_opened, opened};
use crate::contract::script::{client, draft, founded};
use crate::event::Envelope;
use crate::id::Seq;

fn like(desk: &Desk<'_>, name: &str, rows_max: usize) -> Vec<String> {
    let found = desk.store().clients_like(&client(name), rows_max);
    let found = found.expect("a store without a fault can be read");
    found.iter().map(ToString::to_string).collect()
}

/// From its mailbox's first record on, under the spelling of its first token.
pub fn a_client_is_known_once_its_mailbox_is_open(bench: &dyn Bench) {
    let mut desk = Desk::new(bench);
    desk.stores(&[founded("alpha")]);
    let nobody = [""; 0];
    assert_eq!(
        like(&desk, "ann", 9),
        nobody,
        "members of rooms are not enough"
    );
    desk.append(&[draft([Envelope {
        seq: Seq::new(2),
        ..opened("eve")
    }])]);
    assert_eq!(like(&desk, "eve", 9), nobody, "it did not land");
    desk.stores(&all_opened(["Ann", "BoB"]));
    for _ in 0..2 {
        for name in ["ann", "ANN", "bob", "zzz"] {
            assert_eq!(like(&desk, name, 9), ["Ann", "BoB"], "{name}");
        }
        desk.restart();
    }
}

/// Two characters more or fewer, by name without regard to case, and not more than were asked for.
pub fn names_about_as_long_are_listed_by_name(bench: &dyn Bench) {
    let mut desk = Desk::new(bench);
    let longest = "x".repeat(64);
    desk.stores(&all_opened([
        "dddd", "a", "Bb", "ccc", "Aa_aa", "aa-aaa", "a1aaaaa", &longest,
    ]));
    for (name, expected) in [
        ("y", &["a", "Bb", "ccc"][..]),
        ("yy", &["a", "Bb", "ccc", "dddd"]),
        ("yyyy", &["aa-aaa", "Aa_aa", "Bb", "ccc", "dddd"]),
        ("yyyyyy", &["a1aaaaa", "aa-aaa", "Aa_aa", "dddd"]),
        ("yyyyyyyyyy", &[]),
        (&longest[2..], &[&longest[..]]),
        (&longest[3..], &[]),
    ] {
        assert_eq!(like(&desk, name, 9), expected, "{name}");
        desk.restart();
    }
    assert_eq!(like(&desk, "yyyy", 3), ["aa-aaa", "Aa_aa", "Bb"]);
    assert_eq!(like(&desk, "yyyy", 0), [""; 0]);
}
