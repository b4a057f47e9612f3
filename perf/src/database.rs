//! On which kind of database something is measured.

use std::fmt;

use clap::ValueEnum;
use serde::Serialize;

/// A kind of database.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, ValueEnum)]
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

impl Database {
    /// As it is asked for.
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::Sqlite => "sqlite",
            Self::Postgres => "postgres",
        }
    }
}

/// On which of them, when the same is done on several.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Databases {
    /// A file in the server's folder
    Sqlite,
    /// PostgreSQL servers of their own, from the installed programs, on the same disk
    Postgres,
    /// The one and then the other
    Both,
}

impl fmt::Display for Databases {
    /// As it is asked for.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Sqlite => Database::Sqlite.word(),
            Self::Postgres => Database::Postgres.word(),
            Self::Both => "both",
        })
    }
}

impl Databases {
    pub(crate) const fn each(self) -> &'static [Database] {
        match self {
            Self::Sqlite => &[Database::Sqlite],
            Self::Postgres => &[Database::Postgres],
            Self::Both => &[Database::Sqlite, Database::Postgres],
        }
    }
}
