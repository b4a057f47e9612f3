//! Which database the servers of the tests use. All of them can be run on either:
//! `TEST_DATABASE=postgres` runs them on PostgreSQL, each folder with a database of its own.

use std::path::Path;
use std::sync::Arc;

use agent_bridge::storage::postgres::Place;
use agent_bridge::storage::{Which, sqlite};
use bridge_core::Epoch;
use bridge_core::ports::Store;
use private_postgres::Shared;
use uuid::Uuid;

/// The variable that chooses.
const CHOICE: &str = "TEST_DATABASE";
/// The file in a server's folder that says which database is its own.
const NOTE: &str = "database.url";

/// Whether the servers of the tests use PostgreSQL.
pub(crate) fn is_postgres() -> bool {
    match choice().as_deref() {
        None | Some("sqlite") => false,
        Some("postgres") => true,
        Some(other) => panic!("{CHOICE} must be sqlite or postgres, and not {other}"),
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "not a setting of the program, but of its tests"
)]
fn choice() -> Option<String> {
    std::env::var(CHOICE).ok()
}

/// The database of a server with this folder, unless it is the file in it.
pub(crate) fn url_of(folder: &Path) -> Option<String> {
    if !is_postgres() {
        return None;
    }
    let note = folder.join(NOTE);
    if let Ok(url) = std::fs::read_to_string(&note) {
        return Some(url);
    }
    let server = Shared::from_environment().expect("a server");
    let server = server.expect("run by private-postgres, as scripts/test does it");
    let url = server.database().expect("a database");
    std::fs::create_dir_all(folder).expect("a writable place");
    std::fs::write(note, &url).expect("a writable folder");
    Some(url)
}

/// What a server has left in its database.
pub(crate) fn store_of(folder: &Path) -> Arc<dyn Store> {
    let which = match url_of(folder) {
        Some(url) => Which::Postgres(Place::parse(&url).expect("a good URL")),
        None => Which::Sqlite(folder.join(sqlite::FILE_NAME)),
    };
    let epoch = Epoch::from_uuid(Uuid::from_u128(1));
    which.open(epoch, || ()).expect("a database").store
}
