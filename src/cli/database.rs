//! The database that a command works on by itself, without asking a server.

use std::process::ExitCode;

use clap::Args;

use super::connection;
use super::serve::DataArgs;
use super::show::visible;
use crate::client::error::Exit;
use crate::config::{Config, ConfigError, Overrides};

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

/// Does long work on a thread of its own, until it is done or until Ctrl-C. What must not stay behind
/// then is its caller's.
pub(super) fn unless_interrupted<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Ended> + Send + 'static,
) -> Result<T, Ended> {
    let runtime = connection::runtime()?;
    let worked = runtime.block_on(async {
        tokio::select! {
            worked = tokio::task::spawn_blocking(work) => worked.unwrap_or_else(|why| Err(why.into())),
            pressed = tokio::signal::ctrl_c() => {
                pressed?;
                Err(Ended::Interrupted)
            }
        }
    });
    // The work is not waited for: its end is the program's.
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
