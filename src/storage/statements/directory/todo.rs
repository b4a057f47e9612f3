//! What waits for somebody.

use bridge_core::decision::State;
use bridge_core::event::{Envelope, Stream};
use bridge_core::ports::{OpenDecision, QuestionsQuery, StoreError};
use bridge_core::{ClientId, DecisionId, Timestamp, limits};
use diesel::prelude::*;

use super::super::Conn;
use super::super::read::rows;
use super::super::streams::stream_number;
use super::records::Records;
use crate::storage::error::reading;
use crate::storage::row::{StreamNumber, number, room_id};
use crate::storage::schema::{decisions, deliveries, members, rooms};

pub(super) fn open_decisions(
    conn: &mut Conn,
    client: &ClientId,
    rows_max: usize,
) -> Result<Vec<OpenDecision>, StoreError> {
    type Row = (StreamNumber, String, Vec<u8>, i64);
    let in_the_room = members::stream_id.eq(decisions::stream_id);
    let its_name = rooms::stream_id.eq(decisions::stream_id);
    let found: Vec<Row> = members::table
        .inner_join(decisions::table.on(in_the_room))
        .inner_join(rooms::table.on(its_name))
        .filter(members::client_folded.eq(client.folded()))
        .filter(decisions::state.eq(State::Open.as_str()))
        .order((decisions::deadline_ms, decisions::id))
        .limit(rows(rows_max))
        .select((
            decisions::stream_id,
            rooms::name,
            decisions::id,
            decisions::deadline_ms,
        ))
        .load(conn)
        .map_err(|why| reading(&why))?;
    let open = found.into_iter().map(|(stream, name, id, deadline)| {
        let corrupt = |table: &str, column: &str| {
            StoreError::Corrupt(format!("{table} {stream} column {column}"))
        };
        Ok(OpenDecision {
            room: room_id(&name).map_err(|_| corrupt("rooms", "name"))?,
            decision: DecisionId::from_slice(&id).ok_or_else(|| corrupt("decisions", "id"))?,
            deadline: Timestamp::from_millis(deadline),
        })
    });
    open.collect()
}

pub(super) fn open_questions(
    conn: &mut Conn,
    client: &ClientId,
    query: &QuestionsQuery,
) -> Result<Vec<Envelope>, StoreError> {
    let mailbox = Stream::Mailbox(client.clone());
    let Some(stream) = stream_number(conn, &mailbox).map_err(|why| reading(&why))? else {
        return Ok(Vec::new());
    };
    let mut wanted = deliveries::table
        .filter(deliveries::stream_id.eq(stream))
        .filter(deliveries::answer_by_ms.is_not_null())
        .filter(deliveries::due_at_ms.is_not_null())
        .into_boxed();
    if let Some((at, seq)) = query.after {
        let at = at.as_millis();
        let ends_then = deliveries::answer_by_ms.eq(at);
        let is_behind = deliveries::answer_by_ms
            .gt(at)
            .or(ends_then.and(deliveries::seq.gt(number(seq))));
        // Said twice: by the first the database finds where to begin.
        wanted = wanted
            .filter(deliveries::answer_by_ms.ge(at))
            .filter(is_behind);
    }
    let seqs: Vec<i64> = wanted
        .order((deliveries::answer_by_ms, deliveries::seq))
        .limit(rows(query.rows_max))
        .select(deliveries::seq)
        .load(conn)
        .map_err(|why| reading(&why))?;
    let mut records = Records::new(conn);
    let mut page = Vec::new();
    for seq in seqs {
        if records.bytes() >= limits::PAGE_BYTES_MAX {
            break;
        }
        page.push(records.at((stream, seq))?);
    }
    Ok(page)
}
