//! What every scenario can be told: where it is measured, and what becomes of the result. Each takes
//! the part of it that makes sense for it.

use std::ffi::OsString;
use std::path::PathBuf;

use agent_bridge::storage::sqlite;
use clap::Args;
use serde::Serialize;
use tempfile::TempDir;

use crate::conditions::Conditions;
use crate::database::Database;
use crate::server::{Launch, Server, beside_us};

/// On which disk, and what becomes of the result.
#[derive(Debug, Clone, Args)]
pub(crate) struct Files {
    /// Where the temporary folder is made; with --url that server's data folder
    /// [default: beside this program]
    #[arg(long, value_name = "DIR")]
    data_dir: Option<PathBuf>,
    /// Add the result to the list in this JSON file
    #[arg(long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Kept beside the result: a revision, or what else ran
    #[arg(long, value_name = "TEXT")]
    note: Option<String>,
}

/// On which database and disk, and what becomes of the result.
#[derive(Debug, Clone, Args)]
pub(crate) struct Place {
    /// On which database [default: sqlite; with --url what that server's folder shows]
    #[arg(long, value_enum)]
    database: Option<Database>,
    #[command(flatten)]
    files: Files,
}

/// Which server is started, and how.
#[derive(Debug, Clone, Args)]
pub(crate) struct Program {
    /// The server's program [default: agent-bridge beside this program]
    #[arg(long, value_name = "PATH")]
    server: Option<PathBuf>,
    /// Bind the server to these cores, as taskset counts them
    #[arg(long, value_name = "LIST")]
    server_cores: Option<String>,
}

/// A server that this program starts and ends.
#[derive(Debug, Clone, Args)]
pub(crate) struct OwnServer {
    #[command(flatten)]
    pub(crate) place: Place,
    #[command(flatten)]
    program: Program,
}

/// A server that this program starts and ends, or one that runs already.
#[derive(Debug, Clone, Args)]
pub(crate) struct Target {
    #[command(flatten)]
    pub(crate) own: OwnServer,
    /// A server that runs already, on this machine
    #[arg(long, requires = "data_dir", conflicts_with_all = ["server", "server_cores"])]
    url: Option<String>,
    /// With --url: the server's process, to tell how much processor time and memory it took
    #[arg(long, value_name = "PID", requires = "url")]
    server_pid: Option<u32>,
}

impl Place {
    /// The database of a server that this program starts, or of none at all.
    pub(crate) fn database(&self) -> Database {
        self.database.unwrap_or(Database::Sqlite)
    }

    /// Where folders are made.
    pub(crate) fn disk(&self) -> Result<PathBuf, String> {
        self.files.data_dir.clone().map_or_else(beside_us, Ok)
    }

    /// A folder there, which goes when it is dropped.
    pub(crate) fn folder(&self) -> Result<TempDir, String> {
        let disk = self.disk()?;
        let folder = tempfile::Builder::new().prefix("perf-").tempdir_in(&disk);
        folder.map_err(|why| format!("{}: {why}", disk.display()))
    }

    /// What is kept beside the result.
    pub(crate) fn note(&self) -> Option<&str> {
        self.files.note()
    }

    /// Adds a result to the file, if one was named.
    pub(crate) fn keep(&self, result: &impl Serialize) -> Result<(), String> {
        self.files.keep(result)
    }
}

impl Files {
    /// What is kept beside the result.
    pub(crate) fn note(&self) -> Option<&str> {
        self.note.as_deref()
    }

    /// Adds a result to the file, if one was named.
    pub(crate) fn keep(&self, result: &impl Serialize) -> Result<(), String> {
        match &self.output {
            Some(file) => crate::results::append(file, result),
            None => Ok(()),
        }
    }

    /// The same on another command line, without the file for the result.
    pub(crate) fn words(&self) -> Vec<OsString> {
        let folder = self.data_dir.as_ref().map(OsString::from);
        let note = self.note.as_ref().map(OsString::from);
        words([("--data-dir", folder), ("--note", note)])
    }
}

impl Program {
    /// The same on another command line.
    pub(crate) fn words(&self) -> Vec<OsString> {
        let program = self.server.as_ref().map(OsString::from);
        let cores = self.server_cores.as_ref().map(OsString::from);
        words([("--server", program), ("--server-cores", cores)])
    }
}

/// The options that have a value.
fn words(options: [(&str, Option<OsString>); 2]) -> Vec<OsString> {
    let given = options
        .into_iter()
        .filter_map(|(name, value)| Some([name.into(), value?]));
    given.flatten().collect()
}

impl OwnServer {
    /// How the server is started, with room for so many sessions.
    pub(crate) fn launch(&self, sessions: usize) -> Launch<'_> {
        Launch {
            program: self.program.server.as_deref(),
            disk: self.place.files.data_dir.as_deref(),
            cores: self.program.server_cores.as_deref(),
            sessions,
            database: self.place.database(),
            database_url: None,
        }
    }

    /// What the figures depend on.
    pub(crate) async fn conditions(&self, server: &Server) -> Result<Conditions, String> {
        Conditions::look(server, self.place.database(), self.place.note()).await
    }
}

impl Target {
    /// Whether the server will be one of our own.
    pub(crate) const fn is_own(&self) -> bool {
        self.url.is_none()
    }

    /// The server that runs already, or one of our own with empty data and room for so many sessions.
    pub(crate) fn start(&self, sessions: usize) -> Result<Server, String> {
        let Some(url) = &self.url else {
            return Server::start(&self.own.launch(sessions));
        };
        let folder = self.own.place.files.data_dir.as_deref();
        let folder = folder.ok_or("--url needs --data-dir, the folder with that server's key")?;
        let server = Server::running(url, folder, self.server_pid)?;
        self.database().map(|_| server)
    }

    /// The database of that server.
    pub(crate) fn database(&self) -> Result<Database, String> {
        let place = &self.own.place;
        let (None, Some(_), Some(folder)) = (place.database, &self.url, &place.files.data_dir)
        else {
            return Ok(place.database());
        };
        if folder.join(sqlite::FILE_NAME).is_file() {
            return Ok(Database::Sqlite);
        }
        Err(format!(
            "{} does not show on which database that server is; say it with --database",
            folder.display()
        ))
    }

    /// What the figures depend on.
    pub(crate) async fn conditions(&self, server: &Server) -> Result<Conditions, String> {
        Conditions::look(server, self.database()?, self.own.place.note()).await
    }

    /// Adds a result to the file, if one was named.
    pub(crate) fn keep(&self, result: &impl Serialize) -> Result<(), String> {
        self.own.place.keep(result)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    #[derive(Debug, Parser)]
    struct Cli {
        #[command(flatten)]
        target: Target,
    }

    fn target(args: &[&str]) -> Result<Target, String> {
        let all = ["perf"].iter().chain(args);
        let cli = Cli::try_parse_from(all).map_err(|why| why.to_string())?;
        Ok(cli.target)
    }

    #[test]
    fn what_makes_no_sense_is_refused() {
        let url = ["--url", "http://127.0.0.1:1"];
        let with = |more: &[&'static str]| target(&[&url, more].concat());
        assert!(with(&[]).is_err(), "whoever has no key has no tokens");
        assert!(with(&["--data-dir", "."]).is_ok());
        assert!(with(&["--data-dir", ".", "--server", "x"]).is_err());
        assert!(with(&["--data-dir", ".", "--server-cores", "0"]).is_err());
        assert!(target(&["--server-pid", "1"]).is_err());
        assert!(target(&["--database", "oracle"]).is_err());
    }

    #[test]
    fn the_database_of_a_server_that_runs_is_shown_or_said() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().to_str().expect("a plain path");
        let running = ["--url", "http://127.0.0.1:1", "--data-dir", path];
        let found = |more: &[&'static str]| {
            let target = target(&[&running, more].concat())?;
            target.database()
        };
        let why = found(&[]).expect_err("nothing shows it");
        assert!(why.contains("--database"), "{why}");
        assert_eq!(
            found(&["--database", "postgres"]),
            Ok(Database::Postgres),
            "it was said"
        );
        std::fs::write(folder.path().join(sqlite::FILE_NAME), "").expect("a file");
        assert_eq!(found(&[]), Ok(Database::Sqlite));
    }

    #[test]
    fn a_server_of_our_own_is_on_sqlite_unless_it_is_said() {
        let database = |args: &[&str]| target(args)?.database();
        assert_eq!(database(&[]), Ok(Database::Sqlite));
        assert_eq!(
            database(&["--database", "postgres"]),
            Ok(Database::Postgres)
        );
    }
}
