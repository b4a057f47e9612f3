//! Many rows in one statement: each costs a way to the database and back, and not each row.

use std::collections::BTreeMap;

use bridge_core::event::{Envelope, Event, MessageStored, Posted, Stream};
use bridge_core::message::{Failure, Stage};
use bridge_core::ports::Record;
use bridge_core::{Seq, Timestamp};
use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Binary, Nullable, Text};

use super::Conn;
use super::statements::project;
use crate::storage::delivery_change::{self, DeliveryChange, Due, Failures};
use crate::storage::row::{LogRow, NewLogRow, StreamNumber, failure_word, failures_word, number};

/// A record that is to be written, and its stream.
pub(super) type Row<'a> = (StreamNumber, &'a Record);

/// Writes records to the log, and what follows from them.
pub(super) fn write(conn: &mut Conn, rows: &[Row<'_>]) -> QueryResult<()> {
    if rows.is_empty() {
        return Ok(());
    }
    insert_log(conn, rows)?;
    insert_follow_ups(conn, rows)?;
    insert_message_records(conn, rows)?;
    insert_decision_records(conn, rows)?;
    insert_critique_records(conn, rows)?;
    insert_posts(conn, rows)?;
    insert_replies(conn, rows)?;
    insert_deliveries(conn, rows)?;
    // New rows do not depend on what happens to old ones, so they could go first. And what happens
    // to a message does not depend on what happens to anything else.
    let mut changes = Changes::new();
    for (stream, record) in rows {
        let envelope = &record.envelope;
        match delivery_change::of(envelope) {
            Some((message, change)) => changes
                .entry((*stream, number(message)))
                .or_default()
                .and_then(change),
            None if matches!(envelope.event, Event::Posted(_) | Event::MessageStored(_)) => {}
            None => project::change(conn, *stream, envelope)?,
        }
    }
    change_deliveries(conn, &changes)
}

/// What a batch changes in the rows of messages, each of which it may speak of several times.
type Changes = BTreeMap<(StreamNumber, i64), DeliveryChange>;

fn change_deliveries(conn: &mut Conn, changes: &Changes) -> QueryResult<()> {
    if changes.is_empty() {
        return Ok(());
    }
    let rows: Vec<_> = changes.iter().map(ChangeRow::from).collect();
    diesel::sql_query(
        "UPDATE deliveries d SET stage = coalesce(c.stage, d.stage), \
         attempts = coalesce(c.attempts, d.attempts), \
         due_at_ms = CASE c.due WHEN 'not after' THEN least(c.due_ms, d.expires_at_ms, d.deadline_ms) \
         WHEN 'exactly' THEN c.due_ms ELSE d.due_at_ms END, \
         failures = CASE c.failed WHEN 'more' THEN json_list_and(coalesce(d.failures, '[]'), c.failures) \
         WHEN 'all' THEN c.failures ELSE d.failures END \
         FROM unnest($1, $2, $3, $4, $5, $6, $7, $8) \
         AS c (stream_id, seq, stage, attempts, due, due_ms, failed, failures) \
         WHERE d.stream_id = c.stream_id AND d.seq = c.seq",
    )
    .bind::<Array<BigInt>, _>(column(&rows, |row| row.place.0))
    .bind::<Array<BigInt>, _>(column(&rows, |row| row.place.1))
    .bind::<Array<Nullable<Text>>, _>(column(&rows, |row| row.stage))
    .bind::<Array<Nullable<BigInt>>, _>(column(&rows, |row| row.attempts))
    .bind::<Array<Nullable<Text>>, _>(column(&rows, |row| row.due))
    .bind::<Array<Nullable<BigInt>>, _>(column(&rows, |row| row.due_ms))
    .bind::<Array<Nullable<Text>>, _>(column(&rows, |row| row.failed))
    .bind::<Array<Nullable<Text>>, _>(column(&rows, |row| row.failures.as_deref()))
    .execute(conn)
    .map(drop)
}

/// A change as the database takes it. What it does not speak of is NULL.
struct ChangeRow {
    place: (StreamNumber, i64),
    stage: Option<&'static str>,
    attempts: Option<i64>,
    due: Option<&'static str>,
    due_ms: Option<i64>,
    failed: Option<&'static str>,
    failures: Option<String>,
}

impl From<(&(StreamNumber, i64), &DeliveryChange)> for ChangeRow {
    fn from((place, change): (&(StreamNumber, i64), &DeliveryChange)) -> Self {
        let (due, due_ms) = match change.due {
            Some(Due::NotAfter(at)) => (Some("not after"), Some(at.as_millis())),
            Some(Due::Exactly(at)) => (Some("exactly"), at.map(Timestamp::as_millis)),
            None => (None, None),
        };
        let (failed, failures) = match &change.failures {
            Some(Failures::More(more)) => (Some("more"), Some(elements(more))),
            Some(Failures::All(all)) => (Some("all"), failures_word(all)),
            None => (None, None),
        };
        Self {
            place: *place,
            stage: change.stage.map(Stage::as_str),
            attempts: change.attempts.map(i64::from),
            due,
            due_ms,
            failed,
            failures,
        }
    }
}

/// The elements of a JSON list, without its brackets.
fn elements(failures: &[Failure]) -> String {
    let words: Vec<String> = failures.iter().map(failure_word).collect();
    words.join(",")
}

fn insert_log(conn: &mut Conn, rows: &[Row<'_>]) -> QueryResult<()> {
    let rows: Vec<NewLogRow<'_>> = rows
        .iter()
        .map(|(stream, record)| NewLogRow::new(*stream, record))
        .collect();
    diesel::sql_query(
        "INSERT INTO log (stream_id, seq, at_ms, author, dedupe, fingerprint, kind, body, checksum) \
         SELECT * FROM unnest($1, $2, $3, $4, $5, $6, $7, $8, $9)",
    )
    .bind::<Array<BigInt>, _>(column(&rows, |row| row.stream_id))
    .bind::<Array<BigInt>, _>(column(&rows, |row| row.seq))
    .bind::<Array<BigInt>, _>(column(&rows, |row| row.at_ms))
    .bind::<Array<Text>, _>(column(&rows, |row| row.author))
    .bind::<Array<Nullable<Text>>, _>(column(&rows, |row| row.dedupe.as_deref()))
    .bind::<Array<Nullable<Binary>>, _>(column(&rows, |row| row.fingerprint))
    .bind::<Array<Text>, _>(column(&rows, |row| row.kind))
    .bind::<Array<Binary>, _>(column(&rows, |row| row.body))
    .bind::<Array<BigInt>, _>(column(&rows, |row| row.checksum))
    .execute(conn)
    .map(drop)
}

fn column<'a, R, T>(rows: &'a [R], of: impl Fn(&'a R) -> T) -> Vec<T> {
    rows.iter().map(of).collect()
}

fn insert_follow_ups(conn: &mut Conn, rows: &[Row<'_>]) -> QueryResult<()> {
    let places: Vec<(StreamNumber, i64)> = rows
        .iter()
        .filter(|(_, record)| record.envelope.event.has_follow_up())
        .map(place)
        .collect();
    if places.is_empty() {
        return Ok(());
    }
    diesel::sql_query("INSERT INTO follow_ups (stream_id, seq) SELECT * FROM unnest($1, $2)")
        .bind::<Array<BigInt>, _>(column(&places, |place| place.0))
        .bind::<Array<BigInt>, _>(column(&places, |place| place.1))
        .execute(conn)
        .map(drop)
}

fn place((stream, record): &Row<'_>) -> (StreamNumber, i64) {
    (*stream, number(record.envelope.seq))
}

fn insert_message_records(conn: &mut Conn, rows: &[Row<'_>]) -> QueryResult<()> {
    let message = |event: &Event| project::messages::message_of(event).map(|id| *id.as_bytes());
    let insert =
        "INSERT INTO message_records (id, stream_id, seq) SELECT * FROM unnest($1, $2, $3)";
    insert_places(conn, insert, rows, message)
}

fn insert_decision_records(conn: &mut Conn, rows: &[Row<'_>]) -> QueryResult<()> {
    let insert =
        "INSERT INTO decision_records (id, stream_id, seq) SELECT * FROM unnest($1, $2, $3)";
    insert_places(conn, insert, rows, |event| {
        event.decision().map(|id| *id.as_bytes())
    })
}

fn insert_critique_records(conn: &mut Conn, rows: &[Row<'_>]) -> QueryResult<()> {
    let insert =
        "INSERT INTO critique_records (id, stream_id, seq) SELECT * FROM unnest($1, $2, $3)";
    insert_places(conn, insert, rows, |event| {
        event.critique().map(|id| *id.as_bytes())
    })
}

/// Notes where the log speaks of something, which has an id.
fn insert_places(
    conn: &mut Conn,
    insert: &'static str,
    rows: &[Row<'_>],
    id_of: impl Fn(&Event) -> Option<[u8; 16]>,
) -> QueryResult<()> {
    let mut found = Vec::new();
    for row in rows {
        let id = id_of(&row.1.envelope.event);
        found.extend(id.map(|id| (id, place(row))));
    }
    if found.is_empty() {
        return Ok(());
    }
    diesel::sql_query(insert)
        .bind::<Array<Binary>, _>(column(&found, |(id, _)| &id[..]))
        .bind::<Array<BigInt>, _>(column(&found, |(_, place)| place.0))
        .bind::<Array<BigInt>, _>(column(&found, |(_, place)| place.1))
        .execute(conn)
        .map(drop)
}

fn insert_posts(conn: &mut Conn, rows: &[Row<'_>]) -> QueryResult<()> {
    let mut posts: Vec<(&Posted, (StreamNumber, i64))> = Vec::new();
    for row in rows {
        if let Event::Posted(post) = &row.1.envelope.event {
            posts.push((post, place(row)));
        }
    }
    if posts.is_empty() {
        return Ok(());
    }
    diesel::sql_query(
        "INSERT INTO messages (id, stream_id, seq, channel_folded) \
         SELECT * FROM unnest($1, $2, $3, $4)",
    )
    .bind::<Array<Binary>, _>(column(&posts, |(post, _)| &post.id.as_bytes()[..]))
    .bind::<Array<BigInt>, _>(column(&posts, |(_, place)| place.0))
    .bind::<Array<BigInt>, _>(column(&posts, |(_, place)| place.1))
    .bind::<Array<Text>, _>(column(&posts, |(post, _)| post.channel.folded()))
    .execute(conn)
    .map(drop)
}

/// Notes which posts answer which.
fn insert_replies(conn: &mut Conn, rows: &[Row<'_>]) -> QueryResult<()> {
    let mut replies: Vec<([u8; 16], (StreamNumber, i64), &Posted)> = Vec::new();
    for row in rows {
        if let Event::Posted(post) = &row.1.envelope.event {
            let answered = post.reply_to.map(|id| *id.as_bytes());
            replies.extend(answered.map(|id| (id, place(row), post)));
        }
    }
    if replies.is_empty() {
        return Ok(());
    }
    diesel::sql_query(
        "INSERT INTO replies (id, stream_id, seq, answer) \
         SELECT * FROM unnest($1, $2, $3, $4)",
    )
    .bind::<Array<Binary>, _>(column(&replies, |(id, _, _)| &id[..]))
    .bind::<Array<BigInt>, _>(column(&replies, |(_, place, _)| place.0))
    .bind::<Array<BigInt>, _>(column(&replies, |(_, place, _)| place.1))
    .bind::<Array<Binary>, _>(column(&replies, |(_, _, post)| &post.id.as_bytes()[..]))
    .execute(conn)
    .map(drop)
}

/// A message that begins its way in a mailbox.
struct Begun<'a> {
    place: (StreamNumber, i64),
    envelope: &'a Envelope,
    message: &'a MessageStored,
}

fn insert_deliveries(conn: &mut Conn, rows: &[Row<'_>]) -> QueryResult<()> {
    let mut begun = Vec::new();
    for row in rows {
        let envelope = &*row.1.envelope;
        if let (Stream::Mailbox(_), Event::MessageStored(message)) =
            (&envelope.stream, &envelope.event)
        {
            begun.push(Begun {
                place: place(row),
                envelope,
                message,
            });
        }
    }
    if begun.is_empty() {
        return Ok(());
    }
    diesel::sql_query(
        "INSERT INTO deliveries \
         (stream_id, seq, id, sender, stage, attempts, expires_at_ms, deadline_ms, due_at_ms, \
         answer_by_ms) \
         SELECT stream_id, seq, id, sender, $9, 0, expires, deadline, due, answer_by \
         FROM unnest($1, $2, $3, $4, $5, $6, $7, $8) \
         AS new (stream_id, seq, id, sender, expires, deadline, due, answer_by)",
    )
    .bind::<Array<BigInt>, _>(column(&begun, |new| new.place.0))
    .bind::<Array<BigInt>, _>(column(&begun, |new| new.place.1))
    .bind::<Array<Binary>, _>(column(&begun, |new| &new.message.id.as_bytes()[..]))
    .bind::<Array<Text>, _>(column(&begun, |new| new.envelope.by.as_str()))
    .bind::<Array<BigInt>, _>(column(&begun, |new| new.message.expires_at.as_millis()))
    .bind::<Array<Nullable<BigInt>>, _>(column(&begun, |new| {
        new.message.deadline.map(Timestamp::as_millis)
    }))
    .bind::<Array<BigInt>, _>(column(&begun, |new| new.message.ends_at().as_millis()))
    .bind::<Array<Nullable<BigInt>>, _>(column(&begun, |new| {
        project::messages::answer_by(new.message)
    }))
    .bind::<Text, _>(Stage::Stored.as_str())
    .execute(conn)
    .map(drop)
}

/// A stream that is there.
#[derive(QueryableByName)]
pub(super) struct FoundStream {
    #[diesel(sql_type = BigInt)]
    pub(super) id: StreamNumber,
    #[diesel(sql_type = Text)]
    pub(super) kind: String,
    #[diesel(sql_type = Text)]
    pub(super) name_folded: String,
    #[diesel(sql_type = BigInt)]
    pub(super) head: i64,
}

/// Those of these streams that are there, with their last positions.
pub(super) fn find_streams(conn: &mut Conn, streams: &[&Stream]) -> QueryResult<Vec<FoundStream>> {
    diesel::sql_query(
        "SELECT s.id, s.kind, s.name_folded, \
         coalesce((SELECT max(l.seq) FROM log l WHERE l.stream_id = s.id), 0) AS head \
         FROM unnest($1, $2) AS wanted (kind, name_folded) \
         JOIN streams s ON s.kind = wanted.kind AND s.name_folded = wanted.name_folded",
    )
    .bind::<Array<Text>, _>(column(streams, |stream| stream.kind()))
    .bind::<Array<Text>, _>(column(streams, |stream| stream.name_folded()))
    .load(conn)
}

/// Makes these streams, in this order.
pub(super) fn create_streams(
    conn: &mut Conn,
    streams: &[&Stream],
) -> QueryResult<Vec<FoundStream>> {
    if streams.is_empty() {
        return Ok(Vec::new());
    }
    diesel::sql_query(
        "INSERT INTO streams (kind, name, name_folded) \
         SELECT kind, name, name_folded FROM unnest($1, $2, $3) WITH ORDINALITY \
         AS new (kind, name, name_folded, place) ORDER BY place \
         RETURNING id, kind, name_folded, 0::bigint AS head",
    )
    .bind::<Array<Text>, _>(column(streams, |stream| stream.kind()))
    .bind::<Array<Text>, _>(column(streams, |stream| stream.name()))
    .bind::<Array<Text>, _>(column(streams, |stream| stream.name_folded()))
    .load(conn)
}

/// A record that carries a key.
#[derive(QueryableByName)]
pub(super) struct KeyedRow {
    #[diesel(sql_type = BigInt)]
    pub(super) stream_id: StreamNumber,
    #[diesel(sql_type = Text)]
    pub(super) stream_kind: String,
    #[diesel(sql_type = Text)]
    pub(super) stream_name: String,
    #[diesel(embed)]
    pub(super) row: LogRow,
}

/// The records that carry these keys in these streams.
///
/// Each key is looked for by itself, and `LIMIT` keeps the planner from doing it in another way: a
/// join it may make by reading all keys of a stream, or of the log, when its statistics are from a time
/// at which there were few.
pub(super) fn find_keyed(
    conn: &mut Conn,
    keys: &[(StreamNumber, String)],
) -> QueryResult<Vec<KeyedRow>> {
    if keys.is_empty() {
        return Ok(Vec::new());
    }
    diesel::sql_query(
        "SELECT l.stream_id, s.kind AS stream_kind, s.name AS stream_name, l.seq, l.at_ms, \
         l.author, l.dedupe, l.fingerprint, l.kind, l.body, l.checksum \
         FROM unnest($1, $2) AS wanted (stream_id, dedupe) \
         CROSS JOIN LATERAL (SELECT * FROM log WHERE log.stream_id = wanted.stream_id \
         AND log.dedupe = wanted.dedupe LIMIT 1) AS l \
         JOIN streams s ON s.id = l.stream_id",
    )
    .bind::<Array<BigInt>, _>(column(keys, |key| key.0))
    .bind::<Array<Text>, _>(column(keys, |key| key.1.as_str()))
    .load(conn)
}

/// Forgets that these records have effects to be brought about.
pub(super) fn delete_follow_ups(
    conn: &mut Conn,
    places: &[(StreamNumber, Seq)],
) -> QueryResult<()> {
    diesel::sql_query(
        "DELETE FROM follow_ups f USING unnest($1, $2) AS done (stream_id, seq) \
         WHERE f.stream_id = done.stream_id AND f.seq = done.seq",
    )
    .bind::<Array<BigInt>, _>(column(places, |place| place.0))
    .bind::<Array<BigInt>, _>(column(places, |place| number(place.1)))
    .execute(conn)
    .map(drop)
}
