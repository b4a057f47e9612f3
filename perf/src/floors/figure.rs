//! The numbers of the measures, from the results of the scenarios.

use std::collections::HashMap;

use serde_json::Value;

use super::measure::{Better, Figure, From, Load, Source};
use crate::database::Database;
use crate::figures::Spread;

/// What was run, and what came of it.
#[derive(Debug, Default)]
pub(super) struct Results(HashMap<(Key, Database), Result<Vec<Value>, String>>);

type Key = (&'static str, &'static str);

const fn key(load: &Load) -> Key {
    (load.scenario, load.words)
}

/// Whether what is to be reached is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    Missed,
    Held,
    /// There is no floor, only a goal, which is not reached.
    Short,
    /// The goal, and so the floor.
    Goal,
}

impl Results {
    /// What came of a load.
    pub(super) fn insert(&mut self, load: &Load, on: Database, found: Result<Vec<Value>, String>) {
        self.0.insert((key(load), on), found);
    }

    /// The loads that could not be run.
    pub(super) fn failures(&self) -> usize {
        self.0.values().filter(|found| found.is_err()).count()
    }

    fn of(&self, load: &Load, on: Database) -> Result<&[Value], String> {
        match self.0.get(&(key(load), on)) {
            Some(Ok(values)) => Ok(values),
            Some(Err(why)) => Err(why.clone()),
            None => Err(format!("{} was not run on {on}", load.scenario)),
        }
    }

    /// What a source says of all runs.
    fn spread(&self, source: &Source, on: Database) -> Result<Spread, String> {
        let values = self.of(source.load, on)?;
        let missing = || format!("the result has no {}", source.pointer);
        let found: Option<Vec<&Value>> = values
            .iter()
            .map(|value| value.pointer(source.pointer))
            .collect();
        let found = found.ok_or_else(missing)?;
        if let [one] = found[..]
            && let Some(spread) = as_spread(one)
        {
            return Ok(spread);
        }
        let numbers: Option<Vec<f64>> = found.into_iter().map(Value::as_f64).collect();
        numbers.and_then(Spread::of).ok_or_else(missing)
    }

    /// A figure.
    pub(super) fn figure(&self, figure: &Figure, on: Database) -> Result<Spread, String> {
        match &figure.from {
            From::Scaled(source, by) => Ok(times(self.spread(source, on)?, *by)),
            From::Inverse(source) => inverse(self.spread(source, on)?),
            From::Ratio(source, base, by) => {
                let base = divisor(self.spread(base, on)?.median)?;
                Ok(times(self.spread(source, on)?, by / base))
            }
            From::Databases(source) => {
                let base = divisor(self.spread(source, Database::Sqlite)?.median)?;
                Ok(times(self.spread(source, Database::Postgres)?, 1.0 / base))
            }
        }
    }

    /// What went wrong while a load ran, by the scenarios' own count.
    pub(super) fn errors(&self, loads: &[&'static Load], on: Database) -> u64 {
        let values = loads.iter().filter_map(|load| self.of(load, on).ok());
        values.flatten().map(errors).sum()
    }
}

/// The errors that stand in a result: a number, or one for each kind.
fn errors(result: &Value) -> u64 {
    let counted = result.pointer("/summary/errors").and_then(Value::as_u64);
    let by_kind = result.get("errors").and_then(Value::as_object);
    let by_kind = by_kind.map(|kinds| kinds.values().filter_map(Value::as_u64).sum());
    let lost = result.get("lost").and_then(Value::as_u64);
    counted.or(by_kind).or(lost).unwrap_or_default()
}

fn as_spread(value: &Value) -> Option<Spread> {
    let number = |name| value.get(name)?.as_f64();
    Some(Spread {
        median: number("median")?,
        min: number("min")?,
        max: number("max")?,
    })
}

fn times(spread: Spread, by: f64) -> Spread {
    Spread {
        median: spread.median * by,
        min: spread.min * by,
        max: spread.max * by,
    }
}

fn inverse(spread: Spread) -> Result<Spread, String> {
    divisor(spread.min)?;
    Ok(Spread {
        median: 1.0 / spread.median,
        min: 1.0 / spread.max,
        max: 1.0 / spread.min,
    })
}

fn divisor(number: f64) -> Result<f64, String> {
    match number > 0.0 {
        true => Ok(number),
        false => Err("there is nothing to compare it with".to_owned()),
    }
}

impl Figure {
    /// What counts of several runs.
    pub(super) const fn counts(&self, reached: &Spread) -> f64 {
        match self.better {
            Better::More | Better::Less => reached.median,
            Better::MoreAlways => reached.min,
        }
    }

    /// Whether what is to be reached is.
    pub(super) fn verdict(&self, reached: &Spread) -> Verdict {
        let counts = self.counts(reached);
        let is_reached = |wanted: Option<f64>| match (self.better, wanted) {
            (_, None) => true,
            (Better::Less, Some(wanted)) => counts <= wanted,
            (Better::More | Better::MoreAlways, Some(wanted)) => counts >= wanted,
        };
        match (is_reached(self.floor), is_reached(self.goal)) {
            (false, _) => Verdict::Missed,
            (true, false) if self.floor.is_none() => Verdict::Short,
            (true, false) => Verdict::Held,
            (true, true) => Verdict::Goal,
        }
    }
}

impl Verdict {
    pub(super) const fn word(self) -> &'static str {
        match self {
            Self::Missed => "missed",
            Self::Held => "held",
            Self::Short => "short of the goal",
            Self::Goal => "goal",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::table::MEASURES;
    use super::*;
    use serde_json::json;

    fn figure(id: &str) -> &'static Figure {
        let measure = MEASURES.iter().find(|measure| measure.id == id);
        &measure.expect("a measure").figures[0]
    }

    fn loads(id: &str) -> Vec<&'static Load> {
        let measure = MEASURES.iter().find(|measure| measure.id == id);
        measure.expect("a measure").loads()
    }

    fn spread(median: f64, min: f64, max: f64) -> Spread {
        Spread { median, min, max }
    }

    fn rooms(posts: f64, per_commit: f64) -> Value {
        json!({ "summary": {
            "posts_per_second": { "median": posts, "min": posts / 2.0, "max": posts * 2.0 },
            "posts_per_commit": { "median": per_commit, "min": per_commit, "max": per_commit },
            "errors": 3,
        }})
    }

    fn results() -> Results {
        let mut results = Results::default();
        let [rooms_load, store] = loads("P5")[..] else {
            panic!("P5 has two loads")
        };
        let store_value =
            json!({ "posts_per_second": { "median": 50.0, "min": 1.0, "max": 99.0 } });
        results.insert(store, Database::Sqlite, Ok(vec![store_value]));
        results.insert(rooms_load, Database::Sqlite, Ok(vec![rooms(20.0, 400.0)]));
        results.insert(rooms_load, Database::Postgres, Ok(vec![rooms(30.0, 500.0)]));
        results
    }

    #[test]
    fn figures_are_made_of_results() {
        let results = results();
        let on = Database::Sqlite;
        let found = |id| results.figure(figure(id), on);
        assert_eq!(found("P5"), Ok(spread(40.0, 20.0, 80.0)));
        assert_eq!(found("P10"), Ok(spread(0.0025, 0.0025, 0.0025)));
        assert_eq!(found("P12"), Ok(spread(1.5, 0.75, 3.0)));
        assert_eq!(results.errors(&loads("P5"), on), 3);
        let why = found("P7").expect_err("it was not run");
        assert!(why.contains("not run"), "{why}");
    }

    #[test]
    fn numbers_of_several_measurements_are_a_spread() {
        let mut results = Results::default();
        let idle = |bytes: f64| json!({ "bytes_per_session": bytes, "lost": 1 });
        let runs = [idle(10_000.0), idle(30_000.0), idle(20_000.0)].to_vec();
        results.insert(loads("P8")[0], Database::Sqlite, Ok(runs));
        let found = results.figure(figure("P8"), Database::Sqlite);
        assert_eq!(found, Ok(spread(20.0, 10.0, 30.0)));
        assert_eq!(results.errors(&loads("P8"), Database::Sqlite), 3);
    }

    #[test]
    fn what_failed_or_says_nothing_is_no_number() {
        let mut results = Results::default();
        let failed = Err("no server".to_owned());
        results.insert(loads("P8")[0], Database::Sqlite, failed);
        let found = results.figure(figure("P8"), Database::Sqlite);
        assert_eq!(found, Err("no server".to_owned()));
        assert_eq!(results.failures(), 1);
        results.insert(loads("P8")[0], Database::Sqlite, Ok(vec![json!({})]));
        let found = results.figure(figure("P8"), Database::Sqlite);
        assert!(found.is_err(), "{found:?}");
    }

    #[test]
    fn a_floor_is_on_the_right_side() {
        let verdict = |id, number| figure(id).verdict(&spread(number, 0.0, f64::MAX));
        assert_eq!(verdict("P7", 5.1), Verdict::Missed);
        assert_eq!(verdict("P7", 5.0), Verdict::Held);
        assert_eq!(verdict("P7", 2.0), Verdict::Goal);
        assert_eq!(verdict("P5", 34.9), Verdict::Missed);
        assert_eq!(verdict("P5", 35.0), Verdict::Held);
        assert_eq!(verdict("P5", 60.0), Verdict::Goal);
    }

    #[test]
    fn where_there_is_no_floor_none_is_held() {
        let measure = MEASURES.iter().find(|measure| measure.id == "P15");
        let p50 = &measure.expect("a measure").figures[1];
        assert_eq!(p50.verdict(&spread(1.1, 1.0, 1.2)), Verdict::Short);
        assert_eq!(p50.verdict(&spread(1.0, 1.0, 1.2)), Verdict::Goal);
    }

    #[test]
    fn the_worst_run_decides_about_success() {
        let success = figure("P15");
        assert_eq!(
            success.verdict(&spread(100.0, 99.999, 100.0)),
            Verdict::Missed
        );
        assert_eq!(success.verdict(&spread(100.0, 100.0, 100.0)), Verdict::Goal);
    }
}
