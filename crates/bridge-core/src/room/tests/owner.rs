//! Several appends in flight, and everything that can become of them.

mod failures;
mod repeats;

use uuid::Uuid;

use crate::command::{CreateChannel, CreateRoom, Join, Key, PasswordProof, Post, RoomCommand};
use crate::event::{Envelope, Event};
use crate::id::{ChannelName, MessageId, Seq, Timestamp};
use crate::owner::{Answer, Asker, Draft};
use crate::policy::Policy;
use crate::principal::{Principal, Scopes};
use crate::reject::{Reject, RejectCode};
use crate::room::Room;
use crate::text::Topic;

type Owner = crate::owner::Owner<Room, Ticket>;
type Effect = crate::owner::Effect<Room, Ticket>;
type Request = crate::owner::Request<RoomCommand, Ticket>;

/// Whoever asks, by name.
#[derive(Debug, PartialEq)]
struct Ticket {
    name: &'static str,
    may_be_written: bool,
}

impl Asker for Ticket {
    fn handed_to_log(&mut self) {
        self.may_be_written = true;
    }
}

/// An effect as a test compares it.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Seen {
    Append(u64),
    Committed(&'static str, u64),
    Known(&'static str, u64),
    Refused(&'static str, RejectCode),
    LookUp(&'static str),
    Behind(&'static str),
    Reload,
}
use Seen::{Append, Behind, Committed, Known, LookUp, Refused, Reload};

/// An owner with the log that it believes in.
struct Desk {
    owner: Owner,
    drafts: Vec<Draft>,
    log: Vec<Envelope>,
    now: i64,
}

impl Desk {
    fn loading() -> Self {
        let owner = Owner::loading(vacant());
        Self {
            owner,
            drafts: Vec::new(),
            log: Vec::new(),
            now: 1_000,
        }
    }

    /// Ann has made the room: its head is 2.
    fn live() -> Self {
        let mut desk = Self::loading();
        assert_eq!(desk.load(), []);
        let create = CreateRoom {
            room: "alpha".parse().unwrap(),
            topic: Topic::none(),
            policy: Policy::default(),
            password: None,
        };
        desk.ask("founder", "ann", None, RoomCommand::Create(create));
        assert_eq!(desk.stored(), [Committed("founder", 1)]);
        desk
    }

    fn at(&self) -> Timestamp {
        Timestamp::from_millis(self.now)
    }

    /// Runs the owner, keeps what it hands to the log, and says what it did.
    fn run(&mut self, step: impl FnOnce(&mut Owner, &mut Vec<Effect>)) -> Vec<Seen> {
        self.now += 1;
        let mut effects = Vec::new();
        step(&mut self.owner, &mut effects);
        effects.into_iter().map(|effect| self.see(effect)).collect()
    }

    fn see(&mut self, effect: Effect) -> Seen {
        match effect {
            Effect::Append(draft) => {
                let seq = draft.first_seq().get();
                self.drafts.push(draft);
                Append(seq)
            }
            Effect::Committed { draft, asker } => {
                assert!(asker.may_be_written, "{} was not told", asker.name);
                Committed(asker.name, draft.first_seq().get())
            }
            Effect::Known { seq, asker } => Known(asker.name, seq.get()),
            Effect::Refused { reject, asker } => Refused(asker.name, reject.code()),
            // A key that no log knows.
            Effect::CheckKey { refusal, asker } => {
                let reject = refusal.settle(None).unwrap_err();
                Refused(asker.name, reject.code())
            }
            Effect::Unchanged { asker } => unreachable!("{}: a room always decides", asker.name),
            Effect::LookUp { request, .. } => LookUp(request.asker.name),
            Effect::Behind(request) => Behind(request.asker.name),
            Effect::Reload => Reload,
        }
    }

    fn ask(
        &mut self,
        name: &'static str,
        who: &str,
        key: Option<&str>,
        command: RoomCommand,
    ) -> Vec<Seen> {
        let request = Request {
            by: Principal::new(who.parse().unwrap(), Scopes::default()),
            key: key.map(|word| Key::new(word.parse().unwrap(), &command)),
            command,
            asker: Ticket {
                name,
                may_be_written: false,
            },
        };
        let now = self.at();
        self.run(|owner, effects| owner.submit(request, now, effects))
    }

    /// Ann posts, under the ticket's name as text.
    fn post(&mut self, name: &'static str, key: Option<&str>) -> Vec<Seen> {
        self.ask(name, "ann", key, post(name))
    }

    fn answer(&mut self, answer: Answer) -> Vec<Seen> {
        let now = self.at();
        self.run(|owner, effects| owner.answered(answer, now, effects))
    }

    /// The log has taken the oldest draft that it was handed.
    fn stored(&mut self) -> Vec<Seen> {
        self.lands();
        self.answer(Answer::Stored)
    }

    /// As [`Desk::stored`], but the owner is not told.
    fn lands(&mut self) {
        let draft = self.drafts.remove(0);
        self.log
            .extend(draft.envelopes.iter().map(|envelope| (**envelope).clone()));
    }

    /// The log has not taken the oldest draft that it was handed.
    fn not_stored(&mut self, answer: Answer) -> Vec<Seen> {
        self.drafts.remove(0);
        self.answer(answer)
    }

    fn load(&mut self) -> Vec<Seen> {
        let room = replayed(&self.log);
        let now = self.at();
        self.run(|owner, effects| owner.loaded(room, now, effects))
    }

    /// The owner and the log agree, and nothing is left over.
    fn is_settled(&self) {
        assert!(self.owner.is_idle(), "{:?}", self.owner);
        assert!(self.drafts.is_empty());
        assert_eq!(
            self.owner.state().to_snapshot(),
            replayed(&self.log).to_snapshot()
        );
        for (n, envelope) in (1..).zip(&self.log) {
            assert_eq!(envelope.seq, Seq::new(n), "dense from 1");
        }
    }

    fn texts(&self) -> Vec<String> {
        let posts = self
            .log
            .iter()
            .filter_map(|envelope| match &envelope.event {
                Event::Posted(posted) => Some(posted.text.to_string()),
                _ => None,
            });
        posts.collect()
    }
}

fn vacant() -> Room {
    Room::vacant("alpha".parse().unwrap())
}

fn replayed(log: &[Envelope]) -> Room {
    let mut room = vacant();
    for envelope in log {
        room.apply(envelope);
    }
    room
}

fn a_post(text: &str) -> Post {
    Post {
        id: MessageId::from_uuid(Uuid::from_u128(7)),
        channel: ChannelName::main(),
        text: text.parse().unwrap(),
        reply_to: None,
        reply_seq: None,
        metadata: None,
    }
}

fn post(text: &str) -> RoomCommand {
    RoomCommand::Post(a_post(text))
}

fn join() -> RoomCommand {
    RoomCommand::Join(Join {
        role: None,
        proof: PasswordProof::None,
    })
}

fn make_channel(name: &str) -> RoomCommand {
    RoomCommand::CreateChannel(CreateChannel {
        name: name.parse().unwrap(),
        topic: Topic::none(),
    })
}

fn full() -> Answer {
    Answer::Refused(Reject::StorageFull)
}

#[test]
fn a_command_is_committed_when_the_log_says_so() {
    let mut desk = Desk::live();
    assert_eq!(desk.post("one", None), [Append(3)]);
    assert_eq!(desk.post("two", None), [Append(4)]);
    assert_eq!(
        desk.owner.state().head(),
        Seq::new(2),
        "what is pending does not show"
    );
    assert!(!desk.owner.is_idle());
    assert_eq!(desk.stored(), [Committed("one", 3)]);
    assert_eq!(desk.owner.state().head(), Seq::new(3));
    assert_eq!(desk.stored(), [Committed("two", 4)]);
    desk.is_settled();
}

#[test]
fn what_is_in_flight_counts_when_the_next_command_is_decided() {
    let mut desk = Desk::live();
    assert_eq!(
        desk.ask("first", "ann", None, make_channel("Design")),
        [Append(3)]
    );
    let second = desk.ask("second", "ann", None, make_channel("design"));
    assert_eq!(second, [Refused("second", RejectCode::ChannelExists)]);
    assert_eq!(desk.ask("joins", "bob", None, join()), [Append(4)]);
    assert_eq!(desk.ask("posts", "bob", None, post("hello")), [Append(5)]);
    assert_eq!(desk.stored(), [Committed("first", 3)]);
    assert_eq!(desk.stored(), [Committed("joins", 4)]);
    assert_eq!(desk.stored(), [Committed("posts", 5)]);
    desk.is_settled();
}

#[test]
fn requests_wait_while_the_room_is_read() {
    let mut desk = Desk::live();
    desk.owner = Owner::loading(vacant());
    assert!(desk.owner.is_loading() && !desk.owner.is_idle());
    assert_eq!(desk.post("one", None), []);
    assert_eq!(desk.ask("two", "eve", None, post("hello")), []);
    assert_eq!(desk.post("three", None), []);
    let expected = [Append(3), Refused("two", RejectCode::NotAMember), Append(4)];
    assert_eq!(desk.load(), expected);
}

#[test]
fn everybody_is_told_when_the_room_cannot_be_read() {
    let mut desk = Desk::live();
    desk.post("lost", Some("k"));
    desk.ask("repeats", "ann", Some("k"), post("lost"));
    desk.post("returns", None);
    assert_eq!(
        desk.not_stored(Answer::Unknown),
        [Refused("lost", RejectCode::OutcomeUnknown)]
    );
    desk.post("waits", None);
    assert_eq!(desk.not_stored(Answer::NotNext), [Reload]);
    let reject = Reject::Retry {
        detail: "the store does not answer",
    };
    let told = desk.run(|owner, effects| owner.not_loaded(&reject, effects));
    let all = ["repeats", "returns", "waits"].map(|name| Refused(name, RejectCode::Retry));
    assert_eq!(told, all);
    assert!(
        desk.owner.is_loading(),
        "it must be read before anything can be decided"
    );
    assert_eq!(desk.post("later", None), []);
    assert_eq!(desk.load(), [Append(3)]);
}

#[test]
fn an_answer_to_an_unknown_message_is_looked_up_and_comes_again() {
    let mut desk = Desk::live();
    let to = MessageId::from_uuid(Uuid::from_u128(99));
    let answer = |reply_seq| {
        RoomCommand::Post(Post {
            reply_to: Some(to),
            reply_seq,
            ..a_post("an answer")
        })
    };
    assert_eq!(
        desk.ask("answers", "ann", None, answer(None)),
        [LookUp("answers")]
    );
    desk.is_settled();
    assert_eq!(
        desk.ask("answers", "ann", None, answer(Some(Seq::new(1)))),
        [Append(3)]
    );
}

#[test]
fn time_never_runs_backwards_within_a_stream() {
    let mut desk = Desk::live();
    let jumps = [-5_000, 3, -700, 10_000, -1, 0, -20_000];
    for jump in jumps {
        desk.now += jump;
        desk.post("tick", None);
    }
    for _ in jumps {
        desk.stored();
    }
    // A rebuilt owner knows the time of the last record.
    desk.now -= 50_000;
    desk.owner = Owner::loading(vacant());
    desk.load();
    desk.post("tick", None);
    desk.stored();
    assert!(desk.log.is_sorted_by_key(|envelope| envelope.at));
    desk.is_settled();
}

#[test]
#[should_panic(expected = "an answer belongs to an append in flight")]
fn an_answer_is_counted_once() {
    Desk::live().answer(Answer::Stored);
}
