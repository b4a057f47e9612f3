//! The real program, as a process of its own.

use std::io::{BufRead, BufReader, Read};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Output, Stdio};
use std::thread::JoinHandle;

use agent_bridge::config::{Config, Overrides};
use agent_bridge::tokens::Tokens;
use tempfile::TempDir;
use tokio::time::{Duration, interval};

use super::tokens::{USUAL_LIFE, USUAL_SCOPES, mint};
use super::{PATIENCE, Rest, Ws, database};

/// The program, without the settings of whoever runs the tests.
pub(crate) fn program() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_agent-bridge"));
    let ours = |name: &str| name.starts_with("AGENT_BRIDGE") || name.starts_with("BRIDGE_");
    for (name, _) in std::env::vars_os() {
        if name.to_str().is_some_and(ours) {
            command.env_remove(name);
        }
    }
    command
}

/// A running server. Dropping it kills it.
pub(crate) struct Binary {
    pub(crate) addr: SocketAddr,
    pub(crate) tokens: Tokens,
    folder: PathBuf,
    child: Child,
    stdout: BufReader<ChildStdout>,
    stderr: Option<JoinHandle<String>>,
}

impl Binary {
    /// On a folder; port 0 takes any.
    pub(crate) fn start(folder: &Path, port: u16) -> Self {
        Self::start_with(folder, port, |_| {})
    }

    pub(crate) fn start_with(folder: &Path, port: u16, change: impl FnOnce(&mut Command)) -> Self {
        Self::start_by(&mut program(), folder, port, change)
    }

    /// By a command that takes the program's arguments.
    pub(crate) fn start_by(
        command: &mut Command,
        folder: &Path,
        port: u16,
        change: impl FnOnce(&mut Command),
    ) -> Self {
        command
            .args([
                "serve",
                "--bind",
                &format!("127.0.0.1:{port}"),
                "--data-dir",
            ])
            .arg(folder)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        if let Some(url) = database::url_of(folder) {
            command.env("AGENT_BRIDGE__DATABASE__URL", url);
        }
        change(command);
        let mut child = command.spawn().expect("the program can be run");
        // Read at once, or a server that says much would wait for us.
        let mut stderr = child.stderr.take().expect("it is piped");
        let stderr = std::thread::spawn(move || {
            let mut said = String::new();
            // What is not UTF-8 ends it, and the test that looks for it.
            drop(stderr.read_to_string(&mut said));
            said
        });
        let mut stdout = BufReader::new(child.stdout.take().expect("it is piped"));
        let mut line = String::new();
        stdout.read_line(&mut line).expect("a line in UTF-8");
        let addr = line
            .split_whitespace()
            .find_map(|word| word.strip_prefix("http://"));
        let Some(addr) = addr.and_then(|addr| addr.parse().ok()) else {
            let said = stderr.join().unwrap_or_default();
            panic!("the server is not ready: {line:?} {said}");
        };
        Self {
            addr,
            tokens: tokens_of(folder),
            folder: folder.to_owned(),
            child,
            stdout,
            stderr: Some(stderr),
        }
    }

    pub(crate) fn token(&self, client: &str) -> String {
        self.token_for(client, USUAL_SCOPES)
    }

    pub(crate) fn token_for(&self, client: &str, scopes: &str) -> String {
        mint(&self.tokens, client, scopes, USUAL_LIFE, Duration::ZERO)
    }

    pub(crate) fn rest(&self, client: &str) -> Rest {
        Rest::new(self.addr, Some(self.token(client)))
    }

    pub(crate) async fn open(&self, client: &str) -> Ws {
        Ws::open(self.addr, client, &self.token(client)).await
    }

    pub(crate) async fn session(&self, client: &str) -> Ws {
        let mut ws = self.open(client).await;
        ws.hello().await;
        ws
    }

    /// `agent-bridge room …` as a client of this server.
    pub(crate) fn room(&self, client: &str, args: &[&str]) -> Output {
        self.room_command(client)
            .args(args)
            .output()
            .expect("the program can be run")
    }

    pub(crate) fn room_command(&self, client: &str) -> Command {
        let mut command = self.client_command(client);
        command.arg("room");
        command
    }

    /// `agent-bridge …` as a client of this server.
    pub(crate) fn client_command(&self, client: &str) -> Command {
        let mut command = program();
        command
            .env("BRIDGE_URL", format!("http://{}", self.addr))
            .env("BRIDGE_TOKEN", self.token(client))
            .stdin(Stdio::null());
        command
    }

    /// SIGKILL.
    pub(crate) fn kill(mut self) -> SocketAddr {
        self.child.kill().expect("it runs");
        self.child.wait().expect("it was ours");
        self.addr
    }

    /// SIGKILL; what it had said.
    pub(crate) fn kill_and_hear(mut self) -> String {
        self.child.kill().expect("it runs");
        self.child.wait().expect("it was ours");
        let stderr = self.stderr.take().expect("taken once");
        stderr.join().expect("it only reads")
    }

    /// The process.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Asks it to stop, as a service manager does.
    #[cfg(unix)]
    pub(crate) fn terminate(&self) {
        let pid = self.child.id().to_string();
        let asked = Command::new("kill").args(["-TERM", &pid]).status();
        assert!(asked.expect("there is a kill command").success());
    }

    /// Its exit code and what it said on both outputs, when it ends by itself.
    pub(crate) async fn ended(self) -> (Option<i32>, String, String) {
        self.ended_within(PATIENCE).await
    }

    /// The same of one that has to wait for something that does not come.
    pub(crate) async fn ended_within(
        mut self,
        patience: Duration,
    ) -> (Option<i32>, String, String) {
        let work = async {
            let mut poll = interval(Duration::from_millis(10));
            loop {
                poll.tick().await;
                if let Some(status) = self.child.try_wait().expect("it was ours") {
                    return status;
                }
            }
        };
        let Ok(status) = tokio::time::timeout(patience, work).await else {
            panic!("the server on {} does not end", self.folder.display());
        };
        let mut out = String::new();
        self.stdout.read_to_string(&mut out).expect("UTF-8");
        let stderr = self.stderr.take().expect("taken once");
        (status.code(), out, stderr.join().expect("it only reads"))
    }
}

impl Drop for Binary {
    fn drop(&mut self) {
        // It may have ended already.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// The tokens of the server whose folder this is.
pub(crate) fn tokens_of(folder: &Path) -> Tokens {
    let overrides = Overrides {
        data_dir: Some(folder.to_owned()),
        ..Overrides::default()
    };
    let config = Config::load(None, &overrides).expect("good settings");
    agent_bridge::app::tokens(&config).expect("its key")
}

/// What a command that ends by itself said.
pub(crate) struct Said {
    pub(crate) code: Option<i32>,
    pub(crate) out: String,
    pub(crate) err: String,
}

pub(crate) fn said(output: Output) -> Said {
    Said {
        code: output.status.code(),
        out: String::from_utf8(output.stdout).expect("UTF-8"),
        err: String::from_utf8(output.stderr).expect("UTF-8"),
    }
}

/// A folder of one's own.
pub(crate) fn folder() -> TempDir {
    tempfile::tempdir().expect("a temporary folder")
}
