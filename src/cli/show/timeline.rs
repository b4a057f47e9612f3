//! A message's way, step by step.

use bridge_core::message::{MessageKind, Priority, Stage};

use super::message::body;
use super::{Hue, Paint, date_and_time, pad, visible};
use crate::client::MessageFacts;
use crate::client::message::{FailureFacts, RecipientFacts, Step};

/// Columns of a stage: `delivered`.
const STAGE_COLUMNS: usize = 9;
/// Columns of a time.
const TIME_COLUMNS: usize = 19;

/// What stands before an attempt of a message that is dead.
const INDENT: &str = "      ";
/// What stands before each line of what was said: no text can look like a line of ours.
const QUOTE: &str = "│ ";

/// A message, and what became of it with each recipient:
///
/// ```text
/// ravi  done after 1 attempt
///   2026-11-22 08:15:30  stored
///   2026-11-22 08:15:30  delivered  attempt 1, to a session, to be confirmed until …
///   2026-11-22 08:15:31  seen
///   2026-11-22 08:15:40  done       answered by msg_…
/// ```
#[must_use]
pub fn timeline(message: &MessageFacts, paint: Paint) -> String {
    let mut lines = head(message, paint);
    lines.push(format!("{QUOTE}{}", body(message, QUOTE)));
    if message.recipients.is_empty() {
        lines.push(String::new());
        let why = "a message to all has no stages; the server keeps a cursor for each client";
        lines.push(paint.dim(why));
    }
    for way in &message.recipients {
        lines.push(String::new());
        lines.extend(way_lines(way, paint));
    }
    lines.join("\n")
}

fn head(message: &MessageFacts, paint: Paint) -> Vec<String> {
    let from = paint.hue(Hue::of(&message.from), &visible(&message.from));
    let id = paint.bold(&message.id.to_string());
    let mut marks = Vec::new();
    if message.kind != MessageKind::Message {
        marks.push(message.kind.to_string());
    }
    if message.priority != Priority::default() {
        marks.push(format!("priority {}", message.priority.get()));
    }
    if let Some(answered) = message.reply_to {
        marks.push(format!("answers {answered}"));
    }
    match (&message.deadline, message.expects_reply) {
        (Some(by), true) => marks.push(format!("wants an answer by {}", date_and_time(by))),
        (None, true) => marks.push("wants an answer".to_owned()),
        (_, false) => {}
    }
    marks.push(format!("expires {}", date_and_time(&message.expires_at)));
    vec![
        format!("{id}  {from} → {}", message.to),
        paint.dim(&format!("{} (UTC)", marks.join(" · "))),
    ]
}

/// The steps of one recipient, under the stage that was reached.
fn way_lines(way: &RecipientFacts, paint: Paint) -> Vec<String> {
    let stage = way.stage.to_string();
    let stage = match way.stage {
        Stage::Done => paint.good(&stage),
        Stage::Expired | Stage::Dead => paint.bad(&stage),
        Stage::Stored | Stage::Delivered | Stage::Seen => stage,
    };
    let mut facts = String::new();
    match way.attempts {
        0 => {}
        1 => facts.push_str(" after 1 attempt"),
        n => facts.push_str(&format!(" after {n} attempts")),
    }
    if let Some(why) = &way.reason {
        facts.push_str(&format!(": {}", reason(why)));
    }
    let client = paint.hue(Hue::of(&way.client), &visible(&way.client));
    let mut lines = vec![format!("{client}  {stage}{}", paint.dim(&facts))];
    for step in &way.history {
        lines.push(step_line(step, paint));
        lines.extend(step.failures.iter().map(|f| failure_line(f, INDENT, paint)));
    }
    lines
}

fn step_line(step: &Step, paint: Paint) -> String {
    let mut words = Vec::new();
    if let Some(attempt) = step.attempt {
        words.push(format!("attempt {attempt}"));
    }
    match step.via.as_deref() {
        Some("session") => words.push("to a session".to_owned()),
        Some("call") => words.push("by a call".to_owned()),
        Some(other) => words.push(visible(other)),
        None => {}
    }
    if let Some(until) = &step.until {
        words.push(format!("to be confirmed until {}", date_and_time(until)));
    }
    let detail = step.detail.as_deref();
    if let Some(why) = step.reason.as_deref() {
        words.push(because(why, detail));
    }
    if let Some(not_before) = &step.not_before {
        words.push(format!("again from {} on", date_and_time(not_before)));
    }
    if let Some(reply) = step.reply {
        words.push(format!("answered by {reply}"));
    }
    let at = paint.dim(&pad(&date_and_time(&step.at), TIME_COLUMNS));
    let stage = pad(&visible(&step.stage), STAGE_COLUMNS);
    let line = format!("  {at}  {stage}  {}", paint.dim(&words.join(", ")));
    line.trim_end().to_owned()
}

/// An attempt that failed: `1  2026-11-22 08:15:30  its lease was over`.
#[must_use]
pub fn failure_line(failure: &FailureFacts, indent: &str, paint: Paint) -> String {
    let FailureFacts {
        attempt,
        at,
        reason,
        detail,
    } = failure;
    let why = because(reason, detail.as_deref());
    let at = paint.dim(&date_and_time(at));
    format!("{indent}{attempt}  {at}  {why}")
}

fn because(why: &str, detail: Option<&str>) -> String {
    let detail = detail.map(|detail| format!(": {}", visible(detail)));
    format!("{}{}", reason(why), detail.unwrap_or_default())
}

/// The protocol's words for why something ended, as people say it.
fn reason(word: &str) -> String {
    let words = match word {
        "failed" => "its recipient said that it failed",
        "lease_expired" => "its lease was over",
        "connection_lost" => "the connection was lost",
        "not_confirmed" => "its recipient called again without confirming it",
        "server_restarted" => "the server began anew, which does not count",
        "ttl" => "nobody confirmed it in time",
        "seen" => "it was seen and never finished",
        "no_reply" => "no answer came in time",
        "attempts" => "every attempt failed",
        other => return visible(other),
    };
    words.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    const ID: &str = "msg_00000000000000000000000000000001";
    const REPLY: &str = "msg_00000000000000000000000000000002";

    fn at(second: u32) -> String {
        format!("2026-11-22T08:15:{second:02}.250Z")
    }

    fn shown(recipients: Value) -> String {
        let message = json!({
            "id": ID, "from": "maya", "to": ["ravi", "rosa"], "text": "Is it\ndone?",
            "kind": "message", "priority": 3, "reply_to": null, "expects_reply": true,
            "deadline": "2026-11-22T08:17:30.250Z", "at": at(30), "metadata": null,
            "trace": "tr_00000000000000000000000000000007.0",
            "expires_at": "2026-11-29T08:15:30.250Z", "recipients": recipients,
        });
        let message = serde_json::from_value(message).expect("a message");
        timeline(&message, Paint::new(false))
    }

    #[test]
    fn every_step_has_its_time_and_reason() {
        let answered = json!({
            "client": "ravi", "stage": "done", "at": at(40), "attempts": 1, "history": [
                { "stage": "stored", "at": at(30) },
                { "stage": "delivered", "at": at(30), "attempt": 1, "via": "session",
                    "until": "2026-11-22T08:20:30.250Z" },
                { "stage": "seen", "at": at(31) },
                { "stage": "done", "at": at(40), "reply": REPLY },
            ],
        });
        let failure = json!({
            "attempt": 1, "at": at(50), "reason": "failed", "detail": "no\u{1b}"
        });
        let dead = json!({
            "client": "rosa", "stage": "dead", "at": at(50), "attempts": 2, "reason": "attempts",
            "history": [
                { "stage": "stored", "at": at(30) },
                { "stage": "returned", "at": at(35), "attempt": 1, "reason": "connection_lost",
                    "not_before": at(37) },
                { "stage": "dead", "at": at(50), "reason": "attempts", "failures": [failure] },
            ],
        });
        let expected = format!(
            "\
{ID}  maya → ravi, rosa
priority 3 · wants an answer by 2026-11-22 08:17:30 · expires 2026-11-29 08:15:30 (UTC)
│ Is it
│ done?

ravi  done after 1 attempt
  2026-11-22 08:15:30  stored
  2026-11-22 08:15:30  delivered  attempt 1, to a session, to be confirmed until 2026-11-22 08:20:30
  2026-11-22 08:15:31  seen
  2026-11-22 08:15:40  done       answered by {REPLY}

rosa  dead after 2 attempts: every attempt failed
  2026-11-22 08:15:30  stored
  2026-11-22 08:15:35  returned   attempt 1, the connection was lost, again from 2026-11-22 08:15:37 on
  2026-11-22 08:15:50  dead       every attempt failed
      1  2026-11-22 08:15:50  its recipient said that it failed: no␛"
        );
        assert_eq!(shown(json!([answered, dead])), expected);
    }

    #[test]
    fn a_message_to_all_says_why_it_has_no_stages() {
        assert!(shown(json!([])).ends_with("a cursor for each client"));
    }
}
