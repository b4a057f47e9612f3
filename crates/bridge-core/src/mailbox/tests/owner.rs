//! A mailbox behind its owner: requests from which nothing follows, and look-ups of several.

use super::{acking, client, deliver, outgoing, principal};
use crate::command::Key;
use crate::event::Stream;
use crate::id::Timestamp;
use crate::mailbox::{Mailbox, MailboxCommand};
use crate::message::AckStage;
use crate::owner::{Answer, Asker, Draft, Effect, Owner, PendingRefusal, Request};
use crate::reject::{Reject, RejectCode};
use crate::{Seq, aggregate::Aggregate};

/// Whoever asks, by name.
#[derive(Debug)]
struct Ticket(&'static str);

impl Asker for Ticket {
    fn handed_to_log(&mut self) {}
}

/// An effect as a test compares it.
#[derive(Debug, PartialEq)]
enum Seen {
    Append(u64),
    Committed(&'static str),
    Known(&'static str, u64),
    Refused(&'static str, RejectCode),
    CheckKey(&'static str, PendingRefusal),
    Unchanged(&'static str),
    LookUp(&'static str),
    Behind(&'static str),
    Reload,
}
use Seen::{Append, Behind, Committed, Known, LookUp, Refused, Reload, Unchanged};

impl Seen {
    fn of(effect: Effect<Mailbox, Ticket>) -> Self {
        match effect {
            Effect::Append(draft) => Append(draft.first_seq().get()),
            Effect::Committed { asker, .. } => Committed(asker.0),
            Effect::Known { seq, asker } => Known(asker.0, seq.get()),
            Effect::Refused { reject, asker } => Refused(asker.0, reject.code()),
            Effect::CheckKey { refusal, asker } => Self::CheckKey(asker.0, refusal),
            Effect::Unchanged { asker } => Unchanged(asker.0),
            Effect::LookUp { request, .. } => LookUp(request.asker.0),
            Effect::Behind(request) => Behind(request.asker.0),
            Effect::Reload => Reload,
        }
    }
}

/// Bob's mailbox and its owner.
struct Desk {
    owner: Owner<Mailbox, Ticket>,
    drafts: Vec<Draft>,
    now: i64,
}

impl Desk {
    /// Bob is known: the head is 1.
    fn open() -> Self {
        let vacant = Mailbox::empty(&Stream::Mailbox(client("bob")));
        let mut desk = Self {
            owner: Owner::loading(vacant.clone()),
            drafts: Vec::new(),
            now: 1_000,
        };
        assert_eq!(desk.run(|o, at, effects| o.loaded(vacant, at, effects)), []);
        let open = MailboxCommand::Open {
            broadcasts_read: Seq::ZERO,
        };
        assert_eq!(desk.ask("open", "bob", open), [Append(1)]);
        assert_eq!(desk.stored(), [Committed("open")]);
        desk
    }

    fn run(
        &mut self,
        step: impl FnOnce(&mut Owner<Mailbox, Ticket>, Timestamp, &mut Vec<Effect<Mailbox, Ticket>>),
    ) -> Vec<Seen> {
        self.now += 1;
        let mut effects = Vec::new();
        step(
            &mut self.owner,
            Timestamp::from_millis(self.now),
            &mut effects,
        );
        let drafts = effects.iter().filter_map(|effect| match effect {
            Effect::Append(draft) => Some(draft.clone()),
            _ => None,
        });
        self.drafts.extend(drafts);
        effects.into_iter().map(Seen::of).collect()
    }

    fn ask(&mut self, name: &'static str, who: &str, command: MailboxCommand) -> Vec<Seen> {
        self.keyed(name, who, None, command)
    }

    fn keyed(
        &mut self,
        name: &'static str,
        who: &str,
        key: Option<&str>,
        command: MailboxCommand,
    ) -> Vec<Seen> {
        let request = Request {
            by: principal(who),
            key: key.map(|word| Key::new(word.parse().unwrap(), &command)),
            command,
            asker: Ticket(name),
        };
        self.run(|owner, at, effects| owner.submit(request, at, effects))
    }

    fn answer(&mut self, answer: Answer) -> Vec<Seen> {
        self.run(|owner, at, effects| owner.answered(answer, at, effects))
    }

    /// The log has taken the oldest draft that it was handed.
    fn stored(&mut self) -> Vec<Seen> {
        self.answer(Answer::Stored)
    }

    /// A message from Ann that is durable, the `n`th.
    fn message(&mut self, n: u128) {
        self.ask("send", "ann", deliver(outgoing(n)));
        assert_eq!(self.stored(), [Committed("send")]);
    }

    fn done(&mut self, name: &'static str, n: u128) -> Vec<Seen> {
        self.ask(name, "bob", ack(n))
    }
}

fn ack(n: u128) -> MailboxCommand {
    MailboxCommand::Ack(Box::new(acking(n, AckStage::Done)))
}

#[test]
fn what_is_so_already_is_said_at_once() {
    let mut desk = Desk::open();
    desk.message(1);
    desk.done("done", 1);
    assert_eq!(desk.stored(), [Committed("done")]);
    assert_eq!(desk.done("again", 1), [Unchanged("again")]);
    assert!(desk.owner.is_idle());
}

/// "It is done" is not said before the log has it.
#[test]
fn what_rests_on_something_in_flight_waits_for_it() {
    let mut desk = Desk::open();
    desk.message(1);
    assert_eq!(desk.done("done", 1), [Append(3)]);
    assert_eq!(desk.done("again", 1), []);
    assert_eq!(desk.stored(), [Committed("done"), Unchanged("again")]);
}

/// It waits for what it rests on, and for nothing that comes behind.
#[test]
fn a_constant_stream_of_other_appends_does_not_hold_it_up() {
    let mut desk = Desk::open();
    desk.message(1);
    desk.ask("first", "ann", deliver(outgoing(2)));
    desk.done("done", 1);
    assert_eq!(desk.done("again", 1), []);
    // There is always something in flight, and more of it with every answer.
    for n in 3..6 {
        desk.ask("more", "ann", deliver(outgoing(n)));
    }
    assert_eq!(desk.stored(), [Committed("first")]);
    for n in 6..9 {
        desk.ask("more", "ann", deliver(outgoing(n)));
    }
    assert_eq!(desk.stored(), [Committed("done"), Unchanged("again")]);
    assert!(!desk.owner.is_idle(), "the others are still in flight");
}

/// Nothing follows from a call while a session is being given the only message. Were that to be
/// said against what is durable and what is not, each new message would put it off again.
#[test]
fn a_call_is_answered_while_everything_goes_to_a_session() {
    let mut desk = Desk::open();
    desk.message(1);
    let hand = |desk: &mut Desk, seq: Seq| {
        let messages = vec![(seq, 1)];
        let rules = crate::mailbox::Rules::default();
        let handed = crate::mailbox::Handed { messages, rules };
        let request = Request {
            by: crate::aggregate::system(),
            key: None,
            command: MailboxCommand::Handed(handed),
            asker: Ticket("handed"),
        };
        desk.run(|owner, at, effects| owner.submit(request, at, effects))
    };
    assert_eq!(hand(&mut desk, Seq::new(2)), [Append(3)]);
    let take = MailboxCommand::Take(crate::mailbox::Take {
        is_new_call: true,
        confirm: None,
        messages_max: 10,
        bytes_max: usize::MAX,
        only_from: None,
        rules: crate::mailbox::Rules::default(),
    });
    assert_eq!(desk.ask("take", "bob", take), []);
    desk.ask("more", "ann", deliver(outgoing(2)));
    hand(&mut desk, Seq::new(4));
    assert_eq!(desk.stored(), [Committed("handed"), Unchanged("take")]);
}

/// What it rested on did not land: now it is the one that does it.
#[test]
fn it_takes_the_place_of_what_did_not_land() {
    let mut desk = Desk::open();
    desk.message(1);
    desk.done("done", 1);
    assert_eq!(desk.done("again", 1), []);
    let full = desk.answer(Answer::Refused(Reject::StorageFull));
    assert_eq!(
        full,
        [Refused("done", RejectCode::StorageFull), Append(3)],
        "it is decided again"
    );
    assert_eq!(desk.stored(), [Committed("again")]);
}

/// Nobody knows whether it landed: the log is asked before anybody is told.
#[test]
fn it_waits_for_the_log_when_an_outcome_is_unknown() {
    let mut desk = Desk::open();
    desk.message(1);
    let before = desk.owner.state().clone();
    desk.done("done", 1);
    assert_eq!(desk.done("again", 1), []);
    let unknown = Refused("done", RejectCode::OutcomeUnknown);
    assert_eq!(desk.answer(Answer::Unknown), [unknown, Reload]);
    let mut landed = before;
    landed.apply(&desk.drafts.last().unwrap().envelopes[0]);
    let loaded = desk.run(|owner, at, effects| owner.loaded(landed, at, effects));
    assert_eq!(loaded, [Unchanged("again")]);
}

/// The state cannot be read: whoever rests on it is told as well.
#[test]
fn it_is_refused_with_everybody_who_waits() {
    let mut desk = Desk::open();
    desk.message(1);
    desk.done("done", 1);
    assert_eq!(desk.done("again", 1), []);
    desk.answer(Answer::Unknown);
    let retry = Reject::Retry { detail: "no store" };
    let told = desk.run(|owner, _, effects| owner.not_loaded(&retry, effects));
    assert_eq!(told, [Refused("again", RejectCode::Retry)]);
}

/// With a key it may be a repeat of something that the state has forgotten.
#[test]
fn with_a_key_the_log_is_asked_first() {
    let mut desk = Desk::open();
    desk.message(1);
    desk.done("done", 1);
    assert_eq!(desk.keyed("again", "bob", Some("k"), ack(1)), []);
    let mut seen = desk.stored();
    let Some(Seen::CheckKey("again", refusal)) = seen.pop() else {
        panic!("the key is not looked up: {seen:?}");
    };
    assert_eq!(seen, [Committed("done")]);
    let fingerprint = refusal.key.fingerprint;
    assert_eq!(refusal.clone().settle(None), Ok(None), "nothing to do");
    let original = Some((Seq::new(2), fingerprint));
    assert_eq!(refusal.clone().settle(original), Ok(Some(Seq::new(2))));
    let other = Key::new("k".parse().unwrap(), &deliver(outgoing(9)));
    let reused = Some((Seq::new(2), other.fingerprint));
    assert_eq!(refusal.settle(reused), Err(Reject::KeyReused));
}

/// Who waits for a look-up of their own holds up nobody else. What is behind a look-up that is not
/// there would wait for ever.
#[test]
fn one_clients_look_up_holds_up_no_other() {
    let vacant = Mailbox::empty(&Stream::Mailbox(client("bob")));
    let mut desk = Desk {
        owner: Owner::loading(vacant.clone()),
        drafts: Vec::new(),
        now: 1_000,
    };
    let keep = |n| {
        let mut message = outgoing(n);
        message.keep = true;
        deliver(message)
    };
    let key = Some("k");
    assert_eq!(desk.keyed("original", "ann", key, keep(1)), []);
    assert_eq!(desk.done("unknown", 77), []);
    assert_eq!(desk.keyed("repeat", "ann", key, keep(1)), []);
    assert_eq!(desk.ask("other", "ann", keep(2)), []);
    assert_eq!(desk.done("behind", 78), []);
    let mut read = vacant;
    // Asleep before, with a log: what it has forgotten must be looked up.
    let opened = Desk::open();
    read.apply(&opened.drafts[0].envelopes[0]);
    let snapshot = read.to_snapshot().expect("something to keep");
    let read = Mailbox::from_snapshot(&snapshot).expect("its own snapshot");
    let loaded = desk.run(|owner, at, effects| owner.loaded(read, at, effects));
    let expected = [Append(2), LookUp("unknown"), Append(3), Behind("behind")];
    assert_eq!(loaded, expected);
    assert_eq!(desk.stored(), [Committed("original"), Known("repeat", 2)]);
}
