//! The scenarios that measure rooms, the log and everything with a floor, in a few seconds and against
//! the real program: what they count must fit together, however fast it was.

mod support;

use std::fs::Permissions;
use std::io::{BufRead as _, BufReader};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};

use private_postgres::{Cluster, Durability};
use serde_json::{Value, json};
use tempfile::TempDir;

use support::server;

/// A folder on the disk where this was built. PostgreSQL, which is run by another user, is let in.
fn folder() -> TempDir {
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("a folder");
    std::fs::set_permissions(folder.path(), Permissions::from_mode(0o755)).expect("an open one");
    folder
}

fn perf(words: &[&str]) -> Output {
    let output = Command::new(env!("CARGO_BIN_EXE_perf"))
        .args(words)
        .output();
    let output = output.expect("the load generator runs");
    // A test's output is shown when it fails.
    println!("{}{}", text(&output.stdout), text(&output.stderr));
    output
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// Runs a scenario with a server of its own, and returns everything that it measured.
fn all_measured(words: &str) -> Vec<Value> {
    let folder = folder();
    let file = folder.path().join("results.json");
    let (program, output) = (server(), file.display().to_string());
    let program = program.display().to_string();
    let mut words: Vec<&str> = words.split_ascii_whitespace().collect();
    words.extend(["--data-dir", path(folder.path()), "--output", &output]);
    words.extend(["--server", &program]);
    assert!(perf(&words).status.success(), "{words:?}");
    let found = std::fs::read(&file).expect("a file of results");
    serde_json::from_slice(&found).expect("a list of results")
}

fn measured(words: &str) -> Value {
    let mut all = all_measured(words);
    assert_eq!(all.len(), 1, "{words}");
    all.remove(0)
}

fn path(path: &Path) -> &str {
    path.to_str().expect("a path without surprises")
}

fn number(value: &Value) -> u64 {
    let number = value.as_u64();
    number.unwrap_or_else(|| panic!("a number: {value}"))
}

fn list(value: &Value) -> &Vec<Value> {
    let list = value.as_array();
    list.unwrap_or_else(|| panic!("a list: {value}"))
}

/// Everything that was asked was acknowledged, and delivered to everybody else once.
fn is_flawless(run: &Value, others: u64) {
    assert_eq!(run["errors"], json!({}));
    assert_eq!(run["success_rate"], 1.0);
    let asked = number(&run["asked"]);
    assert!(asked > 0 && asked <= number(&run["posted_ever"]), "{asked}");
    assert_eq!(run["acknowledgement"]["count"], asked);
    assert_eq!(run["delivery"]["count"], asked * others);
}

#[test]
fn what_few_post_is_delivered_to_many() {
    let found =
        measured("fanout --members 40 --publishers 2 --in-flight 2 --seconds 1 --warm-up 0");
    assert_eq!(
        (&found["scenario"], &found["load"]["rooms"]),
        (&"fanout".into(), &1.into())
    );
    assert_eq!(found["load"]["publishers_per_room"], 2);
    is_flawless(&found["runs"][0], 39);
}

#[test]
fn a_rate_of_few_is_kept() {
    let found = measured("fanout --members 12 --rate 50 --seconds 2 --warm-up 0 --runs 2");
    let runs = list(&found["runs"]);
    assert_eq!((runs.len(), &found["summary"]["errors"]), (2, &0.into()));
    for run in runs {
        is_flawless(run, 11);
        assert_eq!(run["asked"], 100);
    }
}

#[test]
fn one_post_at_a_time_is_held_against_the_disk() {
    for database in ["sqlite", "postgres"] {
        let found = measured(&format!(
            "durable --slices 2 --seconds 1 --database {database}"
        ));
        let (slices, summary) = (list(&found["runs"]), &found["summary"]);
        assert_eq!((slices.len(), &summary["errors"]), (2, &0.into()));
        for slice in slices {
            is_flawless(slice, 0);
            assert!(number(&slice["disk"]["appends"]) > 0, "{}", slice["disk"]);
        }
        let added = slices.iter().map(|slice| {
            let post = slice["acknowledgement"]["p50_ms"].as_f64().expect("a time");
            post - slice["disk"]["sync_p50_ms"].as_f64().expect("a time")
        });
        let least = added.fold(f64::INFINITY, f64::min);
        let told = summary["added_p50_ms"]["min"].as_f64().expect("a time");
        assert!((told - least).abs() < 1e-9, "{told} {least}");
    }
}

#[test]
fn what_is_stored_is_measured_in_and_kept() {
    for database in ["sqlite", "postgres"] {
        let kept = folder();
        let growth = |messages: u64| {
            format!(
                "growth --messages {messages} --rooms-stored 8 --clients 4 --rooms 2 --in-flight 2 \
                 --seconds 1 --warm-up 0 --runs 1 --database {database} --keep {}",
                path(kept.path())
            )
        };
        let mut stored = 3_000;
        // The second time it is found there, with what was posted the first time.
        for _ in 0..2 {
            let found = measured(&growth(3_000));
            let (full, empty) = (list(&found["stored"]), list(&found["empty"]));
            assert_eq!((full.len(), empty.len()), (1, 1));
            assert_eq!(full[0]["messages_stored"], stored);
            assert_eq!(empty[0]["messages_stored"], 0);
            for run in full.iter().chain(empty) {
                is_flawless(&run["outcome"], 1);
            }
            stored += number(&full[0]["outcome"]["posted_ever"]);
            refuses_more(&growth(1_000_000_000));
        }
    }
}

/// What is not there cannot be found, and nothing is written over.
fn refuses_more(words: &str) {
    let mut words: Vec<&str> = words.split_ascii_whitespace().collect();
    let program = server();
    words.extend(["--server", path(&program)]);
    let refused = perf(&words);
    assert!(!refused.status.success());
    assert!(text(&refused.stderr).contains("not what is asked for"));
}

#[test]
fn a_start_on_much_data_ends_with_an_acknowledgement() {
    for database in ["sqlite", "postgres"] {
        let found = measured(&format!(
            "restart --messages 3000 --rooms 3 --runs 4 --database {database}"
        ));
        assert_eq!(
            (list(&found["runs"]).len(), &found["messages"]),
            (4, &3_000.into())
        );
        assert_eq!(found["conditions"]["on"], database);
    }
}

/// A server that somebody else has started. It is killed when this is dropped.
struct Running {
    process: Child,
    url: String,
}

impl Running {
    fn start(data_dir: &Path, database: &str) -> Self {
        let mut process = Command::new(server())
            .args(["serve", "--bind", "127.0.0.1:0", "--data-dir"])
            .arg(data_dir)
            .env("AGENT_BRIDGE__DATABASE__URL", database)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("a server");
        let out = process.stdout.take().expect("its output");
        let mut line = String::new();
        BufReader::new(out).read_line(&mut line).expect("a line");
        let mut words = line.split_ascii_whitespace();
        let url = words.find(|word| word.starts_with("http://"));
        let url = url
            .unwrap_or_else(|| panic!("an address: {line}"))
            .to_owned();
        Self { process, url }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let ended = self.process.kill().and_then(|()| self.process.wait());
        ended.expect("it ends");
    }
}

#[test]
fn a_server_that_runs_already_is_measured_on_postgres_too() {
    let (folder, place) = (folder(), folder());
    let cluster = Cluster::start(place.path(), Durability::Synced).expect("PostgreSQL");
    let running = Running::start(folder.path(), &cluster.database().expect("a database"));
    let (file, process) = (
        place.path().join("results.json"),
        running.process.id().to_string(),
    );
    let load = "rooms --clients 4 --rooms 2 --in-flight 1 --seconds 1 --warm-up 0";
    let mut words: Vec<&str> = load.split_ascii_whitespace().collect();
    words.extend(["--url", &running.url, "--server-pid", &process]);
    words.extend(["--data-dir", path(folder.path()), "--output", path(&file)]);
    let refused = perf(&words);
    assert!(
        text(&refused.stderr).contains("--database"),
        "nothing shows which it is"
    );
    assert!(!file.exists());
    words.extend(["--database", "postgres"]);
    assert!(perf(&words).status.success());
    let found = std::fs::read(&file).expect("results");
    let found: Value = serde_json::from_slice(&found).expect("a list");
    assert_eq!(found[0]["conditions"]["on"], "postgres");
    is_flawless(&found[0]["runs"][0], 1);
}

#[test]
fn everything_with_a_floor_is_measured_by_one_command() {
    let only = "P5,P7,P8,P9,P10,P11,P13,P14,P15";
    let mut all = all_measured(&format!("floors --quick --runs 1 --only {only}"));
    let table = all.pop().expect("the table is the last result");
    assert_eq!(
        (&table["scenario"], &table["quick"]),
        (&"floors".into(), &true.into())
    );
    assert!(all.iter().all(|result| result["quick"] == true), "{all:?}");
    let scenarios: Vec<&Value> = all.iter().map(|result| &result["scenario"]).collect();
    // P5 and P10 are of the same runs.
    let expected =
        "rooms store rooms idle restart durable fanout growth throughput connections rooms";
    assert!(
        scenarios
            .iter()
            .eq(&expected.split(' ').collect::<Vec<_>>()),
        "{scenarios:?}"
    );
    let rows = list(&table["figures"]);
    let mut measures: Vec<&str> = rows
        .iter()
        .filter_map(|row| row["measure"].as_str())
        .collect();
    // P15 has several figures.
    measures.dedup();
    assert_eq!(measures.join(","), only);
    for row in rows {
        assert!(row["reached"]["median"].is_number(), "{row}");
        assert_eq!(row["errors"], 0, "{row}");
    }
}

#[test]
fn the_databases_are_compared() {
    let all = all_measured("floors --quick --runs 1 --only P12 --database both");
    let (table, runs) = all.split_last().expect("results");
    let posts = |run: &Value| {
        let rate = &run["summary"]["posts_per_second"]["median"];
        rate.as_f64().expect("a rate")
    };
    let reached = table["figures"][0]["reached"]["median"]
        .as_f64()
        .expect("a ratio");
    assert_eq!(runs.len(), 2);
    let ratio = posts(&runs[1]) / posts(&runs[0]);
    assert!((reached - ratio).abs() < 1e-9, "{reached} {ratio}");
}

#[test]
fn what_is_asked_for_in_vain_is_said() {
    for (words, why) in [
        (&["floors", "--only", "P99"][..], "there is no measure P99"),
        (&["floors", "--only", "P12"], "--database both"),
        (
            &["fanout", "--members", "3", "--publishers", "4"],
            "4 publishers among 3",
        ),
        (&["growth", "--rooms-stored", "10"], "only 10 are stored"),
    ] {
        let refused = perf(words);
        assert!(!refused.status.success(), "{words:?}");
        assert!(text(&refused.stderr).contains(why), "{words:?}");
    }
}
