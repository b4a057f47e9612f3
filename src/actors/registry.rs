//! Which owners of streams are awake, and which sessions are live.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bridge_core::session::CloseReason;
use bridge_core::{ClientId, Moment, Reject, SessionId};

use super::handle::{SessionHandle, StreamHandle};
use super::stream::Kind;

/// A map that several threads look into, briefly.
#[derive(Debug)]
struct Shared<T>(Arc<Mutex<T>>);

impl<T> Clone for Shared<T> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<T: Default> Default for Shared<T> {
    fn default() -> Self {
        Self(Arc::default())
    }
}

impl<T> Shared<T> {
    /// No code that can panic runs under these locks but allocation, so a poisoned one is good.
    fn lock(&self) -> MutexGuard<'_, T> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The owners of one kind of stream that are awake, by the streams' names.
pub(super) struct Awake<Id, K: Kind> {
    handles: Shared<HashMap<Id, StreamHandle<K>>>,
    what: &'static str,
    count_max: usize,
}

impl<Id: Clone + Eq + Hash, K: Kind> Awake<Id, K> {
    /// None yet; `what` they are, for the operator.
    pub(super) fn new(what: &'static str, count_max: usize) -> Self {
        Self {
            handles: Shared::default(),
            what,
            count_max,
        }
    }

    /// An owner that is awake, or is woken by `start`, if `may_start` allows it, which hears whether
    /// its predecessor has died.
    pub(super) fn get(
        &self,
        id: &Id,
        may_start: impl FnOnce(bool) -> Result<(), Reject>,
        start: impl FnOnce() -> StreamHandle<K>,
    ) -> Result<StreamHandle<K>, Reject> {
        let mut handles = self.handles.lock();
        // A dead one is replaced: its successor reads the log, and fences off what it left.
        if let Some(handle) = handles.get(id).filter(|handle| !handle.is_dead()) {
            return Ok(handle.clone());
        }
        let has_died = handles.remove(id).is_some();
        may_start(has_died)?;
        if handles.len() >= self.count_max {
            return Err(Reject::Busy { queue: self.what });
        }
        let handle = start();
        handles.insert(id.clone(), handle.clone());
        Ok(handle)
    }

    /// An owner, if it is awake.
    pub(super) fn find(&self, id: &Id) -> Option<StreamHandle<K>> {
        let handles = self.handles.lock();
        handles.get(id).filter(|handle| !handle.is_dead()).cloned()
    }

    /// Lets an owner go to sleep, unless somebody has got hold of it in the meantime. `own` is the
    /// owner's own handle.
    pub(super) fn retire(&self, id: &Id, own: StreamHandle<K>) -> bool {
        let mut handles = self.handles.lock();
        // Two holders are expected: the map, and `own`.
        if !own.is_unused(2) {
            return false;
        }
        handles.remove(id);
        true
    }

    pub(super) fn count(&self) -> usize {
        self.handles.lock().len()
    }
}

/// The live sessions.
#[derive(Debug, Clone, Default)]
pub(super) struct Sessions {
    live: Shared<Live>,
}

#[derive(Debug, Default)]
struct Live {
    by_client: HashMap<ClientId, Vec<Entry>>,
    total: usize,
    is_draining: bool,
}

#[derive(Debug, Clone)]
struct Entry {
    session: SessionHandle,
    /// The moment, in milliseconds, at which its client gave the last sign of life.
    heard: Arc<AtomicU64>,
}

/// What a new session meant for the others.
#[derive(Debug)]
pub(super) struct Admitted {
    /// Where the session notes when it last heard from its client.
    pub(super) heard: Arc<AtomicU64>,
    /// The one that it replaced.
    pub(super) replaced: Option<SessionHandle>,
}

impl Sessions {
    /// Takes a new session in. At the client's bound it replaces the one that was silent for
    /// longest; at the server's bound it is refused.
    pub(super) fn admit(
        &self,
        session: SessionHandle,
        now: Moment,
        per_client: usize,
        total: usize,
    ) -> Result<Admitted, CloseReason> {
        let mut live = self.live.lock();
        if live.is_draining {
            return Err(CloseReason::Draining);
        }
        let own = live.by_client.get(session.client()).map_or(0, Vec::len);
        let replaces = own >= per_client;
        if live.total >= total && !replaces {
            return Err(CloseReason::ServerFull);
        }
        let heard = Arc::new(AtomicU64::new(now.as_millis()));
        let entry = Entry {
            session: session.clone(),
            heard: Arc::clone(&heard),
        };
        let entries = live.by_client.entry(session.client().clone()).or_default();
        let replaced = if replaces {
            take_stalest(entries)
        } else {
            None
        };
        entries.push(entry);
        if replaced.is_none() {
            live.total += 1;
        }
        Ok(Admitted {
            heard,
            replaced: replaced.map(|entry| entry.session),
        })
    }

    /// Forgets a session.
    pub(super) fn remove(&self, client: &ClientId, id: SessionId) {
        let mut live = self.live.lock();
        let Some(entries) = live.by_client.get_mut(client) else {
            return;
        };
        let before = entries.len();
        entries.retain(|entry| entry.session.id() != id);
        let removed = before - entries.len();
        if entries.is_empty() {
            live.by_client.remove(client);
        }
        live.total -= removed;
    }

    /// Every live session of a client.
    pub(super) fn of(&self, client: &ClientId) -> Vec<SessionHandle> {
        let live = self.live.lock();
        let entries = live.by_client.get(client).map_or(&[][..], Vec::as_slice);
        entries.iter().map(|entry| entry.session.clone()).collect()
    }

    /// Every live session, and no more after them.
    pub(super) fn drain(&self) -> Vec<SessionHandle> {
        let mut live = self.live.lock();
        live.is_draining = true;
        live.by_client
            .values()
            .flatten()
            .map(|entry| entry.session.clone())
            .collect()
    }

    /// How many each client has.
    pub(super) fn by_client(&self) -> Vec<(ClientId, usize)> {
        let live = self.live.lock();
        let clients = live.by_client.iter();
        let count = |(client, entries): (&ClientId, &Vec<Entry>)| (client.clone(), entries.len());
        clients.map(count).collect()
    }

    pub(super) fn total(&self) -> usize {
        self.live.lock().total
    }
}

fn take_stalest(entries: &mut Vec<Entry>) -> Option<Entry> {
    let stalest = entries
        .iter()
        .enumerate()
        .min_by_key(|(_, entry)| entry.heard.load(Ordering::Relaxed))
        .map(|(place, _)| place)?;
    Some(entries.remove(stalest))
}
