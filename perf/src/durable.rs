//! What durability costs one who waits for it: a single publisher with one post in flight, against
//! the disk by itself. Both are measured in turn, a few seconds each, because a disk that others use
//! has good and bad moments.

use std::time::Duration;

use clap::Args;
use serde::Serialize;

use crate::clock::nanos;
use crate::conditions::Conditions;
use crate::figures::Spread;
use crate::machine::Disk;
use crate::rooms::{self, Load, Outcome, Rooms, measure};
use crate::target::Target;

/// Appends of the disk by itself in one slice: more are never reached.
const APPENDS_MAX: usize = 1_000_000;

/// One publisher, one post in flight: what it waits beyond the disk's own sync
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  perf durable
  perf durable --database postgres --slices 20 --output durable.json

The disk by itself, a 4 KiB append and fdatasync in the server's folder, and one client that posts to a
room of its own and waits for each acknowledgement, are measured in turn.")]
pub(crate) struct DurableArgs {
    /// How often both are measured in turn
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..=1_000))]
    slices: u32,
    /// How long each of them is measured in each slice
    #[arg(long, default_value_t = 2, value_parser = clap::value_parser!(u16).range(1..=60))]
    seconds: u16,
    /// Length of a message's text
    #[arg(long, default_value_t = 300, value_parser = clap::value_parser!(u16).range(64..=10_000))]
    text_bytes: u16,
    #[command(flatten)]
    target: Target,
}

#[derive(Debug, Serialize)]
struct Measurement {
    scenario: &'static str,
    conditions: Conditions,
    load: Load,
    /// The p50 of each slice.
    summary: Summary,
    runs: Vec<Outcome>,
}

/// The p50 of each slice, in milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
struct Summary {
    acknowledgement_p50_ms: Spread,
    acknowledgement_p99_ms: Spread,
    disk_sync_p50_ms: Spread,
    disk_sync_p99_ms: Spread,
    /// From the disk's to the acknowledgement's in the same slice.
    added_p50_ms: Spread,
    errors: u64,
}

/// Does what the command line says.
pub(crate) async fn run(args: DurableArgs) -> Result<(), String> {
    let load = Load::alone(args.seconds, args.text_bytes);
    // And whoever asks for the statistics.
    let server = args.target.start(10)?;
    let conditions = args.target.conditions(&server).await?;
    conditions.print("durable: one post at a time against the disk by itself");
    rooms::report_load(&load);
    let span = nanos(Duration::from_secs(args.seconds.into()));
    let mut runs = Vec::new();
    for slice in 1..=args.slices {
        let disk = Disk::measure_for(&server.data_dir, span, APPENDS_MAX)?;
        let outcome = measure(&server, &load, Rooms::New, disk, slice).await?;
        println!(
            "  slice {slice:<4} disk p50 {:.3} ms, post p50 {:.3} ms, p99 {:.3} ms, {} of them",
            outcome.disk.sync_p50_ms,
            outcome.acknowledgement.p50_ms,
            outcome.acknowledgement.p99_ms,
            outcome.acknowledgement.count
        );
        for (what, times) in &outcome.errors {
            println!("  *** {times} × {what}");
        }
        runs.push(outcome);
    }
    let summary = Summary::of(&runs).ok_or("nothing was measured")?;
    report(&summary, &runs);
    args.target.keep(&Measurement {
        scenario: "durable",
        conditions,
        load,
        summary,
        runs,
    })
}

impl Summary {
    fn of(runs: &[Outcome]) -> Option<Self> {
        let spread = |number: fn(&Outcome) -> f64| Spread::of(runs.iter().map(number));
        Some(Self {
            acknowledgement_p50_ms: spread(|run| run.acknowledgement.p50_ms)?,
            acknowledgement_p99_ms: spread(|run| run.acknowledgement.p99_ms)?,
            disk_sync_p50_ms: spread(|run| run.disk.sync_p50_ms)?,
            disk_sync_p99_ms: spread(|run| run.disk.sync_p99_ms)?,
            added_p50_ms: spread(|run| run.acknowledgement.p50_ms - run.disk.sync_p50_ms)?,
            errors: runs.iter().map(Outcome::errors_total).sum(),
        })
    }
}

fn report(summary: &Summary, runs: &[Outcome]) {
    println!("\n{} slices: median (lowest to highest)", runs.len());
    for (name, spread) in [
        ("disk p50 ms", &summary.disk_sync_p50_ms),
        ("disk p99 ms", &summary.disk_sync_p99_ms),
        ("post p50 ms", &summary.acknowledgement_p50_ms),
        ("post p99 ms", &summary.acknowledgement_p99_ms),
        ("added p50 ms", &summary.added_p50_ms),
    ] {
        println!(
            "  {name:<18} {:.3} ({:.3} to {:.3})",
            spread.median, spread.min, spread.max
        );
    }
    if let Some(last) = runs.last() {
        println!("\nthe last slice");
        rooms::report_time(last);
    }
    if summary.errors > 0 {
        println!("  *** {} errors in these slices.", summary.errors);
    }
}
