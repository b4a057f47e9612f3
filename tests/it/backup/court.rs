//! A room in which motions are decided and criticised, written to a database that no server uses, by
//! the rules of the room itself.

use std::sync::Arc;

use agent_bridge::storage::postgres::Place;
use agent_bridge::storage::{Opened, Which, sqlite};
use bridge_core::aggregate::system;
use bridge_core::command::{
    Adopt, Amend, CreateRoom, Critique, Grant, Join, PasswordProof, Post, Propose, Resolve,
    RoomCommand, SetPolicy, Vote, Waive, Withdraw,
};
use bridge_core::decision::{Choice, Consent, Severity, Target, VoteType};
use bridge_core::event::Envelope;
use bridge_core::id::Incarnation;
use bridge_core::owner::Answer;
use bridge_core::policy::{Policy, Role, Visibility};
use bridge_core::ports::{Append, Record};
use bridge_core::room::Room;
use bridge_core::{
    ChannelName, CritiqueId, DecisionId, Epoch, MessageId, Principal, Scopes, Timestamp,
};
use uuid::Uuid;

use super::Kept;

struct Court {
    room: Room,
    opened: Opened,
    now: Timestamp,
}

/// Everything that a room can record of motions and critiques. Of its motions one stays open, with
/// critiques that stand, of it and of a post.
pub(super) fn make(kept: &Kept) {
    let which = match kept {
        Kept::Sqlite(folder) => Which::Sqlite(folder.join(sqlite::FILE_NAME)),
        Kept::Postgres(database) => {
            Which::Postgres(Place::parse(database.url()).expect("a good URL"))
        }
    };
    let epoch = Epoch::from_uuid(Uuid::from_u128(1));
    let opened = which.open(epoch, || ()).expect("a database");
    let now = opened.store.latest().expect("it can be read");
    let name = "Court".parse().expect("a name");
    let mut court = Court {
        room: Room::vacant(name),
        opened,
        now,
    };
    court.convene();
    court.decide();
    court.leave_something_open();
}

fn decision(n: u128) -> DecisionId {
    DecisionId::from_uuid(Uuid::from_u128(n << 64))
}

fn critique(n: u128) -> CritiqueId {
    CritiqueId::from_uuid(Uuid::from_u128(n << 64))
}

fn propose(n: u128, deadline_seconds: u32) -> RoomCommand {
    RoomCommand::Propose(Propose {
        id: decision(n),
        channel: ChannelName::main(),
        text: format!("設計 {n}").parse().expect("a text"),
        vote_type: VoteType::SimpleMajority,
        quorum: None,
        deadline_seconds,
        exclude_proposer: false,
        alternative_to: (n == 2).then(|| decision(1)),
    })
}

fn vote(n: u128, version: u32, choice: Choice) -> RoomCommand {
    let reason = Some("weil: \"字\"".parse().expect("a reason"));
    RoomCommand::Vote(Vote {
        decision: decision(n),
        version,
        choice,
        reason,
    })
}

fn criticise(n: u128, target: Target) -> RoomCommand {
    RoomCommand::Critique(Critique {
        id: critique(n),
        target,
        severity: Severity::Blocking,
        text: "zu langsam".parse().expect("a text"),
        target_seq: None,
    })
}

impl Court {
    fn ask(&mut self, by: &str, command: &RoomCommand) {
        let by = Principal::new(by.parse().expect("a name"), Scopes::default());
        self.carry_out(&by, command);
    }

    /// So many seconds later the server looks what time has decided.
    fn conclude_after(&mut self, seconds: u32) {
        self.now = self.now.plus_seconds(seconds);
        self.carry_out(&system(), &RoomCommand::Conclude);
    }

    fn carry_out(&mut self, by: &Principal, command: &RoomCommand) {
        let events = self.room.decide(command, by, self.now);
        let events = events.unwrap_or_else(|why| panic!("{}: {why:?}", command.name()));
        assert!(!events.is_empty(), "{}: nothing follows", command.name());
        let mut records = Vec::new();
        for event in events {
            let envelope = Envelope {
                stream: bridge_core::event::Stream::Room(self.room.id().clone()),
                seq: self.room.head().next(),
                at: self.now,
                by: by.client().clone(),
                key: None,
                event,
            };
            self.room.apply(&envelope);
            records.push(Record::new(Arc::new(envelope)));
        }
        let append = Append {
            incarnation: Incarnation::new(1),
            records,
        };
        let answers = self.opened.log.append(&[&append]);
        assert_eq!(answers, Ok(vec![Answer::Stored]));
    }

    fn convene(&mut self) {
        let create = CreateRoom {
            room: self.room.id().clone(),
            topic: "Gericht ⚖".parse().expect("a topic"),
            policy: Policy::default(),
            password: None,
        };
        self.ask("ann", &RoomCommand::Create(create));
        for name in ["bob", "Rev"] {
            let (role, proof) = (None, PasswordProof::None);
            self.ask(name, &RoomCommand::Join(Join { role, proof }));
        }
        let (client, role) = ("rev".parse().expect("a name"), Role::Reviewer);
        self.ask("ann", &RoomCommand::Grant(Grant { client, role }));
    }

    /// One is approved after its window, with which its alternative ends; one is vetoed, one expires,
    /// one is taken back.
    fn decide(&mut self) {
        for n in 1..=5 {
            self.ask("ann", &propose(n, 600));
        }
        self.ask(
            "ann",
            &RoomCommand::Withdraw(Withdraw {
                decision: decision(5),
            }),
        );
        self.ask("bob", &criticise(1, Target::Decision(decision(1))));
        self.ask("bob", &criticise(2, Target::Decision(decision(1))));
        self.ask("bob", &criticise(3, Target::Decision(decision(3))));
        let resolve = Resolve {
            critique: critique(1),
            text: None,
        };
        self.ask("bob", &RoomCommand::Resolve(resolve));
        for name in ["ann", "Rev"] {
            let waive = Waive {
                critique: critique(2),
                text: None,
            };
            self.ask(name, &RoomCommand::Waive(waive));
        }
        let amend = Amend {
            decision: decision(1),
            version: 1,
            text: "設計 1b".parse().expect("a text"),
        };
        self.ask("bob", &RoomCommand::Amend(amend));
        let adopt = Adopt {
            decision: decision(1),
            amendment: 1,
            choice: Consent::Approve,
        };
        self.ask("ann", &RoomCommand::Adopt(adopt));
        self.ask("ann", &vote(1, 2, Choice::Approve));
        self.ask("bob", &vote(1, 2, Choice::Approve));
        self.ask("Rev", &vote(3, 1, Choice::Veto));
        self.conclude_after(60);
        assert_eq!(self.room.open_motions().count(), 1);
        self.conclude_after(600);
        assert_eq!(self.room.open_motions().count(), 0);
    }

    fn leave_something_open(&mut self) {
        let id = MessageId::from_uuid(Uuid::from_u128(7 << 64));
        let post = Post {
            id,
            channel: ChannelName::main(),
            text: "hört, hört".parse().expect("a text"),
            reply_to: None,
            reply_seq: None,
            metadata: None,
        };
        self.ask("bob", &RoomCommand::Post(post));
        let mut change = SetPolicy {
            visibility: Some(Visibility::Listed),
            ..SetPolicy::default()
        };
        change.veto_window_seconds = Some(30);
        self.ask("ann", &RoomCommand::SetPolicy(change));
        self.ask("ann", &propose(6, 600));
        self.ask("bob", &criticise(4, Target::Decision(decision(6))));
        self.ask("bob", &criticise(5, Target::Message(id)));
    }
}
