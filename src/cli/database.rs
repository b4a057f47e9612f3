//! The database that a command works on by itself, without asking a server.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;

use super::serve::DataArgs;
use super::show::visible;
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

/// A temporary folder is made in this one, unless the environment names another (`TMPDIR`).
pub(super) fn scratch() -> PathBuf {
    std::env::temp_dir()
}

/// The last step of a command that asks no server: what it has to say, or why it failed.
pub(super) fn finish(outcome: Result<String, String>) -> ExitCode {
    match outcome {
        Ok(said) => {
            println!("{said}");
            ExitCode::SUCCESS
        }
        Err(why) => {
            eprintln!("error: {}", visible(&why));
            ExitCode::FAILURE
        }
    }
}
