//! Numbers made of many measurements.

use hdrhistogram::Histogram;
use serde::Serialize;

/// Latencies above this are recorded as this: such a run is broken, and says so elsewhere.
const LATENCY_NANOS_MAX: u64 = 120_000_000_000;
/// Digits of a latency that count: an error of a thousandth.
const DIGITS: u8 = 3;

/// Many latencies.
#[derive(Debug)]
pub(crate) struct Latencies(Histogram<u64>);

/// What is told of many latencies, in milliseconds: enough points to draw the curve again. One that
/// is further out than there are latencies is the longest of them.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub(crate) struct Quantiles {
    pub(crate) count: u64,
    pub(crate) p10_ms: f64,
    pub(crate) p25_ms: f64,
    pub(crate) p50_ms: f64,
    pub(crate) p75_ms: f64,
    pub(crate) p90_ms: f64,
    pub(crate) p95_ms: f64,
    pub(crate) p99_ms: f64,
    pub(crate) p999_ms: f64,
    pub(crate) p9999_ms: f64,
    pub(crate) max_ms: f64,
    pub(crate) mean_ms: f64,
}

impl Latencies {
    pub(crate) fn new() -> Self {
        let histogram = Histogram::new_with_bounds(1, LATENCY_NANOS_MAX, DIGITS)
            .expect("the bounds are constants that the library accepts");
        Self(histogram)
    }

    pub(crate) fn record(&mut self, nanos: u64) {
        self.0.saturating_record(nanos.max(1));
    }

    /// Takes in those of somebody else.
    pub(crate) fn add(&mut self, other: &Self) {
        self.0
            .add(&other.0)
            .expect("both have the same bounds, which are constants");
    }

    /// How many there are.
    pub(crate) fn count(&self) -> u64 {
        self.0.len()
    }

    pub(crate) fn quantiles(&self) -> Quantiles {
        let at = |quantile| millis(self.0.value_at_quantile(quantile) as f64);
        Quantiles {
            count: self.0.len(),
            p10_ms: at(0.1),
            p25_ms: at(0.25),
            p50_ms: at(0.5),
            p75_ms: at(0.75),
            p90_ms: at(0.9),
            p95_ms: at(0.95),
            p99_ms: at(0.99),
            p999_ms: at(0.999),
            p9999_ms: at(0.9999),
            max_ms: millis(self.0.max() as f64),
            mean_ms: millis(self.0.mean()),
        }
    }
}

fn millis(nanos: f64) -> f64 {
    nanos / 1e6
}

/// The middle of several runs, and how far apart they were.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub(crate) struct Spread {
    pub(crate) median: f64,
    pub(crate) min: f64,
    pub(crate) max: f64,
}

impl Spread {
    /// Of at least one number.
    pub(crate) fn of(numbers: impl IntoIterator<Item = f64>) -> Option<Self> {
        let mut sorted: Vec<f64> = numbers.into_iter().collect();
        sorted.sort_by(f64::total_cmp);
        let (min, max) = (*sorted.first()?, *sorted.last()?);
        let (low, high) = (sorted[(sorted.len() - 1) / 2], sorted[sorted.len() / 2]);
        Some(Self {
            median: f64::midpoint(low, high),
            min,
            max,
        })
    }
}

/// The number below which this share of a sorted list lies (nearest rank).
pub(crate) fn rank(sorted: &[f64], quantile: f64) -> Option<f64> {
    let place = (quantile * sorted.len() as f64).ceil() as usize;
    sorted.get(place.saturating_sub(1)).copied()
}

/// A number for people: 54321.9 becomes 54,322.
pub(crate) fn grouped(number: f64) -> String {
    let digits = format!("{:.0}", number.abs());
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    if number <= -0.5 {
        text.insert(0, '-');
    }
    text
}

/// A division that says nothing when there is nothing to divide by.
pub(crate) fn ratio(dividend: f64, divisor: f64) -> Option<f64> {
    (divisor > 0.0).then(|| dividend / divisor)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_exact_to_a_thousandth() {
        let mut latencies = Latencies::new();
        for millis in 1..=1_000 {
            latencies.record(millis * 1_000_000);
        }
        let told = latencies.quantiles();
        for (found, expected) in [
            (told.p10_ms, 100.0),
            (told.p25_ms, 250.0),
            (told.p50_ms, 500.0),
            (told.p75_ms, 750.0),
            (told.p90_ms, 900.0),
            (told.p95_ms, 950.0),
            (told.p99_ms, 990.0),
            (told.p999_ms, 999.0),
            (told.p9999_ms, 1_000.0),
            (told.max_ms, 1_000.0),
            (told.mean_ms, 500.5),
        ] {
            assert!(
                (found - expected).abs() / expected < 0.001,
                "{found} {expected}"
            );
        }
        assert_eq!(told.count, 1_000);
    }

    #[test]
    fn a_latency_out_of_bounds_is_not_lost() {
        let mut latencies = Latencies::new();
        latencies.record(0);
        latencies.record(u64::MAX);
        assert_eq!(latencies.quantiles().count, 2);
        assert!(latencies.quantiles().max_ms >= 120_000.0);
    }

    #[test]
    fn the_median_of_an_even_number_lies_between() {
        let spread = Spread::of([4.0, 1.0, 3.0, 2.0]).unwrap();
        assert_eq!((spread.median, spread.min, spread.max), (2.5, 1.0, 4.0));
        let spread = Spread::of([7.0, 5.0, 6.0]).unwrap();
        assert_eq!((spread.median, spread.min, spread.max), (6.0, 5.0, 7.0));
        assert_eq!(Spread::of([]), None);
    }

    #[test]
    fn ranks_are_numbers_of_the_list() {
        let sorted: Vec<f64> = (1..=200).map(f64::from).collect();
        assert_eq!(rank(&sorted, 0.5), Some(100.0));
        assert_eq!(rank(&sorted, 0.99), Some(198.0));
        assert_eq!(rank(&sorted, 1.0), Some(200.0));
        assert_eq!(rank(&[], 0.5), None);
    }

    #[test]
    fn numbers_are_grouped_for_people() {
        for (number, text) in [
            (0.0, "0"),
            (999.4, "999"),
            (1_000.0, "1,000"),
            (1_234_567.8, "1,234,568"),
            (-1_500.0, "-1,500"),
        ] {
            assert_eq!(grouped(number), text);
        }
    }

    #[test]
    fn nothing_is_divided_by_nothing() {
        assert_eq!(ratio(1.0, 0.0), None);
        assert_eq!(ratio(1.0, 4.0), Some(0.25));
    }
}
