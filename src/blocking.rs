//! Work that would hold up an actor: on other threads, a few at a time.

use std::sync::Arc;
use std::time::Duration;

use bridge_core::Reject;
use tokio::sync::Semaphore;

/// Bounded access to threads that may block.
#[derive(Debug, Clone)]
pub struct Blocking {
    name: &'static str,
    at_once: Arc<Semaphore>,
    waiting: Arc<Semaphore>,
    /// How long a turn is waited for.
    patience: Duration,
}

impl Blocking {
    /// So many at once, and so many that wait for their turn.
    #[must_use]
    pub fn new(name: &'static str, at_once: usize, waiting: usize) -> Self {
        Self {
            name,
            at_once: Arc::new(Semaphore::new(at_once)),
            waiting: Arc::new(Semaphore::new(waiting)),
            patience: Duration::MAX,
        }
    }

    /// The same, where whoever waits longer than this for a turn is sent away.
    #[must_use]
    pub const fn patient(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self
    }

    /// How many more may wait.
    #[cfg(test)]
    pub(crate) fn places_left(&self) -> usize {
        self.waiting.available_permits()
    }

    /// Does the work when it is its turn.
    ///
    /// # Errors
    /// [`Reject::Busy`] when too many wait, or for too long, [`Reject::Internal`] when the work panicked.
    pub async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Reject> {
        let busy = Reject::Busy { queue: self.name };
        let place = Arc::clone(&self.waiting)
            .try_acquire_owned()
            .map_err(|_| busy.clone())?;
        let turn = Arc::clone(&self.at_once).acquire_owned();
        let turn = tokio::time::timeout(self.patience, turn).await;
        let turn = turn.map_err(|_| busy.clone())?.map_err(|_| busy)?;
        drop(place);
        let task = tokio::task::spawn_blocking(move || {
            let _turn = turn;
            work()
        });
        task.await.map_err(|why| Reject::Internal {
            detail: format!("{} did not finish: {why}", self.name),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bridge_core::RejectCode;
    use std::sync::mpsc::sync_channel;

    #[tokio::test]
    async fn turns_and_waiting_places_are_bounded_and_given_back() {
        let blocking = Blocking::new("tests", 1, 1);
        let (release, released) = sync_channel::<()>(1);
        let other = blocking.clone();
        let first = tokio::spawn(async move { other.run(move || released.recv()).await });
        while blocking.at_once.available_permits() > 0 {
            tokio::task::yield_now().await;
        }
        let other = blocking.clone();
        let second = tokio::spawn(async move { other.run(|| 2).await });
        while blocking.waiting.available_permits() > 0 {
            tokio::task::yield_now().await;
        }
        let third = blocking.run(|| 3).await.expect_err("too many wait");
        assert_eq!(third.code(), RejectCode::Busy);
        release.send(()).expect("the first waits");
        assert!(first.await.expect("no panic").is_ok());
        assert_eq!(second.await.expect("no panic"), Ok(2));
        assert_eq!(blocking.run(|| 4).await, Ok(4));
    }

    /// Work that hangs keeps its turn, and those who wait for one are sent away in time.
    #[tokio::test]
    async fn a_turn_that_does_not_come_is_not_waited_for() {
        let blocking = Blocking::new("tests", 1, 1).patient(Duration::from_millis(10));
        let (release, released) = sync_channel::<()>(1);
        let other = blocking.clone();
        let first = tokio::spawn(async move { other.run(move || released.recv()).await });
        while blocking.at_once.available_permits() > 0 {
            tokio::task::yield_now().await;
        }
        for _ in 0..3 {
            let late = blocking.run(|| 2).await.expect_err("nobody gets on");
            assert_eq!(late.code(), RejectCode::Busy);
        }
        release.send(()).expect("the first waits");
        assert!(first.await.expect("no panic").is_ok());
        assert_eq!(blocking.run(|| 3).await, Ok(3));
    }

    #[tokio::test]
    async fn a_panic_stays_inside() {
        let blocking = Blocking::new("tests", 1, 1);
        let outcome: Result<(), Reject> = blocking.run(|| panic!("injected")).await;
        assert_eq!(outcome.map_err(|why| why.code()), Err(RejectCode::Internal));
        assert_eq!(blocking.run(|| 1).await, Ok(1));
    }
}
