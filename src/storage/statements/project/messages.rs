//! Projections of mailboxes and of the broadcast stream.

use bridge_core::event::{Envelope, Event, MailboxOpened, MessageStored, Stream};
use bridge_core::message::Stage;
use bridge_core::{MessageId, Seq, Timestamp};
use diesel::prelude::*;

use super::super::Conn;
use super::super::dialect as sql;
use super::super::functions::time_or;
use crate::storage::delivery_change::{DeliveryChange, Due, Failures};
use crate::storage::row::{StreamNumber, failure_word, failures_word, number};
use crate::storage::schema::{clients, deliveries};

/// A row of `deliveries`.
#[diesel::dsl::auto_type]
fn delivery(stream: StreamNumber, message: i64) -> _ {
    deliveries::table.find((stream, message))
}

/// When a message ends of which nobody says anything more.
#[diesel::dsl::auto_type]
fn ends_at() -> _ {
    sql::earlier(
        deliveries::expires_at_ms,
        time_or(deliveries::deadline_ms, deliveries::expires_at_ms),
    )
}

/// A client is known from now on, under the spelling of its first token.
pub(super) fn mailbox_opened(
    conn: &mut Conn,
    opened: &MailboxOpened,
    at: Timestamp,
) -> QueryResult<()> {
    let row = (
        clients::name_folded.eq(opened.client.folded()),
        clients::name.eq(opened.client.as_str()),
        clients::known_at_ms.eq(at.as_millis()),
    );
    diesel::insert_into(clients::table)
        .values(row)
        .on_conflict_do_nothing()
        .execute(conn)
        .map(drop)
}

/// A message was stored: in a mailbox, where it begins its way, or on the broadcast stream, where
/// it stays.
pub(super) fn stored(
    conn: &mut Conn,
    stream: StreamNumber,
    envelope: &Envelope,
    message: &MessageStored,
) -> QueryResult<()> {
    if !matches!(envelope.stream, Stream::Mailbox(_)) {
        return Ok(());
    }
    let row = (
        deliveries::stream_id.eq(stream),
        deliveries::seq.eq(number(envelope.seq)),
        deliveries::id.eq(&message.id.as_bytes()[..]),
        deliveries::sender.eq(envelope.by.as_str()),
        deliveries::stage.eq(Stage::Stored.as_str()),
        deliveries::attempts.eq(0_i64),
        deliveries::expires_at_ms.eq(message.expires_at.as_millis()),
        deliveries::deadline_ms.eq(message.deadline.map(Timestamp::as_millis)),
        deliveries::due_at_ms.eq(message.ends_at().as_millis()),
        deliveries::answer_by_ms.eq(answer_by(message)),
    );
    diesel::insert_into(deliveries::table)
        .values(row)
        .execute(conn)
        .map(drop)
}

/// Until when a message waits for a reply, if it expects one.
pub(in crate::storage) fn answer_by(message: &MessageStored) -> Option<i64> {
    let ends_at = message.ends_at().as_millis();
    message.expects_reply.then_some(ends_at)
}

/// The message that an event is about.
pub(in crate::storage) fn message_of(event: &Event) -> Option<MessageId> {
    match event {
        Event::MessageStored(message) => Some(message.id),
        event => event.about().map(|about| about.id),
    }
}

/// What happens to a message on its way.
pub(super) fn change(
    conn: &mut Conn,
    stream: StreamNumber,
    message: Seq,
    change: &DeliveryChange,
) -> QueryResult<()> {
    let row = || delivery(stream, number(message));
    let (all, more) = match &change.failures {
        Some(Failures::All(all)) => (Some(failures_word(all)), &[][..]),
        Some(Failures::More(more)) => (None, &more[..]),
        None => (None, &[][..]),
    };
    let (not_after, exactly) = match change.due {
        Some(Due::NotAfter(at)) => (Some(at), None),
        Some(Due::Exactly(at)) => (None, Some(at)),
        None => (None, None),
    };
    let changes = (
        change
            .stage
            .map(|stage| deliveries::stage.eq(stage.as_str())),
        change
            .attempts
            .map(|attempts| deliveries::attempts.eq(i64::from(attempts))),
        not_after.map(|at| {
            let due = sql::earlier(at.as_millis(), ends_at());
            deliveries::due_at_ms.eq(due.nullable())
        }),
        exactly.map(|at| deliveries::due_at_ms.eq(at.map(Timestamp::as_millis))),
        all.map(|failures| deliveries::failures.eq(failures)),
    );
    diesel::update(row()).set(changes).execute(conn)?;
    for failure in more {
        diesel::update(row())
            .set(deliveries::failures.eq(sql::failures_and(failure_word(failure))))
            .execute(conn)?;
    }
    Ok(())
}
