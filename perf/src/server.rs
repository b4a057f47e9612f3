//! The server that is measured: one of our own, or one that runs already.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::net::{IpAddr, SocketAddr, ToSocketAddrs};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use agent_bridge::client::{Address, RestClient, Token};
use agent_bridge::config::{Config, Overrides};
use agent_bridge::system::{SystemClock, SystemIds};
use agent_bridge::tokens::{KEY_FILE, Tokens};
use bridge_core::ports::{Clock as _, Ids as _};
use bridge_core::{Scope, Scopes, TokenId};
use private_postgres::{Cluster, Durability};
use serde::Serialize;
use tempfile::TempDir;

use crate::clock::Clock;
use crate::database::Database;

/// Longer than any measurement, and than a clock is turned while one lasts.
const TOKENS_LIVE: Duration = Duration::from_secs(7 * 24 * 3_600);
/// Who asks for the statistics.
pub(crate) const OPERATOR: &str = "perf-operator";
const PROGRAM: &str = "agent-bridge";
/// What begins the name of an environment variable that is a setting of the server.
pub(crate) const SETTINGS: &str = "AGENT_BRIDGE__";
/// Complaints that are kept; the others are counted.
const COMPLAINTS_KEPT: usize = 3;

/// How a server of our own is started.
#[derive(Debug)]
pub(crate) struct Launch<'a> {
    /// The program; without one, the one beside this program.
    pub(crate) program: Option<&'a Path>,
    /// On which disk; without one, that of this program. The system's temporary folder is
    /// often in memory.
    pub(crate) disk: Option<&'a Path>,
    /// To which cores it is bound, in the words of `taskset`.
    pub(crate) cores: Option<&'a str>,
    /// Sessions that it must hold.
    pub(crate) sessions: usize,
    /// On which database.
    pub(crate) database: Database,
    /// Where that is; without one it is made, and goes with the server.
    pub(crate) database_url: Option<&'a str>,
}

/// A server that answers. One of our own ends, and its data goes, when this is dropped.
#[derive(Debug)]
pub(crate) struct Server {
    pub(crate) socket: SocketAddr,
    pub(crate) data_dir: PathBuf,
    address: Address,
    pid: Option<u32>,
    started_in_ms: Option<f64>,
    tokens: Tokens,
    rest: RestClient,
    // The order matters: the process ends before its folder goes.
    own: Option<Process>,
    _postgres: Option<Cluster>,
    _folder: Option<TempDir>,
}

/// What the log writer has done.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub(crate) struct LogStats {
    /// Transactions, each with one fsync.
    pub(crate) batches: u64,
    /// Records in them.
    pub(crate) records: u64,
    /// Time in them, writing the rows and syncing.
    pub(crate) commit_micros: u64,
}

impl LogStats {
    pub(crate) const fn minus(&self, earlier: &Self) -> Self {
        Self {
            batches: self.batches.saturating_sub(earlier.batches),
            records: self.records.saturating_sub(earlier.records),
            commit_micros: self.commit_micros.saturating_sub(earlier.commit_micros),
        }
    }
}

/// What a server has logged as a warning or an error.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Complaints {
    pub(crate) lines: u64,
    /// The first of them.
    pub(crate) first: Vec<String>,
}

impl Complaints {
    fn read(log: impl BufRead) -> std::io::Result<Self> {
        let mut found = Self::default();
        for line in log.lines() {
            let line = line?;
            found.lines += 1;
            if found.first.len() < COMPLAINTS_KEPT {
                found.first.push(line);
            }
        }
        Ok(found)
    }
}

impl Server {
    /// Starts the server with empty data in a temporary folder.
    pub(crate) fn start(launch: &Launch<'_>) -> Result<Self, String> {
        let beside = beside_us()?;
        let disk = launch.disk.unwrap_or(&beside);
        let folder = tempfile::Builder::new().prefix("perf-").tempdir_in(disk);
        let folder = folder.map_err(|why| format!("{}: {why}", disk.display()))?;
        let mut server = Self::over(folder.path(), launch)?;
        server._folder = Some(folder);
        Ok(server)
    }

    /// Starts the server on what is in a folder, which stays.
    pub(crate) fn over(data_dir: &Path, launch: &Launch<'_>) -> Result<Self, String> {
        let program = program_beside_us(launch.program)?;
        let postgres = match (launch.database, launch.database_url) {
            (Database::Sqlite, _) | (_, Some(_)) => None,
            (Database::Postgres, None) => {
                // Its user may not look into a folder that is ours alone.
                let disk = data_dir.parent().unwrap_or(data_dir);
                Some(Cluster::start(disk, Durability::Synced)?)
            }
        };
        let made = postgres.as_ref().map(Cluster::database).transpose()?;
        let url = launch.database_url.or(made.as_deref());
        let clock = Clock::start();
        let (process, address) = Process::start(&program, data_dir, launch, url)?;
        let started_in_ms = clock.nanos() as f64 / 1e6;
        let mut server = Self::at(address, data_dir.to_owned())?;
        server.started_in_ms = Some(started_in_ms);
        server.pid = Some(process.0.id());
        server.own = Some(process);
        server._postgres = postgres;
        Ok(server)
    }

    /// A server that runs already, with the folder where its key is.
    pub(crate) fn running(url: &str, data_dir: &Path, pid: Option<u32>) -> Result<Self, String> {
        let address: Address = url.parse().map_err(|why| format!("--url {why}"))?;
        // Without this, a key would be made in whatever folder it is.
        if !data_dir.join(KEY_FILE).is_file() {
            let place = data_dir.display();
            return Err(format!(
                "{place} is not the data folder of a server: there is no {KEY_FILE}"
            ));
        }
        let mut server = Self::at(address, data_dir.to_owned())?;
        server.pid = pid;
        Ok(server)
    }

    fn at(address: Address, data_dir: PathBuf) -> Result<Self, String> {
        let socket = loopback(&address)?;
        let overrides = Overrides {
            data_dir: Some(data_dir.clone()),
            ..Overrides::default()
        };
        let config = Config::load(None, &overrides).map_err(|why| why.to_string())?;
        let tokens = agent_bridge::app::tokens(&config).map_err(|why| why.to_string())?;
        let scopes = Scopes::new([Scope::Admin, Scope::Room]).map_err(|why| why.to_string())?;
        let operator = issue(&tokens, OPERATOR, &scopes)?;
        let rest = RestClient::new(&address, &operator).map_err(|why| why.to_string())?;
        Ok(Self {
            socket,
            data_dir,
            address,
            pid: None,
            started_in_ms: None,
            tokens,
            rest,
            own: None,
            _postgres: None,
            _folder: None,
        })
    }

    /// Its process, when it is known.
    pub(crate) const fn pid(&self) -> Option<u32> {
        self.pid
    }

    /// From the start of its process until it said that it is ready, if this program has started it.
    pub(crate) const fn started_in_ms(&self) -> Option<f64> {
        self.started_in_ms
    }

    /// Whether this program has started it.
    pub(crate) const fn is_own(&self) -> bool {
        self.own.is_some()
    }

    /// Requests in a client's name.
    pub(crate) fn rest_of(&self, client: &str) -> Result<RestClient, String> {
        let token = self.token(client)?;
        RestClient::new(&self.address, &token).map_err(|why| why.to_string())
    }

    /// A token for a client.
    pub(crate) fn token(&self, client: &str) -> Result<Token, String> {
        issue(&self.tokens, client, &Scopes::default())
    }

    /// Its version, by its own account.
    pub(crate) async fn version(&self) -> Result<String, String> {
        let status = self.rest.get(&["status"], &[]).await;
        let status = status.map_err(|why| why.to_string())?;
        Ok(status["version"].as_str().unwrap_or("unknown").to_owned())
    }

    /// What its log writer has done since its start.
    pub(crate) async fn stats(&self) -> Result<LogStats, String> {
        let stats = self.rest.get(&["v1", "admin", "stats"], &[]).await;
        let stats = stats.map_err(|why| format!("the server's statistics: {why}"))?;
        let number = |name: &str| {
            let number = stats["log"][name].as_u64();
            number.ok_or_else(|| format!("the server's statistics have no log.{name}"))
        };
        Ok(LogStats {
            batches: number("batches")?,
            records: number("records")?,
            commit_micros: number("commit_micros")?,
        })
    }

    /// The warnings and errors that a server of our own has logged.
    pub(crate) fn complaints(&self) -> Complaints {
        if self.own.is_none() {
            return Complaints::default();
        }
        let log = File::open(self.data_dir.join(LOG_FILE));
        let read = log.and_then(|log| Complaints::read(BufReader::new(log)));
        read.unwrap_or_else(|why| Complaints {
            lines: 1,
            first: vec![format!("its log cannot be read: {why}")],
        })
    }
}

/// The server's standard error, in its data folder. It is started with the level `warn`.
const LOG_FILE: &str = "server.log";

/// A process that ends when this is dropped.
#[derive(Debug)]
struct Process(Child);

impl Process {
    fn start(
        program: &Path,
        data_dir: &Path,
        launch: &Launch<'_>,
        database_url: Option<&str>,
    ) -> Result<(Self, Address), String> {
        let failed = |why: std::io::Error| format!("{}: {why}", program.display());
        let mut command = command(program, launch.cores);
        let log = File::create(data_dir.join(LOG_FILE)).map_err(failed)?;
        command
            .args(["serve", "--bind", "127.0.0.1:0", "--data-dir"])
            .arg(data_dir)
            .env(format!("{SETTINGS}LOG__LEVEL"), "warn")
            .env(
                format!("{SETTINGS}SESSIONS__TOTAL"),
                launch.sessions.to_string(),
            )
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(log);
        if let Some(url) = database_url {
            command.env(format!("{SETTINGS}DATABASE__URL"), url);
        }
        let mut process = Self(command.spawn().map_err(failed)?);
        let mut line = String::new();
        if let Some(out) = process.0.stdout.take() {
            // It says one line, or ends.
            BufReader::new(out).read_line(&mut line).map_err(failed)?;
        }
        let address = announced(&line).ok_or_else(|| {
            let said = std::fs::read_to_string(data_dir.join(LOG_FILE)).unwrap_or_default();
            format!("the server did not start: {}{}", line.trim(), said.trim())
        })?;
        Ok((process, address))
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let ended = self.0.kill().and_then(|()| self.0.wait());
        if let Err(why) = ended {
            eprintln!("the server (process {}) did not end: {why}", self.0.id());
        }
    }
}

/// The settings of whoever measures must not become those of the server.
fn command(program: &Path, cores: Option<&str>) -> Command {
    let mut command = match cores {
        None => Command::new(program),
        Some(cores) => {
            let mut bound = Command::new("taskset");
            bound.args(["-c", cores]).arg(program);
            bound
        }
    };
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with(SETTINGS) {
            command.env_remove(name);
        }
    }
    command
}

/// The address in the line by which a server says that it is ready.
pub(crate) fn announced(line: &str) -> Option<Address> {
    let words = line.split_ascii_whitespace();
    let mut addresses = words.filter(|word| word.starts_with("http://"));
    addresses.next()?.parse().ok()
}

/// The server's program: this one, or the one that was built beside us.
pub(crate) fn program_beside_us(named: Option<&Path>) -> Result<PathBuf, String> {
    let program = match named {
        Some(program) => program.to_owned(),
        None => beside_us()?.join(PROGRAM),
    };
    if program.is_file() {
        return Ok(program);
    }
    Err(format!(
        "there is no server {}; build it first: cargo build --release",
        program.display()
    ))
}

pub(crate) fn beside_us() -> Result<PathBuf, String> {
    let own = std::env::current_exe().map_err(|why| format!("where this program is: {why}"))?;
    own.parent()
        .map(Path::to_owned)
        .ok_or_else(|| "this program is in no folder".to_owned())
}

pub(crate) fn issue(tokens: &Tokens, client: &str, scopes: &Scopes) -> Result<Token, String> {
    let client = client.parse().map_err(|why| format!("{client}: {why}"))?;
    let id = TokenId::from_uuid(SystemIds::default().uuid());
    let issued = tokens.issue(&client, scopes, TOKENS_LIVE, id, SystemClock.now())?;
    Ok(Token::from(issued.token))
}

/// Load on somebody else's machine is an attack, so only this one is measured.
pub(crate) fn loopback(address: &Address) -> Result<SocketAddr, String> {
    let refused =
        || format!("{address} is not on this machine; only loopback addresses are measured");
    let (host, port) = (address.host(), address.port());
    if host.parse().is_ok_and(|ip: IpAddr| !ip.is_loopback()) {
        return Err(refused());
    }
    let found = (host, port)
        .to_socket_addrs()
        .map_err(|why| format!("{address}: {why}"))?;
    let found: Vec<SocketAddr> = found.collect();
    if found.iter().any(|place| !place.ip().is_loopback()) {
        return Err(refused());
    }
    found.first().copied().ok_or_else(refused)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_this_machine_is_measured() {
        let place = |url: &str| loopback(&url.parse().expect("an address"));
        assert_eq!(
            place("http://127.0.0.1:5001").unwrap().to_string(),
            "127.0.0.1:5001"
        );
        assert_eq!(place("http://[::1]:7").unwrap().to_string(), "[::1]:7");
        for remote in [
            "http://10.0.0.1:5001",
            "http://0.0.0.0:5001",
            "http://[fe80::1]",
        ] {
            let why = place(remote).expect_err(remote);
            assert!(why.contains("not on this machine"), "{why}");
        }
    }

    #[test]
    fn the_ready_line_names_the_address() {
        let line = "agent-bridge 0.1.0 is ready on http://127.0.0.1:4711 with its data in x\n";
        let address = announced(line).expect("an address");
        assert_eq!(address.port(), 4711);
        assert!(announced("error: cannot listen").is_none());
        assert!(announced("").is_none());
    }

    #[test]
    fn a_missing_server_says_how_to_build_it() {
        let launch = Launch {
            program: Some(Path::new("no/such/program")),
            disk: None,
            cores: None,
            sessions: 1,
            database: Database::Sqlite,
            database_url: None,
        };
        let why = Server::start(&launch).expect_err("no server");
        assert!(why.contains("cargo build --release"), "{why}");
    }

    #[test]
    fn a_folder_without_a_key_is_refused_and_stays_as_it_is() {
        let folder = tempfile::tempdir().expect("a folder");
        let why = Server::running("http://127.0.0.1:1", folder.path(), None).expect_err("no key");
        assert!(why.contains(KEY_FILE), "{why}");
        let mut left = std::fs::read_dir(folder.path()).expect("the folder");
        assert!(left.next().is_none());
    }

    #[test]
    fn complaints_are_counted_and_few_are_kept() {
        let log = "one\ntwo\nthree\nfour\n";
        let found = Complaints::read(log.as_bytes()).expect("lines");
        assert_eq!((found.lines, found.first.len()), (4, COMPLAINTS_KEPT));
        assert_eq!(found.first[0], "one");
    }

    #[test]
    fn what_happened_between_is_a_difference() {
        let stats = |n| LogStats {
            batches: n,
            records: 10 * n,
            commit_micros: 100 * n,
        };
        assert_eq!(stats(5).minus(&stats(2)), stats(3));
    }
}
