//! One measurement, as any scenario writes it into a file of results.
//!
//! Nothing here knows the scenarios: what is an object of quantiles is a latency, what has a median
//! is a figure over several runs, and what is a number is a figure of one. So a scenario that is
//! added is in the report without a line here.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::curve::Latency;
use super::found::Found;
use crate::figures::Spread;

/// What the figures depend on besides the load; scenarios without a server have it at the top.
pub(super) const CONDITIONS: [&str; 13] = [
    "date",
    "cpu",
    "cores",
    "kernel",
    "load_average",
    "compiler",
    "profile",
    "note",
    "on",
    "server_version",
    "postgres_version",
    "client_cores",
    "server_cores",
];
/// Of a scenario that has no `load`: what was asked for, not what was found.
pub(super) const LOAD: [&str; 6] = [
    "sessions",
    "seconds",
    "messages",
    "posts",
    "rooms",
    "text_bytes",
];

/// One measurement.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Entry {
    pub(super) scenario: String,
    /// What was asked for, each with its name.
    pub(super) load: Vec<(String, String)>,
    /// On which database.
    pub(super) on: Option<String>,
    pub(super) conditions: BTreeMap<String, String>,
    pub(super) latencies: Vec<Latency>,
    pub(super) figures: BTreeMap<String, Spread>,
    pub(super) errors: BTreeMap<String, u64>,
    pub(super) runs: usize,
}

type Object = Map<String, Value>;

impl Entry {
    /// Reads a measurement.
    ///
    /// # Errors
    /// What is missing.
    pub(super) fn read(measurement: &Value) -> Result<Self, String> {
        let object = measurement.as_object().ok_or("it is not an object")?;
        let scenario = object.get("scenario").and_then(Value::as_str);
        let scenario = scenario.ok_or("it does not say of which scenario it is")?;
        // It becomes part of the name of a file.
        let is_letter = |byte: u8| byte.is_ascii_lowercase() || byte == b'-';
        if scenario.is_empty() || !scenario.bytes().all(is_letter) {
            return Err(format!("{scenario:?} is no scenario"));
        }
        let mut found = Found::default();
        found.look(object, "");
        let conditions = conditions(object);
        let runs = object.get("runs").and_then(Value::as_array);
        Ok(Self {
            scenario: scenario.to_owned(),
            load: load(object),
            on: conditions.get("on").cloned(),
            conditions,
            runs: runs.map_or(1, Vec::len),
            latencies: latencies(object, &found),
            figures: found.figures(),
            errors: found.errors,
        })
    }

    /// What was asked for, in words.
    pub(super) fn load(&self) -> String {
        words(&self.load)
    }

    /// How it is told apart from the others of its scenario: by what is not the same in all, but for
    /// how long it took.
    pub(super) fn label(&self, others: &[&Self]) -> String {
        const LENGTHS: [&str; 2] = ["seconds", "warm up seconds"];
        let differs = |part: &&(String, String)| {
            let is_length = LENGTHS.contains(&part.0.as_str());
            !is_length && others.iter().any(|other| !other.load.contains(part))
        };
        let parts: Vec<_> = self.load.iter().filter(differs).cloned().collect();
        let on = self.on.clone().into_iter();
        let parts = Some(words(&parts)).filter(|parts| !parts.is_empty());
        on.chain(parts).collect::<Vec<_>>().join(", ")
    }
}

fn words(load: &[(String, String)]) -> String {
    let each = load.iter().map(|(name, value)| format!("{name} {value}"));
    each.collect::<Vec<_>>().join(", ")
}

fn conditions(object: &Object) -> BTreeMap<String, String> {
    let nested = object.get("conditions").and_then(Value::as_object);
    let told = nested.unwrap_or(object);
    let mut found: BTreeMap<String, String> = CONDITIONS
        .iter()
        .filter_map(|name| Some((name.to_string(), scalar(told.get(*name)?)?)))
        .collect();
    let sqlite = told
        .get("database")
        .and_then(|file| file["sqlite"].as_str());
    found.extend(sqlite.map(|version| ("sqlite".to_owned(), version.to_owned())));
    let first_run = object.get("runs").and_then(|runs| runs.get(0));
    let disk = object.get("disk").or_else(|| first_run?.get("disk"));
    let disk = disk.and_then(|disk| {
        let (kind, sync) = (disk["file_system"].as_str()?, disk["sync_p50_ms"].as_f64()?);
        Some(format!("{kind}, fdatasync of 4 KiB {sync:.2} ms"))
    });
    found.extend(disk.map(|disk| ("disk".to_owned(), disk)));
    found
}

fn load(object: &Object) -> Vec<(String, String)> {
    let mut load = asked_for(object);
    if object.get("quick") == Some(&Value::Bool(true)) {
        load.push(("quick".to_owned(), "and worth nothing".to_owned()));
    }
    load
}

/// In a closed loop nothing is due, so nothing can be late.
fn latencies(object: &Object, found: &Found<'_>) -> Vec<Latency> {
    let is_closed = object
        .get("load")
        .is_some_and(|load| load["loop"] == "closed");
    let mut latencies = found.latencies();
    latencies.retain(|latency| !(is_closed && latency.of.ends_with("own_delay")));
    latencies
}

fn asked_for(object: &Object) -> Vec<(String, String)> {
    let part = |(name, value): (&str, &Value)| Some((name.replace('_', " "), scalar(value)?));
    match object.get("load").and_then(Value::as_object) {
        Some(load) => {
            let all = load.iter().map(|(name, value)| (name.as_str(), value));
            all.filter_map(part).collect()
        }
        None => {
            let all = LOAD
                .iter()
                .filter_map(|name| Some((*name, object.get(*name)?)));
            all.filter_map(part).collect()
        }
    }
}

fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(_) | Value::Bool(_) => Some(value.to_string()),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
