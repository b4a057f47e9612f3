//! An append that the database cannot write leaves its neighbours in the batch alone.

use std::sync::Arc;

use agent_bridge::storage::postgres::Place;
use agent_bridge::storage::{Opened, Which, sqlite};
use bridge_core::event::{Envelope, Event, MailboxOpened, MessageStored, Posted, Stream};
use bridge_core::id::Incarnation;
use bridge_core::message::{Body, MessageKind, Priority, Recipients, Trace};
use bridge_core::owner::Answer;
use bridge_core::ports::{Append, Record};
use bridge_core::{ChannelName, ClientId, Epoch, MessageId, Reject, Seq, Timestamp};
use uuid::Uuid;

use crate::support::postgres::Database;

fn room(name: &str) -> Stream {
    Stream::Room(name.parse().expect("a name"))
}

/// The first record of a room: a message with this id.
fn post(name: &str, id: u128) -> Append {
    let posted = Posted {
        id: MessageId::from_uuid(Uuid::from_u128(id)),
        channel: ChannelName::main(),
        text: "hello".parse().expect("a text"),
        reply_to: None,
        mentions: Vec::new(),
        metadata: None,
    };
    let envelope = Envelope {
        stream: room(name),
        seq: Seq::new(1),
        at: Timestamp::from_millis(1),
        by: "ann".parse().expect("a name"),
        key: None,
        event: Event::Posted(posted),
    };
    Append {
        incarnation: Incarnation::new(1),
        records: vec![Record::new(Arc::new(envelope))],
    }
}

/// On a database of each kind.
fn on_each(test: impl Fn(Opened)) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let database = Database::new();
    let place = Place::parse(database.url()).expect("a good URL");
    let file = folder.path().join(sqlite::FILE_NAME);
    for which in [Which::Sqlite(file), Which::Postgres(place)] {
        let epoch = Epoch::from_uuid(Uuid::from_u128(1));
        println!("on {which}");
        test(which.open(epoch, || ()).expect("a database"));
    }
}

#[test]
fn a_message_id_that_is_taken_fails_alone() {
    on_each(a_message_id_is_taken);
}

fn a_message_id_is_taken(mut opened: Opened) {
    let batch = [post("one", 1), post("two", 1), post("three", 3)];
    let batch: Vec<&Append> = batch.iter().collect();
    let answers = opened.log.append(&batch).expect("the batch is committed");
    assert!(
        matches!(
            &answers[..],
            [
                Answer::Stored,
                Answer::Refused(Reject::Internal { .. }),
                Answer::Stored
            ]
        ),
        "{answers:?}"
    );
    let head = |name| opened.store.head(&room(name)).map(Seq::get);
    assert_eq!(
        (head("one"), head("two"), head("three")),
        (Ok(1), Ok(0), Ok(1))
    );
    let again = post("two", 2);
    assert_eq!(opened.log.append(&[&again]), Ok(vec![Answer::Stored]));
    assert_eq!(head("two"), Ok(1), "its place was not used up");
}

/// A mailbox and a message in it: its first records.
pub(crate) fn mailbox(of: &str, ids: &[u128]) -> Append {
    let client: ClientId = of.parse().expect("a name");
    let opened = Event::MailboxOpened(MailboxOpened {
        client: client.clone(),
        broadcasts_read: Seq::ZERO,
    });
    let stored = ids.iter().map(|id| {
        Event::MessageStored(Box::new(MessageStored {
            id: MessageId::from_uuid(Uuid::from_u128(*id)),
            to: Recipients::one(client.clone()),
            body: Body::Text("hello".parse().expect("a text")),
            kind: MessageKind::Message,
            priority: Priority::default(),
            expires_at: Timestamp::from_millis(1),
            reply_to: None,
            expects_reply: false,
            deadline: None,
            trace: Trace::begin(Uuid::from_u128(1)),
            metadata: None,
        }))
    });
    let records = (1..).zip(std::iter::once(opened).chain(stored));
    let records = records.map(|(seq, event)| {
        Record::new(Arc::new(Envelope {
            stream: Stream::Mailbox(client.clone()),
            seq: Seq::new(seq),
            at: Timestamp::from_millis(1),
            by: client.clone(),
            key: None,
            event,
        }))
    });
    Append {
        incarnation: Incarnation::new(1),
        records: records.collect(),
    }
}

/// Two mailboxes may get one message, but none gets it twice: a second, independent check, should
/// the owner of a mailbox ever forget what it has.
#[test]
fn a_message_that_a_mailbox_has_fails_alone() {
    on_each(a_mailbox_has_the_message);
}

fn a_mailbox_has_the_message(mut opened: Opened) {
    let batch = [
        mailbox("ann", &[1, 2]),
        mailbox("bob", &[1, 3, 1]),
        mailbox("cid", &[1]),
    ];
    let batch: Vec<&Append> = batch.iter().collect();
    let answers = opened.log.append(&batch).expect("the batch is committed");
    assert!(
        matches!(
            &answers[..],
            [
                Answer::Stored,
                Answer::Refused(Reject::Internal { .. }),
                Answer::Stored
            ]
        ),
        "{answers:?}"
    );
    let id = MessageId::from_uuid(Uuid::from_u128(1));
    let history = opened.store.message_history(id).expect("it can be read");
    let streams: Vec<_> = history.iter().map(|record| record.stream.name()).collect();
    assert_eq!(streams, ["ann", "cid"]);
}
