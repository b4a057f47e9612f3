//! Keys: one draft each, and every repeat gets the original's receipt.

use super::*;
use crate::limits;

fn duplicate_of(desk: &Desk, seq: usize) -> Answer {
    Answer::Duplicate(Box::new(desk.log[seq - 1].clone()))
}

/// More records than the room remembers keys of.
fn roll_the_window_over(desk: &mut Desk) {
    for n in 0..limits::RECENT_KEYS_MAX {
        desk.ask(
            "other",
            "ann",
            Some(&format!("other-{n}")),
            post("something else"),
        );
        desk.stored();
    }
}

#[test]
fn a_repeat_gets_the_original() {
    let mut desk = Desk::live();
    desk.post("original", Some("k"));
    desk.stored();
    assert_eq!(
        desk.ask("repeats", "ann", Some("k"), post("original")),
        [Known("repeats", 3)]
    );
    assert_eq!(
        desk.ask("Repeats", "ANN", Some("k"), post("original")),
        [Known("Repeats", 3)]
    );
    assert_eq!(
        desk.ask("another key", "ann", Some("K"), post("original")),
        [Append(4)]
    );
    assert_eq!(
        desk.ask("no key", "ann", None, post("original")),
        [Append(5)]
    );
}

#[test]
fn a_repeat_of_what_is_in_flight_waits_for_it() {
    let mut desk = Desk::live();
    desk.post("before", None);
    assert_eq!(desk.post("original", Some("k")), [Append(4)]);
    assert_eq!(desk.ask("repeats", "ann", Some("k"), post("original")), []);
    assert_eq!(desk.ask("again", "ann", Some("k"), post("original")), []);
    assert_eq!(desk.stored(), [Committed("before", 3)]);
    let expected = [
        Committed("original", 4),
        Known("repeats", 4),
        Known("again", 4),
    ];
    assert_eq!(desk.stored(), expected);
    desk.is_settled();
}

#[test]
fn a_repeat_whose_original_was_refused_is_the_original() {
    let mut desk = Desk::live();
    desk.post("original", Some("k"));
    desk.ask("repeats", "ann", Some("k"), post("original"));
    desk.ask("again", "ann", Some("k"), post("original"));
    let refused = desk.not_stored(full());
    assert_eq!(
        refused,
        [Refused("original", RejectCode::StorageFull), Append(3)]
    );
    assert_eq!(desk.stored(), [Committed("repeats", 3), Known("again", 3)]);
    desk.is_settled();
}

#[test]
fn a_key_is_known_when_the_room_was_read_from_its_log() {
    let mut desk = Desk::live();
    desk.post("original", Some("k"));
    desk.stored();
    desk.owner = Owner::loading(vacant());
    desk.ask("repeats", "ann", Some("k"), post("original"));
    assert_eq!(desk.load(), [Known("repeats", 3)]);
}

#[test]
fn a_key_used_for_something_else_is_refused() {
    let mut desk = Desk::live();
    let reused = RejectCode::KeyReused;
    desk.post("original", Some("k"));
    // While the original is in flight nothing is certain. Then: when it is durable, and when only
    // the log knows it.
    assert_eq!(desk.ask("early", "ann", Some("k"), post("x")), []);
    assert_eq!(
        desk.stored(),
        [Committed("original", 3), Refused("early", reused)]
    );
    assert_eq!(
        desk.ask("late", "ann", Some("k"), make_channel("x")),
        [Refused("late", reused)]
    );
    roll_the_window_over(&mut desk);
    let head = desk.log.len() as u64;
    assert_eq!(
        desk.ask("very late", "ann", Some("k"), post("x")),
        [Append(head + 1)]
    );
    let original = duplicate_of(&desk, 3);
    assert_eq!(desk.not_stored(original), [Refused("very late", reused)]);
    assert_eq!(desk.log.len() as u64, head);
    desk.is_settled();
}

#[test]
fn a_key_that_only_the_log_knows_gets_the_original() {
    let mut desk = Desk::live();
    desk.post("original", Some("k"));
    desk.stored();
    roll_the_window_over(&mut desk);
    let next = desk.log.len() as u64 + 1;
    assert_eq!(
        desk.ask("repeats", "ann", Some("k"), post("original")),
        [Append(next)]
    );
    let original = duplicate_of(&desk, 3);
    assert_eq!(desk.not_stored(original), [Known("repeats", 3)]);
    desk.is_settled();
}

#[test]
fn a_duplicate_in_the_middle_sends_the_later_ones_through_again() {
    let mut desk = Desk::live();
    desk.post("original", Some("k"));
    desk.stored();
    // A snapshot has no keys in it, so only the log knows this one.
    desk.owner = Owner::loading(vacant());
    let snapshot = replayed(&desk.log).to_snapshot().unwrap();
    desk.run(|owner, effects| {
        owner.loaded(
            Room::from_snapshot(&snapshot).unwrap(),
            Timestamp::default(),
            effects,
        );
    });
    assert_eq!(desk.post("first", None), [Append(4)]);
    assert_eq!(
        desk.ask("repeats", "ann", Some("k"), post("original")),
        [Append(5)]
    );
    assert_eq!(desk.post("second", None), [Append(6)]);
    assert_eq!(desk.post("third", Some("3")), [Append(7)]);
    assert_eq!(desk.stored(), [Committed("first", 4)]);
    let original = duplicate_of(&desk, 3);
    assert_eq!(desk.not_stored(original), [Known("repeats", 3)]);
    assert_eq!(desk.not_stored(Answer::NotNext), []);
    assert_eq!(desk.not_stored(Answer::NotNext), [Append(5), Append(6)]);
    assert_eq!(desk.stored(), [Committed("second", 5)]);
    assert_eq!(desk.stored(), [Committed("third", 6)]);
    assert_eq!(desk.texts(), ["original", "first", "second", "third"]);
    desk.is_settled();
}

/// Only whoever may use the room at all is told what its keys were used for.
#[test]
fn a_known_key_does_not_replace_a_scope() {
    let mut desk = Desk::live();
    desk.post("original", Some("k"));
    desk.stored();
    let command = post("original");
    let request = Request {
        key: Some(crate::command::Key::new("k".parse().unwrap(), &command)),
        by: Principal::new("ann".parse().unwrap(), "room:beta".parse().unwrap()),
        command,
        asker: Ticket {
            name: "ann",
            may_be_written: false,
        },
    };
    let now = desk.at();
    let seen = desk.run(|owner, effects| owner.submit(request, now, effects));
    assert_eq!(seen, [Refused("ann", RejectCode::ScopeMissing)]);
}

/// What the log may know of a key decides about a refusal.
#[test]
fn a_refusal_with_a_key_is_settled_by_the_log() {
    let command = RoomCommand::Leave;
    let key = Key::new("again".parse().unwrap(), &command);
    let other = Key::new("again".parse().unwrap(), &post("something else"));
    let mut owner: Owner = Owner::loading(Room::vacant("alpha".parse().unwrap()));
    let mut effects = Vec::new();
    owner.loaded(
        Room::vacant("alpha".parse().unwrap()),
        Timestamp::default(),
        &mut effects,
    );
    let request = Request {
        command,
        by: Principal::new("ann".parse().unwrap(), Scopes::default()),
        key: Some(key.clone()),
        asker: Ticket {
            name: "again",
            may_be_written: false,
        },
    };
    owner.submit(request, Timestamp::default(), &mut effects);
    let Some(Effect::CheckKey { refusal, .. }) = effects.pop() else {
        panic!("the log is asked");
    };
    let at = |key: &Key| Some((Seq::new(7), key.fingerprint));
    assert_eq!(refusal.clone().settle(at(&key)), Ok(Some(Seq::new(7))));
    assert_eq!(refusal.clone().settle(at(&other)), Err(Reject::KeyReused));
    let refused = refusal.settle(None).unwrap_err();
    assert_eq!(refused.code(), RejectCode::RoomNotFound);
}

/// The room has forgotten the original. A misuse of its key is in flight when the original's
/// sender asks again: the log is about to tell the two apart, and the sender is not the one who is
/// wrong.
#[test]
fn a_misuse_in_flight_does_not_spoil_a_repeat() {
    let mut desk = Desk::live();
    desk.post("original", Some("k"));
    desk.stored();
    roll_the_window_over(&mut desk);
    let head = desk.log.len() as u64;
    assert_eq!(
        desk.ask("misuse", "ann", Some("k"), post("x")),
        [Append(head + 1)]
    );
    assert_eq!(desk.ask("repeats", "ann", Some("k"), post("original")), []);
    let original = duplicate_of(&desk, 3);
    assert_eq!(
        desk.not_stored(original),
        [Refused("misuse", RejectCode::KeyReused), Append(head + 1)],
        "decided again, for the log to recognise"
    );
    let original = duplicate_of(&desk, 3);
    assert_eq!(desk.not_stored(original), [Known("repeats", 3)]);
    desk.is_settled();
}
