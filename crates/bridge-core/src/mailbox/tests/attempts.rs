//! Leases of sessions, what ends them, and dead letters.

use super::*;
use crate::mailbox::Phase;

fn not_before(scene: &Scene, seq: Seq) -> i64 {
    match scene.mailbox().held(seq).expect("it is held").phase {
        Phase::Waiting { not_before } => not_before.millis_since(scene.at()),
        Phase::Leased(_) => panic!("somebody has it"),
    }
}

#[test]
fn several_sessions_have_one_lease() {
    let mut scene = Scene::with_messages(1);
    let seq = scene.mailbox().head();
    let events = scene.hand(&[seq]);
    let Event::MessageDelivered(first) = &events[0] else {
        panic!("{events:?}");
    };
    assert_eq!(first.attempt, 1);
    assert_eq!(first.until.millis_since(scene.at()), 5 * MINUTE);
    scene.turn(MINUTE);
    assert_eq!(
        scene.hand_as(vec![(seq, 1)]),
        [],
        "another session, the same attempt"
    );
}

#[test]
fn sessions_that_write_at_the_same_time_are_one_attempt() {
    let mut scene = Scene::with_messages(1);
    let seq = scene.mailbox().head();
    let events = scene.hand_as(vec![(seq, 1), (seq, 1), (seq, 1)]);
    assert_eq!(kinds(&events), ["message_delivered"]);
}

#[test]
fn a_session_that_writes_late_does_not_begin_another_attempt() {
    let mut scene = Scene::with_messages(1);
    let seq = scene.mailbox().head();
    scene.hand_as(vec![(seq, 1)]);
    scene
        .ack(1, AckStage::Failed)
        .expect("it may be tried again");
    assert_eq!(
        scene.hand_as(vec![(seq, 1)]),
        [],
        "its back-off is not over"
    );
    assert!(
        scene
            .mailbox()
            .held(seq)
            .is_some_and(|held| held.attempt().is_none())
    );
}

#[test]
fn several_sessions_that_say_failed_have_failed_once() {
    let mut scene = Scene::with_messages(1);
    let seq = scene.mailbox().head();
    for attempt in 1..=4 {
        scene.hand(&[seq]);
        let events = scene
            .ack(1, AckStage::Failed)
            .expect("it may be tried again");
        assert_eq!(kinds(&events), ["message_returned"], "attempt {attempt}");
        for _ in 0..10 {
            let again = scene.ack(1, AckStage::Failed).expect("it is no mistake");
            assert_eq!(again, [], "attempt {attempt}");
        }
        scene.turn(10 * MINUTE);
    }
    scene.hand(&[seq]);
    let last = scene.ack(1, AckStage::Failed).expect("the fifth");
    assert_eq!(kinds(&last), ["message_died"]);
}

#[test]
fn a_clock_that_is_set_back_does_not_hold_up_a_message() {
    let scene = Scene::with_messages(1);
    let set_back = Timestamp::from_millis(scene.now - 10 * MINUTE);
    let held = scene.mailbox().held_by_id(message(1)).expect("it is held");
    assert!(held.is_ready(set_back));
}

#[test]
fn two_sessions_that_take_several_messages_at_once_have_one_lease_of_each() {
    let mut scene = Scene::with_messages(2);
    let (first, second) = (scene.mailbox().head().prev(), scene.mailbox().head());
    let events = scene.hand(&[second, first, second, first]);
    assert_eq!(kinds(&events), ["message_delivered", "message_delivered"]);
    assert_eq!(
        scene.mailbox().held(second).map(|held| held.attempts),
        Some(1)
    );
}

#[test]
fn who_comes_back_at_once_finds_its_message_and_who_flaps_waits() {
    let mut scene = Scene::with_messages(1);
    let seq = scene.mailbox().head();
    for (attempt, wait) in [(1, 0), (2, 2), (3, 10), (4, 60)] {
        scene.hand(&[seq]);
        let events = scene.lose(&[(seq, attempt)], Ending::ConnectionLost);
        assert_eq!(kinds(&events), ["message_returned"]);
        assert_eq!(not_before(&scene, seq), wait * SECOND);
        scene.turn(wait * SECOND);
    }
    scene.hand(&[seq]);
    let events = scene.lose(&[(seq, 5)], Ending::ConnectionLost);
    let Event::MessageDied(died) = &events[0] else {
        panic!("{events:?}");
    };
    let attempts: Vec<_> = died.failures.iter().map(|f| f.attempt).collect();
    assert_eq!(attempts, [1, 2, 3, 4, 5]);
    assert!(
        died.failures
            .iter()
            .all(|f| f.ending == Ending::ConnectionLost)
    );
    assert_eq!(scene.mailbox().waiting(), 0);
}

#[test]
fn the_end_of_an_earlier_attempt_does_not_end_a_later_one() {
    let mut scene = Scene::with_messages(1);
    let seq = scene.mailbox().head();
    scene.hand(&[seq]);
    scene.lose(&[(seq, 1)], Ending::ConnectionLost);
    scene.hand(&[seq]);
    assert_eq!(scene.lose(&[(seq, 1)], Ending::ConnectionLost), []);
    let held = scene.mailbox().held(seq).expect("it is held");
    assert!(held.attempt().is_some());
    assert_eq!(held.attempts, 2);
}

#[test]
fn a_lease_that_runs_out_is_tried_again_at_once_and_five_make_a_dead_letter() {
    let mut scene = Scene::known();
    let seq = scene.send(Outgoing {
        ttl_seconds: 24 * 3_600,
        ..outgoing(1)
    });
    for attempt in 1..=5 {
        scene.hand(&[seq]);
        scene.turn(5 * MINUTE - 1);
        assert_eq!(scene.sweep(), [], "attempt {attempt} is not over yet");
        scene.turn(1);
        let wanted = if attempt < 5 {
            "message_returned"
        } else {
            "message_died"
        };
        assert_eq!(kinds(&scene.sweep()), [wanted], "attempt {attempt}");
        if attempt < 5 {
            assert_eq!(not_before(&scene, seq), 0);
        }
    }
    assert_eq!(scene.sweep(), [], "it has one end");
}

#[test]
fn a_recipient_that_failed_is_given_more_and_more_time() {
    let mut scene = Scene::known();
    let seq = scene.send(Outgoing {
        ttl_seconds: 24 * 3_600,
        ..outgoing(1)
    });
    for wait in [5, 30, 120, 600] {
        scene.hand(&[seq]);
        scene
            .ack(1, AckStage::Failed)
            .expect("it may be tried again");
        assert_eq!(not_before(&scene, seq), wait * SECOND);
        assert_eq!(delivered(&scene.take(None, 1)), [0_u128; 0], "not before");
        scene.turn(wait * SECOND);
    }
    scene.hand(&[seq]);
    let mut last = scene.acking(1, AckStage::Failed);
    last.reason = Some("the disk is on fire".parse().expect("a reason"));
    let events = scene.must("bob", &MailboxCommand::Ack(Box::new(last)));
    let Event::MessageDied(died) = &events[0] else {
        panic!("{events:?}");
    };
    let reason = died.failures[4].reason.as_deref();
    assert_eq!(reason, Some("the disk is on fire"));
}

#[test]
fn a_restart_of_the_server_is_nobodys_failure() {
    let mut scene = Scene::with_messages(1);
    let seq = scene.mailbox().head();
    for attempt in 1..=20 {
        scene.hand(&[seq]);
        scene = scene.restarted();
        let events = scene.lose(&[(seq, attempt)], Ending::ServerRestarted);
        assert_eq!(kinds(&events), ["message_returned"]);
        assert_eq!(not_before(&scene, seq), 0);
    }
    let held = scene.mailbox().held(seq).expect("still held");
    assert_eq!((held.attempts, held.failures.len()), (20, 0));
}

#[test]
fn only_the_server_says_what_was_written_and_what_was_lost() {
    let mut scene = Scene::with_messages(1);
    let seq = scene.mailbox().head();
    let rules = scene.rules;
    let handed = MailboxCommand::Handed(Handed {
        messages: vec![(seq, 1)],
        rules,
    });
    let back = MailboxCommand::Return(Return {
        messages: vec![(seq, 1)],
        ending: Ending::ConnectionLost,
        rules,
    });
    for command in [handed, back] {
        assert_eq!(scene.refused("bob", &command), RejectCode::Forbidden);
    }
}
