//! What clients want, and how long they go on wanting it.

mod decisions;

use bridge_core::command::{
    Close, CreateChannel, CreateRoom, Grant, Join, Key, PasswordProof, Post, Remove, RoomCommand,
};
use bridge_core::fake::CountingIds;
use bridge_core::policy::{Policy, Role, VetoHolders};
use bridge_core::ports::Ids;
use bridge_core::room::Room;
use bridge_core::text::Topic;
use bridge_core::{
    ChannelName, ClientId, IdempotencyKey, MessageId, Principal, RoomId, Scopes, Seq,
};

use crate::rng::Rng;

/// One thing that a client wants. It may take several requests.
pub(crate) struct Intent {
    pub(crate) house: usize,
    pub(crate) client: ClientId,
    pub(crate) command: RoomCommand,
    pub(crate) key: Option<IdempotencyKey>,
    /// The key was used before, for something else. This must never be carried out.
    pub(crate) is_misuse: bool,
    /// Requests that are not answered yet.
    pub(crate) under_way: usize,
    /// The receipt, when it was given.
    pub(crate) receipt: Option<Seq>,
    /// Whether anybody was told that it may have been carried out without a receipt.
    pub(crate) may_be_written: bool,
}

impl Intent {
    pub(crate) fn by(&self) -> Principal {
        Principal::new(self.client.clone(), Scopes::default())
    }

    /// The command as the server makes it of one request: with an id of its own.
    pub(crate) fn request(&self, ids: &CountingIds) -> (RoomCommand, Option<Key>) {
        let mut command = self.command.clone();
        match &mut command {
            RoomCommand::Post(post) => post.id = ids.message(),
            RoomCommand::Propose(propose) => propose.id = ids.decision(),
            RoomCommand::Critique(critique) => critique.id = ids.critique(),
            _ => {}
        }
        let key = self.key.clone().map(|word| Key::new(word, &command));
        (command, key)
    }

    /// The words that no other intent says.
    pub(crate) fn text(&self) -> Option<&str> {
        match &self.command {
            RoomCommand::Post(post) => Some(&post.text),
            _ => None,
        }
    }
}

pub(crate) fn name(n: usize) -> ClientId {
    format!("client-{n}").parse().expect("a valid name")
}

/// What somebody wants next. `number` makes its text and its key its own.
pub(crate) fn wish(
    rng: &mut Rng,
    number: usize,
    clients: usize,
    room: &RoomId,
    shown: &Room,
) -> RoomCommand {
    let somebody = name(rng.below(clients));
    match rng.below(100) {
        0..4 => RoomCommand::Create(CreateRoom {
            room: room.clone(),
            topic: Topic::none(),
            policy: policy(rng),
            password: None,
        }),
        4..16 => {
            let role = rng.one_in(2).then(|| rng.pick(&Role::ALL));
            RoomCommand::Join(Join {
                role,
                proof: PasswordProof::None,
            })
        }
        16..20 => RoomCommand::Leave,
        20..24 => RoomCommand::Grant(Grant {
            client: somebody,
            role: rng.pick(&Role::ALL),
        }),
        24..26 => RoomCommand::Remove(Remove {
            client: somebody,
            reason: None,
        }),
        26..31 => {
            let name = format!("channel-{}", rng.below(9))
                .parse()
                .expect("a valid name");
            RoomCommand::CreateChannel(CreateChannel {
                name,
                topic: Topic::none(),
            })
        }
        31 if rng.one_in(60) => RoomCommand::Close(Close { reason: None }),
        32..60 => decisions::wish(rng, number, shown),
        _ => post(rng, number),
    }
}

/// Vetoes are held by some who get their role without asking, and windows end while the world lasts.
fn policy(rng: &mut Rng) -> Policy {
    Policy {
        veto: VetoHolders {
            roles: vec![Role::Reviewer, Role::Coder, Role::Tester],
            clients: Vec::new(),
        },
        veto_window_seconds: rng.pick(&[0, 5, 60]),
        ..Policy::default()
    }
}

fn post(rng: &mut Rng, number: usize) -> RoomCommand {
    let channel = match rng.below(12) {
        0 => format!("channel-{}", rng.below(9))
            .parse()
            .expect("a valid name"),
        _ => ChannelName::main(),
    };
    // Ids are given one after the other, so this is often a message, of this room or another.
    let guess = uuid::Uuid::from_u128(rng.below(400) as u128);
    let reply_to = rng.one_in(8).then(|| MessageId::from_uuid(guess));
    RoomCommand::Post(Post {
        id: MessageId::from_uuid(uuid::Uuid::nil()),
        channel,
        text: format!("wish {number}").parse().expect("a valid text"),
        reply_to,
        reply_seq: None,
        metadata: None,
    })
}

/// How many ticks until a client tries again: mostly soon, sometimes much later.
pub(crate) fn patience(rng: &mut Rng) -> usize {
    if rng.one_in(6) {
        50 + rng.below(600)
    } else {
        1 + rng.below(8)
    }
}
