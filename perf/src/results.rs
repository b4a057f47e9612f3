//! Results are kept: a list in a JSON file, so that one file can hold those of a day.

use std::path::Path;

use serde::Serialize;
use serde_json::Value;

/// Adds a result to the list in a file.
pub(crate) fn append(file: &Path, result: &impl Serialize) -> Result<(), String> {
    let failed = |why: &dyn std::fmt::Display| format!("{}: {why}", file.display());
    let mut list: Vec<Value> = match std::fs::read(file) {
        Ok(bytes) => serde_json::from_slice(&bytes).map_err(|why| failed(&why))?,
        Err(why) if why.kind() == std::io::ErrorKind::NotFound => Vec::new(),
        Err(why) => return Err(failed(&why)),
    };
    list.push(serde_json::to_value(result).map_err(|why| failed(&why))?);
    let mut text = serde_json::to_string_pretty(&list).map_err(|why| failed(&why))?;
    text.push('\n');
    std::fs::write(file, text).map_err(|why| failed(&why))
}
