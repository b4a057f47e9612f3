//! What is counted with every batch, so that nobody has to count it.

use bridge_core::event::Event;
use bridge_core::owner::Answer;
use bridge_core::ports::Append;
use bridge_core::{Timestamp, limits};
use diesel::prelude::*;

use super::Conn;
use super::counters::{LATEST_COUNTER, POSTS_COUNTER};
use crate::storage::schema::counters;

/// What a writer remembers of the totals that it keeps.
#[derive(Debug, Default)]
pub(in crate::storage) struct Totals {
    /// The newest time that is noted in the database.
    latest: Option<Timestamp>,
}

impl Totals {
    /// Counts the appends of a batch that were stored, and notes the time of the newest record, now
    /// and then.
    pub(in crate::storage) fn count(
        &mut self,
        conn: &mut Conn,
        stored: &[&Append],
    ) -> QueryResult<()> {
        count_posts(conn, stored.iter().map(|append| posts_in(append)).sum())?;
        let newest = stored.iter().flat_map(|append| append.records.last());
        let Some(newest) = newest.map(|record| record.envelope.at).max() else {
            return Ok(());
        };
        let every = limits::LATEST_NOTED_EVERY.as_millis();
        let is_known = |noted: Timestamp| i128::from(newest.millis_since(noted)) < every as i128;
        if self.latest.is_some_and(is_known) {
            return Ok(());
        }
        self.latest = Some(newest);
        note_latest(conn, newest)
    }
}

/// Those of a batch that were stored.
pub(in crate::storage) fn stored<'a>(batch: &[&'a Append], answers: &[Answer]) -> Vec<&'a Append> {
    let answered = batch.iter().zip(answers);
    let stored = answered.filter(|(_, answer)| **answer == Answer::Stored);
    stored.map(|(append, _)| *append).collect()
}

/// How many messages an append posts or sends.
fn posts_in(append: &Append) -> i64 {
    let events = append.records.iter().map(|record| &record.envelope.event);
    events
        .map(|event| i64::from(matches!(event, Event::Posted(_) | Event::MessageStored(_))))
        .sum()
}

/// Notes of when the newest record is. It is never set back.
fn note_latest(conn: &mut Conn, at: Timestamp) -> QueryResult<()> {
    let row = (
        counters::name.eq(LATEST_COUNTER),
        counters::value.eq(at.as_millis()),
    );
    let inserted = diesel::insert_into(counters::table)
        .values(row)
        .on_conflict_do_nothing()
        .execute(conn)?;
    if inserted > 0 {
        return Ok(());
    }
    let is_later = counters::value.lt(at.as_millis());
    diesel::update(counters::table.find(LATEST_COUNTER).filter(is_later))
        .set(counters::value.eq(at.as_millis()))
        .execute(conn)
        .map(drop)
}

/// Adds to the number of messages that were ever posted or sent.
fn count_posts(conn: &mut Conn, posts: i64) -> QueryResult<()> {
    if posts == 0 {
        return Ok(());
    }
    let more = counters::value.eq(counters::value + posts);
    diesel::update(counters::table.find(POSTS_COUNTER))
        .set(more)
        .execute(conn)
        .map(drop)
}
