//! By priority, and nobody is starved.

use super::*;
use crate::limits;

#[test]
fn the_most_urgent_come_first_and_equals_in_order_of_arrival() {
    let mut scene = Scene::known();
    for (n, priority) in [(1, 0), (2, 1), (3, 3), (4, 1), (5, 2), (6, 3)] {
        scene.turn(SECOND);
        scene.send(urgent(n, priority));
    }
    assert_eq!(delivered(&scene.take(None, 10)), [3, 6, 5, 2, 4, 1]);
}

#[test]
fn what_has_waited_long_enough_goes_before_what_is_urgent() {
    let step = i64::try_from(limits::PRIORITY_STEP.as_millis()).expect("a minute");
    let mut scene = Scene::known();
    scene.send(urgent(1, 0));
    scene.turn(3 * step - 1);
    scene.send(urgent(2, 3));
    scene.turn(2);
    scene.send(urgent(3, 3));
    assert_eq!(delivered(&scene.take(None, 10)), [2, 1, 3]);
}

#[test]
fn a_flood_of_urgent_messages_does_not_starve_the_others() {
    let mut scene = Scene::known();
    scene.send(urgent(1, 0));
    let mut waited = 0;
    // One message a second is read, and another urgent one comes in for each.
    for n in 2.. {
        scene.send(urgent(n, 3));
        let taken = delivered(&scene.take(None, 1));
        if taken == [1] {
            break;
        }
        scene.ack(taken[0], AckStage::Done).expect("it is there");
        scene.turn(SECOND);
        waited += SECOND;
        assert!(waited <= 3 * MINUTE + SECOND, "starved");
    }
    assert!(
        waited >= 3 * MINUTE - SECOND,
        "urgent ones go first: {waited}"
    );
}

#[test]
fn a_call_takes_what_fits() {
    let mut scene = Scene::with_messages(5);
    assert_eq!(delivered(&scene.take(None, 2)), [1, 2]);
    let bytes = scene.mailbox().open().map(|held| held.bytes as usize).max();
    let small = Take {
        bytes_max: 2 * bytes.expect("five messages") + 1,
        ..scene.taking(None, 10)
    };
    // The two from before come back first: nobody confirmed them.
    let events = scene.must("bob", &MailboxCommand::Take(small));
    assert_eq!(delivered(&events), [1, 2]);
    let tiny = Take {
        bytes_max: 1,
        ..scene.taking(None, 10)
    };
    scene.turn(2 * SECOND);
    let events = scene.must("bob", &MailboxCommand::Take(tiny));
    assert_eq!(delivered(&events).len(), 1, "one fits always");
}

#[test]
fn a_token_of_a_room_sees_its_members_messages_only() {
    let mut scene = Scene::with_messages(1);
    scene.must("cem", &deliver(outgoing(2)));
    let limited = Take {
        only_from: Some([client("CEM")].into()),
        ..scene.taking(None, 10)
    };
    let events = scene.must("bob", &MailboxCommand::Take(limited));
    assert_eq!(delivered(&events), [2]);
}
