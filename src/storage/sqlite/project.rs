//! Projections: written with the records that they follow from, in the same transaction.

use bridge_core::event::{Envelope, Event, MemberJoined, Posted, RoleGranted, RoomCreated, Stream};
use bridge_core::ports::Append;
use bridge_core::{ClientId, Timestamp};
use diesel::prelude::*;
use diesel::sqlite::SqliteConnection;

use super::POSTS_COUNTER;
use crate::storage::row::{StreamNumber, number, visibility_word};
use crate::storage::schema::{counters, grants, members, messages, rooms};

/// Writes what follows from a record.
pub(super) fn record(
    conn: &mut SqliteConnection,
    stream: StreamNumber,
    envelope: &Envelope,
) -> QueryResult<()> {
    match &envelope.event {
        Event::RoomCreated(created) => room_created(conn, stream, envelope, created),
        Event::MemberJoined(joined) => member_joined(conn, stream, joined, envelope.at),
        Event::MemberLeft(left) => member_gone(conn, stream, &left.client),
        Event::MemberRemoved(removed) => {
            member_gone(conn, stream, &removed.client)?;
            let grant = grants::table.find((stream, removed.client.folded()));
            diesel::delete(grant).execute(conn).map(drop)
        }
        Event::RoleGranted(granted) => role_granted(conn, stream, granted),
        Event::ChannelCreated(_) => Ok(()),
        Event::Posted(post) => posted(conn, stream, envelope, post),
        Event::RoomClosed(_) => {
            let closed = rooms::closed_at_ms.eq(envelope.at.as_millis());
            diesel::update(rooms::table.find(stream))
                .set(closed)
                .execute(conn)
                .map(drop)
        }
    }
}

fn room_created(
    conn: &mut SqliteConnection,
    stream: StreamNumber,
    envelope: &Envelope,
    created: &RoomCreated,
) -> QueryResult<()> {
    let Stream::Room(room) = &envelope.stream;
    let row = (
        rooms::stream_id.eq(stream),
        rooms::name.eq(room.as_str()),
        rooms::name_folded.eq(room.folded()),
        rooms::topic.eq(&*created.topic),
        rooms::visibility.eq(visibility_word(created.policy.visibility)),
        rooms::has_password.eq(created.password.is_some()),
        rooms::created_at_ms.eq(envelope.at.as_millis()),
        rooms::members.eq(0_i64),
    );
    diesel::insert_into(rooms::table)
        .values(row)
        .execute(conn)
        .map(drop)
}

fn member_joined(
    conn: &mut SqliteConnection,
    stream: StreamNumber,
    joined: &MemberJoined,
    at: Timestamp,
) -> QueryResult<()> {
    let row = (
        members::stream_id.eq(stream),
        members::client_folded.eq(joined.client.folded()),
        members::client.eq(joined.client.as_str()),
        members::role.eq(joined.role.as_str()),
        members::weight_milli.eq(weight(joined.weight)),
        members::joined_at_ms.eq(at.as_millis()),
    );
    diesel::insert_into(members::table)
        .values(row)
        .execute(conn)?;
    let more = rooms::members.eq(rooms::members + 1);
    diesel::update(rooms::table.find(stream))
        .set(more)
        .execute(conn)
        .map(drop)
}

fn member_gone(
    conn: &mut SqliteConnection,
    stream: StreamNumber,
    client: &ClientId,
) -> QueryResult<()> {
    let gone = diesel::delete(members::table.find((stream, client.folded()))).execute(conn)?;
    let gone = i64::try_from(gone).expect("a primary key names at most one row");
    let fewer = rooms::members.eq(rooms::members - gone);
    diesel::update(rooms::table.find(stream))
        .set(fewer)
        .execute(conn)
        .map(drop)
}

fn role_granted(
    conn: &mut SqliteConnection,
    stream: StreamNumber,
    granted: &RoleGranted,
) -> QueryResult<()> {
    let folded = granted.client.folded();
    let role = granted.role.as_str();
    let row = (
        grants::stream_id.eq(stream),
        grants::client_folded.eq(&folded),
        grants::role.eq(role),
    );
    diesel::replace_into(grants::table)
        .values(row)
        .execute(conn)?;
    let changed = (
        members::role.eq(role),
        members::weight_milli.eq(weight(granted.weight)),
    );
    let member = members::table.find((stream, folded));
    diesel::update(member).set(changed).execute(conn).map(drop)
}

fn weight(weight: bridge_core::policy::VoteWeight) -> i32 {
    i32::try_from(weight.milli()).unwrap_or(i32::MAX)
}

fn posted(
    conn: &mut SqliteConnection,
    stream: StreamNumber,
    envelope: &Envelope,
    posted: &Posted,
) -> QueryResult<()> {
    let row = (
        messages::id.eq(&posted.id.as_bytes()[..]),
        messages::stream_id.eq(stream),
        messages::seq.eq(number(envelope.seq)),
        messages::channel_folded.eq(posted.channel.folded()),
    );
    diesel::insert_into(messages::table)
        .values(row)
        .execute(conn)
        .map(drop)
}

/// How many messages an append posts.
pub(super) fn posts_in(append: &Append) -> i64 {
    let events = append.records.iter().map(|record| &record.envelope.event);
    events
        .map(|event| i64::from(matches!(event, Event::Posted(_))))
        .sum()
}

/// Adds to the number of messages that were ever posted.
pub(super) fn count_posts(conn: &mut SqliteConnection, posts: i64) -> QueryResult<()> {
    if posts == 0 {
        return Ok(());
    }
    let more = counters::value.eq(counters::value + posts);
    diesel::update(counters::table.find(POSTS_COUNTER))
        .set(more)
        .execute(conn)
        .map(drop)
}
