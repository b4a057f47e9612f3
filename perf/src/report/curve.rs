//! The latencies of one measurement: quantiles of each of its runs.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use crate::figures::Spread;

/// A share of all latencies in millionths, so that it can be a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Quantile(u32);

impl Quantile {
    const WHOLE: u32 = 1_000_000;

    /// `p999_ms` is 99.9 %.
    fn parse(name: &str) -> Option<Self> {
        let digits = name.strip_prefix('p')?.strip_suffix("_ms")?;
        if !(2..=6).contains(&digits.len()) || !digits.bytes().all(|digit| digit.is_ascii_digit()) {
            return None;
        }
        let millionths = format!("{digits:0<6}").parse().ok()?;
        Some(Self(millionths))
    }

    pub(super) const fn of_millionths(millionths: u32) -> Self {
        Self(millionths)
    }

    /// How far out it is: one more for every tenth of the rest.
    pub(super) fn nines(self) -> f64 {
        -(1.0 - f64::from(self.0) / f64::from(Self::WHOLE)).log10()
    }

    /// Whether so many latencies say anything about it: one of them at least must lie beyond it.
    fn is_told_by(self, count: u64) -> bool {
        count.saturating_mul((Self::WHOLE - self.0).into()) >= Self::WHOLE.into()
    }

    /// 99.9 for people.
    pub(super) fn percent(self) -> String {
        let percent = f64::from(self.0) / f64::from(Self::WHOLE / 100);
        percent.to_string()
    }
}

/// Latencies of one kind.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Latency {
    /// Of what: `delivery`.
    pub(super) of: String,
    /// Latencies in all runs.
    pub(super) count: u64,
    /// Runs that tell of it.
    pub(super) runs: usize,
    /// Milliseconds, over the runs that had enough latencies for it.
    pub(super) quantiles: BTreeMap<Quantile, Spread>,
    pub(super) max_ms: Option<Spread>,
}

/// Whether this is what is told of many latencies.
pub(super) fn is_latency(object: &Map<String, Value>) -> bool {
    object.contains_key("p50_ms") && object.contains_key("count")
}

impl Latency {
    /// Of the runs that had any.
    pub(super) fn of_runs<'a>(
        of: &str,
        runs: impl IntoIterator<Item = &'a Map<String, Value>>,
    ) -> Option<Self> {
        let count = |run: &Map<String, Value>| run.get("count").and_then(Value::as_u64);
        let runs: Vec<_> = runs.into_iter().collect();
        let runs: Vec<_> = runs
            .into_iter()
            .filter(|run| count(run) > Some(0))
            .collect();
        let mut told: BTreeMap<Quantile, Vec<f64>> = BTreeMap::new();
        for run in &runs {
            for (name, value) in *run {
                let quantile = Quantile::parse(name).zip(value.as_f64());
                if let Some((quantile, millis)) = quantile
                    && quantile.is_told_by(count(run).unwrap_or_default())
                {
                    told.entry(quantile).or_default().push(millis);
                }
            }
        }
        let spread = |(quantile, all)| Some((quantile, Spread::of(all)?));
        let longest = runs.iter().filter_map(|run| run.get("max_ms")?.as_f64());
        (!runs.is_empty()).then(|| Self {
            of: of.to_owned(),
            count: runs.iter().filter_map(|run| count(run)).sum(),
            runs: runs.len(),
            quantiles: told.into_iter().filter_map(spread).collect(),
            max_ms: Spread::of(longest),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn latency(runs: &[Value]) -> Option<Latency> {
        Latency::of_runs("delivery", runs.iter().filter_map(Value::as_object))
    }

    #[test]
    fn a_quantile_is_read_from_its_name() {
        for (name, millionths, percent) in [
            ("p10_ms", 100_000, "10"),
            ("p50_ms", 500_000, "50"),
            ("p99_ms", 990_000, "99"),
            ("p999_ms", 999_000, "99.9"),
            ("p9999_ms", 999_900, "99.99"),
        ] {
            let quantile = Quantile::parse(name).expect(name);
            assert_eq!(quantile, Quantile::of_millionths(millionths));
            assert_eq!(quantile.percent(), percent);
        }
        for other in [
            "p_ms",
            "p5_ms",
            "mean_ms",
            "p50",
            "p-9_ms",
            "p+9_ms",
            "p1234567_ms",
        ] {
            assert_eq!(Quantile::parse(other), None, "{other}");
        }
        assert!((Quantile::of_millionths(990_000).nines() - 2.0).abs() < 1e-9);
    }

    #[test]
    fn a_curve_is_the_middle_of_its_runs() {
        let run =
            |p50: f64, p99: f64| json!({"count": 200, "p50_ms": p50, "p99_ms": p99, "max_ms": 9});
        let found = latency(&[run(1.0, 4.0), run(3.0, 5.0), run(2.0, 9.0)]).expect("latencies");
        let at = |millionths| found.quantiles[&Quantile::of_millionths(millionths)];
        assert_eq!((at(500_000).median, at(990_000).max), (2.0, 9.0));
        assert_eq!((found.count, found.runs), (600, 3));
    }

    #[test]
    fn few_latencies_say_nothing_about_what_is_rare() {
        let run = json!({"count": 20, "p50_ms": 1.0, "p95_ms": 2.0, "p99_ms": 2.0, "max_ms": 2.0});
        let found = latency(&[run]).expect("latencies");
        let told: Vec<String> = found.quantiles.keys().map(|q| q.percent()).collect();
        assert_eq!(told, ["50", "95"]);
        assert_eq!(latency(&[json!({"count": 0, "p50_ms": 0.0})]), None);
        assert_eq!(latency(&[]), None);
    }
}
