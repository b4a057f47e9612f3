//! A whole database, read in one transaction.

use bridge_core::ports::StoreError;
use bridge_core::{Epoch, Timestamp};
use diesel::migration::MigrationVersion;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Text};

use super::counters::{LATEST_COUNTER, is_half_imported, read_epoch};
use super::dialect::{INTEGRITY, RowByRow};
use super::{Conn, tables};
use crate::storage::error::reading;
use crate::storage::row::{LogRow, StreamNumber};
use crate::storage::schema::{counters, follow_ups, log, snapshots, streams};
use crate::storage::view::{
    LooseEnd, Rows, SnapshotRow, StreamRow, Table, TableRow, View, WalkedRow,
};

/// What SQLite says of a file with which nothing is wrong.
const SOUND: &str = "ok";

const EMPTY_STREAMS: &str = "SELECT id AS stream_id, CAST(0 AS BIGINT) AS seq FROM streams \
     WHERE NOT EXISTS (SELECT 1 FROM log WHERE log.stream_id = streams.id) ORDER BY id";
const SNAPSHOTS_AHEAD: &str = "SELECT stream_id, seq FROM snapshots WHERE NOT EXISTS \
     (SELECT 1 FROM log WHERE log.stream_id = snapshots.stream_id AND log.seq = snapshots.seq) \
     ORDER BY stream_id";
const FOLLOW_UPS_ASTRAY: &str = "SELECT stream_id, seq FROM follow_ups WHERE NOT EXISTS \
     (SELECT 1 FROM log WHERE log.stream_id = follow_ups.stream_id AND log.seq = follow_ups.seq) \
     ORDER BY stream_id, seq";

/// A connection in whose open transaction nothing changes any more.
pub(in crate::storage) struct DatabaseView {
    conn: Conn,
}

#[derive(QueryableByName)]
struct Finding {
    #[diesel(sql_type = Text)]
    finding: String,
}

#[derive(QueryableByName)]
struct PlaceRow {
    #[diesel(sql_type = BigInt)]
    stream_id: StreamNumber,
    #[diesel(sql_type = BigInt)]
    seq: i64,
}

#[derive(QueryableByName)]
struct Applied {
    #[diesel(sql_type = Text)]
    version: String,
}

/// The migrations that a database has; none are looked for in another place, and nothing is made.
pub(in crate::storage) fn applied(conn: &mut Conn) -> QueryResult<Vec<MigrationVersion<'static>>> {
    let query = "SELECT version FROM __diesel_schema_migrations ORDER BY version";
    let found: Vec<Applied> = diesel::sql_query(query).load(conn)?;
    let versions = found.into_iter().map(|row| row.version.into());
    Ok(versions.collect())
}

impl DatabaseView {
    /// A view by a connection whose transaction has begun.
    pub(in crate::storage) const fn new(conn: Conn) -> Self {
        Self { conn }
    }

    /// Whether an import into the database did not come to its end.
    pub(in crate::storage) fn is_half_imported(&mut self) -> Result<bool, String> {
        is_half_imported(&mut self.conn)
    }

    fn places(&mut self, query: &str) -> Result<Vec<PlaceRow>, StoreError> {
        let found = diesel::sql_query(query).load(&mut self.conn);
        found.map_err(|why| reading(&why))
    }
}

impl View for DatabaseView {
    fn epoch(&mut self) -> Result<Epoch, StoreError> {
        read_epoch(&mut self.conn).map_err(StoreError::Corrupt)
    }

    fn records_total(&mut self) -> Result<u64, StoreError> {
        let count: i64 = log::table
            .count()
            .get_result(&mut self.conn)
            .map_err(|why| reading(&why))?;
        Ok(u64::try_from(count).unwrap_or_default())
    }

    fn latest(&mut self) -> Result<Option<Timestamp>, StoreError> {
        let noted: Option<i64> = counters::table
            .find(LATEST_COUNTER)
            .select(counters::value)
            .first(&mut self.conn)
            .optional()
            .map_err(|why| reading(&why))?;
        Ok(noted.map(Timestamp::from_millis))
    }

    fn integrity(&mut self) -> Result<Vec<String>, StoreError> {
        let Some(query) = INTEGRITY else {
            return Ok(Vec::new());
        };
        let found: Vec<Finding> = diesel::sql_query(query)
            .load(&mut self.conn)
            .map_err(|why| reading(&why))?;
        let found = found.into_iter().map(|row| row.finding);
        Ok(found.filter(|finding| finding != SOUND).collect())
    }

    fn streams(&mut self) -> Result<Rows<'_, StreamRow>, StoreError> {
        let rows = streams::table
            .order(streams::id)
            .load_iter::<StreamRow, RowByRow>(&mut self.conn)
            .map_err(|why| reading(&why))?;
        Ok(Box::new(rows.map(|row| row.map_err(|why| reading(&why)))))
    }

    fn records(&mut self) -> Result<Rows<'_, WalkedRow>, StoreError> {
        type Row = (
            StreamNumber,
            Option<String>,
            Option<String>,
            LogRow,
            Option<i64>,
            Option<(i32, Vec<u8>)>,
        );
        let is_open = follow_ups::stream_id
            .eq(log::stream_id)
            .and(follow_ups::seq.eq(log::seq));
        let is_of_it = snapshots::stream_id
            .eq(log::stream_id)
            .and(snapshots::seq.eq(log::seq));
        let rows = log::table
            .left_join(streams::table.on(streams::id.eq(log::stream_id)))
            .left_join(follow_ups::table.on(is_open))
            .left_join(snapshots::table.on(is_of_it))
            .order((log::stream_id, log::seq))
            .select((
                log::stream_id,
                streams::kind.nullable(),
                streams::name.nullable(),
                LogRow::as_select(),
                follow_ups::seq.nullable(),
                (snapshots::format, snapshots::body).nullable(),
            ))
            .load_iter::<Row, RowByRow>(&mut self.conn)
            .map_err(|why| reading(&why))?;
        let rows = rows.map(|row| {
            let (stream, kind, name, row, open, snapshot) = row.map_err(|why| reading(&why))?;
            Ok(WalkedRow {
                stream,
                words: kind.zip(name),
                row,
                is_open: open.is_some(),
                snapshot: snapshot.map(|(format, body)| SnapshotRow { format, body }),
            })
        });
        Ok(Box::new(rows))
    }

    fn rows(&mut self, table: Table) -> Result<Rows<'_, TableRow>, StoreError> {
        tables::rows(&mut self.conn, table).map_err(|why| reading(&why))
    }

    fn loose_ends(&mut self) -> Result<Vec<LooseEnd>, StoreError> {
        let mut ends = Vec::new();
        let empty = self.places(EMPTY_STREAMS)?;
        ends.extend(empty.iter().map(|row| LooseEnd::EmptyStream(row.stream_id)));
        let ahead = self.places(SNAPSHOTS_AHEAD)?;
        ends.extend(
            ahead
                .iter()
                .map(|row| LooseEnd::Snapshot(row.stream_id, row.seq)),
        );
        let astray = self.places(FOLLOW_UPS_ASTRAY)?;
        ends.extend(
            astray
                .iter()
                .map(|row| LooseEnd::FollowUp(row.stream_id, row.seq)),
        );
        Ok(ends)
    }
}
