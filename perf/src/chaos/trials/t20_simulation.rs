//! Trial 20: the pure core in its simulation, for many seeds. It is a test of the core, which is built
//! if need be and run as it is; a seed that fails is named, and replays by itself.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use rand::RngExt;
use serde_json::Value;

use super::Trying;
use crate::chaos::outcome::Outcome;
use crate::chaos::setting::Setting;

/// Where the core is, when this program runs where it was built.
const CORE: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/../crates/bridge-core/Cargo.toml"
);
/// The searches, one for each kind of world.
const SEARCHES: [&str; 2] = [
    "the_invariants_hold_whatever_happens",
    "mail::every_message_ends_once_whatever_happens",
];
/// The controls: each passes when the lie is found with every seed that it takes.
const CONTROLS: [(&str, &str); 2] = [
    ("a_lying_log_is_found_out", "a log that lies about rooms"),
    (
        "mail::a_log_that_lies_about_messages_is_found_out",
        "a log that lies about messages",
    ),
];
/// Seeds of each search in one round.
const SHORT_SEEDS: usize = 16;
const LONG_SEEDS: usize = 200;
/// Seeds begin below this; numbers that people can type.
const FIRST_MAX: u64 = 1_000_000_000;
/// What begins the line by which a search tells what it did.
const TOLD: &str = "simulated: ";
/// Between two looks whether a program has ended.
const LOOK_EVERY: Duration = Duration::from_millis(20);

pub(super) fn run(setting: Setting) -> Trying {
    Box::pin(async move {
        if !Path::new(CORE).is_file() {
            let why = "the sources that this program was built from are not here";
            return Ok(Outcome::not_run(why));
        }
        let folder = setting.folder()?;
        setting.at("building the simulation");
        let program = build(&folder.path().join("build")).await?;
        let mut outcome = Outcome::new("seeded simulation of rooms and of mailboxes");
        let first: u64 = setting.random(1).random_range(0..FIRST_MAX);
        let (mut rounds, mut seeds, mut records) = (0, 0, 0);
        let mut violations = Vec::new();
        let seeds_a_round = setting.pick(SHORT_SEEDS, LONG_SEEDS);
        while violations.is_empty() && setting.more_rounds(rounds, 1, 50) {
            let mut search = Command::new(&program);
            let from = first + (rounds * seeds_a_round) as u64;
            search
                .env("SIMULATION_FIRST", from.to_string())
                .env("SIMULATION_SEEDS", seeds_a_round.to_string())
                .args(["--exact", "--nocapture"])
                .args(SEARCHES);
            let said = said(search, &folder.path().join("search")).await?;
            for told in said.facts() {
                seeds += told["seeds"].as_u64().unwrap_or_default();
                records += told["records"].as_u64().unwrap_or_default();
            }
            violations.extend(said.violations());
            rounds += 1;
            setting.at(format!("seeds {seeds}, records {records}"));
        }
        outcome.figure("seeds run", seeds);
        outcome.figure("from", first);
        outcome.figure("records", records);
        outcome.must_be_zero("violations", violations.len() as u64);
        for violation in violations {
            outcome.flaw(violation);
        }
        for (test, what) in CONTROLS {
            let mut control = Command::new(&program);
            control.args(["--exact", test]);
            let said = said(control, &folder.path().join("control")).await?;
            let found = if said.has_passed {
                "found with every seed"
            } else {
                "not found"
            };
            outcome.control(what, found, said.has_passed);
        }
        Ok(outcome)
    })
}

/// What a program said, and whether all went well.
struct Said {
    has_passed: bool,
    text: String,
}

impl Said {
    /// What the searches tell of themselves.
    fn facts(&self) -> impl Iterator<Item = Value> {
        let lines = self.text.lines();
        lines.filter_map(|line| {
            let (_, told) = line.split_once(TOLD)?;
            serde_json::from_str(told).ok()
        })
    }

    /// The seeds that failed, and how to replay them; one at least when something did.
    fn violations(&self) -> Vec<String> {
        if self.has_passed && self.facts().count() == SEARCHES.len() {
            return Vec::new();
        }
        let mut violations: Vec<String> = Vec::new();
        let mut lines = self.text.lines();
        while let Some(line) = lines.next() {
            if line.starts_with("seed ") {
                let replay = lines.next().unwrap_or_default();
                violations.push(format!("{line}; {replay}"));
            }
        }
        if violations.is_empty() {
            let last = self.text.lines().rev().find(|line| !line.is_empty());
            violations.push(format!("a search failed: {}", last.unwrap_or("in silence")));
        }
        violations
    }
}

/// Builds the simulation as this program was built, and says where it is.
async fn build(output: &Path) -> Result<PathBuf, String> {
    // Cargo names itself to what it runs.
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut cargo = Command::new(cargo);
    cargo
        .args([
            "test",
            "--no-run",
            "--message-format=json",
            "--all-features",
        ])
        .args(["--test", "simulation", "--manifest-path", CORE]);
    if env!("PERF_PROFILE") == "release" {
        cargo.arg("--release");
    }
    let said = said(cargo, output).await?;
    if !said.has_passed {
        return Err(format!("cargo cannot build the simulation: {}", said.text));
    }
    let messages = said
        .text
        .lines()
        .filter_map(|line| serde_json::from_str(line).ok());
    let mut programs = messages.filter_map(|message: Value| program(&message));
    programs
        .next()
        .ok_or_else(|| "cargo built no simulation".to_owned())
}

/// The program in one of Cargo's messages, if it is the one.
fn program(message: &Value) -> Option<PathBuf> {
    let is_it = message["target"]["name"] == "simulation";
    let program = message["executable"].as_str().filter(|_| is_it)?;
    Some(PathBuf::from(program))
}

/// Runs a program to its end.
async fn said(mut command: Command, output: &Path) -> Result<Said, String> {
    let failed = |why: std::io::Error| format!("{command:?}: {why}");
    let file = File::create(output).map_err(failed)?;
    let complaints = file.try_clone().map_err(failed)?;
    let name = format!("{command:?}");
    let failed = |why: std::io::Error| format!("{name}: {why}");
    command.stdin(Stdio::null()).stdout(file).stderr(complaints);
    let mut running = Running(command.spawn().map_err(failed)?);
    loop {
        if let Some(status) = running.0.try_wait().map_err(failed)? {
            let text = std::fs::read(output).map_err(failed)?;
            return Ok(Said {
                has_passed: status.success(),
                text: String::from_utf8_lossy(&text).into_owned(),
            });
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

/// A program that ends when this is dropped.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        if matches!(self.0.try_wait(), Ok(Some(_))) {
            return;
        }
        if let Err(why) = self.0.kill().and_then(|()| self.0.wait().map(drop)) {
            eprintln!("process {} did not end: {why}", self.0.id());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(has_passed: bool, text: &str) -> Said {
        let text = text.to_owned();
        Said { has_passed, text }
    }

    #[test]
    fn seeds_that_fail_are_named() {
        let good = "simulated: {\"seeds\":2}\ntest x ... simulated: {\"seeds\":3}\n";
        let good = said(true, good);
        assert!(good.violations().is_empty());
        let seeds: Vec<Value> = good.facts().map(|told| told["seeds"].clone()).collect();
        assert_eq!(seeds, [2, 3]);
        let bad = "thread panicked:\nseed 7: lost\nreplay it with: X=7\n";
        let found = said(false, bad).violations();
        assert_eq!(found, ["seed 7: lost; replay it with: X=7"]);
        // A search that did not run has found nothing.
        assert_eq!(said(true, "running 0 tests\n").violations().len(), 1);
        assert_eq!(said(false, "").violations().len(), 1);
    }

    #[test]
    fn the_program_is_named_by_cargo() {
        let message = serde_json::json!({"target": {"name": "simulation"}, "executable": "/x"});
        assert_eq!(program(&message), Some(PathBuf::from("/x")));
        let other = serde_json::json!({"target": {"name": "other"}, "executable": "/x"});
        assert_eq!(program(&other), None);
    }
}
