//! What a trial found.

use serde::Serialize;
use serde_json::Value;

use super::memory::Memory;

/// Flaws of one kind that are told in words; the others are counted.
const FLAWS_TOLD: usize = 40;

/// What a trial found.
#[derive(Debug, Default, Serialize)]
pub(super) struct Outcome {
    /// How the trial broke things, where there is more than one way.
    pub(super) form: String,
    /// The figures, in the order in which they are shown.
    pub(super) figures: Vec<Figure>,
    /// What did not hold.
    pub(super) flaws: Vec<String>,
    pub(super) flaws_total: usize,
    /// Runs that must fail, to show that the checker can see what it looks for.
    pub(super) controls: Vec<Control>,
    /// Memory of the server.
    pub(super) memory: Option<Memory>,
    /// Why it could not be tried here, if so.
    pub(super) not_run: Option<String>,
}

#[derive(Debug, Serialize)]
pub(super) struct Figure {
    pub(super) name: &'static str,
    pub(super) value: Value,
}

/// A run that must fail.
#[derive(Debug, Serialize)]
pub(super) struct Control {
    pub(super) what: String,
    /// What the checker said of it.
    pub(super) found: String,
    pub(super) has_failed: bool,
}

impl Outcome {
    /// Of a trial that breaks things in this way.
    pub(super) fn new(form: impl Into<String>) -> Self {
        Self {
            form: form.into(),
            ..Self::default()
        }
    }

    /// A trial that came to no end.
    pub(super) fn failed(why: String) -> Self {
        let mut outcome = Self::default();
        outcome.flaw(why);
        outcome
    }

    /// A trial that this machine does not allow.
    pub(super) fn not_run(why: impl Into<String>) -> Self {
        Self {
            not_run: Some(why.into()),
            ..Self::default()
        }
    }

    pub(super) fn figure(&mut self, name: &'static str, value: impl Into<Value>) {
        let value = value.into();
        self.figures.push(Figure { name, value });
    }

    /// A figure that must be nothing.
    pub(super) fn must_be_zero(&mut self, name: &'static str, value: u64) {
        self.figure(name, value);
        if value > 0 {
            self.flaw(format!("{name}: {value}"));
        }
    }

    /// A figure with a bound, in the same unit.
    pub(super) fn at_most(&mut self, name: &'static str, value: f64, bound: f64) {
        self.figure(name, round(value));
        if value > bound || !value.is_finite() {
            self.flaw(format!(
                "{name}: {value:.3}, and at most {bound} is allowed"
            ));
        }
    }

    /// The same for what must not be missed.
    pub(super) fn at_least(&mut self, name: &'static str, value: f64, bound: f64) {
        self.figure(name, round(value));
        if value < bound || !value.is_finite() {
            self.flaw(format!(
                "{name}: {value:.3}, and at least {bound} is wanted"
            ));
        }
    }

    /// Something did not hold.
    pub(super) fn flaw(&mut self, what: impl Into<String>) {
        self.flaws_total += 1;
        if self.flaws.len() < FLAWS_TOLD {
            self.flaws.push(what.into());
        }
    }

    /// A run that had to fail, and whether the checker saw it.
    pub(super) fn control(
        &mut self,
        what: impl Into<String>,
        found: impl Into<String>,
        has_failed: bool,
    ) {
        let control = Control {
            what: what.into(),
            found: found.into(),
            has_failed,
        };
        if !has_failed {
            self.flaw(format!("a control did not fail: {}", control.what));
        }
        self.controls.push(control);
    }

    /// Adds what another part of the trial found.
    pub(super) fn append(&mut self, other: Self) {
        self.figures.extend(other.figures);
        self.flaws_total += other.flaws_total;
        self.flaws.extend(other.flaws);
        self.flaws.truncate(FLAWS_TOLD);
        self.controls.extend(other.controls);
    }

    /// Whether everything held. What was not run neither held nor failed.
    pub(super) fn has_held(&self) -> bool {
        self.flaws_total == 0
    }
}

/// Three digits behind the point are enough for anybody.
fn round(value: f64) -> f64 {
    (value * 1_000.0).round() / 1_000.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_figure_out_of_its_bound_is_a_flaw() {
        let mut outcome = Outcome::new("");
        outcome.must_be_zero("lost", 0);
        outcome.at_most("ratio", 1.9, 2.0);
        outcome.at_least("share", 0.95, 0.95);
        outcome.control("a lie", "lost 3", true);
        assert!(outcome.has_held());
        outcome.must_be_zero("lost", 1);
        outcome.at_most("ratio", 2.1, 2.0);
        outcome.at_most("ratio", f64::NAN, 2.0);
        outcome.at_least("share", 0.94, 0.95);
        outcome.control("a lie", "nothing", false);
        assert_eq!(outcome.flaws_total, 5, "{:?}", outcome.flaws);
        assert!(!outcome.has_held());
        let mut whole = Outcome::new("");
        whole.append(outcome);
        assert_eq!((whole.flaws_total, whole.figures.len()), (5, 7));
        assert!(Outcome::not_run("no such disk").has_held());
        assert!(!Outcome::failed("broke off".to_owned()).has_held());
    }

    #[test]
    fn many_flaws_are_counted_and_few_are_told() {
        let mut outcome = Outcome::new("");
        for number in 0..100 {
            outcome.flaw(number.to_string());
        }
        assert_eq!(
            (outcome.flaws_total, outcome.flaws.len()),
            (100, FLAWS_TOLD)
        );
    }
}
