//! The sessions that are live on a stream.

use std::collections::HashMap;

use bridge_core::replay::Cursor;
use bridge_core::session::CloseReason;
use bridge_core::{ClientId, Seq, SessionId};

use crate::actors::guard::guarded;
use crate::actors::handle::SessionHandle;

/// A session that is told everything.
#[derive(Debug)]
pub(in crate::actors) struct Subscriber {
    pub(in crate::actors) session: SessionHandle,
    pub(in crate::actors) cursor: Cursor,
}

/// The sessions that are told everything, and how many each client has.
#[derive(Debug, Default)]
pub(in crate::actors) struct Subscribers {
    by_session: HashMap<SessionId, Subscriber>,
    by_client: HashMap<ClientId, usize>,
}

impl Subscribers {
    /// Ends every session: it would not be told the stream's events any more, and must not find out
    /// by itself. They come back with their cursors.
    pub(in crate::actors) fn end_all(&mut self) {
        self.by_client.clear();
        for (_, subscriber) in self.by_session.drain() {
            subscriber.session.close(CloseReason::ServerError);
        }
    }

    pub(in crate::actors) fn is_empty(&self) -> bool {
        self.by_session.is_empty()
    }

    pub(in crate::actors) fn len(&self) -> usize {
        self.by_session.len()
    }

    pub(in crate::actors) fn has(&self, session: SessionId) -> bool {
        self.by_session.contains_key(&session)
    }

    pub(in crate::actors) fn is_online(&self, client: &ClientId) -> bool {
        self.by_client.contains_key(client)
    }

    pub(in crate::actors) fn add(&mut self, session: SessionHandle, at: Seq) {
        *self.by_client.entry(session.client().clone()).or_default() += 1;
        let subscriber = Subscriber {
            cursor: Cursor::at(at),
            session: session.clone(),
        };
        self.by_session.insert(session.id(), subscriber);
    }

    pub(in crate::actors) fn remove(&mut self, id: SessionId) -> Option<SessionHandle> {
        let gone = self.by_session.remove(&id)?.session;
        if let Some(sessions) = self.by_client.get_mut(gone.client()) {
            *sessions -= 1;
            if *sessions == 0 {
                self.by_client.remove(gone.client());
            }
        }
        Some(gone)
    }

    /// Takes out every session of a client.
    pub(in crate::actors) fn remove_client(&mut self, client: &ClientId) -> Vec<SessionHandle> {
        let ids: Vec<_> = self
            .by_session
            .values()
            .filter(|subscriber| subscriber.session.client() == client)
            .map(|subscriber| subscriber.session.id())
            .collect();
        ids.into_iter().filter_map(|id| self.remove(id)).collect()
    }

    pub(in crate::actors) fn iter_mut(&mut self) -> impl Iterator<Item = &mut Subscriber> {
        self.by_session.values_mut()
    }

    pub(in crate::actors) fn iter(&self) -> impl Iterator<Item = &SessionHandle> {
        self.by_session
            .values()
            .map(|subscriber| &subscriber.session)
    }
}

/// An owner that goes to sleep has none; one that dies in any other way leaves nobody waiting.
impl Drop for Subscribers {
    fn drop(&mut self) {
        guarded("the sessions of an owner", || self.end_all());
    }
}
