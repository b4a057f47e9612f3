//! Records here and there in the log, one by one.

use std::collections::HashMap;

use bridge_core::event::{Envelope, Stream};
use bridge_core::ports::StoreError;
use diesel::prelude::*;

use super::super::Conn;
use super::super::streams::stream_name;
use crate::storage::error::reading;
use crate::storage::row::{LogRow, StreamNumber};
use crate::storage::schema::log;

/// Reads records at places that a projection names, and each stream's name once.
pub(super) struct Records<'a> {
    conn: &'a mut Conn,
    streams: HashMap<StreamNumber, Stream>,
    bytes: usize,
}

impl<'a> Records<'a> {
    pub(super) fn new(conn: &'a mut Conn) -> Self {
        Self {
            conn,
            streams: HashMap::new(),
            bytes: 0,
        }
    }

    /// Bytes of the bodies that were read.
    pub(super) const fn bytes(&self) -> usize {
        self.bytes
    }

    /// The record at a place. A projection names no place that is not there.
    pub(super) fn at(
        &mut self,
        (number, seq): (StreamNumber, i64),
    ) -> Result<Envelope, StoreError> {
        let stream = self.stream(number)?;
        let row: Option<LogRow> = log::table
            .find((number, seq))
            .select(LogRow::as_select())
            .first(self.conn)
            .optional()
            .map_err(|why| reading(&why))?;
        let row = row.ok_or_else(|| gone(&stream, seq))?;
        self.bytes += row.body_bytes();
        row.into_envelope(&stream)
    }

    /// A stream in its creator's spelling.
    pub(super) fn stream(&mut self, number: StreamNumber) -> Result<Stream, StoreError> {
        if let Some(stream) = self.streams.get(&number) {
            return Ok(stream.clone());
        }
        let stream = stream_name(self.conn, number)
            .map_err(|why| reading(&why))?
            .ok_or_else(|| StoreError::Corrupt(format!("table streams, row {number}")))?;
        self.streams.insert(number, stream.clone());
        Ok(stream)
    }
}

/// A projection names a place that is not there.
pub(super) fn gone(stream: &Stream, seq: i64) -> StoreError {
    let text = format!("log {stream} seq {seq}: a look-up names it, but it is gone");
    StoreError::Corrupt(text)
}
