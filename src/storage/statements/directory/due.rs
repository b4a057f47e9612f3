//! What is to be done: messages of which something is due, and effects that are to be brought about.

use bridge_core::event::Stream;
use bridge_core::ports::{DueDelivery, FollowUp, StoreError};
use bridge_core::{ClientId, RoomId, Timestamp, limits};
use diesel::prelude::*;
use diesel::sql_types::BigInt;

use super::super::Conn;
use super::super::dialect::{DUE_MAILBOXES, DUE_ROOMS};
use super::super::read::rows;
use super::super::streams::stream_number;
use super::records::Records;
use crate::storage::error::reading;
use crate::storage::row::{DeliveryRow, StreamNumber, number, seq};
use crate::storage::schema::{decisions, deliveries as rows_of, follow_ups as open};

/// A stream in which something is due.
#[derive(QueryableByName)]
struct DueStream {
    #[diesel(sql_type = BigInt)]
    stream_id: StreamNumber,
    #[diesel(sql_type = BigInt)]
    since_ms: i64,
}

pub(super) fn next(conn: &mut Conn, after: Timestamp) -> Result<Option<Timestamp>, StoreError> {
    let in_mailboxes: Option<Option<i64>> = rows_of::table
        .filter(rows_of::due_at_ms.gt(after.as_millis()))
        .order(rows_of::due_at_ms)
        .select(rows_of::due_at_ms)
        .first(conn)
        .optional()
        .map_err(|why| reading(&why))?;
    let in_rooms: Option<Option<i64>> = decisions::table
        .filter(decisions::due_at_ms.gt(after.as_millis()))
        .order(decisions::due_at_ms)
        .select(decisions::due_at_ms)
        .first(conn)
        .optional()
        .map_err(|why| reading(&why))?;
    let first = [in_mailboxes, in_rooms].into_iter().flatten().flatten();
    Ok(first.min().map(Timestamp::from_millis))
}

pub(super) fn mailboxes(
    conn: &mut Conn,
    now: Timestamp,
    rows_max: usize,
) -> Result<Vec<(ClientId, Timestamp)>, StoreError> {
    let due = due_streams(conn, DUE_MAILBOXES, now, rows_max)?;
    let owners = due.into_iter().map(|(stream, since)| match stream {
        Stream::Mailbox(owner) => Ok((owner, since)),
        other => Err(StoreError::Corrupt(format!("deliveries: of {other}"))),
    });
    owners.collect()
}

pub(super) fn rooms(
    conn: &mut Conn,
    now: Timestamp,
    rows_max: usize,
) -> Result<Vec<(RoomId, Timestamp)>, StoreError> {
    let due = due_streams(conn, DUE_ROOMS, now, rows_max)?;
    let rooms = due.into_iter().map(|(stream, since)| match stream {
        Stream::Room(room) => Ok((room, since)),
        other => Err(StoreError::Corrupt(format!("decisions: of {other}"))),
    });
    rooms.collect()
}

/// Streams in which something is due at `now`, and since when, the longest overdue first.
fn due_streams(
    conn: &mut Conn,
    query: &'static str,
    now: Timestamp,
    rows_max: usize,
) -> Result<Vec<(Stream, Timestamp)>, StoreError> {
    let found: Vec<DueStream> = diesel::sql_query(query)
        .bind::<BigInt, _>(now.as_millis())
        .bind::<BigInt, _>(rows(rows_max))
        .load(conn)
        .map_err(|why| reading(&why))?;
    let mut records = Records::new(conn);
    let due = found.into_iter().map(|due| {
        let since = Timestamp::from_millis(due.since_ms);
        Ok((records.stream(due.stream_id)?, since))
    });
    due.collect()
}

pub(super) fn deliveries(
    conn: &mut Conn,
    mailbox: &ClientId,
    now: Timestamp,
    rows_max: usize,
) -> Result<Vec<DueDelivery>, StoreError> {
    let mailbox = Stream::Mailbox(mailbox.clone());
    let Some(stream) = stream_number(conn, &mailbox).map_err(|why| reading(&why))? else {
        return Ok(Vec::new());
    };
    // The sum keeps the database from the primary key, which would lead it through everything that
    // the mailbox ever had. What is due is little, so the index of due times is the shorter way.
    let found: Vec<DeliveryRow> = rows_of::table
        .filter((rows_of::stream_id + 0_i64).eq(stream))
        .filter(rows_of::due_at_ms.le(now.as_millis()))
        .order((rows_of::due_at_ms, rows_of::seq))
        .limit(rows(rows_max))
        .select(DeliveryRow::as_select())
        .load(conn)
        .map_err(|why| reading(&why))?;
    found.into_iter().map(DeliveryRow::into_due).collect()
}

pub(super) fn follow_ups(
    conn: &mut Conn,
    after: Option<&FollowUp>,
    rows_max: usize,
) -> Result<Vec<FollowUp>, StoreError> {
    let (stream, at) = after.map_or((0, 0), |after| (after.place.0, number(after.place.1)));
    let is_behind = open::stream_id.gt(stream).or(open::seq.gt(at));
    let places: Vec<(StreamNumber, i64)> = open::table
        .filter(open::stream_id.ge(stream).and(is_behind))
        .order((open::stream_id, open::seq))
        .limit(rows(rows_max))
        .select((open::stream_id, open::seq))
        .load(conn)
        .map_err(|why| reading(&why))?;
    let mut records = Records::new(conn);
    let mut page = Vec::new();
    for (stream, at) in places {
        if records.bytes() >= limits::PAGE_BYTES_MAX {
            break;
        }
        page.push(FollowUp {
            place: (stream, seq(at)),
            envelope: records.at((stream, at))?,
        });
    }
    Ok(page)
}
