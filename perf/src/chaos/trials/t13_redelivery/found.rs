//! What a receiver found.

use std::collections::BTreeMap;

use agent_bridge::client::message::Step;

/// What it found.
#[derive(Debug, Default)]
pub(super) struct Found {
    /// How each attempt may have ended.
    pub(super) endings: BTreeMap<u32, &'static [&'static str]>,
    /// Each time that it got the message again: how long after that was due.
    pub(super) late: Vec<u64>,
    pub(super) wrong_attempts: u64,
    /// It was handed over to the next session before the one before was known to have ended.
    pub(super) overlaps: u64,
    pub(super) strangers: u64,
    /// What it did and saw, for whoever has to find out why.
    pub(super) diary: Vec<String>,
    /// It never came again: where that was.
    pub(super) lost: Option<String>,
}

/// Whether a step is an attempt that brings the message nearer to its end.
pub(super) fn counts(step: &Step) -> bool {
    let is_nobodys = matches!(
        step.reason.as_deref(),
        Some("server_restarted" | "call_lost")
    );
    step.stage == "returned" && !is_nobodys
}
