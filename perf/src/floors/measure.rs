//! What a measure consists of.

use crate::database::Database;

/// One measure.
#[derive(Debug)]
pub(super) struct Measure {
    pub(super) id: &'static str,
    pub(super) what: &'static str,
    /// The databases that it is made on.
    pub(super) on: On,
    pub(super) figures: &'static [Figure],
}

/// On which databases a measure is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum On {
    /// On each that was asked for.
    Each,
    /// It compares PostgreSQL with SQLite, so both must have been asked for.
    Compared,
}

/// One number of a measure.
#[derive(Debug)]
pub(super) struct Figure {
    pub(super) name: &'static str,
    pub(super) unit: &'static str,
    /// Digits behind the point.
    pub(super) digits: usize,
    pub(super) from: From,
    pub(super) better: Better,
    /// None is nothing that must be reached.
    pub(super) floor: Option<f64>,
    pub(super) goal: Option<f64>,
}

/// Which numbers are the better ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Better {
    More,
    Less,
    /// More, and the worst of all runs is what counts.
    MoreAlways,
}

/// Where a number stands in a result, as a JSON pointer: a number, or a spread of several runs.
#[derive(Debug, Clone, Copy)]
pub(super) struct Source {
    pub(super) load: &'static Load,
    pub(super) pointer: &'static str,
}

/// How a figure is made of what the results say.
#[derive(Debug, Clone, Copy)]
pub(super) enum From {
    /// What it says, times a number.
    Scaled(Source, f64),
    /// One by it.
    Inverse(Source),
    /// It by the median of the other, times a number.
    Ratio(Source, Source, f64),
    /// It on PostgreSQL by its median on SQLite.
    Databases(Source),
}

/// What is run, as on the command line.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Load {
    pub(super) scenario: &'static str,
    pub(super) words: &'static str,
    /// With small numbers, for a test of this program.
    pub(super) quick: &'static str,
    pub(super) repeats: Repeats,
    /// Whether it fills a folder that can be kept.
    pub(super) fills: bool,
}

/// Who repeats it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Repeats {
    /// The scenario, with `--runs` and `--attempts`.
    RunsAndAttempts,
    /// The scenario, with `--runs`.
    Runs,
    /// Nobody: it is begun anew each time.
    Anew,
    /// One measurement consists of many.
    Itself,
}

impl Measure {
    /// What is run for it on each database, each once.
    pub(super) fn loads(&self) -> Vec<&'static Load> {
        let mut loads: Vec<&'static Load> = Vec::new();
        for load in self.figures.iter().flat_map(|figure| figure.from.loads()) {
            if !loads.contains(&load) {
                loads.push(load);
            }
        }
        loads
    }

    /// On which of those that were asked for a number of it is told.
    pub(super) fn told_of(&self, asked: &[Database]) -> Vec<Database> {
        match self.on {
            On::Each => asked.to_vec(),
            On::Compared if asked.len() > 1 => vec![Database::Postgres],
            On::Compared => Vec::new(),
        }
    }
}

impl From {
    /// What it is made of.
    pub(super) fn loads(&self) -> Vec<&'static Load> {
        match self {
            Self::Scaled(source, _) | Self::Inverse(source) | Self::Databases(source) => {
                vec![source.load]
            }
            Self::Ratio(one, other, _) => vec![one.load, other.load],
        }
    }
}
