//! Reading an export, line by line, and noticing whatever is not as it was written.

use std::collections::HashSet;
use std::io::{BufRead, Read};

use bridge_core::ports::Record;
use bridge_core::{Epoch, limits};
use sha2::{Digest, Sha256};

use super::line::{Header, RecordLine, Trailer, VERSION};
use crate::hex;

/// Something in an export that cannot be.
#[derive(Debug, thiserror::Error)]
#[error("line {line}: {fault}")]
pub struct BadExport {
    /// In which line, counted from 1.
    pub line: u64,
    /// What is wrong.
    pub fault: Fault,
}

/// What is wrong with a line.
#[derive(Debug, thiserror::Error)]
pub enum Fault {
    /// It cannot be read.
    #[error("{0}")]
    Io(#[from] std::io::Error),
    /// It is no line of an export.
    #[error("{0}")]
    Line(String),
    /// It is of another version.
    #[error("the export has the form {0}, and this program reads the form {VERSION}")]
    Version(u32),
    /// There should be more.
    #[error("it ends here, before its last line: it was cut off")]
    CutOff,
    /// What stands in front of the last line is not what was written.
    #[error("the {what} of what is in front of it is not what this line says: it was changed")]
    Changed {
        /// What of it.
        what: &'static str,
    },
    /// Something follows on the last line.
    #[error("something follows on the last line")]
    Surplus,
}

impl Fault {
    fn line(why: impl std::fmt::Display) -> Self {
        Self::Line(why.to_string())
    }
}

/// A record, and whether effects of it are still to be brought about.
pub(super) struct Taken {
    pub(super) record: Record,
    pub(super) is_open: bool,
}

/// What was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Whole {
    pub(super) epoch: Epoch,
    pub(super) streams: u64,
    pub(super) records: u64,
}

/// How far the reading has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) records: u64,
    pub(super) bytes: u64,
}

/// Reads an export from its header to its last line. What `take` refuses ends it.
pub(super) fn read<E: From<BadExport>>(
    from: impl BufRead,
    mut take: impl FnMut(Taken, Place) -> Result<(), E>,
) -> Result<Whole, E> {
    let mut lines = Lines {
        from,
        hash: Sha256::new(),
        number: 0,
        bytes: 0,
    };
    let mut order = Order::default();
    let header = lines.next()?;
    let epoch = header_of(&header).map_err(|fault| lines.bad(fault))?;
    lines.hash.update(&header);
    loop {
        let line = lines.next()?;
        let text = text(&line).map_err(|fault| lines.bad(fault))?;
        if text.starts_with(Trailer::BEGINS) {
            let end = lines.end(text, &order);
            end.map_err(|fault| lines.bad(fault))?;
            return Ok(Whole {
                epoch,
                streams: order.streams.len() as u64,
                records: order.records,
            });
        }
        let taken = order.record(text).map_err(|fault| lines.bad(fault))?;
        lines.hash.update(&line);
        let place = Place {
            records: order.records,
            bytes: lines.bytes,
        };
        take(taken, place)?;
    }
}

fn text(line: &[u8]) -> Result<&str, Fault> {
    std::str::from_utf8(line).map_err(Fault::line)
}

fn header_of(line: &[u8]) -> Result<Epoch, Fault> {
    let no_export = |why| Fault::Line(format!("this is no export of agent-bridge: {why}"));
    let header: Header = serde_json::from_slice(line).map_err(no_export)?;
    match header.agent_bridge_export {
        VERSION => Ok(header.epoch),
        other => Err(Fault::Version(other)),
    }
}

struct Lines<R> {
    from: R,
    hash: Sha256,
    number: u64,
    bytes: u64,
}

impl<R: BufRead> Lines<R> {
    /// The next line, with its end.
    fn next(&mut self) -> Result<Vec<u8>, BadExport> {
        self.number += 1;
        let mut line = Vec::new();
        let most = limits::EXPORT_LINE_BYTES_MAX as u64;
        let read = (&mut self.from).take(most).read_until(b'\n', &mut line);
        match read {
            Err(why) => Err(self.bad(why.into())),
            Ok(bytes) if line.ends_with(b"\n") => {
                self.bytes += bytes as u64;
                Ok(line)
            }
            Ok(bytes) if bytes as u64 == most => {
                Err(self.bad(Fault::Line(format!("it is longer than {most} bytes"))))
            }
            Ok(_) => Err(self.bad(Fault::CutOff)),
        }
    }

    fn bad(&self, fault: Fault) -> BadExport {
        BadExport {
            line: self.number,
            fault,
        }
    }

    fn end(&mut self, text: &str, order: &Order) -> Result<(), Fault> {
        let trailer: Trailer = serde_json::from_str(text).map_err(Fault::line)?;
        let found = [
            (
                "number of streams",
                trailer.streams == order.streams.len() as u64,
            ),
            ("number of records", trailer.records == order.records),
            (
                "SHA-256",
                trailer.sha256 == hex::text(&self.hash.clone().finalize()),
            ),
        ];
        for (what, is_same) in found {
            if !is_same {
                return Err(Fault::Changed { what });
            }
        }
        match self.from.fill_buf() {
            Ok([]) => Ok(()),
            Ok(_) => Err(Fault::Surplus),
            Err(why) => Err(why.into()),
        }
    }
}

/// Streams come one after the other, each from its first record.
#[derive(Default)]
struct Order {
    streams: HashSet<(&'static str, String)>,
    stream: String,
    seq: u64,
    records: u64,
}

impl Order {
    fn record(&mut self, text: &str) -> Result<Taken, Fault> {
        let line: RecordLine<'_> = serde_json::from_str(text).map_err(Fault::line)?;
        let (is_open, seq) = (line.open, line.seq);
        if self.stream != line.stream {
            self.stream.clone_from(&line.stream);
            self.seq = 0;
        }
        let is_first = self.seq == 0;
        let record = line.into_record().map_err(Fault::Line)?;
        self.seq += 1;
        if seq != self.seq {
            let expected = self.seq;
            return Err(Fault::Line(format!(
                "seq {expected} of {} should come, and seq {seq} is there",
                self.stream
            )));
        }
        let stream = &record.envelope.stream;
        if is_first && !self.streams.insert((stream.kind(), stream.name_folded())) {
            return Err(Fault::Line(format!("{stream} came before")));
        }
        self.records += 1;
        Ok(Taken { record, is_open })
    }
}
