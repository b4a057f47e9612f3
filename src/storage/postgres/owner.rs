//! The one server that writes to a database.
//!
//! A lock that goes with the connection keeps a second server waiting. It is no proof: a connection
//! may be lost without a word, and another server take over while this one still believes. So who
//! takes over raises the term, and every transaction holds the row that says it and looks whether
//! it is still its own.

use std::time::Duration;

use diesel::prelude::*;
use diesel::result::Error;
use diesel::sql_types::BigInt;

use super::{Conn, wait};

/// The lock's number: "agentbrg".
const LOCK: i64 = 0x6167_656e_7462_7267;
/// Between two looks whether the owner is gone.
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// Whose turn it is, counted up from 1.
pub(super) type Term = i64;

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
    #[error("another server has taken over this database")]
    Fenced,
    /// A connection holds the lock: another server's, or our own before this one.
    #[error("another connection still holds the database")]
    Held,
    /// The database does not answer.
    #[error("{0}")]
    Database(#[from] Error),
}

/// Waits until no other server is connected. `stands_by` is called once when there is one.
pub(super) fn wait_for_turn(conn: &mut Conn, stands_by: impl FnOnce()) -> QueryResult<()> {
    let mut stands_by = Some(stands_by);
    while !try_lock(conn)? {
        if let Some(tell) = stands_by.take() {
            tell();
        }
        wait(LOOK_EVERY);
    }
    Ok(())
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
pub(super) fn resume(conn: &mut Conn, term: Term) -> Result<(), NotOwner> {
    let found: Term = conn.transaction(|conn| {
        owner::table
            .find(1)
            .select(owner::term)
            .for_update()
            .first(conn)
    })?;
    if found != term {
        return Err(NotOwner::Fenced);
    }
    if try_lock(conn)? {
        return Ok(());
    }
    Err(NotOwner::Held)
}

/// Holds the term until the end of the transaction, if it is still this one.
pub(super) fn hold(conn: &mut Conn, term: Term) -> Result<(), NotOwner> {
    let found: Term = owner::table
        .find(1)
        .select(owner::term)
        .for_share()
        .first(conn)?;
    if found == term {
        Ok(())
    } else {
        Err(NotOwner::Fenced)
    }
}
