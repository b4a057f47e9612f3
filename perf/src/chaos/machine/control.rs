//! The page that the faulty machine and the harness share.

use std::fmt;
use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use agent_bridge::storage::sqlite;

use crate::chaos::server::Start;
use crate::server::SETTINGS;

const PAGE_BYTES: usize = 4_096;
/// Numbers of one order, and where the two banks of orders and the counters begin: `struct page` in
/// `shim.c`.
const ORDER_NUMBERS: usize = 6;
const BANKS_AT: u64 = 8;
const COUNTERS_AT: u64 = 256;
const COUNTERS: usize = 7;
/// No bound on the room that is left.
const ENDLESS: u64 = u64::MAX;

/// What the machine shall do from now on. Counting begins anew with each order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(in crate::chaos) struct Orders {
    /// Added to the wall clock, in milliseconds. Monotonic time goes on.
    pub(in crate::chaos) clock_offset_ms: i64,
    /// The how-manieth fsync fails with an I/O error. What it was to bring to the disk never gets
    /// there by a later one, as on Linux.
    pub(in crate::chaos) fail_fsync: Option<u64>,
    /// The how-manieth write fails with an I/O error.
    pub(in crate::chaos) fail_write: Option<u64>,
    /// And every later one, too.
    pub(in crate::chaos) for_ever: bool,
    /// By how many bytes files may still grow. The write that does not fit any more is cut short.
    pub(in crate::chaos) room: Option<u64>,
    /// Each fsync says that all is well, and does nothing.
    pub(in crate::chaos) lie: bool,
}

impl fmt::Display for Orders {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let faults = [("fsync", self.fail_fsync), ("write", self.fail_write)];
        for (what, number) in faults {
            if let Some(number) = number {
                let others = if self.for_ever {
                    " and all later ones"
                } else {
                    ""
                };
                write!(f, "{what} {number}{others} failing ")?;
            }
        }
        if let Some(room) = self.room {
            write!(f, "{room} bytes left ")?;
        }
        write!(f, "(clock {:+} ms, lie {})", self.clock_offset_ms, self.lie)
    }
}

/// What has happened since the server was started.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(in crate::chaos) struct Counts {
    /// The process under which the machine is; 0 before it is there.
    pub(in crate::chaos) process: u64,
    /// Of database files.
    pub(in crate::chaos) writes: u64,
    pub(in crate::chaos) fsyncs: u64,
    pub(in crate::chaos) failed_writes: u64,
    pub(in crate::chaos) failed_fsyncs: u64,
    /// Writes for which there was no room.
    pub(in crate::chaos) no_room: u64,
    pub(in crate::chaos) lies: u64,
}

/// The machine under one life of a server.
#[derive(Debug)]
pub(in crate::chaos) struct Control {
    page: File,
    turn: u64,
    data_dir: PathBuf,
    journal: PathBuf,
    variables: Vec<(&'static str, String)>,
}

impl Control {
    /// A machine without faults.
    pub(super) fn create(library: &Path, data_dir: PathBuf, files: &Path) -> Result<Self, String> {
        let path = files.with_extension("control");
        let failed = |why| format!("{}: {why}", path.display());
        let options = File::options()
            .read(true)
            .write(true)
            .create_new(true)
            .open(&path);
        let page = options.map_err(failed)?;
        page.write_all_at(&[0; PAGE_BYTES], 0).map_err(failed)?;
        let variables = vec![
            ("LD_PRELOAD", text(library)?),
            ("MACHINE_CONTROL", text(&path)?),
            ("MACHINE_DATABASE", text(&data_dir.join(sqlite::FILE_NAME))?),
        ];
        let mut control = Self {
            page,
            turn: 0,
            data_dir,
            journal: files.with_extension("journal"),
            variables,
        };
        control.order(&Orders::default())?;
        Ok(control)
    }

    /// Also records what reaches the disk. The folder must have no database yet.
    pub(in crate::chaos) fn recording(mut self) -> Result<Self, String> {
        let journal = text(&self.journal)?;
        File::create_new(&self.journal).map_err(|why| format!("{journal}: {why}"))?;
        self.variables.push(("MACHINE_JOURNAL", journal));
        Ok(self)
    }

    /// Puts the machine under a server that is to be started. It makes checkpoints as often as it can,
    /// so that the faults meet some.
    pub(in crate::chaos) fn put_under(&self, start: Start) -> Start {
        let start = start.variable(format!("{SETTINGS}DATABASE__CHECKPOINT_MIB"), "1");
        let variables = self.variables.iter();
        variables.fold(start, |start, (name, value)| {
            start.variable(*name, value.as_str())
        })
    }

    /// The data folder, by the name that the server must be told: the machine compares paths, and
    /// SQLite follows links before it opens.
    pub(in crate::chaos) fn data_dir(&self) -> &Path {
        &self.data_dir
    }

    /// Gives a new order, which replaces the one before.
    pub(in crate::chaos) fn order(&mut self, orders: &Orders) -> Result<(), String> {
        let failed = |why| format!("the machine's control page: {why}");
        let numbers: [u64; ORDER_NUMBERS] = [
            orders.clock_offset_ms.cast_unsigned(),
            orders.fail_fsync.unwrap_or_default(),
            orders.fail_write.unwrap_or_default(),
            u64::from(orders.for_ever),
            orders.room.unwrap_or(ENDLESS),
            u64::from(orders.lie),
        ];
        let bytes: Vec<u8> = numbers.iter().flat_map(|n| n.to_le_bytes()).collect();
        let turn = self.turn + 1;
        let bank = BANKS_AT + (turn % 2) * bytes.len() as u64;
        self.page.write_all_at(&bytes, bank).map_err(failed)?;
        self.page
            .write_all_at(&turn.to_le_bytes(), 0)
            .map_err(failed)?;
        self.turn = turn;
        Ok(())
    }

    /// What has happened.
    pub(in crate::chaos) fn counts(&self) -> Result<Counts, String> {
        let mut bytes = [0; 8 * COUNTERS];
        let read = self.page.read_exact_at(&mut bytes, COUNTERS_AT);
        read.map_err(|why| format!("the machine's control page: {why}"))?;
        let (numbers, _) = bytes.as_chunks::<8>();
        let number = |place: usize| u64::from_le_bytes(numbers[place]);
        Ok(Counts {
            process: number(0),
            writes: number(1),
            fsyncs: number(2),
            failed_writes: number(3),
            failed_fsyncs: number(4),
            no_room: number(5),
            lies: number(6),
        })
    }

    /// Makes sure that the machine is really under this process: a static program, or another C
    /// library, would not be held back by it.
    pub(in crate::chaos) fn must_be_under(&self, process: u32) -> Result<(), String> {
        self.must_show(process, |counts| counts.process == u64::from(process))
    }

    /// The same, and that the database goes through it.
    pub(in crate::chaos) fn must_be_under_the_database_of(
        &self,
        process: u32,
    ) -> Result<(), String> {
        self.must_be_under(process)?;
        self.must_show(process, |counts| counts.writes > 0 && counts.fsyncs > 0)
    }

    fn must_show(&self, process: u32, wanted: impl Fn(&Counts) -> bool) -> Result<(), String> {
        let counts = self.counts()?;
        if wanted(&counts) {
            return Ok(());
        }
        Err(format!(
            "the faulty machine is not under the server (process {process}): {counts:?}"
        ))
    }

    /// Bytes of the journal so far. What was written or synced before now is within them.
    pub(in crate::chaos) fn journal_bytes(&self) -> Result<u64, String> {
        let found = self.journal.metadata();
        found
            .map(|found| found.len())
            .map_err(|why| self.journal_failed(&why))
    }

    /// Where the journal is.
    pub(in crate::chaos) fn journal(&self) -> &Path {
        &self.journal
    }

    fn journal_failed(&self, why: &std::io::Error) -> String {
        format!("{}: {why}", self.journal.display())
    }

    /// For programs that are no server.
    #[cfg(test)]
    pub(super) fn variables(&self) -> &[(&'static str, String)] {
        &self.variables
    }
}

fn text(path: &Path) -> Result<String, String> {
    let text = path.to_str().map(str::to_owned);
    text.ok_or_else(|| format!("{} is not UTF-8", path.display()))
}
