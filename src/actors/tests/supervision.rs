//! Actors that die altogether, what is held back, and a hot room with neighbours.

use std::cell::Cell;
use std::time::Duration;

use bridge_core::command::RoomCommand;
use bridge_core::event::Stream;
use bridge_core::message::AckStage;
use bridge_core::ports::Directory;
use bridge_core::{RejectCode, limits};
use futures_util::future::join_all;

use super::harness::{House, Player, house, room, run, until};
use crate::actors::supervisor::Branch;
use crate::actors::{Faults, Guard, Place};

const LONG: Duration = Duration::from_secs(60);

thread_local! {
    /// Where the next panic is: the actor, its handler, and how many calls are let through before.
    static NEXT: Cell<Option<(&'static str, &'static str, Guard, u32)>> = const { Cell::new(None) };
    static DECIDED: Cell<usize> = const { Cell::new(0) };
}

fn panics_once(place: &Place<'_>) {
    let Some((its_actor, its_handler, its_guard, before)) = NEXT.get() else {
        return;
    };
    if (place.actor, place.handler, place.guard) != (its_actor, its_handler, its_guard) {
        return;
    }
    NEXT.set((before > 0).then(|| (its_actor, its_handler, its_guard, before - 1)));
    assert!(before > 0, "injected");
}

fn mortal() -> House {
    let hooks = Faults {
        at: Some(panics_once),
        ..Faults::default()
    };
    house(&[], hooks, LONG)
}

fn code(answered: &crate::actors::ticket::Answered) -> Option<RejectCode> {
    answered.as_ref().err().map(bridge_core::Reject::code)
}

fn failures(house: &House, branch: Branch) -> u64 {
    let report = house.bridge.supervision();
    let found = report.branches.iter().find(|b| b.branch == branch);
    found.expect("every branch is there").failures
}

/// Nothing catches this panic, and the actor is gone. Its readers are sent away, whoever asked is
/// answered, and the next request finds a successor.
#[test]
fn a_room_that_dies_is_followed_by_another() {
    run(async {
        let house = mortal();
        house.create("alpha", "ann").await.unwrap();
        let mut ann = Player::connect(&house, "ann").await;
        NEXT.set(Some(("room", "submit", Guard::Outside, 0)));
        let answered = house.post("alpha", "ann", "lost", None).await;
        assert_eq!(code(&answered), Some(RejectCode::Retry));
        assert_eq!(ann.expect("bye").await["code"], 4003);
        let receipt = house.post("alpha", "ann", "again", None).await.unwrap();
        assert_eq!(receipt.envelopes[0].seq.get(), 3);
        assert_eq!(failures(&house, Branch::Rooms), 1);
    });
}

/// With the log, it cannot be said any more that nothing was done.
#[test]
fn a_room_that_dies_after_the_append_leaves_the_outcome_unknown() {
    run(async {
        let house = mortal();
        house.create("alpha", "ann").await.unwrap();
        NEXT.set(Some(("room", "answers", Guard::Outside, 0)));
        let answered = house.post("alpha", "ann", "perhaps", Some("k")).await;
        assert_eq!(code(&answered), Some(RejectCode::OutcomeUnknown));
        let repeat = house.post("alpha", "ann", "perhaps", Some("k")).await;
        assert!(repeat.unwrap().duplicate);
    });
}

#[test]
fn a_room_that_dies_again_and_again_is_held_back_until_it_is_released() {
    run(async {
        let house = mortal();
        house.create("alpha", "ann").await.unwrap();
        for _ in 0..=limits::RESTARTS_MAX {
            NEXT.set(Some(("room", "submit", Guard::Outside, 0)));
            let answered = house.post("alpha", "ann", "lost", None).await;
            assert_eq!(code(&answered), Some(RejectCode::Retry));
        }
        for _ in 0..2 {
            let answered = house.post("alpha", "ann", "no", None).await;
            assert_eq!(code(&answered), Some(RejectCode::RoomQuarantined));
        }
        assert_eq!(house.bridge.rooms_quarantined(), 1);
        assert!(house.bridge.release(&Stream::Room(room("alpha"))));
        house.post("alpha", "ann", "yes", None).await.unwrap();
        assert_eq!(house.bridge.rooms_quarantined(), 0);
        assert!(!house.bridge.release(&Stream::Room(room("alpha"))), "twice");
    });
}

/// Its members have other rooms, and come in all the same.
#[test]
fn a_room_that_is_held_back_does_not_lock_its_members_out() {
    run(async {
        let house = mortal();
        house.create("alpha", "ann").await.unwrap();
        house.create("beta", "ann").await.unwrap();
        for _ in 0..=limits::RESTARTS_MAX {
            NEXT.set(Some(("room", "submit", Guard::Outside, 0)));
            house.post("alpha", "ann", "lost", None).await.unwrap_err();
        }
        let answered = house.post("alpha", "ann", "no", None).await;
        assert_eq!(code(&answered), Some(RejectCode::RoomQuarantined));
        let mut ann = Player::connect(&house, "ann").await;
        house.post("beta", "ann", "here", None).await.unwrap();
        assert_eq!(ann.expect("event").await["text"], "here");
    });
}

/// Its actor lives on and is told.
#[test]
fn a_quarantined_room_that_is_awake_is_released_too() {
    run(async {
        let house = mortal();
        house.create("alpha", "ann").await.unwrap();
        for _ in 0..=limits::RESTARTS_MAX {
            NEXT.set(Some(("room", "submit", Guard::Inside, 0)));
            house.post("alpha", "ann", "lost", None).await.unwrap_err();
        }
        let answered = house.post("alpha", "ann", "no", None).await;
        assert_eq!(code(&answered), Some(RejectCode::RoomQuarantined));
        assert!(house.bridge.release(&Stream::Room(room("alpha"))));
        house.post("alpha", "ann", "yes", None).await.unwrap();
    });
}

/// Nobody tells it, because its queue is full, say: it finds out when it is asked.
#[test]
fn a_quarantined_room_that_was_not_told_finds_out_that_it_is_released() {
    run(async {
        let house = mortal();
        house.create("alpha", "ann").await.unwrap();
        let alpha = Stream::Room(room("alpha"));
        for asks_for_the_state in [false, true] {
            for _ in 0..=limits::RESTARTS_MAX {
                NEXT.set(Some(("room", "submit", Guard::Inside, 0)));
                house.post("alpha", "ann", "lost", None).await.unwrap_err();
            }
            let answered = house.post("alpha", "ann", "no", None).await;
            assert_eq!(code(&answered), Some(RejectCode::RoomQuarantined));
            assert!(house.bridge.tree().release(&alpha));
            if asks_for_the_state {
                let mut ann = Player::connect(&house, "ann").await;
                house.post("alpha", "ann", "heard", None).await.unwrap();
                assert_eq!(ann.expect("event").await["text"], "heard");
            } else {
                house.post("alpha", "ann", "yes", None).await.unwrap();
            }
        }
    });
}

/// What follows from bob's records makes its code panic, each time. The others' effects come about.
#[test]
fn a_record_whose_effects_panic_keeps_no_other_from_its_own() {
    fn bobs_panic(place: &Place<'_>) {
        assert!((place.handler, place.who) != ("effect", "bob"), "injected");
    }
    run(async {
        let hooks = Faults {
            at: Some(bobs_panic),
            ..Faults::default()
        };
        let house = house(&[], hooks, LONG);
        for name in ["zoe", "bob", "carol"] {
            house.meet(name).await;
        }
        for name in ["bob", "carol"] {
            let sent = house.send(&[name], "zoe", "hello", None).await.unwrap();
            house.ack(sent.id, name, AckStage::Done).await.unwrap();
        }
        let open = || house.store.follow_ups(None, 9).unwrap();
        assert_eq!(open().len(), 2, "both receipts");
        let background = actix::spawn(house.bridge.clone().run_background());
        until(|| open().len() < 2).await;
        let bob = Stream::Mailbox("bob".parse().unwrap());
        let left: Vec<_> = open().into_iter().map(|one| one.envelope.stream).collect();
        assert_eq!(left, [bob]);
        assert!(failures(&house, Branch::Follower) > 0);
        background.abort();
    });
}

/// One that rests does not refuse: who asks waits, and is served when it has begun anew.
#[test]
fn requests_wait_for_a_room_that_rests() {
    run(async {
        let house = mortal();
        house.create("alpha", "ann").await.unwrap();
        for _ in 0..3 {
            NEXT.set(Some(("room", "submit", Guard::Inside, 0)));
            house.post("alpha", "ann", "lost", None).await.unwrap_err();
        }
        house.post("alpha", "ann", "patient", None).await.unwrap();
        assert_eq!(failures(&house, Branch::Rooms), 3);
    });
}

#[test]
fn a_session_that_dies_sends_its_client_away_and_leaves_nothing() {
    run(async {
        let house = mortal();
        house.create("alpha", "ann").await.unwrap();
        let mut ann = Player::connect(&house, "ann").await;
        NEXT.set(Some(("session", "inbound", Guard::Outside, 0)));
        ann.post("alpha", "lost", "1").await;
        let bye = ann.expect("bye").await;
        assert_eq!(
            (&bye["code"], &bye["reconnect"]),
            (&4003.into(), &true.into())
        );
        super::harness::until(|| house.bridge.sessions_total() == 0).await;
        assert_eq!(failures(&house, Branch::Sessions), 1);
        house.post("alpha", "ann", "fine", None).await.unwrap();
    });
}

fn counts(command: &RoomCommand) {
    if let RoomCommand::Post(_) = command {
        DECIDED.set(DECIDED.get() + 1);
    }
}

/// Everything runs on one thread here, so a room that does not share it would decide all its
/// thousand requests before anybody else had a turn.
#[test]
fn a_hot_room_shares_its_thread() {
    run(async {
        let hooks = Faults {
            on_command: Some(counts),
            ..Faults::default()
        };
        let house = house(&[], hooks, LONG);
        house.create("alpha", "ann").await.unwrap();
        let (mut seen, mut longest) = (DECIDED.get(), 0);
        let posts = (0..1_000).map(|_| house.post("alpha", "ann", "hot", None));
        let neighbour = async {
            while DECIDED.get() < 1_000 {
                tokio::task::yield_now().await;
                longest = longest.max(DECIDED.get() - seen);
                seen = DECIDED.get();
            }
        };
        let (answers, ()) = tokio::join!(join_all(posts), neighbour);
        assert!(answers.iter().all(Result::is_ok));
        assert!(longest > 1, "the room was not hot");
        assert!(
            longest <= limits::TURN_MESSAGES_MAX as usize,
            "{longest} requests in one turn"
        );
    });
}

/// Whoever a session comes to on its way in may die of it; it then goes to the successor.
#[test]
fn a_session_gets_in_though_an_owner_dies_of_it() {
    run(async {
        for (actor, guard) in [
            ("room", Guard::Outside),
            ("mailbox", Guard::Outside),
            ("broadcast", Guard::Outside),
            ("room", Guard::Inside),
            ("mailbox", Guard::Inside),
            ("broadcast", Guard::Inside),
        ] {
            let house = mortal();
            house.create("alpha", "ann").await.unwrap();
            NEXT.set(Some((actor, "attach", guard, 0)));
            // Who comes while an owner wakes is only waited for, so the first ones may get by.
            for number in 0..10 {
                let mut ann = Player::connect(&house, "ann").await;
                let reference = number.to_string();
                ann.post("alpha", "here", &reference).await;
                let event = ann.expect("event").await;
                assert_eq!(event["ref"], reference, "{actor} {guard:?}");
                if NEXT.get().is_none() {
                    break;
                }
            }
            assert!(NEXT.get().is_none(), "{actor} {guard:?}: it did not panic");
        }
    });
}

/// What waits behind a look-up must not wait for one whose answer made the room fail.
#[test]
fn a_client_whose_look_up_failed_is_heard_again() {
    run(async {
        let house = mortal();
        house.create("alpha", "ann").await.unwrap();
        let mut ann = Player::connect(&house, "ann").await;
        NEXT.set(Some(("room", "looked_up", Guard::Inside, 0)));
        let unknown = house.bridge.new_message();
        ann.answer("alpha", "to whom?", Some(unknown), "1").await;
        ann.post("alpha", "behind", "2").await;
        for reference in ["1", "2"] {
            let rejected = ann.expect("rejected").await;
            assert_eq!(
                (&rejected["ref"], &rejected["code"]),
                (&reference.into(), &"retry".into())
            );
        }
        assert_eq!(ann.expect("bye").await["code"], 4003);
        house.post("alpha", "ann", "again", None).await.unwrap();
    });
}

/// That a mailbox fails when a back-off ends must not keep it from setting the clock for those that
/// are still to come.
#[test]
fn a_back_off_that_ends_in_a_panic_is_not_the_last() {
    run(async {
        let house = mortal();
        house.meet("bob").await;
        let sent = house.send(&["bob"], "ann", "failed", None).await.unwrap();
        // It waits for five seconds.
        let mut bob = Player::connect(&house, "bob").await;
        bob.expect("message").await;
        bob.ack(sent.id, AckStage::Failed, "1").await;
        bob.expect("stored").await;
        house.send(&["bob"], "ann", "cut", None).await.unwrap();
        bob.expect("message").await;
        drop(bob);
        // Cut off for the second time, the other one waits for two.
        let mut bob = Player::connect(&house, "bob").await;
        bob.expect("message").await;
        drop(bob);
        let mut bob = Player::connect(&house, "bob").await;
        NEXT.set(Some(("mailbox", "retry", Guard::Inside, 0)));
        assert_eq!(bob.expect("bye").await["code"], 4003);
        let mut bob = Player::connect(&house, "bob").await;
        for (text, attempt) in [("cut", 3), ("failed", 2)] {
            let message = bob.expect("message").await;
            assert_eq!(
                (&message["text"], &message["attempt"]),
                (&text.into(), &attempt.into())
            );
        }
    });
}
