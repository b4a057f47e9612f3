//! What others wrote, made fit for a terminal.
//!
//! Texts, topics and names come from other clients, which may be confused or hostile. Nothing of
//! them is written raw: [`visible()`] and [`visible_lines`] are the only ways to the screen.

mod decision;
mod event;
mod message;
mod paint;
mod policy;
mod table;
mod timeline;
mod visible;

pub use decision::{decision_outlook, decision_page, names, quoted, state_word, tally_line};
pub use event::{Threads, Told, event_json, event_line, tell};
pub use message::{
    body, first_line, first_words, message_json, message_line, receipt_json, receipt_line,
};
pub use paint::{Hue, Paint};
pub use policy::{policy_page, policy_words, visibility};
pub use table::{pad, table, width};
pub use timeline::{failure_line, timeline};
pub use visible::{json_document, json_line, visible, visible_lines};

#[cfg(test)]
pub(super) use decision::a_decision;

use bridge_core::Timestamp;

use crate::wire::time;

/// An instant of the server for people: `2026-11-22 08:15:30`, in UTC. What is no instant is shown
/// as it is.
#[must_use]
pub fn date_and_time(at: &str) -> String {
    parts(at).map_or_else(|| visible(at), |(date, clock)| format!("{date} {clock}"))
}

/// The time of day of an instant: `08:15:30`, in UTC.
#[must_use]
pub fn time_of_day(at: &str) -> String {
    parts(at).map_or_else(|| visible(at), |(_, clock)| clock)
}

fn parts(at: &str) -> Option<(String, String)> {
    let at: Timestamp = time::from_text(at)?;
    let text = time::to_text(at);
    let (date, clock) = text.split_once('T')?;
    Some((date.to_owned(), clock.get(..8)?.to_owned()))
}

/// `1 message`, `2 messages`.
#[must_use]
pub fn count(n: u64, one: &str) -> String {
    let plural = if n == 1 { "" } else { "s" };
    format!("{n} {one}{plural}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instants_are_short_and_never_raw() {
        assert_eq!(
            date_and_time("2026-11-22T08:15:30.250Z"),
            "2026-11-22 08:15:30"
        );
        assert_eq!(time_of_day("2026-11-22T09:15:30+01:00"), "08:15:30");
        assert_eq!(time_of_day("\u{1b}[2J"), "␛[2J");
    }

    #[test]
    fn things_are_counted() {
        assert_eq!(count(1, "message"), "1 message");
        assert_eq!(count(0, "message"), "0 messages");
    }
}
