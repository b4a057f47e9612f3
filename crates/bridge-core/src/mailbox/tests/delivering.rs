//! Messages come in.

use super::*;
use crate::command::{Fingerprint, Key};
use crate::limits;

#[test]
fn a_client_is_known_once_it_has_shown_a_token() {
    let mut scene = Scene::unknown();
    assert!(!scene.mailbox().is_known());
    let open = MailboxCommand::Open {
        broadcasts_read: Seq::new(7),
    };
    assert_eq!(kinds(&scene.must("Bob", &open)), ["mailbox_opened"]);
    assert!(scene.mailbox().is_known());
    assert_eq!(scene.mailbox().broadcasts_read(), Seq::new(7));
    assert_eq!(scene.must("BOB", &open), [], "once is enough");
    assert_eq!(scene.refused("ann", &open), RejectCode::Forbidden);
}

#[test]
fn who_is_not_known_gets_nothing_unless_it_is_to_be_kept() {
    let mut scene = Scene::unknown();
    let refused = scene.refused("ann", &deliver(outgoing(1)));
    assert_eq!(refused, RejectCode::UnknownRecipient);
    let kept = Outgoing {
        keep: true,
        ..outgoing(1)
    };
    scene.send(kept);
    assert_eq!(scene.mailbox().waiting(), 1);
    assert!(
        !scene.mailbox().is_known(),
        "a letter does not make a client"
    );
    let open = MailboxCommand::Open {
        broadcasts_read: Seq::ZERO,
    };
    scene.must("bob", &open);
    assert_eq!(delivered(&scene.take(None, 10)), [1]);
}

#[test]
fn a_full_mailbox_says_so_and_takes_again_when_there_is_room() {
    let mut scene = Scene::known();
    let max = limits::MAILBOX_MESSAGES_MAX as u128;
    for n in 1..=max {
        scene.send(outgoing(n));
    }
    let refused = scene.refused("ann", &deliver(outgoing(max + 1)));
    assert_eq!(refused, RejectCode::MailboxFull);
    // What is seen takes no place any more.
    scene.ack(3, AckStage::Seen).expect("it is there");
    scene.send(outgoing(max + 1));
    assert_eq!(scene.mailbox().waiting(), limits::MAILBOX_MESSAGES_MAX);
}

#[test]
fn a_promised_place_is_kept() {
    let mut scene = Scene::with_messages(2);
    let free = limits::MAILBOX_MESSAGES_MAX - 2;
    assert!(scene.mailbox().has_place(false, free - 1).is_ok());
    let full = scene
        .mailbox()
        .has_place(false, free)
        .expect_err("all promised");
    assert_eq!(full.code(), RejectCode::MailboxFull);
    let late = Deliver {
        message: outgoing(3),
        reserved: Reserved::Others(free),
        as_at_home: None,
    };
    let refused = scene.refused("ann", &MailboxCommand::Deliver(Box::new(late.clone())));
    assert_eq!(refused, RejectCode::MailboxFull);
    let promised = Deliver {
        reserved: Reserved::Mine,
        ..late
    };
    scene.must("ann", &MailboxCommand::Deliver(Box::new(promised)));
}

#[test]
fn a_token_without_the_scope_sends_nothing() {
    let mut scene = Scene::known();
    let limited = Principal::new(client("ann"), "room".parse().expect("a scope"));
    let outcome = scene.run(&limited, &deliver(outgoing(1)));
    let missing = Reject::ScopeMissing {
        scope: "message".into(),
    };
    assert_eq!(outcome, Err(missing.into()));
}

#[test]
fn notices_are_the_servers_own() {
    let mut scene = Scene::known();
    let notice = || {
        deliver(Outgoing {
            kind: MessageKind::Notice,
            ..outgoing(1)
        })
    };
    assert_eq!(scene.refused("ann", &notice()), RejectCode::Forbidden);
    assert_eq!(kinds(&scene.system(&notice())), ["message_stored"]);
}

#[test]
fn the_same_request_has_the_same_fingerprint_whatever_the_server_adds() {
    let of = |message: Outgoing| Fingerprint::of(&deliver(message));
    let same = Outgoing {
        id: message(99),
        trace: Trace::begin(Uuid::from_u128(98)),
        ..outgoing(1)
    };
    assert_eq!(of(outgoing(1)), of(same));
    assert_ne!(of(outgoing(1)), of(urgent(1, 2)));
    assert_ne!(of(outgoing(1)), of(question(1, None)));
}

#[test]
fn a_repeat_is_one_message() {
    let mut scene = Scene::known();
    let command = deliver(outgoing(1));
    let word = "once".parse().expect("a key");
    let key = Key::new(word, &command);
    let by = principal("ann");
    let first = scene.ledger.submit(&command, &by, Some(&key), scene.at());
    assert!(matches!(first, Ok(Decision::Append(_))));
    let again = deliver(Outgoing {
        id: message(2),
        ..outgoing(1)
    });
    let again = scene.ledger.submit(&again, &by, Some(&key), scene.at());
    assert_eq!(again, Ok(Decision::Duplicate(Seq::new(2))));
}

/// Fingerprints are kept in the log for as long as it lives, so their recipe may not change.
#[test]
fn the_recipe_of_fingerprints_is_kept() {
    let hex = |command: &MailboxCommand| -> String {
        let Fingerprint(bytes) = Fingerprint::of(command);
        bytes.iter().map(|b| format!("{b:02x}")).collect()
    };
    assert_eq!(
        hex(&deliver(outgoing(1))),
        "e82cca8219ccddd902e0b3ea38a82732"
    );
    let ack = Scene::known().acking(1, AckStage::Done);
    assert_eq!(
        hex(&MailboxCommand::Ack(Box::new(ack))),
        "20cda4d1ac1f06362dbb1ec971fb413f"
    );
}
