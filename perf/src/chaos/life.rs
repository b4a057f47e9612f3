//! A server's life, as its clients share it.

use std::net::SocketAddr;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use tokio::sync::{Notify, watch};

use super::diary::Diary;
use crate::clock::Clock;

/// A server's life, as its clients share it.
#[derive(Debug)]
pub(super) struct Life {
    pub(super) server: SocketAddr,
    pub(super) epoch: String,
    pub(super) diary: Diary,
    /// Since the server was started.
    pub(super) clock: Clock,
    /// When the first of them was acknowledged.
    first: OnceLock<u64>,
    told: Notify,
    silence: Silence,
    begun: watch::Sender<bool>,
    /// From here on a lost connection is no wonder.
    is_killed: AtomicBool,
}

/// For how long nobody is acknowledged, in nanoseconds of the life's clock.
#[derive(Debug, Default)]
struct Silence {
    last: AtomicU64,
    longest: AtomicU64,
}

impl Life {
    pub(super) fn new(server: SocketAddr, epoch: &str, diary: &Diary, clock: Clock) -> Self {
        Self {
            server,
            epoch: epoch.to_owned(),
            diary: diary.clone(),
            clock,
            first: OnceLock::new(),
            told: Notify::new(),
            silence: Silence::default(),
            begun: watch::Sender::new(true),
            is_killed: AtomicBool::new(false),
        }
    }

    /// The same, where nobody posts before [`Life::begin`].
    pub(super) fn not_begun(self) -> Self {
        self.begun.send_replace(false);
        self
    }

    pub(super) fn begin(&self) {
        self.begun.send_replace(true);
    }

    /// Waits until it may be posted.
    pub(super) async fn may_begin(&self) {
        // It is told as long as the life lasts.
        drop(self.begun.subscribe().wait_for(|begun| *begun).await);
    }

    /// How long after the start somebody was acknowledged for the first time.
    pub(super) async fn first_acknowledgement(&self) -> u64 {
        loop {
            let told = self.told.notified();
            if let Some(first) = self.first.get() {
                return *first;
            }
            told.await;
        }
    }

    pub(super) fn is_about_to_be_killed(&self) {
        self.is_killed.store(true, Ordering::Relaxed);
    }

    /// What is wrong with a lost connection, if anything.
    pub(super) fn lost(&self, name: &str, why: String) -> Option<String> {
        let is_killed = self.is_killed.load(Ordering::Relaxed);
        (!is_killed).then(|| format!("{name}: {why}"))
    }

    pub(super) fn acknowledged(&self) {
        let now = self.clock.nanos();
        self.silence.ended(now);
        if self.first.set(now).is_ok() {
            self.told.notify_waiters();
        }
    }

    /// When somebody was acknowledged last.
    pub(super) fn last_acknowledgement(&self) -> u64 {
        self.silence.last.load(Ordering::Relaxed)
    }

    /// From here on, silence is measured.
    pub(super) fn measure_silence(&self) {
        self.silence.begin(self.clock.nanos());
    }

    /// The longest time without an acknowledgement since then, up to now.
    pub(super) fn longest_silence(&self) -> u64 {
        let now = self.clock.nanos();
        let last = self.silence.last.load(Ordering::Relaxed);
        let longest = self.silence.longest.load(Ordering::Relaxed);
        longest.max(now.saturating_sub(last))
    }
}

impl Silence {
    fn begin(&self, now: u64) {
        self.last.store(now, Ordering::Relaxed);
        self.longest.store(0, Ordering::Relaxed);
    }

    fn ended(&self, now: u64) {
        let last = self.last.swap(now, Ordering::Relaxed);
        let silence = now.saturating_sub(last);
        self.longest.fetch_max(silence, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_silence_counts_from_its_beginning() {
        let silence = Silence::default();
        silence.ended(90);
        silence.begin(100);
        for acknowledged in [130, 190, 200] {
            silence.ended(acknowledged);
        }
        assert_eq!(silence.longest.load(Ordering::Relaxed), 60);
    }
}
