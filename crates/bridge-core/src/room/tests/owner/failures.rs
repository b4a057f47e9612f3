//! Appends that do not land, or of which nobody knows.

use super::*;

#[test]
fn a_refusal_in_the_middle_sends_the_later_ones_through_again() {
    let mut desk = Desk::live();
    desk.post("first", None);
    desk.ask("makes", "ann", None, make_channel("design"));
    desk.ask("makes again", "ann", None, make_channel("other"));
    desk.post("last", None);
    assert_eq!(desk.stored(), [Committed("first", 3)]);
    assert_eq!(
        desk.not_stored(full()),
        [Refused("makes", RejectCode::StorageFull)]
    );
    // What counted on it is decided on what is certain.
    assert_eq!(desk.ask("new", "ann", None, make_channel("design")), []);
    assert_eq!(desk.not_stored(Answer::NotNext), []);
    assert_eq!(
        desk.not_stored(Answer::NotNext),
        [Append(4), Append(5), Append(6)]
    );
    assert_eq!(desk.stored(), [Committed("makes again", 4)]);
    assert_eq!(desk.stored(), [Committed("last", 5)]);
    assert_eq!(desk.stored(), [Committed("new", 6)]);
    desk.is_settled();
}

#[test]
fn what_counted_on_a_refused_append_is_refused_too() {
    let mut desk = Desk::live();
    assert_eq!(desk.ask("joins", "bob", None, join()), [Append(3)]);
    assert_eq!(desk.ask("posts", "bob", None, post("hello")), [Append(4)]);
    assert_eq!(
        desk.not_stored(full()),
        [Refused("joins", RejectCode::StorageFull)]
    );
    let back = desk.not_stored(Answer::NotNext);
    assert_eq!(back, [Refused("posts", RejectCode::NotAMember)]);
    desk.is_settled();
}

/// A client may send several requests without waiting, and the second may need the first. So what
/// comes back from the log goes in front of what came meanwhile.
#[test]
fn requests_are_decided_again_in_the_order_of_arrival() {
    let mut desk = Desk::live();
    desk.post("lost", Some("k"));
    desk.ask("joins", "bob", None, join());
    desk.ask("repeats", "ann", Some("k"), post("lost"));
    desk.post("second", None);
    assert_eq!(
        desk.not_stored(full()),
        [Refused("lost", RejectCode::StorageFull)]
    );
    assert_eq!(
        desk.ask("posts", "bob", None, post("posts")),
        [],
        "while others are in flight"
    );
    assert_eq!(desk.not_stored(Answer::NotNext), []);
    let again = desk.not_stored(Answer::NotNext);
    assert_eq!(again, [Append(3), Append(4), Append(5), Append(6)]);
    assert_eq!(desk.stored(), [Committed("joins", 3)]);
    assert_eq!(desk.stored(), [Committed("repeats", 4)]);
    assert_eq!(desk.stored(), [Committed("second", 5)]);
    assert_eq!(desk.stored(), [Committed("posts", 6)]);
    assert_eq!(desk.texts(), ["lost", "second", "posts"]);
    desk.is_settled();
}

#[test]
fn after_an_unknown_outcome_the_room_is_read_again() {
    for was_written in [false, true] {
        let mut desk = Desk::live();
        desk.post("first", Some("k"));
        desk.post("second", None);
        if was_written {
            desk.log.extend(
                desk.drafts[0]
                    .envelopes
                    .iter()
                    .map(|envelope| (**envelope).clone()),
            );
        }
        let unknown = desk.not_stored(Answer::Unknown);
        assert_eq!(unknown, [Refused("first", RejectCode::OutcomeUnknown)]);
        let meanwhile = desk.ask("repeats", "ann", Some("k"), post("first"));
        assert_eq!(
            meanwhile,
            [],
            "nothing is decided on a state that may be wrong"
        );
        assert_eq!(desk.not_stored(Answer::NotNext), [Reload]);
        assert!(desk.owner.is_loading());
        assert_eq!(desk.post("third", None), []);
        if was_written {
            assert_eq!(desk.load(), [Append(4), Known("repeats", 3), Append(5)]);
            assert_eq!(desk.stored(), [Committed("second", 4)]);
        } else {
            assert_eq!(desk.load(), [Append(3), Append(4), Append(5)]);
            assert_eq!(desk.stored(), [Committed("second", 3)]);
            assert_eq!(desk.stored(), [Committed("repeats", 4)]);
        }
        assert_eq!(desk.stored(), [Committed("third", 5)]);
        desk.is_settled();
    }
}

#[test]
fn an_unknown_outcome_alone_is_read_again_at_once() {
    let mut desk = Desk::live();
    desk.post("only", None);
    let unknown = desk.not_stored(Answer::Unknown);
    assert_eq!(
        unknown,
        [Refused("only", RejectCode::OutcomeUnknown), Reload]
    );
    assert_eq!(desk.load(), []);
    desk.is_settled();
}

/// The batch of the first was committed, only nobody heard of it; the next batch follows it.
#[test]
fn what_lands_behind_an_unknown_outcome_has_landed() {
    let mut desk = Desk::live();
    desk.post("first", None);
    desk.post("second", None);
    desk.post("third", None);
    desk.lands();
    assert_eq!(
        desk.answer(Answer::Unknown),
        [Refused("first", RejectCode::OutcomeUnknown)]
    );
    assert_eq!(desk.stored(), [Known("second", 4)]);
    assert_eq!(
        desk.owner.state().head(),
        Seq::new(2),
        "shown only when it was read again"
    );
    assert_eq!(
        desk.not_stored(full()),
        [Refused("third", RejectCode::StorageFull), Reload]
    );
    assert_eq!(desk.load(), []);
    assert_eq!(desk.texts(), ["first", "second"]);
    desk.is_settled();
}

#[test]
fn an_append_that_does_not_fit_shows_that_the_log_is_another() {
    let mut desk = Desk::live();
    desk.post("first", None);
    desk.post("second", None);
    assert_eq!(desk.not_stored(Answer::NotNext), []);
    assert_eq!(desk.post("third", None), []);
    assert_eq!(desk.not_stored(Answer::NotNext), [Reload]);
    assert_eq!(desk.load(), [Append(3), Append(4), Append(5)]);
    assert_eq!(desk.stored(), [Committed("first", 3)]);
    assert_eq!(desk.stored(), [Committed("second", 4)]);
    assert_eq!(desk.stored(), [Committed("third", 5)]);
    desk.is_settled();
}

/// Refused, then unknown: the worse of the two counts.
#[test]
fn a_refusal_does_not_hide_an_unknown_outcome() {
    for answers in [[full(), Answer::Unknown], [Answer::Unknown, full()]] {
        let mut desk = Desk::live();
        desk.post("first", None);
        desk.post("second", None);
        let [first, second] = answers;
        assert_eq!(desk.not_stored(first).len(), 1);
        assert_eq!(desk.not_stored(second).last(), Some(&Reload));
    }
}
