//! Durable posts a second, and how long each takes from its post to its delivery: many clients in
//! many small rooms, each posting to its room and receiving everything that is posted there.

mod args;
mod event;
mod ledger;
mod member;
mod pace;
mod tally;

mod measure;
mod outcome;
mod report;

use std::time::Duration;

use serde::Serialize;

use crate::conditions::Conditions;
use crate::machine::Disk;
use crate::procfs::MachineCpu;

use args::Load;
pub(crate) use args::RoomsArgs;
use outcome::{Outcome, Summary};

/// Everything that stands in the JSON of one measurement.
#[derive(Debug, Serialize)]
struct Measurement {
    scenario: &'static str,
    conditions: Conditions,
    load: Load,
    summary: Summary,
    runs: Vec<Outcome>,
}

/// Does what the command line says.
pub(crate) async fn run(args: RoomsArgs) -> Result<(), String> {
    let load = args.load()?;
    let mut conditions = None;
    let mut runs: Vec<Outcome> = Vec::new();
    let mut disturbed = 0;
    while runs.len() < args.runs as usize {
        let number = runs.len() as u32 + disturbed + 1;
        if args.attempts > 1 {
            wait_for_quiet().await;
        }
        let server = args.target.start(load.clients)?;
        let disk = Disk::measure(&server.data_dir)?;
        if conditions.is_none() {
            let found = args.target.conditions(&server).await?;
            report::conditions(&found, &load);
            if disk.is_memory() {
                println!("*** The data is in memory: nothing here is durable. Use --data-dir.");
            }
            conditions = Some(found);
        }
        report::disk(number, &disk);
        let outcome = measure::measure(&server, &load, disk, number).await?;
        report::outcome(&outcome, &load);
        let is_spare = number + args.runs - runs.len() as u32 <= args.attempts;
        if outcome.is_disturbed() && is_spare {
            disturbed += 1;
            println!("  *** It is left out and repeated.");
        } else {
            runs.push(outcome);
        }
    }
    let conditions = conditions.ok_or("nothing was measured")?;
    let summary = Summary::of(&runs, disturbed).ok_or("nothing was measured")?;
    report::summary(&summary, &load);
    let measurement = Measurement {
        scenario: "rooms",
        conditions,
        load,
        summary,
        runs,
    };
    args.target.keep(&measurement)
}

/// Waits until other programs leave the machine alone for a moment, but not for ever.
async fn wait_for_quiet() {
    const LOOKS_MAX: u32 = 150;
    const LOOK: Duration = Duration::from_secs(2);
    const QUIET: f64 = 0.05;
    for _ in 0..LOOKS_MAX {
        let earlier = MachineCpu::now();
        tokio::time::sleep(LOOK).await;
        let Some((now, earlier)) = MachineCpu::now().zip(earlier) else {
            return;
        };
        let used = now.minus(&earlier);
        if used.busy <= QUIET * used.total() {
            return;
        }
    }
}
