//! Direct messages from the command line.

mod asking;
mod listening;
mod sending;

use serde_json::Value;

use super::{Going, ok, run, said_well, say};
use crate::support::binary::Binary;

/// A client is known from the first time that its token is shown.
fn make_known(server: &Binary, clients: &[&str]) {
    for client in clients {
        said_well(server, client, &["inbox"]);
    }
}

/// Sends, and returns the message's id.
#[track_caller]
fn send(server: &Binary, from: &str, to: &str, text: &str) -> String {
    said_well(server, from, &["send", to, text])
        .trim_end()
        .to_owned()
}

/// The stages of a message's way to its only recipient.
#[track_caller]
fn stages(server: &Binary, sender: &str, id: &str) -> Vec<String> {
    let shown = ok(server, sender, &["message", "show", id]);
    let steps = shown["recipients"][0]["history"].as_array();
    let stage = |step: &Value| step["stage"].as_str().expect("a stage").to_owned();
    steps.expect("a history").iter().map(stage).collect()
}
