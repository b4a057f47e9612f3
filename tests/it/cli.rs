//! The real program, from its command line.

mod demo;
mod log_level;
mod mail;
mod rooms;
mod secrets;
mod start;
mod todo;
mod token;

use std::process::Command;

use crate::support::binary::{Said, said};

/// Runs a command that ends by itself.
fn run(command: &mut Command) -> Said {
    said(command.output().expect("the program can be run"))
}
