//! The schema, and whether it is the one of this program.

use diesel::migration::{Migration, MigrationSource, MigrationVersion};
use diesel_migrations::MigrationHarness;

use super::{Conn, Db, MIGRATIONS};
use crate::storage::OpenError;

type Version = MigrationVersion<'static>;

/// Brings a database up to date. What the database itself complains of becomes an error by `failed`.
///
/// # Errors
/// When it is newer than this program, or cannot be changed.
pub(in crate::storage) fn migrate(
    conn: &mut Conn,
    failed: impl Fn(String) -> OpenError,
) -> Result<(), OpenError> {
    let newest = newest().map_err(&failed)?;
    let applied = conn.applied_migrations();
    let applied = applied.map_err(|why| failed(why.to_string()))?;
    must_not_be_newer(&applied, newest.as_ref())?;
    let migrated = conn.run_pending_migrations(MIGRATIONS);
    migrated.map(drop).map_err(|why| failed(why.to_string()))
}

/// Whether a database that is only to be looked at has the schema of this program.
///
/// # Errors
/// When it has another one.
pub(in crate::storage) fn assert_same(
    applied: &[Version],
    failed: impl Fn(String) -> OpenError,
) -> Result<(), OpenError> {
    let newest = newest().map_err(failed)?;
    must_not_be_newer(applied, newest.as_ref())?;
    let found = applied.iter().max();
    if found < newest.as_ref() {
        return Err(OpenError::OlderSchema {
            found: found.map(ToString::to_string).unwrap_or_default(),
        });
    }
    Ok(())
}

/// The newest migration that this program knows.
fn newest() -> Result<Option<Version>, String> {
    let known = MigrationSource::<Db>::migrations(&MIGRATIONS);
    let known = known.map_err(|why| why.to_string())?;
    Ok(known.iter().map(|m| m.name().version().as_owned()).max())
}

fn must_not_be_newer(applied: &[Version], newest: Option<&Version>) -> Result<(), OpenError> {
    match applied.iter().max() {
        Some(found) if newest.is_none_or(|newest| found > newest) => Err(OpenError::NewerSchema {
            found: found.to_string(),
        }),
        _ => Ok(()),
    }
}
