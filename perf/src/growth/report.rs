//! What people read.

use super::{Run, Summary};
use crate::figures::{Spread, grouped};
use crate::rooms::{self, Load};
use crate::stock::Stock;

pub(super) fn stock(stock: &Stock) -> Result<(), String> {
    let inventory = stock.inventory();
    println!(
        "  stock      {} messages in {} rooms, {} MiB",
        grouped(inventory.messages as f64),
        grouped(inventory.rooms.into()),
        grouped(stock.mib()? as f64)
    );
    Ok(())
}

pub(super) fn run(run: &Run, load: &Load) {
    let mib = |memory: Option<u64>| match memory {
        Some(kib) => format!("{:.0} MiB", kib as f64 / 1024.0),
        None => "unknown".to_owned(),
    };
    println!(
        "  server          ready after {}; memory {} then, {} after the load",
        run.start_ms
            .map_or("?".to_owned(), |ms| format!("{ms:.0} ms")),
        mib(run.memory_ready_kib),
        mib(run.memory_after_kib)
    );
    println!(
        "  stored          {} messages before",
        grouped(run.messages_stored as f64)
    );
    rooms::report_run(&run.outcome, load);
}

pub(super) fn summary(summary: &Summary, runs: u32) {
    println!("\n{runs} pairs of runs: median (lowest to highest)");
    let whole = |spread: &Spread| {
        let [median, min, max] = [spread.median, spread.min, spread.max].map(grouped);
        format!("{median} ({min} to {max})")
    };
    let ratio = &summary.ratio;
    for (name, text) in [
        ("posts/s, stored", whole(&summary.stored_posts_per_second)),
        ("posts/s, empty", whole(&summary.empty_posts_per_second)),
        (
            "ratio",
            format!("{:.3} ({:.3} to {:.3})", ratio.median, ratio.min, ratio.max),
        ),
        ("start ms, stored", whole(&summary.stored_start_ms)),
        ("start ms, empty", whole(&summary.empty_start_ms)),
    ] {
        println!("  {name:<18} {text}");
    }
    if summary.errors > 0 {
        println!("  *** {} errors in these runs.", summary.errors);
    }
}
