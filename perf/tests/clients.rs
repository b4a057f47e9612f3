//! `throughput` and `connections` in a few seconds, against the real program: what they count must
//! fit together, however fast it was.

mod support;

use std::process::Command;

use serde_json::Value;

use support::server;

/// Runs a scenario, and returns what it measured.
fn measured(scenario: &str, arguments: &[&str]) -> Value {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = folder.path().join("results.json");
    let output = Command::new(env!("CARGO_BIN_EXE_perf"))
        .arg(scenario)
        .args(arguments)
        .args(["--data-dir", env!("CARGO_TARGET_TMPDIR")])
        .arg("--server")
        .arg(server())
        .arg("--output")
        .arg(&file)
        .output();
    let output = output.expect("the load generator runs");
    let said = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    // A test's output is shown when it fails.
    println!("{}{}", said(&output.stdout), said(&output.stderr));
    assert!(output.status.success(), "{scenario} {arguments:?}");
    let results = std::fs::read(&file).expect("a file of results");
    let mut results: Vec<Value> = serde_json::from_slice(&results).expect("a list of results");
    assert_eq!(results.len(), 1);
    results.remove(0)
}

fn number(value: &Value) -> u64 {
    value
        .as_u64()
        .unwrap_or_else(|| panic!("a number: {value}"))
}

/// Everything that was asked for was answered well, arrived, and was done with.
fn is_flawless(run: &Value) {
    assert_eq!(run["errors"], serde_json::json!({}), "{run}");
    assert_eq!(run["success_rate"], 1.0);
    let asked = number(&run["asked"]);
    assert!(asked > 0 && asked <= number(&run["posted_ever"]), "{asked}");
    for latency in ["acknowledgement", "delivery"] {
        assert_eq!(run[latency]["count"], asked, "{latency}");
    }
}

#[test]
fn messages_over_rest_arrive_at_their_rate() {
    let rate = [
        "--rate",
        "50",
        "--seconds",
        "2",
        "--warm-up",
        "0",
        "--runs",
        "2",
    ];
    let found = measured("throughput", &[&["--clients", "5"], &rate[..]].concat());
    assert_eq!(found["scenario"], "throughput");
    assert_eq!(found["load"]["over"], "rest");
    let runs = found["runs"].as_array().expect("runs");
    assert_eq!((runs.len(), &found["summary"]["errors"]), (2, &0.into()));
    for run in runs {
        is_flawless(run);
        assert_eq!(run["asked"], 100);
    }
}

#[test]
fn messages_are_sent_when_others_are_answered() {
    for over in ["rest", "websocket"] {
        let load = [
            "--clients",
            "4",
            "--in-flight",
            "3",
            "--seconds",
            "1",
            "--warm-up",
            "0",
        ];
        let found = measured("throughput", &[&["--over", over], &load[..]].concat());
        assert_eq!(found["load"]["over"], over);
        is_flawless(&found["runs"][0]);
    }
}

#[test]
fn messages_over_sessions_arrive_at_their_rate() {
    let load = ["--over", "websocket", "--clients", "3", "--rate", "30"];
    let time = ["--seconds", "1", "--warm-up", "0"];
    let found = measured("throughput", &[&load[..], &time].concat());
    is_flawless(&found["runs"][0]);
    assert_eq!(found["runs"][0]["asked"], 30);
}

#[test]
fn sessions_come_and_stay() {
    for (way, opens) in [(["--at-once", "7"], "closed"), (["--rate", "100"], "open")] {
        let load = ["--sessions", "40", "--seconds", "2"];
        let found = measured("connections", &[&way[..], &load].concat());
        assert_eq!(found["load"]["loop"], opens);
        assert_eq!(found["errors"], serde_json::json!({}));
        assert_eq!((&found["opened"], &found["lost"]), (&40.into(), &0.into()));
        assert_eq!(
            (&found["opening"]["count"], &found["success_rate"]),
            (&40.into(), &1.0.into())
        );
        assert_eq!(
            (&found["sent"], &found["delivered"]),
            (&2.into(), &2.into())
        );
    }
}
