//! Projections: written with the records that they follow from, in the same transaction.

mod decisions;
pub(in crate::storage) mod messages;

use bridge_core::event::{Envelope, Event, MemberJoined, Posted, RoleGranted, RoomCreated};
use bridge_core::policy::{Policy, Role};
use bridge_core::{ClientId, Timestamp};
use diesel::prelude::*;

use super::Conn;
use super::dialect::listed;
use crate::storage::delivery_change;
use crate::storage::row::{StreamNumber, number, visibility_word};
use crate::storage::schema::{grants, members, messages as posts, rooms};

/// Changes what is known of rooms, motions, clients and messages.
pub(in crate::storage) fn change(
    conn: &mut Conn,
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
        Event::PolicyChanged(changed) => policy_changed(conn, stream, &changed.policy),
        Event::Proposed(_)
        | Event::Voted(_)
        | Event::AmendmentProposed(_)
        | Event::AmendmentVoted(_)
        | Event::Amended(_)
        | Event::VetoWindowClosed(_)
        | Event::Decided(_)
        | Event::Withdrawn(_)
        | Event::Critiqued(_)
        | Event::Resolved(_)
        | Event::Waived(_)
        | Event::Argued(_) => decisions::change(conn, stream, envelope),
        Event::MailboxOpened(opened) => messages::mailbox_opened(conn, opened, envelope.at),
        Event::MessageStored(message) => messages::stored(conn, stream, envelope, message),
        Event::MessageDelivered(_)
        | Event::LeaseExtended(_)
        | Event::MessageReturned(_)
        | Event::MessageSeen(_)
        | Event::MessageDone(_)
        | Event::MessageExpired(_)
        | Event::MessageDied(_) => match delivery_change::of(envelope) {
            Some((message, change)) => messages::change(conn, stream, message, &change),
            None => Ok(()),
        },
        // Only the owner of the mailbox asks for these, and it has them in memory.
        Event::ReceiptKept(_) | Event::ReceiptsTold(_) | Event::BroadcastsRead(_) => Ok(()),
    }
}

fn room_created(
    conn: &mut Conn,
    stream: StreamNumber,
    envelope: &Envelope,
    created: &RoomCreated,
) -> QueryResult<()> {
    let row = (
        rooms::stream_id.eq(stream),
        rooms::name.eq(envelope.stream.name()),
        rooms::name_folded.eq(envelope.stream.name_folded()),
        rooms::topic.eq(listed(&created.topic)),
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
    conn: &mut Conn,
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

fn member_gone(conn: &mut Conn, stream: StreamNumber, client: &ClientId) -> QueryResult<()> {
    let gone = diesel::delete(members::table.find((stream, client.folded()))).execute(conn)?;
    let gone = i64::try_from(gone).expect("a primary key names at most one row");
    let fewer = rooms::members.eq(rooms::members - gone);
    diesel::update(rooms::table.find(stream))
        .set(fewer)
        .execute(conn)
        .map(drop)
}

fn role_granted(conn: &mut Conn, stream: StreamNumber, granted: &RoleGranted) -> QueryResult<()> {
    let folded = granted.client.folded();
    let role = granted.role.as_str();
    let row = (
        grants::stream_id.eq(stream),
        grants::client_folded.eq(&folded),
        grants::role.eq(role),
    );
    diesel::insert_into(grants::table)
        .values(row)
        .on_conflict((grants::stream_id, grants::client_folded))
        .do_update()
        .set(grants::role.eq(role))
        .execute(conn)?;
    let changed = (
        members::role.eq(role),
        members::weight_milli.eq(weight(granted.weight)),
    );
    let member = members::table.find((stream, folded));
    diesel::update(member).set(changed).execute(conn).map(drop)
}

/// New weights hold for all members at once.
fn policy_changed(conn: &mut Conn, stream: StreamNumber, policy: &Policy) -> QueryResult<()> {
    let visibility = rooms::visibility.eq(visibility_word(policy.visibility));
    diesel::update(rooms::table.find(stream))
        .set(visibility)
        .execute(conn)?;
    for role in Role::ALL {
        let with_it = members::table
            .filter(members::stream_id.eq(stream))
            .filter(members::role.eq(role.as_str()));
        diesel::update(with_it)
            .set(members::weight_milli.eq(weight(policy.weights.of(role))))
            .execute(conn)?;
    }
    Ok(())
}

fn weight(weight: bridge_core::policy::VoteWeight) -> i32 {
    i32::try_from(weight.milli()).unwrap_or(i32::MAX)
}

fn posted(
    conn: &mut Conn,
    stream: StreamNumber,
    envelope: &Envelope,
    posted: &Posted,
) -> QueryResult<()> {
    let row = (
        posts::id.eq(&posted.id.as_bytes()[..]),
        posts::stream_id.eq(stream),
        posts::seq.eq(number(envelope.seq)),
        posts::channel_folded.eq(posted.channel.folded()),
    );
    diesel::insert_into(posts::table)
        .values(row)
        .execute(conn)
        .map(drop)
}
