//! One load on one database: the command line, and what comes of it.

use std::ffi::OsString;
use std::fmt;
use std::path::Path;

use clap::Parser as _;

use super::measure::{Load, Repeats};
use super::{Cli, FloorsArgs, Value};
use crate::database::Database;

/// The scenario that measures without a server.
const NO_SERVER: &str = "store";

/// What is run, and how often it is begun.
#[derive(Debug)]
pub(super) struct Plan {
    words: Vec<String>,
    /// What need not be shown each time: where, and of whom.
    setting: Vec<OsString>,
    times: u32,
}

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "perf {}", self.words.join(" "))?;
        match self.times {
            1 => Ok(()),
            times => write!(f, ", {times} times"),
        }
    }
}

impl Plan {
    pub(super) fn of(args: &FloorsArgs, load: &Load, on: Database) -> Self {
        let numbers = if args.quick { load.quick } else { load.words };
        let mut words = vec![load.scenario.to_owned()];
        words.extend(numbers.split_ascii_whitespace().map(str::to_owned));
        words.extend(["--database".to_owned(), on.word().to_owned()]);
        let runs = ["--runs".to_owned(), args.runs.to_string()];
        let attempts = ["--attempts".to_owned(), args.attempts.to_string()];
        let mut times = 1;
        match load.repeats {
            Repeats::RunsAndAttempts => words.extend(runs.into_iter().chain(attempts)),
            Repeats::Runs => words.extend(runs),
            Repeats::Anew => times = args.runs,
            Repeats::Itself => {}
        }
        let mut setting = args.files.words();
        if load.scenario != NO_SERVER {
            setting.extend(args.program.words());
        }
        if let (true, Some(keep)) = (load.fills, &args.keep) {
            let size = if args.quick { "quick" } else { "full" };
            let folder = keep.join(format!("{}-{size}", load.scenario));
            setting.extend(["--keep".into(), folder.into()]);
        }
        Self {
            words,
            setting,
            times,
        }
    }

    /// The results, which are added to the file, if one was named.
    pub(super) async fn carry_out(&self, args: &FloorsArgs) -> Result<Vec<Value>, String> {
        let folder = tempfile::tempdir().map_err(|why| why.to_string())?;
        let file = folder.path().join("results.json");
        for _ in 0..self.times {
            // It is this future's own kind, so it must be elsewhere.
            Box::pin(self.scenario(&file)?.play()).await?;
        }
        let mut found = crate::results::read(&file)?;
        for result in &mut found {
            if let Some(fields) = result.as_object_mut() {
                fields.insert("quick".to_owned(), args.quick.into());
            }
            args.files.keep(result)?;
        }
        Ok(found)
    }

    fn scenario(&self, output: &Path) -> Result<crate::Scenario, String> {
        let words = std::iter::once("perf".into()).chain(self.words.iter().map(OsString::from));
        let words = words.chain(self.setting.iter().cloned());
        let words = words.chain(["--output".into(), output.into()]);
        let cli = Cli::try_parse_from(words).map_err(|why| why.to_string())?;
        Ok(cli.scenario)
    }
}

#[cfg(test)]
mod tests {
    use super::super::measure::Measure;
    use super::super::table::MEASURES;
    use super::*;

    fn floors(words: &[&str]) -> FloorsArgs {
        let all = ["perf", "floors"].iter().chain(words);
        match Cli::try_parse_from(all).expect("good options").scenario {
            crate::Scenario::Floors(args) => args,
            other => panic!("{other:?}"),
        }
    }

    /// What is run in the end must be what that scenario takes, whatever is asked for.
    #[test]
    fn every_command_line_is_one() {
        for words in [
            &["--runs", "5", "--attempts", "9", "--note", "x"][..],
            &[
                "--quick",
                "--keep",
                "k",
                "--data-dir",
                "d",
                "--server",
                "s",
                "--server-cores",
                "0",
            ],
        ] {
            let args = floors(words);
            for load in MEASURES.iter().flat_map(Measure::loads) {
                let plan = Plan::of(&args, load, Database::Postgres);
                let scenario = plan.scenario(Path::new("r.json"));
                assert!(scenario.is_ok(), "{plan}: {}", scenario.unwrap_err());
            }
        }
    }

    #[test]
    fn what_does_not_repeat_itself_is_begun_anew() {
        let args = floors(&["--runs", "4"]);
        let plan = |id: &str| {
            let measure = MEASURES.iter().find(|measure| measure.id == id);
            let load = measure.expect("a measure").loads()[0];
            Plan::of(&args, load, Database::Sqlite).to_string()
        };
        assert!(
            plan("P8").ends_with("--database sqlite, 4 times"),
            "{}",
            plan("P8")
        );
        assert!(
            plan("P7").ends_with("--runs 4 --attempts 1"),
            "{}",
            plan("P7")
        );
        assert!(plan("P9").contains("--runs 10"), "{}", plan("P9"));
    }
}
