//! Databases on a private PostgreSQL server: on the one that `scripts/test` has started, or on one of
//! the test's own.

use private_postgres::{Cluster, Durability, Shared};

/// An empty database.
pub(crate) struct Database {
    url: String,
    server: Shared,
    /// It ends with this.
    _own: Option<Cluster>,
}

impl Database {
    pub(crate) fn new() -> Self {
        let given = Shared::from_environment().expect("a server");
        let own = match given {
            Some(_) => None,
            None => Some(own()),
        };
        let server = given.or_else(|| own.as_ref().map(Cluster::shared));
        let server = server.expect("one of the two");
        Self {
            url: server.database().expect("a database"),
            server,
            _own: own,
        }
    }

    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// Of its server.
    pub(crate) fn port(&self) -> u16 {
        self.server.port()
    }

    /// What a statement prints.
    pub(crate) fn sql(&self, sql: &str) -> String {
        self.server.sql(&self.url, sql).expect("a good statement")
    }
}

fn own() -> Cluster {
    Cluster::start(&std::env::temp_dir(), Durability::Fast).expect("a PostgreSQL server")
}
