//! An answer finishes its question.

use super::*;
use crate::mailbox::Replied;

fn replied(n: u128, to: &str) -> Replied {
    Replied {
        id: message(n),
        reply: message(100 + n),
        to: vec![client(to)],
        found: None,
    }
}

fn answer(scene: &mut Scene, mut replied: Replied, n: u128) -> Vec<Event> {
    match scene.run(&system(), &MailboxCommand::Replied(replied.clone())) {
        Err(Undecided::LookUp(_)) => {
            replied.found = Some(scene.look_up(n));
            scene.system(&MailboxCommand::Replied(replied))
        }
        outcome => outcome.expect("the server may"),
    }
}

#[test]
fn an_answer_to_the_one_who_asked_finishes_the_question() {
    for (seen, remembers) in [(false, true), (true, true), (true, false)] {
        let mut scene = Scene::known();
        scene.send(question(1, Some(60)));
        if seen {
            scene.ack(1, AckStage::Seen).expect("it is there");
        }
        let mut scene = if remembers { scene } else { scene.woken() };
        let events = answer(&mut scene, replied(1, "ANN"), 1);
        let Event::MessageDone(done) = &events[0] else {
            panic!("{events:?}");
        };
        assert_eq!(done.reply, Some(message(101)));
        assert_eq!(answer(&mut scene, replied(1, "ann"), 1), [], "once");
    }
}

#[test]
fn what_is_no_answer_finishes_nothing() {
    let mut scene = Scene::known();
    scene.send(question(1, None));
    scene.send(outgoing(2));
    assert_eq!(
        answer(&mut scene, replied(1, "cem"), 1),
        [],
        "to somebody else"
    );
    assert_eq!(
        answer(&mut scene, replied(2, "ann"), 2),
        [],
        "nobody had asked"
    );
    assert_eq!(
        answer(&mut scene, replied(3, "ann"), 3),
        [],
        "no such message"
    );
    scene.ack(2, AckStage::Seen).expect("it is there");
    assert_eq!(
        answer(&mut scene, replied(2, "ann"), 2),
        [],
        "nobody had asked"
    );
    assert_eq!(scene.mailbox().waiting(), 1);
}

#[test]
fn an_answer_that_comes_too_late_changes_nothing() {
    let mut scene = Scene::known();
    scene.send(question(1, Some(60)));
    scene.turn(MINUTE);
    assert_eq!(kinds(&scene.sweep()), ["message_expired"]);
    assert_eq!(answer(&mut scene, replied(1, "ann"), 1), []);
}
