//! What `/ready` says while something is broken, asked again and again.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use reqwest::Method;
use tokio::task::JoinSet;

use super::http::Http;
use super::server::Server;
use crate::clock::{Clock, nanos};

/// Some ask side by side: an answer may take a while.
const ASKERS: usize = 4;
/// Between two questions of one of them.
const ASKS_EVERY: Duration = Duration::from_millis(20);

/// Asks until it is dropped.
#[derive(Debug)]
pub(super) struct Readiness {
    http: Http,
    seen: Arc<Seen>,
    _asking: JoinSet<()>,
}

#[derive(Debug, Default)]
struct Seen {
    was_unready: AtomicBool,
    slowest_nanos: AtomicU64,
    unanswered: AtomicU64,
}

impl Readiness {
    pub(super) fn begin(server: &Server) -> Result<Self, String> {
        let http = Http::operator(server)?;
        let seen = Arc::new(Seen::default());
        let mut asking = JoinSet::new();
        for _ in 0..ASKERS {
            asking.spawn(ask_again_and_again(http.clone(), Arc::clone(&seen)));
        }
        Ok(Self {
            http,
            seen,
            _asking: asking,
        })
    }

    /// Whether it was 503 since this was asked last.
    pub(super) fn was_unready(&self) -> bool {
        self.seen.was_unready.swap(false, Ordering::Relaxed)
    }

    /// The slowest answer so far, in milliseconds.
    pub(super) fn slowest_ms(&self) -> f64 {
        self.seen.slowest_nanos.load(Ordering::Relaxed) as f64 / 1e6
    }

    /// How often there was no answer, or neither 200 nor 503.
    pub(super) fn unanswered(&self) -> u64 {
        self.seen.unanswered.load(Ordering::Relaxed)
    }

    /// Waits until it is ready.
    pub(super) async fn until_ready(&self, within: Duration) -> Result<(), String> {
        let clock = Clock::start();
        loop {
            let answer = self.http.ask(Method::GET, "/ready", None, None).await?;
            if answer.status == 200 {
                return Ok(());
            }
            if clock.nanos() > nanos(within) {
                let body = answer.body;
                return Err(format!("not ready {within:?} after all was well: {body}"));
            }
            tokio::time::sleep(ASKS_EVERY).await;
        }
    }
}

async fn ask_again_and_again(http: Http, seen: Arc<Seen>) {
    loop {
        let clock = Clock::start();
        let answer = http.ask(Method::GET, "/ready", None, None).await;
        seen.slowest_nanos
            .fetch_max(clock.nanos(), Ordering::Relaxed);
        match answer.map(|answer| answer.status) {
            Ok(200) => {}
            Ok(503) => seen.was_unready.store(true, Ordering::Relaxed),
            Ok(_) | Err(_) => {
                seen.unanswered.fetch_add(1, Ordering::Relaxed);
            }
        }
        tokio::time::sleep(ASKS_EVERY).await;
    }
}
