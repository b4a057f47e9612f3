//! On which kind of database something is measured.

use std::fmt;

use clap::ValueEnum;
use serde::Serialize;

/// A kind of database.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ValueEnum)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Database {
    /// A file in the server's folder
    Sqlite,
    /// A PostgreSQL server of its own, from the installed programs, on the same disk
    Postgres,
}

impl fmt::Display for Database {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Sqlite => "SQLite",
            Self::Postgres => "PostgreSQL",
        })
    }
}
