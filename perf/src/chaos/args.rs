//! What can be asked for.

use std::path::PathBuf;

use clap::Args;

use super::database::Databases;
use super::trials::{self, Trial};

/// Break a real server in every way that must be survived, and look whether it held
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  perf chaos --list
  perf chaos --short
  perf chaos --only 1,12 --seed 42
  perf chaos --database both --only 13,17
  perf chaos --minutes 60 --output perf/results/chaos.json

Each trial starts servers of its own, on free loopback ports, with data in a temporary folder beside
this program, and ends them. The exit code is 0 when everything held that was tried, and every
control failed that must.")]
pub(crate) struct ChaosArgs {
    /// Only these trials, by their numbers
    #[arg(long, value_name = "N", value_delimiter = ',', num_args = 1..)]
    pub(super) only: Vec<u8>,
    /// On which database
    #[arg(long, value_enum, default_value = "sqlite")]
    pub(super) database: Databases,
    /// Only a part of a trial that has parts, by a piece of its name: a place where 17 panics
    #[arg(long, value_name = "TEXT")]
    pub(super) part: Option<String>,
    /// Repeat a run
    #[arg(long, value_name = "S")]
    pub(super) seed: Option<u64>,
    /// How long the trials that can go on for ever take, together
    #[arg(long, value_name = "M", conflicts_with = "short", value_parser = clap::value_parser!(u32).range(1..=10_080))]
    pub(super) minutes: Option<u32>,
    /// The form of the continuous integration: seconds instead of minutes
    #[arg(long)]
    pub(super) short: bool,
    /// Show which trials there are
    #[arg(long)]
    pub(super) list: bool,
    /// The server's program [default: agent-bridge beside this program]
    #[arg(long, value_name = "PATH")]
    pub(super) server: Option<PathBuf>,
    /// Where the temporary folders are made [default: beside this program]
    #[arg(long, value_name = "DIR")]
    pub(super) data_dir: Option<PathBuf>,
    /// Add the result to the list in this JSON file
    #[arg(long, value_name = "FILE")]
    pub(super) output: Option<PathBuf>,
}

impl ChaosArgs {
    /// The trials that are wanted, in the order of their numbers.
    pub(super) fn chosen(&self) -> Result<Vec<&'static Trial>, String> {
        for number in &self.only {
            if !trials::ALL.iter().any(|trial| trial.number == *number) {
                return Err(format!(
                    "there is no trial {number}; `perf chaos --list` shows which there are"
                ));
            }
        }
        let is_wanted = |trial: &&Trial| self.only.is_empty() || self.only.contains(&trial.number);
        Ok(trials::ALL.iter().filter(is_wanted).collect())
    }
}
