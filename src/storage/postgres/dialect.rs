//! What is said to PostgreSQL in words of its own.

use diesel::expression::SqlLiteral;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Text};

use super::statements::functions::text_or;
use crate::storage::schema::deliveries;

diesel::define_sql_function! {
    #[sql_name = "least"]
    fn earlier(one: BigInt, other: BigInt) -> BigInt;
}
diesel::define_sql_function! {
    /// Of the migrations: a JSON list and one element more.
    #[sql_name = "json_list_and"]
    fn one_more(list: Text, element: Text) -> Text;
}

/// Mailboxes in which something is due.
pub(super) const DUE_MAILBOXES: &str = "SELECT stream_id, min(due_at_ms) AS since_ms FROM deliveries \
     WHERE due_at_ms <= $1 GROUP BY stream_id ORDER BY since_ms, stream_id LIMIT $2";

/// Rooms in which something is due.
pub(super) const DUE_ROOMS: &str = "SELECT stream_id, min(due_at_ms) AS since_ms FROM decisions \
     WHERE due_at_ms <= $1 GROUP BY stream_id ORDER BY since_ms, stream_id LIMIT $2";

/// The first message of the thread of a post: answer by answer back, and no further than so many.
pub(super) const FIRST_OF_THREAD: &str = "WITH RECURSIVE up (id, stream_id, seq, steps) AS ( \
     SELECT m.id, m.stream_id, m.seq, 0 FROM messages m WHERE m.id = $1 \
     UNION ALL \
     SELECT m.id, m.stream_id, m.seq, up.steps + 1 FROM up \
     JOIN replies r ON r.answer = up.id AND r.stream_id = up.stream_id \
     JOIN messages m ON m.id = r.id AND m.stream_id = r.stream_id \
     WHERE up.steps < $2) \
     SELECT id, seq FROM up ORDER BY steps DESC LIMIT 1";

/// Whether our tables are there: how many of one of them.
pub(super) const OURS: &str = "SELECT count(*) AS found FROM pg_catalog.pg_tables \
     WHERE tablename = 'streams' AND schemaname = ANY (current_schemas(false))";

/// A text as a projection may hold it: PostgreSQL has no character 0 in a text, so its symbol stands
/// there. The record, which is bytes, keeps what was written.
pub(super) fn listed(text: &str) -> String {
    text.replace('\0', "\u{2400}")
}

/// Rows come one by one, however many there are.
pub(super) type RowByRow = diesel::pg::PgRowByRowLoadingMode;

/// The server looks after its own files.
pub(super) const INTEGRITY: Option<&str> = None;

/// Bytes of a record's body.
pub(super) fn body_length() -> SqlLiteral<BigInt> {
    diesel::dsl::sql("octet_length(body)::bigint")
}

/// The failures of a message and one more, in the database's form. They are put together as text:
/// `jsonb` refuses the character 0, which a reason may have.
#[diesel::dsl::auto_type]
pub(super) fn failures_and(failure: String) -> _ {
    let list: text_or<deliveries::failures, &'static str> = text_or(deliveries::failures, "[]");
    one_more(list, failure).nullable()
}
