//! Small words of the script's language: what to say, and what to listen for.

use bridge_core::{ChannelName, ClientId, MessageId};
use serde_json::Value;

use crate::client::{ClientError, NewPost};
use crate::wire::frame::RoomEvent;

/// The channel that the story makes.
const TESTS: &str = "tests";

pub(super) fn client(name: &str) -> ClientId {
    name.parse()
        .expect("it is one of the cast, as the server said")
}

pub(super) fn channel() -> ChannelName {
    TESTS
        .parse()
        .expect("the channel of the story has a plain name")
}

pub(super) fn text(text: &str) -> NewPost {
    NewPost {
        text: text.to_owned(),
        ..NewPost::default()
    }
}

pub(super) fn in_tests(post: NewPost) -> NewPost {
    NewPost {
        channel: Some(channel()),
        ..post
    }
}

/// An answer stands in the channel of what it answers.
pub(super) fn reply(words: &str, to: &RoomEvent) -> Result<NewPost, ClientError> {
    let id: Option<MessageId> = to.text("id").and_then(|id| id.parse().ok());
    let reply_to = Some(id.ok_or_else(|| surprise("a message without an id"))?);
    let channel = to.text("channel").and_then(|name| name.parse().ok());
    Ok(NewPost {
        channel,
        reply_to,
        ..text(words)
    })
}

pub(super) fn said_by(name: &'static str) -> impl Fn(&RoomEvent) -> bool {
    move |event| event.kind == "posted" && event.by == name
}

pub(super) fn is_text(text: &'static str) -> impl Fn(&RoomEvent) -> bool {
    move |event| event.kind == "posted" && event.text("text") == Some(text)
}

/// A message that mentions somebody, as the server found out.
pub(super) fn calls(name: &'static str) -> impl Fn(&RoomEvent) -> bool {
    move |event| {
        let mentions = event.fields.get("mentions").and_then(Value::as_array);
        mentions.is_some_and(|names| names.iter().any(|n| n == name))
    }
}

pub(super) fn surprise(what: &str) -> ClientError {
    ClientError::Protocol(what.to_owned())
}
