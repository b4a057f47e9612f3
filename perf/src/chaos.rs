//! What must hold when things break: trials that break a real server and look whether it held.
//!
//! The harness is a process of its own. It writes down what it tried and what it was told, and syncs
//! that, before it believes it. Every trial is told a seed, and can be repeated with it.

mod args;
mod correspondent;
mod crowd;
mod database;
mod diary;
mod heard;
mod history;
mod http;
mod life;
mod log_tail;
mod machine;
mod mail;
mod memory;
mod outcome;
mod peer;
mod publisher;
mod readiness;
mod reading;
mod report;
mod request;
mod room_log;
mod server;
mod setting;
mod trials;

use serde::Serialize;

use crate::clock::Clock;
use crate::machine::{Disk, Machine};

pub(crate) use args::ChaosArgs;
use database::Database;
use outcome::Outcome;
use setting::Setting;
use trials::Trial;

/// Everything that stands in the JSON of one run.
#[derive(Debug, Serialize)]
struct Run {
    scenario: &'static str,
    machine: Machine,
    disk: Disk,
    server_version: String,
    form: &'static str,
    seed: u64,
    databases: &'static [Database],
    /// Which PostgreSQL, if there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    postgres_version: Option<String>,
    trials: Vec<Done>,
}

/// What became of one trial.
#[derive(Debug, Serialize)]
struct Done {
    number: u8,
    database: Database,
    broken: &'static str,
    holds: &'static str,
    seconds: f64,
    #[serde(flatten)]
    outcome: Outcome,
}

/// Does what the command line says.
pub(crate) async fn run(args: ChaosArgs) -> Result<(), String> {
    if args.list {
        report::list(trials::ALL);
        return Ok(());
    }
    let chosen = args.chosen()?;
    crate::descriptors::raise();
    let seed = args.seed.unwrap_or_else(rand::random);
    let setting = Setting::new(&args, seed)?;
    let databases = args.database.each();
    let mut run = Run {
        scenario: "chaos",
        machine: Machine::look(),
        disk: Disk::measure(setting.disk())?,
        server_version: setting.program_version()?,
        form: setting.form(),
        seed,
        databases,
        postgres_version: databases
            .contains(&Database::Postgres)
            .then(private_postgres::version)
            .transpose()?,
        trials: Vec::new(),
    };
    report::conditions(&run);
    for trial in chosen {
        for &database in databases {
            let done = try_one(trial, &setting, database).await;
            report::done(&done);
            run.trials.push(done);
        }
    }
    report::table(&run);
    if let Some(file) = &args.output {
        report::write(file, &run)?;
    }
    verdict(&run, &args)
}

/// An error when something did not hold, with how to try it again.
fn verdict(run: &Run, args: &ChaosArgs) -> Result<(), String> {
    let mut failed: Vec<String> = run
        .trials
        .iter()
        .filter(|done| !done.outcome.has_held())
        .map(|done| done.number.to_string())
        .collect();
    failed.dedup();
    if failed.is_empty() {
        return Ok(());
    }
    Err(format!(
        "did not hold: {}; repeat with --database {} --seed {} --only {}",
        failed.join(", "),
        args.database,
        run.seed,
        failed.join(",")
    ))
}

async fn try_one(trial: &'static Trial, setting: &Setting, database: Database) -> Done {
    let clock = Clock::start();
    let outcome = match trial.on.why_not(database) {
        Some(why) => Outcome::not_run(why),
        None => {
            let setting = setting.for_trial(trial, database);
            let tried = (trial.run)(setting.clone()).await;
            setting.finish();
            tried.unwrap_or_else(Outcome::failed)
        }
    };
    Done {
        number: trial.number,
        database,
        broken: trial.broken,
        holds: trial.holds,
        seconds: clock.nanos() as f64 / 1e9,
        outcome,
    }
}
