//! Direct messages from the command line.

mod asking;
mod listening;
mod sending;

use std::io::{BufRead, BufReader};
use std::process::{Child, ChildStdout, Command, Stdio};

use serde_json::Value;

use super::run;
use crate::support::binary::{Binary, Said};

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

/// A client is known from the first time that its token is shown.
fn make_known(server: &Binary, clients: &[&str]) {
    for client in clients {
        said_well(server, client, &["inbox"]);
    }
}

/// Sends, and returns the message's id.
#[track_caller]
fn send(server: &Binary, from: &str, to: &str, text: &str) -> String {
    said_well(server, from, &["send", to, text])
        .trim_end()
        .to_owned()
}

/// The stages of a message's way to its only recipient.
#[track_caller]
fn stages(server: &Binary, sender: &str, id: &str) -> Vec<String> {
    let shown = ok(server, sender, &["message", "show", id]);
    let steps = shown["recipients"][0]["history"].as_array();
    let stage = |step: &Value| step["stage"].as_str().expect("a stage").to_owned();
    steps.expect("a history").iter().map(stage).collect()
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
