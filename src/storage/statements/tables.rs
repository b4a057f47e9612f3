//! The rows of what follows from the log, in a form that is the same on both databases.

use diesel::prelude::*;

use super::Conn;
use super::counters::POSTS_COUNTER;
use super::dialect::RowByRow;
use crate::storage::error::reading;
use crate::storage::row::StreamNumber;
use crate::storage::schema::{
    clients, counters, critique_records, critiques, decision_records, decisions, deliveries,
    grants, members, message_records, messages, replies, rooms,
};
use crate::storage::view::{Rows, Table, TableRow};

/// The rows of a table, in the order of their keys.
pub(super) fn rows(conn: &mut Conn, table: Table) -> QueryResult<Rows<'_, TableRow>> {
    match table {
        Table::Rooms => rooms_of(conn),
        Table::Members => members_of(conn),
        Table::Grants => grants_of(conn),
        Table::Messages => messages_of(conn),
        Table::Replies => replies_of(conn),
        Table::Clients => clients_of(conn),
        Table::Deliveries => deliveries_of(conn),
        Table::MessageRecords => message_records_of(conn),
        Table::Decisions => decisions_of(conn),
        Table::DecisionRecords => decision_records_of(conn),
        Table::Critiques => critiques_of(conn),
        Table::CritiqueRecords => critique_records_of(conn),
        Table::Posts => posts_of(conn),
    }
}

fn boxed<'a, R: 'a>(
    rows: impl Iterator<Item = QueryResult<R>> + 'a,
    said: impl Fn(R) -> TableRow + 'a,
) -> Rows<'a, TableRow> {
    Box::new(rows.map(move |row| row.map(&said).map_err(|why| reading(&why))))
}

fn rooms_of(conn: &mut Conn) -> QueryResult<Rows<'_, TableRow>> {
    type Row = (
        StreamNumber,
        String,
        String,
        String,
        String,
        bool,
        i64,
        Option<i64>,
        i64,
    );
    let rows = rooms::table
        .order(rooms::stream_id)
        .load_iter::<Row, RowByRow>(conn)?;
    let said =
        |(stream, name, folded, topic, visibility, password, created, closed, members)| TableRow {
            key: vec![StreamNumber::into(stream)],
            stream: Some(stream),
            says: vec![
                ("name", name),
                ("name_folded", folded),
                ("topic", the_same_topic(topic)),
                ("visibility", visibility),
                ("has_password", bool::to_string(&password)),
                ("created_at_ms", i64::to_string(&created)),
                ("closed_at_ms", number_or_none(closed)),
                ("members", i64::to_string(&members)),
            ],
        };
    Ok(boxed::<Row>(rows, said))
}

/// PostgreSQL has no character 0 in a text; a topic with what stands for it there is the same one.
fn the_same_topic(topic: String) -> String {
    topic.replace('\0', "\u{2400}")
}

fn members_of(conn: &mut Conn) -> QueryResult<Rows<'_, TableRow>> {
    type Row = (StreamNumber, String, String, String, i32, i64);
    let rows = members::table
        .order((members::stream_id, members::client_folded))
        .load_iter::<Row, RowByRow>(conn)?;
    let said = |(stream, folded, client, role, weight, joined)| TableRow {
        key: vec![StreamNumber::into(stream), String::into(folded)],
        stream: Some(stream),
        says: vec![
            ("client", client),
            ("role", role),
            ("weight_milli", i32::to_string(&weight)),
            ("joined_at_ms", i64::to_string(&joined)),
        ],
    };
    Ok(boxed::<Row>(rows, said))
}

fn grants_of(conn: &mut Conn) -> QueryResult<Rows<'_, TableRow>> {
    type Row = (StreamNumber, String, String);
    let rows = grants::table
        .order((grants::stream_id, grants::client_folded))
        .load_iter::<Row, RowByRow>(conn)?;
    let said = |(stream, folded, role)| TableRow {
        key: vec![StreamNumber::into(stream), String::into(folded)],
        stream: Some(stream),
        says: vec![("role", role)],
    };
    Ok(boxed::<Row>(rows, said))
}

fn messages_of(conn: &mut Conn) -> QueryResult<Rows<'_, TableRow>> {
    type Row = (Vec<u8>, StreamNumber, i64, String);
    let rows = messages::table
        .order(messages::id)
        .load_iter::<Row, RowByRow>(conn)?;
    let said = |(id, stream, seq, channel)| TableRow {
        key: vec![Vec::<u8>::into(id)],
        stream: Some(stream),
        says: vec![
            ("stream_id", StreamNumber::to_string(&stream)),
            ("seq", i64::to_string(&seq)),
            ("channel_folded", channel),
        ],
    };
    Ok(boxed::<Row>(rows, said))
}

fn replies_of(conn: &mut Conn) -> QueryResult<Rows<'_, TableRow>> {
    type Row = (Vec<u8>, StreamNumber, i64, Vec<u8>);
    let rows = replies::table
        .order((replies::id, replies::stream_id, replies::seq))
        .load_iter::<Row, RowByRow>(conn)?;
    let said = |(id, stream, seq, answer): Row| TableRow {
        key: vec![id.into(), stream.into(), seq.into()],
        stream: Some(stream),
        says: vec![("answer", digits(&answer))],
    };
    Ok(boxed(rows, said))
}

fn clients_of(conn: &mut Conn) -> QueryResult<Rows<'_, TableRow>> {
    type Row = (String, String, i64);
    let rows = clients::table
        .order(clients::name_folded)
        .load_iter::<Row, RowByRow>(conn)?;
    let said = |(folded, name, known)| TableRow {
        key: vec![String::into(folded)],
        stream: None,
        says: vec![("name", name), ("known_at_ms", i64::to_string(&known))],
    };
    Ok(boxed::<Row>(rows, said))
}

fn deliveries_of(conn: &mut Conn) -> QueryResult<Rows<'_, TableRow>> {
    type Row = (
        StreamNumber,
        i64,
        Vec<u8>,
        String,
        String,
        i64,
        Option<String>,
        i64,
        Option<i64>,
        Option<i64>,
        Option<i64>,
    );
    let rows = deliveries::table
        .order((deliveries::stream_id, deliveries::seq))
        .load_iter::<Row, RowByRow>(conn)?;
    let said = |row: Row| {
        let (stream, seq, id, sender, stage, attempts, failures, expires, deadline, due, answer_by) =
            row;
        TableRow {
            key: vec![stream.into(), seq.into()],
            stream: Some(stream),
            says: vec![
                ("id", digits(&id)),
                ("sender", sender),
                ("stage", stage),
                ("attempts", attempts.to_string()),
                ("failures", failures.map(same_json).unwrap_or_default()),
                ("expires_at_ms", expires.to_string()),
                ("deadline_ms", number_or_none(deadline)),
                ("due_at_ms", number_or_none(due)),
                ("answer_by_ms", number_or_none(answer_by)),
            ],
        }
    };
    Ok(boxed::<Row>(rows, said))
}

/// A place of which a table says that the log speaks of something there.
type Place = (Vec<u8>, StreamNumber, i64);

fn place((id, stream, seq): Place) -> TableRow {
    TableRow {
        key: vec![id.into(), stream.into(), seq.into()],
        stream: Some(stream),
        says: Vec::new(),
    }
}

fn message_records_of(conn: &mut Conn) -> QueryResult<Rows<'_, TableRow>> {
    let rows = message_records::table
        .order((
            message_records::id,
            message_records::stream_id,
            message_records::seq,
        ))
        .load_iter::<Place, RowByRow>(conn)?;
    Ok(boxed(rows, place))
}

fn decisions_of(conn: &mut Conn) -> QueryResult<Rows<'_, TableRow>> {
    type Row = (Vec<u8>, StreamNumber, i64, String, i64, Option<i64>);
    let rows = decisions::table
        .order(decisions::id)
        .load_iter::<Row, RowByRow>(conn)?;
    let said = |(id, stream, seq, state, deadline, due)| TableRow {
        key: vec![Vec::<u8>::into(id)],
        stream: Some(stream),
        says: vec![
            ("stream_id", StreamNumber::to_string(&stream)),
            ("seq", i64::to_string(&seq)),
            ("state", state),
            ("deadline_ms", i64::to_string(&deadline)),
            ("due_at_ms", number_or_none(due)),
        ],
    };
    Ok(boxed::<Row>(rows, said))
}

fn decision_records_of(conn: &mut Conn) -> QueryResult<Rows<'_, TableRow>> {
    let rows = decision_records::table
        .order((
            decision_records::id,
            decision_records::stream_id,
            decision_records::seq,
        ))
        .load_iter::<Place, RowByRow>(conn)?;
    Ok(boxed(rows, place))
}

fn critiques_of(conn: &mut Conn) -> QueryResult<Rows<'_, TableRow>> {
    type Row = (Vec<u8>, StreamNumber, i64, Option<Vec<u8>>, bool);
    let rows = critiques::table
        .order(critiques::id)
        .load_iter::<Row, RowByRow>(conn)?;
    let said = |row: Row| {
        let (id, stream, seq, decision, is_open) = row;
        let decision = decision.map_or_else(|| "none".to_owned(), |id| digits(&id));
        TableRow {
            key: vec![id.into()],
            stream: Some(stream),
            says: vec![
                ("stream_id", stream.to_string()),
                ("seq", seq.to_string()),
                ("decision", decision),
                ("is_open", is_open.to_string()),
            ],
        }
    };
    Ok(boxed::<Row>(rows, said))
}

fn critique_records_of(conn: &mut Conn) -> QueryResult<Rows<'_, TableRow>> {
    let rows = critique_records::table
        .order((
            critique_records::id,
            critique_records::stream_id,
            critique_records::seq,
        ))
        .load_iter::<Place, RowByRow>(conn)?;
    Ok(boxed(rows, place))
}

fn posts_of(conn: &mut Conn) -> QueryResult<Rows<'_, TableRow>> {
    type Row = (String, i64);
    let rows = counters::table
        .filter(counters::name.eq(POSTS_COUNTER))
        .load_iter::<Row, RowByRow>(conn)?;
    let said = |(name, value)| TableRow {
        key: vec![String::into(name)],
        stream: None,
        says: vec![("value", i64::to_string(&value))],
    };
    Ok(boxed::<Row>(rows, said))
}

fn digits(id: &[u8]) -> String {
    id.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn number_or_none(number: Option<i64>) -> String {
    number.map_or_else(|| "none".to_owned(), |number| number.to_string())
}

/// The same list, however a database has put it together. What is no JSON stays as it is.
fn same_json(text: String) -> String {
    match serde_json::from_str::<serde_json::Value>(&text) {
        Ok(value) => value.to_string(),
        Err(_) => text,
    }
}
