//! Durable posts a second, and how long each takes from its post to its delivery: many clients in
//! many small rooms, each posting to its room and receiving everything that is posted there. Other
//! scenarios are other crowds in other rooms.

mod args;
mod echo;
mod event;
mod ledger;
mod load;
mod member;
mod pace;
mod seats;
mod tally;

mod measure;
mod outcome;
mod report;

use std::time::Duration;

use serde::Serialize;

use crate::conditions::Conditions;
use crate::machine::Disk;
use crate::procfs::MachineCpu;
use crate::server::Server;
use crate::target::Target;

pub(crate) use args::RoomsArgs;
pub(crate) use load::{Course, Crowd, Drive, Load, Manner, Rate, Repeats};
pub(crate) use measure::{LEAD, SETTLE_EVERY, SETTLE_WITHIN, measure, progress, sample, wait};
pub(crate) use member::pause;
pub(crate) use outcome::{Outcome, Summary};
pub(crate) use pace::{DUE_MAX, Pacer, due};
pub(crate) use report::{conditions as report_load, outcome as report_run, time as report_time};
pub(crate) use seats::{Rooms, open_all};
pub(crate) use tally::{Tally, Window};

/// What it is called.
#[derive(Debug)]
pub(crate) struct Scenario {
    /// In the results.
    pub(crate) name: &'static str,
    /// For people.
    pub(crate) title: &'static str,
}

const SCENARIO: Scenario = Scenario {
    name: "rooms",
    title: "rooms: durable posts, from post to delivery",
};

/// What can be measured again and again.
pub(crate) trait Workload: Serialize {
    /// Sessions that the server must hold.
    fn sessions(&self) -> usize;

    /// Tells people what it is.
    fn report(&self);

    fn manner(&self) -> Manner;

    /// Measures it once.
    async fn measure(&self, server: &Server, disk: Disk, number: u32) -> Result<Outcome, String>;
}

impl Workload for Load {
    fn sessions(&self) -> usize {
        self.crowd.clients
    }

    fn report(&self) {
        report::conditions(self);
    }

    fn manner(&self) -> Manner {
        self.manner()
    }

    async fn measure(&self, server: &Server, disk: Disk, number: u32) -> Result<Outcome, String> {
        measure(server, self, Rooms::New, disk, number).await
    }
}

/// Everything that stands in the JSON of one measurement.
#[derive(Debug, Serialize)]
struct Measurement<L> {
    scenario: &'static str,
    conditions: Conditions,
    load: L,
    summary: Summary,
    runs: Vec<Outcome>,
}

/// Does what the command line says.
pub(crate) async fn run(args: RoomsArgs) -> Result<(), String> {
    repeat(&SCENARIO, args.load()?, &args.repeats, &args.target).await
}

/// Measures a load as often as is wanted, each time with new data, and keeps the result.
pub(crate) async fn repeat(
    scenario: &Scenario,
    load: impl Workload,
    repeats: &Repeats,
    target: &Target,
) -> Result<(), String> {
    let mut conditions = None;
    let mut runs: Vec<Outcome> = Vec::new();
    let mut disturbed = 0;
    while runs.len() < repeats.runs as usize {
        let number = runs.len() as u32 + disturbed + 1;
        if repeats.attempts > 1 {
            wait_for_quiet().await;
        }
        let server = target.start(load.sessions())?;
        let disk = Disk::measure(&server.data_dir)?;
        if conditions.is_none() {
            let found = target.conditions(&server).await?;
            found.print(scenario.title);
            load.report();
            if disk.is_memory() {
                println!("*** The data is in memory: nothing here is durable. Use --data-dir.");
            }
            conditions = Some(found);
        }
        report::disk(number, &disk);
        let outcome = load.measure(&server, disk, number).await?;
        report::run(&outcome, &load.manner());
        let is_spare = number + repeats.runs - runs.len() as u32 <= repeats.attempts;
        if outcome.is_disturbed() && is_spare {
            disturbed += 1;
            println!("  *** It is left out and repeated.");
        } else {
            runs.push(outcome);
        }
    }
    let conditions = conditions.ok_or("nothing was measured")?;
    let summary = Summary::of(&runs, disturbed).ok_or("nothing was measured")?;
    report::summary(&summary, &load.manner());
    target.keep(&Measurement {
        scenario: scenario.name,
        conditions,
        load,
        summary,
        runs,
    })
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
