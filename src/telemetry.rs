//! What the server says of itself: log lines on standard error, and what it measures.
//!
//! Never logged: tokens, keys, passwords and their hashes, texts and metadata of messages.

pub mod metrics;
pub mod spans;
pub mod subject;

use std::io::IsTerminal;
use std::sync::{Mutex, OnceLock, PoisonError};

use bridge_core::limits;
use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::fmt::{FormatEvent, FormatFields, MakeWriter, SubscriberBuilder};
use tracing_subscriber::util::{SubscriberInitExt, TryInitError};
use tracing_subscriber::{EnvFilter, Registry};

use crate::config::{Log, LogFormat};

/// Sets up logging, once in a process.
///
/// # Errors
/// When the filter makes no sense.
pub fn init(log: &Log) -> Result<(), String> {
    let filter = filter(&log.level).map_err(|why| format!("log.level: {why}"))?;
    let is_terminal = std::io::stderr().is_terminal();
    let as_text = match log.format {
        LogFormat::Text => true,
        LogFormat::Json => false,
        LogFormat::Auto => is_terminal,
    };
    let lines = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr);
    let reload = if as_text {
        begin(lines.with_ansi(is_terminal).with_target(false))
    } else {
        begin(lines.json().flatten_event(true))
    };
    let filter = Filter {
        text: Mutex::new(log.level.clone()),
        reload: reload.map_err(|why| format!("logging is set up already: {why}"))?,
    };
    FILTER
        .set(filter)
        .map_err(|_| "logging is set up already".to_owned())
}

/// What is written to the log of this process.
static FILTER: OnceLock<Filter> = OnceLock::new();

struct Filter {
    text: Mutex<String>,
    reload: Reload,
}

type Reload = Box<dyn Fn(EnvFilter) -> Result<(), String> + Send + Sync>;

/// Begins to write lines of a form. Returns how their filter is changed.
fn begin<N, E, W>(lines: SubscriberBuilder<N, E, EnvFilter, W>) -> Result<Reload, TryInitError>
where
    N: for<'writer> FormatFields<'writer> + Send + Sync + 'static,
    E: FormatEvent<Registry, N> + Send + Sync + 'static,
    W: for<'writer> MakeWriter<'writer> + Send + Sync + 'static,
{
    let lines = lines.with_filter_reloading();
    let handle = lines.reload_handle();
    lines.finish().try_init()?;
    Ok(Box::new(move |filter| {
        handle.reload(filter).map_err(|why| why.to_string())
    }))
}

/// Why what is written to the log stays as it was.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SetLevelError {
    /// It is neither a level nor a filter.
    #[error("{0}")]
    NoFilter(String),
    /// The program does not write a log, or does not any more.
    #[error("logging was not set up: {0}")]
    NoLog(String),
}

/// What is written to the log: a level or a filter. None before [`init`].
#[must_use]
pub fn level() -> Option<String> {
    let text = FILTER.get()?.text.lock();
    Some(text.unwrap_or_else(PoisonError::into_inner).clone())
}

/// Changes what is written to the log, until the process ends. Returns what it was.
///
/// # Errors
/// When that is no level and no filter; then nothing changes.
pub fn set_level(level: &str) -> Result<String, SetLevelError> {
    let new = filter(level).map_err(SetLevelError::NoFilter)?;
    let Some(filter) = FILTER.get() else {
        return Err(SetLevelError::NoLog("there is none".to_owned()));
    };
    let mut text = filter.text.lock().unwrap_or_else(PoisonError::into_inner);
    // Who reads the log must know why it changes.
    tracing::warn!(before = %text, level, "what is logged changes");
    (filter.reload)(new).map_err(SetLevelError::NoLog)?;
    Ok(std::mem::replace(&mut *text, level.to_owned()))
}

/// A filter of these words. An empty one would silence everything without a word.
fn filter(level: &str) -> Result<EnvFilter, String> {
    if level.trim().is_empty() {
        return Err("must not be empty; say off to silence it".to_owned());
    }
    if level.len() > limits::LOG_FILTER_BYTES_MAX {
        let max = limits::LOG_FILTER_BYTES_MAX;
        return Err(format!("must be at most {max} bytes long"));
    }
    for word in level.split(',').map(str::trim) {
        // It would be a module's name, and everything else be silenced by a slip of the pen.
        if !word.contains(['=', ':', '[']) && word.parse::<LevelFilter>().is_err() {
            return Err(format!(
                "{word:?} is no level (error, warn, info, debug, trace, off); a module goes with one, \
                 like {word}=debug"
            ));
        }
    }
    EnvFilter::try_new(level).map_err(|why| why.to_string())
}
