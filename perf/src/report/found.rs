//! What figures there are in a measurement, wherever they stand in it.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::curve::{Latency, is_latency};
use super::entry::{CONDITIONS, LOAD};
use crate::figures::Spread;

/// What is told elsewhere, or in more detail than a table holds.
const LEFT_OUT: [&str; 7] = [
    "scenario",
    "conditions",
    "load",
    "disk",
    "cpu",
    "writer",
    "database",
];
/// Parts whose names say nothing about the figures in them.
const UNNAMED: [&str; 3] = ["summary", "runs", "outcome"];

/// Everything by its name. What stands in several runs is there several times.
#[derive(Debug, Default)]
pub(super) struct Found<'a> {
    latencies: BTreeMap<String, Vec<&'a Map<String, Value>>>,
    spreads: BTreeMap<String, Spread>,
    numbers: BTreeMap<String, Vec<f64>>,
    pub(super) errors: BTreeMap<String, u64>,
}

impl<'a> Found<'a> {
    /// Looks into a part whose names begin with these words.
    pub(super) fn look(&mut self, part: &'a Map<String, Value>, begin: &str) {
        let is_top = begin.is_empty();
        let lacks = |name| is_top && !part.contains_key(name);
        let (has_conditions, has_load) = (lacks("conditions"), lacks("load"));
        for (name, value) in part {
            let name = name.as_str();
            let is_asked =
                has_conditions && CONDITIONS.contains(&name) || has_load && LOAD.contains(&name);
            if is_asked || LEFT_OUT.contains(&name) {
                continue;
            }
            match (name, value) {
                ("errors", Value::Object(errors)) => self.add_errors(errors),
                ("complaints", told) => self.complains(told),
                // Their sum, and how many runs there were.
                ("errors" | "runs", Value::Number(_)) => {}
                _ if UNNAMED.contains(&name) => self.add(value, begin.to_owned()),
                _ if is_top => self.add(value, name.to_owned()),
                _ => self.add(value, format!("{begin}_{name}")),
            }
        }
    }

    fn add(&mut self, value: &'a Value, name: String) {
        match value {
            Value::Object(part) if is_latency(part) => {
                self.latencies.entry(name).or_default().push(part);
            }
            Value::Object(part) => match spread(value) {
                Some(spread) => drop(self.spreads.insert(name, spread)),
                None => self.look(part, &name),
            },
            Value::Array(parts) => {
                let parts = parts.iter().filter(|part| part.is_object());
                parts.for_each(|part| self.add(part, name.clone()));
            }
            _ => {
                let number = value.as_f64();
                self.numbers.entry(name).or_default().extend(number);
            }
        }
    }

    fn add_errors(&mut self, errors: &Map<String, Value>) {
        for (what, times) in errors {
            let times = times.as_u64().unwrap_or_default();
            *self.errors.entry(what.clone()).or_default() += times;
        }
    }

    fn complains(&mut self, told: &Value) {
        let lines = told["lines"].as_u64().unwrap_or_default();
        if lines > 0 {
            let what = "complaints in the server's log".to_owned();
            *self.errors.entry(what).or_default() += lines;
        }
    }

    pub(super) fn latencies(&self) -> Vec<Latency> {
        let all = self.latencies.iter();
        all.filter_map(|(of, runs)| Latency::of_runs(of, runs.iter().copied()))
            .collect()
    }

    /// What a scenario has summed up itself, then what its runs have. Single quantiles of a latency
    /// stand with the others of it.
    pub(super) fn figures(&self) -> BTreeMap<String, Spread> {
        let mut figures = self.spreads.clone();
        for (name, numbers) in &self.numbers {
            if let Some(spread) = Spread::of(numbers.iter().copied()) {
                figures.entry(name.clone()).or_insert(spread);
            }
        }
        let is_quantile = |name: &String| {
            let mut latencies = self.latencies.keys();
            latencies.any(|latency| name.starts_with(&format!("{latency}_p")))
        };
        figures.retain(|name, _| !is_quantile(name));
        figures
    }
}

fn spread(value: &Value) -> Option<Spread> {
    let number = |name: &str| value.get(name)?.as_f64();
    Some(Spread {
        median: number("median")?,
        min: number("min")?,
        max: number("max")?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn figures_are_found_wherever_they_stand() {
        let run = |rate: f64, p50: f64| {
            json!({
                "start_ms": 10.0 * rate,
                "outcome": {
                    "posts_per_second": rate, "cpu": {"span_seconds": 8.0},
                    "delivery": {"count": 100, "p50_ms": p50}, "errors": {"busy": 1},
                    "complaints": {"lines": 2, "first": []},
                },
            })
        };
        let measurement = json!({
            "scenario": "growth", "cores": 2, "sessions": 9, "load": {}, "rooms_stored": 7, "stored_mib": 5,
            "summary": {"ratio": {"median": 0.9, "min": 0.8, "max": 1.0}, "errors": 4},
            "while_opening": {"server_cores": 0.5}, "on": "sqlite", "lost": null,
            "stored": [run(1.0, 4.0), run(3.0, 6.0)], "empty": [run(5.0, 1.0)],
        });
        let mut found = Found::default();
        found.look(measurement.as_object().expect("an object"), "");
        let figures = found.figures();
        let median = |name: &str| figures[name].median;
        assert_eq!(
            (median("stored_posts_per_second"), median("empty_start_ms")),
            (2.0, 50.0)
        );
        assert_eq!(
            (median("ratio"), median("while_opening_server_cores")),
            (0.9, 0.5)
        );
        let names: Vec<&str> = figures.keys().map(String::as_str).collect();
        assert_eq!(
            names,
            [
                "empty_posts_per_second",
                "empty_start_ms",
                "ratio",
                "rooms_stored",
                "sessions",
                "stored_mib",
                "stored_posts_per_second",
                "stored_start_ms",
                "while_opening_server_cores",
            ]
        );
        let latencies = found.latencies();
        let latencies: Vec<_> = latencies.iter().map(|l| (l.of.as_str(), l.runs)).collect();
        assert_eq!(latencies, [("empty_delivery", 1), ("stored_delivery", 2)]);
        assert_eq!(found.errors["busy"], 3);
        assert_eq!(found.errors["complaints in the server's log"], 6);
    }
}
