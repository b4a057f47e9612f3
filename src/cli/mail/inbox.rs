//! `agent-bridge inbox`

use bridge_core::Timestamp;
use bridge_core::message::AckStage;
use bridge_core::ports::Clock;
use serde::Deserialize;
use std::time::Duration;

use super::args::InboxArgs;
use crate::cli::context::{self, Context};
use crate::cli::lasting;
use crate::cli::show::{Paint, first_line, table, visible};
use crate::client::{ClientError, MessageFacts};
use crate::system::SystemClock;
use crate::wire::time;

/// Columns of the first line of a text: with what stands before it, a wide terminal.
const TEXT_COLUMNS: usize = 60;

#[derive(Debug, Deserialize)]
struct Page {
    items: Vec<MessageFacts>,
}

pub(super) async fn inbox(context: &mut Context, args: &InboxArgs) -> Result<(), ClientError> {
    let answer = context.connection.rest.peek(args.limit).await?;
    let page: Page = context::read(&answer)?;
    let now = SystemClock.now();
    context
        .output
        .answer(&answer, |paint| Ok(human(&page.items, now, paint)))?;
    if page.items.len() as u64 >= args.limit && !context.output.is_json() {
        let note = format!(
            "only the first {}; there may be more: --limit N",
            args.limit
        );
        context.output.remark(&note);
    }
    let Some(stage) = args.ack else { return Ok(()) };
    for message in &page.items {
        acknowledge(context, message, stage.into()).await?;
    }
    Ok(())
}

async fn acknowledge(
    context: &Context,
    message: &MessageFacts,
    stage: AckStage,
) -> Result<(), ClientError> {
    let rest = &context.connection.rest;
    match rest.acknowledge(message.id, stage, None).await {
        // Another session of this client was faster, or its time was over a moment ago.
        Err(why) if why.refused_as() == Some("stage_backwards") => {
            context.output.remark(&format!("note: {why}"));
            Ok(())
        }
        outcome => outcome.map(drop),
    }
}

fn human(items: &[MessageFacts], now: Timestamp, paint: Paint) -> String {
    if items.is_empty() {
        return "there is nothing in your mailbox".to_owned();
    }
    let rows: Vec<_> = items.iter().map(|message| row(message, now)).collect();
    table(["AGE", "PRIORITY", "FROM", "ID", "TEXT"], &rows, paint)
}

fn row(message: &MessageFacts, now: Timestamp) -> [String; 5] {
    let at = time::from_text(&message.at);
    // Two machines' clocks differ; nothing is younger than new.
    let age = at.map(|at| u64::try_from(now.as_millis() - at.as_millis()).unwrap_or(0));
    let age = age.map(|millis| lasting::short(Duration::from_millis(millis)));
    [
        age.unwrap_or_else(|| visible(&message.at)),
        message.priority.get().to_string(),
        message.from.clone(),
        message.id.to_string(),
        first_line(message, TEXT_COLUMNS),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn message(n: u8, priority: u8, body: (&str, Value)) -> MessageFacts {
        let mut message = json!({
            "type": "message", "id": format!("msg_{n:032}"), "seq": n, "from": "ravi",
            "to": ["maya", "rosa"], "kind": "message", "priority": priority,
            "at": "2026-11-22T08:15:30.250Z", "expires_at": "2026-11-29T08:15:30.250Z",
        });
        message[body.0] = body.1;
        serde_json::from_value(message).expect("a message")
    }

    #[test]
    fn what_waits_is_a_table() {
        let items = [
            message(1, 3, ("text", json!("Stop!\nNow."))),
            message(2, 1, ("payload", json!({ "task": 7, "esc": "\u{1b}" }))),
        ];
        let now = time::from_text("2026-11-22T10:15:31Z").expect("a time");
        let text = human(&items, now, Paint::new(false));
        let expected = "\
AGE  PRIORITY  FROM  ID                                    TEXT
2h   3         ravi  msg_00000000000000000000000000000001  Stop! …
2h   1         ravi  msg_00000000000000000000000000000002  {\"esc\":\"\\u001b\",\"task\":7}";
        assert_eq!(text, expected);
        let early = time::from_text("2026-11-22T08:00:00Z").expect("a time");
        assert_eq!(row(&items[0], early)[0], "0s");
        assert!(human(&[], now, Paint::new(false)).contains("nothing"));
    }
}
