//! Totals, and what the database says of itself.

use bridge_core::Epoch;
use diesel::prelude::*;

use super::Conn;
use crate::storage::schema::{counters, meta};

/// The row of `counters` that says how many messages were ever posted.
pub(in crate::storage) const POSTS_COUNTER: &str = "posts";
/// The row of `counters` that says of when the newest record is, in milliseconds.
pub(in crate::storage) const LATEST_COUNTER: &str = "latest_at_ms";
const EPOCH: &str = "epoch";
/// The row of `meta` that is there while an import is under way.
const IMPORT: &str = "import";

/// The epoch of the log, and `new_epoch` from now on when it had none.
pub(in crate::storage) fn epoch(conn: &mut Conn, new_epoch: Epoch) -> Result<Epoch, String> {
    let row = (meta::name.eq(EPOCH), meta::value.eq(new_epoch.to_string()));
    let inserted = diesel::insert_into(meta::table)
        .values(row)
        .on_conflict_do_nothing();
    inserted.execute(conn).map_err(|why| why.to_string())?;
    let total = (counters::name.eq(POSTS_COUNTER), counters::value.eq(0_i64));
    let counted = diesel::insert_into(counters::table)
        .values(total)
        .on_conflict_do_nothing();
    counted.execute(conn).map_err(|why| why.to_string())?;
    read_epoch(conn)
}

/// The epoch of the log.
pub(in crate::storage) fn read_epoch(conn: &mut Conn) -> Result<Epoch, String> {
    let found: String = meta::table
        .find(EPOCH)
        .select(meta::value)
        .first(conn)
        .map_err(|why| why.to_string())?;
    found
        .parse()
        .map_err(|why| format!("table meta, row {EPOCH:?}: {why}"))
}

/// Begins another life of the log. The one before is returned.
pub(in crate::storage) fn renew_epoch(conn: &mut Conn, epoch: Epoch) -> Result<Epoch, String> {
    let before = read_epoch(conn)?;
    diesel::update(meta::table.find(EPOCH))
        .set(meta::value.eq(epoch.to_string()))
        .execute(conn)
        .map_err(|why| why.to_string())?;
    Ok(before)
}

/// Whether an import was begun and not brought to its end.
pub(in crate::storage) fn is_half_imported(conn: &mut Conn) -> Result<bool, String> {
    let found: Option<String> = meta::table
        .find(IMPORT)
        .select(meta::value)
        .first(conn)
        .optional()
        .map_err(|why| why.to_string())?;
    Ok(found.is_some())
}

/// Notes that an import begins, so that nobody takes half of it for the whole.
pub(in crate::storage) fn note_import(conn: &mut Conn) -> QueryResult<()> {
    let row = (meta::name.eq(IMPORT), meta::value.eq("unfinished"));
    diesel::insert_into(meta::table)
        .values(row)
        .on_conflict_do_nothing()
        .execute(conn)
        .map(drop)
}

/// Notes that it has come to its end.
pub(in crate::storage) fn note_imported(conn: &mut Conn) -> QueryResult<()> {
    diesel::delete(meta::table.find(IMPORT))
        .execute(conn)
        .map(drop)
}
