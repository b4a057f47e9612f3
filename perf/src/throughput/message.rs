//! What a message says, and what is read from the frames about it.

use std::io::Write as _;

use serde::Deserialize;

use crate::frames::{Rare, Rejected, parsed};

/// What stands at the beginning of every text: enough to know which message it is, when it began,
/// and which must have come before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Stamp {
    /// How many its sender had sent then, this one included.
    pub(super) number: u64,
    /// Every message of this sender up to this number must arrive before this one.
    pub(super) after: u64,
    /// When it was sent, or should have been.
    pub(super) due: u64,
}

/// The body of a request. Every text has the same length, whatever its numbers are.
pub(super) fn body(to: &str, stamp: Stamp, text_bytes: usize) -> Vec<u8> {
    let mut out = Vec::with_capacity(text_bytes + 128);
    write(&mut out, format_args!(r#"{{"to":"{to}","text":""#));
    text(&mut out, stamp, text_bytes);
    out
}

/// Writes the frame of the same message.
pub(super) fn frame(out: &mut Vec<u8>, to: &str, key: &str, stamp: Stamp, text_bytes: usize) {
    let number = stamp.number;
    out.clear();
    write(
        out,
        format_args!(r#"{{"type":"send","to":"{to}","key":"{key}","ref":"{number}","text":""#),
    );
    text(out, stamp, text_bytes);
}

/// Writes the frame that confirms a message.
pub(super) fn confirmation(out: &mut Vec<u8>, id: &str) {
    out.clear();
    write(
        out,
        format_args!(r#"{{"type":"ack","id":"{id}","stage":"done"}}"#),
    );
}

fn text(out: &mut Vec<u8>, stamp: Stamp, text_bytes: usize) {
    const PADDING: u8 = b'x';
    let Stamp { number, after, due } = stamp;
    let begin = out.len();
    write(out, format_args!("{number} {after} {due} "));
    out.resize(begin + text_bytes, PADDING);
    out.extend_from_slice(br#""}"#);
}

fn write(out: &mut Vec<u8>, what: std::fmt::Arguments<'_>) {
    out.write_fmt(what)
        .expect("writing to a vector does not fail");
}

/// The stamp of a text.
pub(super) fn stamp(text: &str) -> Option<Stamp> {
    let mut words = text.split(' ');
    let mut number = || words.next()?.parse().ok();
    Some(Stamp {
        number: number()?,
        after: number()?,
        due: number()?,
    })
}

/// A frame from the server, as far as the measurement needs it. Nothing of it is copied.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Incoming<'a> {
    Message(Message<'a>),
    Stored(Stored<'a>),
    /// A message of one's own has been confirmed by its recipient.
    Done,
    Rejected(Rejected),
    /// The server ends the session.
    Bye(String),
    /// Nothing that matters here.
    Other,
}

/// Somebody else's message.
#[derive(Debug, PartialEq, Eq, Deserialize)]
pub(super) struct Message<'a> {
    pub(super) id: &'a str,
    pub(super) from: &'a str,
    pub(super) text: &'a str,
    /// Which attempt to hand it over this is.
    #[serde(default)]
    pub(super) attempt: Option<u32>,
}

/// A message of one's own is durable.
#[derive(Debug, PartialEq, Eq, Deserialize)]
pub(super) struct Stored<'a> {
    #[serde(default, rename = "ref")]
    pub(super) reference: Option<&'a str>,
    pub(super) duplicate: bool,
}

#[derive(Deserialize)]
struct Receipt<'a> {
    stage: &'a str,
}

/// Reads a frame.
pub(super) fn read(frame: &[u8]) -> Result<Incoming<'_>, String> {
    // Our server names the type first. If that changes, nothing arrives, which is noticed.
    let is = |begin: &[u8]| frame.starts_with(begin);
    if is(br#"{"type":"message""#) {
        return parsed(frame).map(Incoming::Message);
    }
    if is(br#"{"type":"stored""#) {
        return parsed(frame).map(Incoming::Stored);
    }
    if is(br#"{"type":"receipt""#) {
        let receipt: Receipt<'_> = parsed(frame)?;
        return Ok(match receipt.stage {
            "done" => Incoming::Done,
            _ => Incoming::Other,
        });
    }
    Ok(match parsed(frame)? {
        Rare::Rejected(rejected) => Incoming::Rejected(rejected),
        Rare::Bye(bye) => Incoming::Bye(bye.why()),
        Rare::Other => Incoming::Other,
    })
}

/// What an answer to a request says.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    Stored { duplicate: bool },
    Refused(Rejected),
}

/// Reads the answer to a request.
pub(super) fn verdict(status: u16, body: &[u8]) -> Result<Verdict, String> {
    #[derive(Deserialize)]
    struct Refused {
        error: Rejected,
    }
    if matches!(status, 200 | 201) {
        let stored: Stored<'_> = parsed(body)?;
        return Ok(Verdict::Stored {
            duplicate: stored.duplicate,
        });
    }
    let refused: Refused = parsed(body).map_err(|why| format!("{status}: {why}"))?;
    Ok(Verdict::Refused(refused.error))
}

#[cfg(test)]
mod tests;
