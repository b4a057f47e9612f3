//! An append that the database cannot write leaves its neighbours in the batch alone.

use std::sync::Arc;

use agent_bridge::storage::sqlite;
use bridge_core::event::{Envelope, Event, Posted, Stream};
use bridge_core::id::Incarnation;
use bridge_core::ports::{Append, Log, Reader, Record};
use bridge_core::room::Answer;
use bridge_core::{ChannelName, Epoch, MessageId, Reject, Seq, Timestamp};
use uuid::Uuid;

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

#[test]
fn a_message_id_that_is_taken_fails_alone() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = folder.path().join(sqlite::FILE_NAME);
    let epoch = Epoch::from_uuid(Uuid::from_u128(1));
    let mut opened = sqlite::open(&file, epoch).expect("a database");
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
