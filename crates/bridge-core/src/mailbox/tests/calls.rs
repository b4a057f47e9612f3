//! Long polls: a batch, its confirmation, and a model that thinks.

use super::*;

/// The batch that a call returned.
fn batch(scene: &Scene, events: &[Event]) -> Batch {
    let taken = delivered(events).len() as u64;
    let last = scene.mailbox().head();
    Batch {
        first: Seq::new(last.get() + 1 - taken),
        last,
    }
}

#[test]
fn the_next_call_confirms_exactly_the_batch_before() {
    let mut scene = Scene::with_messages(3);
    let events = scene.take(None, 2);
    assert_eq!(delivered(&events), [1, 2]);
    let first = batch(&scene, &events);
    scene.turn(MINUTE);
    let events = scene.take(Some(first), 2);
    assert_eq!(
        kinds(&events),
        ["message_seen", "message_seen", "message_delivered"]
    );
    assert_eq!(delivered(&events), [3]);
    assert_eq!(scene.mailbox().waiting(), 1);
    // The same confirmation again, because its answer was lost: 3 comes back, 1 and 2 do not.
    let events = scene.take(Some(first), 2);
    assert_eq!(kinds(&events), ["message_returned", "message_delivered"]);
    assert_eq!(delivered(&events), [3]);
}

#[test]
fn a_message_is_not_seen_because_it_was_fetched() {
    let mut scene = Scene::with_messages(1);
    scene.take(None, 10);
    let held = scene.mailbox().held_by_id(message(1)).expect("it is held");
    assert!(held.attempt().is_some());
    assert_eq!(
        scene.look_up(1).delivery.expect("stored").stage,
        Stage::Delivered
    );
}

#[test]
fn a_receiver_may_think_for_twenty_minutes() {
    let mut scene = Scene::known();
    for n in 1..=30_u128 {
        scene.send(Outgoing {
            ttl_seconds: 7 * 24 * 3_600,
            ..outgoing(n)
        });
    }
    let mut confirm = None;
    for n in 1..=30_u128 {
        let events = scene.take(confirm, 1);
        assert_eq!(delivered(&events), [n], "each message once");
        confirm = Some(batch(&scene, &events));
        for _ in 0..20 {
            scene.turn(MINUTE);
            assert_eq!(scene.sweep(), [], "it is thinking");
        }
    }
    assert_eq!(kinds(&scene.take(confirm, 1)), ["message_seen"]);
    assert!(!scene.log.iter().any(|r| r.event.kind() == "message_died"));
}

#[test]
fn who_never_calls_again_has_had_its_hour() {
    let mut scene = Scene::known();
    scene.send(Outgoing {
        ttl_seconds: 24 * 3_600,
        ..outgoing(1)
    });
    scene.take(None, 1);
    scene.turn(60 * MINUTE - 1);
    assert_eq!(scene.sweep(), []);
    scene.turn(1);
    assert_eq!(kinds(&scene.sweep()), ["message_returned"]);
}

#[test]
fn calls_that_never_confirm_make_a_dead_letter_but_not_within_seconds() {
    let mut scene = Scene::with_messages(1);
    assert_eq!(delivered(&scene.take(None, 1)), [1]);
    let began = scene.now;
    let mut attempts = 1;
    for _ in 0..600 {
        let events = scene.take(None, 1);
        attempts += delivered(&events).len();
        if events.iter().any(|e| e.kind() == "message_died") {
            assert_eq!(attempts, 5);
            assert!(scene.now - began >= 72 * SECOND, "too fast");
            return;
        }
        scene.turn(SECOND);
    }
    panic!("never a dead letter");
}

#[test]
fn a_call_that_could_not_be_answered_does_not_count() {
    let mut scene = Scene::with_messages(1);
    let seq = scene.mailbox().head();
    for attempt in 1..=20 {
        assert_eq!(delivered(&scene.take(None, 1)), [1], "attempt {attempt}");
        let events = scene.lose(&[(seq, attempt)], Ending::CallLost);
        assert_eq!(kinds(&events), ["message_returned"]);
    }
    assert!(
        scene
            .mailbox()
            .held(seq)
            .is_some_and(|held| held.failures.is_empty())
    );
}

#[test]
fn a_confirmation_of_nothing_is_no_mistake() {
    let mut scene = Scene::known();
    let nonsense = Batch {
        first: Seq::new(1),
        last: Seq::new(u64::MAX),
    };
    assert_eq!(scene.take(Some(nonsense), 10), []);
    let mut scene = Scene::with_messages(2);
    // A batch that it never got confirms nothing that it never got.
    let events = scene.take(Some(nonsense), 10);
    assert_eq!(kinds(&events), ["message_delivered", "message_delivered"]);
}

#[test]
fn a_mailbox_is_read_by_its_client_only() {
    let mut scene = Scene::with_messages(1);
    let take = MailboxCommand::Take(scene.taking(None, 1));
    assert_eq!(scene.refused("ann", &take), RejectCode::Forbidden);
    let limited = Principal::new(client("bob"), "room".parse().expect("a scope"));
    let outcome = scene.run(&limited, &take);
    assert!(matches!(
        outcome,
        Err(Undecided::Refused(Reject::ScopeMissing { .. }))
    ));
}

/// Of two callers who wait side by side one gets a message, and keeps it when the other looks.
#[test]
fn a_call_that_looks_again_ends_no_lease() {
    let mut scene = Scene::with_messages(1);
    assert_eq!(delivered(&scene.take(None, 10)), [1]);
    let again = Take {
        is_new_call: false,
        ..scene.taking(None, 10)
    };
    assert_eq!(scene.must("bob", &MailboxCommand::Take(again)), []);
    assert_eq!(
        kinds(&scene.take(None, 10)),
        ["message_returned", "message_delivered"]
    );
}

/// What a caller may not see is not taken from another caller, who may.
#[test]
fn a_limited_call_ends_no_lease_of_what_it_does_not_see() {
    let mut scene = Scene::with_messages(1);
    assert_eq!(delivered(&scene.take(None, 10)), [1]);
    let limited = Take {
        only_from: Some([client("cem")].into()),
        ..scene.taking(None, 10)
    };
    assert_eq!(scene.must("bob", &MailboxCommand::Take(limited)), []);
}

/// What was cut off twice may be what kills its readers, and takes nothing else with it.
#[test]
fn what_may_have_killed_two_calls_is_handed_over_alone() {
    let mut scene = Scene::with_messages(3);
    assert_eq!(delivered(&scene.take(None, 10)), [1, 2, 3]);
    assert_eq!(delivered(&scene.take(None, 10)), [1, 2, 3], "at once");
    assert_eq!(delivered(&scene.take(None, 10)), [0_u128; 0], "a pause");
    scene.send(outgoing(4));
    scene.turn(2 * SECOND);
    let events = scene.take(None, 10);
    assert_eq!(delivered(&events), [1, 4], "with what is new");
    let taken = batch(&scene, &events);
    assert_eq!(delivered(&scene.take(Some(taken), 10)), [2]);
    // It is cut off once more, and waits for longer; that is the third one's turn.
    scene.turn(MINUTE);
    assert_eq!(delivered(&scene.take(None, 10)), [3]);
    scene.turn(MINUTE);
    assert_eq!(delivered(&scene.take(None, 10)), [2]);
}

/// With two attempts there is no second time.
#[test]
fn what_has_its_last_attempt_has_it_alone() {
    let mut scene = Scene::with_messages(3);
    scene.rules.attempts_max = 2;
    assert_eq!(delivered(&scene.take(None, 10)), [1, 2, 3]);
    assert_eq!(delivered(&scene.take(None, 10)), [1]);
    let events = scene.take(None, 10);
    assert_eq!(kinds(&events), ["message_died", "message_delivered"]);
    assert_eq!(delivered(&events), [2]);
}
