//! Reaching the broadcast stream.

use bridge_core::command::Key;
use bridge_core::message::Outgoing;
use bridge_core::{Principal, Reject, Seq, SessionId};

use super::{Attached, SessionHandle, StreamHandle};
use crate::actors::broadcast::BroadcastKind;
use crate::actors::ticket::{About, Answered, Ticket, answered};

/// The broadcast stream, awake. Whoever holds one keeps it awake.
#[derive(Debug, Clone)]
pub(in crate::actors) struct BroadcastHandle(StreamHandle<BroadcastKind>);

impl From<StreamHandle<BroadcastKind>> for BroadcastHandle {
    fn from(handle: StreamHandle<BroadcastKind>) -> Self {
        Self(handle)
    }
}

impl BroadcastHandle {
    /// Whether its actor has died. Nobody answers there any more.
    pub(in crate::actors) fn is_dead(&self) -> bool {
        self.0.is_dead()
    }

    /// It was held back, and gets another chance.
    pub(in crate::actors) fn release(&self) {
        self.0.release();
    }

    /// Says something to everybody, and waits until it is durable.
    ///
    /// # Errors
    /// Why it was refused.
    pub(in crate::actors) async fn publish(
        &self,
        message: Outgoing,
        by: Principal,
        key: Option<Key>,
    ) -> Answered {
        let (ticket, answer) = Ticket::caller(About::Message, None);
        self.0.submit(Box::new(message), by, key, ticket);
        answered(answer).await
    }

    /// The last record that was told, as it changes.
    pub(in crate::actors) fn told(&self) -> tokio::sync::watch::Receiver<Seq> {
        self.0.shown().clone()
    }

    /// Makes a session live after a position, if the stream's owner remembers that far back.
    ///
    /// # Errors
    /// When it cannot be read, or cannot take more requests.
    pub(in crate::actors) async fn attach(
        &self,
        session: SessionHandle,
        after: Seq,
    ) -> Result<Attached, Reject> {
        self.0.attach(session, after).await
    }

    /// Ends what [`BroadcastHandle::attach`] began.
    pub(in crate::actors) fn detach(&self, session: SessionId) {
        self.0.detach(session);
    }
}
