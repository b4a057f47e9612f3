//! The rhythm of an open loop. A thread of its own, because the runtime's timers count whole
//! milliseconds, which is longer than what is measured.

use std::sync::mpsc::{RecvTimeoutError, SyncSender, sync_channel};
use std::thread::JoinHandle;

use tokio::sync::mpsc::Sender;

use super::tally::Window;
use crate::clock::Clock;

/// Posts that are due of one client and that it has not taken. When it falls further behind, the
/// rhythm waits for it; what is late is still counted from when it was due.
pub(crate) const DUE_MAX: usize = 4_096;

/// Nanoseconds.
const SECOND: u128 = 1_000_000_000;

/// The thread; it ends when this is dropped.
#[derive(Debug)]
pub(crate) struct Pacer {
    stop: Option<SyncSender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Pacer {
    /// Tells the clients in turn when they are to post.
    pub(crate) fn start(
        clock: Clock,
        span: Window,
        posts_per_second: u32,
        clients: Vec<Sender<u64>>,
    ) -> std::io::Result<Self> {
        let (stop, stopped) = sync_channel(0);
        let beat = move || {
            for (turn, moment) in moments(span, posts_per_second).enumerate() {
                match stopped.recv_timeout(clock.until(moment)) {
                    Err(RecvTimeoutError::Timeout) => {}
                    Ok(()) | Err(RecvTimeoutError::Disconnected) => return,
                }
                let client = &clients[turn % clients.len()];
                if client.blocking_send(moment).is_err() {
                    // It is gone, and has told why; the others keep their rhythm.
                    continue;
                }
            }
        };
        let thread = std::thread::Builder::new().name("pacer".into());
        Ok(Self {
            stop: Some(stop),
            thread: Some(thread.spawn(beat)?),
        })
    }
}

impl Drop for Pacer {
    fn drop(&mut self) {
        self.stop.take();
        let Some(thread) = self.thread.take() else {
            return;
        };
        // Who waits for a client here would wait for ever: the clients run on this thread. Their
        // ends of the channels go soon, and the pacer with them.
        if thread.is_finished() && thread.join().is_err() {
            eprintln!("the pacer panicked");
        }
    }
}

/// When each post is due, at even distances.
fn moments(span: Window, posts_per_second: u32) -> impl Iterator<Item = u64> {
    let moment = move |turn: u128| {
        let after = turn * SECOND / u128::from(posts_per_second);
        span.begin + u64::try_from(after).unwrap_or(u64::MAX - span.begin)
    };
    (0..).map(moment).take_while(move |at| *at < span.end)
}

/// How many of them are within the window.
pub(crate) fn due(span: Window, window: Window, posts_per_second: u32) -> u64 {
    // Those before a moment, none of which is at or after it: rounded up.
    let before = |moment: u64| {
        let after = u128::from(moment.saturating_sub(span.begin));
        (after * u128::from(posts_per_second)).div_ceil(SECOND)
    };
    let within = before(window.end.min(span.end)).saturating_sub(before(window.begin));
    u64::try_from(within).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn posts_are_due_at_even_distances() {
        let span = Window {
            begin: 500,
            end: 1_000_000_500,
        };
        let all: Vec<u64> = moments(span, 4).collect();
        assert_eq!(all, [500, 250_000_500, 500_000_500, 750_000_500]);
        assert_eq!(moments(span, 3).count(), 3);
        assert_eq!(moments(span, 7_777).count(), 7_777);
    }

    #[test]
    fn what_is_due_within_the_window_is_counted() {
        let span = Window {
            begin: 500,
            end: 3_000_000_777,
        };
        for (begin, end) in [
            (500, 3_000_000_777),
            (500, 501),
            (501, 1_000_000_500),
            (1_000_000_500, 2_000_000_501),
            (2_999_999_999, 3_000_000_777),
        ] {
            let window = Window { begin, end };
            for rate in [1, 3, 7_777] {
                let within = moments(span, rate).filter(|at| begin <= *at && *at < end);
                assert_eq!(due(span, window, rate), within.count() as u64, "{window:?}");
            }
        }
    }

    #[test]
    fn the_clients_take_turns() {
        let (clients, mut ends): (Vec<_>, Vec<_>) =
            (0..3).map(|_| tokio::sync::mpsc::channel(10)).unzip();
        let span = Window { begin: 0, end: 700 };
        let ten_million = 10_000_000;
        let mut pacer = Pacer::start(Clock::start(), span, ten_million, clients).expect("a thread");
        let thread = pacer.thread.take().expect("it was started");
        thread.join().expect("it ends by itself");
        let mut taken = |client: usize| {
            let mut all = Vec::new();
            while let Ok(moment) = ends[client].try_recv() {
                all.push(moment);
            }
            all
        };
        assert_eq!(taken(0), [0, 300, 600]);
        assert_eq!(taken(1), [100, 400]);
        assert_eq!(taken(2), [200, 500]);
    }
}
