//! What people read, and what stands in the file beside the results.

use serde::Serialize;

use super::figure::Results;
use super::measure::{Figure, Measure, On};
use crate::database::Database;
use crate::figures::{Spread, grouped};

/// One line of the table.
#[derive(Debug, Serialize)]
pub(super) struct Row {
    measure: &'static str,
    what: &'static str,
    figure: &'static str,
    unit: &'static str,
    on: Database,
    floor: Option<f64>,
    goal: Option<f64>,
    /// None when it could not be measured.
    reached: Option<Spread>,
    /// `missed`, `held`, `goal`; or why there is none.
    verdict: String,
    /// What went wrong in the runs that this is of.
    errors: u64,
    #[serde(skip)]
    digits: usize,
}

/// All figures that were asked for.
pub(super) fn rows(chosen: &[&'static Measure], asked: &[Database], results: &Results) -> Vec<Row> {
    let mut rows = Vec::new();
    for measure in chosen {
        for on in measure.told_of(asked) {
            let figures = measure.figures.iter();
            rows.extend(figures.map(|figure| row(measure, figure, on, results)));
        }
    }
    rows
}

fn row(measure: &Measure, figure: &Figure, on: Database, results: &Results) -> Row {
    let reached = results.figure(figure, on);
    let verdict = match &reached {
        Ok(reached) => figure.verdict(reached).word().to_owned(),
        Err(why) => format!("not measured: {}", why.lines().next().unwrap_or_default()),
    };
    let loads = figure.from.loads();
    let of_both =
        results.errors(&loads, Database::Sqlite) + results.errors(&loads, Database::Postgres);
    Row {
        measure: measure.id,
        what: measure.what,
        figure: figure.name,
        unit: figure.unit,
        on,
        floor: figure.floor,
        goal: figure.goal,
        reached: reached.ok(),
        verdict,
        errors: match measure.on {
            On::Each => results.errors(&loads, on),
            On::Compared => of_both,
        },
        digits: figure.digits,
    }
}

/// The table.
pub(super) fn table(rows: &[Row], is_quick: bool) {
    println!("\n==== floors: median (lowest to highest)\n");
    let head = ["", "figure", "on", "floor", "goal", "reached", ""].map(str::to_owned);
    let lines: Vec<[String; 7]> = std::iter::once(head)
        .chain(rows.iter().map(cells))
        .collect();
    let width = |column: usize| {
        let widths = lines.iter().map(|line| line[column].chars().count());
        widths.max().unwrap_or_default()
    };
    let widths: Vec<usize> = (0..6).map(width).collect();
    for line in &lines {
        let cells = line.iter().enumerate().map(|(column, cell)| {
            let width = widths.get(column).copied().unwrap_or_default();
            format!("{cell:<width$}")
        });
        println!("  {}", cells.collect::<Vec<_>>().join("  ").trim_end());
    }
    for row in rows.iter().filter(|row| row.errors > 0) {
        println!(
            "  *** {} on {}, {}: {} errors in these runs",
            row.measure, row.on, row.figure, row.errors
        );
    }
    if is_quick {
        println!(
            "\n  *** --quick: seconds and small numbers. None of this says how fast anything is."
        );
    }
}

fn cells(row: &Row) -> [String; 7] {
    let wanted = |number: Option<f64>| number.map_or("-".to_owned(), |number| row.number(number));
    let reached = match &row.reached {
        Some(Spread { median, min, max }) => {
            let [median, min, max] = [*median, *min, *max].map(|number| row.number(number));
            format!("{median} ({min} to {max})")
        }
        None => "-".to_owned(),
    };
    let figure = match row.unit {
        "" => row.figure.to_owned(),
        unit => format!("{}, {unit}", row.figure),
    };
    [
        row.measure.to_owned(),
        figure,
        row.on.to_string(),
        wanted(row.floor),
        wanted(row.goal),
        reached,
        row.verdict.clone(),
    ]
}

impl Row {
    fn number(&self, number: f64) -> String {
        match self.digits {
            0 => grouped(number),
            digits => format!("{number:.digits$}"),
        }
    }
}

/// Which measures there are, and what is run for them.
pub(super) fn list(measures: &[Measure]) {
    for measure in measures {
        println!("{:<4} {}", measure.id, measure.what);
        for load in measure.loads() {
            println!("     perf {} {}", load.scenario, load.words);
        }
        for figure in measure.figures {
            let wanted = |number: Option<f64>| number.map_or("-".to_owned(), |n| n.to_string());
            println!(
                "     {}: floor {} {unit}, goal {} {unit}",
                figure.name,
                wanted(figure.floor),
                wanted(figure.goal),
                unit = figure.unit
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::figure::Verdict;
    use super::super::table::MEASURES;
    use super::*;
    use serde_json::json;

    fn rows_of(id: &str, asked: &[Database], results: &Results) -> Vec<Row> {
        let chosen: Vec<&Measure> = MEASURES.iter().filter(|measure| measure.id == id).collect();
        rows(&chosen, asked, results)
    }

    #[test]
    fn a_line_says_what_was_reached_and_whether_it_is_enough() {
        let mut results = Results::default();
        let load = MEASURES[1].loads()[0];
        let p99 = json!({ "median": 9.71, "min": 8.7, "max": 10.4 });
        let result = json!({ "summary": { "delivery_p99_ms": p99, "errors": 2 } });
        results.insert(load, Database::Sqlite, Ok(vec![result]));
        results.insert(
            load,
            Database::Postgres,
            Err("no initdb\nanywhere".to_owned()),
        );
        let found = rows_of("P7", &[Database::Sqlite, Database::Postgres], &results);
        let expected = [
            "P7",
            "delivery p99, ms",
            "SQLite",
            "5.00",
            "2.00",
            "9.71 (8.70 to 10.40)",
            "missed",
        ];
        assert_eq!(cells(&found[0]), expected.map(str::to_owned));
        assert_eq!(found[0].errors, 2);
        assert_eq!(found[1].verdict, "not measured: no initdb");
        assert_eq!(cells(&found[1])[5], "-");
    }

    #[test]
    fn databases_are_compared_when_both_were_asked_for() {
        let results = Results::default();
        let both = [Database::Sqlite, Database::Postgres];
        assert!(rows_of("P12", &both[..1], &results).is_empty());
        let found = rows_of("P12", &both, &results);
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].on, Database::Postgres);
    }

    #[test]
    fn every_measure_has_an_id_of_its_own_and_something_to_reach() {
        for (place, measure) in MEASURES.iter().enumerate() {
            assert!(MEASURES[..place].iter().all(|other| other.id != measure.id));
            for figure in measure.figures {
                assert!(figure.goal.is_some(), "{}: {}", measure.id, figure.name);
                let floor = Spread::of(figure.floor).map(|floor| figure.verdict(&floor));
                assert_ne!(floor, Some(Verdict::Missed), "a floor holds itself");
                let goal = Spread::of(figure.goal).map(|goal| figure.verdict(&goal));
                assert_eq!(goal, Some(Verdict::Goal), "{}", measure.id);
            }
        }
    }
}
