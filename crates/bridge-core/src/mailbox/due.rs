//! What the passing of time does to messages.

use crate::event::{About, Event, LeaseExtended, MessageExpired};
use crate::id::Timestamp;
use crate::limits;
use crate::mailbox::command::Due;
use crate::mailbox::held::{Held, ends_at, expiry};
use crate::mailbox::{Mailbox, must_be_system};
use crate::message::{Ending, Expiry, Stage};
use crate::ports::DueDelivery;
use crate::principal::Principal;
use crate::reject::Reject;

impl Mailbox {
    /// The store says what may be due: of the messages that the mailbox holds, it decides by what
    /// it knows itself; of those that were seen and have left its memory, by what the store says,
    /// unless that is out of date.
    pub(super) fn decide_due(
        &self,
        due: &Due,
        by: &Principal,
        now: Timestamp,
    ) -> Result<Vec<Event>, Reject> {
        must_be_system(by)?;
        let mut events = Vec::new();
        for row in due.rows.iter().take(limits::DUE_RECORDS_MAX) {
            let event = match self.open.get(&row.about.message) {
                Some(held) => Self::due_of_held(held, due, now),
                None => self.due_of_seen(row, due, now),
            };
            events.extend(event);
        }
        Ok(events)
    }

    fn due_of_held(held: &Held, due: &Due, now: Timestamp) -> Option<Event> {
        if held.is_over(now) {
            return Some(expired(&held.about, held.expiry()));
        }
        let attempt = held.attempt()?;
        if now < attempt.until {
            return None;
        }
        // A lease is time to work in, and none went by while the clock was set forward.
        let until = attempt.until.plus_millis(due.steps.since(attempt.since));
        Some(if now < until {
            extended(held, until)
        } else {
            Self::ended(held, Ending::LeaseExpired, None, now, due.rules)
        })
    }

    fn due_of_seen(&self, row: &DueDelivery, due: &Due, now: Timestamp) -> Option<Event> {
        let is_seen = match self.recent.find(row.about.id) {
            Some(settled) => settled.stage == Stage::Seen,
            None => row.stage == Stage::Seen && self.recent.reaches_back_to(due.as_of),
        };
        let is_over = now >= ends_at(row.expires_at, row.deadline);
        let why = expiry(row.expires_at, row.deadline, true);
        (is_seen && is_over).then(|| expired(&row.about, why))
    }
}

fn extended(held: &Held, until: Timestamp) -> Event {
    Event::LeaseExtended(LeaseExtended {
        about: held.about.clone(),
        attempt: held.attempts,
        until,
    })
}

fn expired(about: &About, why: Expiry) -> Event {
    Event::MessageExpired(MessageExpired {
        about: about.clone(),
        why,
    })
}
