//! What is said to SQLite in words of its own.

use diesel::expression::SqlLiteral;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Text};

use super::statements::functions::text_or;
use crate::storage::schema::deliveries;

diesel::define_sql_function! {
    #[sql_name = "min"]
    fn earlier(one: BigInt, other: BigInt) -> BigInt;
}
diesel::define_sql_function! {
    #[sql_name = "json_insert"]
    fn json_insert(list: Text, path: Text, value: Text) -> Text;
}
diesel::define_sql_function! {
    #[sql_name = "json"]
    fn json(text: Text) -> Text;
}

/// Left to itself, SQLite would go through all deliveries, because they are in the order of their
/// streams. What is due is little, and it is at the beginning of this index.
pub(super) const DUE_MAILBOXES: &str = "SELECT stream_id, min(due_at_ms) AS since_ms FROM deliveries \
     INDEXED BY deliveries_due WHERE due_at_ms <= ? GROUP BY stream_id \
     ORDER BY since_ms, stream_id LIMIT ?";

/// The same for rooms.
pub(super) const DUE_ROOMS: &str = "SELECT stream_id, min(due_at_ms) AS since_ms FROM decisions \
     INDEXED BY decisions_due WHERE due_at_ms <= ? GROUP BY stream_id \
     ORDER BY since_ms, stream_id LIMIT ?";

/// The first message of the thread of a post: answer by answer back, and no further than so many.
pub(super) const FIRST_OF_THREAD: &str = "WITH RECURSIVE up (id, stream_id, seq, steps) AS ( \
     SELECT m.id, m.stream_id, m.seq, 0 FROM messages m WHERE m.id = ? \
     UNION ALL \
     SELECT m.id, m.stream_id, m.seq, up.steps + 1 FROM up \
     JOIN replies r ON r.answer = up.id AND r.stream_id = up.stream_id \
     JOIN messages m ON m.id = r.id AND m.stream_id = r.stream_id \
     WHERE up.steps < ?) \
     SELECT id, seq FROM up ORDER BY steps DESC LIMIT 1";

/// Whether our tables are there: how many of one of them.
pub(super) const OURS: &str =
    "SELECT count(*) AS found FROM sqlite_master WHERE type = 'table' AND name = 'streams'";

/// A text as a projection may hold it: SQLite takes any.
pub(super) const fn listed(text: &str) -> &str {
    text
}

/// Rows come one by one, however many there are.
pub(super) type RowByRow = diesel::connection::DefaultLoadingMode;

/// What the database finds wrong with its own file. It says of a sound one that it is "ok".
pub(super) const INTEGRITY: Option<&str> =
    Some("SELECT integrity_check AS finding FROM pragma_integrity_check");

/// Bytes of a record's body.
pub(super) fn body_length() -> SqlLiteral<BigInt> {
    diesel::dsl::sql("length(body)")
}

/// The failures of a message and one more, in the database's form.
#[diesel::dsl::auto_type]
pub(super) fn failures_and(failure: String) -> _ {
    let before: text_or<deliveries::failures, &'static str> = text_or(deliveries::failures, "[]");
    json_insert(before, "$[#]", json(failure)).nullable()
}
