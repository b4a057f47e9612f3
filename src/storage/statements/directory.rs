//! Look-ups on the projections.

mod decisions;
mod due;
mod messages;
mod records;
mod threads;
mod todo;

use std::collections::HashMap;

use bridge_core::command::Fingerprint;
use bridge_core::event::{Envelope, Stream};
use bridge_core::ports::{
    CritiquesQuery, DeadLettersQuery, DecisionsQuery, Delivery, Directory, DueDelivery, FollowUp,
    Membership, OpenDecision, PostsQuery, QuestionsQuery, RoomRow as Room, StoreError, ThreadPost,
    ThreadQuery, Window,
};
use bridge_core::{ClientId, DecisionId, IdempotencyKey, MessageId, RoomId, Seq, Timestamp};
use diesel::prelude::*;

use super::Conn;
use super::counters::POSTS_COUNTER;
use super::dialect::body_length;
use super::read::{DatabaseStore, rows, within_page};
use super::streams::{stream_head, stream_name};
use crate::storage::error::reading;
use crate::storage::row::{
    LogRow, RoomRow, StreamNumber, dedupe, number, room_id, seq, visibility_word,
};
use crate::storage::schema::{counters, grants, log, members, messages as posts, rooms};

impl Directory for DatabaseStore {
    fn message(&self, id: MessageId) -> Result<Option<(Stream, Seq)>, StoreError> {
        let conn = &mut self.connection()?;
        let row: Option<(StreamNumber, i64)> = posts::table
            .find(&id.as_bytes()[..])
            .select((posts::stream_id, posts::seq))
            .first(conn)
            .optional()
            .map_err(|why| reading(&why))?;
        let Some((stream, at)) = row else {
            return Ok(None);
        };
        let name = stream_name(conn, stream).map_err(|why| reading(&why))?;
        Ok(name.map(|name| (name, seq(at))))
    }

    fn key(
        &self,
        stream: &Stream,
        by: &ClientId,
        word: &IdempotencyKey,
    ) -> Result<Option<(Seq, Fingerprint)>, StoreError> {
        let conn = &mut self.connection()?;
        let Some((id, _)) = Self::find(conn, stream)? else {
            return Ok(None);
        };
        let row: Option<(i64, Option<Vec<u8>>)> = log::table
            .filter(log::stream_id.eq(id).and(log::dedupe.eq(dedupe(by, word))))
            .select((log::seq, log::fingerprint))
            .first(conn)
            .optional()
            .map_err(|why| reading(&why))?;
        let Some((at, bytes)) = row else {
            return Ok(None);
        };
        let bytes = bytes
            .and_then(|bytes| bytes.try_into().ok())
            .ok_or_else(|| {
                StoreError::Corrupt(format!("log {stream} seq {at} column fingerprint"))
            })?;
        Ok(Some((seq(at), Fingerprint(bytes))))
    }

    fn memberships(
        &self,
        client: &ClientId,
        after: Option<&RoomId>,
        rows_max: usize,
    ) -> Result<Vec<Membership>, StoreError> {
        let conn = &mut self.connection()?;
        let mine = members::table
            .filter(members::client_folded.eq(client.folded()))
            .select(members::stream_id);
        let found: Vec<(StreamNumber, String)> = rooms::table
            .filter(rooms::stream_id.eq_any(mine))
            .filter(rooms::name_folded.gt(after.map_or_else(String::new, RoomId::folded)))
            .order(rooms::name_folded)
            .limit(rows(rows_max))
            .select((rooms::stream_id, rooms::name))
            .load(conn)
            .map_err(|why| reading(&why))?;
        found.into_iter().map(|row| membership(conn, row)).collect()
    }

    fn membership_count(&self, client: &ClientId) -> Result<u64, StoreError> {
        let conn = &mut self.connection()?;
        let count: i64 = members::table
            .filter(members::client_folded.eq(client.folded()))
            .count()
            .get_result(conn)
            .map_err(|why| reading(&why))?;
        Ok(u64::try_from(count).unwrap_or_default())
    }

    fn rooms(
        &self,
        viewer: &ClientId,
        after: Option<&RoomId>,
        rows_max: usize,
    ) -> Result<Vec<Room>, StoreError> {
        let conn = &mut self.connection()?;
        let viewer = viewer.folded();
        let joined = members::table
            .filter(members::client_folded.eq(&viewer))
            .select(members::stream_id);
        let invited = grants::table
            .filter(grants::client_folded.eq(&viewer))
            .select(grants::stream_id);
        let private = visibility_word(bridge_core::policy::Visibility::Private);
        let visible = rooms::visibility
            .ne(private)
            .or(rooms::stream_id.eq_any(joined))
            .or(rooms::stream_id.eq_any(invited));
        let found: Vec<RoomRow> = rooms::table
            .filter(visible)
            .filter(rooms::name_folded.gt(after.map_or_else(String::new, RoomId::folded)))
            .order(rooms::name_folded)
            .limit(rows(rows_max))
            .select(RoomRow::as_select())
            .load(conn)
            .map_err(|why| reading(&why))?;
        found.into_iter().map(RoomRow::into_room).collect()
    }

    fn posts(&self, room: &RoomId, query: &PostsQuery) -> Result<Vec<Envelope>, StoreError> {
        let conn = &mut self.connection()?;
        let Some((id, stream)) = Self::find(conn, &Stream::Room(room.clone()))? else {
            return Ok(Vec::new());
        };
        let found = load_posts(conn, id, query).map_err(|why| reading(&why))?;
        found
            .into_iter()
            .map(|row| row.into_envelope(&stream))
            .collect()
    }

    fn thread(
        &self,
        room: &RoomId,
        id: MessageId,
        query: &ThreadQuery,
    ) -> Result<Option<Vec<ThreadPost>>, StoreError> {
        let conn = &mut self.connection()?;
        threads::page(conn, room, id, query)
    }

    fn posts_total(&self) -> Result<u64, StoreError> {
        let conn = &mut self.connection()?;
        let total: i64 = counters::table
            .find(POSTS_COUNTER)
            .select(counters::value)
            .first(conn)
            .map_err(|why| reading(&why))?;
        Ok(u64::try_from(total).unwrap_or_default())
    }

    fn clients_like(&self, name: &ClientId, rows_max: usize) -> Result<Vec<ClientId>, StoreError> {
        let conn = &mut self.connection()?;
        messages::clients_like(conn, name, rows_max)
    }

    fn delivery(&self, mailbox: &Stream, id: MessageId) -> Result<Option<Delivery>, StoreError> {
        let conn = &mut self.connection()?;
        messages::delivery(conn, mailbox, id)
    }

    fn message_history(&self, id: MessageId) -> Result<Vec<Envelope>, StoreError> {
        let conn = &mut self.connection()?;
        messages::history(conn, id)
    }

    fn dead_letters(&self, query: &DeadLettersQuery) -> Result<Vec<Envelope>, StoreError> {
        let conn = &mut self.connection()?;
        messages::dead_letters(conn, query)
    }

    fn decision_history(&self, id: DecisionId) -> Result<Vec<Envelope>, StoreError> {
        let conn = &mut self.connection()?;
        decisions::history(conn, id)
    }

    fn decisions(
        &self,
        room: &RoomId,
        query: &DecisionsQuery,
    ) -> Result<Vec<DecisionId>, StoreError> {
        let conn = &mut self.connection()?;
        decisions::of_room(conn, room, query)
    }

    fn critiques(
        &self,
        room: &RoomId,
        query: &CritiquesQuery,
    ) -> Result<Vec<Envelope>, StoreError> {
        let conn = &mut self.connection()?;
        decisions::critiques(conn, room, query)
    }

    fn open_decisions(
        &self,
        client: &ClientId,
        rows_max: usize,
    ) -> Result<Vec<OpenDecision>, StoreError> {
        let conn = &mut self.connection()?;
        todo::open_decisions(conn, client, rows_max)
    }

    fn open_questions(
        &self,
        client: &ClientId,
        query: &QuestionsQuery,
    ) -> Result<Vec<Envelope>, StoreError> {
        let conn = &mut self.connection()?;
        todo::open_questions(conn, client, query)
    }

    fn due_rooms(
        &self,
        now: Timestamp,
        rows_max: usize,
    ) -> Result<Vec<(RoomId, Timestamp)>, StoreError> {
        let conn = &mut self.connection()?;
        due::rooms(conn, now, rows_max)
    }

    fn next_due(&self, after: Timestamp) -> Result<Option<Timestamp>, StoreError> {
        let conn = &mut self.connection()?;
        due::next(conn, after)
    }

    fn due_mailboxes(
        &self,
        now: Timestamp,
        rows_max: usize,
    ) -> Result<Vec<(ClientId, Timestamp)>, StoreError> {
        let conn = &mut self.connection()?;
        due::mailboxes(conn, now, rows_max)
    }

    fn due_deliveries(
        &self,
        mailbox: &ClientId,
        now: Timestamp,
        rows_max: usize,
    ) -> Result<Vec<DueDelivery>, StoreError> {
        let conn = &mut self.connection()?;
        due::deliveries(conn, mailbox, now, rows_max)
    }

    fn follow_ups(
        &self,
        after: Option<&FollowUp>,
        rows_max: usize,
    ) -> Result<Vec<FollowUp>, StoreError> {
        let conn = &mut self.connection()?;
        due::follow_ups(conn, after, rows_max)
    }
}

fn membership(
    conn: &mut Conn,
    (stream, name): (StreamNumber, String),
) -> Result<Membership, StoreError> {
    let room = room_id(&name)
        .map_err(|why| StoreError::Corrupt(format!("rooms {stream} column name: {why}")))?;
    let head = stream_head(conn, stream).map_err(|why| reading(&why))?;
    Ok(Membership { room, head })
}

/// Posts in the order of the log, whichever end they are taken from, and no more bytes of them than
/// a page may have.
fn load_posts(
    conn: &mut Conn,
    stream: StreamNumber,
    query: &PostsQuery,
) -> QueryResult<Vec<LogRow>> {
    let seqs = match &query.channel {
        Some(channel) => seqs_of_channel(conn, stream, &channel.folded(), query)?,
        None => seqs_of_all(conn, stream, query)?,
    };
    let of_stream = log::stream_id.eq(stream);
    let lengths: Vec<(i64, i64)> = log::table
        .filter(of_stream.and(log::seq.eq_any(&seqs)))
        .select((log::seq, body_length()))
        .load(conn)?;
    let lengths: HashMap<i64, i64> = lengths.into_iter().collect();
    let in_order = seqs
        .iter()
        .map(|seq| (*seq, lengths.get(seq).copied().unwrap_or_default()));
    let fitting = within_page(in_order);
    log::table
        .filter(of_stream.and(log::seq.eq_any(fitting)))
        .select(LogRow::as_select())
        .order(log::seq.asc())
        .load(conn)
}

fn seqs_of_channel(
    conn: &mut Conn,
    stream: StreamNumber,
    channel: &str,
    query: &PostsQuery,
) -> QueryResult<Vec<i64>> {
    let of_channel = posts::table
        .filter(
            posts::stream_id
                .eq(stream)
                .and(posts::channel_folded.eq(channel)),
        )
        .select(posts::seq)
        .limit(rows(query.records_max))
        .into_boxed();
    match query.window {
        Window::After(at) => of_channel
            .filter(posts::seq.gt(number(at)))
            .order(posts::seq.asc()),
        Window::Before(at) => of_channel
            .filter(posts::seq.lt(number(at)))
            .order(posts::seq.desc()),
        Window::Newest => of_channel.order(posts::seq.desc()),
    }
    .load(conn)
}

fn seqs_of_all(conn: &mut Conn, stream: StreamNumber, query: &PostsQuery) -> QueryResult<Vec<i64>> {
    let posts = log::table
        .filter(log::stream_id.eq(stream).and(log::kind.eq("posted")))
        .select(log::seq)
        .limit(rows(query.records_max))
        .into_boxed();
    match query.window {
        Window::After(at) => posts.filter(log::seq.gt(number(at))).order(log::seq.asc()),
        Window::Before(at) => posts.filter(log::seq.lt(number(at))).order(log::seq.desc()),
        Window::Newest => posts.order(log::seq.desc()),
    }
    .load(conn)
}
