//! Reading the database without holding up an actor.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bridge_core::ports::{Store, StoreError};
use bridge_core::{Reject, limits};

use crate::blocking::Blocking;

/// Bounded access to a store.
#[derive(Clone)]
pub(super) struct Reads {
    store: Arc<dyn Store>,
    blocking: Blocking,
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
}
