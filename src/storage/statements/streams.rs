//! Streams, by their names and their numbers.

use bridge_core::Seq;
use bridge_core::event::Stream;
use diesel::prelude::*;

use super::Conn;
use crate::storage::row::{StreamNumber, seq};
use crate::storage::schema::{log, streams};

/// How far a stream has come.
#[derive(Debug, Clone, Copy)]
pub(in crate::storage) struct Head {
    pub(in crate::storage) stream: StreamNumber,
    pub(in crate::storage) seq: Seq,
}

/// The number of a stream; names are unique without regard to case.
pub(in crate::storage) fn stream_number(
    conn: &mut Conn,
    stream: &Stream,
) -> QueryResult<Option<StreamNumber>> {
    streams::table
        .filter(
            streams::kind
                .eq(stream.kind())
                .and(streams::name_folded.eq(stream.name_folded())),
        )
        .select(streams::id)
        .first(conn)
        .optional()
}

/// A stream in its creator's spelling.
pub(in crate::storage) fn stream_name(
    conn: &mut Conn,
    id: StreamNumber,
) -> QueryResult<Option<Stream>> {
    let words: Option<(String, String)> = streams::table
        .find(id)
        .select((streams::kind, streams::name))
        .first(conn)
        .optional()?;
    Ok(words.and_then(|(kind, name)| Stream::from_words(&kind, &name)))
}

/// The last position of a stream.
pub(in crate::storage) fn stream_head(conn: &mut Conn, id: StreamNumber) -> QueryResult<Seq> {
    let head: Option<i64> = log::table
        .filter(log::stream_id.eq(id))
        .select(diesel::dsl::max(log::seq))
        .first(conn)?;
    Ok(head.map_or(Seq::ZERO, seq))
}
