//! Handing messages over, and what follows when nobody confirms them.

use std::collections::BTreeSet;
use std::time::Duration;

use crate::event::{
    Envelope, Event, LeaseExtended, MessageDelivered, MessageDied, MessageReturned,
};
use crate::id::{Seq, Timestamp};
use crate::limits;
use crate::mailbox::acks;
use crate::mailbox::command::{Handed, Return, Rules, Take, millis};
use crate::mailbox::held::{self, Held, Phase};
use crate::mailbox::{Mailbox, must_be_system};
use crate::message::{Attempt, Ending, Failure, Via};
use crate::principal::{Action, Principal};
use crate::reject::Reject;
use crate::text::Reason;

impl Mailbox {
    /// Messages were written to sessions. One that several sessions have has one lease, also when
    /// it was written to two of them between two flushes and so stands here twice.
    pub(super) fn decide_handed(
        &self,
        handed: &Handed,
        by: &Principal,
        now: Timestamp,
    ) -> Result<Vec<Event>, Reject> {
        must_be_system(by)?;
        let until = now.plus_millis(handed.rules.lease_millis);
        // Several sessions may have written it at the same time, and one of them late.
        let distinct: BTreeSet<(Seq, u32)> = handed.messages.iter().copied().collect();
        let next = distinct.into_iter().filter_map(|(seq, attempt)| {
            let held = self.open.get(&seq)?;
            (held.attempt().is_none() && attempt == held.attempts + 1).then_some(held)
        });
        Ok(next
            .map(|held| delivered(held, Via::Session, until))
            .collect())
    }

    /// A call: the batch before is confirmed, what was handed to a call and not confirmed comes
    /// back, and what is ready is handed over. A call that has waited and looks again is still the
    /// same call: nothing comes back then.
    pub(super) fn decide_take(
        &self,
        take: &Take,
        by: &Principal,
        now: Timestamp,
    ) -> Result<Vec<Event>, Reject> {
        by.allows(Action::Message)?;
        self.must_be_mine(by)?;
        let confirmed = self.confirmed(take);
        let mut events: Vec<Event> = confirmed
            .iter()
            .filter_map(|seq| self.open.get(seq))
            .map(acks::seen)
            .collect();
        let mut again: Vec<&Held> = Vec::new();
        let ready: Vec<&Held> = self
            .open()
            .filter(|held| held.is_ready(now) && !confirmed.contains(&held.about.message))
            .collect();
        for held in self.open() {
            let is_a_calls = held.attempt().is_some_and(|a| a.via == Via::Call);
            let comes_back = take.is_new_call && is_a_calls && take.may_see(&held.about.from);
            if !comes_back || confirmed.contains(&held.about.message) {
                continue;
            }
            let ended = Self::ended(held, Ending::NotConfirmed, None, now, take.rules);
            if let Event::MessageReturned(returned) = &ended
                && returned.not_before <= now
                && !held.is_over(now)
            {
                again.push(held);
            }
            events.push(ended);
        }
        let until = now.plus_millis(take.rules.call_lease_millis);
        let taken = choose(ready, again, take);
        events.extend(
            taken
                .into_iter()
                .map(|held| delivered(held, Via::Call, until)),
        );
        Ok(events)
    }

    /// The messages of the batch that a caller confirms, as far as they are still open.
    fn confirmed(&self, take: &Take) -> BTreeSet<Seq> {
        let Some(batch) = take.confirm else {
            return BTreeSet::new();
        };
        let is_in = |held: &&Held| {
            take.may_see(&held.about.from) && held.deliveries.iter().any(|seq| batch.has(*seq))
        };
        let held = self.open().filter(is_in);
        held.map(|held| held.about.message)
            .take(limits::PAGE_RECORDS_MAX)
            .collect()
    }

    /// Attempts ended without a confirmation. Which attempt is said with each: a later one, of
    /// which whoever says this knows nothing, goes on.
    pub(super) fn decide_return(
        &self,
        back: &Return,
        by: &Principal,
        now: Timestamp,
    ) -> Result<Vec<Event>, Reject> {
        must_be_system(by)?;
        let held = back.messages.iter().filter_map(|(seq, attempt)| {
            let held = self.open.get(seq)?;
            (held.attempt().is_some() && held.attempts == *attempt).then_some(held)
        });
        Ok(held
            .map(|held| Self::ended(held, back.ending, None, now, back.rules))
            .collect())
    }

    /// An attempt has ended without a confirmation: the message is tried again after a while, or
    /// it was the last time.
    pub(super) fn ended(
        held: &Held,
        ending: Ending,
        reason: Option<Reason>,
        now: Timestamp,
        rules: Rules,
    ) -> Event {
        // One may say that a message failed that was never handed over: it was read elsewhere.
        let attempt = held.attempts.max(1);
        let mut failures = held.failures.clone();
        if ending.counts() {
            failures.push(Failure {
                attempt,
                at: now,
                ending,
                reason: reason.clone(),
            });
        }
        let about = held.about.clone();
        if ending.counts() && failures.len() >= rules.attempts_max as usize {
            return Event::MessageDied(MessageDied { about, failures });
        }
        let not_before = now.plus_millis(millis(back_off(ending, failures.len())));
        Event::MessageReturned(MessageReturned {
            about,
            attempt,
            ending,
            reason,
            not_before,
            reopened: None,
        })
    }

    pub(super) fn apply_delivered(&mut self, delivered: &MessageDelivered, envelope: &Envelope) {
        if let Some(held) = self.open.get_mut(&delivered.about.message) {
            let attempt = Attempt {
                seq: envelope.seq,
                via: delivered.via,
                since: envelope.at,
                until: delivered.until,
            };
            held.hand_over(attempt, delivered.attempt);
        }
    }

    pub(super) fn apply_extended(&mut self, extended: &LeaseExtended, at: Timestamp) {
        let held = self.open.get_mut(&extended.about.message);
        if let Some(Phase::Leased(attempt)) = held.map(|held| &mut held.phase) {
            (attempt.since, attempt.until) = (at, extended.until);
        }
    }

    pub(super) fn apply_returned(&mut self, returned: &MessageReturned, at: Timestamp) {
        if let Some(reopened) = &returned.reopened {
            let held = Held::reopened(&returned.about, reopened, returned.not_before);
            self.insert(held);
        }
        let Some(held) = self.open.get_mut(&returned.about.message) else {
            return;
        };
        held.phase = Phase::Waiting {
            not_before: returned.not_before,
        };
        if returned.ending.counts() {
            held.failures.push(Failure {
                attempt: returned.attempt,
                at,
                ending: returned.ending,
                reason: returned.reason.clone(),
            });
        }
    }
}

fn delivered(held: &Held, via: Via, until: Timestamp) -> Event {
    Event::MessageDelivered(MessageDelivered {
        about: held.about.clone(),
        attempt: held.attempts + 1,
        via,
        until,
    })
}

/// The first ones in the order of delivery, within the caller's bounds, and not two of those that may
/// be what its calls die of.
/// `again` are those of which this call has just cut an attempt off.
fn choose<'a>(ready: Vec<&'a Held>, again: Vec<&'a Held>, take: &Take) -> Vec<&'a Held> {
    let ready = ready.into_iter().map(|held| (held, 0));
    let again = again.into_iter().map(|held| (held, 1));
    let seen = ready
        .chain(again)
        .filter(|(held, _)| take.may_see(&held.about.from));
    let (suspects, others): (Vec<_>, Vec<_>) =
        seen.partition(|(held, cuts)| held.is_suspect_after(*cuts, take.rules));
    let suspect = suspects.into_iter().min_by_key(|(held, _)| held.rank());
    let ready = others.into_iter().chain(suspect);
    let ready = ready.map(|(held, _)| held).collect();
    held::first_of(ready, take.messages_max, take.bytes_max)
}

/// How long a message waits after so many attempts have failed.
fn back_off(ending: Ending, failures: usize) -> Duration {
    let table = match ending {
        // The lease was the wait.
        Ending::LeaseExpired | Ending::CallLost | Ending::ServerRestarted => {
            return Duration::ZERO;
        }
        Ending::Failed => &limits::RETRY_AFTER_FAILED,
        Ending::ConnectionLost | Ending::NotConfirmed => &limits::RETRY_AFTER_CUT,
    };
    let place = failures.saturating_sub(1).min(table.len() - 1);
    table[place]
}
