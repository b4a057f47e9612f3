//! Reading the database without holding up an actor.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bridge_core::ports::{Store, StoreError};
use bridge_core::{Reject, limits};
use tokio::sync::Semaphore;

use crate::blocking::Blocking;

/// Bounded access to a store.
#[derive(Clone)]
pub(super) struct Reads {
    store: Arc<dyn Store>,
    blocking: Blocking,
    turns: Arc<Semaphore>,
    total: Arc<AtomicU64>,
}

impl Reads {
    /// Access to a store.
    #[must_use]
    pub(super) fn new(store: Arc<dyn Store>) -> Self {
        let (at_once, waiting) = (limits::READS_AT_ONCE_MAX, limits::READS_WAITING_MAX);
        let blocking = Blocking::new("reads", at_once, waiting);
        Self {
            store,
            blocking,
            turns: Arc::new(Semaphore::new(limits::READS_IN_TURN_MAX)),
            total: Arc::default(),
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

    /// Reads, when it is this reader's turn.
    ///
    /// # Errors
    /// [`Reject::Busy`] when too many wait, [`Reject::Internal`] when the store cannot be read.
    pub(super) async fn run<T: Send + 'static>(
        &self,
        read: impl FnOnce(&dyn Store) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, Reject> {
        let (store, total) = (Arc::clone(&self.store), Arc::clone(&self.total));
        let counted = move || {
            total.fetch_add(1, Ordering::Relaxed);
            read(&*store)
        };
        let read = self.blocking.run(counted).await?;
        read.map_err(|why| {
            let detail = why.to_string();
            tracing::error!(detail, "the store cannot be read");
            Reject::Internal { detail }
        })
    }

    /// The same for a session that catches up. All of them may come at once, and none is sent away
    /// because of the others: they wait, in order, until it is their turn. There are no more of them
    /// than sessions.
    ///
    /// # Errors
    /// [`Reject::Internal`] when the store cannot be read.
    pub(super) async fn in_turn<T: Send + 'static>(
        &self,
        read: impl Fn(&dyn Store) -> Result<T, StoreError> + Clone + Send + 'static,
    ) -> Result<T, Reject> {
        // The semaphore is never closed.
        let _turn = self.turns.acquire().await;
        loop {
            match self.run(read.clone()).await {
                // Others have taken all places.
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

    /// Twice as many as may wait, while nobody gets on.
    #[tokio::test]
    async fn whoever_waits_in_turn_is_not_sent_away_and_leaves_room_for_others() {
        let epoch = Epoch::from_uuid(uuid::Uuid::from_u128(1));
        let reads = Reads::new(Arc::new(MemoryStore::new(epoch)));
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
