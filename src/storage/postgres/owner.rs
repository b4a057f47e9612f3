//! The one server that writes to a database.
//!
//! A lock that goes with the connection keeps a second server waiting. It is no proof: a connection
//! may be lost without a word, and another server take over while this one still believes. So who
//! takes over raises the term, and every transaction holds the row that says it and looks whether
//! it is still its own. A database that was put back counts on from the term that it had then, so
//! whoever comes back on a new connection looks at the epoch as well.

use std::time::Duration;

use bridge_core::Epoch;
use diesel::prelude::*;
use diesel::result::Error;
use diesel::sql_types::{BigInt, Integer};

use super::Conn;
use super::statements::counters::read_epoch;

/// The lock's number: "agentbrg".
const LOCK: i64 = 0x6167_656e_7462_7267;
/// Between two looks whether the owner is gone.
pub(super) const LOOK_EVERY: Duration = Duration::from_millis(100);

/// Whose turn it is, counted up from 1.
pub(super) type Term = i64;

/// The server whose turn it is, in one life of the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Owner {
    pub(super) term: Term,
    pub(super) epoch: Epoch,
}

/// A connection, as the database knows it.
#[derive(Debug, Clone, Copy, QueryableByName)]
pub(super) struct Backend {
    #[diesel(sql_type = Integer)]
    pid: i32,
    /// Microseconds since 1970: a number is given again to a later one.
    #[diesel(sql_type = BigInt)]
    began: i64,
}

diesel::table! {
    owner (id) {
        id -> Integer,
        term -> BigInt,
    }
}

diesel::define_sql_function! {
    fn pg_try_advisory_lock(key: BigInt) -> Bool;
}

/// Why a server does not own the database, or not yet.
#[derive(Debug, thiserror::Error)]
pub(super) enum NotOwner {
    /// Another one has taken over. There is no way back but to begin anew.
    #[error("another server has taken over this database, or it was put back")]
    Fenced,
    /// A connection holds the lock: another server's, or our own before this one.
    #[error("another connection still holds the database")]
    Held,
    /// The database does not answer.
    #[error("{0}")]
    Database(#[from] Error),
}

/// Takes the lock, if nobody has it.
pub(super) fn try_lock(conn: &mut Conn) -> QueryResult<bool> {
    diesel::select(pg_try_advisory_lock(LOCK)).get_result(conn)
}

/// Makes this server the owner. Whatever an earlier one still has under way is waited for, and what
/// it begins later is refused.
pub(super) fn take_over(conn: &mut Conn) -> QueryResult<Term> {
    diesel::update(owner::table.find(1))
        .set(owner::term.eq(owner::term + 1))
        .returning(owner::term)
        .get_result(conn)
}

/// The same server on a new connection: what its last one still had under way has ended when this
/// returns, one way or the other.
pub(super) fn resume(conn: &mut Conn, owner: Owner) -> Result<(), NotOwner> {
    let found: Term = conn.transaction(|conn| {
        owner::table
            .find(1)
            .select(owner::term)
            .for_update()
            .first(conn)
    })?;
    let epoch = read_epoch(conn).map_err(|why| Error::QueryBuilderError(why.into()))?;
    if (Owner { term: found, epoch }) != owner {
        return Err(NotOwner::Fenced);
    }
    if try_lock(conn)? {
        return Ok(());
    }
    Err(NotOwner::Held)
}

/// Holds the term until the end of the transaction, if it is still this one.
pub(super) fn hold(conn: &mut Conn, owner: Owner) -> Result<(), NotOwner> {
    let found: Term = owner::table
        .find(1)
        .select(owner::term)
        .for_share()
        .first(conn)?;
    same(found, owner)
}

/// Looks whether the term is still this one.
pub(super) fn look(conn: &mut Conn, owner: Owner) -> Result<(), NotOwner> {
    let found: Term = owner::table.find(1).select(owner::term).first(conn)?;
    same(found, owner)
}

fn same(found: Term, owner: Owner) -> Result<(), NotOwner> {
    if found == owner.term {
        Ok(())
    } else {
        Err(NotOwner::Fenced)
    }
}

/// What the database knows this connection as.
pub(super) fn backend(conn: &mut Conn) -> QueryResult<Backend> {
    diesel::sql_query(format!(
        "SELECT pid, {BEGAN} AS began FROM pg_stat_activity WHERE pid = pg_backend_pid()"
    ))
    .get_result(conn)
}

/// Ends a connection of ours that was lost, if only the database does not know yet.
pub(super) fn end(conn: &mut Conn, lost: Backend) -> QueryResult<()> {
    diesel::sql_query(format!(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid = $1 AND {BEGAN} = $2"
    ))
    .bind::<Integer, _>(lost.pid)
    .bind::<BigInt, _>(lost.began)
    .execute(conn)
    .map(drop)
}

const BEGAN: &str = "(extract(epoch FROM backend_start) * 1000000)::bigint";
