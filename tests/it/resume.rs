//! Coming back: what was missed, once and in order, and then the news.

mod cursors;
mod far_behind;
mod slow;

use serde_json::{Value, json};

/// The `resume` of a hello.
fn cursor(epoch: &Value, room: &str, seq: u64) -> Value {
    json!({"epoch": epoch, "rooms": {room: seq}})
}

/// The seqs of events.
fn seqs(events: &[Value]) -> Vec<u64> {
    events
        .iter()
        .map(|event| event["seq"].as_u64().expect("a seq"))
        .collect()
}
