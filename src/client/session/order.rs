//! Each event of a room once, and in order.

use std::collections::HashMap;

use bridge_core::{RoomId, Seq};

use crate::client::error::ClientError;
use crate::wire::frame::{RoomEvent, ServerFrame};

/// Where each room's reader is.
#[derive(Debug, Default)]
pub(super) struct Order(HashMap<RoomId, Seq>);

/// What a frame is to a reader.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Arrival {
    /// It was not there before.
    News,
    /// An event that the reader has had, or will get in its place.
    Repeated,
}

impl Order {
    /// The next event of a room is the one after this.
    pub(super) fn start(&mut self, room: &RoomId, seq: Seq) {
        self.0.insert(room.clone(), seq);
    }

    /// Takes note of a frame.
    ///
    /// # Errors
    /// When an event does not follow the one before it: something was lost, and only a resume from
    /// the last one brings it back.
    pub(super) fn admit(&mut self, frame: &ServerFrame) -> Result<Arrival, ClientError> {
        let ServerFrame::Event(RoomEvent {
            room,
            seq,
            reference,
            duplicate,
            ..
        }) = frame
        else {
            return Ok(Arrival::News);
        };
        let Some(last) = self.0.get_mut(room) else {
            if !duplicate {
                self.start(room, *seq);
            }
            return Ok(if *duplicate {
                Arrival::Repeated
            } else {
                Arrival::News
            });
        };
        if seq <= last {
            return Ok(Arrival::Repeated);
        }
        if *seq == last.next() {
            *last = *seq;
            return Ok(Arrival::News);
        }
        // While a session still catches up, the answer to its own request can overtake the log;
        // the event comes again in its place.
        if reference.is_some() {
            return Ok(Arrival::Repeated);
        }
        Err(ClientError::Lost(format!(
            "event {seq} of {room} came where {} was due",
            last.next()
        )))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn event(seq: u64, reference: Option<&str>, duplicate: bool) -> ServerFrame {
        let frame = json!({
            "type": "event", "room": "r", "seq": seq, "at": "", "by": "ann", "kind": "posted",
            "ref": reference, "duplicate": duplicate,
        });
        serde_json::from_value(frame).expect("an event")
    }

    #[test]
    fn each_event_once_and_in_order() {
        let mut order = Order::default();
        let room = "R".parse().expect("a name");
        order.start(&room, Seq::new(4));
        let mut admit =
            |seq, reference, duplicate| order.admit(&event(seq, reference, duplicate)).ok();
        assert_eq!(admit(4, None, false), Some(Arrival::Repeated));
        assert_eq!(admit(5, None, false), Some(Arrival::News));
        assert_eq!(admit(7, None, false), None, "a gap");
        assert_eq!(
            admit(8, Some("a"), false),
            Some(Arrival::Repeated),
            "overtook the log"
        );
        assert_eq!(admit(6, Some("b"), false), Some(Arrival::News));
        assert_eq!(admit(6, Some("b"), true), Some(Arrival::Repeated));
        assert_eq!(admit(7, None, false), Some(Arrival::News));
    }

    #[test]
    fn an_unknown_room_begins_anywhere_but_with_a_repeat() {
        let mut order = Order::default();
        assert!(matches!(
            order.admit(&event(3, Some("a"), true)),
            Ok(Arrival::Repeated)
        ));
        assert!(matches!(
            order.admit(&event(9, None, false)),
            Ok(Arrival::News)
        ));
        assert!(order.admit(&event(11, None, false)).is_err());
    }
}
