use super::*;
use crate::rooms::Window;

fn shared() -> Shared {
    let window = Window {
        begin: 0,
        end: 1_000,
    };
    Shared {
        clock: Clock::start(),
        text_bytes: 64,
        names: ["ann", "bob", "cat"].map(str::to_owned).into(),
        flows: RefCell::new((0..3).map(|_| Flow::default()).collect()),
        tally: RefCell::new(Tally::new(window)),
    }
}

fn hears(shared: &Shared, client: usize, from: &str, text: &str) {
    hears_again(shared, client, from, text, 1);
}

fn hears_again(shared: &Shared, client: usize, from: &str, text: &str, attempt: u32) {
    let message = Message {
        id: "msg_1",
        from,
        text,
        attempt: Some(attempt),
    };
    shared.delivers(client, &message, 30);
}

fn errors(shared: &Shared) -> Vec<String> {
    shared.tally.borrow().errors.keys().cloned().collect()
}

#[test]
fn a_message_goes_to_the_next_one_and_is_answered_once() {
    let shared = shared();
    assert_eq!((shared.next(0), shared.next(2)), ("bob", "ann"));
    let sent = shared.sends(2, 10, 12);
    let expected = Stamp {
        number: 1,
        after: 0,
        due: 10,
    };
    assert_eq!(sent, expected);
    assert_eq!(shared.key(2, 1), "cat-1");
    shared.stores(2, Some(1), false, 20);
    hears(&shared, 0, "cat", "1 0 10 xxx");
    assert!(!shared.is_settled(), "cat was not told that ann is done");
    shared.finishes(2);
    assert!(shared.is_settled() && errors(&shared).is_empty());
    let tally = shared.tally.borrow();
    assert_eq!((tally.asked(), tally.answered_well()), (1, 1));
}

#[test]
fn what_is_wrong_is_counted() {
    let shared = shared();
    shared.sends(0, 10, 10);
    shared.stores(0, Some(1), true, 20);
    shared.stores(0, Some(1), false, 20);
    hears(&shared, 1, "cat", "1 0 10 xxx");
    hears(&shared, 1, "ann", "hello");
    hears(&shared, 1, "ann", "2 0 10 xxx");
    hears(&shared, 1, "ann", "1 0 10 xxx");
    hears(&shared, 1, "ann", "1 0 10 xxx");
    shared.close();
    let expected = [
        "done, and its sender was not told",
        "flaw: a message of somebody else",
        "flaw: a message that nobody sent",
        "flaw: a message twice",
        "flaw: a new key counted as a repeat",
        "flaw: a text that nobody sent",
        "flaw: an answer to what was not asked",
    ];
    assert_eq!(errors(&shared), expected);
}

#[test]
fn what_was_not_confirmed_may_come_again() {
    let shared = shared();
    shared.sends(0, 10, 10);
    shared.stores(0, Some(1), false, 20);
    hears(&shared, 1, "ann", "1 0 10 xxx");
    hears_again(&shared, 1, "ann", "1 0 10 xxx", 2);
    assert_eq!(errors(&shared), ["flaw: a message twice"]);
    shared.rejects(
        1,
        &Rejected {
            code: "busy".to_owned(),
            reference: None,
            retry_after_ms: None,
        },
    );
    hears_again(&shared, 1, "ann", "1 0 10 xxx", 2);
    assert!(shared.is_settled());
    let expected = [
        "ack rejected: busy",
        "again, because its confirmation was refused",
        "flaw: a message twice",
    ];
    assert_eq!(errors(&shared), expected);
}

#[test]
fn refusals_are_of_messages_or_of_confirmations() {
    let shared = shared();
    for _ in 0..3 {
        shared.sends(0, 10, 10);
    }
    let rejected = |reference: Option<&str>, code: &str| Rejected {
        code: code.to_owned(),
        reference: reference.map(str::to_owned),
        retry_after_ms: None,
    };
    shared.rejects(0, &rejected(Some("1"), "busy"));
    shared.rejects(0, &rejected(None, "busy"));
    shared.rejects(0, &rejected(Some("2"), UNKNOWN));
    shared.loses(0, 3, "a connection broke");
    hears(&shared, 1, "ann", "2 0 10 xxx");
    hears(&shared, 1, "ann", "1 0 10 xxx");
    let expected = [
        "ack rejected: busy",
        "flaw: a message that was refused",
        "rejected: busy",
        "rejected: outcome_unknown",
        "request: a connection broke",
    ];
    assert_eq!(errors(&shared), expected);
    shared.close();
    assert!(!errors(&shared).contains(&"never answered".to_owned()));
}
