//! What was said in a room.

use bridge_core::limits;
use bridge_core::text::MessageText;
use bridge_core::{MessageId, RoomId, Seq};

use serde_json::json;

use super::Context;
use super::args::{HistoryArgs, PostArgs};
use super::input::ReplyTo;
use super::view::{self, EventPage};
use crate::cli::input;
use crate::cli::show::{Paint, Threads, date_and_time, event_line, visible};
use crate::client::{ClientError, NewPost, RestClient};
use crate::wire::frame::RoomEvent;

pub(super) async fn post(context: &mut Context, args: PostArgs) -> Result<(), ClientError> {
    let PostArgs {
        room,
        text,
        channel,
        reply_to,
        metadata,
        key,
    } = args;
    let rest = &context.connection.rest;
    // What the server would refuse is refused here, with a word about which argument it was.
    let text: MessageText = text
        .unwrap_or_default()
        .parse()
        .map_err(|why| ClientError::Input(format!("the text {why}")))?;
    let metadata = metadata.as_deref().map(input::metadata).transpose()?;
    let reply_to = match reply_to {
        None => None,
        Some(ReplyTo::Id(id)) => Some(id),
        Some(ReplyTo::Seq(seq)) => Some(message_at(rest, &room, seq).await?),
    };
    let post = NewPost {
        channel,
        text: text.to_string(),
        reply_to,
        key,
        metadata: metadata.map(|metadata| json!(metadata)),
    };
    let path = ["v1", "rooms", room.as_str(), "messages"];
    let answer = rest.post(&path, &post.fields(), post.key.clone()).await?;
    context.output.answer(&answer, |paint| {
        let event: RoomEvent = view::read(&answer)?;
        let id = visible(event.text("id").unwrap_or_default());
        let again = if event.duplicate {
            "; it was there already, under this key"
        } else {
            ""
        };
        Ok(format!(
            "posted #{} in {room}{again}  {}",
            event.seq,
            paint.dim(&id)
        ))
    })
}

/// The id of the message at a place in the log.
pub(super) async fn message_at(
    rest: &RestClient,
    room: &RoomId,
    seq: Seq,
) -> Result<MessageId, ClientError> {
    let path = ["v1", "rooms", room.as_str(), "messages"];
    let query = [("after", seq.prev().to_string()), ("limit", "1".to_owned())];
    let page: EventPage = view::read(&rest.get(&path, &query).await?)?;
    let message = page.items.iter().find(|event| event.seq == seq);
    let id = message
        .and_then(|event| event.text("id"))
        .and_then(|id| id.parse().ok());
    id.ok_or_else(|| ClientError::Input(format!("the event #{seq} of {room} is no message")))
}

pub(super) async fn history(context: &mut Context, args: &HistoryArgs) -> Result<(), ClientError> {
    debug_assert!(
        args.limit <= limits::PAGE_RECORDS_MAX as u64,
        "as the arguments say"
    );
    let mut query = vec![("limit", args.limit.to_string())];
    if let Some(channel) = &args.channel {
        query.push(("channel", channel.to_string()));
    }
    if let Some(before) = args.before {
        query.push(("before", before.to_string()));
    }
    if let Some(after) = args.after {
        query.push(("after", after.to_string()));
    }
    let path = ["v1", "rooms", args.room.as_str(), "messages"];
    let answer = context.connection.rest.get(&path, &query).await?;
    let mut page: EventPage = view::read(&answer)?;
    page.items.sort_by_key(|event| event.seq);
    context
        .output
        .answer(&answer, |paint| Ok(human_history(&page, paint)))?;
    if !context.output.is_json() {
        for remark in elsewhere(&page, args) {
            context.output.remark(&remark);
        }
    }
    Ok(())
}

/// Messages under the day on which they were posted.
fn human_history(page: &EventPage, paint: Paint) -> String {
    if page.items.is_empty() {
        return "there are no messages here".to_owned();
    }
    let mut threads = Threads::default();
    let mut lines = Vec::new();
    let mut day = String::new();
    for event in &page.items {
        let at = date_and_time(&event.at);
        let today = at.split(' ').next().unwrap_or_default();
        if day != today {
            today.clone_into(&mut day);
            lines.push(paint.dim(&format!("── {day} (UTC)")));
        }
        lines.push(event_line(event, &mut threads, paint));
    }
    lines.join("\n")
}

/// Where there is more: behind a full page, and on the side from which the page was asked for.
fn elsewhere(page: &EventPage, args: &HistoryArgs) -> Vec<String> {
    let is_full = page.items.len() as u64 >= args.limit;
    let is_upwards = args.after.is_some();
    let is_downwards = args.before.is_some();
    let older = page.previous.filter(|_| is_full || is_upwards);
    let newer = page
        .next
        .filter(|_| is_downwards || (is_full && is_upwards));
    let channel = args
        .channel
        .as_ref()
        .map(|name| format!(" --channel {:?}", name.as_str()));
    let channel = channel.unwrap_or_default();
    let command = |what: &str, flag: &str, seq: Seq| {
        format!(
            "{what}: agent-bridge room history {}{channel} {flag} {seq}",
            args.room
        )
    };
    let older = older.map(|seq| command("older", "--before", seq));
    let newer = newer.map(|seq| command("newer", "--after", seq));
    older.into_iter().chain(newer).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn history_is_told_by_day() {
        let event = |seq: u64, at: &str, text: &str| {
            json!({"type": "event", "room": "r", "seq": seq, "at": at, "by": "ann",
                "kind": "posted", "id": format!("msg_{seq}"), "channel": "main", "text": text})
        };
        let page: EventPage = view::read(&json!({
            "items": [event(2, "2026-11-21T23:59:59.000Z", "late"),
                event(5, "2026-11-22T00:00:01.000Z", "early")],
            "next": null, "previous": 2, "epoch": "ep_00000000000000000000000000000001",
        }))
        .expect("a page");
        let expected = "\
── 2026-11-21 (UTC)
23:59:59  #2     ann [main]: late
── 2026-11-22 (UTC)
00:00:01  #5     ann [main]: early";
        assert_eq!(human_history(&page, Paint::new(false)), expected);
    }

    #[test]
    fn only_where_there_can_be_more_is_pointed_to() {
        let page: EventPage = view::read(&json!({
            "items": [{"room": "r", "seq": 5, "at": "x", "by": "ann", "kind": "posted"}],
            "next": 5, "previous": 5,
        }))
        .expect("a page");
        let table = [
            (None, None, 50, vec![]),
            (None, None, 1, vec!["--before 5"]),
            (None, Some(9), 50, vec!["--after 5"]),
            (None, Some(9), 1, vec!["--before 5", "--after 5"]),
            (Some(2), None, 50, vec!["--before 5"]),
            (Some(2), None, 1, vec!["--before 5", "--after 5"]),
        ];
        for (after, before, limit, expected) in table {
            let args = HistoryArgs {
                room: "r".parse().expect("a name"),
                channel: Some("a b".parse().expect("a name")),
                before: before.map(Seq::new),
                after: after.map(Seq::new),
                limit,
            };
            let remarks = elsewhere(&page, &args);
            assert_eq!(remarks.len(), expected.len(), "{remarks:?}");
            for (remark, flag) in remarks.iter().zip(expected) {
                assert!(
                    remark.ends_with(flag) && remark.contains("--channel \"a b\""),
                    "{remark}"
                );
            }
        }
    }
}
