use super::*;
use serde_json::json;

fn entry(measurement: Value) -> Entry {
    Entry::read(&measurement).expect("a measurement")
}

fn rooms(rate: u32) -> Value {
    json!({
        "scenario": "rooms",
        "conditions": {
            "on": "sqlite", "cpu": "A Fast One", "cores": 2,
            "database": {"sqlite": "3.53.2", "journal": "WAL"},
        },
        "load": {"clients": 100, "loop": "open", "posts_per_second": rate, "seconds": rate},
        "summary": {
            "runs": 2, "errors": 3, "posts_per_commit": null,
            "posts_per_second": {"median": 4000.0, "min": 3000.0, "max": 5000.0},
            "delivery_p99_ms": {"median": 1.0, "min": 1.0, "max": 1.0},
        },
        "runs": [
            {
                "disk": {"file_system": "ext4", "sync_p50_ms": 0.126},
                "posts_per_second": 3000.0, "longest_silence_ms": 10.0,
                "delivery": {"count": 100, "p50_ms": 1.0, "p99_ms": 2.0, "max_ms": 3.0},
                "errors": {"rejected: busy": 2}, "complaints": {"lines": 0, "first": []},
            },
            {
                "posts_per_second": 5000.0, "longest_silence_ms": 30.0,
                "delivery": {"count": 100, "p50_ms": 3.0, "p99_ms": 4.0, "max_ms": 5.0},
                "errors": {"rejected: busy": 1}, "complaints": {"lines": 4, "first": ["x"]},
            },
        ],
    })
}

#[test]
fn a_measurement_of_several_runs_is_read() {
    let found = entry(rooms(5_000));
    assert_eq!((found.scenario.as_str(), found.runs), ("rooms", 2));
    assert_eq!(
        found.load(),
        "clients 100, loop open, posts per second 5000, seconds 5000"
    );
    assert_eq!(found.conditions["sqlite"], "3.53.2");
    assert_eq!(found.conditions["disk"], "ext4, fdatasync of 4 KiB 0.13 ms");
    assert_eq!(found.errors["rejected: busy"], 3);
    assert_eq!(found.errors["complaints in the server's log"], 4);
    let names: Vec<&str> = found.figures.keys().map(String::as_str).collect();
    assert_eq!(names, ["longest_silence_ms", "posts_per_second"]);
    assert_eq!(found.figures["posts_per_second"].median, 4_000.0);
    assert_eq!(found.figures["longest_silence_ms"].median, 20.0);
    let [delivery] = &found.latencies[..] else {
        panic!("{:?}", found.latencies);
    };
    assert_eq!(
        (delivery.of.as_str(), delivery.count, delivery.runs),
        ("delivery", 200, 2)
    );
}

#[test]
fn a_measurement_of_one_run_is_read() {
    let found = entry(json!({
        "scenario": "idle", "quick": true, "sessions": 5000, "seconds": 30, "bytes_per_session": 21193.5,
        "opening": {"count": 5000, "p50_ms": 0.9, "p99_ms": 1.8, "max_ms": 2.0},
        "conditions": {"on": "postgres", "server_cores": "0-1"}, "lost": 0, "server_cores": 0.002,
    }));
    assert_eq!(
        found.load(),
        "sessions 5000, seconds 30, quick and worth nothing"
    );
    assert_eq!(found.figures["bytes_per_session"].max, 21193.5);
    assert_eq!(found.figures["lost"].median, 0.0);
    assert_eq!(found.figures["server_cores"].median, 0.002);
    assert_eq!(found.on.as_deref(), Some("postgres"));
    assert_eq!(found.latencies[0].of, "opening");
    let found = entry(json!({
        "scenario": "store", "on": "sqlite", "cpu": "A Fast One", "cores": 2, "posts": 10,
        "runs": [1.0, 2.0, 3.0], "posts_per_second": {"median": 2.0, "min": 1.0, "max": 3.0},
    }));
    assert_eq!(found.conditions["cpu"], "A Fast One");
    assert_eq!((found.runs, found.figures.len()), (3, 1));
}

#[test]
fn how_late_this_program_was_is_told_of_open_loops() {
    let of = |way: &str| {
        let late = json!({"count": 9, "p50_ms": 1.0});
        let load = json!({"loop": way});
        entry(json!({"scenario": "rooms", "load": load, "runs": [{"own_delay": late}]}))
    };
    assert_eq!(of("open").latencies.len(), 1);
    assert!(of("closed").latencies.is_empty());
}

#[test]
fn what_differs_tells_measurements_apart() {
    let (slow, fast) = (entry(rooms(10)), entry(rooms(20)));
    let both = [&slow, &fast];
    assert_eq!(slow.label(&both), "sqlite, posts per second 10");
    assert_eq!(fast.label(&both), "sqlite, posts per second 20");
    assert_eq!(slow.label(&[&slow]), "sqlite");
}

#[test]
fn what_is_no_measurement_says_why() {
    for (wrong, why) in [
        (json!(3), "not an object"),
        (json!({"runs": []}), "of which scenario"),
        (json!({"scenario": "../../etc"}), "no scenario"),
        (json!({"scenario": ""}), "no scenario"),
    ] {
        let said = Entry::read(&wrong).expect_err("it is wrong");
        assert!(said.contains(why), "{said}");
    }
}
