//! What is done to a database while no server uses it: another epoch, and what an import needs.

use bridge_core::Epoch;
use diesel::prelude::*;
use diesel::sql_types::BigInt;

use super::Conn;
use super::counters::{POSTS_COUNTER, is_half_imported, note_import, note_imported, renew_epoch};
use super::dialect::OURS;
use crate::storage::keep::Keep;
use crate::storage::schema::{
    clients, counters, critique_records, critiques, decision_records, decisions, deliveries,
    follow_ups, grants, log, members, message_records, messages, replies, rooms, snapshots,
    streams,
};

/// A connection that writes beside the log.
pub(in crate::storage) struct Keeper {
    conn: Conn,
}

impl Keeper {
    /// One that works by this connection.
    pub(in crate::storage) const fn new(conn: Conn) -> Self {
        Self { conn }
    }
}

impl Keep for Keeper {
    fn begin_import(&mut self) -> Result<(), String> {
        let begun = self.conn.transaction(|conn| {
            note_import(conn)?;
            wipe(conn)
        });
        begun.map_err(|why| why.to_string())
    }

    fn end_import(&mut self, epoch: Epoch) -> Result<(), String> {
        renew_epoch(&mut self.conn, epoch)?;
        note_imported(&mut self.conn).map_err(|why| why.to_string())
    }

    fn undo_import(&mut self) -> Result<(), String> {
        let undone = self.conn.transaction(|conn| {
            wipe(conn)?;
            note_imported(conn)
        });
        undone.map_err(|why: diesel::result::Error| why.to_string())
    }
}

/// How many there are.
#[derive(QueryableByName)]
struct Count {
    #[diesel(sql_type = BigInt)]
    found: i64,
}

/// Whether there is something that an import must not take out. In a database without our tables
/// there is nothing; of one that cannot be read nobody knows.
pub(in crate::storage) fn is_used(conn: &mut Conn) -> Result<bool, String> {
    let failed = |why: diesel::result::Error| why.to_string();
    let ours: Count = diesel::sql_query(OURS).get_result(conn).map_err(failed)?;
    if ours.found == 0 {
        return Ok(false);
    }
    let streams: i64 = streams::table.count().get_result(conn).map_err(failed)?;
    Ok(streams > 0 && !is_half_imported(conn)?)
}

/// Takes everything out but the epoch and the mark of an import.
fn wipe(conn: &mut Conn) -> QueryResult<()> {
    diesel::delete(follow_ups::table).execute(conn)?;
    diesel::delete(critique_records::table).execute(conn)?;
    diesel::delete(critiques::table).execute(conn)?;
    diesel::delete(decision_records::table).execute(conn)?;
    diesel::delete(decisions::table).execute(conn)?;
    diesel::delete(message_records::table).execute(conn)?;
    diesel::delete(deliveries::table).execute(conn)?;
    diesel::delete(clients::table).execute(conn)?;
    diesel::delete(replies::table).execute(conn)?;
    diesel::delete(messages::table).execute(conn)?;
    diesel::delete(grants::table).execute(conn)?;
    diesel::delete(members::table).execute(conn)?;
    diesel::delete(rooms::table).execute(conn)?;
    diesel::delete(snapshots::table).execute(conn)?;
    diesel::delete(log::table).execute(conn)?;
    diesel::delete(streams::table).execute(conn)?;
    diesel::delete(counters::table).execute(conn)?;
    let none = (counters::name.eq(POSTS_COUNTER), counters::value.eq(0_i64));
    diesel::insert_into(counters::table)
        .values(none)
        .execute(conn)
        .map(drop)
}
