//! What is known of motions, and of critiques.

use std::collections::HashMap;

use bridge_core::event::{Envelope, Stream};
use bridge_core::ports::{CritiquesQuery, DecisionsQuery, StoreError};
use bridge_core::{DecisionId, RoomId, limits};
use diesel::prelude::*;

use super::super::Conn;
use super::super::dialect::body_length;
use super::super::read::rows;
use super::super::streams::stream_number;
use super::records::{Records, gone};
use crate::storage::error::reading;
use crate::storage::row::{LogRow, StreamNumber};
use crate::storage::schema::{
    critique_records, critiques as of_rooms, decision_records, decisions as motions, log,
};

/// A record that a look-up names, if it is there, and where.
type Named = (StreamNumber, i64, Option<LogRow>);

pub(super) fn history(conn: &mut Conn, id: DecisionId) -> Result<Vec<Envelope>, StoreError> {
    let is_it = decision_records::stream_id
        .eq(log::stream_id)
        .and(decision_records::seq.eq(log::seq));
    let found: Vec<Named> = decision_records::table
        .left_join(log::table.on(is_it))
        .filter(decision_records::id.eq(&id.as_bytes()[..]))
        .order((decision_records::stream_id, decision_records::seq))
        .select((
            decision_records::stream_id,
            decision_records::seq,
            Option::<LogRow>::as_select(),
        ))
        .load(conn)
        .map_err(|why| reading(&why))?;
    envelopes(conn, found)
}

pub(super) fn of_room(
    conn: &mut Conn,
    room: &RoomId,
    query: &DecisionsQuery,
) -> Result<Vec<DecisionId>, StoreError> {
    let Some(stream) = number_of(conn, room)? else {
        return Ok(Vec::new());
    };
    let mut wanted = motions::table
        .filter(motions::stream_id.eq(stream))
        .into_boxed();
    if let Some(state) = query.state {
        wanted = wanted.filter(motions::state.eq(state.as_str()));
    }
    if let Some(before) = query.before {
        wanted = wanted.filter(motions::id.lt(before.as_bytes().to_vec()));
    }
    let found: Vec<Vec<u8>> = wanted
        .order(motions::id.desc())
        .limit(rows(query.rows_max))
        .select(motions::id)
        .load(conn)
        .map_err(|why| reading(&why))?;
    let ids = found.iter().map(|id| {
        let id = DecisionId::from_slice(id);
        id.ok_or_else(|| StoreError::Corrupt(format!("decisions {stream} column id")))
    });
    ids.collect()
}

pub(super) fn critiques(
    conn: &mut Conn,
    room: &RoomId,
    query: &CritiquesQuery,
) -> Result<Vec<Envelope>, StoreError> {
    let Some(stream) = number_of(conn, room)? else {
        return Ok(Vec::new());
    };
    let ids = page_of_critiques(conn, stream, query).map_err(|why| reading(&why))?;
    let is_it = critique_records::stream_id
        .eq(log::stream_id)
        .and(critique_records::seq.eq(log::seq));
    let found: Vec<Named> = critique_records::table
        .left_join(log::table.on(is_it))
        .filter(critique_records::id.eq_any(ids))
        .order((critique_records::stream_id, critique_records::seq))
        .select((
            critique_records::stream_id,
            critique_records::seq,
            Option::<LogRow>::as_select(),
        ))
        .load(conn)
        .map_err(|why| reading(&why))?;
    envelopes(conn, found)
}

/// The newest ones, as many as have no more bytes of records than a page may have; at least one when
/// there is one.
fn page_of_critiques(
    conn: &mut Conn,
    stream: StreamNumber,
    query: &CritiquesQuery,
) -> QueryResult<Vec<Vec<u8>>> {
    let mut wanted = of_rooms::table
        .filter(of_rooms::stream_id.eq(stream))
        .into_boxed();
    if let Some(is_open) = query.is_open {
        wanted = wanted.filter(of_rooms::is_open.eq(is_open));
    }
    if let Some(before) = query.before {
        wanted = wanted.filter(of_rooms::id.lt(before.as_bytes().to_vec()));
    }
    let ids: Vec<Vec<u8>> = wanted
        .order(of_rooms::id.desc())
        .limit(rows(query.rows_max))
        .select(of_rooms::id)
        .load(conn)?;
    let is_it = critique_records::stream_id
        .eq(log::stream_id)
        .and(critique_records::seq.eq(log::seq));
    let lengths: Vec<(Vec<u8>, i64)> = critique_records::table
        .inner_join(log::table.on(is_it))
        .filter(critique_records::id.eq_any(&ids))
        .select((critique_records::id, body_length()))
        .load(conn)?;
    let mut bytes_of: HashMap<Vec<u8>, usize> = HashMap::new();
    for (id, length) in lengths {
        *bytes_of.entry(id).or_default() += usize::try_from(length).unwrap_or_default();
    }
    let mut bytes = 0;
    let fitting = ids.into_iter().take_while(|id| {
        let fits = bytes < limits::PAGE_BYTES_MAX;
        bytes += bytes_of.get(id).copied().unwrap_or_default();
        fits
    });
    Ok(fitting.collect())
}

fn number_of(conn: &mut Conn, room: &RoomId) -> Result<Option<StreamNumber>, StoreError> {
    stream_number(conn, &Stream::Room(room.clone())).map_err(|why| reading(&why))
}

/// The records, each with the name of its stream.
fn envelopes(conn: &mut Conn, found: Vec<Named>) -> Result<Vec<Envelope>, StoreError> {
    let mut records = Records::new(conn);
    let read = found.into_iter().map(|(stream, seq, row)| {
        let name = records.stream(stream)?;
        let row = row.ok_or_else(|| gone(&name, seq))?;
        row.into_envelope(&name)
    });
    read.collect()
}
