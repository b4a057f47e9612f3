//! What every session may be told besides what it is there for, and how frames are read.

use serde::Deserialize;

/// What was asked was refused.
#[derive(Debug, PartialEq, Eq, Deserialize)]
pub(crate) struct Rejected {
    pub(crate) code: String,
    #[serde(default, rename = "ref")]
    pub(crate) reference: Option<String>,
    /// When the server wants to be asked again.
    #[serde(default)]
    pub(crate) retry_after_ms: Option<u64>,
}

/// A frame that comes seldom.
#[derive(Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(crate) enum Rare {
    Rejected(Rejected),
    Bye(Bye),
    #[serde(other)]
    Other,
}

/// The server ends the session.
#[derive(Deserialize)]
pub(crate) struct Bye {
    code: u16,
    reason: String,
}

impl Bye {
    /// Why, for people.
    pub(crate) fn why(&self) -> String {
        format!("bye {}: {}", self.code, self.reason)
    }
}

/// Reads JSON.
pub(crate) fn parsed<'a, T: Deserialize<'a>>(frame: &'a [u8]) -> Result<T, String> {
    serde_json::from_slice(frame).map_err(|why| {
        let begin = String::from_utf8_lossy(&frame[..frame.len().min(80)]);
        format!("a frame is not understood: {why}: {begin}")
    })
}
