//! The real program, from its command line.

mod decisions;
mod demo;
mod gate;
mod log_level;
mod mail;
mod rooms;
mod secrets;
mod start;
mod todo;
mod token;

use std::io::{BufRead, BufReader};
use std::process::{Child, ChildStdout, Command, Stdio};

use serde_json::Value;

use crate::support::binary::{Binary, Said, said};

/// Runs a command that ends by itself.
fn run(command: &mut Command) -> Said {
    said(command.output().expect("the program can be run"))
}

/// A command as a client, in words.
fn say(server: &Binary, client: &str, args: &[&str]) -> Said {
    run(server.client_command(client).args(args))
}

/// The same, when it must work.
#[track_caller]
fn said_well(server: &Binary, client: &str, args: &[&str]) -> String {
    let said = say(server, client, args);
    assert_eq!(said.code, Some(0), "{args:?}: {}", said.err);
    said.out
}

/// The JSON answer of a command that must work.
#[track_caller]
fn ok(server: &Binary, client: &str, args: &[&str]) -> Value {
    let out = said_well(server, client, &[args, &["--json"]].concat());
    serde_json::from_str(&out).unwrap_or_else(|why| panic!("{args:?} ({why}): {out}"))
}

/// A command that goes on, and the lines that it says. Dropping it kills it.
struct Going {
    child: Child,
    lines: BufReader<ChildStdout>,
}

impl Going {
    fn start(command: &mut Command) -> Self {
        command.stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = command.spawn().expect("the program can be run");
        let lines = BufReader::new(child.stdout.take().expect("it is piped"));
        Self { child, lines }
    }

    /// The next line, which is JSON.
    fn line(&mut self) -> Value {
        let mut line = String::new();
        self.lines.read_line(&mut line).expect("UTF-8");
        serde_json::from_str(&line).unwrap_or_else(|why| panic!("{why}: {line:?}"))
    }

    /// The next line of this type.
    fn line_of(&mut self, kind: &str) -> Value {
        loop {
            let line = self.line();
            if line["type"] == kind {
                return line;
            }
        }
    }

    /// Everything else that it says, and its exit code, when it ends by itself.
    fn ended(mut self) -> (Option<i32>, String) {
        let mut rest = String::new();
        std::io::Read::read_to_string(&mut self.lines, &mut rest).expect("UTF-8");
        let status = self.child.wait().expect("it was ours");
        (status.code(), rest)
    }
}

impl Drop for Going {
    fn drop(&mut self) {
        // It may have ended already.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// A room `den` that the first one has made, with the others as its members.
fn den(server: &Binary, clients: &[&str]) {
    let (first, others) = clients.split_first().expect("somebody");
    said_well(server, first, &["room", "create", "den"]);
    for client in others {
        said_well(server, client, &["room", "join", "den"]);
    }
}

/// Puts a motion to the vote, and returns its id.
#[track_caller]
fn propose(server: &Binary, client: &str, args: &[&str]) -> String {
    let args = [&["decision", "propose", "den"], args].concat();
    said_well(server, client, &args).trim_end().to_owned()
}
