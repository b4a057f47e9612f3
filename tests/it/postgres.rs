//! What only PostgreSQL can do to a server: to have another owner, to be lost and to come back.

mod commit;
mod heals;
mod keys;
mod owner;
mod proxy;
mod start;

use std::sync::Arc;

use agent_bridge::storage::postgres::{self, Opened, Place};
use bridge_core::event::{Envelope, Event, Posted, Stream};
use bridge_core::id::Incarnation;
use bridge_core::owner::Answer;
use bridge_core::ports::{Append, Log, LogFailure, Reader, Record};
use bridge_core::{ChannelName, Epoch, MessageId, Seq, Timestamp};
use uuid::Uuid;

fn open(url: &str) -> Opened {
    let place = Place::parse(url).expect("a good URL");
    let epoch = Epoch::from_uuid(Uuid::from_u128(1));
    postgres::open(place, epoch, || ()).expect("a database")
}

fn den() -> Stream {
    Stream::Room("den".parse().expect("a name"))
}

/// A post at a position of the room.
fn post(seq: u64) -> Append {
    let posted = Posted {
        id: MessageId::from_uuid(Uuid::from_u128(u128::from(seq))),
        channel: ChannelName::main(),
        text: "hello".parse().expect("a text"),
        reply_to: None,
        mentions: Vec::new(),
        metadata: None,
    };
    let envelope = Envelope {
        stream: den(),
        seq: Seq::new(seq),
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

fn append(log: &mut dyn Log, seq: u64) -> Result<Vec<Answer>, LogFailure> {
    log.append(&[&post(seq)])
}

fn head(opened: &Opened) -> u64 {
    opened.store.head(&den()).expect("it can be read").get()
}
