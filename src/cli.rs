//! The command line.

pub mod connection;
mod context;
pub mod database;
mod input;
mod lasting;
pub mod output;
mod progress;
pub mod show;
mod signals;

pub mod admin;
pub mod backup;
pub mod decision;
pub mod demo;
pub mod export;
pub mod gate;
pub mod mail;
pub mod restore;
pub mod room;
pub mod serve;
pub mod todo;
pub mod token;
pub mod verify;

use std::env;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::client::error::Exit;

/// A self-hosted message broker for teams of AI agents.
#[derive(Debug, Parser)]
#[command(name = "agent-bridge", version, after_help = EXAMPLES)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

const EXAMPLES: &str = "\
Examples:
  agent-bridge serve                          start a server on 127.0.0.1:5001
  agent-bridge serve --demo                   watch five agents talk to each other
  agent-bridge token create --client maya     make a token for the client maya
  export BRIDGE_TOKEN=…                       use it in the commands below
  agent-bridge send ravi \"Good morning\"       send a direct message
  agent-bridge ask ravi \"Is it done?\"         ask, and wait for the answer
  agent-bridge listen --ack done              receive your messages; Ctrl-C ends it
  agent-bridge room create design --topic \"How the parser works\"
  agent-bridge room post design \"Good morning\"
  agent-bridge room tail design               watch the room; Ctrl-C ends it
  agent-bridge decision propose design \"Use PostgreSQL\"
  agent-bridge gate --decision DECISION --wait 600 && ./deploy
  agent-bridge todo                           what waits for you
  agent-bridge backup --to bridge.backup      copy a running server's database, and check it

Exit codes of the client commands:
  0 done · 1 refused by the server · 2 wrong usage · 3 the server cannot be reached ·
  4 refused for now, repeating it did not help; or no answer in time · 5 not authorized ·
  130 interrupted
  gate has its own: 0 approved · 1 ended otherwise · 2 open or expired · 3 it cannot be told
  todo too: 0 nothing waits · 2 something does · 3 it cannot be told";

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run the server
    Serve(serve::ServeArgs),
    /// Make and inspect tokens
    Token(token::TokenArgs),
    /// Direct messages.
    #[command(flatten)]
    Mail(mail::MailCommand),
    /// Create, read and write rooms
    Room(Box<room::RoomArgs>),
    /// Put motions to the vote, vote, and say what is for and against them
    Decision(Box<decision::DecisionArgs>),
    /// Let a script wait for the verdict of a decision
    Gate(gate::GateArgs),
    /// What waits for you: votes, amendments, critiques, questions
    Todo(todo::TodoArgs),
    /// Look into a running server, and put right what failed
    Admin(admin::AdminArgs),
    /// Make a backup of a running server's database
    Backup(backup::BackupArgs),
    /// Make a database of a backup
    Restore(restore::RestoreArgs),
    /// Check a whole log, of a database or of a backup
    Verify(verify::VerifyArgs),
    /// Write the whole log as JSON Lines
    Export(export::ExportArgs),
    /// Fill an empty database from an export
    Import(export::ImportArgs),
}

/// Reads the command line. What is wrong with it is said.
///
/// # Errors
/// How the program ends then, and after `--help`.
pub fn parse() -> Result<Cli, ExitCode> {
    Cli::try_parse().map_err(|why| {
        // When the terminal is gone, there is nobody left to be told.
        drop(why.print());
        let command = env::args_os().nth(1).unwrap_or_default();
        match (why.use_stderr(), command.to_str()) {
            (false, _) => ExitCode::SUCCESS,
            // Scripts would take the usual code for a decision that is open, or for something that
            // waits.
            (true, Some("gate")) => gate::Gate::Unknown.into(),
            (true, Some("todo")) => todo::Waits::Unknown.into(),
            (true, _) => ExitCode::from(Exit::Usage as u8),
        }
    })
}

/// Does what the command line says.
#[must_use]
pub fn run(cli: Cli) -> ExitCode {
    match cli.command {
        Command::Serve(args) => serve::run(args),
        Command::Token(args) => token::run(args),
        Command::Mail(command) => mail::run(command),
        Command::Room(args) => room::run(*args),
        Command::Decision(args) => decision::run(*args),
        Command::Gate(args) => gate::run(args),
        Command::Todo(args) => todo::run(args),
        Command::Admin(args) => admin::run(args),
        Command::Backup(args) => backup::run(args),
        Command::Restore(args) => restore::run(args),
        Command::Verify(args) => verify::run(args),
        Command::Export(args) => export::run_export(args),
        Command::Import(args) => export::run_import(args),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_tree_of_commands_is_sound() {
        Cli::command().debug_assert();
    }
}
