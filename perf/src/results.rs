//! Results are kept: a list in a JSON file, so that one file can hold those of a day.

use std::path::Path;

use serde::Serialize;
use serde_json::Value;

/// The list in a file; none when there is no such file.
pub(crate) fn read(file: &Path) -> Result<Vec<Value>, String> {
    let failed = |why: &dyn std::fmt::Display| format!("{}: {why}", file.display());
    match std::fs::read(file) {
        Ok(bytes) => serde_json::from_slice(&bytes).map_err(|why| failed(&why)),
        Err(why) if why.kind() == std::io::ErrorKind::NotFound => Ok(Vec::new()),
        Err(why) => Err(failed(&why)),
    }
}

/// Adds a result to the list in a file.
pub(crate) fn append(file: &Path, result: &impl Serialize) -> Result<(), String> {
    let failed = |why: &dyn std::fmt::Display| format!("{}: {why}", file.display());
    let mut list = read(file)?;
    list.push(serde_json::to_value(result).map_err(|why| failed(&why))?);
    let mut text = serde_json::to_string_pretty(&list).map_err(|why| failed(&why))?;
    text.push('\n');
    std::fs::write(file, text).map_err(|why| failed(&why))
}
