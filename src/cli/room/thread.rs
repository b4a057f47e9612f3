//! `agent-bridge room thread`

use super::Context;
use super::args::ThreadArgs;
use super::input::ReplyTo;
use super::messages::message_at;
use super::view::{self, EventPage};
use crate::cli::show::{Paint, Threads, event_line};
use crate::client::ClientError;
use crate::wire::frame::RoomEvent;

/// What stands before a message for each answer above it.
const STEP: &str = "  ";
/// Answers upon answers that are shown by their place: what is deeper stands under this one, or a long
/// conversation would walk out of the terminal.
const STEPS_MAX: u64 = 12;

pub(super) async fn thread(context: &mut Context, args: &ThreadArgs) -> Result<(), ClientError> {
    let rest = &context.connection.rest;
    let id = match args.message {
        ReplyTo::Id(id) => id,
        ReplyTo::Seq(seq) => message_at(rest, &args.room, seq).await?,
    };
    let id = id.to_string();
    let path = ["v1", "rooms", args.room.as_str(), "messages", &id, "thread"];
    let mut query = vec![("limit", args.limit.to_string())];
    query.extend(args.after.map(|after| ("after", after.to_string())));
    let answer = rest.get(&path, &query).await?;
    let page: EventPage = view::read(&answer)?;
    context
        .output
        .answer(&answer, |paint| Ok(human(&page, paint)))?;
    if let Some(next) = page.next
        && !context.output.is_json()
    {
        context
            .output
            .remark(&format!("there is more of it: --after {next}"));
    }
    Ok(())
}

fn human(page: &EventPage, paint: Paint) -> String {
    if page.items.is_empty() {
        return "there is no more of this thread".to_owned();
    }
    let mut threads = Threads::default();
    let mut lines = Vec::new();
    for event in &page.items {
        let indent = STEP.repeat(steps(event));
        let told = event_line(event, &mut threads, paint);
        lines.extend(told.lines().map(|line| format!("{indent}{line}")));
    }
    lines.join("\n")
}

fn steps(event: &RoomEvent) -> usize {
    let depth = event
        .fields
        .get("depth")
        .and_then(serde_json::Value::as_u64);
    let steps = depth.unwrap_or_default().min(STEPS_MAX);
    usize::try_from(steps).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn post(seq: u64, reply_to: Option<u64>, depth: Value) -> Value {
        let id = |n: u64| format!("msg_{n:032}");
        json!({
            "type": "event", "room": "den", "seq": seq, "at": "2026-11-22T08:15:30.250Z",
            "by": "ann", "kind": "posted", "id": id(seq), "channel": "main", "text": "one\ntwo",
            "reply_to": reply_to.map(id), "depth": depth,
        })
    }

    #[test]
    fn answers_stand_under_what_they_answer() {
        let items = [
            post(3, None, json!(0)),
            post(5, Some(3), json!(1)),
            post(6, Some(5), json!(2)),
            post(7, Some(4), json!(900)),
            post(8, None, json!("deep")),
        ];
        let page: EventPage = view::read(&json!({"items": items, "next": null})).expect("a page");
        let text = human(&page, Paint::new(false));
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines[0], "08:15:30  #3     ann [main]: one");
        assert_eq!(lines[1], "                 two");
        assert_eq!(lines[2], "  08:15:30  #5     ann [main] ↳ #3 ann: one");
        assert_eq!(lines[3], "                   two");
        assert_eq!(lines[4], "    08:15:30  #6     ann [main] ↳ #5 ann: one");
        assert!(
            lines[6].starts_with(&format!("{}08:15:30", " ".repeat(24))),
            "{}",
            lines[6]
        );
        assert!(lines[8].starts_with("08:15:30  #8"), "{}", lines[8]);
        let none = EventPage {
            items: Vec::new(),
            next: None,
            previous: None,
        };
        assert!(human(&none, Paint::new(false)).contains("no more"));
    }
}
