//! What became of messages.

use std::collections::BTreeSet;
use std::time::Duration;

use bridge_core::event::{Envelope, Event, MessageStored, Stream};
use bridge_core::ports::{DeadLettersQuery, Store};
use bridge_core::principal::Action;
use bridge_core::{ClientId, MessageId, Principal, Reject, limits};
use futures_util::FutureExt;

use super::Bridge;

/// A message with everything that the logs have of it and the reader may see.
#[derive(Debug)]
pub struct MessageHistory {
    /// Mailbox by mailbox, in the order in which the sender named them; of each, the record that
    /// stored it first. At least one.
    pub records: Vec<Envelope>,
}

impl MessageHistory {
    /// The record that stored it: of several, the first, which is the one of its receipt.
    #[must_use]
    pub fn stored(&self) -> Option<(&Envelope, &MessageStored)> {
        let stored = self
            .records
            .iter()
            .filter_map(|record| match &record.event {
                Event::MessageStored(stored) => Some((record, &**stored)),
                _ => None,
            });
        stored.min_by_key(|(record, _)| record.at)
    }

    /// The records of each recipient that is shown.
    #[must_use]
    pub fn by_recipient(&self) -> Vec<(&ClientId, Vec<&Envelope>)> {
        let mut groups: Vec<(&ClientId, Vec<&Envelope>)> = Vec::new();
        for record in &self.records {
            let Stream::Mailbox(client) = &record.stream else {
                continue;
            };
            match groups.last_mut() {
                Some((last, records)) if *last == client => records.push(record),
                _ => groups.push((client, vec![record])),
            }
        }
        groups
    }

    /// The recipients with whom it has not ended.
    fn open_with(&self) -> Vec<ClientId> {
        let has_ended = |records: &[&Envelope]| {
            let end = |record: &&Envelope| {
                matches!(
                    record.event,
                    Event::MessageDone(_) | Event::MessageExpired(_) | Event::MessageDied(_)
                )
            };
            records.iter().any(end)
        };
        let groups = self.by_recipient().into_iter();
        groups
            .filter(|(_, records)| !has_ended(records))
            .map(|(client, _)| client.clone())
            .collect()
    }
}

impl Bridge {
    /// A message and its stages: all of them for its sender, one's own for a recipient. With a
    /// wait, when it has ended with everybody, or the time is over.
    ///
    /// # Errors
    /// When there is no such message that the caller may see.
    pub async fn message(
        &self,
        by: Principal,
        id: MessageId,
        wait: Duration,
    ) -> Result<MessageHistory, Reject> {
        by.allows(Action::Message)?;
        let correspondents = self.correspondents(&by).await?;
        let sleep = tokio::time::sleep(wait.min(limits::LONG_POLL_MAX));
        tokio::pin!(sleep);
        loop {
            let history = self.history(&by, correspondents.as_ref(), id).await?;
            let open = history.open_with();
            if open.is_empty() || wait.is_zero() {
                return Ok(history);
            }
            let changes = self.changes_of(&open)?;
            // What changed between the look and the watch is found by looking again.
            let now = self.history(&by, correspondents.as_ref(), id).await?;
            if now.records.len() != history.records.len() {
                continue;
            }
            tokio::select! {
                biased;
                () = self.until_draining() => return Ok(now),
                () = &mut sleep => return Ok(now),
                _ = futures_util::future::select_all(changes) => {}
            }
        }
    }

    /// Futures that end when something is written to one of these mailboxes.
    fn changes_of(
        &self,
        mailboxes: &[ClientId],
    ) -> Result<Vec<futures_util::future::LocalBoxFuture<'static, ()>>, Reject> {
        let mut changes = Vec::new();
        for client in mailboxes {
            let mailbox = self.mailbox(client)?;
            let mut head = mailbox.head();
            head.mark_unchanged();
            let change = async move {
                if head.changed().await.is_err() {
                    tracing::debug!("a mailbox went away while somebody waited for it");
                }
                drop(mailbox);
            };
            changes.push(change.boxed_local());
        }
        Ok(changes)
    }

    async fn history(
        &self,
        by: &Principal,
        correspondents: Option<&BTreeSet<ClientId>>,
        id: MessageId,
    ) -> Result<MessageHistory, Reject> {
        let read = move |store: &dyn Store| store.message_history(id);
        let mut records = self.reads().run(read).await?;
        let client = by.client();
        let sender = records.first().map(|record| record.by.clone());
        let is_mine = sender.as_ref() == Some(client);
        records.retain(|record| match &record.stream {
            Stream::Mailbox(mailbox) if is_mine => {
                correspondents.is_none_or(|known| known.contains(mailbox))
            }
            Stream::Mailbox(mailbox) => {
                let may_know = |sender| correspondents.is_none_or(|known| known.contains(sender));
                mailbox == client && sender.as_ref().is_some_and(may_know)
            }
            Stream::Broadcast => correspondents.is_none(),
            Stream::Room(_) => false,
        });
        if records.is_empty() {
            return Err(Reject::MessageNotFound(id));
        }
        in_the_senders_order(&mut records);
        Ok(MessageHistory { records })
    }

    /// Messages that ended as dead letters, the newest first, and before which to go on: one's own,
    /// or everybody's for an administrator.
    ///
    /// # Errors
    /// When the token does not allow it.
    pub async fn dead_letters(
        &self,
        by: Principal,
        everybodys: bool,
        before: Option<MessageId>,
        rows_max: usize,
    ) -> Result<(Vec<Envelope>, Option<MessageId>), Reject> {
        by.allows(if everybodys {
            Action::Administer
        } else {
            Action::Message
        })?;
        let correspondents = self.correspondents(&by).await?;
        let query = DeadLettersQuery {
            of: (!everybodys).then(|| by.client().clone()),
            before,
            rows_max: rows_max + 1,
        };
        let read = move |store: &dyn Store| store.dead_letters(&query);
        let mut found = self.reads().run(read).await?;
        // A message that died with several recipients is one item of the query and several here.
        let ids = |record: &Envelope| record.event.about().map(|about| about.id);
        let mut distinct: Vec<MessageId> = found.iter().filter_map(ids).collect();
        distinct.dedup();
        let next = (distinct.len() > rows_max).then(|| distinct[rows_max - 1]);
        if let Some(last) = next {
            let end = found.iter().rposition(|record| ids(record) == Some(last));
            found.truncate(end.map_or(0, |end| end + 1));
        }
        if let Some(known) = correspondents {
            found.retain(|record| {
                let from = record.event.about().map(|about| &about.from);
                from.is_some_and(|from| known.contains(from))
                    && matches!(&record.stream, Stream::Mailbox(to) if known.contains(to))
            });
        }
        Ok((found, next))
    }
}

/// The store has the mailboxes in the order in which they were made, which is nobody's order.
fn in_the_senders_order(records: &mut [Envelope]) {
    let to = records.iter().find_map(|record| match &record.event {
        Event::MessageStored(stored) => Some(stored.to.clone()),
        _ => None,
    });
    let named = to.as_ref().map_or(&[][..], |to| to.named());
    records.sort_by_cached_key(|record| match &record.stream {
        Stream::Mailbox(mailbox) => named.iter().position(|client| client == mailbox),
        Stream::Room(_) | Stream::Broadcast => None,
    });
}
