//! Reading the database without holding up an actor: on other threads, a few at a time.

use std::sync::Arc;

use bridge_core::ports::{Store, StoreError};
use bridge_core::{Reject, limits};
use tokio::sync::Semaphore;

/// Bounded access to a store.
#[derive(Clone)]
pub(super) struct Reads {
    store: Arc<dyn Store>,
    at_once: Arc<Semaphore>,
    waiting: Arc<Semaphore>,
}

impl std::fmt::Debug for Reads {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Reads").finish_non_exhaustive()
    }
}

impl Reads {
    /// Access to a store.
    #[must_use]
    pub(super) fn new(store: Arc<dyn Store>) -> Self {
        Self {
            store,
            at_once: Arc::new(Semaphore::new(limits::READS_AT_ONCE_MAX)),
            waiting: Arc::new(Semaphore::new(limits::READS_WAITING_MAX)),
        }
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
        let busy = Reject::Busy { queue: "reads" };
        let place = Arc::clone(&self.waiting)
            .try_acquire_owned()
            .map_err(|_| busy.clone())?;
        let turn = Arc::clone(&self.at_once)
            .acquire_owned()
            .await
            .map_err(|_| busy)?;
        drop(place);
        let store = Arc::clone(&self.store);
        let task = tokio::task::spawn_blocking(move || {
            let _turn = turn;
            read(&*store)
        });
        match task.await {
            Ok(Ok(value)) => Ok(value),
            Ok(Err(StoreError::Unavailable(detail) | StoreError::Corrupt(detail))) => {
                tracing::error!(detail, "the store cannot be read");
                Err(Reject::Internal { detail })
            }
            Err(why) => Err(Reject::Internal {
                detail: format!("a read did not finish: {why}"),
            }),
        }
    }
}
