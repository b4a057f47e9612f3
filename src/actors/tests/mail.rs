//! Mailboxes whose code panics, whose log fails, and that nobody uses.

use std::time::Duration;

use bridge_core::aggregate::system;
use bridge_core::event::{Event, Stream};
use bridge_core::fake::Fault;
use bridge_core::mailbox::MailboxCommand;
use bridge_core::message::{AckStage, Body};
use bridge_core::ports::{Directory, Reader};
use bridge_core::{ClientId, MessageId, Reject, RejectCode, Seq, limits};
use serde_json::Value;

use super::harness::{House, Player, house, run, somebody, until};
use crate::actors::Faults;
use crate::actors::bridge::{MailboxAsked, MailboxPage, Sent};

const LONG: Duration = Duration::from_secs(60);
const SOON: Duration = Duration::from_millis(20);

fn says(body: &Body, what: &str) -> bool {
    matches!(body, Body::Text(text) if **text == *what)
}

/// A message that says "panic" makes the mailbox's code panic, one that says "panic away from home"
/// only where it comes second.
fn panics_on_demand(command: &MailboxCommand) {
    if let MailboxCommand::Deliver(deliver) = command {
        let body = &deliver.message.body;
        assert!(!says(body, "panic"), "injected");
        let is_away = deliver.as_at_home.is_some();
        assert!(!(is_away && says(body, "panic away from home")), "injected");
    }
}

/// Telling "panic when told" makes the sessions' side of a mailbox panic, and so does telling that
/// a message of Zoe's is done.
fn panics_when_told(event: &Event) {
    match event {
        Event::MessageStored(stored) => {
            assert!(!says(&stored.body, "panic when told"), "injected");
        }
        Event::MessageDone(done) => assert_ne!(done.about.from.as_str(), "zoe", "injected"),
        _ => {}
    }
}

async fn fragile() -> House {
    let hooks = Faults {
        on_command: None,
        on_mailbox_command: Some(panics_on_demand),
        on_event: Some(panics_when_told),
        at: None,
    };
    let house = house(&[], hooks, LONG);
    house.meet("bob").await;
    house.meet("carol").await;
    house
}

fn code(sent: &Result<Sent, Reject>) -> Option<RejectCode> {
    sent.as_ref().err().map(Reject::code)
}

fn mailbox(name: &str) -> Stream {
    Stream::Mailbox(name.parse().unwrap())
}

/// What a call takes.
async fn take(house: &House, name: &str) -> MailboxPage {
    let asked = MailboxAsked {
        confirm: None,
        messages_max: 50,
        wait: Duration::ZERO,
    };
    let taken = house.bridge.take_messages(somebody(name), asked).await;
    taken.expect("it can be read")
}

fn id(message: &Value) -> MessageId {
    message["id"].as_str().unwrap().parse().unwrap()
}

/// Its text, and which attempt it is.
fn told(message: &Value) -> (&str, u64) {
    let text = message["text"].as_str().unwrap();
    (text, message["attempt"].as_u64().unwrap())
}

/// How often a mailbox's log has a kind of record.
fn count(house: &House, name: &str, kind: &str) -> usize {
    let log = house.store.all(&mailbox(name));
    log.iter().filter(|e| e.event.kind() == kind).count()
}

#[test]
fn a_panic_is_answered_and_the_session_goes_on() {
    run(async {
        let house = fragile().await;
        let mut bob = Player::connect(&house, "bob").await;
        house.send(&["bob"], "ann", "before", None).await.unwrap();
        let before = bob.expect("message").await;
        assert_eq!(told(&before), ("before", 1));
        let panicked = house.send(&["bob"], "ann", "panic", None).await;
        assert_eq!(code(&panicked), Some(RejectCode::Retry), "before the log");
        house.send(&["carol"], "ann", "hello", None).await.unwrap();
        house.send(&["bob"], "ann", "after", None).await.unwrap();
        let after = bob.expect("message").await;
        assert_eq!(told(&after), ("after", 1), "and not the first one again");
        bob.ack(id(&before), AckStage::Done, "7").await;
        assert_eq!(bob.expect("stored").await["ref"], "7");
        let delivery = house.store.delivery(&mailbox("bob"), id(&before));
        let delivery = delivery.unwrap().unwrap();
        assert!(delivery.stage.is_terminal());
    });
}

/// What was in the log's hands when the mailbox panicked may have been carried out.
#[test]
fn a_panic_leaves_what_is_with_the_log_unknown() {
    run(async {
        let house = fragile().await;
        let (first, second) = tokio::join!(
            house.send(&["bob"], "ann", "first", Some("k")),
            house.send(&["bob"], "ann", "panic", None),
        );
        assert_eq!(code(&first), Some(RejectCode::OutcomeUnknown));
        assert_eq!(code(&second), Some(RejectCode::Retry));
        house
            .send(&["bob"], "ann", "first", Some("k"))
            .await
            .unwrap();
        let page = take(&house, "bob").await;
        assert_eq!(page.messages.len(), 1, "stored once");
    });
}

/// A session that takes its messages slowly is yet to get some when the mailbox panics.
#[test]
fn what_a_session_was_yet_to_get_comes_after_a_panic() {
    run(async {
        let house = fragile().await;
        let mut bob = Player::connect(&house, "bob").await;
        let all = limits::DELIVERY_WINDOW_MESSAGES + 18;
        for n in 0..all {
            let text = n.to_string();
            house.send(&["bob"], "ann", &text, None).await.unwrap();
        }
        let panicked = house.send(&["bob"], "ann", "panic", None).await;
        assert_eq!(code(&panicked), Some(RejectCode::Retry));
        // Taken while the mailbox is being read: it has nothing then.
        for n in 0..all {
            let message = bob.expect("message").await;
            assert_eq!(told(&message), (n.to_string().as_str(), 1));
        }
    });
}

/// The message is durable, and telling it fails: its sender does not know, its readers are sent
/// away, and what they had comes back at once.
#[test]
fn a_panic_while_telling_ends_the_sessions_and_loses_nothing() {
    run(async {
        let house = fragile().await;
        let mut bob = Player::connect(&house, "bob").await;
        house.send(&["bob"], "ann", "first", None).await.unwrap();
        assert_eq!(told(&bob.expect("message").await), ("first", 1));
        until(|| count(&house, "bob", "message_delivered") == 1).await;
        let text = "panic when told";
        let sent = house.send(&["bob"], "ann", text, Some("k")).await;
        assert_eq!(code(&sent), Some(RejectCode::OutcomeUnknown));
        let bye = bob.expect("bye").await;
        assert_eq!(
            (&bye["code"], &bye["reconnect"]),
            (&4003.into(), &true.into())
        );
        let repeat = house.send(&["bob"], "ann", text, Some("k")).await.unwrap();
        assert!(repeat.duplicate);
        let mut again = Player::connect(&house, "bob").await;
        let first = again.expect("message").await;
        assert_eq!(told(&first), ("first", 2), "its lease did not outlive it");
        let second = again.expect("message").await;
        assert_eq!((told(&second), id(&second)), ((text, 1), repeat.id));
        again.ack(id(&first), AckStage::Done, "1").await;
        assert_eq!(again.expect("stored").await["duplicate"], false);
    });
}

/// The end of a message is durable, and telling it fails. Its sender is told of it all the same.
#[test]
fn what_follows_from_a_record_comes_after_a_panic() {
    run(async {
        let house = fragile().await;
        house.meet("zoe").await;
        let background = actix::spawn(house.bridge.clone().run_background());
        let sent = house.send(&["bob"], "zoe", "hello", None).await.unwrap();
        until(|| house.store.follow_ups(None, 9).unwrap().is_empty()).await;
        let done = house.ack(sent.id, "bob", AckStage::Done).await;
        assert_eq!(code(&done), Some(RejectCode::OutcomeUnknown));
        until(|| count(&house, "zoe", "receipt_kept") == 1).await;
        background.abort();
    });
}

#[test]
fn a_mailbox_that_keeps_failing_is_quarantined_and_the_others_go_on() {
    run(async {
        let house = fragile().await;
        let sent = house.send(&["bob"], "ann", "early", None).await.unwrap();
        for _ in 0..=limits::RESTARTS_MAX {
            let panicked = house.send(&["bob"], "ann", "panic", None).await;
            assert_eq!(code(&panicked), Some(RejectCode::Retry));
        }
        let quarantined = Some(RejectCode::MailboxQuarantined);
        let fine = house.send(&["bob"], "ann", "fine", None).await;
        assert_eq!(code(&fine), quarantined);
        let done = house.ack(sent.id, "bob", AckStage::Done).await;
        assert_eq!(code(&done), quarantined);
        let both = house.send(&["bob", "carol"], "ann", "both", None).await;
        assert_eq!(code(&both), quarantined, "or nobody gets it");
        house.send(&["carol"], "ann", "fine", None).await.unwrap();
        assert_eq!(take(&house, "carol").await.messages.len(), 1);
    });
}

/// A key that its sender has used with one of the recipients alone, for something else, is new to
/// the message's home. Then it comes to all of them, or to none, but never to some.
#[test]
fn a_key_used_elsewhere_does_not_divide_a_message() {
    run(async {
        let house = house(&[], Faults::default(), LONG);
        for name in ["alf", "bob", "carol"] {
            house.meet(name).await;
        }
        let key = Some("k");
        house.send(&["bob"], "ann", "alone", key).await.unwrap();
        let list = ["alf", "bob", "carol"];
        let all = house.send(&list, "ann", "to all", key).await;
        assert_eq!(code(&all), Some(RejectCode::KeyReused));
        for (name, messages) in [("alf", 0), ("bob", 1), ("carol", 0)] {
            let page = take(&house, name).await;
            assert_eq!(page.messages.len(), messages, "{name}");
        }
    });
}

/// A quarantine ends with the process. What was to come to that mailbox is not forgotten until then.
#[test]
fn what_is_to_come_to_a_quarantined_mailbox_is_kept() {
    run(async {
        let house = fragile().await;
        house.meet("alf").await;
        let hello = house.send(&["carol"], "ann", "hello", None).await.unwrap();
        let text = "panic away from home";
        let both = house.send(&["alf", "bob"], "ann", text, None).await;
        assert_eq!(code(&both), Some(RejectCode::OutcomeUnknown));
        for _ in 0..limits::RESTARTS_MAX {
            let panicked = house.send(&["bob"], "ann", "panic", None).await;
            assert_eq!(code(&panicked), Some(RejectCode::Retry));
        }
        let fine = house.send(&["bob"], "ann", "fine", None).await;
        assert_eq!(code(&fine), Some(RejectCode::MailboxQuarantined));
        house.ack(hello.id, "carol", AckStage::Done).await.unwrap();
        let open = || house.store.follow_ups(None, 9).unwrap();
        assert_eq!(open().len(), 2, "the other recipient, and the receipt");
        let background = actix::spawn(house.bridge.clone().run_background());
        until(|| open().len() < 2).await;
        let open = open();
        let streams: Vec<_> = open.iter().map(|open| &open.envelope.stream).collect();
        assert_eq!(streams, [&mailbox("alf")]);
        background.abort();
    });
}

#[test]
fn a_full_disk_refuses_and_recovers_by_itself() {
    run(async {
        let faults = [Fault::None, Fault::None, Fault::Full, Fault::Full];
        let house = house(&faults, Faults::default(), LONG);
        house.meet("bob").await;
        house.meet("carol").await;
        let full = Some(RejectCode::StorageFull);
        let one = house.send(&["bob"], "ann", "one", Some("k")).await;
        assert_eq!(code(&one), full);
        let both = house.send(&["bob", "carol"], "ann", "both", None).await;
        assert_eq!(code(&both), full);
        for name in ["bob", "carol"] {
            assert_eq!(house.store.head(&mailbox(name)), Ok(Seq::new(1)), "{name}");
        }
        let one = house.send(&["bob"], "ann", "one", Some("k")).await;
        assert!(!one.unwrap().duplicate);
        house
            .send(&["bob", "carol"], "ann", "both", None)
            .await
            .unwrap();
        assert_eq!(take(&house, "bob").await.messages.len(), 2);
        assert_eq!(take(&house, "carol").await.messages.len(), 1);
    });
}

/// The disk was full when a message had been written to a session: that it was is noted later, so
/// that it comes back when nobody confirms it.
#[test]
fn a_full_disk_loses_no_lease() {
    run(async {
        let faults = [Fault::None, Fault::None, Fault::Full];
        let house = house(&faults, Faults::default(), LONG);
        house.meet("bob").await;
        let mut bob = Player::connect(&house, "bob").await;
        house.send(&["bob"], "ann", "one", None).await.unwrap();
        assert_eq!(told(&bob.expect("message").await), ("one", 1));
        until(|| count(&house, "bob", "message_delivered") == 1).await;
        drop(bob);
        until(|| count(&house, "bob", "message_returned") == 1).await;
        let mut again = Player::connect(&house, "bob").await;
        assert_eq!(told(&again.expect("message").await), ("one", 2));
    });
}

/// The batch was committed, and nobody knows: the session gets the message once, when the mailbox
/// has been read again, and the repeat finds it.
#[test]
fn an_unknown_outcome_is_said_and_resolved() {
    run(async {
        let faults = [Fault::None, Fault::CommitUnknown];
        let house = house(&faults, Faults::default(), LONG);
        house.meet("bob").await;
        let mut bob = Player::connect(&house, "bob").await;
        let sent = house.send(&["bob"], "ann", "perhaps", Some("k")).await;
        assert_eq!(code(&sent), Some(RejectCode::OutcomeUnknown));
        let message = bob.expect("message").await;
        assert_eq!(told(&message), ("perhaps", 1));
        let repeat = house.send(&["bob"], "ann", "perhaps", Some("k")).await;
        let repeat = repeat.unwrap();
        assert_eq!((repeat.duplicate, repeat.id), (true, id(&message)));
        house.send(&["bob"], "ann", "next", None).await.unwrap();
        assert_eq!(told(&bob.expect("message").await), ("next", 1));
    });
}

/// What the sessions of an earlier life had comes back to the log, and only then to a session:
/// once, and not in the old attempt first.
#[test]
fn after_a_restart_a_session_gets_each_message_once() {
    run(async {
        let house = house(&[], Faults::default(), LONG);
        house.meet("bob").await;
        let mut bob = Player::connect(&house, "bob").await;
        for text in ["one", "two"] {
            house.send(&["bob"], "ann", text, None).await.unwrap();
            assert_eq!(told(&bob.expect("message").await), (text, 1));
        }
        until(|| count(&house, "bob", "message_delivered") == 2).await;
        let house = house.restarted();
        let mut again = Player::connect(&house, "bob").await;
        for text in ["one", "two"] {
            assert_eq!(told(&again.expect("message").await), (text, 2));
        }
        house.send(&["bob"], "ann", "three", None).await.unwrap();
        assert_eq!(told(&again.expect("message").await), ("three", 1));
    });
}

/// Who comes back before it is written down how far it has read, or when that cannot be written, is
/// not told the same again.
#[test]
fn what_a_client_has_heard_is_known_before_it_is_written() {
    run(async {
        let house = house(&[Fault::None, Fault::Full], Faults::default(), LONG);
        house.meet("bob").await;
        let mailbox = house.bridge.mailbox(&"bob".parse().unwrap()).unwrap();
        let through = Seq::new(7);
        let command = MailboxCommand::BroadcastsRead { through };
        let written = mailbox.ask(command, system(), None).await;
        let code = written.err().map(|reject| reject.code());
        assert_eq!(code, Some(RejectCode::StorageFull));
        assert_eq!(mailbox.broadcasts_read().await.unwrap(), through);
    });
}

fn is_awake(house: &House, name: &str) -> bool {
    let client: ClientId = name.parse().unwrap();
    house.bridge.mailboxes().find(&client).is_some()
}

#[test]
fn an_idle_mailbox_sleeps_and_wakes_as_it_was() {
    run(async {
        let house = house(&[], Faults::default(), SOON);
        house.meet("bob").await;
        let first = house.send(&["bob"], "ann", "one", Some("k")).await.unwrap();
        until(|| !is_awake(&house, "bob")).await;
        let repeat = house.send(&["bob"], "ann", "one", Some("k")).await.unwrap();
        assert_eq!((repeat.duplicate, repeat.id), (true, first.id));
        until(|| !is_awake(&house, "bob")).await;
        let page = take(&house, "bob").await;
        assert_eq!(page.messages.len(), 1);
        until(|| !is_awake(&house, "bob")).await;
        let done = house.ack(first.id, "bob", AckStage::Done).await.unwrap();
        assert!(!done.duplicate);
        until(|| !is_awake(&house, "bob")).await;
        let again = house.ack(first.id, "bob", AckStage::Done).await.unwrap();
        assert!(again.duplicate, "the store knows");
    });
}

#[test]
fn a_mailbox_with_a_session_stays_awake_and_sleeps_after_it() {
    run(async {
        let house = house(&[], Faults::default(), SOON);
        house.meet("bob").await;
        house.meet("carol").await;
        let mut bob = Player::connect(&house, "bob").await;
        // Hers goes to sleep again and again, and his does not.
        for n in 0..5 {
            let text = n.to_string();
            house.send(&["carol"], "ann", &text, None).await.unwrap();
            until(|| !is_awake(&house, "carol")).await;
            assert!(is_awake(&house, "bob"));
        }
        house.send(&["bob"], "ann", "hello", None).await.unwrap();
        assert_eq!(told(&bob.expect("message").await), ("hello", 1));
        drop(bob);
        until(|| !is_awake(&house, "bob")).await;
        assert_eq!(count(&house, "bob", "message_returned"), 1);
    });
}
