//! Direct messages, and what becomes of them, in words.

use bridge_core::message::{MessageKind, Priority, Recipients, Stage};
use serde_json::{Value, json};

use super::{Hue, Paint, time_of_day, visible, visible_lines, width};
use crate::client::MessageFacts;
use crate::wire::frame::{Message, ReceiptBody};

/// What stands before the second line of a text.
const INDENT: &str = "          ";

/// What a message says, safe to show: its text, or its payload as JSON. Lines after the first begin
/// with `indent`.
#[must_use]
pub fn body(message: &MessageFacts, indent: &str) -> String {
    said(message.text.as_deref(), message.payload.as_ref(), indent)
}

fn said(text: Option<&str>, payload: Option<&Value>, indent: &str) -> String {
    match (text, payload) {
        (Some(text), _) => visible_lines(text, indent),
        (None, payload) => visible(&payload.unwrap_or(&Value::Null).to_string()),
    }
}

/// The first line of what a message says, and no more columns than this.
#[must_use]
pub fn first_line(message: &MessageFacts, columns: usize) -> String {
    match &message.text {
        Some(text) => first_words(text, columns),
        None => first_words(&body(message, ""), columns),
    }
}

/// The first line of a text, and no more columns than this.
#[must_use]
pub fn first_words(text: &str, columns: usize) -> String {
    const MORE: &str = " …";
    let all = text.trim_end();
    let line = all.lines().next().unwrap_or_default();
    let mut used = 0;
    let mut shown = String::new();
    for c in line.chars() {
        let c = visible(&c.to_string());
        used += width(&c);
        if used > columns {
            return shown + MORE;
        }
        shown.push_str(&c);
    }
    if all.lines().nth(1).is_some() {
        shown.push_str(MORE);
    }
    shown
}

/// A message that came, on one line, or on more when somebody said more:
/// `08:15:30  ravi msg_… [priority 3]: text`.
#[must_use]
pub fn message_line(message: &Message, paint: Paint) -> String {
    let from = paint.hue(Hue::of(&message.from), &visible(&message.from));
    let mut beside = String::new();
    if matches!(&message.to, Recipients::All) || message.to.named().len() > 1 {
        beside.push_str(&format!(" → {}", message.to));
    }
    beside.push_str(&format!(" {}", message.id));
    if let Some(answered) = message.reply_to {
        beside.push_str(&format!(" ↳ {answered}"));
    }
    let marks = marks(message);
    if !marks.is_empty() {
        beside.push_str(&format!(" [{}]", marks.join(", ")));
    }
    format!(
        "{}  {from}{}: {}",
        paint.dim(&time_of_day(&message.at)),
        paint.dim(&beside),
        said(message.text.as_deref(), message.payload.as_ref(), INDENT),
    )
}

/// What is not as usual with a message.
fn marks(message: &Message) -> Vec<String> {
    let mut marks = Vec::new();
    if message.kind != MessageKind::Message {
        marks.push(message.kind.to_string());
    }
    if message.priority != Priority::default() {
        marks.push(format!("priority {}", message.priority.get()));
    }
    if let Some(attempt @ 2..) = message.attempt {
        marks.push(format!("attempt {attempt}"));
    }
    match (&message.deadline, message.expects_reply) {
        (Some(by), true) => marks.push(format!("wants an answer by {}", time_of_day(by))),
        (None, true) => marks.push("wants an answer".to_owned()),
        (_, false) => {}
    }
    marks
}

/// A message as JSON, as the server sent it.
#[must_use]
pub fn message_json(message: &Message) -> Value {
    typed("message", json!(message))
}

/// What became of a message, on one line: `08:15:31  msg_…: seen by ravi`.
#[must_use]
pub fn receipt_line(receipt: &ReceiptBody, paint: Paint) -> String {
    let because = receipt.reason.as_deref().map(visible);
    let because = because.map(|why| format!(": {why}")).unwrap_or_default();
    let words = match receipt.stage {
        Stage::Stored => "stored for",
        Stage::Delivered => "delivered to",
        Stage::Seen => "seen by",
        Stage::Done => "done by",
        Stage::Expired => "expired with",
        Stage::Dead => "dead with",
    };
    let line = format!("{}: {words} {}{because}", receipt.id, receipt.by);
    format!(
        "{}  {}",
        paint.dim(&time_of_day(&receipt.at)),
        paint.dim(&line)
    )
}

/// The same as JSON, as the server sent it.
#[must_use]
pub fn receipt_json(receipt: &ReceiptBody) -> Value {
    typed("receipt", json!(receipt))
}

fn typed(kind: &str, mut fields: Value) -> Value {
    fields["type"] = json!(kind);
    fields
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "msg_00000000000000000000000000000001";

    fn message(fields: Value) -> Value {
        let mut message = json!({
            "id": ID, "seq": 4, "from": "ravi", "to": "maya", "kind": "message", "priority": 1,
            "trace": "tr_00000000000000000000000000000007.0", "at": "2026-11-22T08:15:30.250Z",
            "expires_at": "2026-11-29T08:15:30.250Z", "attempt": 1,
        });
        for (name, value) in fields.as_object().expect("an object") {
            message[name] = value.clone();
        }
        message
    }

    fn line(fields: Value) -> String {
        let message: Message = serde_json::from_value(message(fields)).expect("a message");
        message_line(&message, Paint::new(false))
    }

    #[test]
    fn a_message_is_a_line_that_nobody_can_forge() {
        assert_eq!(
            line(json!({ "text": "hi\u{1b}[2J\n08:15:31  rosa: no" })),
            format!("08:15:30  ravi {ID}: hi␛[2J\n          08:15:31  rosa: no")
        );
        assert_eq!(
            line(json!({ "payload": { "a": "\u{9b}" } })),
            format!("08:15:30  ravi {ID}: {{\"a\":\"\\u{{9b}}\"}}")
        );
    }

    #[test]
    fn what_is_unusual_is_said() {
        let fields = json!({
            "text": "x", "to": "all", "kind": "command", "priority": 3, "attempt": 2,
            "expects_reply": true, "deadline": "2026-11-22T08:17:30.250Z", "reply_to": ID,
        });
        let marks = "[command, priority 3, attempt 2, wants an answer by 08:17:30]";
        let expected = format!("08:15:30  ravi → all {ID} ↳ {ID} {marks}: x");
        assert_eq!(line(fields), expected);
        let several = line(json!({ "text": "x", "to": ["maya", "rosa"] }));
        assert!(several.contains("ravi → maya, rosa"), "{several}");
    }

    #[test]
    fn a_first_line_is_short() {
        let first = |fields: Value, columns| {
            let facts = serde_json::from_value(message(fields)).expect("a message");
            first_line(&facts, columns)
        };
        assert_eq!(first(json!({ "text": "abc\n" }), 3), "abc");
        assert_eq!(first(json!({ "text": "abc\nd" }), 3), "abc …");
        assert_eq!(first(json!({ "text": "abcd" }), 3), "abc …");
        assert_eq!(first(json!({ "text": "日本\u{1b}" }), 5), "日本␛");
        assert_eq!(first(json!({ "payload": [1] }), 9), "[1]");
    }

    #[test]
    fn a_receipt_says_with_whom_and_why() {
        let receipt: ReceiptBody = serde_json::from_value(json!({
            "id": ID, "stage": "expired", "by": "ravi", "at": "2026-11-22T08:15:30.250Z",
            "reason": "no_reply",
        }))
        .expect("a receipt");
        let line = receipt_line(&receipt, Paint::new(false));
        assert_eq!(line, format!("08:15:30  {ID}: expired with ravi: no_reply"));
        let expected = json!({
            "type": "receipt", "id": ID, "stage": "expired", "by": "ravi",
            "at": "2026-11-22T08:15:30.250Z", "reason": "no_reply",
        });
        assert_eq!(receipt_json(&receipt), expected);
    }
}
