//! Streams of events that are open, and whose they are.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use bridge_core::ClientId;

use crate::permits::{Permit, Permits};

/// The streams of events. Cheap to clone.
#[derive(Debug, Clone)]
pub struct EventStreams {
    permits: Permits,
    by_client: Arc<Mutex<HashMap<ClientId, usize>>>,
}

/// One of the streams that there may be. Given back when it is dropped.
#[derive(Debug)]
pub(super) struct Place {
    streams: EventStreams,
    client: ClientId,
    _permit: Permit,
}

impl EventStreams {
    /// So many at most.
    #[must_use]
    pub fn new(max: usize) -> Self {
        Self {
            permits: Permits::new(max, 0),
            by_client: Arc::default(),
        }
    }

    /// A stream for a client, or none when there are too many.
    pub(super) fn begin(&self, client: &ClientId) -> Option<Place> {
        let permit = self.permits.acquire(0)?;
        let mut by_client = self
            .by_client
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        *by_client.entry(client.clone()).or_default() += 1;
        Some(Place {
            streams: self.clone(),
            client: client.clone(),
            _permit: permit,
        })
    }

    /// How many there are.
    pub(super) fn in_use(&self) -> usize {
        self.permits.in_use()
    }

    /// How many each client has.
    pub(super) fn by_client(&self) -> Vec<(ClientId, usize)> {
        let by_client = self
            .by_client
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let streams = by_client.iter();
        streams.map(|(client, of)| (client.clone(), *of)).collect()
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut by_client = self
            .streams
            .by_client
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if let Some(streams) = by_client.get_mut(&self.client) {
            *streams -= 1;
            if *streams == 0 {
                by_client.remove(&self.client);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_has_no_stream_any_more_is_forgotten() {
        let streams = EventStreams::new(2);
        let ann: ClientId = "ann".parse().expect("a name");
        let (one, two) = (streams.begin(&ann), streams.begin(&ann));
        assert!(streams.begin(&ann).is_none());
        assert_eq!(streams.by_client(), [(ann.clone(), 2)]);
        drop(one);
        assert_eq!((streams.by_client(), streams.in_use()), (vec![(ann, 1)], 1));
        drop(two);
        assert_eq!(streams.by_client(), []);
    }
}
