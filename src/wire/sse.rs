//! Server-sent events: a room's log as a `text/event-stream`.
//!
//! The names of the events are the `type`s of the frames over WebSocket, and what follows `data:`
//! are the same objects. They are one line each, because JSON writes a line break as `\n`.

use std::fmt;
use std::str::FromStr;

use bridge_core::event::Envelope;
use bridge_core::replay::Resumed;
use bridge_core::session::CloseReason;
use bridge_core::{Epoch, Reject, RoomId, Seq};
use serde::Serialize;

use super::codes;
use super::encode::{self, json};
use super::frame::Bye;

/// The header with which a reader says where it goes on.
pub const LAST_EVENT_ID: &str = "Last-Event-ID";
/// A comment. Readers skip it; it shows them, and what stands between, that the stream is alive.
pub const HEARTBEAT: &[u8] = b": heartbeat\n\n";

/// Where in which life of the log a reader is: the id of every event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EventId {
    /// Which life of the log.
    pub epoch: Epoch,
    /// The last record that was read.
    pub seq: Seq,
}

/// A text that is not an [`EventId`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("must be EPOCH:SEQ, as the id of an event in this stream is")]
pub struct InvalidEventId;

impl fmt::Display for EventId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.epoch, self.seq)
    }
}

impl FromStr for EventId {
    type Err = InvalidEventId;

    fn from_str(text: &str) -> Result<Self, InvalidEventId> {
        let (epoch, seq) = text.split_once(':').ok_or(InvalidEventId)?;
        let epoch = epoch.parse().map_err(|_| InvalidEventId)?;
        // Rust would read a sign as well.
        if !seq.bytes().all(|digit| digit.is_ascii_digit()) {
            return Err(InvalidEventId);
        }
        let seq = seq.parse().map(Seq::new).map_err(|_| InvalidEventId)?;
        Ok(Self { epoch, seq })
    }
}

/// The first event of a stream: what it can promise. Its id is the place at which it begins, so
/// that a reader that is cut off before the next event comes back to this place.
#[must_use]
pub fn resumed(room: &RoomId, epoch: Epoch, resumed: &Resumed) -> Vec<u8> {
    #[derive(Serialize)]
    struct Data<'a> {
        r#type: &'static str,
        room: &'a RoomId,
        epoch: Epoch,
        from: Seq,
        to: Seq,
        complete: bool,
    }
    let data = Data {
        r#type: "resumed",
        room,
        epoch,
        from: resumed.from,
        to: resumed.to,
        complete: resumed.complete,
    };
    let seq = resumed.from;
    let mut text = format!("id: {}\n", EventId { epoch, seq }).into_bytes();
    push(&mut text, "resumed", &json(&data));
    text
}

/// Adds an event of the room's log.
pub fn push_event(text: &mut Vec<u8>, epoch: Epoch, envelope: &Envelope) {
    let seq = envelope.seq;
    text.extend_from_slice(format!("id: {}\n", EventId { epoch, seq }).as_bytes());
    push(text, "event", encode::event(envelope).as_bytes());
}

/// The last event of a stream that ends for the same reason as a session. `come_back` is when to
/// come back, in milliseconds, where it is not the same for everybody.
#[must_use]
pub fn closed(reason: CloseReason, come_back: Option<u64>) -> Vec<u8> {
    let row = codes::close(reason);
    bye(Bye {
        code: row.number,
        reason: row.reason.to_owned(),
        reconnect: row.reconnect(),
        retry_after_ms: come_back.or(row.retry_after_ms),
    })
}

/// The last event of a stream whose reader may not read on, or not now.
#[must_use]
pub fn refused(reject: &Reject) -> Vec<u8> {
    let row = codes::reject(reject.code());
    bye(Bye {
        code: row.number,
        reason: reject.to_string(),
        reconnect: reject.is_temporary(),
        retry_after_ms: row.retry_after_ms,
    })
}

/// It has no id: a reader that comes back does so from the last thing that it read.
fn bye(body: Bye) -> Vec<u8> {
    #[derive(Serialize)]
    struct Data {
        r#type: &'static str,
        #[serde(flatten)]
        body: Bye,
    }
    let mut text = Vec::new();
    if let Some(millis) = body.retry_after_ms {
        // A browser comes back by itself, after this long.
        text.extend_from_slice(format!("retry: {millis}\n").as_bytes());
    }
    let r#type = "bye";
    push(&mut text, r#type, &json(&Data { r#type, body }));
    text
}

fn push(text: &mut Vec<u8>, name: &str, data: &[u8]) {
    text.extend_from_slice(format!("event: {name}\ndata: ").as_bytes());
    text.extend_from_slice(data);
    text.extend_from_slice(b"\n\n");
}

#[cfg(test)]
mod tests {
    use super::*;

    const EPOCH: &str = "ep_00000000000000000000000000000009";

    fn text(bytes: Vec<u8>) -> String {
        String::from_utf8(bytes).unwrap()
    }

    #[test]
    fn ids_round_trip_and_nothing_else_is_read() {
        let id: EventId = format!("{EPOCH}:12").parse().unwrap();
        assert_eq!(
            (id.seq, id.to_string()),
            (Seq::new(12), format!("{EPOCH}:12"))
        );
        let bad = [
            "",
            ":",
            "12",
            EPOCH,
            "ep_9:12",
            "yesterday:12",
            &format!("{EPOCH}:"),
            &format!("{EPOCH}:+12"),
            &format!("{EPOCH}:-12"),
            &format!("{EPOCH}:12 "),
            &format!(" {EPOCH}:12"),
            &format!("{EPOCH}:12:13"),
            &format!("{EPOCH}:99999999999999999999"),
        ];
        for bad in bad {
            assert_eq!(bad.parse::<EventId>(), Err(InvalidEventId), "{bad:?}");
        }
    }

    #[test]
    fn a_stream_begins_with_its_promise() {
        let promise = Resumed {
            from: Seq::new(3),
            to: Seq::new(9),
            complete: true,
        };
        let room = "den".parse().unwrap();
        let text = text(resumed(&room, EPOCH.parse().unwrap(), &promise));
        let expected = format!(
            "id: {EPOCH}:3\nevent: resumed\ndata: {{\"type\":\"resumed\",\"room\":\"den\",\
             \"epoch\":\"{EPOCH}\",\"from\":3,\"to\":9,\"complete\":true}}\n\n"
        );
        assert_eq!(text, expected);
    }

    #[test]
    fn a_stream_ends_with_the_words_of_a_session() {
        let expected = "retry: 1000\nevent: bye\ndata: {\"type\":\"bye\",\"code\":4001,\
                        \"reason\":\"the server is stopping\",\"reconnect\":true,\
                        \"retry_after_ms\":1000}\n\n";
        assert_eq!(text(closed(CloseReason::Draining, None)), expected);
        let later = text(closed(CloseReason::Draining, Some(4_321)));
        assert_eq!(later, expected.replace("1000", "4321"));
        let gone = text(refused(&Reject::NotAMember("den".parse().unwrap())));
        assert!(
            gone.starts_with("event: bye\ndata: {\"type\":\"bye\",\"code\":1201,"),
            "{gone}"
        );
        assert!(
            gone.ends_with("\"reconnect\":false,\"retry_after_ms\":null}\n\n"),
            "{gone}"
        );
        let busy = text(refused(&Reject::Busy { queue: "reads" }));
        assert!(
            busy.starts_with("retry: 200\n") && !busy.contains("reads"),
            "{busy}"
        );
    }
}
