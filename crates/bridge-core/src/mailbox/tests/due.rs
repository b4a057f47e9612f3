//! The end of a message's time.

use super::*;
use crate::message::Expiry;
use crate::steady::Steps;

fn why(events: &[Event]) -> Vec<Expiry> {
    let expired = events.iter().filter_map(|event| match event {
        Event::MessageExpired(expired) => Some(expired.why),
        _ => None,
    });
    expired.collect()
}

#[test]
fn a_message_that_nobody_takes_expires_on_time_and_not_before() {
    let mut scene = Scene::with_messages(1);
    scene.turn(60 * MINUTE - 1);
    assert_eq!(scene.sweep(), []);
    scene.turn(1);
    assert_eq!(
        delivered(&scene.take(None, 1)),
        [0_u128; 0],
        "its time is over"
    );
    assert_eq!(why(&scene.sweep()), [Expiry::Ttl]);
    assert_eq!(scene.sweep(), [], "it has one end");
}

#[test]
fn a_message_that_was_handed_over_expires_too() {
    let mut scene = Scene::with_messages(1);
    scene.turn(58 * MINUTE);
    let seq = scene.mailbox().head();
    scene.hand(&[seq]);
    scene.turn(2 * MINUTE);
    assert_eq!(
        why(&scene.sweep()),
        [Expiry::Ttl],
        "its time ends before its lease"
    );
}

#[test]
fn what_was_seen_and_never_finished_ends_as_seen() {
    for remembers in [true, false] {
        let mut scene = Scene::with_messages(2);
        scene.ack(1, AckStage::Seen).expect("it is there");
        scene.ack(2, AckStage::Done).expect("it is there");
        let mut scene = if remembers { scene } else { scene.woken() };
        scene.turn(60 * MINUTE);
        assert_eq!(why(&scene.sweep()), [Expiry::Seen]);
        assert_eq!(scene.sweep(), []);
    }
}

#[test]
fn a_question_without_an_answer_ends_at_its_deadline() {
    for seen in [false, true] {
        let mut scene = Scene::known();
        scene.send(question(1, Some(60)));
        if seen {
            scene.ack(1, AckStage::Seen).expect("it is there");
        }
        scene.turn(MINUTE - 1);
        assert_eq!(scene.sweep(), []);
        scene.turn(1);
        assert_eq!(why(&scene.sweep()), [Expiry::NoReply], "seen: {seen}");
    }
}

#[test]
fn what_the_store_said_too_early_does_not_end_a_message_twice() {
    let mut scene = Scene::with_messages(1).woken();
    scene.ack(1, AckStage::Seen).expect("it is there");
    scene.turn(60 * MINUTE);
    let due = Due {
        as_of: scene.mailbox().head(),
        rows: scene.due_rows(),
        steps: scene.steady.steps(),
        rules: scene.rules,
    };
    assert_eq!(due.rows.len(), 1);
    scene.ack(1, AckStage::Done).expect("just in time");
    assert_eq!(scene.system(&MailboxCommand::Due(due)), []);
}

#[test]
fn only_the_server_says_what_is_due() {
    let mut scene = Scene::with_messages(1);
    let due = Due {
        as_of: Seq::ZERO,
        rows: Vec::new(),
        steps: Steps::default(),
        rules: scene.rules,
    };
    let refused = scene.refused("bob", &MailboxCommand::Due(due));
    assert_eq!(refused, RejectCode::Forbidden);
}

/// A lease is time to work in. What has an end by the clock has ended.
#[test]
fn a_clock_that_is_set_forward_ends_lives_and_no_leases() {
    let mut scene = Scene::with_messages(1);
    scene.send(Outgoing {
        ttl_seconds: 24 * 3_600,
        ..outgoing(2)
    });
    let head = scene.mailbox().head();
    scene.hand(&[head.prev(), head]);
    scene.turn(3 * MINUTE);
    scene.set_forward(2 * 60 * MINUTE);
    let swept = scene.sweep();
    assert_eq!(kinds(&swept), ["message_expired", "lease_extended"]);
    assert_eq!(scene.sweep(), [], "once is enough");
    // Once more, in another process that knows it by its log only.
    let mut scene = scene.restarted();
    scene.turn(MINUTE);
    scene.set_forward(60 * MINUTE);
    assert_eq!(kinds(&scene.sweep()), ["lease_extended"]);
    scene.turn(MINUTE - 1);
    assert_eq!(scene.sweep(), [], "it has had five minutes less one");
    scene.turn(1);
    let returned = scene.sweep();
    assert_eq!(kinds(&returned), ["message_returned"]);
    // Nor is one that began after it any longer.
    scene.hand(&[head]);
    scene.turn(5 * MINUTE);
    assert_eq!(kinds(&scene.sweep()), ["message_returned"]);
}
