//! Projections of motions, and of critiques.

use bridge_core::decision::{State, due_at};
use bridge_core::event::{Amended, Critiqued, Envelope, Event, Proposed};
use bridge_core::{CritiqueId, DecisionId};
use diesel::prelude::*;

use super::super::Conn;
use crate::storage::row::{StreamNumber, number};
use crate::storage::schema::{critiques, decisions};

/// A row of `decisions`.
#[diesel::dsl::auto_type]
fn motion(id: Vec<u8>) -> _ {
    decisions::table.find(id)
}

/// Changes what is known of motions and critiques. Most of what is said of them changes nothing here:
/// it is read from the log.
pub(super) fn change(
    conn: &mut Conn,
    stream: StreamNumber,
    envelope: &Envelope,
) -> QueryResult<()> {
    let place = (stream, number(envelope.seq));
    match &envelope.event {
        Event::Proposed(event) => proposed(conn, place, event),
        Event::Amended(event) => amended(conn, event),
        Event::VetoWindowClosed(event) => veto_window_closed(conn, event.decision),
        Event::Decided(event) => ended(conn, event.decision, event.verdict.into()),
        Event::Withdrawn(event) => ended(conn, event.decision, State::Withdrawn),
        Event::Critiqued(event) => critiqued(conn, place, event),
        Event::Resolved(event) => answered(conn, event.critique),
        Event::Waived(event) if event.suffices => answered(conn, event.critique),
        _ => Ok(()),
    }
}

fn proposed(
    conn: &mut Conn,
    (stream, seq): (StreamNumber, i64),
    event: &Proposed,
) -> QueryResult<()> {
    let row = (
        decisions::id.eq(&event.decision.as_bytes()[..]),
        decisions::stream_id.eq(stream),
        decisions::seq.eq(seq),
        decisions::state.eq(State::Open.as_str()),
        decisions::deadline_ms.eq(event.deadline.as_millis()),
        decisions::due_at_ms.eq(due_at(event.deadline, event.veto_until).as_millis()),
    );
    diesel::insert_into(decisions::table)
        .values(row)
        .execute(conn)
        .map(drop)
}

fn amended(conn: &mut Conn, event: &Amended) -> QueryResult<()> {
    let changed = (
        decisions::deadline_ms.eq(event.deadline.as_millis()),
        decisions::due_at_ms.eq(due_at(event.deadline, event.veto_until).as_millis()),
    );
    diesel::update(motion(event.decision.as_bytes().to_vec()))
        .set(changed)
        .execute(conn)
        .map(drop)
}

fn veto_window_closed(conn: &mut Conn, id: DecisionId) -> QueryResult<()> {
    diesel::update(motion(id.as_bytes().to_vec()))
        .set(decisions::due_at_ms.eq(decisions::deadline_ms.nullable()))
        .execute(conn)
        .map(drop)
}

/// A motion ends, and with it the critiques of it that stand.
fn ended(conn: &mut Conn, id: DecisionId, state: State) -> QueryResult<()> {
    let changed = (
        decisions::state.eq(state.as_str()),
        decisions::due_at_ms.eq(None::<i64>),
    );
    diesel::update(motion(id.as_bytes().to_vec()))
        .set(changed)
        .execute(conn)?;
    let of_it = critiques::table.filter(critiques::decision.eq(&id.as_bytes()[..]));
    diesel::update(of_it)
        .set(critiques::is_open.eq(false))
        .execute(conn)
        .map(drop)
}

fn critiqued(
    conn: &mut Conn,
    (stream, seq): (StreamNumber, i64),
    event: &Critiqued,
) -> QueryResult<()> {
    let decision = event.target.decision();
    let row = (
        critiques::id.eq(&event.critique.as_bytes()[..]),
        critiques::stream_id.eq(stream),
        critiques::seq.eq(seq),
        critiques::decision.eq(decision.map(|id| id.as_bytes().to_vec())),
        critiques::is_open.eq(true),
    );
    diesel::insert_into(critiques::table)
        .values(row)
        .execute(conn)
        .map(drop)
}

/// It is resolved, or waived.
fn answered(conn: &mut Conn, id: CritiqueId) -> QueryResult<()> {
    diesel::update(critiques::table.find(&id.as_bytes()[..]))
        .set(critiques::is_open.eq(false))
        .execute(conn)
        .map(drop)
}
