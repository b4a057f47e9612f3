//! What has become of the messages in mailboxes, replayed from the records.

use super::store::Kept;
use crate::event::{About, Envelope, Event, MessageReturned, MessageStored, Stream};
use crate::id::{ClientId, MessageId, Timestamp};
use crate::message::{Failure, Stage};
use crate::ports::{DeadLettersQuery, Delivery, DueDelivery};

/// A message of a mailbox.
pub(super) struct Held {
    pub(super) id: MessageId,
    pub(super) delivery: Delivery,
    /// When something has to be done about it, if nobody does anything before.
    due: Option<Timestamp>,
    message: MessageStored,
}

/// The messages that a mailbox ever had, in order of arrival. Other streams have none: what is on
/// the broadcast stream is nobody's in particular.
pub(super) fn of_mailbox(stream: &Stream, records: &[Envelope]) -> Vec<Held> {
    let mut all: Vec<Held> = Vec::new();
    let Stream::Mailbox(_) = stream else {
        return all;
    };
    for record in records {
        if let Event::MessageStored(message) = &record.event {
            all.push(Held::new(message, record));
        } else if let Some(about) = record.event.about() {
            let place = all.binary_search_by_key(&about.message, |held| held.delivery.stored.seq);
            if let Ok(place) = place {
                all[place].apply(record);
            }
        }
    }
    all
}

impl Held {
    fn new(message: &MessageStored, record: &Envelope) -> Self {
        Self {
            id: message.id,
            delivery: Delivery {
                stage: Stage::Stored,
                attempts: 0,
                failures: Vec::new(),
                stored: record.clone(),
            },
            due: Some(message.ends_at()),
            message: message.clone(),
        }
    }

    fn apply(&mut self, record: &Envelope) {
        let ends_at = self.message.ends_at();
        let delivery = &mut self.delivery;
        match &record.event {
            Event::MessageDelivered(delivered) => {
                delivery.stage = Stage::Delivered;
                delivery.attempts = delivered.attempt;
                self.due = Some(delivered.until.min(ends_at));
            }
            Event::LeaseExtended(extended) => {
                self.due = Some(extended.until.min(ends_at));
            }
            Event::MessageReturned(returned) => {
                if returned.reopened.is_some() {
                    delivery.stage = Stage::Delivered;
                }
                if returned.ending.counts() {
                    delivery.failures.push(failure(returned, record.at));
                }
                self.due = Some(ends_at);
            }
            Event::MessageSeen(seen) => {
                delivery.stage = Stage::Seen;
                self.due = Some(seen.ends_at);
            }
            Event::MessageDone(_) => self.end(Stage::Done),
            Event::MessageExpired(_) => self.end(Stage::Expired),
            Event::MessageDied(died) => {
                delivery.failures.clone_from(&died.failures);
                self.end(Stage::Dead);
            }
            _ => {}
        }
    }

    fn end(&mut self, stage: Stage) {
        self.delivery.stage = stage;
        self.due = None;
    }
}

fn failure(returned: &MessageReturned, at: Timestamp) -> Failure {
    Failure {
        attempt: returned.attempt,
        at,
        ending: returned.ending,
        reason: returned.reason.clone(),
    }
}

/// Something that is due in a mailbox.
pub(super) struct Due {
    pub(super) at: Timestamp,
    pub(super) mailbox: ClientId,
    pub(super) what: DueDelivery,
}

/// Everything that will be due in any mailbox, the next first.
pub(super) fn due(kept: &Kept) -> Vec<Due> {
    let mut all: Vec<Due> = Vec::new();
    for (_, stream, records) in kept.numbered() {
        let Stream::Mailbox(mailbox) = stream else {
            continue;
        };
        for held in of_mailbox(stream, records) {
            let Some(at) = held.due else { continue };
            all.push(Due {
                at,
                mailbox: mailbox.clone(),
                what: DueDelivery {
                    about: About {
                        message: held.delivery.stored.seq,
                        id: held.id,
                        from: held.delivery.stored.by,
                    },
                    stage: held.delivery.stage,
                    expires_at: held.message.expires_at,
                    deadline: held.message.deadline,
                },
            });
        }
    }
    // What is due at the same time stays in the order of the streams and of seq.
    all.sort_by_key(|due| due.at);
    all
}

/// The records that ended messages as dead letters, the newest message first.
pub(super) fn dead_letters(kept: &Kept, query: &DeadLettersQuery) -> Vec<Envelope> {
    let mut dead: Vec<(MessageId, &Envelope)> = Vec::new();
    for record in kept.records() {
        let (Event::MessageDied(died), Stream::Mailbox(mailbox)) = (&record.event, &record.stream)
        else {
            continue;
        };
        let about = &died.about;
        let concerns = |of: &ClientId| about.from == *of || mailbox == of;
        if query.of.as_ref().is_none_or(concerns) && query.before.is_none_or(|id| about.id < id) {
            dead.push((about.id, record));
        }
    }
    dead.sort_by_key(|(id, _)| std::cmp::Reverse(*id));
    let mut page: Vec<Envelope> = Vec::new();
    let mut last = None;
    for (id, record) in dead {
        // A page ends between two messages, so that the next can begin there.
        if page.len() >= query.rows_max && last != Some(id) {
            break;
        }
        page.push(record.clone());
        last = Some(id);
    }
    page
}
