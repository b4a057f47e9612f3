//! What the server says of itself: log lines on standard error, and what it measures.
//!
//! Never logged: tokens, keys, passwords and their hashes, texts and metadata of messages.

pub mod metrics;

use std::io::IsTerminal;

use tracing_subscriber::EnvFilter;
use tracing_subscriber::util::SubscriberInitExt;

use crate::config::{Log, LogFormat};

/// Sets up logging, once in a process.
///
/// # Errors
/// When the filter makes no sense.
pub fn init(log: &Log) -> Result<(), String> {
    let filter = EnvFilter::try_new(&log.level).map_err(|why| format!("log.level: {why}"))?;
    let is_terminal = std::io::stderr().is_terminal();
    let as_text = match log.format {
        LogFormat::Text => true,
        LogFormat::Json => false,
        LogFormat::Auto => is_terminal,
    };
    let lines = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr);
    let outcome = if as_text {
        lines
            .with_ansi(is_terminal)
            .with_target(false)
            .finish()
            .try_init()
    } else {
        lines.json().flatten_event(true).finish().try_init()
    };
    outcome.map_err(|why| format!("logging is set up already: {why}"))
}
