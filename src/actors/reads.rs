//! Reading the database without holding up an actor.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use bridge_core::ports::{Store, StoreError};
use bridge_core::{Reject, limits};
use tokio::sync::Semaphore;

use crate::blocking::Blocking;
use crate::telemetry::metrics::{Metrics, Operation};

/// The queue, as a refusal names it.
const NAME: &str = "reads";

/// Bounded access to a store.
#[derive(Clone)]
pub(super) struct Reads {
    store: Arc<dyn Store>,
    blocking: Blocking,
    turns: Arc<Semaphore>,
    total: Arc<AtomicU64>,
    /// Whether the store was not there when it was last asked.
    is_gone: Arc<AtomicBool>,
    metrics: Metrics,
}

impl Reads {
    /// Access to a store.
    #[must_use]
    pub(super) fn new(store: Arc<dyn Store>, metrics: Metrics) -> Self {
        let (at_once, waiting) = (limits::READS_AT_ONCE_MAX, limits::READS_WAITING_MAX);
        let blocking = Blocking::new(NAME, at_once, waiting).patient(limits::READ_TURN_WITHIN);
        Self {
            store,
            blocking,
            turns: Arc::new(Semaphore::new(limits::READS_IN_TURN_MAX)),
            total: Arc::default(),
            is_gone: Arc::default(),
            metrics,
        }
    }

    /// How often the store was read.
    #[must_use]
    pub(super) fn total(&self) -> u64 {
        self.total.load(Ordering::Relaxed)
    }

    /// What costs no reading: the epoch.
    #[must_use]
    pub(super) fn epoch(&self) -> bridge_core::Epoch {
        self.store.epoch()
    }

    /// Reads, when it is this reader's turn. A read that hangs keeps its turn, and nobody waits for
    /// it any more.
    ///
    /// # Errors
    /// [`Reject::Busy`] when too many wait or it takes too long, [`Reject::Retry`] when the store is
    /// not there, [`Reject::Internal`] when what it holds cannot be read.
    pub(super) async fn run<T: Send + 'static>(
        &self,
        read: impl FnOnce(&dyn Store) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, Reject> {
        let read = self.run_or_corrupt(read).await?;
        read.map_err(|detail| {
            tracing::error!(detail, "the store cannot be read");
            Reject::Internal { detail }
        })
    }

    /// The same for whoever knows what to do about a store that is corrupt: then it gets to know how.
    ///
    /// # Errors
    /// As for [`Reads::run`], but for that.
    pub(super) async fn run_or_corrupt<T: Send + 'static>(
        &self,
        read: impl FnOnce(&dyn Store) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<Result<T, String>, Reject> {
        let measuring = self.metrics.measure(Operation::Read);
        let read = self.attempt(read).await;
        match &read {
            Ok(_) => measuring.done(false),
            Err(reject) => measuring.refused(reject),
        }
        read
    }

    async fn attempt<T: Send + 'static>(
        &self,
        read: impl FnOnce(&dyn Store) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<Result<T, String>, Reject> {
        let (store, total) = (Arc::clone(&self.store), Arc::clone(&self.total));
        let counted = move || {
            total.fetch_add(1, Ordering::Relaxed);
            read(&*store)
        };
        let read = tokio::time::timeout(limits::READ_WITHIN, self.blocking.run(counted));
        let read = read.await.map_err(|_| Reject::Busy { queue: NAME })??;
        match read {
            Err(StoreError::Unavailable(why)) => Err(self.is_gone(&why)),
            Err(StoreError::Corrupt(detail)) => Ok(Err(detail)),
            Ok(read) => {
                self.is_there();
                Ok(Ok(read))
            }
        }
    }

    fn is_there(&self) {
        if self.is_gone.load(Ordering::Relaxed) && self.is_gone.swap(false, Ordering::Relaxed) {
            tracing::warn!("the store can be read again");
        }
    }

    /// Said once: everybody who reads finds out for himself.
    fn is_gone(&self, why: &str) -> Reject {
        if self.is_gone.swap(true, Ordering::Relaxed) {
            tracing::debug!(error = why, "the store still cannot be read");
        } else {
            tracing::error!(
                error = why,
                "the store cannot be read; what asks is refused for now"
            );
        }
        Reject::Retry {
            detail: "the store cannot be read now",
        }
    }

    /// The same for a session that catches up. All of them may come at once, and none is sent away
    /// because of the others: they wait, in order, until it is their turn. There are no more of them
    /// than sessions.
    ///
    /// # Errors
    /// [`Reject::Retry`] when the store is not there, [`Reject::Internal`] when what it holds cannot
    /// be read.
    pub(super) async fn in_turn<T: Send + 'static>(
        &self,
        read: impl Fn(&dyn Store) -> Result<T, StoreError> + Clone + Send + 'static,
    ) -> Result<T, Reject> {
        // The semaphore is never closed.
        let _turn = self.turns.acquire().await;
        loop {
            match self.run(read.clone()).await {
                // Others have taken all places, or it hangs.
                Err(Reject::Busy { .. }) => tokio::time::sleep(limits::READ_AGAIN).await,
                outcome => return outcome,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;
    use std::sync::mpsc::sync_channel;

    use bridge_core::fake::MemoryStore;
    use bridge_core::{Epoch, RejectCode};
    use futures_util::future::join_all;

    use super::*;

    /// A store that is not there is not the fault of who asks, and it will be there again.
    #[tokio::test]
    async fn a_store_that_is_not_there_is_a_refusal_for_now() {
        let epoch = Epoch::from_uuid(uuid::Uuid::from_u128(1));
        let reads = Reads::new(Arc::new(MemoryStore::new(epoch)), Metrics::new());
        let gone = |_: &dyn Store| Err::<(), _>(StoreError::Unavailable("restarting".into()));
        for _ in 0..2 {
            let refused = reads.run(gone).await.map_err(|why| why.code());
            assert_eq!(refused, Err(RejectCode::Retry));
        }
        assert_eq!(reads.run(|store| store.posts_total()).await, Ok(0));
        let corrupt = |_: &dyn Store| Err::<(), _>(StoreError::Corrupt("a row".into()));
        let refused = reads.run(corrupt).await.map_err(|why| why.code());
        assert_eq!(refused, Err(RejectCode::Internal));
        let told = reads.run_or_corrupt(corrupt).await;
        assert_eq!(told, Ok(Err("a row".to_owned())));
    }

    /// One that hangs is not waited for, neither by the reads that it has nor by those behind them.
    #[tokio::test(start_paused = true)]
    async fn a_store_that_hangs_is_waited_for_so_long_and_no_longer() {
        let epoch = Epoch::from_uuid(uuid::Uuid::from_u128(1));
        let reads = Reads::new(Arc::new(MemoryStore::new(epoch)), Metrics::new());
        let (release, released) = sync_channel::<()>(1);
        let released = Arc::new(Mutex::new(released));
        let hang = move |_: &dyn Store| {
            let released = released.lock().expect("nobody panics");
            released.recv().unwrap_or_default();
            Ok(())
        };
        let many = 2 * limits::READS_AT_ONCE_MAX;
        let all = join_all((0..many).map(|_| reads.run(hang.clone())));
        let time = async {
            let others = limits::READS_WAITING_MAX - limits::READS_AT_ONCE_MAX;
            while reads.blocking.places_left() > others {
                tokio::task::yield_now().await;
            }
            tokio::time::advance(limits::READ_TURN_WITHIN).await;
            while reads.blocking.places_left() < limits::READS_WAITING_MAX {
                tokio::task::yield_now().await;
            }
            tokio::time::advance(limits::READ_WITHIN).await;
        };
        let (all, ()) = tokio::join!(all, time);
        for read in all {
            assert_eq!(read.map_err(|why| why.code()), Err(RejectCode::Busy));
        }
        drop(release);
    }

    /// Twice as many as may wait, while nobody gets on.
    #[tokio::test]
    async fn whoever_waits_in_turn_is_not_sent_away_and_leaves_room_for_others() {
        let epoch = Epoch::from_uuid(uuid::Uuid::from_u128(1));
        let reads = Reads::new(Arc::new(MemoryStore::new(epoch)), Metrics::new());
        let (release, released) = sync_channel::<()>(1);
        let released = Arc::new(Mutex::new(released));
        let hold = move |_: &dyn Store| {
            let released = released.lock().expect("nobody panics");
            // An error when it is dropped, which lets everybody on.
            released.recv().unwrap_or_default();
            Ok(())
        };
        let many = 2 * limits::READS_WAITING_MAX;
        let in_turn = join_all((0..many).map(|_| reads.in_turn(hold.clone())));
        let in_turn = async {
            let all = in_turn.await;
            assert!(all.iter().all(Result::is_ok), "somebody was sent away");
        };
        let others = async {
            // The ones in turn have begun to wait.
            while reads.turns.available_permits() > 0 {
                tokio::task::yield_now().await;
            }
            let left = limits::READS_WAITING_MAX - limits::READS_IN_TURN_MAX;
            let waiting = join_all((0..many).map(|_| reads.run(hold.clone())));
            let waiting = async {
                let all = waiting.await;
                let is_busy = |read: &&Result<(), Reject>| {
                    read.as_ref()
                        .is_err_and(|why| why.code() == RejectCode::Busy)
                };
                assert!(many - all.iter().filter(is_busy).count() >= left);
                assert!(all.iter().any(|read| read.is_err()), "places are bounded");
            };
            let release = async {
                tokio::task::yield_now().await;
                drop(release);
            };
            tokio::join!(waiting, release);
        };
        tokio::join!(in_turn, others);
    }
}
