//! What people read, and the file.

use std::path::Path;

use super::database::Database;
use super::outcome::Outcome;
use super::trials::Trial;
use super::{Done, Run};

/// The trials that there are.
pub(super) fn list(trials: &[Trial]) {
    for trial in trials {
        println!("{:>3}  {}", trial.number, trial.broken);
        println!("     must hold: {}", trial.holds);
    }
}

pub(super) fn conditions(run: &Run) {
    let machine = &run.machine;
    println!("chaos: what must hold when things break");
    println!("  date       {}", machine.date);
    println!("  machine    {}, {} cores", machine.cpu, machine.cores);
    println!(
        "  system     {}, load average {}",
        machine.kernel, machine.load_average
    );
    println!("  built by   {}, {}", machine.compiler, machine.profile);
    println!("  server     {}", run.server_version);
    println!(
        "  disk       {}; a 4 KiB append and fdatasync by itself: p50 {:.2} ms, p99 {:.2} ms",
        run.disk.file_system, run.disk.sync_p50_ms, run.disk.sync_p99_ms
    );
    println!("  database   {}", databases(run));
    println!("  form       {}, --seed {}", run.form, run.seed);
}

/// One trial, as soon as it is over.
pub(super) fn done(done: &Done) {
    let outcome = &done.outcome;
    println!(
        "\n{:>3}  {} ({}, {:.1} s): {}",
        done.number,
        done.broken,
        done.database,
        done.seconds,
        verdict(outcome)
    );
    if !outcome.form.is_empty() {
        println!("     form: {}", outcome.form);
    }
    println!("     {}", figures(outcome));
    for control in &outcome.controls {
        let word = if control.has_failed {
            "fails, as it must"
        } else {
            "DID NOT FAIL"
        };
        println!("     control: {}: {word}: {}", control.what, control.found);
    }
    for flaw in &outcome.flaws {
        println!("     flaw: {flaw}");
    }
    if outcome.flaws_total > outcome.flaws.len() {
        println!(
            "     and {} more",
            outcome.flaws_total - outcome.flaws.len()
        );
    }
}

/// All of them; the databases side by side, if there are several.
pub(super) fn table(run: &Run) {
    if run.databases.len() > 1 {
        side_by_side(run);
    } else {
        one_by_one(run);
    }
    println!("\nseed {}, {} form, {}", run.seed, run.form, databases(run));
}

fn one_by_one(run: &Run) {
    println!("\n| # | what was broken | verdict | figures | form |");
    println!("|---|---|---|---|---|");
    for done in &run.trials {
        println!(
            "| {} | {} | {} | {} | {} |",
            done.number,
            done.broken,
            verdict(&done.outcome),
            figures(&done.outcome),
            done.outcome.form
        );
    }
}

fn side_by_side(run: &Run) {
    let heads: Vec<String> = run.databases.iter().map(Database::to_string).collect();
    println!("\n| # | what was broken | {} |", heads.join(" | "));
    println!("|---|---|{}", "---|".repeat(heads.len()));
    // Each trial was made on one after the other.
    for done in run.trials.chunks(run.databases.len()) {
        let Some(first) = done.first() else {
            continue;
        };
        let cells: Vec<String> = done.iter().map(|done| cell(&done.outcome)).collect();
        println!(
            "| {} | {} | {} |",
            first.number,
            first.broken,
            cells.join(" | ")
        );
    }
}

fn cell(outcome: &Outcome) -> String {
    let figures = figures(outcome);
    if figures.is_empty() {
        return verdict(outcome);
    }
    format!("{}: {figures}", verdict(outcome))
}

/// What the servers were on.
fn databases(run: &Run) -> String {
    let of = |database: &Database| match (database, &run.postgres_version) {
        (Database::Postgres, Some(version)) => version.clone(),
        _ => database.to_string(),
    };
    let all: Vec<String> = run.databases.iter().map(of).collect();
    all.join(" and ")
}

fn verdict(outcome: &Outcome) -> String {
    match &outcome.not_run {
        Some(why) => format!("not run: {why}"),
        None if outcome.has_held() => "held".to_owned(),
        None => "DID NOT HOLD".to_owned(),
    }
}

fn figures(outcome: &Outcome) -> String {
    let figures = outcome.figures.iter();
    let figures = figures.map(|figure| format!("{} {}", figure.name, figure.value));
    let mib = |kib: u64| kib as f64 / 1024.0;
    let memory = outcome.memory.iter().map(|memory| {
        format!(
            "memory before/during/after {:.0}/{:.0}/{:.0} MiB",
            mib(memory.before_kib),
            mib(memory.during_kib),
            mib(memory.after_kib)
        )
    });
    figures.chain(memory).collect::<Vec<_>>().join(", ")
}

/// Adds the run to the list in a file.
pub(super) fn write(file: &Path, run: &Run) -> Result<(), String> {
    crate::results::append(file, run)
}
