//! The database that a command works on by itself, without asking a server.

use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use clap::Args;

use super::connection;
use super::serve::DataArgs;
use super::show::visible;
use super::signals;
use crate::client::error::Exit;
use crate::config::{Config, ConfigError, Overrides};
use crate::storage::Stopped;

/// Which database: the one that a server with the same settings uses.
#[derive(Debug, Clone, Args)]
pub struct DatabaseArgs {
    #[command(flatten)]
    /// The data folder and the settings.
    pub data: DataArgs,
    /// The database [default: an SQLite file in the data folder]
    #[arg(long, value_name = "URL")]
    pub database_url: Option<String>,
}

impl DatabaseArgs {
    /// The settings of the server whose database it is.
    ///
    /// # Errors
    /// When a key is unknown or a value wrong.
    pub fn config(&self) -> Result<Config, ConfigError> {
        let overrides = Overrides {
            data_dir: self.data.data_dir.clone(),
            database_url: self.database_url.clone(),
            ..Overrides::default()
        };
        Config::load(self.data.config.as_deref(), &overrides)
    }
}

/// Why a command that asks no server did not come to its end.
#[derive(Debug)]
pub(super) enum Ended {
    /// It failed, or was refused.
    Failed(String),
    /// The user had enough.
    Interrupted,
}

impl<E: std::error::Error> From<E> for Ended {
    fn from(why: E) -> Self {
        Self::Failed(why.to_string())
    }
}

/// Does long work on a thread of its own, until it is done or it is told to stop. What must not stay
/// behind then is its caller's.
pub(super) fn unless_interrupted<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Ended> + Send + 'static,
) -> Result<T, Ended> {
    let runtime = connection::runtime()?;
    let worked = runtime.block_on(async {
        tokio::select! {
            worked = tokio::task::spawn_blocking(work) => worked.unwrap_or_else(|why| Err(why.into())),
            told = signals::told_to_stop() => {
                told?;
                Err(Ended::Interrupted)
            }
        }
    });
    // The work is not waited for: its end is the program's.
    runtime.shutdown_background();
    worked
}

/// Whether the user had enough.
#[derive(Debug, Clone, Default)]
pub(super) struct Stop(Arc<AtomicBool>);

impl Stop {
    /// Ends the work that asks.
    pub(super) fn look(&self) -> Result<(), Stopped> {
        match self.0.load(Ordering::Relaxed) {
            true => Err(Stopped),
            false => Ok(()),
        }
    }
}

/// Does long work that takes back what it has done when it is told to stop. It is waited for, unless
/// it is told so twice: then `left` says what may be left of it.
pub(super) fn until_stopped<T: Send + 'static>(
    left: &'static str,
    work: impl FnOnce(Stop) -> Result<T, Ended> + Send + 'static,
) -> Result<T, Ended> {
    let stop = Stop::default();
    let its_stop = stop.clone();
    let runtime = connection::runtime()?;
    let worked = runtime.block_on(async {
        let mut working = tokio::task::spawn_blocking(move || work(its_stop));
        tokio::select! {
            worked = &mut working => return worked.unwrap_or_else(|why| Err(why.into())),
            told = signals::told_to_stop() => told?,
        }
        stop.0.store(true, Ordering::Relaxed);
        eprintln!("stopping, and taking back what was done; once more ends it on the spot");
        tokio::select! {
            worked = working => worked.unwrap_or_else(|why| Err(why.into())),
            told = signals::told_to_stop() => {
                told?;
                Err(Ended::Failed(format!("ended on the spot; {left}")))
            }
        }
    });
    runtime.shutdown_background();
    worked
}

/// The last step of a command that asks no server: what it has to say, or why it failed.
pub(super) fn finish(outcome: Result<String, Ended>) -> ExitCode {
    match outcome {
        Ok(said) => {
            println!("{said}");
            ExitCode::SUCCESS
        }
        Err(Ended::Failed(why)) => {
            eprintln!("error: {}", visible(&why));
            ExitCode::FAILURE
        }
        Err(Ended::Interrupted) => ExitCode::from(Exit::Interrupted as u8),
    }
}
