//! What a recipient says, in every state of a message.

use super::*;

/// The states in which a message can be when its recipient says something.
const STATES: [&str; 6] = ["waiting", "delivered", "seen", "done", "expired", "dead"];

fn in_state(state: &str) -> Scene {
    let mut scene = Scene::with_messages(1);
    let seq = scene.mailbox().head();
    match state {
        "waiting" => {}
        "delivered" => drop(scene.hand(&[seq])),
        "seen" => drop(scene.ack(1, AckStage::Seen)),
        "done" => drop(scene.ack(1, AckStage::Done)),
        "expired" => {
            scene.turn(2 * 60 * MINUTE);
            assert_eq!(kinds(&scene.sweep()), ["message_expired"]);
        }
        "dead" => {
            scene.rules.attempts_max = 1;
            drop(scene.ack(1, AckStage::Failed));
        }
        other => panic!("no such state: {other}"),
    }
    scene
}

/// The kinds of what follows, or why nothing does.
type Answers = Result<&'static [&'static str], RejectCode>;

#[test]
fn every_word_in_every_state() {
    let backwards = Err(RejectCode::StageBackwards);
    let nothing: Result<&[&str], RejectCode> = Ok(&[]);
    // Rows: the state; columns: seen, done, failed.
    let table: [(&str, [Answers; 3]); 6] = [
        (
            "waiting",
            [
                Ok(&["message_seen"]),
                Ok(&["message_done"]),
                Ok(&["message_returned"]),
            ],
        ),
        (
            "delivered",
            [
                Ok(&["message_seen"]),
                Ok(&["message_done"]),
                Ok(&["message_returned"]),
            ],
        ),
        (
            "seen",
            [nothing, Ok(&["message_done"]), Ok(&["message_returned"])],
        ),
        ("done", [backwards, nothing, backwards]),
        ("expired", [backwards, backwards, backwards]),
        ("dead", [backwards, backwards, backwards]),
    ];
    assert_eq!(table.map(|(state, _)| state), STATES);
    for (state, row) in table {
        let words = [AckStage::Seen, AckStage::Done, AckStage::Failed];
        for (word, wanted) in words.into_iter().zip(row) {
            // Whether the mailbox remembers, or has to have it looked up.
            for remembers in [true, false] {
                let scene = in_state(state);
                let mut scene = if remembers { scene } else { scene.woken() };
                scene.rules = Rules::default();
                let got = scene.ack(1, word);
                let got = got.map(|events| kinds(&events)).map_err(|why| why.code());
                let wanted = wanted.map(<[_]>::to_vec);
                assert_eq!(got, wanted, "{word:?} when {state}, remembers: {remembers}");
            }
        }
    }
}

#[test]
fn somebody_elses_message_is_not_found() {
    let mut scene = Scene::with_messages(1);
    let why = scene
        .ack(2, AckStage::Done)
        .expect_err("not in this mailbox");
    assert_eq!(why, Reject::MessageNotFound(message(2)));
    let ack = scene.acking(1, AckStage::Done);
    let refused = scene.refused("ann", &MailboxCommand::Ack(Box::new(ack)));
    assert_eq!(refused, RejectCode::Forbidden);
}

#[test]
fn what_was_looked_up_too_long_ago_is_looked_up_again() {
    let mut scene = in_state("seen").woken();
    let found = scene.look_up(1);
    // More is settled in between than the mailbox remembers.
    for n in 0..=crate::limits::RECENT_STAGES_MAX as u128 {
        scene.send(outgoing(10 + n));
        scene.ack(10 + n, AckStage::Done).expect("it is there");
    }
    let late = Ack {
        found: Some(found),
        ..scene.acking(1, AckStage::Done)
    };
    let outcome = scene.run(&principal("bob"), &MailboxCommand::Ack(Box::new(late)));
    assert_eq!(outcome, Err(Undecided::LookUp(message(1))));
    assert_eq!(
        kinds(&scene.ack(1, AckStage::Done).expect("found")),
        ["message_done"]
    );
}

#[test]
fn what_changed_after_the_look_up_wins_over_it() {
    let scene = in_state("seen").woken();
    let found = scene.look_up(1);
    let mut scene = scene;
    scene.ack(1, AckStage::Done).expect("found");
    let late = Ack {
        found: Some(found),
        ..scene.acking(1, AckStage::Failed)
    };
    let refused = scene.refused("bob", &MailboxCommand::Ack(Box::new(late)));
    assert_eq!(refused, RejectCode::StageBackwards, "exactly one end");
}

#[test]
fn a_message_that_was_seen_and_failed_is_tried_again_with_its_history() {
    for remembers in [true, false] {
        let mut scene = Scene::known();
        let seq = scene.send(urgent(1, 3));
        scene.hand(&[seq]);
        scene.lose(&[(seq, 1)], Ending::ConnectionLost);
        scene.hand(&[seq]);
        scene.ack(1, AckStage::Seen).expect("it is there");
        let mut scene = if remembers { scene } else { scene.woken() };
        let before = scene.mailbox().waiting();
        assert_eq!(before, 0);
        scene
            .ack(1, AckStage::Failed)
            .expect("it may be tried again");
        let held = scene.mailbox().held(seq).expect("it is taken up again");
        assert_eq!((held.attempts, held.priority.get()), (2, 3));
        let endings: Vec<_> = held
            .failures
            .iter()
            .map(|f| (f.attempt, f.ending))
            .collect();
        assert_eq!(endings, [(1, Ending::ConnectionLost), (2, Ending::Failed)]);
        assert_eq!(
            scene.restarted().mailbox().held(seq),
            scene.mailbox().held(seq)
        );
        scene.turn(30 * SECOND);
        assert_eq!(delivered(&scene.take(None, 1)), [1]);
    }
}
