//! All measures that have a floor, one after the other, and how they stand: the one command by which
//! `docs/performance.md` is repeated. Each is a scenario of this program with exact parameters.

mod figure;
mod measure;
mod plan;
mod report;
mod table;

use std::path::PathBuf;

use clap::Args;
use serde_json::{Value, json};

use crate::Cli;
use crate::database::{Database, Databases};
use crate::target::{Files, Program};

use figure::Results;
use measure::{Load, Measure};
use plan::Plan;
use table::MEASURES;

/// Everything that has a floor: which are held, which are missed
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  perf floors --quick
  perf floors --database both --runs 5 --output floors.json
  perf floors --only P7,P11 --database postgres
  perf floors --only P9,P14 --keep /var/tmp/stock
  perf floors --list

It starts the release server that stands beside this program, again and again, and does with each what
the other subcommands do. It measures: the exit code says whether everything could be measured, not
whether it was fast enough.")]
pub(crate) struct FloorsArgs {
    /// On which database
    #[arg(long, value_enum, default_value = "sqlite")]
    database: Databases,
    /// Only these measures
    #[arg(long, value_name = "P", value_delimiter = ',', num_args = 1.., conflicts_with = "list")]
    only: Vec<String>,
    /// How often each is repeated: median and spread are told
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..=50))]
    runs: u32,
    /// Where a scenario knows it: wait for a quiet machine before each run, and repeat one that others
    /// disturbed, up to this many runs in all
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=200))]
    attempts: u32,
    /// Seconds and small numbers, to see whether everything works. The results say so, and are worth
    /// nothing
    #[arg(long)]
    quick: bool,
    /// Keep the filled folders of P9 and P14 here, and find them the next time
    #[arg(long, value_name = "DIR")]
    keep: Option<PathBuf>,
    /// Show what is run for which measure
    #[arg(long)]
    list: bool,
    #[command(flatten)]
    program: Program,
    #[command(flatten)]
    files: Files,
}

/// Does what the command line says.
pub(crate) async fn run(args: FloorsArgs) -> Result<(), String> {
    let chosen = args.chosen()?;
    if args.list {
        report::list(MEASURES);
        return Ok(());
    }
    let databases = args.database.each();
    let mut results = Results::default();
    let steps = steps(&chosen, databases);
    for (number, (load, on)) in steps.iter().enumerate() {
        let plan = Plan::of(&args, load, *on);
        println!("\n==== {} of {}: {plan}", number + 1, steps.len());
        let found = plan.carry_out(&args).await;
        if let Err(why) = &found {
            println!("*** It could not be measured: {why}");
        }
        results.insert(load, *on, found);
    }
    let rows = report::rows(&chosen, databases, &results);
    report::table(&rows, args.quick);
    args.files.keep(&json!({
        "scenario": "floors",
        "quick": args.quick,
        "machine": crate::machine::Machine::look(),
        "note": args.files.note(),
        "runs": args.runs,
        "figures": rows,
    }))?;
    match results.failures() {
        0 => Ok(()),
        failed => Err(format!("{failed} of {} could not be measured", steps.len())),
    }
}

/// What is run: each load once on each database, although several measures may be made of it.
fn steps(chosen: &[&'static Measure], on: &[Database]) -> Vec<(&'static Load, Database)> {
    let mut steps = Vec::new();
    for measure in chosen {
        for load in measure.loads() {
            for database in on {
                if !steps.contains(&(load, *database)) {
                    steps.push((load, *database));
                }
            }
        }
    }
    steps
}

impl FloorsArgs {
    /// The measures that are wanted.
    fn chosen(&self) -> Result<Vec<&'static Measure>, String> {
        for id in &self.only {
            if !MEASURES.iter().any(|measure| measure.id == id) {
                return Err(format!(
                    "there is no measure {id}; `perf floors --list` shows which there are"
                ));
            }
        }
        let is_wanted = |measure: &&Measure| {
            self.only.is_empty() || self.only.iter().any(|id| id == measure.id)
        };
        let chosen: Vec<&'static Measure> = MEASURES.iter().filter(is_wanted).collect();
        let is_told = |measure: &&Measure| !measure.told_of(self.database.each()).is_empty();
        if let [one] = chosen[..]
            && !is_told(&one)
        {
            return Err(format!(
                "{} compares the databases: say --database both",
                one.id
            ));
        }
        Ok(chosen.into_iter().filter(is_told).collect())
    }
}
