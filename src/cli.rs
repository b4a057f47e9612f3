//! The command line.

pub mod connection;
mod context;
mod input;
mod lasting;
pub mod output;
pub mod show;

pub mod admin;
pub mod demo;
pub mod mail;
pub mod room;
pub mod serve;
pub mod token;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

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

Exit codes of the client commands:
  0 done · 1 refused by the server · 2 wrong usage · 3 the server cannot be reached ·
  4 refused for now, repeating it did not help; or no answer in time · 5 not authorized ·
  130 interrupted";

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
    /// Look into a running server, and put right what failed
    Admin(admin::AdminArgs),
}

/// Does what the command line says.
#[must_use]
pub fn run(cli: Cli) -> ExitCode {
    match cli.command {
        Command::Serve(args) => serve::run(args),
        Command::Token(args) => token::run(args),
        Command::Mail(command) => mail::run(command),
        Command::Room(args) => room::run(*args),
        Command::Admin(args) => admin::run(args),
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
