//! What is asked at the start, and when a room or a mailbox wakes, goes by an index: it costs the
//! same with a thousand records and with a hundred million.

use std::sync::Mutex;

use bridge_core::ports::{Directory, Snapshot};
use diesel::connection::InstrumentationEvent;

use super::*;

pub(super) type Asked = Arc<Mutex<Vec<String>>>;

#[derive(QueryableByName)]
struct Step {
    #[diesel(sql_type = diesel::sql_types::Text)]
    detail: String,
}

#[derive(QueryableByName)]
struct Op {
    #[diesel(sql_type = diesel::sql_types::Text)]
    opcode: String,
}

#[derive(Debug)]
struct Recorded(Asked);

impl CustomizeConnection<SqliteConnection, diesel::r2d2::Error> for Recorded {
    fn on_acquire(&self, conn: &mut SqliteConnection) -> Result<(), diesel::r2d2::Error> {
        record(conn, &self.0);
        Ok(())
    }
}

pub(super) fn record(conn: &mut SqliteConnection, asked: &Asked) {
    let asked = Arc::clone(asked);
    conn.set_instrumentation(move |event: InstrumentationEvent<'_>| {
        if let InstrumentationEvent::StartQuery { query, .. } = event {
            asked.lock().unwrap().push(query.to_string());
        }
    });
}

/// How the database goes about what was asked, step by step.
pub(super) fn steps(place: &Place, asked: &Asked) -> Vec<(String, String)> {
    let mut conn = place.stranger();
    let asked = std::mem::take(&mut *asked.lock().unwrap());
    let is_query = |sql: &String| {
        ["SELECT", "INSERT", "UPDATE", "DELETE", "REPLACE"]
            .iter()
            .any(|word| sql.starts_with(word))
    };
    let mut steps = Vec::new();
    for sql in asked.into_iter().filter(is_query) {
        let plan = diesel::sql_query(format!("EXPLAIN QUERY PLAN {sql}"));
        let plan: Vec<Step> = plan.load(&mut conn).unwrap();
        steps.extend(plan.into_iter().map(|step| (sql.clone(), step.detail)));
    }
    steps
}

pub(super) fn assert_bounded(steps: &[(String, String)]) {
    for (sql, step) in steps {
        let is_scan = step.starts_with("SCAN") && step != "SCAN CONSTANT ROW";
        assert!(!is_scan, "{step}: {sql}");
    }
}

/// A store that notes what it is asked.
pub(super) fn recorded(place: &Place, asked: &Asked) -> SqliteStore {
    let file = place.file();
    let prepare = Recorded(Arc::clone(asked));
    let pool = connections(url(&file).unwrap(), false, prepare).unwrap();
    SqliteStore::new(pool, Epoch::from_uuid(Uuid::from_u128(1)))
}

#[test]
fn nothing_that_a_start_reads_grows_with_the_log() {
    let (place, asked) = (Place::new(), Asked::default());
    let _opened = place.open();
    let store = recorded(&place, &asked);
    let now = Timestamp::from_millis(1);
    let client = "ann".parse().unwrap();
    store.next_due(now).unwrap();
    store.due_mailboxes(now, 10).unwrap();
    store.due_rooms(now, 10).unwrap();
    store.follow_ups(None, 10).unwrap();
    store.posts_total().unwrap();
    for stream in [room("den"), Stream::Mailbox(client), Stream::Broadcast] {
        store.head(&stream).unwrap();
        store.snapshot(&stream).unwrap();
        store.page(&stream, Seq::ZERO, 10).unwrap();
    }
    let steps = steps(&place, &asked);
    assert!(steps.len() > 10, "{steps:?}");
    assert_bounded(&steps);
}

/// The same with something in it, where the look-ups go on to further queries.
#[test]
fn nothing_that_a_session_or_a_first_message_reads_grows_with_the_log() {
    let (place, asked) = (Place::new(), Asked::default());
    let mut log = place.open().log;
    append_posts(&mut log, 1..=3);
    let store = recorded(&place, &asked);
    let client: bridge_core::ClientId = "ann".parse().unwrap();
    let id = post("den", 1, 1).records[0].envelope.clone();
    let Event::Posted(posted) = &id.event else {
        unreachable!("it is a post")
    };
    store.memberships(&client, None, 10).unwrap();
    store.membership_count(&client).unwrap();
    store.message(posted.id).unwrap();
    store.message_history(posted.id).unwrap();
    store.delivery(&room("den"), posted.id).unwrap();
    store
        .key(&room("den"), &client, &"k".parse().unwrap())
        .unwrap();
    store.page(&room("den"), Seq::new(1), 10).unwrap();
    store.records(&room("den"), &[Seq::new(2)]).unwrap();
    store
        .due_deliveries(&client, Timestamp::from_millis(1), 10)
        .unwrap();
    let steps = steps(&place, &asked);
    assert!(steps.len() > 10, "{steps:?}");
    assert_bounded(&steps);
}

/// The writer's own: a stream that it has not met since its start, a snapshot, and follow-ups.
#[test]
fn nothing_that_a_first_append_reads_grows_with_the_log() {
    let (place, asked) = (Place::new(), Asked::default());
    append_posts(&mut place.open().log, 1..=3);
    let mut log = place.open().log;
    record(&mut log.conn, &asked);
    append_posts(&mut log, 4..=4);
    let snapshot = Snapshot {
        seq: Seq::new(4),
        format: 1,
        body: bytes::Bytes::new(),
    };
    log.save_snapshot(&room("den"), &snapshot).unwrap();
    log.follow_ups_done(&[(room("den"), Seq::new(1))]).unwrap();
    let steps = steps(&place, &asked);
    assert!(steps.len() > 3, "{steps:?}");
    assert_bounded(&steps);
}

/// The last position is the end of an index, not the largest of all.
#[test]
fn the_head_of_a_long_stream_is_found_without_going_through_it() {
    let (place, asked) = (Place::new(), Asked::default());
    append_posts(&mut place.open().log, 1..=1);
    recorded(&place, &asked).head(&room("den")).unwrap();
    let asked = asked.lock().unwrap();
    let max = asked.iter().find(|sql| sql.contains("max(")).unwrap();
    let program: Vec<Op> = diesel::sql_query(format!("EXPLAIN {max}"))
        .load(&mut place.stranger())
        .unwrap();
    let program: Vec<_> = program.into_iter().map(|op| op.opcode).collect();
    // It begins at the end, looks at one row, and leaves.
    assert!(program.contains(&"SeekLE".to_owned()), "{program:?}");
    let look = program.iter().position(|op| op == "AggStep").unwrap();
    assert_eq!(program[look + 1], "Goto", "{program:?}");
}
