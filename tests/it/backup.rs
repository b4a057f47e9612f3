//! Copies of a log: backups, exports, what is made of them, and whether they are what was written.

mod court;
mod history;
mod moving;
mod online;
mod restore;
mod verify;

use std::path::{Path, PathBuf};
use std::process::Command;

use diesel::connection::SimpleConnection;
use diesel::prelude::*;

use crate::support::binary::{Said, said};
use crate::support::postgres::Database;
use crate::support::program;

/// A database, and how a command is told of it.
enum Kept {
    Sqlite(PathBuf),
    Postgres(Database),
}

impl Kept {
    /// What a server needs to use it.
    fn settings(&self) -> String {
        match self {
            Self::Sqlite(_) => String::new(),
            Self::Postgres(database) => format!("[database]\nurl = \"{}\"\n", database.url()),
        }
    }

    /// `agent-bridge …` on it.
    fn command(&self, args: &[&str]) -> Command {
        let mut command = program();
        command.args(args);
        match self {
            Self::Sqlite(folder) => command.arg("--data-dir").arg(folder),
            Self::Postgres(database) => command.args(["--database-url", database.url()]),
        };
        command
    }

    fn run(&self, args: &[&str]) -> Said {
        run(&mut self.command(args))
    }
}

fn run(command: &mut Command) -> Said {
    said(command.output().expect("the program can be run"))
}

#[track_caller]
fn done(said: &Said) {
    assert_eq!(said.code, Some(0), "{} {}", said.out, said.err);
}

/// It failed, and said all of these words.
#[track_caller]
fn refused(said: &Said, words: &[&str]) {
    let all = format!("{}{}", said.out, said.err);
    assert_eq!(said.code, Some(1), "{all}");
    for word in words {
        assert!(all.contains(word), "{word:?}: {all}");
    }
}

/// What is in a folder.
fn names(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).expect("a folder");
    let names = entries.map(|entry| entry.expect("an entry").file_name());
    let mut names: Vec<_> = names.map(|n| n.to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

/// The database in a folder. The last connection of a server that has ended in this process may go a
/// moment after it.
fn sqlite(folder: &Path) -> SqliteConnection {
    let file = folder.join("bridge.sqlite3");
    let mut conn = SqliteConnection::establish(arg(&file)).expect("a database");
    let waits = conn.batch_execute("PRAGMA busy_timeout = 5000");
    waits.expect("a good statement");
    conn
}

/// A path as an argument.
fn arg(path: &Path) -> &str {
    path.to_str().expect("UTF-8")
}

fn seed() -> u64 {
    let seed = crate::crash::seed();
    println!("seed: {seed}");
    seed
}

/// How many bits are flipped, one after the other. `BACKUP_FLIPS=1000` is the long form.
#[expect(clippy::disallowed_methods, reason = "the long form of a test")]
fn flips() -> usize {
    match std::env::var("BACKUP_FLIPS") {
        Ok(flips) => flips.parse().expect("BACKUP_FLIPS is a number"),
        Err(_) => 200,
    }
}
