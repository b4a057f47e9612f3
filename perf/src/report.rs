//! What files of results say: a report with tables and plots.

mod axis;
mod curve;
mod entry;
mod floors;
mod found;
mod markdown;
mod plot;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use clap::Args;
use serde_json::Value;

use curve::Latency;
use entry::Entry;
use floors::Floors;
use markdown::Image;
use plot::Labelled;

use crate::figures::Spread;

/// Trials have no figures that a table of this kind could hold.
const NOT_HERE: &str = "chaos";
const REPORT_FILE: &str = "report.md";

/// A report with tables and plots, from files of results
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  perf report results.json --output report
  perf report perf/results/2026-11-22-rooms.json perf/results/2026-11-25-floors.json --output report

It writes report.md and its plots, as SVG, into the folder. The same files make the same report. Runs of
`chaos` are left out.")]
pub(crate) struct ReportArgs {
    /// Files that --output of other scenarios has written
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// The folder of the report; it is made if need be
    #[arg(long, value_name = "DIR")]
    output: PathBuf,
}

/// A report: each file's name, and what is in it.
type Written = BTreeMap<String, String>;

/// Does what the command line says. Nothing is written before everything is read.
pub(crate) fn run(args: &ReportArgs) -> Result<(), String> {
    let mut results = Results::default();
    for file in &args.files {
        results.read(file)?;
    }
    if results.count() == 0 {
        return Err("there is no measurement in these files".to_owned());
    }
    let written = results.write();
    let failed = |place: &Path, why: std::io::Error| format!("{}: {why}", place.display());
    fs::create_dir_all(&args.output).map_err(|why| failed(&args.output, why))?;
    for (name, text) in &written {
        let place = args.output.join(name);
        fs::write(&place, text).map_err(|why| failed(&place, why))?;
    }
    println!(
        "{} measurements, in {}",
        results.count(),
        args.output.join(REPORT_FILE).display()
    );
    Ok(())
}

/// What stands in the files.
#[derive(Debug, Default)]
struct Results {
    entries: Vec<Entry>,
    floors: Vec<Floors>,
}

impl Results {
    fn read(&mut self, file: &Path) -> Result<(), String> {
        let failed = |why: &dyn std::fmt::Display| format!("{}: {why}", file.display());
        let bytes = fs::read(file).map_err(|why| failed(&why))?;
        let list: Vec<Value> = serde_json::from_slice(&bytes)
            .map_err(|why| failed(&format!("it is no list of results: {why}")))?;
        for (place, result) in list.iter().enumerate() {
            let added = self.add(result);
            added.map_err(|why| failed(&format!("result {}: {why}", place + 1)))?;
        }
        Ok(())
    }

    fn add(&mut self, result: &Value) -> Result<(), String> {
        match result["scenario"].as_str() {
            Some(NOT_HERE) => {}
            Some(floors::SCENARIO) => self.floors.push(Floors::read(result)?),
            _ => self.entries.push(Entry::read(result)?),
        }
        Ok(())
    }

    fn count(&self) -> usize {
        self.entries.len() + self.floors.len()
    }

    fn write(&self) -> Written {
        let mut groups: BTreeMap<&str, Vec<&Entry>> = BTreeMap::new();
        for entry in &self.entries {
            groups.entry(&entry.scenario).or_default().push(entry);
        }
        let mut sections = Vec::new();
        if !self.floors.is_empty() {
            sections.push(floors::section(&self.floors));
        }
        let mut written = Written::new();
        for (scenario, entries) in groups {
            let plots = plots(scenario, &entries);
            let images: Vec<Image> = plots.iter().map(|(image, _)| image.clone()).collect();
            sections.push(markdown::section(scenario, &entries, &images));
            written.extend(plots.into_iter().map(|(image, text)| (image.file, text)));
        }
        let mut report = "# Results\n".to_owned();
        for section in sections {
            report.push('\n');
            report.push_str(section.trim_end());
            report.push('\n');
        }
        written.insert(REPORT_FILE.to_owned(), report);
        written
    }
}

/// A plot for each kind of latency, and for each rate.
fn plots(scenario: &str, entries: &[&Entry]) -> Vec<(Image, String)> {
    let label = |place: usize| format!("#{} {}", place + 1, entries[place].label(entries));
    let mut latencies: BTreeMap<&str, Vec<Labelled<&Latency>>> = BTreeMap::new();
    let mut rates: BTreeMap<&str, Vec<Labelled<Spread>>> = BTreeMap::new();
    for (place, entry) in entries.iter().enumerate() {
        for shown in &entry.latencies {
            let label = label(place);
            let all = latencies.entry(&shown.of).or_default();
            all.push(Labelled { label, shown });
        }
        let rate = |(name, shown): &(&String, &Spread)| is_rate(name) && shown.max > 0.0;
        for (name, shown) in entry.figures.iter().filter(rate) {
            let (label, shown) = (label(place), *shown);
            let all = rates.entry(name).or_default();
            all.push(Labelled { label, shown });
        }
    }
    let image = |name: &str| Image {
        title: format!("{scenario}: {}", markdown::spaced(name)),
        file: format!("{scenario}-{}.svg", file_word(name)),
    };
    let curves = latencies.iter().map(|(name, all)| {
        let image = image(name);
        let plot = plot::curves(&image.title, all);
        (image, plot)
    });
    let rates = rates.iter().map(|(name, all)| {
        let image = image(name);
        let plot = plot::rates(&image.title, all);
        (image, plot)
    });
    curves.chain(rates).collect()
}

/// Seconds of a processor a second are no rate, whatever they are called.
fn is_rate(name: &str) -> bool {
    name.ends_with("_per_second") && !name.contains("cpu")
}

/// A field's name as part of a file's.
fn file_word(name: &str) -> String {
    let letters = name
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() { c } else { '-' });
    letters.collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn results() -> Results {
        let measured = |scenario: &str, rate: f64| {
            let value = json!({
                "scenario": scenario, "load": {"clients": rate}, "conditions": {"on": "sqlite"},
                "posts_per_second": rate, "server_cpu_seconds_per_second": 1.5,
                "runs": [{"delivery": {"count": 100, "p50_ms": rate, "p99_ms": 2.0 * rate}}],
            });
            Entry::read(&value).expect("a measurement")
        };
        let entries = [("rooms", 2.0), ("fanout", 3.0), ("rooms", 1.0)];
        let entries = entries.map(|(scenario, rate)| measured(scenario, rate));
        Results {
            entries: entries.into(),
            floors: Vec::new(),
        }
    }

    #[test]
    fn every_scenario_has_its_section_and_its_plots() {
        let written = results().write();
        let names: Vec<&str> = written.keys().map(String::as_str).collect();
        assert_eq!(
            names,
            [
                "fanout-delivery.svg",
                "fanout-posts-per-second.svg",
                "report.md",
                "rooms-delivery.svg",
                "rooms-posts-per-second.svg",
            ]
        );
        let report = &written[REPORT_FILE];
        let sections: Vec<&str> = report.lines().filter(|l| l.starts_with("## ")).collect();
        assert_eq!(sections, ["## fanout", "## rooms"]);
        for plot in names.iter().filter(|name| name.ends_with(".svg")) {
            assert!(report.contains(&format!("]({plot})")), "{plot}\n{report}");
        }
        assert!(written["rooms-delivery.svg"].contains("#2 sqlite, clients 1.0"));
        assert_eq!(written, results().write(), "the same again");
    }

    #[test]
    fn no_name_leads_out_of_the_folder() {
        assert_eq!(file_word("../a b/c_d"), "---a-b-c-d");
    }
}
