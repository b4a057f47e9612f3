//! What a record changes in the row of its message: worked out once, for both databases, so that
//! what many records change in one row can be written at once.

use bridge_core::event::{Envelope, Event, MessageDied, MessageReturned};
use bridge_core::message::{Failure, Stage};
use bridge_core::{Seq, Timestamp};

/// What one record changes, or several in their order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct DeliveryChange {
    pub(super) stage: Option<Stage>,
    pub(super) attempts: Option<u32>,
    pub(super) due: Option<Due>,
    pub(super) failures: Option<Failures>,
}

/// When something has to be done about a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Due {
    /// Then, or when the message ends (its expiry, its deadline) if that is earlier.
    NotAfter(Timestamp),
    /// Then, or never again.
    Exactly(Option<Timestamp>),
}

impl Due {
    /// When the message ends.
    const AT_ITS_END: Self = Self::NotAfter(Timestamp::from_millis(i64::MAX));
}

/// Attempts that failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Failures {
    /// Besides those that are known.
    More(Vec<Failure>),
    /// All there were.
    All(Vec<Failure>),
}

/// What a record changes, and in the row of which message of its mailbox. A message that begins has
/// no row yet.
pub(super) fn of(envelope: &Envelope) -> Option<(Seq, DeliveryChange)> {
    let change = match &envelope.event {
        Event::MessageDelivered(delivered) => DeliveryChange {
            stage: Some(Stage::Delivered),
            attempts: Some(delivered.attempt),
            due: Some(Due::NotAfter(delivered.until)),
            failures: None,
        },
        Event::LeaseExtended(extended) => DeliveryChange {
            due: Some(Due::NotAfter(extended.until)),
            ..DeliveryChange::default()
        },
        Event::MessageReturned(event) => returned(event, envelope.at),
        Event::MessageSeen(seen) => DeliveryChange {
            stage: Some(Stage::Seen),
            due: Some(Due::Exactly(Some(seen.ends_at))),
            ..DeliveryChange::default()
        },
        Event::MessageDone(_) => ended(Stage::Done),
        Event::MessageExpired(_) => ended(Stage::Expired),
        Event::MessageDied(event) => died(event),
        Event::RoomCreated(_)
        | Event::MemberJoined(_)
        | Event::MemberLeft(_)
        | Event::MemberRemoved(_)
        | Event::RoleGranted(_)
        | Event::ChannelCreated(_)
        | Event::Posted(_)
        | Event::RoomClosed(_)
        | Event::PolicyChanged(_)
        | Event::Proposed(_)
        | Event::Voted(_)
        | Event::AmendmentProposed(_)
        | Event::AmendmentVoted(_)
        | Event::Amended(_)
        | Event::VetoWindowClosed(_)
        | Event::Decided(_)
        | Event::Withdrawn(_)
        | Event::Critiqued(_)
        | Event::Resolved(_)
        | Event::Waived(_)
        | Event::Argued(_)
        | Event::MailboxOpened(_)
        | Event::MessageStored(_)
        | Event::ReceiptKept(_)
        | Event::ReceiptsTold(_)
        | Event::BroadcastsRead(_) => return None,
    };
    let about = envelope.event.about()?;
    Some((about.message, change))
}

/// An attempt ended. Failures are told apart from what is nobody's fault, and kept in their order.
fn returned(event: &MessageReturned, at: Timestamp) -> DeliveryChange {
    let failure = event.ending.counts().then(|| Failure {
        attempt: event.attempt,
        at,
        ending: event.ending,
        reason: event.reason.clone(),
    });
    DeliveryChange {
        stage: event.reopened.as_ref().map(|_| Stage::Delivered),
        attempts: None,
        due: Some(Due::AT_ITS_END),
        failures: failure.map(|failure| Failures::More(vec![failure])),
    }
}

/// Nothing comes after it.
fn ended(stage: Stage) -> DeliveryChange {
    DeliveryChange {
        stage: Some(stage),
        attempts: None,
        due: Some(Due::Exactly(None)),
        failures: None,
    }
}

/// Nothing comes after it, and its record says of every attempt why it failed.
fn died(event: &MessageDied) -> DeliveryChange {
    DeliveryChange {
        failures: Some(Failures::All(event.failures.clone())),
        ..ended(Stage::Dead)
    }
}

impl DeliveryChange {
    /// This change, and after it another one.
    pub(super) fn and_then(&mut self, later: Self) {
        let Self {
            stage,
            attempts,
            due,
            failures,
        } = later;
        self.stage = stage.or(self.stage);
        self.attempts = attempts.or(self.attempts);
        self.due = due.or(self.due);
        match (&mut self.failures, failures) {
            (_, None) => {}
            (Some(Failures::More(list) | Failures::All(list)), Some(Failures::More(more))) => {
                list.extend(more);
            }
            (failures, later) => *failures = later,
        }
    }
}

#[cfg(test)]
mod tests {
    use bridge_core::message::Ending;

    use super::*;

    fn failure(attempt: u32) -> Failure {
        Failure {
            attempt,
            at: Timestamp::from_millis(i64::from(attempt)),
            ending: Ending::Failed,
            reason: None,
        }
    }

    fn more(attempts: &[u32]) -> DeliveryChange {
        DeliveryChange {
            failures: Some(Failures::More(
                attempts.iter().copied().map(failure).collect(),
            )),
            ..DeliveryChange::default()
        }
    }

    fn all(attempts: &[u32]) -> DeliveryChange {
        DeliveryChange {
            failures: Some(Failures::All(
                attempts.iter().copied().map(failure).collect(),
            )),
            ..DeliveryChange::default()
        }
    }

    #[test]
    fn what_is_later_holds_and_what_it_does_not_speak_of_stays() {
        let mut change = DeliveryChange {
            stage: Some(Stage::Delivered),
            attempts: Some(2),
            due: Some(Due::NotAfter(Timestamp::from_millis(5))),
            failures: None,
        };
        change.and_then(DeliveryChange {
            due: Some(Due::AT_ITS_END),
            ..more(&[2])
        });
        change.and_then(ended(Stage::Done));
        let expected = DeliveryChange {
            stage: Some(Stage::Done),
            attempts: Some(2),
            due: Some(Due::Exactly(None)),
            failures: Some(Failures::More(vec![failure(2)])),
        };
        assert_eq!(change, expected);
    }

    #[test]
    fn failures_are_added_until_a_record_says_all_of_them() {
        for (steps, expected) in [
            (vec![more(&[1]), more(&[2, 3])], more(&[1, 2, 3])),
            (vec![more(&[1]), all(&[1, 2])], all(&[1, 2])),
            (vec![all(&[1]), more(&[2])], all(&[1, 2])),
            (vec![all(&[1, 2]), all(&[])], all(&[])),
            (vec![more(&[1]), DeliveryChange::default()], more(&[1])),
        ] {
            let mut change = DeliveryChange::default();
            for step in steps {
                change.and_then(step);
            }
            assert_eq!(change, expected);
        }
    }
}
