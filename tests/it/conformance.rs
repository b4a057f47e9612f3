//! The stores on SQLite and on PostgreSQL keep the contract that every store has to keep.

use std::sync::Arc;

use agent_bridge::storage::{postgres, sqlite};
use bridge_core::Epoch;
use bridge_core::contract::{Bench, Opened};
use tempfile::TempDir;
use uuid::Uuid;

use crate::support::postgres::Database;

struct SqliteBench(TempDir);

impl SqliteBench {
    fn new() -> Self {
        Self(tempfile::tempdir().expect("a temporary folder"))
    }
}

impl Bench for SqliteBench {
    /// The second opening offers another epoch; the file's own must win.
    fn open(&self) -> Opened {
        let file = self.0.path().join(sqlite::FILE_NAME);
        let opened = sqlite::open(&file, Epoch::from_uuid(fresh_uuid())).expect("a database");
        Opened {
            log: Box::new(opened.log),
            store: Arc::new(opened.store),
        }
    }
}

struct PostgresBench(Database);

impl Bench for PostgresBench {
    fn open(&self) -> Opened {
        let place = postgres::Place::parse(self.0.url()).expect("a good URL");
        let opened = postgres::open(place, Epoch::from_uuid(fresh_uuid()), || ());
        let opened = opened.expect("a database");
        Opened {
            log: Box::new(opened.log),
            store: Arc::new(opened.store),
        }
    }
}

fn fresh_uuid() -> Uuid {
    Uuid::new_v7(uuid::Timestamp::now(uuid::NoContext))
}

bridge_core::conformance!(sqlite_store, SqliteBench::new());
bridge_core::conformance!(postgres_store, PostgresBench(Database::new()));
