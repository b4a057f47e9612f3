//! The reading side of the log.

use bridge_core::event::{Envelope, Stream};
use bridge_core::ports::{Reader, Snapshot, StoreError};
use bridge_core::{Epoch, Seq, Timestamp, limits};
use diesel::prelude::*;
use diesel::r2d2::{ConnectionManager, CustomizeConnection, Pool, PooledConnection};

use super::Conn;
use super::counters::LATEST_COUNTER;
use super::dialect::body_length;
use super::streams::{stream_head, stream_name, stream_number};
use crate::storage::error::reading;
use crate::storage::row::{LogRow, StreamNumber, number, seq};
use crate::storage::schema::{counters, log, snapshots};

type Connections = Pool<ConnectionManager<Conn>>;

/// As many connections as read at once, made when they are needed. Each is asked whether it is still
/// alive before it is used, if that is wanted.
pub(in crate::storage) fn connections(
    url: &str,
    asks_first: bool,
    prepare: impl CustomizeConnection<Conn, diesel::r2d2::Error>,
) -> Result<Connections, impl std::error::Error> {
    let size = u32::try_from(limits::READS_AT_ONCE_MAX).expect("a handful of connections");
    Pool::builder()
        .max_size(size)
        .min_idle(Some(1))
        .test_on_check_out(asks_first)
        .connection_timeout(limits::READ_CONNECT_WITHIN)
        .connection_customizer(Box::new(prepare))
        .build(ConnectionManager::new(url))
}

/// A pool of connections that read.
#[derive(Debug, Clone)]
pub struct DatabaseStore {
    pool: Connections,
    epoch: Epoch,
}

impl DatabaseStore {
    pub(in crate::storage) const fn new(pool: Connections, epoch: Epoch) -> Self {
        Self { pool, epoch }
    }

    pub(super) fn connection(
        &self,
    ) -> Result<PooledConnection<ConnectionManager<Conn>>, StoreError> {
        self.pool
            .get()
            .map_err(|why| StoreError::Unavailable(why.to_string()))
    }

    /// A stream's number and its creator's spelling, with a connection to go on.
    pub(super) fn find(
        conn: &mut Conn,
        stream: &Stream,
    ) -> Result<Option<(StreamNumber, Stream)>, StoreError> {
        let Some(id) = stream_number(conn, stream).map_err(|why| reading(&why))? else {
            return Ok(None);
        };
        let name = stream_name(conn, id).map_err(|why| reading(&why))?;
        name.map(|name| Some((id, name))).ok_or_else(|| {
            StoreError::Corrupt(format!("table streams, row {id}: the name of {stream}"))
        })
    }
}

impl Reader for DatabaseStore {
    fn epoch(&self) -> Epoch {
        self.epoch
    }

    fn head(&self, stream: &Stream) -> Result<Seq, StoreError> {
        let conn = &mut self.connection()?;
        match stream_number(conn, stream).map_err(|why| reading(&why))? {
            None => Ok(Seq::ZERO),
            Some(id) => stream_head(conn, id).map_err(|why| reading(&why)),
        }
    }

    fn latest(&self) -> Result<Timestamp, StoreError> {
        let conn = &mut self.connection()?;
        let noted: Option<i64> = counters::table
            .find(LATEST_COUNTER)
            .select(counters::value)
            .first(conn)
            .optional()
            .map_err(|why| reading(&why))?;
        Ok(noted.map(Timestamp::from_millis).unwrap_or_default())
    }

    fn page(
        &self,
        stream: &Stream,
        after: Seq,
        records_max: usize,
    ) -> Result<Vec<Envelope>, StoreError> {
        let conn = &mut self.connection()?;
        let Some((id, stream)) = Self::find(conn, stream)? else {
            return Ok(Vec::new());
        };
        let behind = log::stream_id.eq(id).and(log::seq.gt(number(after)));
        // Lengths first: they cost little, and a page of large bodies must not be a large read.
        let lengths: Vec<(i64, i64)> = log::table
            .filter(behind)
            .order(log::seq)
            .limit(rows(records_max))
            .select((log::seq, body_length()))
            .load(conn)
            .map_err(|why| reading(&why))?;
        let Some(last) = within_page(lengths).pop() else {
            return Ok(Vec::new());
        };
        let found: Vec<LogRow> = log::table
            .filter(behind.and(log::seq.le(last)))
            .order(log::seq)
            .select(LogRow::as_select())
            .load(conn)
            .map_err(|why| reading(&why))?;
        found
            .into_iter()
            .map(|row| row.into_envelope(&stream))
            .collect()
    }

    fn records(&self, stream: &Stream, seqs: &[Seq]) -> Result<Vec<Envelope>, StoreError> {
        let conn = &mut self.connection()?;
        let Some((id, stream)) = Self::find(conn, stream)? else {
            return Ok(Vec::new());
        };
        let seqs: Vec<i64> = seqs.iter().copied().map(number).collect();
        let found: Vec<LogRow> = log::table
            .filter(log::stream_id.eq(id).and(log::seq.eq_any(seqs)))
            .order(log::seq)
            .select(LogRow::as_select())
            .load(conn)
            .map_err(|why| reading(&why))?;
        found
            .into_iter()
            .map(|row| row.into_envelope(&stream))
            .collect()
    }

    fn snapshot(&self, stream: &Stream) -> Result<Option<Snapshot>, StoreError> {
        let conn = &mut self.connection()?;
        let Some((id, _)) = Self::find(conn, stream)? else {
            return Ok(None);
        };
        let row: Option<(i64, i32, Vec<u8>)> = snapshots::table
            .find(id)
            .select((snapshots::seq, snapshots::format, snapshots::body))
            .first(conn)
            .optional()
            .map_err(|why| reading(&why))?;
        Ok(row.map(|(at, format, body)| Snapshot {
            seq: seq(at),
            format,
            body: body.into(),
        }))
    }
}

/// A number of rows in the database's terms.
pub(super) fn rows(records_max: usize) -> i64 {
    i64::try_from(records_max).unwrap_or(i64::MAX)
}

/// The positions of records that fit into a page, in the given order; at least the first.
pub(super) fn within_page(lengths: impl IntoIterator<Item = (i64, i64)>) -> Vec<i64> {
    let bytes_max = i64::try_from(limits::PAGE_BYTES_MAX).expect("a page is a megabyte or so");
    let mut bytes = 0;
    let mut fitting = Vec::new();
    for (seq, length) in lengths {
        if bytes >= bytes_max {
            break;
        }
        bytes += length;
        fitting.push(seq);
    }
    fitting
}
