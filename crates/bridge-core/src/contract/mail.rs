//! Records of mailboxes and of the broadcast stream, written by hand.

use serde_json::json;

use crate::contract::script::{at, client, draft, keyed, metadata, reason, record_of, text};
use crate::event::{
    About, BroadcastsRead, Envelope, Event, LeaseExtended, MailboxOpened, MessageDelivered,
    MessageDied, MessageDone, MessageExpired, MessageReturned, MessageSeen, MessageStored,
    ReceiptKept, ReceiptsTold, Reopened, Stream,
};
use crate::id::{MessageId, Seq, Timestamp};
use crate::message::{
    Body, Ending, Expiry, Failure, MessageKind, Priority, Recipients, Stage, Trace, Via,
};
use crate::ports::Append;

pub(super) fn mailbox(of: &str) -> Stream {
    Stream::Mailbox(client(of))
}

/// An instant of the cases' own, in which messages expire: long before the records were written,
/// so that no store can have read its own clock instead.
pub(super) fn time(millis: i64) -> Timestamp {
    Timestamp::from_millis(millis)
}

/// The id of the message with a number. Greater numbers are newer.
pub(super) fn id(n: u8) -> MessageId {
    MessageId::from_uuid(uuid::Uuid::from_u128(u128::from(n) << 120 | 5))
}

pub(super) fn mail(of: &str, seq: u64, by: &str, event: Event) -> Envelope {
    record_of(mailbox(of), seq, by, event)
}

pub(super) fn to_all(seq: u64, by: &str, event: Event) -> Envelope {
    record_of(Stream::Broadcast, seq, by, event)
}

/// The first record of a mailbox.
pub(super) fn opened(of: &str) -> Envelope {
    let opened = MailboxOpened {
        client: client(of),
        broadcasts_read: Seq::new(3),
    };
    mail(of, 1, of, Event::MailboxOpened(opened))
}

/// Mailboxes, in the order of their creation, each with its first record.
pub(super) fn all_opened<const N: usize>(of: [&str; N]) -> [Append; N] {
    of.map(|of| draft([opened(of)]))
}

pub(super) fn recipients(names: &[&str]) -> Recipients {
    let names = names.iter().map(|name| client(name)).collect();
    Recipients::clients(names).expect("a case names nobody twice")
}

/// A message to one client that expires at some time.
pub(super) fn message(n: u8, expires_at: i64) -> MessageStored {
    MessageStored {
        id: id(n),
        to: recipients(&["bob"]),
        body: Body::Text(text("can you look at this?")),
        kind: MessageKind::Message,
        priority: Priority::default(),
        expires_at: time(expires_at),
        reply_to: None,
        expects_reply: false,
        deadline: None,
        trace: Trace::begin(uuid::Uuid::from_u128(77)),
        metadata: None,
    }
}

/// It is stored in a mailbox; `Ann` sent it.
pub(super) fn stored(of: &str, seq: u64, message: MessageStored) -> Envelope {
    mail(of, seq, "Ann", Event::MessageStored(Box::new(message)))
}

/// The message `n`, which the record at `seq` stored.
pub(super) fn about(seq: u64, n: u8) -> About {
    About {
        message: Seq::new(seq),
        id: id(n),
        from: client("Ann"),
    }
}

pub(super) fn delivered(about: About, attempt: u32, until: i64) -> Event {
    Event::MessageDelivered(MessageDelivered {
        about,
        attempt,
        via: Via::Session,
        until: time(until),
    })
}

pub(super) fn extended(about: About, attempt: u32, until: i64) -> Event {
    Event::LeaseExtended(LeaseExtended {
        about,
        attempt,
        until: time(until),
    })
}

pub(super) fn returned(about: About, attempt: u32, ending: Ending) -> Event {
    Event::MessageReturned(back(about, attempt, ending))
}

pub(super) fn back(about: About, attempt: u32, ending: Ending) -> MessageReturned {
    MessageReturned {
        about,
        attempt,
        ending,
        reason: None,
        not_before: time(4_000),
        reopened: None,
    }
}

pub(super) fn seen(about: About, ends_at: i64) -> Event {
    Event::MessageSeen(MessageSeen {
        about,
        ends_at: time(ends_at),
    })
}

pub(super) fn done(about: About) -> Event {
    Event::MessageDone(MessageDone { about, reply: None })
}

pub(super) fn expired(about: About) -> Event {
    Event::MessageExpired(MessageExpired {
        about,
        why: Expiry::Ttl,
    })
}

pub(super) fn died(about: About, failures: Vec<Failure>) -> Event {
    Event::MessageDied(MessageDied { about, failures })
}

pub(super) fn failure(attempt: u32, at: Timestamp, ending: Ending) -> Failure {
    Failure {
        attempt,
        at,
        ending,
        reason: None,
    }
}

/// What a mailbox needs to take up again a message that had been seen.
pub(super) fn reopened() -> Reopened {
    Reopened {
        stored_at: at(2),
        priority: Priority::default(),
        expires_at: time(100_000),
        expects_reply: false,
        deadline: None,
        attempts: 3,
        failures: vec![failure(1, time(1), Ending::LeaseExpired)],
        bytes: 321,
    }
}

/// The log of a mailbox with every kind of event that one has: records with all their fields and
/// with none of the optional ones.
pub(super) fn one_of_each(of: &str) -> Vec<Envelope> {
    let (long, short) = (about(2, 1), about(3, 2));
    let story = vec![failure(1, time(1), Ending::ConnectionLost), complaint(2)];
    let notice = MessageStored {
        kind: MessageKind::Notice,
        ..message(3, 9_000)
    };
    let receipt = ReceiptKept {
        id: id(7),
        stage: Stage::Expired,
        by: client("CID"),
        reached_at: time(8),
        reason: reason("ttl"),
    };
    let bare_receipt = ReceiptKept {
        stage: Stage::Seen,
        reason: None,
        ..receipt.clone()
    };
    let mut log = vec![opened(of), keyed("a question", stored(of, 2, question()))];
    log.push(stored(of, 3, message(2, 9_000)));
    let events = [
        delivered(long.clone(), 1, 5_000),
        Event::MessageReturned(complained(long.clone())),
        Event::MessageDelivered(by_call(long.clone())),
        extended(long.clone(), 2, 6_500),
        returned(long.clone(), 2, Ending::ServerRestarted),
        seen(long.clone(), 6_000),
        Event::MessageReturned(taken_up_again(long.clone())),
        died(long, story),
        died(about(30, 30), Vec::new()),
        Event::MessageDone(answered(short.clone())),
        done(short.clone()),
        expired(short),
        Event::ReceiptKept(receipt),
        Event::ReceiptKept(bare_receipt),
        Event::ReceiptsTold(ReceiptsTold {
            through: Seq::new(17),
        }),
        Event::BroadcastsRead(BroadcastsRead {
            through: Seq::new(1 << 40),
        }),
    ];
    log.extend(
        (4..)
            .zip(events)
            .map(|(seq, event)| mail(of, seq, "bob.DEV", event)),
    );
    let last = log.len() as u64 + 1;
    let notice = Event::MessageStored(Box::new(notice));
    log.push(mail(of, last, "system", notice));
    let mut from_us = about(last, 3);
    from_us.from = client("system");
    log.push(mail(of, last + 1, "system", delivered(from_us, 1, 5_000)));
    log
}

/// The log of the broadcast stream.
pub(super) fn one_of_each_to_all() -> Vec<Envelope> {
    let bare = MessageStored {
        to: Recipients::All,
        ..message(9, 9_000)
    };
    let full = MessageStored {
        id: id(8),
        to: Recipients::All,
        ..question()
    };
    vec![
        keyed(
            "to all",
            to_all(1, "Ann", Event::MessageStored(Box::new(full))),
        ),
        to_all(2, "system", Event::MessageStored(Box::new(bare))),
    ]
}

/// A message that sets everything.
pub(super) fn question() -> MessageStored {
    let payload = json!({"task": "review", "files": ["a.rs", 1, 2.5, null], "字": {"deep": [[]]}});
    let payload = payload.try_into().expect("a case writes small payloads");
    MessageStored {
        id: id(1),
        to: recipients(&["Bob.Dev", "cid"]),
        body: Body::Payload(payload),
        kind: MessageKind::Command,
        priority: Priority::try_from(3).expect("three is the most urgent"),
        expires_at: time(9_000),
        reply_to: Some(id(200)),
        expects_reply: true,
        deadline: Some(time(7_000)),
        trace: "tr_0192f0c1d2e37000a1b2c3d4e5f60718.12"
            .parse()
            .expect("a case writes valid traces"),
        metadata: Some(metadata(json!({"model": "m-1", "ключ": [true]}))),
    }
}

fn complaint(attempt: u32) -> Failure {
    Failure {
        reason: reason("out of tokens,\n\"again\" — снова 🦀"),
        ..failure(attempt, time(2), Ending::Failed)
    }
}

fn complained(about: About) -> MessageReturned {
    MessageReturned {
        reason: complaint(1).reason,
        ..back(about, 1, Ending::Failed)
    }
}

fn by_call(about: About) -> MessageDelivered {
    MessageDelivered {
        about,
        attempt: 2,
        via: Via::Call,
        until: time(6_000),
    }
}

fn taken_up_again(about: About) -> MessageReturned {
    MessageReturned {
        reopened: Some(Reopened {
            expects_reply: true,
            deadline: Some(time(7_000)),
            ..reopened()
        }),
        ..back(about, 2, Ending::NotConfirmed)
    }
}

fn answered(about: About) -> MessageDone {
    MessageDone {
        about,
        reply: Some(id(3)),
    }
}
