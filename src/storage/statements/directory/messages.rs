//! What is known of clients and of their messages.

use bridge_core::event::{Envelope, Stream};
use bridge_core::ports::{DeadLettersQuery, Delivery, StoreError};
use bridge_core::{ClientId, MessageId, limits};
use diesel::prelude::*;
use diesel::sql_types::Bool;

use super::super::Conn;
use super::super::read::rows;
use super::super::streams::stream_number;
use super::records::Records;
use crate::storage::error::reading;
use crate::storage::row::{DeliveryRow, StreamNumber};
use crate::storage::schema::{clients, deliveries, message_records};

diesel::define_sql_function! {
    /// Characters of a text.
    #[sql_name = "length"]
    fn characters(text: diesel::sql_types::Text) -> diesel::sql_types::BigInt;
}

diesel::define_sql_function! {
    /// A name as it is compared.
    #[sql_name = "lower"]
    fn lower_case(name: diesel::sql_types::Text) -> diesel::sql_types::Text;
}

pub(super) fn clients_like(
    conn: &mut Conn,
    name: &ClientId,
    rows_max: usize,
) -> Result<Vec<ClientId>, StoreError> {
    // Names are short, and ASCII.
    let (len, apart) = (
        rows(name.as_str().len()),
        rows(limits::NEAR_NAMES_CHARS_APART_MAX),
    );
    let found: Vec<String> = clients::table
        .filter(characters(clients::name).between(len - apart, len + apart))
        .order(clients::name_folded)
        .limit(rows(rows_max))
        .select(clients::name)
        .load(conn)
        .map_err(|why| reading(&why))?;
    let parsed = found.into_iter().map(|name| {
        name.parse()
            .map_err(|why| StoreError::Corrupt(format!("clients {name} column name: {why}")))
    });
    parsed.collect()
}

pub(super) fn delivery(
    conn: &mut Conn,
    mailbox: &Stream,
    id: MessageId,
) -> Result<Option<Delivery>, StoreError> {
    let Some(stream) = stream_number(conn, mailbox).map_err(|why| reading(&why))? else {
        return Ok(None);
    };
    let row: Option<DeliveryRow> = deliveries::table
        .filter(
            deliveries::id
                .eq(&id.as_bytes()[..])
                .and(deliveries::stream_id.eq(stream)),
        )
        .select(DeliveryRow::as_select())
        .first(conn)
        .optional()
        .map_err(|why| reading(&why))?;
    let Some(row) = row else { return Ok(None) };
    let stored = Records::new(conn).at(row.place())?;
    row.into_delivery(stored).map(Some)
}

pub(super) fn history(conn: &mut Conn, id: MessageId) -> Result<Vec<Envelope>, StoreError> {
    let places: Vec<(StreamNumber, i64)> = message_records::table
        .filter(message_records::id.eq(&id.as_bytes()[..]))
        .order((message_records::stream_id, message_records::seq))
        .select((message_records::stream_id, message_records::seq))
        .load(conn)
        .map_err(|why| reading(&why))?;
    let mut records = Records::new(conn);
    places.into_iter().map(|place| records.at(place)).collect()
}

pub(super) fn dead_letters(
    conn: &mut Conn,
    query: &DeadLettersQuery,
) -> Result<Vec<Envelope>, StoreError> {
    let dead = load_dead(conn, query).map_err(|why| reading(&why))?;
    let mut places = Vec::with_capacity(dead.len());
    for (id, stream) in dead {
        // The end of a message is the last thing that its mailbox has to say of it.
        let last: Option<i64> = message_records::table
            .filter(
                message_records::id
                    .eq(id)
                    .and(message_records::stream_id.eq(stream)),
            )
            .select(diesel::dsl::max(message_records::seq))
            .first(conn)
            .map_err(|why| reading(&why))?;
        places.extend(last.map(|last| (stream, last)));
    }
    let mut records = Records::new(conn);
    places.into_iter().map(|place| records.at(place)).collect()
}

/// The ids of dead letters with their mailboxes, the newest first, and all of the last id.
fn load_dead(
    conn: &mut Conn,
    query: &DeadLettersQuery,
) -> QueryResult<Vec<(Vec<u8>, StreamNumber)>> {
    // Who has no mailbox has got nothing: no stream has the number 0.
    let mailbox = match &query.of {
        Some(of) => stream_number(conn, &Stream::Mailbox(of.clone()))?.unwrap_or_default(),
        None => 0,
    };
    // Not a bound value: only so does the database see that its index of the dead ones will do.
    let dead = || diesel::dsl::sql::<Bool>("stage = 'dead'");
    let wanted = || {
        let mut wanted = deliveries::table.filter(dead()).into_boxed();
        if let Some(before) = query.before {
            wanted = wanted.filter(deliveries::id.lt(before.as_bytes().to_vec()));
        }
        if let Some(of) = &query.of {
            let received = deliveries::stream_id.eq(mailbox);
            wanted = wanted.filter(lower_case(deliveries::sender).eq(of.folded()).or(received));
        }
        wanted
            .order((deliveries::id.desc(), deliveries::stream_id.asc()))
            .select((deliveries::id, deliveries::stream_id))
    };
    let mut page: Vec<(Vec<u8>, StreamNumber)> = wanted().limit(rows(query.rows_max)).load(conn)?;
    let Some((last, stream)) = page.last().cloned() else {
        return Ok(page);
    };
    let rest: Vec<(Vec<u8>, StreamNumber)> = wanted()
        .filter(
            deliveries::id
                .eq(last)
                .and(deliveries::stream_id.gt(stream)),
        )
        .load(conn)?;
    page.extend(rest);
    Ok(page)
}
