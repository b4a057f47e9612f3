//! Stores: the domain's ports, on databases.
#![expect(
    clippy::duplicate_mod,
    reason = "diesel's types name the database: `statements` is compiled once for each"
)]

mod error;
mod keep;
mod open;
pub mod postgres;
mod row;
mod schema;
pub mod sqlite;
mod trouble;
mod view;

pub mod backup;
pub mod export;
pub mod verify;

pub use error::OpenError;
pub use open::{Opened, Reopen, Which};

use diesel::migration::MigrationVersion;

/// The newest migration that a database has and this program does not know.
fn newer<'a>(
    applied: &'a [MigrationVersion<'static>],
    newest: Option<&MigrationVersion<'static>>,
) -> Option<&'a MigrationVersion<'static>> {
    applied
        .iter()
        .max()
        .filter(|found| newest.is_none_or(|newest| *found > newest))
}

/// Whether a database that is only to be looked at has the schema of this program.
fn same_schema(
    applied: &[MigrationVersion<'static>],
    newest: Option<&MigrationVersion<'static>>,
) -> Result<(), OpenError> {
    if let Some(found) = newer(applied, newest) {
        return Err(OpenError::NewerSchema {
            found: found.to_string(),
        });
    }
    let found = applied.iter().max();
    if found < newest {
        return Err(OpenError::OlderSchema {
            found: found.map(ToString::to_string).unwrap_or_default(),
        });
    }
    Ok(())
}
