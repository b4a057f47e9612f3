//! How the measures stand that have a floor: what `perf floors` has written at its end.

use serde::Deserialize;
use serde_json::Value;

use super::markdown::{head, line, number, row, told, words};
use crate::figures::Spread;

pub(super) const SCENARIO: &str = "floors";

/// What one run of it found.
#[derive(Debug, PartialEq, Deserialize)]
pub(super) struct Floors {
    #[serde(default)]
    quick: bool,
    #[serde(default)]
    note: Option<String>,
    machine: Machine,
    figures: Vec<Figure>,
}

#[derive(Debug, PartialEq, Deserialize)]
struct Machine {
    date: String,
}

/// One line of its table.
#[derive(Debug, PartialEq, Deserialize)]
struct Figure {
    measure: String,
    figure: String,
    unit: String,
    on: String,
    floor: Option<f64>,
    goal: Option<f64>,
    reached: Option<Reached>,
    verdict: String,
    errors: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Deserialize)]
struct Reached {
    median: f64,
    min: f64,
    max: f64,
}

impl Floors {
    /// Reads a result.
    ///
    /// # Errors
    /// What is missing.
    pub(super) fn read(result: &Value) -> Result<Self, String> {
        Self::deserialize(result).map_err(|why| format!("{SCENARIO}: {why}"))
    }

    fn table(&self, out: &mut String) {
        let note = self.note.iter().map(|note| format!("; {note}"));
        let date = &self.machine.date;
        line(out, &format!("{date}{}\n", note.collect::<String>()));
        if self.quick {
            let what = "Made with `--quick`: none of this says how fast anything is.\n";
            line(out, what);
        }
        head(
            out,
            &words(&[
                "", "figure", "on", "floor", "goal", "reached", "verdict", "errors",
            ]),
        );
        for figure in &self.figures {
            row(out, figure.cells());
        }
        out.push('\n');
    }
}

impl Figure {
    fn cells(&self) -> [String; 8] {
        let wanted = |wanted: Option<f64>| wanted.map(number).unwrap_or_default();
        let reached = self
            .reached
            .map(|Reached { median, min, max }| told(&Spread { median, min, max }));
        let unit = Some(&self.unit).filter(|unit| !unit.is_empty());
        [
            self.measure.clone(),
            unit.map_or_else(
                || self.figure.clone(),
                |unit| format!("{}, {unit}", self.figure),
            ),
            self.on.clone(),
            wanted(self.floor),
            wanted(self.goal),
            reached.unwrap_or_default(),
            self.verdict.clone(),
            self.errors.to_string(),
        ]
    }
}

/// All of them, the first one first.
pub(super) fn section(all: &[Floors]) -> String {
    let mut out = format!("## {SCENARIO}\n\n");
    for floors in all {
        floors.table(&mut out);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn floors(quick: bool) -> Value {
        json!({
            "scenario": "floors", "quick": quick, "note": "x", "runs": 3,
            "machine": {"date": "2026-11-25T11:12:26.908Z", "cpu": "A Fast One"},
            "figures": [
                {
                    "measure": "P7", "what": "from post to delivery", "figure": "delivery p99",
                    "unit": "ms", "on": "sqlite", "floor": 5.0, "goal": 2.0,
                    "reached": {"median": 9.74, "min": 8.7, "max": 10.4},
                    "verdict": "missed", "errors": 0,
                },
                {
                    "measure": "P12", "what": "posts/s", "figure": "ratio", "unit": "",
                    "on": "postgres", "floor": 0.5, "goal": 1.0, "reached": null,
                    "verdict": "not measured: no server", "errors": 2,
                },
            ],
        })
    }

    #[test]
    fn measures_stand_in_a_table() {
        let full = Floors::read(&floors(false)).expect("floors");
        let told = section(&[full]);
        for line in [
            "2026-11-25T11:12:26.908Z; x",
            "| P7 | delivery p99, ms | sqlite | 5 | 2 | 9.74 (8.7 to 10.4) | missed | 0 |",
            "| P12 | ratio | postgres | 0.5 | 1 |  | not measured: no server | 2 |",
        ] {
            assert!(told.lines().any(|found| found == line), "{line}\n{told}");
        }
        assert!(!told.contains("--quick"));
        let quick = Floors::read(&floors(true)).expect("floors");
        assert!(section(&[quick]).contains("--quick"));
    }

    #[test]
    fn what_is_missing_is_said() {
        let why = Floors::read(&json!({"scenario": "floors"})).expect_err("nothing in it");
        assert!(why.contains("machine"), "{why}");
    }
}
