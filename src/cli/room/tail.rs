//! A room, live.

use std::collections::HashMap;

use bridge_core::{ChannelName, Seq};
use serde_json::{Value, json};

use super::Context;
use super::args::TailArgs;
use super::view::{self, EventPage, RoomBody};
use crate::cli::show::{Threads, event_json, event_line};
use crate::cli::signals;
use crate::client::tail::not_a_member;
use crate::client::{ClientError, Follow, Followed};
use crate::wire::frame::{ResumedBody, RoomEvent};

/// What is being watched, and what for.
struct Watch {
    args: TailArgs,
    threads: Threads,
    /// Where the log was when the command began: what came before is history, not news.
    head: Seq,
    had_session: bool,
}

/// What an event means for whoever watches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Outlook {
    GoesOn,
    Ends,
}

pub(super) async fn tail(context: &mut Context, args: TailArgs) -> Result<(), ClientError> {
    let answer = context
        .connection
        .rest
        .get(&["v1", "rooms", args.room.as_str()], &[])
        .await?;
    let room: RoomBody = view::read(&answer)?;
    if room.members.is_none() {
        return Err(not_a_member(&room.room));
    }
    let since = if args.all {
        Some(Seq::ZERO)
    } else {
        args.since
    };
    // A cursor from the command line belongs to whichever log there is now.
    let epoch = room.epoch.filter(|_| since.is_none());
    let cursor = since.unwrap_or(room.head);
    let is_closed = room.closed_at.is_some();
    let mut watch = Watch {
        args,
        threads: Threads::default(),
        head: room.head,
        had_session: false,
    };
    if is_closed {
        return watch.read_to_the_end(context, cursor).await;
    }
    let cursors = HashMap::from([(room.room, cursor)]);
    let connection = &context.connection;
    let (address, client) = (&connection.address, &connection.client);
    let mut follow = Follow::new(address, client, &connection.token, cursors, epoch);
    let interrupted = signals::told_to_stop();
    tokio::pin!(interrupted);
    loop {
        let followed = tokio::select! {
            followed = follow.next() => followed?,
            told = &mut interrupted => {
                told?;
                break;
            }
        };
        if watch.see(context, followed)? == Outlook::Ends {
            break;
        }
    }
    follow.close().await;
    Ok(())
}

impl Watch {
    fn see(&mut self, context: &mut Context, followed: Followed) -> Result<Outlook, ClientError> {
        match followed {
            Followed::Event(event) => self.show(context, &event),
            Followed::Resumed { resumed, .. } => {
                self.resumed(context, &resumed)?;
                Ok(Outlook::GoesOn)
            }
            Followed::CaughtUp if self.args.once_idle => Ok(Outlook::Ends),
            Followed::CaughtUp => Ok(Outlook::GoesOn),
            Followed::Disconnected { why, pause } => {
                let seconds = pause.as_secs_f32();
                context
                    .output
                    .remark(&format!("{why}; trying again in {seconds:.1} s"));
                Ok(Outlook::GoesOn)
            }
        }
    }

    fn show(&mut self, context: &mut Context, event: &RoomEvent) -> Result<Outlook, ClientError> {
        if is_of_channel(event, self.args.channel.as_ref()) {
            if context.output.is_json() {
                context.output.json_line(&event_json(event))?;
            } else {
                let line = event_line(event, &mut self.threads, context.output.paint());
                context.output.line(&line)?;
            }
        }
        if event.seq <= self.head {
            return Ok(Outlook::GoesOn);
        }
        let is_me = || {
            let me = context.connection.client.as_str();
            event
                .text("client")
                .is_some_and(|client| client.eq_ignore_ascii_case(me))
        };
        let outlook = match event.kind.as_str() {
            "room_closed" => Outlook::Ends,
            "member_left" | "member_removed" if is_me() => return Err(not_a_member(&event.room)),
            _ => Outlook::GoesOn,
        };
        Ok(outlook)
    }

    fn resumed(&mut self, context: &mut Context, resumed: &ResumedBody) -> Result<(), ClientError> {
        let ResumedBody {
            from,
            to,
            complete,
            reason: _,
        } = resumed;
        if context.output.is_json() {
            let room = &self.args.room;
            return context.output.json_line(&json!({
                "type": "resumed", "room": room, "from": from, "to": to, "complete": complete,
            }));
        }
        let again = std::mem::replace(&mut self.had_session, true);
        if !complete {
            context.output.remark(&format!(
                "not complete: the log has changed or lost what was asked for; from #{from} on"
            ));
        } else if again {
            context.output.remark(&format!(
                "connected again; nothing is missing after #{from}"
            ));
        }
        Ok(())
    }

    /// A closed room has an end, and no session.
    async fn read_to_the_end(
        &mut self,
        context: &mut Context,
        mut cursor: Seq,
    ) -> Result<(), ClientError> {
        let room = self.args.room.to_string();
        while cursor < self.head {
            let query = [("after", cursor.to_string()), ("limit", "500".to_owned())];
            let path = ["v1", "rooms", room.as_str(), "events"];
            let page: Value = context.connection.rest.get(&path, &query).await?;
            let page: EventPage = view::read(&page)?;
            for event in page.items.iter().filter(|event| event.seq > cursor) {
                self.show(context, event)?;
            }
            let Some(last) = page.items.iter().map(|event| event.seq).max() else {
                break;
            };
            if last <= cursor {
                break;
            }
            cursor = last;
        }
        context.output.remark(&format!("the room {room} is closed"));
        Ok(())
    }
}

fn is_of_channel(event: &RoomEvent, wanted: Option<&ChannelName>) -> bool {
    let Some(wanted) = wanted else { return true };
    let channel = event.text("channel").map(str::to_lowercase);
    channel.is_none_or(|channel| channel == wanted.folded())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_channel_is_one_in_every_spelling() {
        let event = |fields: Value| -> RoomEvent {
            let mut frame = fields;
            for (name, value) in [
                ("room", "r"),
                ("at", "x"),
                ("by", "ann"),
                ("kind", "posted"),
            ] {
                frame[name] = json!(value);
            }
            frame["seq"] = json!(1);
            view::read(&frame).expect("an event")
        };
        let wanted: ChannelName = "École".parse().expect("a name");
        assert!(is_of_channel(
            &event(json!({"channel": "ÉCOLE"})),
            Some(&wanted)
        ));
        assert!(!is_of_channel(
            &event(json!({"channel": "main"})),
            Some(&wanted)
        ));
        assert!(
            is_of_channel(&event(json!({})), Some(&wanted)),
            "about the whole room"
        );
        assert!(is_of_channel(&event(json!({"channel": "main"})), None));
    }
}
