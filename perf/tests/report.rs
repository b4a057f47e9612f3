//! `perf report`: from files of results to tables and plots.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

const RESULTS: &str = r#"[
  {
    "scenario": "throughput",
    "conditions": {"on": "sqlite", "cpu": "A Fast One", "cores": 2, "date": "2026-11-25T11:12:26.908Z"},
    "load": {"clients": 100, "over": "rest", "loop": "open", "messages_per_second": 1000},
    "runs": [
      {"messages_per_second": 1000.0, "errors": {"503 busy": 2},
       "delivery": {"count": 60000, "p50_ms": 0.9, "p95_ms": 1.5, "p99_ms": 3.0, "p999_ms": 8.0, "max_ms": 9.0}},
      {"messages_per_second": 998.0, "errors": {},
       "delivery": {"count": 60000, "p50_ms": 1.1, "p95_ms": 1.6, "p99_ms": 5.0, "p999_ms": 9.0, "max_ms": 11.0}}
    ]
  },
  {"scenario": "chaos", "trials": []}
]"#;

fn report(files: &[&Path], output: &Path) -> Output {
    let perf = Command::new(env!("CARGO_BIN_EXE_perf"))
        .arg("report")
        .args(files)
        .arg("--output")
        .arg(output)
        .output();
    perf.expect("the load generator runs")
}

fn folder() -> tempfile::TempDir {
    tempfile::tempdir().expect("a temporary folder")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// Everything in a folder, by name.
fn contents(folder: &Path) -> BTreeMap<String, String> {
    let files = fs::read_dir(folder).expect("the folder of the report");
    let files = files.map(|file| {
        let file = file.expect("a file");
        let name = file.file_name().to_string_lossy().into_owned();
        (name, fs::read_to_string(file.path()).expect("text"))
    });
    files.collect()
}

#[test]
fn results_become_tables_and_plots() {
    let folder = folder();
    let file = folder.path().join("results.json");
    fs::write(&file, RESULTS).expect("a file of results");
    let (first, again) = (folder.path().join("a/b"), folder.path().join("again"));
    for output in [&first, &again] {
        let done = report(&[&file], output);
        assert!(done.status.success(), "{}", text(&done.stderr));
    }
    let written = contents(&first);
    assert_eq!(
        written,
        contents(&again),
        "the same files make the same report"
    );
    let names: Vec<&str> = written.keys().map(String::as_str).collect();
    let plots = [
        "throughput-delivery.svg",
        "throughput-messages-per-second.svg",
    ];
    assert_eq!(names, ["report.md", plots[0], plots[1]]);
    for line in [
        "| 1 | clients 100, loop open, messages per second 1000, over rest | sqlite | 2 |",
        "| 1 | delivery | 120,000 | 1 (0.9 to 1.1) | 1.55 (1.5 to 1.6) | 4 (3 to 5) | 8.5 (8 to 9) | 10 (9 to 11) |",
        "| messages per second | 999 (998 to 1,000) |",
        "| 1 | 503 busy | 2 |",
        "- cpu: A Fast One",
    ] {
        let report = &written["report.md"];
        assert!(
            report.lines().any(|found| found == line),
            "{line}\n{report}"
        );
    }
    for plot in plots {
        assert!(written[plot].starts_with("<svg"), "{}", written[plot]);
    }
}

#[test]
fn the_results_that_are_kept_here_can_be_reported() {
    let kept = fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("results"));
    let kept: Vec<PathBuf> = kept
        .expect("the folder of results")
        .map(|file| file.expect("a file").path())
        .filter(|file| file.extension().is_some_and(|name| name == "json"))
        .collect();
    assert!(!kept.is_empty());
    let kept: Vec<&Path> = kept.iter().map(PathBuf::as_path).collect();
    let folder = folder();
    let done = report(&kept, folder.path());
    assert!(done.status.success(), "{}", text(&done.stderr));
    let written = contents(folder.path());
    for name in [
        "rooms-delivery.svg",
        "idle-opening.svg",
        "store-posts-per-second.svg",
    ] {
        assert!(written.contains_key(name), "{:?}", written.keys());
    }
}

#[test]
fn what_cannot_be_read_is_said_and_nothing_is_written() {
    let folder = folder();
    let good = folder.path().join("good.json");
    fs::write(&good, RESULTS).expect("a file of results");
    for (bad, why) in [
        ("{}", "no list of results"),
        ("[{\"scenario\": 7}]", "result 1: it does not say"),
        ("[1", "no list of results"),
        ("", "no list of results"),
    ] {
        let file = folder.path().join("bad.json");
        fs::write(&file, bad).expect("a file");
        let output = folder.path().join("report");
        let done = report(&[&good, &file], &output);
        let said = text(&done.stderr);
        assert!(
            !done.status.success() && said.contains(why),
            "{bad}: {said}"
        );
        assert!(said.contains("bad.json"), "{said}");
        assert!(!output.exists(), "{bad}");
    }
    let chaos = folder.path().join("chaos.json");
    fs::write(&chaos, "[{\"scenario\": \"chaos\"}]").expect("a file");
    let done = report(&[&chaos], &folder.path().join("report"));
    assert!(
        text(&done.stderr).contains("no measurement"),
        "{}",
        text(&done.stderr)
    );
    let done = report(&[&folder.path().join("none.json")], folder.path());
    assert!(
        text(&done.stderr).contains("none.json"),
        "{}",
        text(&done.stderr)
    );
}
