//! Under which conditions something was measured.

use std::fs::{self, File};
use std::io::{Read, Write};
use std::path::Path;

use agent_bridge::system::SystemClock;
use agent_bridge::wire::time;
use bridge_core::ports::Clock as _;
use serde::Serialize;

use crate::clock::Clock;
use crate::figures::rank;

/// One append of the disk's measurement.
const APPEND_BYTES: usize = 4_096;
/// Appends of one measurement, unless the disk is so slow that it takes too long.
const APPENDS_MAX: usize = 500;
const APPENDS_NANOS_MAX: u64 = 3_000_000_000;

/// The machine, as far as it tells.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Machine {
    pub(crate) date: String,
    pub(crate) cpu: String,
    /// That this program may use.
    pub(crate) cores: usize,
    pub(crate) kernel: String,
    /// One, five and fifteen minutes before the measurement.
    pub(crate) load_average: String,
    pub(crate) compiler: &'static str,
    pub(crate) profile: &'static str,
}

impl Machine {
    pub(crate) fn look() -> Self {
        let load = read("/proc/loadavg");
        Self {
            date: time::to_text(SystemClock.now()),
            cpu: cpu_model(&read("/proc/cpuinfo")),
            cores: std::thread::available_parallelism().map_or(1, usize::from),
            kernel: format!("{} {}", std::env::consts::OS, first_words(&read(KERNEL), 1)),
            load_average: first_words(&load, 3),
            compiler: env!("PERF_RUSTC"),
            profile: env!("PERF_PROFILE"),
        }
    }
}

const KERNEL: &str = "/proc/sys/kernel/osrelease";

fn read(path: &str) -> String {
    fs::read_to_string(path).unwrap_or_default()
}

fn cpu_model(cpuinfo: &str) -> String {
    let mut lines = cpuinfo.lines().filter_map(|line| line.split_once(':'));
    let model = lines.find(|(name, _)| name.trim() == "model name");
    let model = model.map(|(_, model)| model.trim().to_owned());
    model.unwrap_or_else(|| format!("unknown {}", std::env::consts::ARCH))
}

fn first_words(text: &str, count: usize) -> String {
    let words: Vec<&str> = text.split_ascii_whitespace().take(count).collect();
    words.join(" ")
}

/// The disk, and how long it takes to keep a promise by itself.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Disk {
    pub(crate) file_system: String,
    pub(crate) appends: usize,
    /// A 4 KiB append and fdatasync.
    pub(crate) sync_p50_ms: f64,
    pub(crate) sync_p99_ms: f64,
}

impl Disk {
    /// Appends to a file in this folder and syncs it, again and again.
    pub(crate) fn measure(folder: &Path) -> Result<Self, String> {
        Self::measure_for(folder, APPENDS_NANOS_MAX, APPENDS_MAX)
    }

    /// The same for so long, or so many times.
    pub(crate) fn measure_for(folder: &Path, span: u64, times_max: usize) -> Result<Self, String> {
        let taken = appends(folder, span, times_max);
        let taken = taken.map_err(|why| format!("{}: {why}", folder.display()))?;
        let at = |quantile| rank(&taken, quantile).unwrap_or_default();
        Ok(Self {
            file_system: file_system(folder),
            appends: taken.len(),
            sync_p50_ms: at(0.5),
            sync_p99_ms: at(0.99),
        })
    }

    /// What is in memory is not durable, so figures on it would be worthless.
    pub(crate) fn is_memory(&self) -> bool {
        matches!(self.file_system.as_str(), "tmpfs" | "ramfs")
    }
}

/// Milliseconds of each append, sorted.
fn appends(folder: &Path, span: u64, times_max: usize) -> std::io::Result<Vec<f64>> {
    let mut file = tempfile::tempfile_in(folder)?;
    let page = [0x5a; APPEND_BYTES];
    let clock = Clock::start();
    let mut taken = Vec::new();
    while taken.len() < times_max && clock.nanos() < span {
        let begun = clock.nanos();
        file.write_all(&page)?;
        file.sync_data()?;
        taken.push((clock.nanos() - begun) as f64 / 1e6);
    }
    taken.sort_by(f64::total_cmp);
    Ok(taken)
}

fn file_system(folder: &Path) -> String {
    let folder = folder.canonicalize().unwrap_or_else(|_| folder.to_owned());
    mounted(&read("/proc/self/mounts"), &folder).unwrap_or_else(|| "unknown".to_owned())
}

/// The kind of the file system with the longest mount point above this folder. The later one hides
/// the earlier one.
fn mounted(mounts: &str, folder: &Path) -> Option<String> {
    let entries = mounts.lines().filter_map(|line| {
        let mut fields = line.split_ascii_whitespace();
        let (_, place, kind) = (fields.next()?, fields.next()?, fields.next()?);
        Some((place, kind))
    });
    let above = entries.filter(|(place, _)| folder.starts_with(place));
    let nearest = above.max_by_key(|(place, _)| place.len());
    nearest.map(|(_, kind)| kind.to_owned())
}

/// What an SQLite file says about itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct SqliteFile {
    pub(crate) sqlite: String,
    pub(crate) journal: &'static str,
    /// A setting of the server's connection. No file shows it: the server asserts it at its start
    /// and does not run without it.
    pub(crate) synchronous: &'static str,
}

impl SqliteFile {
    pub(crate) fn look(file: &Path) -> Option<Self> {
        let mut header = [0; 100];
        File::open(file).ok()?.read_exact(&mut header).ok()?;
        database(&header)
    }
}

/// Reads the header of an SQLite file, as <https://sqlite.org/fileformat2.html> has it.
fn database(header: &[u8; 100]) -> Option<SqliteFile> {
    if !header.starts_with(b"SQLite format 3\0") {
        return None;
    }
    let number = u32::from_be_bytes(header[96..].try_into().ok()?);
    let (major, minor, patch) = (number / 1_000_000, number / 1_000 % 1_000, number % 1_000);
    Some(SqliteFile {
        sqlite: format!("{major}.{minor}.{patch}"),
        journal: match header[18] {
            2 => "WAL",
            _ => "rollback journal",
        },
        synchronous: "FULL, asserted by the server at its start",
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_mount_counts() {
        let mounts = "dev / ext4 rw 0 0\nshm /dev/shm tmpfs rw 0 0\nx /data xfs rw 0 0\n";
        let kind = |folder: &str| mounted(mounts, Path::new(folder));
        assert_eq!(kind("/home/x").as_deref(), Some("ext4"));
        assert_eq!(kind("/dev/shm/perf").as_deref(), Some("tmpfs"));
        assert_eq!(kind("/database").as_deref(), Some("ext4"));
        assert_eq!(kind("/data").as_deref(), Some("xfs"));
        assert_eq!(mounted("", Path::new("/")), None);
    }

    #[test]
    fn the_header_tells_version_and_journal() {
        let mut header = [0; 100];
        header[..16].copy_from_slice(b"SQLite format 3\0");
        header[18] = 2;
        header[96..].copy_from_slice(&3_051_003_u32.to_be_bytes());
        let found = database(&header).expect("a database");
        assert_eq!((found.sqlite.as_str(), found.journal), ("3.51.3", "WAL"));
        header[0] = b'X';
        assert_eq!(database(&header), None);
    }

    #[test]
    fn the_processor_is_named() {
        let cpuinfo = "processor\t: 0\nmodel name\t: A Fast One\nmodel name\t: B\n";
        assert_eq!(cpu_model(cpuinfo), "A Fast One");
        assert!(cpu_model("").starts_with("unknown"));
        assert_eq!(first_words("0.1 0.2 0.3 4/5 6\n", 3), "0.1 0.2 0.3");
    }

    #[test]
    fn a_disk_is_measured_where_it_is() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let disk = Disk::measure(folder.path()).expect("a disk");
        assert!(disk.appends > 0 && disk.sync_p50_ms <= disk.sync_p99_ms);
    }
}
