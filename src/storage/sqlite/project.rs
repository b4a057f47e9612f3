//! What follows from a record, written with it, row by row: on SQLite a statement costs no way.

use bridge_core::event::{Envelope, Event};
use diesel::prelude::*;
use diesel::sqlite::SqliteConnection;

use super::statements::project::{change, messages::message_of};
use crate::storage::row::{StreamNumber, number};
use crate::storage::schema::{
    critique_records, decision_records, follow_ups, message_records, replies,
};

/// Writes what follows from a record.
pub(super) fn record(
    conn: &mut SqliteConnection,
    stream: StreamNumber,
    envelope: &Envelope,
) -> QueryResult<()> {
    note_follow_up(conn, stream, envelope)?;
    note_message(conn, stream, envelope)?;
    note_decision(conn, stream, envelope)?;
    note_critique(conn, stream, envelope)?;
    note_reply(conn, stream, envelope)?;
    change(conn, stream, envelope)
}

/// A record with effects on other streams waits until somebody has brought them about.
fn note_follow_up(
    conn: &mut SqliteConnection,
    stream: StreamNumber,
    envelope: &Envelope,
) -> QueryResult<()> {
    if !envelope.event.has_follow_up() {
        return Ok(());
    }
    let row = (
        follow_ups::stream_id.eq(stream),
        follow_ups::seq.eq(number(envelope.seq)),
    );
    diesel::insert_into(follow_ups::table)
        .values(row)
        .execute(conn)
        .map(drop)
}

/// Notes where the log speaks of a message.
fn note_message(
    conn: &mut SqliteConnection,
    stream: StreamNumber,
    envelope: &Envelope,
) -> QueryResult<()> {
    let Some(id) = message_of(&envelope.event) else {
        return Ok(());
    };
    let row = (
        message_records::id.eq(&id.as_bytes()[..]),
        message_records::stream_id.eq(stream),
        message_records::seq.eq(number(envelope.seq)),
    );
    diesel::insert_into(message_records::table)
        .values(row)
        .execute(conn)
        .map(drop)
}

/// Notes where the log speaks of a motion.
fn note_decision(
    conn: &mut SqliteConnection,
    stream: StreamNumber,
    envelope: &Envelope,
) -> QueryResult<()> {
    let Some(id) = envelope.event.decision() else {
        return Ok(());
    };
    let row = (
        decision_records::id.eq(&id.as_bytes()[..]),
        decision_records::stream_id.eq(stream),
        decision_records::seq.eq(number(envelope.seq)),
    );
    diesel::insert_into(decision_records::table)
        .values(row)
        .execute(conn)
        .map(drop)
}

/// Notes where the log speaks of a critique.
fn note_critique(
    conn: &mut SqliteConnection,
    stream: StreamNumber,
    envelope: &Envelope,
) -> QueryResult<()> {
    let Some(id) = envelope.event.critique() else {
        return Ok(());
    };
    let row = (
        critique_records::id.eq(&id.as_bytes()[..]),
        critique_records::stream_id.eq(stream),
        critique_records::seq.eq(number(envelope.seq)),
    );
    diesel::insert_into(critique_records::table)
        .values(row)
        .execute(conn)
        .map(drop)
}

/// Notes which post answers which.
fn note_reply(
    conn: &mut SqliteConnection,
    stream: StreamNumber,
    envelope: &Envelope,
) -> QueryResult<()> {
    let Event::Posted(posted) = &envelope.event else {
        return Ok(());
    };
    let Some(answered) = posted.reply_to else {
        return Ok(());
    };
    let row = (
        replies::id.eq(&answered.as_bytes()[..]),
        replies::stream_id.eq(stream),
        replies::seq.eq(number(envelope.seq)),
        replies::answer.eq(&posted.id.as_bytes()[..]),
    );
    diesel::insert_into(replies::table)
        .values(row)
        .execute(conn)
        .map(drop)
}
