//! Brings about the effects that a record has on other streams.
//!
//! Which records have such effects stands in the store, written with them; so none is lost when the
//! server dies in between. Each effect is a command under a key made from the record that caused
//! it, so that bringing it about twice is bringing it about once. Only a receipt that was pushed to
//! a session may come again.

mod effects;

use std::collections::{HashMap, HashSet};
use std::panic::AssertUnwindSafe;
use std::time::Duration;

use bridge_core::event::Stream;
use bridge_core::ports::FollowUp;
use bridge_core::{Moment, Reject, RejectCode, Seq, limits};
use futures_util::{FutureExt, StreamExt};
use tokio::sync::{Notify, oneshot};

use super::bridge::Bridge;
use super::faults::Guard;
use super::supervisor::Branch;

/// Where owners say that a record of theirs has effects on other streams.
#[derive(Debug, Default)]
pub(super) struct Follower {
    news: Notify,
}

impl Follower {
    /// There is something to do; it is in the store already.
    pub(super) fn nudge(&self) {
        self.news.notify_one();
    }
}

type Place = (i64, Seq);

/// What the follower remembers between two passes. All of it may be forgotten at any time.
#[derive(Debug, Default)]
struct Memory {
    /// Those that failed: how often, and not tried again before.
    failed: HashMap<Place, (u32, Moment)>,
}

impl Memory {
    fn is_due(&self, place: &Place, now: Moment) -> bool {
        let waits = self.failed.get(place);
        waits.is_none_or(|(_, not_before)| now >= *not_before)
    }

    fn note_failure(&mut self, place: Place, now: Moment) {
        let (tries, not_before) = self.failed.entry(place).or_insert((0, now));
        let wait = limits::FOLLOW_UPS_RETRY * 2_u32.saturating_pow((*tries).min(16));
        let wait = wait.min(limits::FOLLOW_UPS_RETRY_MAX);
        *tries += 1;
        *not_before = now.plus_millis(u64::try_from(wait.as_millis()).unwrap_or(u64::MAX));
    }

    /// Forgets what the store did not name any more.
    fn keep_only(&mut self, named: &HashSet<Place>) {
        self.failed.retain(|place, _| named.contains(place));
        if self.failed.len() > limits::FOLLOW_UPS_REMEMBERED_MAX {
            *self = Self::default();
        }
    }

    /// How long until the next one that failed is due.
    fn next_try(&self, now: Moment) -> Duration {
        let next = self
            .failed
            .values()
            .map(|(_, not_before)| *not_before)
            .min();
        let wait = Duration::from_millis(next.map_or(u64::MAX, |next| next.millis_since(now)));
        wait.clamp(limits::DUE_LOOK_AGAIN, limits::FOLLOW_UPS_RETRY_MAX)
    }
}

/// Runs for as long as the server does.
pub(super) async fn run(bridge: Bridge) {
    let mut memory = Memory::default();
    loop {
        bridge.faults().at("follower", "", "look", Guard::Inside);
        let wait = match catch_up(&bridge, &mut memory).await {
            Ok(()) => memory.next_try(bridge.clock().moment()),
            Err(reject) => {
                tracing::warn!(%reject, detail = reject.detail(), "effects cannot be read now");
                limits::FOLLOW_UPS_RETRY
            }
        };
        // Whether it was nudged or has waited long enough: it looks again.
        drop(tokio::time::timeout(wait, bridge.follower().news.notified()).await);
    }
}

/// Goes once through everything that is to be brought about.
async fn catch_up(bridge: &Bridge, memory: &mut Memory) -> Result<(), Reject> {
    let mut after: Option<FollowUp> = None;
    let mut named = HashSet::new();
    loop {
        let from = after.take();
        let page = bridge
            .reads()
            .run(move |store| store.follow_ups(from.as_ref(), limits::FOLLOW_UPS_PAGE_MAX))
            .await?;
        let Some(last) = page.last().cloned() else {
            memory.keep_only(&named);
            return Ok(());
        };
        named.extend(page.iter().map(|follow_up| follow_up.place));
        let done = bring_about(bridge, page, memory).await;
        forget(bridge, done, memory).await;
        after = Some(last);
    }
}

/// The records whose effects are there now. They are of different messages, and their order does
/// not matter: each is a fact by itself.
async fn bring_about(bridge: &Bridge, page: Vec<FollowUp>, memory: &mut Memory) -> Vec<FollowUp> {
    let now = bridge.clock().moment();
    let due = page
        .into_iter()
        .filter(|follow_up| memory.is_due(&follow_up.place, now));
    let due: Vec<FollowUp> = due.collect();
    let outcomes = futures_util::stream::iter(due).map(|follow_up| async move {
        let effect = AssertUnwindSafe(async {
            let of = follow_up.envelope.stream.name();
            bridge.faults().at("follower", of, "effect", Guard::Inside);
            effects::bring_about(bridge, &follow_up.envelope).await
        });
        // One record that makes it panic, today and after each restart, must not keep the others
        // from their effects.
        let outcome = effect.catch_unwind().await.unwrap_or_else(|_| {
            bridge.count_failure(Branch::Follower);
            Err(Reject::Internal {
                detail: "bringing it about panicked".to_owned(),
            })
        });
        (follow_up, outcome)
    });
    let mut outcomes = outcomes.buffer_unordered(limits::FOLLOW_UPS_AT_ONCE_MAX);
    let mut done = Vec::new();
    while let Some((follow_up, outcome)) = outcomes.next().await {
        let record = &follow_up.envelope;
        match outcome {
            Ok(()) => done.push(follow_up),
            Err(reject) if is_final(&reject) => {
                tracing::warn!(
                    stream = %record.stream, seq = %record.seq, %reject,
                    "an effect of a record is refused for good"
                );
                done.push(follow_up);
            }
            Err(reject) => {
                let detail = reject.detail().unwrap_or_default();
                tracing::debug!(
                    stream = %record.stream, seq = %record.seq, %reject, detail,
                    "an effect of a record is tried again"
                );
                memory.note_failure(follow_up.place, now);
            }
        }
    }
    done
}

/// Whether a refusal stands, whatever happens. What failed because a store or an owner is out of
/// order is tried for as long as that lasts.
fn is_final(reject: &Reject) -> bool {
    matches!(
        reject.code(),
        RejectCode::KeyReused
            | RejectCode::UnknownRecipient
            | RejectCode::MessageNotFound
            | RejectCode::StageBackwards
            | RejectCode::InvalidField
            | RejectCode::Forbidden
            | RejectCode::ScopeMissing
    )
}

/// Has the store forget what was brought about, and waits until it has: what is found again is
/// brought about again, and a client that is connected would be told twice.
async fn forget(bridge: &Bridge, done: Vec<FollowUp>, memory: &mut Memory) {
    if done.is_empty() {
        return;
    }
    let places: Vec<Place> = done.iter().map(|follow_up| follow_up.place).collect();
    let records: Vec<(Stream, Seq)> = done
        .into_iter()
        .map(|follow_up| (follow_up.envelope.stream, follow_up.envelope.seq))
        .collect();
    let (sender, forgotten) = oneshot::channel();
    let tell = Box::new(move || {
        if sender.send(()).is_err() {
            tracing::debug!("nobody waits any more for effects to be forgotten");
        }
    });
    let asked = bridge.log().follow_ups_done(records, tell);
    if asked.is_err() || forgotten.await.is_err() {
        tracing::debug!("effects could not be forgotten, and are brought about once more");
        let now = bridge.clock().moment();
        for place in places {
            memory.note_failure(place, now);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: u64) -> Moment {
        Moment::from_millis(millis)
    }

    #[test]
    fn what_failed_waits_longer_each_time() {
        let mut memory = Memory::default();
        let (one, other) = ((1, Seq::new(1)), (1, Seq::new(2)));
        assert!(memory.is_due(&one, at(0)));
        memory.note_failure(one, at(0));
        assert!(!memory.is_due(&one, at(999)));
        assert!(memory.is_due(&one, at(1_000)));
        memory.note_failure(one, at(1_000));
        assert!(!memory.is_due(&one, at(2_999)));
        for _ in 0..40 {
            memory.note_failure(one, at(3_000));
        }
        assert!(memory.is_due(&one, at(63_000)), "a minute at most");
        assert!(memory.is_due(&other, at(3_000)), "each waits by itself");
        memory.keep_only(&HashSet::new());
        assert!(memory.is_due(&one, at(0)), "it is not named any more");
    }
}
