//! What people and programs write comes back to the letter.

use serde_json::json;

use crate::contract::Bench;
use crate::contract::desk::Desk;
use crate::contract::script::{draft, keyed, metadata, said, said_in};
use crate::event::{Envelope, Event};
use crate::limits;

/// Texts that somebody's database has mangled before.
const TEXTS: [&str; 12] = [
    "Grüße aus Köln, à bientôt",
    "設計を見てください",
    "Привет, мир",
    "مرحبا بالعالم",
    "नमस्ते दुनिया",
    "🦀👩‍👩‍👧‍👦🏳️‍🌈 emoji of several parts",
    "e\u{301} is not \u{e9}",
    "line one\nline two\r\n\tindented",
    "'; DROP TABLE records; -- \" \\ % _ $1 ?",
    "a zero \u{0} and a bell \u{7}",
    "\u{202e}right to left\u{202c}, \u{feff}mark, \u{10ffff} the last",
    "  spaces at both ends  ",
];

fn survive(bench: &dyn Bench, written: &[Envelope]) {
    let mut desk = Desk::with_room(bench, "alpha");
    for envelope in written {
        desk.stores(&[draft([envelope.clone()])]);
    }
    assert_eq!(desk.all("alpha")[2..], *written);
    desk.restart();
    assert_eq!(desk.all("alpha")[2..], *written);
}

/// As texts, as names of channels, and as keys.
pub fn texts_of_any_script_survive(bench: &dyn Bench) {
    let written = (3..).zip(TEXTS).map(|(seq, text)| {
        let is_name = !text.chars().any(char::is_control) && text.trim() == text;
        let post = said_in("alpha", seq, if is_name { text } else { "main" }, text);
        if is_name { keyed(text, post) } else { post }
    });
    survive(bench, &written.collect::<Vec<_>>());
}

/// Ten thousand characters of four bytes, and of the sort that JSON writes as six.
pub fn the_largest_text_survives(bench: &dyn Bench) {
    let emoji = "🦀".repeat(limits::TEXT_CHARS_MAX);
    let bells = "\u{7}".repeat(limits::TEXT_CHARS_MAX);
    survive(
        bench,
        &[
            said("alpha", 3, &emoji),
            said("alpha", 4, &bells),
            said("alpha", 5, "x"),
        ],
    );
}

/// Numbers at their ends, empty things, nested things.
pub fn attached_json_survives(bench: &dyn Bench) {
    let values = [
        json!({}),
        json!({"": "", "null": null, "list": [], "object": {}}),
        json!({"max": u64::MAX, "min": i64::MIN, "half": 0.5, "tenth": 0.1, "small": 5e-324}),
        json!({"Key": 1, "key": 2, "ключ": "значение", "🦀": ["\u{0}", "\""]}),
        json!({"a": [[[[{"deep": [1, [2, [3]]]}]]]]}),
        json!({"large": "x".repeat(limits::PAYLOAD_BYTES_MAX - 64)}),
    ];
    let written = (3..).zip(values).map(|(seq, value)| {
        let mut post = said("alpha", seq, "with metadata");
        if let Event::Posted(posted) = &mut post.event {
            posted.metadata = Some(metadata(value));
        }
        post
    });
    survive(bench, &written.collect::<Vec<_>>());
}
