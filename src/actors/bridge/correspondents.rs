//! With whom somebody may exchange messages, and whom they may have meant.

use std::collections::BTreeSet;

use bridge_core::ports::Store;
use bridge_core::{ClientId, Principal, Reject, limits};

use super::{Bridge, near};

impl Bridge {
    /// A token that is limited to rooms writes to their members only; others are to it as if they
    /// were not there.
    pub(super) async fn may_write_to(&self, to: &[ClientId], by: &Principal) -> Result<(), Reject> {
        let Some(members) = self.correspondents(by).await? else {
            return Ok(());
        };
        match to.iter().find(|client| !members.contains(client)) {
            None => Ok(()),
            Some(stranger) => Err(Reject::UnknownRecipient {
                client: stranger.clone(),
                near: near::among(stranger, members.iter().cloned()),
            }),
        }
    }

    /// With whom a token may exchange messages; with everybody when `None`.
    pub(in crate::actors) async fn correspondents(
        &self,
        by: &Principal,
    ) -> Result<Option<BTreeSet<ClientId>>, Reject> {
        let Some(rooms) = by.confined_to() else {
            return Ok(None);
        };
        let mut all = BTreeSet::new();
        for room in rooms {
            let members = self.room(&room)?.members().await?;
            // Who is not a member itself knows nobody there.
            if members.contains(by.client()) {
                all.extend(members);
            }
        }
        Ok(Some(all))
    }

    /// The same refusal, with names that are like the one that is not known.
    pub(super) async fn with_near_names(&self, reject: Reject) -> Reject {
        let Reject::UnknownRecipient { client, near } = reject else {
            return reject;
        };
        if !near.is_empty() {
            return Reject::UnknownRecipient { client, near };
        }
        let like = client.clone();
        // Rating thousands of names takes a while; no actor waits for it.
        let find = move |store: &dyn Store| {
            let known = store.clients_like(&like, limits::NEAR_NAMES_LOOKED_AT_MAX)?;
            Ok(near::among(&like, known.into_iter()))
        };
        // Without names it is still a refusal.
        let near = self.reads().run(find).await.unwrap_or_default();
        Reject::UnknownRecipient { client, near }
    }
}
