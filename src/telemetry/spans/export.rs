//! Takes spans to a collector, many at once. A collector that is slow or away costs spans, and nothing
//! else.

use bridge_core::limits;
use metrics::Counter;
use reqwest::redirect::Policy;
use reqwest::{Client, Response, StatusCode};
use tokio::sync::{mpsc, oneshot};

use super::otlp;
use super::settings::Settings;
use super::span::Span;
use crate::system::Stopwatch;

/// What takes spans to a collector.
pub struct Exporter {
    settings: Settings,
    http: Client,
    queue: mpsc::Receiver<Span>,
    batch: Vec<Span>,
    dropped: Counter,
    complaints: Complaints,
}

impl std::fmt::Debug for Exporter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Exporter").finish_non_exhaustive()
    }
}

/// Why a collector did not take spans.
#[derive(Debug, thiserror::Error)]
enum NotTaken {
    #[error(transparent)]
    Http(#[from] reqwest::Error),
    #[error("it answers {0}")]
    Status(StatusCode),
}

impl Exporter {
    pub(super) fn new(
        settings: Settings,
        queue: mpsc::Receiver<Span>,
        dropped: Counter,
    ) -> Result<Self, reqwest::Error> {
        let http = Client::builder()
            .no_proxy()
            // Who talks to whom goes where the settings say, and nowhere else.
            .redirect(Policy::none())
            .timeout(limits::SPANS_TAKEN_WITHIN)
            .build()?;
        Ok(Self {
            settings,
            http,
            queue,
            batch: Vec::new(),
            dropped,
            complaints: Complaints::default(),
        })
    }

    /// Goes on until `stop`, and then takes what is left. What is being taken at that moment is not
    /// broken off, or it would come twice; whoever cannot wait for that drops it.
    pub async fn run(mut self, stop: oneshot::Receiver<()>) {
        tokio::pin!(stop);
        loop {
            tokio::select! {
                // A sender that is dropped stops it, too.
                _ = &mut stop => break,
                is_over = self.gather() => if is_over { return },
            }
            if self.send().await {
                continue;
            }
            tokio::select! {
                _ = &mut stop => break,
                () = tokio::time::sleep(limits::SPANS_REST_AFTER_FAILURE) => {}
            }
        }
        self.take_the_rest().await;
    }

    /// Waits for a span, and a while for more of them. Whether there is nobody left to give any.
    async fn gather(&mut self) -> bool {
        let max = limits::SPANS_AT_ONCE_MAX;
        if self.batch.is_empty() {
            self.queue.recv_many(&mut self.batch, max).await;
        }
        if self.batch.is_empty() {
            return true;
        }
        let enough = tokio::time::sleep(limits::SPANS_GATHERED_FOR);
        tokio::pin!(enough);
        while self.batch.len() < max {
            let room = max - self.batch.len();
            tokio::select! {
                () = &mut enough => break,
                came = self.queue.recv_many(&mut self.batch, room) => if came == 0 { break },
            }
        }
        false
    }

    async fn take_the_rest(&mut self) {
        loop {
            while self.batch.len() < limits::SPANS_AT_ONCE_MAX
                && let Ok(span) = self.queue.try_recv()
            {
                self.batch.push(span);
            }
            if self.batch.is_empty() {
                return;
            }
            self.send().await;
        }
    }

    /// Whether the collector took what was gathered. What it does not take is dropped: the next ones
    /// are as good.
    async fn send(&mut self) -> bool {
        if self.batch.is_empty() {
            return true;
        }
        let sent = self.try_send().await;
        let spans = self.batch.len();
        self.batch.clear();
        match sent {
            Ok(0) => true,
            Ok(rejected) => {
                self.lost(rejected.min(spans), &"it takes the others");
                true
            }
            Err(why) => {
                self.lost(spans, &why);
                false
            }
        }
    }

    /// How many of them the collector did not take, by its own account.
    async fn try_send(&self) -> Result<usize, NotTaken> {
        let request = otlp::request(&self.settings.service, &self.batch);
        let request = self.http.post(self.settings.url.clone()).json(&request);
        let response = request.send().await?;
        let status = response.status();
        if !status.is_success() {
            return Err(NotTaken::Status(status));
        }
        Ok(otlp::rejected(&beginning(response).await?))
    }

    fn lost(&mut self, spans: usize, why: &dyn std::fmt::Display) {
        self.dropped.increment(spans as u64);
        if let Some(spans) = self.complaints.about(spans) {
            tracing::warn!(error = %why, spans, "the collector does not take spans; they are dropped");
        }
    }
}

/// As much of an answer as is read.
async fn beginning(mut response: Response) -> Result<Vec<u8>, reqwest::Error> {
    let mut read = Vec::new();
    while let Some(some) = response.chunk().await? {
        let room = limits::SPANS_ANSWER_BYTES_MAX - read.len();
        read.extend_from_slice(&some[..some.len().min(room)]);
        if read.len() == limits::SPANS_ANSWER_BYTES_MAX {
            break;
        }
    }
    Ok(read)
}

/// Says once in a while what would else be said for every batch.
#[derive(Debug, Default)]
struct Complaints {
    last: Option<Stopwatch>,
    untold: usize,
}

impl Complaints {
    /// How many there were since the last time, if it is time to say so.
    fn about(&mut self, spans: usize) -> Option<usize> {
        self.untold += spans;
        let is_soon = |last: Stopwatch| last.elapsed() < limits::SPANS_COMPLAINED_EVERY;
        if self.last.is_some_and(is_soon) {
            return None;
        }
        self.last = Some(Stopwatch::start());
        Some(std::mem::take(&mut self.untold))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_complains_once_in_a_while() {
        let mut complaints = Complaints::default();
        assert_eq!(complaints.about(3), Some(3));
        for _ in 0..100 {
            assert_eq!(complaints.about(2), None);
        }
        complaints.last = None;
        assert_eq!(complaints.about(1), Some(201));
    }
}
