//! What the figures depend on besides the load.

use agent_bridge::storage::sqlite;
use serde::Serialize;

use crate::database::Database;
use crate::machine::{Disk, Machine, SqliteFile};
use crate::server::Server;

/// The machine, the programs and the database.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Conditions {
    #[serde(flatten)]
    machine: Machine,
    note: Option<String>,
    server_version: String,
    on: Database,
    /// What its file says, of SQLite.
    #[serde(skip_serializing_if = "Option::is_none")]
    database: Option<SqliteFile>,
    #[serde(skip_serializing_if = "Option::is_none")]
    postgres_version: Option<String>,
    client_cores: Option<String>,
    server_cores: Option<String>,
}

impl Conditions {
    /// Those of a server that runs.
    pub(crate) async fn look(
        server: &Server,
        on: Database,
        note: Option<&str>,
    ) -> Result<Self, String> {
        let (database, postgres_version) = match on {
            Database::Sqlite => {
                let file = server.data_dir.join(sqlite::FILE_NAME);
                (SqliteFile::look(&file), None)
            }
            // Which one a server that runs already is on, nobody here knows.
            Database::Postgres if !server.is_own() => (None, None),
            Database::Postgres => (None, Some(private_postgres::version()?)),
        };
        Ok(Self {
            machine: Machine::look(),
            note: note.map(str::to_owned),
            server_version: server.version().await?,
            on,
            database,
            postgres_version,
            client_cores: crate::procfs::allowed_cores(std::process::id()),
            server_cores: server.pid().and_then(crate::procfs::allowed_cores),
        })
    }

    /// For people.
    pub(crate) fn print(&self, title: &str) {
        let machine = &self.machine;
        let cores = |cores: &Option<String>| cores.clone().unwrap_or_else(|| "unknown".to_owned());
        println!("{title}");
        println!("  date       {}", machine.date);
        println!("  machine    {}, {} cores", machine.cpu, machine.cores);
        println!(
            "  cores      server {}, client {}",
            cores(&self.server_cores),
            cores(&self.client_cores)
        );
        println!(
            "  system     {}, load average {}",
            machine.kernel, machine.load_average
        );
        println!("  built by   {}, {}", machine.compiler, machine.profile);
        println!("  server     agent-bridge {}", self.server_version);
        if let Some(database) = &self.database {
            println!(
                "  database   SQLite {}, {}, synchronous={}",
                database.sqlite, database.journal, database.synchronous
            );
        }
        if let Some(version) = &self.postgres_version {
            println!("  database   {version}, synchronous_commit=on, on the same disk");
        }
        if let Some(note) = &self.note {
            println!("  note       {note}");
        }
    }
}

/// What the disk by itself can do.
pub(crate) fn print_disk(disk: &Disk) {
    println!(
        "  disk       {}; a 4 KiB append and fdatasync by itself: p50 {:.2} ms, p99 {:.2} ms ({} times)",
        disk.file_system, disk.sync_p50_ms, disk.sync_p99_ms, disk.appends
    );
    if disk.is_memory() {
        println!("*** The data is in memory: nothing here is durable. Use --data-dir.");
    }
}
