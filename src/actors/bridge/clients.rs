//! Who is known: every client that has ever shown a token.

use std::collections::HashSet;
use std::sync::{Mutex, PoisonError};

use bridge_core::event::Stream;
use bridge_core::mailbox::MailboxCommand;
use bridge_core::ports::Store;
use bridge_core::{ClientId, Principal, Reject, Seq, limits};

use super::Bridge;

/// Clients of which the server remembers that they are known. The log has all of them.
#[derive(Debug, Default)]
pub(super) struct Known(Mutex<HashSet<ClientId>>);

impl Known {
    fn has(&self, client: &ClientId) -> bool {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.contains(client)
    }

    fn remember(&self, client: ClientId) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= limits::CLIENTS_REMEMBERED_MAX {
            known.clear();
        }
        known.insert(client);
    }
}

impl Bridge {
    /// A client has shown a good token: from now on others may write to it. When that cannot be
    /// written down now, its request goes on, and the next one tries again.
    pub async fn meet(&self, by: &Principal) {
        if self.known().has(by.client()) {
            return;
        }
        match self.open_mailbox(by).await {
            Ok(()) => self.known().remember(by.client().clone()),
            Err(reject) => {
                let detail = reject.detail().unwrap_or_default();
                tracing::warn!(client = %by.client(), %reject, detail, "a client is not known yet");
            }
        }
    }

    /// The last record of the broadcast stream.
    pub(in crate::actors) async fn broadcast_head(&self) -> Result<Seq, Reject> {
        self.reads()
            .run(|store| store.head(&Stream::Broadcast))
            .await
    }

    /// Whether it is remembered that a client is known. One that is not may be known all the same.
    pub(super) fn is_surely_known(&self, client: &ClientId) -> bool {
        self.known().has(client)
    }

    /// Those of some clients that nobody has ever heard of: no mailbox of theirs has a record.
    pub(super) async fn strangers_among(
        &self,
        clients: &[ClientId],
    ) -> Result<Option<ClientId>, Reject> {
        let unsure = clients.iter().filter(|client| !self.known().has(client));
        let unsure: Vec<ClientId> = unsure.cloned().collect();
        if unsure.is_empty() {
            return Ok(None);
        }
        let read = move |store: &dyn Store| {
            for client in unsure {
                if store.head(&Stream::Mailbox(client.clone()))? == Seq::ZERO {
                    return Ok(Some(client));
                }
            }
            Ok(None)
        };
        self.reads().run(read).await
    }

    async fn open_mailbox(&self, by: &Principal) -> Result<(), Reject> {
        let broadcasts_read = self.broadcast_head().await?;
        let command = MailboxCommand::Open { broadcasts_read };
        let mailbox = self.mailbox(by.client())?;
        mailbox.ask(command, by.clone(), None).await.map(drop)
    }
}
