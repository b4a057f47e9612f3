//! What people read.

use super::args::{Arrival, Load};
use super::{Measurement, Used};
use crate::conditions::{Conditions, print_disk};
use crate::figures::{Quantiles, grouped};
use crate::machine::Disk;

/// Of one core. Above it, the one thread that opens everything may be what is measured.
const CLIENT_IS_FULL: f64 = 0.9;

pub(super) fn conditions(conditions: &Conditions, disk: &Disk, load: &Load) {
    conditions.print("connections: sessions that come close together, and stay");
    print_disk(disk);
    let arrival = match load.arrival {
        Arrival::Closed { at_once } => format!("{at_once} at once"),
        Arrival::Open {
            sessions_per_second,
        } => format!("{sessions_per_second} a second"),
    };
    println!(
        "  load       {} sessions, {arrival}; then {} s with a message a second to one of them",
        grouped(load.sessions as f64),
        load.seconds
    );
}

pub(super) fn measurement(found: &Measurement) {
    println!("  opening    {}", quantiles(&found.opening));
    if matches!(found.load.arrival, Arrival::Open { .. }) {
        println!(
            "  own delay  {}; part of the above",
            quantiles(&found.own_delay)
        );
    }
    println!(
        "  success    {:.3} % of {} were welcomed, {} a second; {} did not last",
        found.success_rate.unwrap_or_default() * 100.0,
        grouped(found.load.sessions as f64),
        grouped(found.opened_per_second.unwrap_or_default()),
        found.lost
    );
    println!("  delivery   {}", quantiles(&found.delivery));
    println!(
        "  messages   {} of {} were delivered",
        found.delivered, found.sent
    );
    if let Some((before, after)) = found.memory_before_kib.zip(found.memory_after_kib) {
        println!(
            "  memory     {} KiB before, {} KiB with all of them: {} bytes for each",
            grouped(before as f64),
            grouped(after as f64),
            grouped(found.bytes_per_session.unwrap_or_default())
        );
    }
    println!("  cores      opening: {}", used(&found.while_opening));
    println!("             staying: {}", used(&found.while_staying));
    complaints(found);
}

fn quantiles(quantiles: &Quantiles) -> String {
    format!(
        "p50 {:.2}  p95 {:.2}  p99 {:.2}  p99.9 {:.2}  max {:.2} ms ({} times)",
        quantiles.p50_ms,
        quantiles.p95_ms,
        quantiles.p99_ms,
        quantiles.p999_ms,
        quantiles.max_ms,
        grouped(quantiles.count as f64)
    )
}

fn used(used: &Used) -> String {
    let cores = |cores: Option<f64>| cores.map_or("?".to_owned(), |cores| format!("{cores:.3}"));
    format!(
        "server {}, client {}, for {:.1} s",
        cores(used.server_cores),
        cores(used.client_cores),
        used.seconds
    )
}

fn complaints(found: &Measurement) {
    for (what, times) in &found.errors {
        println!("  *** {times} × {what}");
    }
    if found.while_opening.client_cores > Some(CLIENT_IS_FULL) {
        println!("  *** The client had a whole core: it may be what was measured.");
    }
    if found.complaints.lines > 0 {
        println!(
            "  *** The server complained in {} lines, first:",
            found.complaints.lines
        );
        for line in &found.complaints.first {
            println!("      {line}");
        }
    }
}
