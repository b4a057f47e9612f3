//! What people read.

use super::load::{Drive, Load, Manner};
use super::outcome::{Outcome, Summary};
use crate::figures::{Quantiles, Spread, grouped, ratio};
use crate::machine::Disk;
use crate::procfs::{CpuSeconds, ProcessCpu};

/// Of one core. Above it, the one thread that posts and reads may be what is measured.
const CLIENT_IS_FULL: f64 = 0.9;

/// What is asked of the server.
pub(crate) fn conditions(load: &Load) {
    println!(
        "  load       {}, texts of {} bytes, {}",
        load.crowd(),
        load.text_bytes,
        load.manner().drive()
    );
    println!(
        "  time       {} s after {} s of warm-up",
        load.seconds, load.warm_up_seconds
    );
}

pub(super) fn disk(number: u32, disk: &Disk) {
    println!("\nrun {number}");
    println!(
        "  disk            {}; a 4 KiB append and fdatasync by itself: p50 {:.2} ms, p99 {:.2} ms ({} times)",
        disk.file_system, disk.sync_p50_ms, disk.sync_p99_ms, disk.appends
    );
}

/// One run of a load of rooms.
pub(crate) fn outcome(outcome: &Outcome, load: &Load) {
    run(outcome, &load.manner());
}

/// One run.
pub(crate) fn run(outcome: &Outcome, manner: &Manner) {
    println!(
        "  {:<15} {}, acknowledged and durable",
        format!("{}s/s", manner.one),
        grouped(outcome.posts_per_second)
    );
    println!(
        "  deliveries/s    {}, to others than the sender",
        grouped(outcome.deliveries_per_second)
    );
    println!("  acknowledgement {}", quantiles(&outcome.acknowledgement));
    println!("  delivery        {}", quantiles(&outcome.delivery));
    if matches!(manner.drive, Drive::Open { .. }) {
        println!(
            "  own delay       {}; part of the above",
            quantiles(&outcome.own_delay)
        );
    }
    if let Some(rate) = outcome.success_rate {
        println!(
            "  success         {:.3} % of {} {}s were acknowledged",
            rate * 100.0,
            grouped(outcome.asked as f64),
            manner.one
        );
    }
    println!(
        "  longest silence {:.1} ms without an acknowledgement to anybody",
        outcome.longest_silence_ms
    );
    for line in where_the_time_goes(outcome, manner) {
        println!("  {line}");
    }
    complaints(outcome);
}

/// Who used the processors in a run.
pub(crate) fn time(outcome: &Outcome) {
    for line in processors(outcome) {
        println!("  {line}");
    }
}

fn quantiles(quantiles: &Quantiles) -> String {
    format!(
        "p50 {:.2}  p95 {:.2}  p99 {:.2}  p99.9 {:.2}  max {:.2} ms",
        quantiles.p50_ms, quantiles.p95_ms, quantiles.p99_ms, quantiles.p999_ms, quantiles.max_ms
    )
}

fn where_the_time_goes(outcome: &Outcome, manner: &Manner) -> Vec<String> {
    let mut lines = vec!["where the time goes".to_owned()];
    let writer = &outcome.writer;
    if let (Some(posts), Some(mean)) = (writer.posts_per_commit, writer.commit_mean_ms) {
        lines.push(format!(
            "  log writer    {:.0} % of the time in transactions: {} a second, {posts:.1} {} in \
             each, {mean:.2} ms each ({:.1} µs for one), rows and fsync together",
            writer.busy_share * 100.0,
            grouped(writer.commits_per_second),
            manner.records,
            mean * 1e3 / posts
        ));
    }
    lines.extend(processors(outcome));
    if let Drive::Closed { in_flight } = manner.drive {
        let waiting = in_flight as f64 * manner.senders as f64;
        if let Some(seconds) = ratio(waiting, outcome.posts_per_second) {
            lines.push(format!(
                "  in flight     {} ÷ {}/s = {:.2} ms to the acknowledgement; measured: {:.2} ms on average",
                grouped(waiting),
                grouped(outcome.posts_per_second),
                seconds * 1e3,
                outcome.acknowledgement.mean_ms
            ));
        }
    }
    lines
}

fn processors(outcome: &Outcome) -> Vec<String> {
    let mut lines: Vec<String> = cores(outcome).into_iter().collect();
    for (who, process) in [
        ("server", &outcome.cpu.server),
        ("client", &outcome.cpu.client),
    ] {
        match process {
            Some(process) => lines.extend(threads(who, process, outcome)),
            None => lines.push(format!("  {who}        processor time is not known")),
        }
    }
    lines
}

/// Who had the cores.
fn cores(outcome: &Outcome) -> Option<String> {
    let cpu = &outcome.cpu;
    let machine = cpu.machine?;
    let percent = |seconds: f64| ratio(seconds * 100.0, machine.total()).unwrap_or_default();
    let of = |process: &Option<ProcessCpu>| match process {
        Some(process) => format!("{:.0} %", percent(process.total().busy())),
        None => "?".to_owned(),
    };
    let others = cpu
        .others()
        .map_or("?".to_owned(), |s| format!("{:.0} %", percent(s)));
    Some(format!(
        "  all cores     server {}, client {}, others {others}, idle {:.0} % (and {:.0} % waiting for the disk), stolen {:.0} %",
        of(&cpu.server),
        of(&cpu.client),
        percent(machine.idle),
        percent(machine.disk_wait),
        percent(machine.stolen)
    ))
}

/// The busiest threads of a process.
fn threads(who: &str, process: &ProcessCpu, outcome: &Outcome) -> Vec<String> {
    const SHOWN_FROM: f64 = 0.05;
    let total = process.total();
    let posts = outcome.posts_per_second * outcome.cpu.span_seconds;
    let told = |used: &CpuSeconds| {
        format!(
            "{:.2} s of {:.2} s ({:.2} user, {:.2} system), {:.1} µs for each; {:.2} s waiting for a core",
            used.busy(),
            outcome.cpu.span_seconds,
            used.user,
            used.system,
            ratio(used.busy() * 1e6, posts).unwrap_or_default(),
            used.waiting
        )
    };
    let mut lines = vec![format!("  {who}        {}", told(&total))];
    let mut threads: Vec<_> = process.0.iter().collect();
    threads.sort_by(|(_, a), (_, b)| b.busy().total_cmp(&a.busy()));
    threads.retain(|(_, used)| used.busy() >= SHOWN_FROM);
    if threads.len() > 1 {
        let each = threads.iter();
        lines.extend(each.map(|(name, used)| format!("    {name}: {}", told(used))));
    }
    lines
}

fn complaints(outcome: &Outcome) {
    for (what, times) in &outcome.errors {
        println!("  *** {times} × {what}");
    }
    if !outcome.errors.is_empty() {
        println!("  *** This run had errors: the figures above are what was left.");
    }
    let cpu = &outcome.cpu;
    let client = cpu.client.as_ref().map(|client| client.total().busy());
    if client.and_then(|busy| ratio(busy, cpu.span_seconds)) > Some(CLIENT_IS_FULL) {
        println!("  *** The client had a whole core: it may be what was measured.");
    }
    if outcome.is_disturbed() {
        println!("  *** Other programs were busy: this run was disturbed.");
    }
    let complaints = &outcome.complaints;
    if complaints.lines > 0 {
        println!(
            "  *** The server complained in {} lines, first:",
            complaints.lines
        );
        for line in &complaints.first {
            println!("      {line}");
        }
    }
}

pub(super) fn summary(summary: &Summary, manner: &Manner) {
    if summary.runs < 2 {
        return;
    }
    println!(
        "\n{} runs, {}: median (lowest to highest)",
        summary.runs,
        manner.drive()
    );
    let whole = |spread: &Spread| {
        format!(
            "{} ({} to {})",
            grouped(spread.median),
            grouped(spread.min),
            grouped(spread.max)
        )
    };
    let fine = |spread: &Spread| {
        format!(
            "{:.2} ({:.2} to {:.2})",
            spread.median, spread.min, spread.max
        )
    };
    let sent = format!("{}s/s", manner.one);
    let records = format!("{} a commit", manner.records);
    for (name, text) in [
        (sent.as_str(), whole(&summary.posts_per_second)),
        ("deliveries/s", whole(&summary.deliveries_per_second)),
        ("ack p50 ms", fine(&summary.acknowledgement_p50_ms)),
        ("ack p95 ms", fine(&summary.acknowledgement_p95_ms)),
        ("ack p99 ms", fine(&summary.acknowledgement_p99_ms)),
        ("delivery p50 ms", fine(&summary.delivery_p50_ms)),
        ("delivery p95 ms", fine(&summary.delivery_p95_ms)),
        ("delivery p99 ms", fine(&summary.delivery_p99_ms)),
        ("delivery p99.9 ms", fine(&summary.delivery_p999_ms)),
        ("writer busy", fine(&summary.writer_busy_share)),
        ("disk fsync p50 ms", fine(&summary.disk_sync_p50_ms)),
    ] {
        println!("  {name:<18} {text}");
    }
    if let Some(rate) = &summary.success_rate {
        let least = rate.min * 100.0;
        println!("  {:<18} {least:.3} in the worst run", "success %");
    }
    for (name, spread) in [
        (records.as_str(), &summary.posts_per_commit),
        ("commit ms", &summary.commit_mean_ms),
        ("server cores", &summary.server_cpu_seconds_per_second),
        ("client cores", &summary.client_cpu_seconds_per_second),
        ("others' cores", &summary.other_cpu_seconds_per_second),
    ] {
        if let Some(spread) = spread {
            println!("  {name:<18} {}", fine(spread));
        }
    }
    if summary.disturbed_runs > 0 {
        println!(
            "  {} runs were left out, because other programs were busy",
            summary.disturbed_runs
        );
    }
    if summary.errors > 0 {
        println!(
            "  *** {} errors in these runs.",
            grouped(summary.errors as f64)
        );
    }
}
