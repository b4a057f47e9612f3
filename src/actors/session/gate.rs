//! What keeps a session from being read faster than it is served.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, Waker};

use bridge_core::limits;
use tokio::sync::{Notify, Semaphore};

/// Bytes that one unit of the window stands for, so that one semaphore bounds requests and bytes.
const UNIT_BYTES: usize = limits::IN_FLIGHT_BYTES_MAX / limits::IN_FLIGHT_REQUESTS_MAX;

/// The window of a session's unanswered requests, and a bar that can be put in front of it.
#[derive(Debug, Clone)]
pub struct Gate(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    window: Arc<Semaphore>,
    bars: AtomicUsize,
    lifted: Notify,
    is_closed: AtomicBool,
    reader: Mutex<Option<Waker>>,
}

/// Keeps the gate shut for as long as it lives.
#[derive(Debug)]
pub struct Paused(Gate);

impl Default for Gate {
    fn default() -> Self {
        Self(Arc::new(Shared {
            window: Arc::new(Semaphore::new(limits::IN_FLIGHT_REQUESTS_MAX)),
            bars: AtomicUsize::new(0),
            lifted: Notify::new(),
            is_closed: AtomicBool::new(false),
            reader: Mutex::new(None),
        }))
    }
}

impl Gate {
    /// The window, of which a request takes [`Gate::units`].
    #[must_use]
    pub fn window(&self) -> &Arc<Semaphore> {
        &self.0.window
    }

    /// How much of the window a request of this many bytes takes: one at least, and never more
    /// than there is.
    #[must_use]
    pub fn units(bytes: usize) -> u32 {
        let units = (bytes / UNIT_BYTES).clamp(1, limits::IN_FLIGHT_REQUESTS_MAX);
        u32::try_from(units).expect("the window is a thousand units or so")
    }

    /// Shuts the gate until the answer is dropped.
    #[must_use]
    pub fn pause(&self) -> Paused {
        self.0.bars.fetch_add(1, Ordering::AcqRel);
        Paused(self.clone())
    }

    /// Whether requests wait.
    #[must_use]
    pub fn is_shut(&self) -> bool {
        self.0.bars.load(Ordering::Acquire) > 0
    }

    /// Lets nothing more through, ever.
    pub fn close(&self) {
        self.0.is_closed.store(true, Ordering::Release);
        if let Some(reader) = self.reader().take() {
            reader.wake();
        }
    }

    /// Whether nothing more is let through, ever.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.0.is_closed.load(Ordering::Acquire)
    }

    /// Waits until everything that was let through has been answered.
    pub async fn quiet(&self) {
        loop {
            let lifted = self.0.lifted.notified();
            tokio::pin!(lifted);
            // Registered before the look, so that a bar that goes between the two is not missed.
            lifted.as_mut().enable();
            if !self.is_shut() {
                break;
            }
            lifted.await;
        }
        // Everything there is, so it waits for whatever others have of it.
        let all = Self::units(limits::IN_FLIGHT_BYTES_MAX);
        if self.0.window.acquire_many(all).await.is_err() {
            unreachable!("the window is never closed");
        }
    }

    /// Ready when requests may pass.
    pub fn poll_open(&self, cx: &mut Context<'_>) -> Poll<()> {
        if !self.is_shut() {
            return Poll::Ready(());
        }
        *self.reader() = Some(cx.waker().clone());
        // Opened in between? Then nobody would wake the reader.
        if self.is_shut() {
            Poll::Pending
        } else {
            Poll::Ready(())
        }
    }

    fn reader(&self) -> std::sync::MutexGuard<'_, Option<Waker>> {
        self.0.reader.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Paused {
    fn drop(&mut self) {
        self.0.0.bars.fetch_sub(1, Ordering::AcqRel);
        self.0.0.lifted.notify_waiters();
        if let Some(reader) = self.0.reader().take() {
            reader.wake();
        }
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;

    use super::*;

    #[test]
    fn it_is_quiet_when_everything_that_was_let_through_is_answered() {
        let gate = Gate::default();
        assert_eq!(gate.quiet().now_or_never(), Some(()));
        let request = Arc::clone(gate.window()).try_acquire_owned();
        let paused = gate.pause();
        gate.close();
        assert!(gate.is_closed());
        let mut quiet = Box::pin(gate.quiet());
        assert_eq!(quiet.as_mut().now_or_never(), None);
        drop(request);
        assert_eq!(
            quiet.as_mut().now_or_never(),
            None,
            "a look-up is under way"
        );
        drop(paused);
        assert_eq!(quiet.now_or_never(), Some(()));
        let request = Arc::clone(gate.window()).try_acquire_owned();
        assert_eq!(gate.quiet().now_or_never(), None);
        drop(request);
    }
}
