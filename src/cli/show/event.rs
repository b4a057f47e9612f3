//! Events in words.

mod decision;

use std::collections::VecDeque;

use bridge_core::Seq;
use serde_json::{Value, json};

use super::{Hue, Paint, time_of_day, visible, visible_lines};
use crate::wire::frame::RoomEvent;

/// Messages that are remembered, so that an answer can name what it answers. Older ones are named
/// by their id.
const REMEMBERED_MAX: usize = 1_024;
/// What stands before the second line of a text.
const INDENT: &str = "                 ";

/// An event in words, safe to show.
#[derive(Debug, PartialEq, Eq)]
pub struct Told {
    /// Where in the room, when it was not in the whole of it.
    pub channel: Option<String>,
    /// Whether the words are somebody's own, and not a description.
    pub is_speech: bool,
    /// The words.
    pub words: String,
    /// The id of the message that is answered.
    pub reply_to: Option<String>,
}

/// Puts an event into words. Lines after the first begin with `indent`.
#[must_use]
pub fn tell(event: &RoomEvent, indent: &str) -> Told {
    let field = |name| event.text(name).map(visible).unwrap_or_default();
    let because = |words: String| match field("reason") {
        reason if reason.is_empty() => words,
        reason => format!("{words}: {reason}"),
    };
    let about = |words: String| match field("topic") {
        topic if topic.is_empty() => words,
        topic => format!("{words}: {topic}"),
    };
    let words = match event.kind.as_str() {
        "posted" => {
            let text = event.text("text").unwrap_or_default();
            return Told {
                channel: Some(field("channel")),
                is_speech: true,
                words: visible_lines(text, indent),
                reply_to: event.text("reply_to").map(visible),
            };
        }
        "room_created" => about("created the room".to_owned()),
        "member_joined" => joined(event),
        "member_left" => "left".to_owned(),
        "member_removed" => because(format!("removed {}", field("client"))),
        "role_granted" => format!("granted {} the role {}", field("client"), field("role")),
        "channel_created" => about(format!("created the channel {}", field("channel"))),
        "room_closed" => because("closed the room".to_owned()),
        kind if decision::KINDS.contains(&kind) => decision::words(event, indent),
        // A newer server knows more kinds; their fields say more than nothing.
        kind => {
            let fields = Value::Object(event.fields.clone());
            format!("{} {}", visible(kind), visible(&fields.to_string()))
        }
    };
    Told {
        channel: None,
        is_speech: false,
        words,
        reply_to: None,
    }
}

fn joined(event: &RoomEvent) -> String {
    let role = event.text("role").map(visible).unwrap_or_default();
    match event.text("requested_role").map(visible) {
        Some(wished) => format!("joined as {role}; asked for {wished}, which must be granted"),
        None => format!("joined as {role}"),
    }
}

/// An event on one line, or on more when somebody said more:
/// `08:15:30  #14  ravi [main] ↳ #12 maya: text`.
#[must_use]
pub fn event_line(event: &RoomEvent, threads: &mut Threads, paint: Paint) -> String {
    let told = tell(event, INDENT);
    let answered = told.reply_to.as_deref().map(|id| threads.name(id));
    threads.remember(event);
    let who = paint.hue(Hue::of(&event.by), &visible(&event.by));
    let prefix = format!(
        "{}  {:<6}",
        time_of_day(&event.at),
        format!("#{}", event.seq)
    );
    let prefix = paint.dim(&prefix);
    let Some(channel) = told.channel else {
        return format!("{prefix} {who} {}", paint.dim(&told.words));
    };
    let channel = paint.dim(&format!("[{channel}]"));
    let arrow = answered
        .map(|name| paint.dim(&format!(" ↳ {name}")))
        .unwrap_or_default();
    format!("{prefix} {who} {channel}{arrow}: {}", told.words)
}

/// An event as JSON, as the server sent it.
#[must_use]
pub fn event_json(event: &RoomEvent) -> Value {
    let RoomEvent {
        room,
        seq,
        at,
        by,
        kind,
        reference: _,
        duplicate,
        fields,
    } = event;
    let mut object = fields.clone();
    let envelope = json!({
        "type": "event", "room": room, "seq": seq, "at": at, "by": by, "kind": kind,
    });
    if let Value::Object(envelope) = envelope {
        object.extend(envelope);
    }
    if *duplicate {
        object.insert("duplicate".to_owned(), Value::Bool(true));
    }
    Value::Object(object)
}

/// The messages that were shown lately, so that an answer can say `#12 maya` instead of an id.
#[derive(Debug, Default)]
pub struct Threads(VecDeque<(String, Seq, String)>);

impl Threads {
    /// Takes note of a message.
    pub fn remember(&mut self, event: &RoomEvent) {
        if let Some(id) = event.text("id") {
            if self.0.len() == REMEMBERED_MAX {
                self.0.pop_front();
            }
            self.0
                .push_back((id.to_owned(), event.seq, visible(&event.by)));
        }
    }

    /// What to call a message.
    #[must_use]
    pub fn name(&self, id: &str) -> String {
        let known = self.0.iter().rev().find(|(known, ..)| known == id);
        known.map_or_else(|| visible(id), |(_, seq, by)| format!("#{seq} {by}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::frame::ServerFrame;

    fn event(kind: &str, fields: Value) -> RoomEvent {
        let mut frame = fields;
        for (name, value) in [
            ("type", json!("event")),
            ("room", json!("r")),
            ("seq", json!(7)),
            ("at", json!("2026-11-22T08:15:30.250Z")),
            ("by", json!("ann")),
            ("kind", json!(kind)),
        ] {
            frame[name] = value;
        }
        match serde_json::from_value(frame) {
            Ok(ServerFrame::Event(event)) => event,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn every_kind_has_words() {
        let table = [
            (
                "room_created",
                json!({"topic": "x\n"}),
                "created the room: x␊",
            ),
            ("room_created", json!({"topic": ""}), "created the room"),
            ("member_joined", json!({"role": "coder"}), "joined as coder"),
            (
                "member_joined",
                json!({"role": "participant", "requested_role": "reviewer"}),
                "joined as participant; asked for reviewer, which must be granted",
            ),
            ("member_left", json!({"client": "ann"}), "left"),
            (
                "member_removed",
                json!({"client": "bob", "reason": null}),
                "removed bob",
            ),
            (
                "member_removed",
                json!({"client": "bob", "reason": "x"}),
                "removed bob: x",
            ),
            (
                "role_granted",
                json!({"client": "b", "role": "tester"}),
                "granted b the role tester",
            ),
            (
                "channel_created",
                json!({"channel": "設計"}),
                "created the channel 設計",
            ),
            (
                "room_closed",
                json!({"reason": "done"}),
                "closed the room: done",
            ),
            (
                "foreseen",
                json!({"what": "rain\u{1b}"}),
                "foreseen {\"what\":\"rain",
            ),
        ];
        for (kind, fields, words) in table {
            let told = tell(&event(kind, fields), "");
            assert!(told.words.starts_with(words), "{kind}: {}", told.words);
            assert!(!told.words.contains('\u{1b}'));
        }
    }

    #[test]
    fn an_answer_names_what_it_answers() {
        let mut threads = Threads::default();
        let plain = Paint::new(false);
        let first = event(
            "posted",
            json!({"id": "msg_1", "channel": "main", "text": "hi\nho"}),
        );
        let line = event_line(&first, &mut threads, plain);
        assert_eq!(line, "08:15:30  #7     ann [main]: hi\n                 ho");
        let reply = |to: &str| {
            let fields = json!({"id": "msg_2", "channel": "main", "text": "x", "reply_to": to});
            event("posted", fields)
        };
        let line = event_line(&reply("msg_1"), &mut threads, plain);
        assert_eq!(line, "08:15:30  #7     ann [main] ↳ #7 ann: x");
        let line = event_line(&reply("msg_0"), &mut threads, plain);
        assert_eq!(line, "08:15:30  #7     ann [main] ↳ msg_0: x");
    }

    #[test]
    fn an_event_is_written_as_it_was_read() {
        let fields = json!({"id": "msg_1", "text": "x", "mentions": ["bob"], "future": {"a": 1}});
        let event = event("posted", fields.clone());
        let written = event_json(&event);
        for (name, value) in fields.as_object().expect("an object") {
            assert_eq!(&written[name], value);
        }
        assert_eq!(written["seq"], 7);
        assert_eq!(written["duplicate"], Value::Null);
    }
}
