//! What clients and the server want of mailboxes, and how long they go on wanting it.

use bridge_core::aggregate::system;
use bridge_core::command::Key;
use bridge_core::event::ReceiptKept;
use bridge_core::fake::CountingIds;
use bridge_core::mailbox::{Ack, Deliver, KeepReceipt, MailboxCommand, Replied, Reserved, Take};
use bridge_core::message::{
    AckStage, Body, MessageKind, Outgoing, Recipients, ReplyWanted, Stage, Trace,
};
use bridge_core::ports::Ids;
use bridge_core::{ClientId, IdempotencyKey, MessageId, Principal, Scopes, Seq};

use super::RULES;
use super::checker::Mirror;
use super::desk::Desk;
use crate::clients::name;
use crate::rng::Rng;

/// One thing that somebody wants. It may take several requests.
pub(super) struct Intent {
    pub(super) desk: usize,
    pub(super) by: Principal,
    pub(super) command: MailboxCommand,
    pub(super) key: Option<IdempotencyKey>,
    /// The key was used before, for something else. This must never be carried out.
    pub(super) is_misuse: bool,
    /// Requests that are not answered yet.
    pub(super) under_way: usize,
    /// The receipt, when it was given.
    pub(super) receipt: Option<Seq>,
    /// Whether anybody was told that it may have been carried out without a receipt.
    pub(super) may_be_written: bool,
}

impl Intent {
    pub(super) fn new(
        desk: usize,
        by: Principal,
        command: MailboxCommand,
        key: Option<IdempotencyKey>,
    ) -> Self {
        Self {
            desk,
            by,
            command,
            key,
            is_misuse: false,
            under_way: 0,
            receipt: None,
            may_be_written: false,
        }
    }

    /// The command as the server makes it of one request: with an id of its own.
    pub(super) fn request(&self, ids: &CountingIds) -> (MailboxCommand, Option<Key>) {
        let mut command = self.command.clone();
        if let MailboxCommand::Deliver(deliver) = &mut command {
            deliver.message.id = ids.message();
        }
        let key = self.key.clone().map(|word| match &command {
            // As the follower makes it.
            MailboxCommand::KeepReceipt(keep) => Key::new(word, &keep.receipt),
            command => Key::new(word, command),
        });
        (command, key)
    }

    /// The words that no other intent says.
    pub(super) fn text(&self) -> Option<&str> {
        match &self.command {
            MailboxCommand::Deliver(deliver) => match &deliver.message.body {
                Body::Text(text) => Some(text),
                Body::Payload(_) => None,
            },
            _ => None,
        }
    }
}

pub(super) fn by(client: &ClientId) -> Principal {
    Principal::new(client.clone(), Scopes::default())
}

/// What somebody wants next. `number` makes its text and its key its own.
pub(super) fn wish(rng: &mut Rng, number: usize, n: usize, desk: &Desk, log: &Mirror) -> Intent {
    let key = (!rng.one_in(5)).then(|| format!("key-{number}"));
    let key = key.map(|word| word.parse().expect("a valid key"));
    let own = by(&desk.client);
    match rng.below(100) {
        0..30 => {
            let sender = by(&name(100 + rng.below(3)));
            Intent::new(n, sender, deliver(rng, number, &desk.client), key)
        }
        30..70 => Intent::new(n, own, ack(rng, log), key),
        70..80 => Intent::new(n, own, take(rng, desk), None),
        80..88 => Intent::new(n, system(), replied(rng, log), None),
        88..94 => Intent::new(n, system(), receipt(number), key),
        94..96 => {
            let through = Seq::new(log.len() as u64);
            Intent::new(n, system(), MailboxCommand::ReceiptsTold { through }, None)
        }
        96..98 => {
            let through = Seq::new(rng.below(50) as u64);
            Intent::new(
                n,
                system(),
                MailboxCommand::BroadcastsRead { through },
                None,
            )
        }
        _ => {
            let broadcasts_read = Seq::ZERO;
            Intent::new(n, own, MailboxCommand::Open { broadcasts_read }, None)
        }
    }
}

fn deliver(rng: &mut Rng, number: usize, to: &ClientId) -> MailboxCommand {
    let ttl_seconds = rng.pick(&[2, 10, 60, 600, 3_600]);
    let expects_reply = rng.one_in(3).then(|| {
        let seconds = 1 + u32::try_from(rng.below(60)).expect("a small number");
        ReplyWanted {
            deadline_seconds: rng.one_in(2).then(|| seconds.min(ttl_seconds)),
        }
    });
    let priority = u8::try_from(rng.below(4)).expect("a small number");
    MailboxCommand::Deliver(Box::new(Deliver {
        message: Outgoing {
            id: MessageId::from_uuid(uuid::Uuid::nil()),
            to: Recipients::one(to.clone()),
            body: Body::Text(format!("wish {number}").parse().expect("a valid text")),
            kind: MessageKind::Message,
            priority: priority.try_into().expect("one of four"),
            ttl_seconds,
            reply_to: None,
            expects_reply,
            keep: rng.one_in(4),
            trace_given: None,
            trace: Trace::begin(uuid::Uuid::from_u128(number as u128)),
            metadata: None,
        },
        reserved: Reserved::Others(0),
        as_at_home: None,
    }))
}

/// A message that its client got, lately or long ago, or one that never was.
fn some_message(rng: &mut Rng, log: &Mirror) -> (MessageId, Option<ClientId>) {
    let lately = log.tracks.len().min(8);
    let range = if rng.one_in(3) {
        log.tracks.len()
    } else {
        lately
    };
    let place = rng.below(range + 1);
    let mut latest_first = log.tracks.values().rev();
    match latest_first.nth(place) {
        Some(track) => (track.id, Some(track.from.clone())),
        None => (MessageId::from_uuid(uuid::Uuid::from_u128(u128::MAX)), None),
    }
}

fn ack(rng: &mut Rng, log: &Mirror) -> MailboxCommand {
    let stages = [AckStage::Done, AckStage::Seen, AckStage::Failed];
    MailboxCommand::Ack(Box::new(Ack {
        id: some_message(rng, log).0,
        stage: rng.pick(&stages),
        reason: None,
        found: None,
        rules: RULES,
    }))
}

fn take(rng: &mut Rng, desk: &Desk) -> MailboxCommand {
    MailboxCommand::Take(Take {
        is_new_call: rng.below(4) > 0,
        confirm: desk.batch.filter(|_| rng.below(4) > 0),
        messages_max: 1 + rng.below(4),
        bytes_max: usize::MAX,
        only_from: None,
        rules: RULES,
    })
}

fn replied(rng: &mut Rng, log: &Mirror) -> MailboxCommand {
    let (id, from) = some_message(rng, log);
    MailboxCommand::Replied(Replied {
        id,
        reply: MessageId::from_uuid(uuid::Uuid::from_u128(1 << 100)),
        to: from.into_iter().collect(),
        found: None,
    })
}

fn receipt(number: usize) -> MailboxCommand {
    let receipt = ReceiptKept {
        id: MessageId::from_uuid(uuid::Uuid::from_u128(number as u128)),
        stage: Stage::Done,
        by: name(100),
        reached_at: bridge_core::Timestamp::default(),
        reason: None,
    };
    MailboxCommand::KeepReceipt(KeepReceipt { receipt })
}
