//! Database errors become the domain's, once.

use std::path::PathBuf;

use bridge_core::ports::{LogFailure, StoreError};
use diesel::result::Error;

/// Why a database could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The folder or file cannot be used.
    #[error("cannot use {path}: {why}")]
    Path {
        /// Which.
        path: PathBuf,
        /// What the system says.
        why: std::io::Error,
    },
    /// Another server is running on the same data.
    #[error(
        "another agent-bridge server is using {0}; stop it first, or start this one with another \
         --data-dir"
    )]
    InUse(PathBuf),
    /// The database was written by a newer version of the program.
    #[error(
        "the database has the schema {found:?}, which this version does not know; start a newer \
         agent-bridge on it"
    )]
    NewerSchema {
        /// The newest migration in it.
        found: String,
    },
    /// The database was written by an older version of the program, and is only to be looked at.
    #[error(
        "the database has the schema {found:?}, which is older than this version's; `agent-bridge \
         serve` brings a database up to date, and `agent-bridge restore` a backup"
    )]
    OlderSchema {
        /// The newest migration in it.
        found: String,
    },
    /// There is nothing of ours at this place.
    #[error("there is no agent-bridge database at {place}: {why}")]
    NoDatabase {
        /// Where, without a password.
        place: String,
        /// What the system or the database says.
        why: String,
    },
    /// An import was begun and not brought to its end.
    #[error(
        "an import into the database {place} was not brought to its end; repeat it with \
         `agent-bridge import`, which begins it anew"
    )]
    HalfImported {
        /// Where, without a password.
        place: String,
    },
    /// Something was written to it already.
    #[error("the database {place} is not empty; import into an empty one")]
    NotEmpty {
        /// Where, without a password.
        place: String,
    },
    /// A server runs on the PostgreSQL database.
    #[error("an agent-bridge server is using the database {place}; stop it first")]
    Owned {
        /// Which, without its password.
        place: String,
    },
    /// A setting on which durability depends did not take.
    #[error("SQLite did not accept {setting}: it says {found:?}")]
    Setting {
        /// Which.
        setting: &'static str,
        /// What the database says instead.
        found: String,
    },
    /// The SQLite library has a bug that loses commits.
    #[error(
        "this SQLite is {found}, and before 3.51.3 it may lose commits; build agent-bridge with its \
         own SQLite (the feature bundled, which is on by default), or install a newer one"
    )]
    OldSqlite {
        /// Its version.
        found: String,
    },
    /// The PostgreSQL database cannot be opened or brought up to date.
    #[error("cannot use the database {place}: {why}{hint}")]
    Postgres {
        /// Which, without its password.
        place: String,
        /// What it says.
        why: String,
        /// What to do about it, after a semicolon; or nothing.
        hint: &'static str,
    },
    /// The database cannot be opened or brought up to date.
    #[error("cannot open the database {path}: {why}")]
    Database {
        /// Which.
        path: PathBuf,
        /// What it says.
        why: String,
    },
}

/// SQLite's own words; diesel passes on the text but not the code. The text is made from the code
/// alone, but for constraints and syntax, which name tables and columns and never values; a test
/// has SQLite say each of them.
const FULL: &str = "database or disk is full";
const BUSY: [&str; 2] = ["database is locked", "database table is locked"];
const NOTHING_TO_ROLL_BACK: &str = "no transaction is active";
const STILL_OPEN: &str = "within a transaction";

/// What a failed statement means before COMMIT was tried.
pub(super) fn before_commit(error: &Error) -> LogFailure {
    let text = error.to_string();
    if text.contains(FULL) {
        return LogFailure::Full(text);
    }
    if is_io(&text) {
        return LogFailure::Broken(text);
    }
    if text.contains(STILL_OPEN) {
        return LogFailure::Stuck(text);
    }
    LogFailure::Aborted(text)
}

/// What a failed ROLLBACK means: nothing, when SQLite has rolled back by itself, as it does after
/// some errors; else the transaction may still be open, and every later one would fail.
pub(super) fn at_rollback(error: &Error) -> Result<(), LogFailure> {
    let text = error.to_string();
    if text.contains(NOTHING_TO_ROLL_BACK) {
        return Ok(());
    }
    Err(LogFailure::Stuck(text))
}

/// What a failed COMMIT means. A full disk and a locked database are noticed before the commit
/// record is written. Everything else may have happened after it, and after a failed fsync the
/// kernel may have dropped the pages: asking again would be told that all is well.
pub(super) fn at_commit(error: &Error) -> LogFailure {
    let text = error.to_string();
    if text.contains(FULL) {
        return LogFailure::Full(text);
    }
    if BUSY.iter().any(|busy| text.contains(busy)) {
        return LogFailure::Aborted(text);
    }
    LogFailure::Broken(text)
}

fn is_io(text: &str) -> bool {
    text.contains("disk I/O error") || text.contains("malformed")
}

/// What a failed read means.
pub(super) fn reading(error: &Error) -> StoreError {
    let text = error.to_string();
    if text.contains("malformed") || matches!(error, Error::DeserializationError(_)) {
        return StoreError::Corrupt(text);
    }
    StoreError::Unavailable(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use diesel::result::DatabaseErrorKind;

    fn error(text: &str) -> Error {
        Error::DatabaseError(DatabaseErrorKind::Unknown, Box::new(text.to_owned()))
    }

    #[test]
    fn only_what_is_certain_counts_as_aborted() {
        assert!(matches!(
            at_commit(&error("database or disk is full")),
            LogFailure::Full(_)
        ));
        assert!(matches!(
            at_commit(&error("database is locked")),
            LogFailure::Aborted(_)
        ));
        for text in ["disk I/O error", "something new"] {
            assert!(
                matches!(at_commit(&error(text)), LogFailure::Broken(_)),
                "{text}"
            );
        }
        assert!(matches!(
            before_commit(&error("disk I/O error")),
            LogFailure::Broken(_)
        ));
        assert!(matches!(
            before_commit(&error("UNIQUE failed")),
            LogFailure::Aborted(_)
        ));
    }
}
