//! What is to be done: messages of which something is due, and effects that are to be brought about.

use bridge_core::event::Stream;
use bridge_core::ports::{DueDelivery, FollowUp, StoreError};
use bridge_core::{ClientId, Timestamp, limits};
use diesel::prelude::*;
use diesel::sql_types::BigInt;

use super::super::Conn;
use super::super::dialect::DUE_MAILBOXES;
use super::super::read::rows;
use super::super::streams::stream_number;
use super::records::Records;
use crate::storage::error::reading;
use crate::storage::row::{DeliveryRow, StreamNumber, number, seq};
use crate::storage::schema::{deliveries as rows_of, follow_ups as open};

/// A mailbox in which something is due.
#[derive(QueryableByName)]
struct DueStream {
    #[diesel(sql_type = BigInt)]
    stream_id: StreamNumber,
    #[diesel(sql_type = BigInt)]
    since_ms: i64,
}

pub(super) fn next(conn: &mut Conn, after: Timestamp) -> Result<Option<Timestamp>, StoreError> {
    let due: Option<Option<i64>> = rows_of::table
        .filter(rows_of::due_at_ms.gt(after.as_millis()))
        .order(rows_of::due_at_ms)
        .select(rows_of::due_at_ms)
        .first(conn)
        .optional()
        .map_err(|why| reading(&why))?;
    Ok(due.flatten().map(Timestamp::from_millis))
}

pub(super) fn mailboxes(
    conn: &mut Conn,
    now: Timestamp,
    rows_max: usize,
) -> Result<Vec<(ClientId, Timestamp)>, StoreError> {
    let streams: Vec<DueStream> = diesel::sql_query(DUE_MAILBOXES)
        .bind::<BigInt, _>(now.as_millis())
        .bind::<BigInt, _>(rows(rows_max))
        .load(conn)
        .map_err(|why| reading(&why))?;
    let mut records = Records::new(conn);
    let owners = streams.into_iter().map(|due| {
        let stream = due.stream_id;
        match records.stream(stream)? {
            Stream::Mailbox(owner) => Ok((owner, Timestamp::from_millis(due.since_ms))),
            other => Err(StoreError::Corrupt(format!(
                "deliveries {stream}: of {other}"
            ))),
        }
    });
    owners.collect()
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
