//! Who is known: every client that has ever shown a token.

use std::collections::HashSet;
use std::sync::{Mutex, PoisonError};

use bridge_core::mailbox::MailboxCommand;
use bridge_core::{ClientId, Principal, Reject, limits};

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

    async fn open_mailbox(&self, by: &Principal) -> Result<(), Reject> {
        let broadcasts_read = self.broadcast()?.head().await?;
        let command = MailboxCommand::Open { broadcasts_read };
        let mailbox = self.mailbox(by.client())?;
        mailbox.ask(command, by.clone(), None).await.map(drop)
    }
}
