//! `agent-bridge dead-letters`

use bridge_core::MessageId;
use serde::Deserialize;

use super::args::DeadLettersArgs;
use crate::cli::context::{self, Context};
use crate::cli::show::{Paint, date_and_time, failure_line, visible};
use crate::client::ClientError;
use crate::client::message::FailureFacts;

/// What stands before an attempt.
const INDENT: &str = "  ";

/// A message that was given up.
#[derive(Debug, Deserialize)]
struct Letter {
    id: MessageId,
    from: String,
    to: String,
    at: String,
    failures: Vec<FailureFacts>,
}

pub(super) async fn dead_letters(
    context: &mut Context,
    args: &DeadLettersArgs,
) -> Result<(), ClientError> {
    let path = if args.all {
        &["v1", "admin", "dead-letters"][..]
    } else {
        &["v1", "dead-letters"]
    };
    let rest = &context.connection.rest;
    let answer = rest.list(path, args.limit).await?;
    let letters: Vec<Letter> = context::read(&answer["items"])?;
    let has_more = !answer["next"].is_null();
    context
        .output
        .answer(&answer, |paint| Ok(human(&letters, has_more, paint)))
}

fn human(letters: &[Letter], has_more: bool, paint: Paint) -> String {
    if letters.is_empty() {
        return "there are no dead letters".to_owned();
    }
    let mut text: Vec<_> = letters.iter().map(|letter| shown(letter, paint)).collect();
    if has_more {
        text.push(paint.dim("… and more"));
    }
    text.join("\n")
}

fn shown(letter: &Letter, paint: Paint) -> String {
    let mut lines = vec![format!(
        "{}  {} → {}  {}",
        paint.bold(&letter.id.to_string()),
        visible(&letter.from),
        visible(&letter.to),
        paint.dim(&format!("given up {} UTC", date_and_time(&letter.at))),
    )];
    lines.extend(
        letter
            .failures
            .iter()
            .map(|f| failure_line(f, INDENT, paint)),
    );
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn every_attempt_has_its_reason() {
        let letter = serde_json::from_value(json!({
            "id": "msg_00000000000000000000000000000001", "from": "maya", "to": "ravi",
            "at": "2026-11-22T08:20:30.250Z", "failures": [
                {"attempt": 1, "at": "2026-11-22T08:15:30.250Z", "reason": "lease_expired"},
                {"attempt": 2, "at": "2026-11-22T08:20:30.250Z", "reason": "failed",
                    "detail": "no such\u{1b} branch"},
            ],
        }))
        .expect("a letter");
        let expected = "\
msg_00000000000000000000000000000001  maya → ravi  given up 2026-11-22 08:20:30 UTC
  1  2026-11-22 08:15:30  its lease was over
  2  2026-11-22 08:20:30  its recipient said that it failed: no such␛ branch
… and more";
        assert_eq!(human(&[letter], true, Paint::new(false)), expected);
        assert!(human(&[], false, Paint::new(false)).contains("no dead letters"));
    }
}
