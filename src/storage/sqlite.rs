//! The store on an embedded SQLite file.
//!
//! One connection writes, another one copies what it wrote from the write-ahead log into the database,
//! and a pool of others reads. The file is in WAL mode with
//! `synchronous=FULL`, which is asserted, because a copied `NORMAL` forgets acknowledged commits.

mod copy;
mod dialect;
mod lock;
mod log;
mod project;
mod replay;
#[path = "statements/mod.rs"]
mod statements;
mod view;
mod wal;

use std::path::{Path, PathBuf};
use std::time::Duration;

use bridge_core::{Epoch, limits};
use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::r2d2::CustomizeConnection;
use diesel::sqlite::{Sqlite, SqliteConnection};
use diesel_migrations::{EmbeddedMigrations, embed_migrations};

use super::error::OpenError;

pub use lock::DataLock;
pub use log::SqliteLog;
pub use statements::DatabaseStore as SqliteStore;

pub use copy::Copier;
pub(super) use copy::{bring_up_to_date, renew_epoch_of};
pub(super) use replay::Replay;
pub(super) use statements::keep::Keeper;
pub(super) use view::{view, view_of_file};

use statements::counters::{epoch, is_half_imported, read_epoch};
use statements::keep::is_used;
use statements::migrate::migrate;
use statements::read::connections;
use wal::{Index, Refused, Wal};

type Conn = SqliteConnection;
type Db = Sqlite;

const MIGRATIONS: EmbeddedMigrations = embed_migrations!("migrations/sqlite");
/// How long the writer waits for another program that writes to the database.
const WRITER_WAITS: Duration = Duration::from_secs(5);
/// The file's name inside the data folder.
pub const FILE_NAME: &str = "bridge.sqlite3";

/// An open database: its writing and its reading side.
#[derive(Debug)]
pub struct Opened {
    /// For the log writer's thread.
    pub log: SqliteLog,
    /// For everybody else.
    pub store: SqliteStore,
    /// Makes the writing side again, when it failed.
    pub reopen: Reopen,
}

impl Opened {
    /// Its write-ahead log is copied into the database from so many frames on.
    #[must_use]
    pub(super) const fn copied_from(mut self, frames: u64) -> Self {
        self.log.wal.copied_from = frames;
        self.reopen.copied_from = frames;
        self
    }
}

/// Opens the writing side of a database that is open for reading.
#[derive(Debug, Clone)]
pub struct Reopen {
    path: PathBuf,
    epoch: Epoch,
    /// How long it waits for whoever else writes to the database.
    waits: Duration,
    copied_from: u64,
    refused: Refused,
}

impl Reopen {
    /// The writing side again. The one before must have been dropped.
    ///
    /// # Errors
    /// When it cannot be opened or written to, or is another database by now.
    pub fn log(&self) -> Result<SqliteLog, OpenError> {
        let failed = |why: String| OpenError::Database {
            path: self.path.clone(),
            why,
        };
        if self.refused.is_set() {
            return Err(failed("the disk refused a checkpoint".to_owned()));
        }
        // Opening would make a new file, and what is read comes from the old one.
        if !self.path.exists() {
            return Err(failed("it is gone".to_owned()));
        }
        let mut writer = open_writer(&self.path)?;
        wait_for_others(&mut writer, self.waits).map_err(|why| failed(why.to_string()))?;
        // What its predecessor left open would be in the way of every write.
        writer
            .batch_execute("BEGIN IMMEDIATE; ROLLBACK")
            .map_err(|why| failed(why.to_string()))?;
        let found = read_epoch(&mut writer).map_err(failed)?;
        if found != self.epoch {
            return Err(failed("it is another database now".to_owned()));
        }
        // With the last connection the index went as well, and this one made another.
        let index = Index::of(&self.path).map_err(|why| failed(why.to_string()))?;
        let mut wal = Wal::of(&self.path, index, self.refused.clone());
        wal.copied_from = self.copied_from;
        Ok(SqliteLog::new(writer, wal))
    }
}

/// Opens a database file, makes it when there is none, and brings its schema up to date.
/// `new_epoch` is used when the file is new.
///
/// # Errors
/// When it cannot be used, is newer than this program, or refuses a setting that durability needs.
pub fn open(path: &Path, new_epoch: Epoch) -> Result<Opened, OpenError> {
    open_unless(path, new_epoch, is_half_imported)
}

/// The same for an import, which may have been begun before.
pub(super) fn open_for_import(path: &Path, new_epoch: Epoch) -> Result<Opened, OpenError> {
    let failed = |why: String| OpenError::Database {
        path: path.to_owned(),
        why,
    };
    if path.exists() && is_used(&mut open_writer(path)?).map_err(failed)? {
        return Err(OpenError::NotEmpty {
            place: path.display().to_string(),
        });
    }
    open_unless(path, new_epoch, |_| Ok(false))
}

/// A connection that writes beside the log of an open database.
pub(super) fn keeper(path: &Path) -> Result<Keeper, OpenError> {
    open_writer(path).map(Keeper::new)
}

fn open_unless(
    path: &Path,
    new_epoch: Epoch,
    is_unusable: impl FnOnce(&mut SqliteConnection) -> Result<bool, String>,
) -> Result<Opened, OpenError> {
    let failed = |why: &dyn std::fmt::Display| OpenError::Database {
        path: path.to_owned(),
        why: why.to_string(),
    };
    make_private(path).map_err(|why| OpenError::Path {
        path: path.to_owned(),
        why,
    })?;
    let mut writer = open_writer(path)?;
    migrate(&mut writer, |why| failed(&why))?;
    let epoch = epoch(&mut writer, new_epoch).map_err(|why| failed(&why))?;
    if is_unusable(&mut writer).map_err(|why| failed(&why))? {
        return Err(OpenError::HalfImported {
            place: path.display().to_string(),
        });
    }
    let index = Index::of(path).map_err(|why| failed(&why))?;
    if let Err(why) = index.reserve() {
        tracing::warn!(error = %why, "the index of the write-ahead log is not reserved");
    }
    // A connection to a file does not get lost. Asked whether it is alive while the disk fails, it
    // would say no, and so would each new one, until whoever wants to read has waited in vain.
    let pool = connections(url(path)?, false, ReadOnly).map_err(|why| failed(&why))?;
    let refused = Refused::default();
    let reopen = Reopen {
        path: path.to_owned(),
        epoch,
        waits: WRITER_WAITS,
        copied_from: limits::WAL_FRAMES_COPIED_FROM,
        refused: refused.clone(),
    };
    Ok(Opened {
        log: SqliteLog::new(writer, Wal::of(path, index, refused)),
        store: SqliteStore::new(pool, epoch),
        reopen,
    })
}

/// A connection that writes, with the settings on which durability rests.
fn open_writer(path: &Path) -> Result<SqliteConnection, OpenError> {
    let failed = |why: &dyn std::fmt::Display| OpenError::Database {
        path: path.to_owned(),
        why: why.to_string(),
    };
    let mut writer = SqliteConnection::establish(url(path)?).map_err(|why| failed(&why))?;
    prepare_writer(&mut writer).map_err(|why| failed(&why))?;
    assert_settings(&mut writer)?;
    Ok(writer)
}

fn url(path: &Path) -> Result<&str, OpenError> {
    path.to_str().ok_or_else(|| OpenError::Database {
        path: path.to_owned(),
        why: "its path is not UTF-8".to_owned(),
    })
}

/// Makes the file readable by its owner only, when it is new: it holds every message. SQLite gives
/// the files beside it the same rights.
fn make_private(path: &Path) -> std::io::Result<()> {
    let mut options = std::fs::OpenOptions::new();
    options.create(true).truncate(false).write(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path).map(drop)
}

/// `fullfsync` matters on macOS only, where a plain fsync does not reach the platter.
fn prepare_writer(conn: &mut SqliteConnection) -> QueryResult<()> {
    wait_for_others(conn, WRITER_WAITS)?;
    conn.batch_execute(
        "PRAGMA journal_mode = WAL;
         PRAGMA synchronous = FULL;
         PRAGMA fullfsync = ON;
         PRAGMA checkpoint_fullfsync = ON;
         PRAGMA wal_autocheckpoint = 0;
         PRAGMA foreign_keys = OFF;
         PRAGMA cache_size = -65536;
         PRAGMA temp_store = MEMORY;",
    )
}

/// How long a statement waits for what others have locked.
fn wait_for_others(conn: &mut SqliteConnection, wait: Duration) -> QueryResult<()> {
    conn.batch_execute(&format!("PRAGMA busy_timeout = {}", wait.as_millis()))
}

fn assert_settings(conn: &mut SqliteConnection) -> Result<(), OpenError> {
    let wanted = [("journal_mode", "wal"), ("synchronous", "2")];
    for (setting, value) in wanted {
        let found = pragma(conn, setting).unwrap_or_else(|why| why.to_string());
        if found != value {
            return Err(OpenError::Setting { setting, found });
        }
    }
    assert_version(&library_version(conn))
}

/// Below this SQLite may lose commits when a checkpoint races a writer (the WAL-reset bug).
const VERSION_MIN: [u32; 3] = [3, 51, 3];

/// The library is asked itself: a program that links the system's may run with another one than it
/// was built with.
fn library_version(conn: &mut SqliteConnection) -> String {
    let version = diesel::select(sqlite_version()).get_result(conn);
    version.unwrap_or_else(|why: diesel::result::Error| why.to_string())
}

diesel::define_sql_function! {
    /// The version of the library that runs.
    fn sqlite_version() -> Text;
}

fn assert_version(found: &str) -> Result<(), OpenError> {
    let numbers: Result<Vec<u32>, _> = found.split('.').map(str::parse).collect();
    match numbers {
        Ok(numbers) if numbers[..] >= VERSION_MIN[..] => Ok(()),
        _ => Err(OpenError::OldSqlite {
            found: found.to_owned(),
        }),
    }
}

fn pragma(conn: &mut SqliteConnection, name: &str) -> QueryResult<String> {
    #[derive(QueryableByName)]
    struct Value {
        #[diesel(sql_type = diesel::sql_types::Text)]
        value: String,
    }
    let query = format!("SELECT CAST({name} AS TEXT) AS value FROM pragma_{name}");
    diesel::sql_query(query)
        .get_result::<Value>(conn)
        .map(|row| row.value)
}

#[derive(Debug)]
struct ReadOnly;

impl CustomizeConnection<SqliteConnection, diesel::r2d2::Error> for ReadOnly {
    fn on_acquire(&self, conn: &mut SqliteConnection) -> Result<(), diesel::r2d2::Error> {
        conn.batch_execute("PRAGMA busy_timeout = 5000; PRAGMA query_only = ON;")
            .map_err(diesel::r2d2::Error::QueryError)
    }
}

fn wal_path(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push("-wal");
    name.into()
}

#[cfg(test)]
mod tests;
