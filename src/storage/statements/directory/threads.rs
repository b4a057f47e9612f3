//! Threads: from an answer up to the first message, and from there down to all answers.

use std::collections::{BTreeMap, HashMap};

use bridge_core::event::Stream;
use bridge_core::ports::{StoreError, ThreadPost, ThreadQuery};
use bridge_core::{MessageId, RoomId, limits};
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Binary};

use super::super::Conn;
use super::super::dialect::FIRST_OF_THREAD;
use super::super::read::{DatabaseStore, rows};
use super::records::Records;
use crate::storage::error::reading;
use crate::storage::row::{StreamNumber, number};
use crate::storage::schema::{messages as posts, replies};

/// The posts of a thread by their positions, each with its depth.
type Thread = BTreeMap<i64, u32>;

/// The first message of a thread.
#[derive(QueryableByName)]
struct First {
    #[diesel(sql_type = Binary)]
    id: Vec<u8>,
    #[diesel(sql_type = BigInt)]
    seq: i64,
}

pub(super) fn page(
    conn: &mut Conn,
    room: &RoomId,
    id: MessageId,
    query: &ThreadQuery,
) -> Result<Option<Vec<ThreadPost>>, StoreError> {
    let Some((stream, _)) = DatabaseStore::find(conn, &Stream::Room(room.clone()))? else {
        return Ok(None);
    };
    let first = first_of(conn, stream, id).map_err(|why| reading(&why))?;
    let Some(first) = first else { return Ok(None) };
    let thread = answers_below(conn, stream, first).map_err(|why| reading(&why))?;
    let behind = thread.range(number(query.after).saturating_add(1)..);
    let mut records = Records::new(conn);
    let mut page = Vec::new();
    for (seq, depth) in behind.take(query.records_max) {
        if records.bytes() >= limits::PAGE_BYTES_MAX {
            break;
        }
        let post = records.at((stream, *seq))?;
        let depth = *depth;
        page.push(ThreadPost { depth, post });
    }
    Ok(Some(page))
}

/// The first message of the thread of a post, if the room has it.
fn first_of(conn: &mut Conn, stream: StreamNumber, id: MessageId) -> QueryResult<Option<First>> {
    let is_there: Option<i64> = posts::table
        .find(&id.as_bytes()[..])
        .filter(posts::stream_id.eq(stream))
        .select(posts::seq)
        .first(conn)
        .optional()?;
    if is_there.is_none() {
        return Ok(None);
    }
    diesel::sql_query(FIRST_OF_THREAD)
        .bind::<Binary, _>(&id.as_bytes()[..])
        .bind::<BigInt, _>(rows(limits::THREAD_DEPTH_MAX))
        .get_result(conn)
        .optional()
}

/// A thread, level by level. An answer comes behind what it answers, so what is not among the first
/// posts of what is known has nothing below it that is.
fn answers_below(conn: &mut Conn, stream: StreamNumber, first: First) -> QueryResult<Thread> {
    let mut thread = Thread::from([(first.seq, 0)]);
    let mut level: HashMap<i64, Vec<u8>> = HashMap::from([(first.seq, first.id)]);
    for depth in 1..=limits::THREAD_DEPTH_MAX {
        if level.is_empty() {
            break;
        }
        let found: Vec<(i64, Vec<u8>)> = replies::table
            .filter(replies::id.eq_any(level.into_values()))
            .filter(replies::stream_id.eq(stream))
            .order(replies::seq)
            .limit(rows(limits::THREAD_POSTS_MAX))
            .select((replies::seq, replies::answer))
            .load(conn)?;
        let depth = u32::try_from(depth).unwrap_or(u32::MAX);
        thread.extend(found.iter().map(|(seq, _)| (*seq, depth)));
        while thread.len() > limits::THREAD_POSTS_MAX {
            thread.pop_last();
        }
        level = found.into_iter().collect();
        level.retain(|seq, _| thread.contains_key(seq));
    }
    Ok(thread)
}
