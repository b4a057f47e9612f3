//! A page of events as JSON.

use bridge_core::event::Envelope;
use bridge_core::ports::ThreadPost;
use bridge_core::{Epoch, Seq};
use serde::Serialize;

use super::{event, json};

/// What a page says besides its items.
#[derive(Debug, Serialize)]
pub struct ListFacts {
    /// Go on after this one.
    pub next: Option<Seq>,
    /// Go back before this one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub previous: Option<Seq>,
    /// Which life of the log it is.
    pub epoch: Epoch,
    /// Whether this is everything since the cursor.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub complete: Option<bool>,
}

/// The JSON text of a page: the same objects as the events of a session.
#[must_use]
pub fn list_text(items: &[Envelope], facts: &ListFacts) -> Vec<u8> {
    let mut text = b"{\"items\":[".to_vec();
    for (place, envelope) in items.iter().enumerate() {
        if place > 0 {
            text.push(b',');
        }
        text.extend_from_slice(event(envelope).as_bytes());
    }
    text.extend_from_slice(b"],");
    text.extend_from_slice(&json(facts)[1..]);
    text
}

/// The JSON text of a page of a thread: the events that posted its messages, each with its depth.
#[must_use]
pub fn thread_page_text(items: &[ThreadPost], next: Option<Seq>) -> Vec<u8> {
    #[derive(Serialize)]
    struct Rest {
        next: Option<Seq>,
    }
    let mut text = b"{\"items\":[".to_vec();
    for (place, item) in items.iter().enumerate() {
        if place > 0 {
            text.push(b',');
        }
        text.extend_from_slice(&event(&item.post).thread_text(item.depth));
    }
    text.extend_from_slice(b"],");
    text.extend_from_slice(&json(&Rest { next })[1..]);
    text
}
