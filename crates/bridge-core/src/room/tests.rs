//! What a room makes of commands: decided, and taken in, through the ledger.

mod adversary;
mod bounds;
mod channels;
mod closing;
mod creating;
mod decisions;
mod granting;
mod joining;
mod leaving;
mod owner;
mod posting;
mod properties;
mod removing;
mod snapshots;

use uuid::Uuid;

use super::{Room, Undecided};
use crate::command::{
    Close, CreateChannel, CreateRoom, Grant, Join, PasswordProof, Post, Remove, RoomCommand,
};
use crate::event::{Envelope, Event};
use crate::id::{ChannelName, ClientId, MessageId, RoomId, Seq, Timestamp};
use crate::owner::{Decision, Ledger};
use crate::policy::{Policy, Role, Visibility};
use crate::principal::{Principal, Scopes};
use crate::reject::RejectCode;
use crate::text::{PasswordHash, Topic};

/// A room in the middle of its life, with its log.
#[derive(Debug, Clone)]
struct Scene {
    ledger: Ledger<Room>,
    log: Vec<Envelope>,
    now: i64,
}

impl Scene {
    /// Nobody has made the room yet.
    fn vacant() -> Self {
        Self {
            ledger: Ledger::new(Room::vacant(room("Alpha"))),
            log: Vec::new(),
            now: 1_000,
        }
    }

    /// Ann has made the room.
    fn of(policy: Policy, password: Option<&str>) -> Self {
        let mut scene = Self::vacant();
        scene.done("ann", create(policy, password));
        scene
    }

    fn open() -> Self {
        Self::of(Policy::default(), None)
    }

    /// Joined with the password `secret`.
    fn listed() -> Self {
        Self::of(
            Policy {
                visibility: Visibility::Listed,
                ..Policy::default()
            },
            Some("secret"),
        )
    }

    fn private() -> Self {
        Self::of(
            Policy {
                visibility: Visibility::Private,
                ..Policy::default()
            },
            None,
        )
    }

    /// An open room that these have joined, one after the other.
    fn open_with(names: &[&str]) -> Self {
        let mut scene = Self::open();
        for name in names {
            scene.done(name, join());
        }
        scene
    }

    fn room(&self) -> &Room {
        self.ledger.committed()
    }

    fn try_by(
        &mut self,
        by: &Principal,
        command: &RoomCommand,
    ) -> Result<Vec<Event>, Undecided<MessageId>> {
        self.now += 1;
        let now = Timestamp::from_millis(self.now);
        let decision = self.ledger.submit(command, by, None, now)?;
        assert!(
            matches!(decision, Decision::Append(_)),
            "no key, no duplicate: {decision:?}"
        );
        let draft = self.ledger.confirm();
        let envelopes = draft.envelopes.iter().map(|envelope| (**envelope).clone());
        self.log.extend(envelopes);
        Ok(draft
            .envelopes
            .iter()
            .map(|envelope| envelope.event.clone())
            .collect())
    }

    /// Somebody's command, which must be carried out.
    fn done(&mut self, who: &str, command: RoomCommand) -> Vec<Event> {
        self.try_by(&principal(who), &command)
            .unwrap_or_else(|why| panic!("{who}'s {}: {why:?}", command.name()))
    }

    /// Somebody's command, which must be refused and leave the room as it was.
    fn refused(&mut self, who: &str, command: RoomCommand) -> RejectCode {
        self.refused_by(&principal(who), &command)
    }

    fn refused_by(&mut self, by: &Principal, command: &RoomCommand) -> RejectCode {
        let before = self.ledger.clone();
        let code = match self.try_by(by, command) {
            Err(Undecided::Refused(reject)) => reject.code(),
            other => panic!("{}'s {} led to {other:?}", by.client(), command.name()),
        };
        assert_eq!(before, self.ledger);
        code
    }

    fn role(&self, who: &str) -> Option<Role> {
        self.room()
            .members()
            .get(&client(who))
            .map(|member| member.role)
    }

    fn requested(&self, who: &str) -> Option<Role> {
        self.room()
            .members()
            .get(&client(who))
            .and_then(|member| member.requested_role)
    }
}

fn room(name: &str) -> RoomId {
    name.parse().unwrap()
}

fn client(name: &str) -> ClientId {
    name.parse().unwrap()
}

fn channel(name: &str) -> ChannelName {
    name.parse().unwrap()
}

fn topic(text: &str) -> Topic {
    text.parse().unwrap()
}

/// A client with the default scopes; `root` administers the server.
fn principal(who: &str) -> Principal {
    scoped(
        who,
        if who == "root" {
            "room admin"
        } else {
            "message room orchestrate"
        },
    )
}

fn scoped(who: &str, scopes: &str) -> Principal {
    Principal::new(client(who), scopes.parse::<Scopes>().unwrap())
}

fn create(policy: Policy, password: Option<&str>) -> RoomCommand {
    RoomCommand::Create(CreateRoom {
        room: room("Alpha"),
        topic: topic("a topic"),
        policy,
        password: password.map(PasswordHash::new),
    })
}

fn join() -> RoomCommand {
    join_with(PasswordProof::None)
}

fn join_as(role: Role) -> RoomCommand {
    RoomCommand::Join(Join {
        role: Some(role),
        proof: PasswordProof::None,
    })
}

fn join_with(proof: PasswordProof) -> RoomCommand {
    RoomCommand::Join(Join { role: None, proof })
}

fn knows(hash: &str) -> PasswordProof {
    PasswordProof::Matches(PasswordHash::new(hash))
}

fn leave() -> RoomCommand {
    RoomCommand::Leave
}

fn close() -> RoomCommand {
    RoomCommand::Close(Close { reason: None })
}

fn grant(to: &str, role: Role) -> RoomCommand {
    RoomCommand::Grant(Grant {
        client: client(to),
        role,
    })
}

fn remove(whom: &str) -> RoomCommand {
    RoomCommand::Remove(Remove {
        client: client(whom),
        reason: None,
    })
}

fn make_channel(name: &str) -> RoomCommand {
    RoomCommand::CreateChannel(CreateChannel {
        name: channel(name),
        topic: Topic::none(),
    })
}

fn message(n: u128) -> MessageId {
    MessageId::from_uuid(Uuid::from_u128(n))
}

fn post(text: &str) -> RoomCommand {
    RoomCommand::Post(a_post(text, 1))
}

fn a_post(text: &str, id: u128) -> Post {
    Post {
        id: message(id),
        channel: ChannelName::main(),
        text: text.parse().unwrap(),
        reply_to: None,
        reply_seq: None,
        metadata: None,
    }
}

fn kinds(events: &[Event]) -> Vec<&'static str> {
    events.iter().map(Event::kind).collect()
}

/// The room after its log, from the first record.
fn replayed(log: &[Envelope]) -> Room {
    let mut room = Room::vacant(room("alpha"));
    for envelope in log {
        room.apply(envelope);
    }
    room
}

#[test]
fn a_record_carries_its_place_its_time_and_its_author() {
    let mut scene = Scene::open_with(&["bob"]);
    scene.done("Bob", post("hello"));
    let seqs: Vec<_> = scene
        .log
        .iter()
        .map(|envelope| envelope.seq.get())
        .collect();
    assert_eq!(seqs, [1, 2, 3, 4]);
    let last = &scene.log[3];
    assert_eq!(
        (last.by.as_str(), last.stream.to_string().as_str()),
        ("Bob", "room:Alpha")
    );
    assert_eq!(last.at, Timestamp::from_millis(scene.now));
    assert_eq!(scene.room().head(), Seq::new(4));
}

#[test]
fn time_never_runs_backwards_in_a_log() {
    let mut scene = Scene::open();
    let founded_at = scene.log[1].at;
    scene.now -= 10_000;
    scene.done("bob", join());
    assert_eq!(scene.log[2].at, founded_at);
    scene.now += 20_000;
    scene.done("bob", leave());
    assert_eq!(scene.log[3].at, Timestamp::from_millis(scene.now));
}

#[test]
#[should_panic(expected = "a gap in the log")]
fn a_room_does_not_take_in_a_record_twice() {
    let scene = Scene::open();
    let mut room = scene.room().clone();
    room.apply(&scene.log[1]);
}

#[test]
#[should_panic(expected = "a record of another stream")]
fn a_room_does_not_take_in_another_rooms_record() {
    Room::vacant(room("beta")).apply(&Scene::open().log[0]);
}
