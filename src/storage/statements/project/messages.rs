//! Projections of mailboxes and of the broadcast stream.

use bridge_core::event::{
    About, Envelope, Event, LeaseExtended, MailboxOpened, MessageDelivered, MessageDied,
    MessageReturned, MessageSeen, MessageStored, Stream,
};
use bridge_core::message::{Failure, Stage};
use bridge_core::{MessageId, Timestamp};
use diesel::prelude::*;

use super::super::Conn;
use super::super::dialect as sql;
use super::super::functions::time_or;
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
    );
    diesel::insert_into(deliveries::table)
        .values(row)
        .execute(conn)
        .map(drop)
}

/// The message that an event is about.
pub(in crate::storage) fn message_of(event: &Event) -> Option<MessageId> {
    match event {
        Event::MessageStored(message) => Some(message.id),
        event => event.about().map(|about| about.id),
    }
}

/// It was handed over.
pub(super) fn delivered(
    conn: &mut Conn,
    stream: StreamNumber,
    delivered: &MessageDelivered,
) -> QueryResult<()> {
    let due = sql::earlier(delivered.until.as_millis(), ends_at());
    let changes = (
        deliveries::stage.eq(Stage::Delivered.as_str()),
        deliveries::attempts.eq(i64::from(delivered.attempt)),
        deliveries::due_at_ms.eq(due.nullable()),
    );
    diesel::update(delivery(stream, number(delivered.about.message)))
        .set(changes)
        .execute(conn)
        .map(drop)
}

/// Who has it has it for longer.
pub(super) fn extended(
    conn: &mut Conn,
    stream: StreamNumber,
    extended: &LeaseExtended,
) -> QueryResult<()> {
    let due = sql::earlier(extended.until.as_millis(), ends_at());
    diesel::update(delivery(stream, number(extended.about.message)))
        .set(deliveries::due_at_ms.eq(due.nullable()))
        .execute(conn)
        .map(drop)
}

/// An attempt ended. Failures are told apart from what is nobody's fault, and kept in their order.
pub(super) fn returned(
    conn: &mut Conn,
    stream: StreamNumber,
    returned: &MessageReturned,
    at: Timestamp,
) -> QueryResult<()> {
    let message = number(returned.about.message);
    diesel::update(delivery(stream, message))
        .set(deliveries::due_at_ms.eq(ends_at().nullable()))
        .execute(conn)?;
    if returned.reopened.is_some() {
        diesel::update(delivery(stream, message))
            .set(deliveries::stage.eq(Stage::Delivered.as_str()))
            .execute(conn)?;
    }
    if returned.ending.counts() {
        let failure = Failure {
            attempt: returned.attempt,
            at,
            ending: returned.ending,
            reason: returned.reason.clone(),
        };
        diesel::update(delivery(stream, message))
            .set(deliveries::failures.eq(sql::failures_and(failure_word(&failure))))
            .execute(conn)?;
    }
    Ok(())
}

/// Its recipient has it.
pub(super) fn seen(conn: &mut Conn, stream: StreamNumber, seen: &MessageSeen) -> QueryResult<()> {
    let changes = (
        deliveries::stage.eq(Stage::Seen.as_str()),
        deliveries::due_at_ms.eq(seen.ends_at.as_millis()),
    );
    diesel::update(delivery(stream, number(seen.about.message)))
        .set(changes)
        .execute(conn)
        .map(drop)
}

/// Nothing comes after it.
pub(super) fn ended(
    conn: &mut Conn,
    stream: StreamNumber,
    about: &About,
    stage: Stage,
) -> QueryResult<()> {
    let changes = (
        deliveries::stage.eq(stage.as_str()),
        deliveries::due_at_ms.eq(None::<i64>),
    );
    diesel::update(delivery(stream, number(about.message)))
        .set(changes)
        .execute(conn)
        .map(drop)
}

/// Nothing comes after it, and its record says of every attempt why it failed.
pub(super) fn died(conn: &mut Conn, stream: StreamNumber, died: &MessageDied) -> QueryResult<()> {
    let changes = (
        deliveries::stage.eq(Stage::Dead.as_str()),
        deliveries::failures.eq(failures_word(&died.failures)),
        deliveries::due_at_ms.eq(None::<i64>),
    );
    diesel::update(delivery(stream, number(died.about.message)))
        .set(changes)
        .execute(conn)
        .map(drop)
}
