//! A PostgreSQL server for tests: from the installed programs, as an unprivileged user, on a free
//! port of the loopback interface, in a temporary folder. It is gone when its value is dropped. Only
//! measurements on much data keep a folder.
#![expect(
    clippy::disallowed_methods,
    reason = "a process is waited for here, outside of any server"
)]

mod folder;
mod programs;
mod user;

use std::io;
use std::net::{Ipv4Addr, TcpListener};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use folder::Folder;
use programs::Programs;
use user::User;

/// The variable that names a server that is there already, for tests that need no server of their
/// own.
pub const SERVER: &str = "PRIVATE_POSTGRES";
/// The superuser of every such server.
pub const OWNER: &str = "bridge";

/// How long it may take to answer after its start.
const READY_WITHIN: Duration = Duration::from_secs(60);
/// How long it may take to end.
const ENDS_WITHIN: Duration = Duration::from_secs(20);
/// Between two looks.
const LOOK_EVERY: Duration = Duration::from_millis(20);
/// Another program may take the port that was free just before.
const PORTS_TRIED: usize = 5;
const LOG_FILE: &str = "server.log";
/// Of its log, how much is shown when it does not start.
const LOG_BYTES_SHOWN: usize = 2_000;

/// Numbers of databases, so that each has another name.
static DATABASES: AtomicU64 = AtomicU64::new(0);

/// Which PostgreSQL is installed, in its own words.
///
/// # Errors
/// When none is.
pub fn version() -> Result<String, String> {
    let mut command = Programs::find()?.command("postgres");
    said("postgres", &run(command.arg("--version"))?)
}

/// Whether the disk is waited for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Durability {
    /// As in production.
    Synced,
    /// Quick, and nothing survives a power cut.
    Fast,
}

/// A server.
#[derive(Debug)]
pub struct Cluster {
    folder: Folder,
    programs: Programs,
    user: User,
    durability: Durability,
    port: u16,
    server: Option<Child>,
}

/// A database on a server that somebody else has started.
#[derive(Debug, Clone)]
pub struct Shared {
    programs: Programs,
    port: u16,
}

impl Cluster {
    /// Makes one in a folder beneath `place`, and starts it.
    ///
    /// # Errors
    /// When PostgreSQL is not installed, or does not start.
    pub fn start(place: &Path, durability: Durability) -> Result<Self, String> {
        let programs = Programs::find()?;
        let user = User::for_a_server()?;
        Self::start_in(Folder::temporary(place, user)?, programs, user, durability)
    }

    /// Starts the one of this folder, which stays, and makes it at first. The user that runs it
    /// must be let into the folder above.
    ///
    /// # Errors
    /// When PostgreSQL is not installed, is another than the one that made it, or does not start.
    pub fn start_kept(folder: &Path, durability: Durability) -> Result<Self, String> {
        let programs = Programs::find()?;
        let user = User::for_a_server()?;
        Self::start_in(Folder::kept(folder, user)?, programs, user, durability)
    }

    fn start_in(
        folder: Folder,
        programs: Programs,
        user: User,
        durability: Durability,
    ) -> Result<Self, String> {
        let mut cluster = Self {
            folder,
            programs,
            user,
            durability,
            port: 0,
            server: None,
        };
        if !cluster.folder.data().is_dir() {
            cluster.initialise()?;
        }
        let mut last = String::new();
        for _ in 0..PORTS_TRIED {
            cluster.port = free_port().map_err(|why| format!("a free port: {why}"))?;
            match cluster.go() {
                Ok(()) => return Ok(cluster),
                Err(why) => last = why,
            }
        }
        Err(last)
    }

    fn initialise(&self) -> Result<(), String> {
        let mut command = self.command("initdb");
        command
            .args(["--auth=trust", "--encoding=UTF8", "--locale=C", "--no-sync"])
            .arg(format!("--username={OWNER}"))
            .arg("--pgdata")
            .arg(self.folder.data());
        said("initdb", &run(&mut command)?).map(drop)
    }

    fn command(&self, program: &str) -> Command {
        let mut command = self.programs.command(program);
        self.user.run(&mut command);
        command.current_dir(self.folder.path());
        command
    }

    /// Starts it again on the same port, after it was ended.
    ///
    /// # Errors
    /// When it does not start.
    pub fn go(&mut self) -> Result<(), String> {
        let log = self.folder.path().join(LOG_FILE);
        let log = std::fs::File::options()
            .create(true)
            .append(true)
            .open(&log);
        let log = log.map_err(|why| format!("{LOG_FILE}: {why}"))?;
        let mut command = self.command("postgres");
        command.arg("-D").arg(self.folder.data());
        for setting in self.settings() {
            command.arg("-c").arg(setting);
        }
        let server = command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log);
        let server = server.spawn().map_err(|why| format!("postgres: {why}"))?;
        self.server = Some(server);
        self.until_ready()
    }

    fn settings(&self) -> Vec<String> {
        let mut settings = vec![
            "listen_addresses=127.0.0.1".to_owned(),
            format!("port={}", self.port),
            "unix_socket_directories=".to_owned(),
            "max_connections=200".to_owned(),
            "lc_messages=C".to_owned(),
        ];
        if self.durability == Durability::Fast {
            settings.extend(["fsync=off", "full_page_writes=off"].map(str::to_owned));
        }
        settings
    }

    fn until_ready(&mut self) -> Result<(), String> {
        let begun = Instant::now();
        loop {
            let mut asked = self.programs.command("pg_isready");
            asked.args(["-q", "-h", "127.0.0.1", "-p", &self.port.to_string()]);
            if run(&mut asked)?.status.success() {
                return Ok(());
            }
            let ended = match &mut self.server {
                Some(server) => server.try_wait().map_err(|why| why.to_string())?,
                None => return Err("postgres was not started".to_owned()),
            };
            if ended.is_some() || begun.elapsed() > READY_WITHIN {
                return Err(format!("postgres did not start: {}", self.log_end()));
            }
            std::thread::sleep(LOOK_EVERY);
        }
    }

    /// The end of its log.
    fn log_end(&self) -> String {
        let log = std::fs::read(self.folder.path().join(LOG_FILE)).unwrap_or_default();
        let shown = log.len().saturating_sub(LOG_BYTES_SHOWN);
        String::from_utf8_lossy(&log[shown..]).into_owned()
    }

    /// The port.
    #[must_use]
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// A new, empty database, and its URL.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn database(&self) -> Result<String, String> {
        self.shared().database()
    }

    /// The database with this name, made if there is none, and its URL.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn database_named(&self, name: &str) -> Result<String, String> {
        self.shared().database_named(name)
    }

    /// What others need to know of it.
    #[must_use]
    pub fn shared(&self) -> Shared {
        Shared {
            programs: self.programs.clone(),
            port: self.port,
        }
    }

    /// Ends it at once, as a crash would: nothing is written any more, and the next start recovers.
    ///
    /// # Errors
    /// When it does not end.
    pub fn crash(&mut self) -> Result<(), String> {
        self.end(Signal::QUIT)
    }

    /// Ends it in order: who is connected is disconnected.
    ///
    /// # Errors
    /// When it does not end.
    pub fn stop(&mut self) -> Result<(), String> {
        self.end(Signal::INT)
    }

    fn end(&mut self, signal: Signal) -> Result<(), String> {
        // What is frozen hears nothing. If it cannot be found, it is killed in the end.
        drop(self.freeze(false));
        let Some(mut server) = self.server.take() else {
            return Ok(());
        };
        let sent = kill_process(Pid::from_child(&server), signal);
        sent.map_err(|why| format!("ending postgres: {why}"))?;
        let begun = Instant::now();
        while begun.elapsed() < ENDS_WITHIN {
            if server.try_wait().map_err(|why| why.to_string())?.is_some() {
                return Ok(());
            }
            std::thread::sleep(LOOK_EVERY);
        }
        let killed = server.kill().and_then(|()| server.wait());
        killed
            .map(drop)
            .map_err(|why| format!("ending postgres: {why}"))
    }

    /// Stops all of its processes from running, or lets them go on: it neither answers nor closes
    /// anything.
    ///
    /// # Errors
    /// When its processes cannot be found.
    pub fn freeze(&self, is_frozen: bool) -> Result<(), String> {
        let Some(server) = &self.server else {
            return Err("postgres does not run".to_owned());
        };
        let signal = if is_frozen {
            Signal::STOP
        } else {
            Signal::CONT
        };
        for process in with_children(server.id())? {
            let Some(pid) = i32::try_from(process).ok().and_then(Pid::from_raw) else {
                continue;
            };
            match kill_process(pid, signal) {
                // A connection's process may have ended since.
                Ok(()) | Err(rustix::io::Errno::SRCH) => {}
                Err(why) => return Err(format!("process {process}: {why}")),
            }
        }
        Ok(())
    }
}

/// A process and its children (Linux).
fn with_children(process: u32) -> Result<Vec<u32>, String> {
    let path = format!("/proc/{process}/task/{process}/children");
    let children = std::fs::read_to_string(&path).map_err(|why| format!("{path}: {why}"))?;
    let children = children
        .split_whitespace()
        .filter_map(|word| word.parse().ok());
    Ok(std::iter::once(process).chain(children).collect())
}

impl Drop for Cluster {
    fn drop(&mut self) {
        let signal = match self.folder {
            Folder::Temporary(_) => Signal::QUIT,
            // Whoever starts it again does not want to wait until it has recovered.
            Folder::Kept(_) => Signal::INT,
        };
        if let Err(why) = self.end(signal) {
            eprintln!("{why}");
        }
    }
}

impl Shared {
    /// The server that the environment names, if it names one.
    ///
    /// # Errors
    /// When what it says is no port, or PostgreSQL is not installed.
    pub fn from_environment() -> Result<Option<Self>, String> {
        let Some(port) = std::env::var_os(SERVER) else {
            return Ok(None);
        };
        let port = port.to_str().and_then(|port| port.parse().ok());
        let port = port.ok_or_else(|| format!("{SERVER} must be a port"))?;
        let programs = Programs::find()?;
        Ok(Some(Self { programs, port }))
    }

    /// A new, empty database, and its URL.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn database(&self) -> Result<String, String> {
        let number = DATABASES.fetch_add(1, Ordering::Relaxed);
        self.make(&format!("test_{}_{number}", std::process::id()))
    }

    /// The database with this name, made if there is none, and its URL.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn database_named(&self, name: &str) -> Result<String, String> {
        let all = self.sql(&self.url("postgres"), "SELECT datname FROM pg_database")?;
        if all.lines().any(|found| found == name) {
            return Ok(self.url(name));
        }
        self.make(name)
    }

    fn make(&self, name: &str) -> Result<String, String> {
        let mut command = self.client("createdb");
        command.args(["--template=template0", name]);
        said("createdb", &run(&mut command)?)?;
        Ok(self.url(name))
    }

    fn url(&self, database: &str) -> String {
        format!("postgres://{OWNER}@127.0.0.1:{}/{database}", self.port)
    }

    /// The port.
    #[must_use]
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// Runs SQL on a database of this server, and returns what it printed, without decoration.
    ///
    /// # Errors
    /// When it fails.
    pub fn sql(&self, url: &str, sql: &str) -> Result<String, String> {
        let mut command = self.client("psql");
        command.args([
            "-X",
            "-q",
            "-A",
            "-t",
            "-v",
            "ON_ERROR_STOP=1",
            "-c",
            sql,
            url,
        ]);
        said("psql", &run(&mut command)?)
    }

    fn client(&self, program: &str) -> Command {
        let mut command = self.programs.command(program);
        command.env("PGHOST", "127.0.0.1");
        command.env("PGPORT", self.port.to_string());
        command.env("PGUSER", OWNER);
        command
    }
}

fn free_port() -> io::Result<u16> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    Ok(listener.local_addr()?.port())
}

fn run(command: &mut Command) -> Result<Output, String> {
    let program = command.get_program().to_string_lossy().into_owned();
    let output = command.stdin(Stdio::null()).output();
    output.map_err(|why| format!("{program}: {why}"))
}

/// What a program said, if it did what it was to do.
fn said(program: &str, output: &Output) -> Result<String, String> {
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned());
    }
    let why = String::from_utf8_lossy(&output.stderr);
    Err(format!("{program}: {}: {}", output.status, why.trim()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kept_folder_has_everything_again() {
        let place = tempfile::tempdir().expect("a folder");
        // The server's user is another one than ours, if we are root.
        let open = std::os::unix::fs::PermissionsExt::from_mode(0o755);
        std::fs::set_permissions(place.path(), open).expect("an open folder");
        let folder = place.path().join("kept");
        for expected in ["0", "1", "2"] {
            let server = Cluster::start_kept(&folder, Durability::Fast).expect("a server");
            let url = server.database_named("data").expect("a database");
            let make = "CREATE TABLE IF NOT EXISTS t (n int)";
            server.shared().sql(&url, make).expect("a table");
            let count = server.shared().sql(&url, "SELECT count(*) FROM t");
            assert_eq!(count.expect("a number"), expected);
            let more = "INSERT INTO t VALUES (1)";
            server.shared().sql(&url, more).expect("one more");
        }
    }
}
