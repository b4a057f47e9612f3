//! Where a number lies on an axis, and which numbers are written beside it.

/// From the smallest to the largest number that is shown.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Axis {
    /// From nothing to this number.
    Linear(f64),
    /// From one power of ten to another.
    Powers(i32, i32),
}

impl Axis {
    /// From nothing to what is round and not below any of these.
    pub(super) fn linear(numbers: impl IntoIterator<Item = f64>) -> Self {
        let largest = numbers.into_iter().fold(0.0, f64::max);
        if largest <= 0.0 {
            return Self::Linear(1.0);
        }
        let step = step(largest);
        Self::Linear((largest / step).ceil() * step)
    }

    /// Between the powers of ten around these; what is not above nothing is left out.
    pub(super) fn powers(numbers: impl IntoIterator<Item = f64>) -> Self {
        let all = numbers.into_iter().filter(|number| *number > 0.0);
        let (low, high) = all.fold((f64::INFINITY, 0.0_f64), |(low, high), number| {
            (low.min(number), high.max(number))
        });
        if high <= 0.0 {
            return Self::Powers(0, 1);
        }
        let from = low.log10().floor() as i32;
        Self::Powers(from, (high.log10().ceil() as i32).max(from + 1))
    }

    /// From 0, the smallest, to 1, the largest.
    pub(super) fn place(self, number: f64) -> f64 {
        let place = match self {
            Self::Linear(to) => number / to,
            Self::Powers(..) if number <= 0.0 => 0.0,
            Self::Powers(from, to) => (number.log10() - f64::from(from)) / f64::from(to - from),
        };
        place.clamp(0.0, 1.0)
    }

    /// What is written beside it.
    pub(super) fn ticks(self) -> Vec<f64> {
        match self {
            Self::Linear(to) => {
                let step = step(to);
                let count = (to / step).round() as u32;
                (0..=count).map(|n| f64::from(n) * step).collect()
            }
            Self::Powers(from, to) => (from..=to).map(|power| 10_f64.powi(power)).collect(),
        }
    }
}

/// One, two or five times a power of ten, of which four to ten fit into this.
fn step(largest: f64) -> f64 {
    const STEPS_MIN: f64 = 4.0;
    let power = 10_f64.powf((largest / STEPS_MIN).log10().floor());
    let fits = |times: &f64| largest / (times * power) >= STEPS_MIN;
    let times = [5.0, 2.0].into_iter().find(fits).unwrap_or(1.0);
    times * power
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_linear_axis_has_round_ticks_up_to_the_largest() {
        assert_eq!(
            Axis::linear([48_821.0, 9.0]).ticks(),
            [0.0, 10_000.0, 20_000.0, 30_000.0, 40_000.0, 50_000.0]
        );
        assert_eq!(Axis::linear([5_000.0]), Axis::Linear(5_000.0));
        for largest in [0.013, 1.0, 7.7, 99.0, 123_456.0] {
            let axis = Axis::linear([largest]);
            let ticks = axis.ticks();
            assert!((5..=11).contains(&ticks.len()), "{largest}: {ticks:?}");
            assert!(ticks[ticks.len() - 1] >= largest * 0.999, "{ticks:?}");
        }
        assert_eq!(Axis::linear([]), Axis::Linear(1.0));
        assert_eq!(Axis::Linear(4.0).place(1.0), 0.25);
    }

    #[test]
    fn an_axis_of_powers_is_around_its_numbers() {
        let axis = Axis::powers([0.4, 96.0, 0.0]);
        assert_eq!(axis, Axis::Powers(-1, 2));
        assert_eq!(axis.ticks(), [0.1, 1.0, 10.0, 100.0]);
        assert!((axis.place(1.0) - 1.0 / 3.0).abs() < 1e-9);
        assert_eq!((axis.place(0.0), axis.place(1e9)), (0.0, 1.0));
        assert_eq!(Axis::powers([1.0]), Axis::Powers(0, 1));
        assert_eq!(Axis::powers([]), Axis::Powers(0, 1));
    }
}
