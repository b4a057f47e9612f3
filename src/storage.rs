//! Stores: the domain's ports, on databases.
#![expect(
    clippy::duplicate_mod,
    reason = "diesel's types name the database: `statements` is compiled once for each"
)]

mod error;
mod open;
pub mod postgres;
mod row;
mod schema;
pub mod sqlite;
mod trouble;

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
