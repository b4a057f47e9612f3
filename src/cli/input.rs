//! What comes from standard input and from files, and JSON in arguments.

use std::fs::File;
use std::io::{self, IsTerminal, Read};

use bridge_core::limits;
use bridge_core::text::{Metadata, Payload};
use serde_json::Value;

use crate::client::ClientError;

/// Bytes of standard input that are read: what is longer can be no message, as a character has at
/// most four bytes.
const STDIN_BYTES_MAX: usize = 4 * limits::TEXT_CHARS_MAX;
/// Bytes of a file with JSON that are read: it may be written with spaces and line breaks, which
/// are not sent.
const JSON_BYTES_MAX: usize = 4 * limits::PAYLOAD_BYTES_MAX;

/// The text of a message, from its argument or from standard input.
///
/// # Errors
/// When there is nothing to read, or it is no text.
pub(super) fn text_or_stdin(given: Option<String>) -> Result<String, ClientError> {
    match given {
        Some(text) if text != "-" => Ok(text),
        None if io::stdin().is_terminal() => Err(ClientError::Input(
            "there is nothing to say: give the text, pipe it in, or write - and end it by Ctrl-D"
                .to_owned(),
        )),
        // The line break at the end belongs to the file, not to the message.
        _ => Ok(standard_input()?.trim_end_matches(['\n', '\r']).to_owned()),
    }
}

/// A text of a file, to the letter: its SHA-256 is the file's.
///
/// # Errors
/// When it cannot be read, is too long, or is no text.
pub(super) fn text_file(path: &str) -> Result<String, ClientError> {
    let unreadable = |why| ClientError::Input(format!("--file {path}: {why}"));
    let file = File::open(path).map_err(unreadable)?;
    let Some(bytes) = at_most(STDIN_BYTES_MAX, file, path)? else {
        let max = limits::TEXT_CHARS_MAX;
        let why = format!("--file {path}: is too long; a text has at most {max} characters");
        return Err(ClientError::Input(why));
    };
    String::from_utf8(bytes)
        .map_err(|_| ClientError::Input(format!("--file {path}: is not text in UTF-8")))
}

/// Standard input, as far as it can be a text that somebody wrote.
///
/// # Errors
/// When it cannot be read, is too long, or is no text.
pub(super) fn standard_input() -> Result<String, ClientError> {
    let Some(bytes) = at_most(STDIN_BYTES_MAX, io::stdin().lock(), "standard input")? else {
        let max = limits::TEXT_CHARS_MAX;
        let why = format!("standard input is too long; a message has at most {max} characters");
        return Err(ClientError::Input(why));
    };
    String::from_utf8(bytes)
        .map_err(|_| ClientError::Input("standard input is not text in UTF-8".to_owned()))
}

/// Everything there is, or nothing when it is more than `max` bytes.
fn at_most(max: usize, from: impl Read, name: &str) -> Result<Option<Vec<u8>>, ClientError> {
    let mut bytes = Vec::new();
    from.take(max as u64 + 1)
        .read_to_end(&mut bytes)
        .map_err(|why| ClientError::Input(format!("{name} cannot be read: {why}")))?;
    Ok((bytes.len() <= max).then_some(bytes))
}

/// The value of `--metadata`: a JSON object.
///
/// # Errors
/// What it must be.
pub(super) fn metadata(json: &str) -> Result<Metadata, ClientError> {
    let invalid = |why: String| ClientError::Input(format!("--metadata {why}"));
    let value: Value =
        serde_json::from_str(json).map_err(|why| invalid(format!("must be JSON: {why}")))?;
    Metadata::try_from(value).map_err(|why| invalid(why.to_string()))
}

/// The value of `--payload`: JSON, or `@` and the file that holds it; `@-` is standard input.
///
/// # Errors
/// What it must be, or why the file cannot be read.
pub(super) fn payload(given: &str) -> Result<Payload, ClientError> {
    let invalid = |why: String| ClientError::Input(format!("--payload {why}"));
    let not_json = |why: serde_json::Error| invalid(format!("must be JSON: {why}"));
    let value: Value = match given.strip_prefix('@') {
        None => serde_json::from_str(given).map_err(not_json)?,
        Some(path) => serde_json::from_slice(&json_file(path)?).map_err(not_json)?,
    };
    if value.is_null() {
        return Err(invalid("must be something; null is nothing".to_owned()));
    }
    Payload::try_from(value).map_err(|why| invalid(why.to_string()))
}

fn json_file(path: &str) -> Result<Vec<u8>, ClientError> {
    let read = match path {
        "-" => at_most(JSON_BYTES_MAX, io::stdin().lock(), "standard input")?,
        path => {
            let unreadable = |why| ClientError::Input(format!("--payload @{path}: {why}"));
            at_most(JSON_BYTES_MAX, File::open(path).map_err(unreadable)?, path)?
        }
    };
    let max = limits::PAYLOAD_BYTES_MAX;
    read.ok_or_else(|| ClientError::Input(format!("--payload must be at most {max} bytes as JSON")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    #[test]
    fn a_given_text_needs_no_standard_input() {
        assert_eq!(text_or_stdin(Some("hi".into())).ok().as_deref(), Some("hi"));
    }

    #[test]
    fn metadata_is_an_object() {
        assert!(metadata(r#"{"a": [1]}"#).is_ok());
        for bad in ["", "{", "[1]", "\"x\""] {
            let why = metadata(bad).expect_err(bad).to_string();
            assert!(why.starts_with("--metadata must be"), "{why}");
        }
    }

    #[test]
    fn a_payload_is_any_json_here_or_in_a_file() {
        for good in [r#"{"a": 1}"#, "[1]", "7", "\"x\"", "false"] {
            assert!(payload(good).is_ok(), "{good}");
        }
        let mut file = tempfile::NamedTempFile::new().expect("a temporary file");
        write!(file, "{{\n  \"a\": 1\n}}\n").expect("it can be written");
        let path = format!("@{}", file.path().display());
        let there = payload(&path).expect("it is read");
        assert_eq!(there, payload(r#"{"a":1}"#).expect("the same"));
        for (bad, part) in [
            ("", "must be JSON"),
            ("{", "must be JSON"),
            ("null", "null is nothing"),
            ("@", "--payload @"),
            ("@/no/such/file", "@/no/such/file"),
        ] {
            let why = payload(bad).expect_err(bad).to_string();
            assert!(why.contains(part), "{bad}: {why}");
        }
    }

    #[test]
    fn a_file_is_read_to_the_letter() {
        let mut file = tempfile::NamedTempFile::new().expect("a temporary file");
        write!(file, "one\n\u{5b57}\n").expect("it can be written");
        let path = file.path().display().to_string();
        assert_eq!(text_file(&path).ok().as_deref(), Some("one\n字\n"));
        file.write_all(&[0xff]).expect("it can be written");
        for (bad, part) in [(path.as_str(), "UTF-8"), ("/no/such/file", "/no/such/file")] {
            let why = text_file(bad).expect_err(bad).to_string();
            assert!(why.starts_with("--file ") && why.contains(part), "{why}");
        }
    }

    #[test]
    fn too_much_is_not_read() {
        assert_eq!(
            at_most(3, &b"abc"[..], "x").ok(),
            Some(Some(b"abc".to_vec()))
        );
        assert_eq!(at_most(3, &b"abcd"[..], "x").ok(), Some(None));
    }
}
