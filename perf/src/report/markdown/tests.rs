use super::*;
use serde_json::{Value, json};

fn entry(value: Value) -> Entry {
    Entry::read(&value).expect("a measurement")
}

fn measured(on: &str, errors: Value) -> Entry {
    entry(json!({
        "scenario": "rooms", "load": {"clients": 100},
        "conditions": {"on": on, "cpu": "A Fast | One", "cores": 2},
        "summary": {"posts_per_second": {"median": 37159.2, "min": 36884.0, "max": 40854.0}},
        "runs": [{
            "delivery": {"count": 400, "p50_ms": 0.4351, "p99_ms": 7.5, "p999_ms": 9.0, "max_ms": 9.0},
            "errors": errors,
        }],
    }))
}

#[test]
fn a_section_tells_figures_errors_and_conditions() {
    let (good, bad) = (
        measured("sqlite", json!({})),
        measured("postgres", json!({"rejected: busy": 1200})),
    );
    let image = Image {
        title: "delivery".to_owned(),
        file: "rooms-delivery.svg".to_owned(),
    };
    let told = section("rooms", &[&good, &bad], &[image]);
    for line in [
        "## rooms",
        "| 1 | clients 100 | sqlite | 1 |",
        "| 2 | delivery | 400 | 0.435 |  | 7.5 |  | 9 |",
        "![delivery](rooms-delivery.svg)",
        "| figure | #1 | #2 |",
        "| posts per second | 37,159 (36,884 to 40,854) | 37,159 (36,884 to 40,854) |",
        "| 2 | rejected: busy | 1,200 |",
        "- cpu: A Fast \\| One",
        "| 2 | postgres |",
    ] {
        assert!(told.lines().any(|found| found == line), "{line}\n{told}");
    }
}

#[test]
fn no_errors_is_said() {
    let good = measured("sqlite", json!({}));
    assert!(section("rooms", &[&good], &[]).contains("\nNo errors.\n"));
}

#[test]
fn three_digits_count() {
    for (given, text) in [
        (0.0, "0"),
        (0.0023, "0.0023"),
        (0.43512, "0.435"),
        (7.0, "7"),
        (21.17, "21.2"),
        (999.4, "999"),
        (21193.5, "21,194"),
        (-0.5, "-0.5"),
    ] {
        assert_eq!(number(given), text, "{given}");
    }
}
