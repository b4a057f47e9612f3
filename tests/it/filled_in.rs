//! What a new version of the schema keeps of the log is filled in for the records that are there:
//! after the step back and forth again everything is as it was.

use std::path::Path;
use std::sync::Arc;

use agent_bridge::storage::postgres::Place;
use agent_bridge::storage::{Opened, Which, sqlite};
use bridge_core::event::{
    About, Envelope, Event, MailboxOpened, MessageDone, MessageStored, Posted, Stream,
};
use bridge_core::id::Incarnation;
use bridge_core::message::{Body, MessageKind, Priority, Recipients, Trace};
use bridge_core::owner::Answer;
use bridge_core::ports::{Append, QuestionsQuery, Record, ThreadQuery};
use bridge_core::{ChannelName, Epoch, MessageId, Seq, Timestamp};
use diesel::connection::SimpleConnection;
use diesel::{Connection, SqliteConnection};
use serde_json::json;
use uuid::Uuid;

use crate::support::postgres::Database;

/// A database of a kind, and how to say something to it when nobody else does.
struct Kind<'a> {
    which: Which,
    folder: &'static str,
    say: &'a dyn Fn(&str),
}

impl Kind<'_> {
    fn open(&self) -> Opened {
        let epoch = Epoch::from_uuid(Uuid::from_u128(1));
        self.which.open(epoch, || ()).expect("a database")
    }

    /// Something else stands where the body of a record was.
    fn damage(&self, seq: u64, with: &str) {
        let body: String = with.bytes().map(|byte| format!("{byte:02x}")).collect();
        let body = match self.folder {
            "sqlite" => format!("x'{body}'"),
            _ => format!("decode('{body}', 'hex')"),
        };
        (self.say)(&format!("UPDATE log SET body = {body} WHERE seq = {seq}"));
    }

    /// Takes a step of the schema back, as if it had never been made.
    fn take_back(&self, step: &str) {
        let migrations = Path::new(env!("CARGO_MANIFEST_DIR")).join("migrations");
        let down = migrations.join(self.folder).join(step).join("down.sql");
        (self.say)(&std::fs::read_to_string(down).expect("a step has its way back"));
        let version: String = step.chars().filter(char::is_ascii_digit).collect();
        (self.say)(&format!(
            "DELETE FROM __diesel_schema_migrations WHERE version = '{version}'"
        ));
    }
}

/// On a database of each kind.
fn on_each(test: impl Fn(&Kind<'_>)) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = folder.path().join(sqlite::FILE_NAME);
    let say = |sql: &str| {
        let file = file.to_str().expect("UTF-8");
        let mut database = SqliteConnection::establish(file).expect("a database");
        database.batch_execute(sql).expect("a good statement");
    };
    test(&Kind {
        which: Which::Sqlite(file.clone()),
        folder: "sqlite",
        say: &say,
    });
    let database = Database::new();
    let say = |sql: &str| drop(database.sql(sql));
    test(&Kind {
        which: Which::Postgres(Place::parse(database.url()).expect("a good URL")),
        folder: "postgres",
        say: &say,
    });
}

fn append(opened: &mut Opened, stream: &Stream, events: Vec<Event>) {
    for (seq, event) in (1..).zip(events) {
        let envelope = Envelope {
            stream: stream.clone(),
            seq: Seq::new(seq),
            at: Timestamp::from_millis(1),
            by: "ann".parse().expect("a name"),
            key: None,
            event,
        };
        let append = Append {
            incarnation: Incarnation::new(1),
            records: vec![Record::new(Arc::new(envelope))],
        };
        assert_eq!(opened.log.append(&[&append]), Ok(vec![Answer::Stored]));
    }
}

fn id(n: u128) -> MessageId {
    MessageId::from_uuid(Uuid::from_u128(n))
}

fn message(n: u128, body: Body, expects_reply: bool) -> MessageStored {
    let recipients = vec!["bob".parse().expect("a name")];
    MessageStored {
        id: id(n),
        to: Recipients::clients(recipients).expect("one"),
        body,
        kind: MessageKind::Message,
        priority: Priority::default(),
        expires_at: Timestamp::from_millis(9_000),
        reply_to: None,
        expects_reply,
        deadline: (n == 2).then(|| Timestamp::from_millis(3_000)),
        trace: Trace::begin(Uuid::from_u128(7)),
        metadata: None,
    }
}

fn stored(n: u128, text: &str, expects_reply: bool) -> Event {
    let body = Body::Text(text.parse().expect("a text"));
    Event::MessageStored(Box::new(message(n, body, expects_reply)))
}

#[test]
fn questions_of_an_older_version_wait_too() {
    on_each(questions);
}

fn questions(kind: &Kind<'_>) {
    let bob = Stream::Mailbox("bob".parse().expect("a name"));
    let payload = json!({"expects_reply": true, "text": "\"expects_reply\":true"});
    let payload = Body::Payload(payload.try_into().expect("a small one"));
    let opening = MailboxOpened {
        client: "bob".parse().expect("a name"),
        broadcasts_read: Seq::ZERO,
    };
    let done = MessageDone {
        about: About {
            message: Seq::new(6),
            id: id(5),
            from: "ann".parse().expect("a name"),
        },
        reply: None,
    };
    let events = vec![
        Event::MailboxOpened(opening),
        stored(1, "is it \u{0} done? \\u0000 \\\u{0} \\\\", true),
        stored(2, "now?", true),
        stored(3, "for your information", false),
        Event::MessageStored(Box::new(message(4, payload, false))),
        stored(5, "answered", true),
        stored(6, "it will be damaged", true),
        Event::MessageDone(done),
    ];
    let mut opened = kind.open();
    append(&mut opened, &bob, events);
    let waiting = |opened: &Opened| {
        let client = "bob".parse().expect("a name");
        let query = QuestionsQuery {
            after: None,
            rows_max: 9,
        };
        let found = opened.store.open_questions(&client, &query);
        let found = found.expect("whole records").into_iter();
        found.map(|record| record.seq.get()).collect::<Vec<_>>()
    };
    assert_eq!(waiting(&opened), [3, 2, 7]);
    drop(opened);
    kind.damage(7, "\"expects_reply\":true");
    kind.take_back("2026-11-25-000001_questions");
    // The damaged record keeps nobody from starting; who reads it is told.
    let opened = kind.open();
    assert_eq!(waiting(&opened), [3, 2]);
}

fn post(n: u128, text: &str, reply_to: Option<u128>) -> Event {
    Event::Posted(Posted {
        id: id(n),
        channel: ChannelName::main(),
        text: text.parse().expect("a text"),
        reply_to: reply_to.map(id),
        mentions: Vec::new(),
        metadata: Some(
            json!({"reply_to": "msg_00000000000000000000000000000001"})
                .try_into()
                .expect("small"),
        ),
    })
}

#[test]
fn answers_of_an_older_version_are_in_their_threads() {
    on_each(answers);
}

fn answers(kind: &Kind<'_>) {
    let den = Stream::Room("den".parse().expect("a name"));
    let events = vec![
        post(1, "first", None),
        post(2, "\u{0} \\u0000 \\\u{0} \"reply_to\":\"msg_\"", Some(1)),
        post(3, "another", None),
        post(4, "deep", Some(2)),
        post(5, "it will be damaged", Some(1)),
    ];
    let mut opened = kind.open();
    append(&mut opened, &den, events);
    let thread = |opened: &Opened| {
        let query = ThreadQuery {
            after: Seq::ZERO,
            records_max: 9,
        };
        let den = "den".parse().expect("a name");
        let found = opened.store.thread(&den, id(4), &query);
        let found = found.expect("whole records").expect("the post is there");
        let places = found.iter().map(|one| (one.post.seq.get(), one.depth));
        places.collect::<Vec<_>>()
    };
    assert_eq!(thread(&opened), [(1, 0), (2, 1), (4, 2), (5, 1)]);
    drop(opened);
    kind.damage(5, "\"reply_to\":");
    kind.take_back("2026-11-25-000002_replies");
    let opened = kind.open();
    assert_eq!(thread(&opened), [(1, 0), (2, 1), (4, 2)]);
}
