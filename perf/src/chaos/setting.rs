//! What a trial is given: a seed, a length, a program to break, a disk to break it on.

use std::path::{Path, PathBuf};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};
use rand::SeedableRng;
use rand::rngs::StdRng;
use tempfile::TempDir;

use super::args::ChaosArgs;
use super::database::{Database, Postgres};
use super::trials::Trial;
use crate::clock::Clock;
use crate::server::{beside_us, program_beside_us};

/// How long the trials are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Length {
    Short,
    Long,
    /// For so long, each.
    For(Duration),
}

/// What a trial is given.
#[derive(Debug, Clone)]
pub(super) struct Setting {
    seed: u64,
    length: Length,
    program: PathBuf,
    disk: PathBuf,
    part: Option<String>,
    database: Database,
    postgres: Postgres,
    bar: ProgressBar,
    clock: Clock,
}

impl Setting {
    pub(super) fn new(args: &ChaosArgs, seed: u64) -> Result<Self, String> {
        let disk = match &args.data_dir {
            Some(folder) => folder.clone(),
            None => beside_us()?,
        };
        let runs = args.chosen()?.len() * args.database.each().len();
        let trials = u32::try_from(runs.max(1)).unwrap_or(u32::MAX);
        let length = match (args.short, args.minutes) {
            (true, _) => Length::Short,
            (false, None) => Length::Long,
            (false, Some(minutes)) => {
                Length::For(Duration::from_secs(u64::from(minutes) * 60) / trials)
            }
        };
        Ok(Self {
            seed,
            length,
            program: program_beside_us(args.server.as_deref())?,
            disk,
            part: args.part.clone(),
            database: Database::Sqlite,
            postgres: Postgres::default(),
            bar: ProgressBar::hidden(),
            clock: Clock::start(),
        })
    }

    /// The same for one trial on one database: its own progress, its own time, its own PostgreSQL,
    /// and a seed that does not depend on which other trials run.
    pub(super) fn for_trial(&self, trial: &Trial, database: Database) -> Self {
        let bar = ProgressBar::new(0);
        let line = "{prefix} [{wide_bar}] {pos}/{len} {msg} {elapsed}";
        // The pattern is ours and good; the plain bar will do as well.
        let style = ProgressStyle::with_template(line);
        bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
        bar.set_prefix(format!("trial {} on {database}", trial.number));
        bar.enable_steady_tick(Duration::from_millis(500));
        Self {
            seed: self.seed ^ (u64::from(trial.number) << 56),
            database,
            postgres: Postgres::default(),
            bar,
            clock: Clock::start(),
            ..self.clone()
        }
    }

    pub(super) fn finish(&self) {
        self.bar.finish_and_clear();
    }

    pub(super) const fn form(&self) -> &'static str {
        match self.length {
            Length::Short => "short",
            Length::Long => "long",
            Length::For(_) => "by the clock",
        }
    }

    /// Randomness for one part of the trial: the same for the same seed and part.
    pub(super) fn random(&self, part: u64) -> StdRng {
        StdRng::seed_from_u64(
            self.seed
                .wrapping_add(part.wrapping_mul(0x9e37_79b9_7f4a_7c15)),
        )
    }

    pub(super) const fn is_short(&self) -> bool {
        matches!(self.length, Length::Short)
    }

    /// How many: of something whose number does not depend on the time that there is.
    pub(super) const fn pick(&self, short: usize, long: usize) -> usize {
        if self.is_short() { short } else { long }
    }

    /// Goes through a trial's rounds: so many in the short and in the long form, or as many as there
    /// is time for, but one at least. Shows the progress.
    pub(super) fn more_rounds(&self, done: usize, short: usize, long: usize) -> bool {
        let spent = Duration::from_nanos(self.clock.nanos());
        match self.length {
            Length::For(time) => {
                self.bar.set_length(time.as_secs());
                self.bar.set_position(spent.min(time).as_secs());
                done == 0 || spent < time
            }
            Length::Short | Length::Long => {
                let rounds = self.pick(short, long);
                self.bar.set_length(rounds as u64);
                self.bar.set_position(done as u64);
                done < rounds
            }
        }
    }

    /// Whether a part of the trial is wanted.
    pub(super) fn wants(&self, part: &str) -> bool {
        self.part
            .as_ref()
            .is_none_or(|wanted| part.contains(wanted))
    }

    /// Shows what the trial is at.
    pub(super) fn at(&self, what: impl Into<String>) {
        self.bar.set_message(what.into());
    }

    /// Shows how far it is.
    pub(super) fn progress(&self, done: usize, of: usize) {
        self.bar.set_length(of as u64);
        self.bar.set_position(done as u64);
    }

    /// An empty folder on the disk that is tested. It goes when the value is dropped.
    pub(super) fn folder(&self) -> Result<TempDir, String> {
        let folder = tempfile::Builder::new()
            .prefix("chaos-")
            .tempdir_in(&self.disk);
        folder.map_err(|why| format!("{}: {why}", self.disk.display()))
    }

    /// Which database it is on.
    pub(super) const fn database(&self) -> Database {
        self.database
    }

    /// The PostgreSQL of this trial.
    pub(super) const fn postgres(&self) -> &Postgres {
        &self.postgres
    }

    /// The URL of the database of the server with this folder, unless it is a file in it.
    pub(super) fn database_url(&self, data_dir: &Path) -> Result<Option<String>, String> {
        match self.database {
            Database::Sqlite => Ok(None),
            Database::Postgres => self.postgres.url(&self.disk, data_dir).map(Some),
        }
    }

    pub(super) fn disk(&self) -> &Path {
        &self.disk
    }

    /// The server's program.
    pub(super) fn program(&self) -> &Path {
        &self.program
    }

    pub(super) fn program_version(&self) -> Result<String, String> {
        let output = std::process::Command::new(&self.program)
            .arg("--version")
            .output();
        let output = output.map_err(|why| format!("{}: {why}", self.program.display()))?;
        Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
    }
}
