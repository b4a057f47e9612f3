//! The server that is broken: started, killed, told to stop and started again, on the same folder and
//! the same port.

use std::fs::{self, File};
use std::io::{BufRead, BufReader, Write};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, ExitStatus, Stdio};
use std::sync::mpsc::sync_channel;
use std::time::Duration;

use agent_bridge::client::{RestClient, Token};
use agent_bridge::config::{Config, Overrides};
use agent_bridge::tokens::Tokens;
use bridge_core::{Scope, Scopes};
use rustix::process::{Pid, Signal, kill_process};

use super::setting::Setting;
use crate::broken::Told;
use crate::clock::{Clock, nanos};
use crate::procfs;
use crate::server::{OPERATOR, SETTINGS, announced, issue, loopback};

/// Between two looks whether a process has ended.
const LOOK_EVERY: Duration = Duration::from_millis(5);
/// Warnings and errors that are shown of its log.
const COMPLAINTS_SHOWN: usize = 5;
/// How long a server may take to be ready.
const READY_WITHIN: Duration = Duration::from_secs(60);
/// Its standard error, in its folder.
const LOG_FILE: &str = "server.log";

/// How a server is started, each time.
#[derive(Debug, Clone)]
pub(super) struct Start {
    program: PathBuf,
    /// What stands before the options that every server gets.
    subcommand: Vec<String>,
    data_dir: PathBuf,
    /// Settings and other variables of its environment.
    variables: Vec<(String, String)>,
    port: u16,
    /// Whether it reads wishes from its standard input.
    obeys: bool,
}

/// A server that answers. It is killed when this is dropped; its folder stays.
#[derive(Debug)]
pub(super) struct Server {
    start: Start,
    child: Child,
    socket: SocketAddr,
    tokens: Tokens,
    wishes: Option<Wishes>,
}

/// The way to a server that obeys.
#[derive(Debug)]
struct Wishes {
    to: ChildStdin,
    from: BufReader<ChildStdout>,
}

impl Start {
    /// The real program on this folder and the database that belongs to it, with room for ten
    /// thousand sessions.
    pub(super) fn new(setting: &Setting, data_dir: &Path) -> Result<Self, String> {
        let start = Self {
            program: setting.program().to_owned(),
            subcommand: vec!["serve".to_owned()],
            data_dir: data_dir.to_owned(),
            variables: Vec::new(),
            port: 0,
            obeys: false,
        };
        let start = start
            .set("sessions.total", "20000")
            .set("log.level", "info,actix_server=warn,actix_http::h1=off")
            .set("log.format", "text");
        Ok(match setting.database_url(data_dir)? {
            Some(url) => start.set("database.url", url),
            None => start,
        })
    }

    /// With a setting of its configuration: `sessions.total`.
    #[must_use]
    pub(super) fn set(self, key: &str, value: impl Into<String>) -> Self {
        let name = format!("{SETTINGS}{}", key.to_uppercase().replace('.', "__"));
        self.variable(name, value)
    }

    /// With a variable of its environment.
    #[must_use]
    pub(super) fn variable(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        let name = name.into();
        self.variables.retain(|(other, _)| *other != name);
        self.variables.push((name, value.into()));
        self
    }

    /// The same server with a fault, out of this program.
    pub(super) fn broken(self, fault: &str) -> Result<Self, String> {
        let own = std::env::current_exe();
        let own = own.map_err(|why| format!("where this program is: {why}"))?;
        let mut start = self.program(own, &["broken-server", "--fault", fault]);
        start.obeys = fault == "panics";
        Ok(start)
    }

    /// Another program that takes the same options.
    #[must_use]
    fn program(mut self, program: PathBuf, subcommand: &[&str]) -> Self {
        self.program = program;
        self.subcommand = subcommand.iter().map(|&word| word.to_owned()).collect();
        self
    }

    /// Starts it and waits until it is ready.
    pub(super) fn go(mut self) -> Result<Server, String> {
        let failed = |why: std::io::Error| format!("{}: {why}", self.program.display());
        let log = File::options()
            .create(true)
            .append(true)
            .open(self.data_dir.join(LOG_FILE))
            .map_err(failed)?;
        let mut child = self.command().stderr(log).spawn().map_err(failed)?;
        let said = first_line(&mut child);
        let socket = match &said {
            Ok((line, _)) => announced(line).ok_or(String::new()),
            Err(why) => Err(why.clone()),
        };
        let socket = match socket.and_then(|address| loopback(&address)) {
            Ok(socket) => socket,
            Err(why) => {
                end(&mut child);
                let status = child.wait().map_or(String::new(), |s| s.to_string());
                let log = self.last_log_lines();
                return Err(format!("the server did not start: {why}{status}: {log}"));
            }
        };
        let wishes = child.stdin.take().zip(said.ok());
        let wishes = wishes.map(|(to, (_, from))| Wishes { to, from });
        self.port = socket.port();
        let tokens = self.tokens()?;
        Ok(Server {
            start: self,
            child,
            socket,
            tokens,
            wishes,
        })
    }

    fn command(&self) -> Command {
        let mut command = Command::new(&self.program);
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with(SETTINGS) {
                command.env_remove(name);
            }
        }
        command
            .args(&self.subcommand)
            .arg("--bind")
            .arg(format!("127.0.0.1:{}", self.port))
            .arg("--data-dir")
            .arg(&self.data_dir)
            .envs(self.variables.iter().map(|(name, value)| (name, value)))
            .stdin(if self.obeys {
                Stdio::piped()
            } else {
                Stdio::null()
            })
            .stdout(Stdio::piped());
        command
    }

    fn tokens(&self) -> Result<Tokens, String> {
        let overrides = Overrides {
            data_dir: Some(self.data_dir.clone()),
            ..Overrides::default()
        };
        let config = Config::load(None, &overrides).map_err(|why| why.to_string())?;
        agent_bridge::app::tokens(&config).map_err(|why| why.to_string())
    }

    pub(super) fn data_dir(&self) -> &Path {
        &self.data_dir
    }

    /// What the server wrote to its log, over all its lives.
    pub(super) fn log(&self) -> String {
        fs::read_to_string(self.data_dir.join(LOG_FILE)).unwrap_or_default()
    }

    fn last_log_lines(&self) -> String {
        let log = self.log();
        let lines: Vec<&str> = log.lines().rev().take(3).collect();
        lines.into_iter().rev().collect::<Vec<_>>().join(" / ")
    }
}

impl Server {
    pub(super) const fn socket(&self) -> SocketAddr {
        self.socket
    }

    pub(super) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// What it wrote to its log, over all its lives.
    pub(super) fn log(&self) -> String {
        self.start.log()
    }

    pub(super) fn log_path(&self) -> PathBuf {
        self.start.data_dir.join(LOG_FILE)
    }

    /// The first warnings and errors in its log.
    pub(super) fn complaints(&self) -> Vec<String> {
        let log = self.log();
        let is_complaint = |line: &&str| line.contains(" WARN ") || line.contains(" ERROR ");
        let complaints = log.lines().filter(is_complaint).take(COMPLAINTS_SHOWN);
        complaints.map(str::to_owned).collect()
    }

    /// A token of a client.
    pub(super) fn token(&self, client: &str) -> Result<Token, String> {
        issue(&self.tokens, client, &Scopes::default())
    }

    /// REST as a client.
    pub(super) fn rest(&self, client: &str) -> Result<RestClient, String> {
        self.rest_with(&self.token(client)?)
    }

    /// REST as the operator.
    pub(super) fn operator(&self) -> Result<RestClient, String> {
        self.rest_with(&self.operator_token()?)
    }

    /// A token of the operator, who may also say something to everybody.
    pub(super) fn operator_token(&self) -> Result<Token, String> {
        let scopes = Scopes::new([Scope::Admin, Scope::Message, Scope::Broadcast])
            .map_err(|why| why.to_string())?;
        issue(&self.tokens, OPERATOR, &scopes)
    }

    fn rest_with(&self, token: &Token) -> Result<RestClient, String> {
        let address = format!("http://{}", self.socket);
        let address = address.parse().map_err(|why| format!("{address}: {why}"))?;
        RestClient::new(&address, token).map_err(|why| why.to_string())
    }

    /// Says a wish to a server that obeys, and reads what it says to it.
    pub(super) fn wish(&mut self, told: &Told) -> Result<String, String> {
        let wishes = self.wishes.as_mut().ok_or("this server does not obey")?;
        let line = serde_json::to_string(told).map_err(|why| why.to_string())?;
        let failed = |why: std::io::Error| format!("a wish was not heard: {why}");
        writeln!(wishes.to, "{line}").map_err(failed)?;
        let mut answer = String::new();
        wishes.from.read_line(&mut answer).map_err(failed)?;
        Ok(answer)
    }

    /// Resident memory, in KiB.
    pub(super) fn resident_kib(&self) -> u64 {
        procfs::resident_kib(self.pid()).unwrap_or_default()
    }

    /// `kill -9`, and how to start it again.
    pub(super) fn kill(mut self) -> Start {
        end(&mut self.child);
        self.start.clone()
    }

    /// Tells it to stop, as a service manager does.
    pub(super) fn terminate(&self) -> Result<(), String> {
        self.signal(Signal::TERM)
    }

    fn signal(&self, signal: Signal) -> Result<(), String> {
        let pid = i32::try_from(self.pid()).ok().and_then(Pid::from_raw);
        let pid = pid.ok_or("a process without a number")?;
        kill_process(pid, signal).map_err(|why| format!("signalling the server: {why}"))
    }

    /// How it ended, if it has.
    pub(super) fn ended(&mut self) -> Result<Option<ExitStatus>, String> {
        let ended = self.child.try_wait();
        ended.map_err(|why| format!("waiting for the server: {why}"))
    }

    /// Waits until it has ended by itself.
    pub(super) async fn until_ended(&mut self, within: Duration) -> Result<ExitStatus, String> {
        let clock = Clock::start();
        loop {
            if let Some(status) = self.ended()? {
                return Ok(status);
            }
            if clock.nanos() > nanos(within) {
                return Err(format!("the server did not end within {within:?}"));
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }

    /// How to start it again, once it has ended.
    pub(super) fn again(self) -> Start {
        self.start.clone()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        end(&mut self.child);
    }
}

/// What a server says when it is ready; nothing when it ends before. It may hang, and must not hang
/// us.
fn first_line(child: &mut Child) -> Result<(String, BufReader<ChildStdout>), String> {
    let out = child.stdout.take().ok_or("its standard output is closed")?;
    let mut out = BufReader::new(out);
    let (tell, told) = sync_channel(1);
    std::thread::spawn(move || {
        let mut line = String::new();
        let read = out.read_line(&mut line);
        // Nobody waits for it any more when it comes too late.
        drop(tell.send(read.map(|_| (line, out))));
    });
    let said = told.recv_timeout(READY_WITHIN);
    let said = said.map_err(|_| format!("it said nothing within {READY_WITHIN:?}; "))?;
    said.map_err(|why| why.to_string())
}

/// Kills a process, if it still runs, and waits for its end.
fn end(child: &mut Child) {
    if matches!(child.try_wait(), Ok(Some(_))) {
        return;
    }
    if let Err(why) = child.kill().and_then(|()| child.wait().map(drop)) {
        eprintln!("the server (process {}) did not end: {why}", child.id());
    }
}
