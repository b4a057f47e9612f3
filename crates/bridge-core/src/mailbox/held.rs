//! A message that is neither seen nor ended, and everything about its delivery.

use crate::event::{About, Envelope, MessageStored, Reopened};
use crate::id::{Seq, Timestamp};
use crate::limits;
use crate::mailbox::command::{Rules, millis};
use crate::message::{Attempt, Ending, Expiry, Failure, Priority};
use crate::text::Metadata;

/// A message that is neither seen nor ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Held {
    /// Which.
    pub about: About,
    /// When it was stored.
    pub stored_at: Timestamp,
    /// How urgent it is.
    pub priority: Priority,
    /// Its time is over then.
    pub expires_at: Timestamp,
    /// Whether it wants an answer.
    pub expects_reply: bool,
    /// Until when it waits for one.
    pub deadline: Option<Timestamp>,
    /// Roughly how many bytes it has.
    pub bytes: u32,
    /// Whether somebody has it now.
    pub phase: Phase,
    /// How often it was handed over.
    pub attempts: u32,
    /// The attempts that failed.
    pub failures: Vec<Failure>,
    /// The records that say that it was handed over.
    pub deliveries: Vec<Seq>,
}

/// Whether somebody has a message now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// Nobody; it is not handed over before.
    Waiting {
        /// The end of its back-off.
        not_before: Timestamp,
    },
    /// Somebody, who has not confirmed it yet.
    Leased(Attempt),
}

/// The order of delivery: the smallest goes first.
///
/// A step of priority is worth an earlier arrival by [`limits::PRIORITY_STEP`]. So a message of
/// priority 0 passes one of priority 3 that came in three steps later, and since all messages age
/// alike the order of two of them never changes: it can be an index.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Rank(i64, Seq);

impl Rank {
    /// Whose rank it is: the record that stored the message.
    #[must_use]
    pub const fn message(self) -> Seq {
        self.1
    }
}

impl Held {
    pub(super) fn new(envelope: &Envelope, stored: &MessageStored) -> Self {
        let metadata = stored.metadata.as_ref().map_or(0, Metadata::weight_bytes);
        let bytes = stored.body.weight_bytes() + metadata;
        Self {
            about: About {
                message: envelope.seq,
                id: stored.id,
                from: envelope.by.clone(),
            },
            stored_at: envelope.at,
            priority: stored.priority,
            expires_at: stored.expires_at,
            expects_reply: stored.expects_reply,
            deadline: stored.deadline,
            bytes: u32::try_from(bytes).unwrap_or(u32::MAX),
            // At once, whatever the clock says later: it may have been set back.
            phase: Phase::Waiting {
                not_before: Timestamp::default(),
            },
            attempts: 0,
            failures: Vec::new(),
            deliveries: Vec::new(),
        }
    }

    /// One that had been seen and is taken up again.
    pub(super) fn reopened(about: &About, reopened: &Reopened, not_before: Timestamp) -> Self {
        Self {
            about: about.clone(),
            stored_at: reopened.stored_at,
            priority: reopened.priority,
            expires_at: reopened.expires_at,
            expects_reply: reopened.expects_reply,
            deadline: reopened.deadline,
            bytes: reopened.bytes,
            phase: Phase::Waiting { not_before },
            attempts: reopened.attempts,
            failures: reopened.failures.clone(),
            deliveries: Vec::new(),
        }
    }

    /// What the log needs to take it up again.
    pub(super) fn to_reopened(&self) -> Reopened {
        Reopened {
            stored_at: self.stored_at,
            priority: self.priority,
            expires_at: self.expires_at,
            expects_reply: self.expects_reply,
            deadline: self.deadline,
            attempts: self.attempts,
            failures: self.failures.clone(),
            bytes: self.bytes,
        }
    }

    /// Whether it is noted already how its latest attempt ended.
    pub(super) fn has_failed_already(&self) -> bool {
        let attempt = self.attempts.max(1);
        let is_noted = self.failures.iter().any(|f| f.attempt == attempt);
        self.attempt().is_none() && is_noted
    }

    /// Its place in the order of delivery.
    #[must_use]
    pub fn rank(&self) -> Rank {
        let step = millis(limits::PRIORITY_STEP);
        let head_start = i64::from(self.priority.get()) * step;
        Rank(self.stored_at.as_millis() - head_start, self.about.message)
    }

    /// When it ends if nobody finishes with it.
    #[must_use]
    pub fn ends_at(&self) -> Timestamp {
        ends_at(self.expires_at, self.deadline)
    }

    /// Whether its time is over.
    #[must_use]
    pub fn is_over(&self, now: Timestamp) -> bool {
        now >= self.ends_at()
    }

    /// Why its time is over, when it is.
    pub(super) fn expiry(&self) -> Expiry {
        expiry(self.expires_at, self.deadline, false)
    }

    /// Whether it may be handed over now.
    #[must_use]
    pub fn is_ready(&self, now: Timestamp) -> bool {
        match self.phase {
            Phase::Waiting { not_before } => now >= not_before && !self.is_over(now),
            Phase::Leased(_) => false,
        }
    }

    /// Whether it may be what kills its readers: it was there as often when they were cut off. Such
    /// a message is never handed over with another such one, so that each that does no harm is taken
    /// before the one that does has used up all their attempts.
    #[must_use]
    pub fn is_suspect(&self, rules: Rules) -> bool {
        self.is_suspect_after(0, rules)
    }

    /// The same when it is cut off so many times more.
    pub(super) fn is_suspect_after(&self, more: usize, rules: Rules) -> bool {
        let cut = |failure: &&Failure| {
            matches!(
                failure.ending,
                Ending::ConnectionLost | Ending::NotConfirmed
            )
        };
        let last_chance = (rules.attempts_max as usize).saturating_sub(1).max(1);
        let enough = limits::CUTS_BEFORE_ALONE.min(last_chance);
        self.failures.iter().filter(cut).count() + more >= enough
    }

    /// The attempt under way.
    #[must_use]
    pub const fn attempt(&self) -> Option<&Attempt> {
        match &self.phase {
            Phase::Waiting { .. } => None,
            Phase::Leased(attempt) => Some(attempt),
        }
    }

    /// When something is due about it without anybody doing anything.
    #[must_use]
    pub fn due_at(&self) -> Timestamp {
        self.attempt()
            .map_or(self.ends_at(), |attempt| attempt.until.min(self.ends_at()))
    }

    pub(super) fn hand_over(&mut self, attempt: Attempt, number: u32) {
        self.attempts = number;
        self.phase = Phase::Leased(attempt);
        if self.deliveries.len() == limits::DELIVERIES_REMEMBERED_MAX {
            self.deliveries.remove(0);
        }
        self.deliveries.push(attempt.seq);
    }
}

/// When a message ends if nobody finishes with it, whichever comes first.
pub(super) fn ends_at(expires_at: Timestamp, deadline: Option<Timestamp>) -> Timestamp {
    deadline.map_or(expires_at, |deadline| deadline.min(expires_at))
}

/// Why a message's time is over.
pub(super) fn expiry(expires_at: Timestamp, deadline: Option<Timestamp>, was_seen: bool) -> Expiry {
    match deadline {
        Some(deadline) if deadline <= expires_at => Expiry::NoReply,
        _ if was_seen => Expiry::Seen,
        _ => Expiry::Ttl,
    }
}

/// The first ones in the order of delivery, within about so many bytes, but at least one.
pub(super) fn first_of(mut held: Vec<&Held>, messages_max: usize, bytes_max: usize) -> Vec<&Held> {
    held.sort_by_key(|held| held.rank());
    let mut bytes = 0;
    let mut first = Vec::new();
    for held in held.into_iter().take(messages_max) {
        bytes += held.bytes as usize;
        if !first.is_empty() && bytes > bytes_max {
            break;
        }
        first.push(held);
    }
    first
}
