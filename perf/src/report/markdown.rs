//! The report for people: tables by scenario, with what the figures depend on beside them.

use super::curve::{Latency, Quantile};
use super::entry::Entry;
use crate::figures::{Spread, grouped};

/// A plot that stands in the report.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Image {
    pub(super) title: String,
    pub(super) file: String,
}

/// Everything of one scenario. The entries are numbered from 1.
pub(super) fn section(scenario: &str, entries: &[&Entry], images: &[Image]) -> String {
    let mut out = format!("## {scenario}\n\n");
    loads(&mut out, entries);
    latencies(&mut out, entries);
    for image in images {
        line(&mut out, &format!("![{}]({})\n", image.title, image.file));
    }
    figures(&mut out, entries);
    errors(&mut out, entries);
    conditions(&mut out, entries);
    out
}

pub(super) fn line(out: &mut String, what: &str) {
    out.push_str(what);
    out.push('\n');
}

pub(super) fn row(out: &mut String, cells: impl IntoIterator<Item = String>) {
    let cells = cells.into_iter().map(|cell| escaped(&cell));
    let cells: Vec<String> = cells.collect();
    line(out, &format!("| {} |", cells.join(" | ")));
}

pub(super) fn head(out: &mut String, cells: &[String]) {
    row(out, cells.iter().cloned());
    line(out, &format!("|{}", "---|".repeat(cells.len())));
}

fn escaped(cell: &str) -> String {
    cell.replace('\\', "\\\\")
        .replace('|', "\\|")
        .replace('<', "&lt;")
        .replace(['\n', '\r'], " ")
}

pub(super) fn words(all: &[&str]) -> Vec<String> {
    all.iter().map(|&word| word.to_owned()).collect()
}

fn numbered<'a>(entries: &'a [&Entry]) -> impl Iterator<Item = (String, &'a Entry)> {
    let numbers = entries.iter().enumerate();
    numbers.map(|(place, entry)| ((place + 1).to_string(), *entry))
}

fn loads(out: &mut String, entries: &[&Entry]) {
    head(out, &words(&["#", "load", "on", "runs"]));
    for (number, entry) in numbered(entries) {
        let on = entry.on.clone().unwrap_or_default();
        row(out, [number, entry.load(), on, entry.runs.to_string()]);
    }
    out.push('\n');
}

fn latencies(out: &mut String, entries: &[&Entry]) {
    const SHOWN: [u32; 4] = [500_000, 950_000, 990_000, 999_000];
    if entries.iter().all(|entry| entry.latencies.is_empty()) {
        return;
    }
    let shown = SHOWN.map(Quantile::of_millionths);
    line(
        out,
        "Latencies in ms: the median of the runs (lowest to highest). A quantile of which too few \
         latencies tell is left out.\n",
    );
    let mut names = words(&["#", "latency", "of how many"]);
    names.extend(shown.iter().map(|q| format!("p{}", q.percent())));
    names.push("longest".to_owned());
    head(out, &names);
    for (number, entry) in numbered(entries) {
        for latency in &entry.latencies {
            row(out, latency_row(&number, latency, &shown));
        }
    }
    out.push('\n');
}

fn latency_row(number: &str, latency: &Latency, shown: &[Quantile]) -> Vec<String> {
    let cell = |spread: Option<&Spread>| spread.map_or_else(String::new, told);
    let mut cells = vec![
        number.to_owned(),
        spaced(&latency.of),
        grouped(latency.count as f64),
    ];
    cells.extend(shown.iter().map(|q| cell(latency.quantiles.get(q))));
    cells.push(cell(latency.max_ms.as_ref()));
    cells
}

fn figures(out: &mut String, entries: &[&Entry]) {
    let mut names: Vec<&String> = entries.iter().flat_map(|e| e.figures.keys()).collect();
    names.sort_unstable();
    names.dedup();
    if names.is_empty() {
        return;
    }
    let numbers = numbered(entries).map(|(number, _)| format!("#{number}"));
    let first = [String::from("figure")];
    head(out, &first.into_iter().chain(numbers).collect::<Vec<_>>());
    for name in names {
        let cells = entries.iter().map(|entry| entry.figures.get(name));
        let cells = cells.map(|figure| figure.map_or_else(String::new, told));
        row(out, [spaced(name)].into_iter().chain(cells));
    }
    out.push('\n');
}

fn errors(out: &mut String, entries: &[&Entry]) {
    if entries.iter().all(|entry| entry.errors.is_empty()) {
        line(out, "No errors.\n");
        return;
    }
    head(out, &words(&["#", "error", "times"]));
    for (number, entry) in numbered(entries) {
        for (what, times) in &entry.errors {
            row(out, [number.clone(), what.clone(), grouped(*times as f64)]);
        }
    }
    out.push('\n');
}

/// What is the same for all is said once.
fn conditions(out: &mut String, entries: &[&Entry]) {
    let mut names: Vec<&String> = entries.iter().flat_map(|e| e.conditions.keys()).collect();
    names.sort_unstable();
    names.dedup();
    let value = |entry: &Entry, name: &String| entry.conditions.get(name).cloned();
    let is_common = |name: &&String| {
        let mut values = entries.iter().map(|entry| value(entry, name));
        let first = values.next();
        values.all(|other| Some(other) == first)
    };
    let (common, own): (Vec<&String>, Vec<&String>) = names.into_iter().partition(is_common);
    for name in common {
        let value = entries.first().and_then(|entry| value(entry, name));
        let value = escaped(&value.unwrap_or_default());
        line(out, &format!("- {}: {value}", spaced(name)));
    }
    out.push('\n');
    if own.is_empty() {
        return;
    }
    let names = own.iter().map(|name| spaced(name));
    let first = [String::from("#")];
    head(out, &first.into_iter().chain(names).collect::<Vec<_>>());
    for (number, entry) in numbered(entries) {
        let values = own
            .iter()
            .map(|name| value(entry, name).unwrap_or_default());
        row(out, [number].into_iter().chain(values));
    }
    out.push('\n');
}

/// The name of a field for people.
pub(super) fn spaced(name: &str) -> String {
    name.replace('_', " ")
}

pub(super) fn told(spread: &Spread) -> String {
    let Spread { median, min, max } = *spread;
    if min == max {
        return number(median);
    }
    format!("{} ({} to {})", number(median), number(min), number(max))
}

/// Three digits that count, or all before the point.
pub(super) fn number(number: f64) -> String {
    if number.fract() == 0.0 || number.abs() >= 1_000.0 {
        return grouped(number);
    }
    let before = number.abs().log10().floor() as i32;
    let digits = usize::try_from(2 - before).unwrap_or_default();
    let rounded = format!("{number:.*}", digits.min(6));
    if digits == 0 {
        return rounded;
    }
    rounded
        .trim_end_matches('0')
        .trim_end_matches('.')
        .to_owned()
}

#[cfg(test)]
mod tests;
