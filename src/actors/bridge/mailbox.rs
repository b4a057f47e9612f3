//! Reading one's mailbox by calls: what waits is handed over, and confirmed by the next call.

use std::collections::BTreeSet;
use std::time::Duration;

use bridge_core::aggregate::system;
use bridge_core::event::{Envelope, Event, Stream};
use bridge_core::mailbox::{Batch, MailboxCommand, Return, Take};
use bridge_core::message::Ending;
use bridge_core::ports::Store;
use bridge_core::principal::Action;
use bridge_core::{ClientId, Epoch, Principal, Reject, Seq, limits};

use super::Bridge;
use crate::actors::handle::MailboxHandle;
use crate::actors::mailbox::receipt_of;
use crate::wire::encode::Receipt;

/// What one call returned, as the next call confirms it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Confirmed {
    /// Which life of the log it is of.
    pub epoch: Epoch,
    /// The messages.
    pub batch: Option<Batch>,
    /// The last message to `all`.
    pub broadcast: Seq,
    /// The last receipt.
    pub receipts: Seq,
}

/// Which messages somebody wants.
#[derive(Debug, Clone, Copy)]
pub struct MailboxAsked {
    /// What the call before returned, which has arrived.
    pub confirm: Option<Confirmed>,
    /// How many at most.
    pub messages_max: usize,
    /// How long to wait when there is none.
    pub wait: Duration,
}

/// A page of a mailbox.
#[derive(Debug, Default)]
pub struct MailboxPage {
    /// Messages, the most urgent first, each with the number of its attempt; those to `all`, which
    /// have none, at the end.
    pub messages: Vec<(Envelope, Option<u32>)>,
    /// What became of messages that the client sent.
    pub receipts: Vec<Receipt>,
    /// What to confirm with the next call; nothing when nothing was returned.
    pub next: Option<Confirmed>,
    /// Whether what was to be confirmed could be: it is not when it is of another life of the log.
    pub complete: bool,
}

impl MailboxPage {
    /// The messages that were handed over for it, each with the number of its attempt.
    fn taken(&self) -> Vec<(Seq, u32)> {
        let messages = self.messages.iter();
        messages
            .filter_map(|(record, attempt)| attempt.map(|attempt| (record.seq, attempt)))
            .collect()
    }
}

/// One who reads a mailbox.
#[derive(Clone)]
struct Caller {
    bridge: Bridge,
    by: Principal,
    only_from: Option<BTreeSet<ClientId>>,
    mailbox: MailboxHandle,
    messages_max: usize,
    broadcasts_after: Seq,
    receipts_after: Seq,
}

impl Bridge {
    /// Hands over what waits; waits for something when there is nothing.
    ///
    /// # Errors
    /// When the token does not allow it, or the server cannot do it now.
    pub async fn take_messages(
        &self,
        by: Principal,
        asked: MailboxAsked,
    ) -> Result<MailboxPage, Reject> {
        by.allows(Action::Message)?;
        let mailbox = self.mailbox(by.client())?;
        let confirm = asked.confirm.filter(|c| c.epoch == self.epoch());
        let broadcasts_after = confirm.map_or(Seq::ZERO, |c| c.broadcast);
        let caller = Caller {
            bridge: self.clone(),
            only_from: self.correspondents(&by).await?,
            by,
            mailbox,
            messages_max: asked.messages_max,
            broadcasts_after,
            receipts_after: confirm.map_or(Seq::ZERO, |c| c.receipts),
        };
        if let Some(confirm) = confirm {
            caller.confirm_the_rest(confirm).await?;
        }
        let mut page = caller
            .take_or_wait(confirm.and_then(|c| c.batch), asked.wait)
            .await?;
        page.complete = confirm.is_some() == asked.confirm.is_some();
        Ok(page)
    }

    /// Shows what waits, and takes nothing.
    ///
    /// # Errors
    /// When the token does not allow it, or the mailbox cannot be read.
    pub async fn peek_messages(
        &self,
        by: Principal,
        messages_max: usize,
    ) -> Result<MailboxPage, Reject> {
        by.allows(Action::Message)?;
        let only_from = self.correspondents(&by).await?;
        let mailbox = self.mailbox(by.client())?;
        let waiting = mailbox.waiting(only_from, messages_max).await?;
        let messages = self.bodies(by.client(), waiting).await?;
        let messages = messages.into_iter();
        Ok(MailboxPage {
            messages: messages.map(|(record, n)| (record, Some(n))).collect(),
            complete: true,
            ..MailboxPage::default()
        })
    }

    /// The messages at some positions of a mailbox, in the given order.
    async fn bodies(
        &self,
        client: &ClientId,
        wanted: Vec<(Seq, u32)>,
    ) -> Result<Vec<(Envelope, u32)>, Reject> {
        if wanted.is_empty() {
            return Ok(Vec::new());
        }
        let stream = Stream::Mailbox(client.clone());
        let seqs: Vec<Seq> = wanted.iter().map(|(seq, _)| *seq).collect();
        let read = move |store: &dyn Store| store.records(&stream, &seqs);
        let records = self.reads().run(read).await?;
        let mut by_seq: std::collections::HashMap<Seq, Envelope> = records
            .into_iter()
            .map(|record| (record.seq, record))
            .collect();
        let in_order = wanted.into_iter();
        Ok(in_order
            .filter_map(|(seq, number)| by_seq.remove(&seq).map(|record| (record, number)))
            .collect())
    }
}

impl Caller {
    /// What is confirmed besides messages. When it cannot be written now, it is told again.
    async fn confirm_the_rest(&self, confirm: Confirmed) -> Result<(), Reject> {
        if self.only_from.is_some() {
            return Ok(());
        }
        if confirm.receipts > Seq::ZERO {
            let through = confirm.receipts;
            self.order(MailboxCommand::ReceiptsTold { through });
        }
        if confirm.broadcast > Seq::ZERO {
            let head = self.bridge.broadcast_head().await?;
            let through = confirm.broadcast.min(head);
            self.order(MailboxCommand::BroadcastsRead { through });
        }
        Ok(())
    }

    fn order(&self, command: MailboxCommand) {
        // Nobody waits for it.
        drop(self.mailbox.order(command, system(), None, None));
    }

    async fn take_or_wait(
        &self,
        confirm: Option<Batch>,
        wait: Duration,
    ) -> Result<MailboxPage, Reject> {
        let mut ready = self.mailbox.ready();
        // Held, because a stream that nobody holds goes to sleep, and then says nothing more.
        let broadcast = self.bridge.broadcast()?;
        let mut broadcasts = broadcast.told();
        // Seen before the look: what changes after it is news.
        ready.mark_unchanged();
        broadcasts.mark_unchanged();
        let mut page = self.take_for_sure(true, confirm).await?;
        let sleep = tokio::time::sleep(wait.min(limits::LONG_POLL_MAX));
        tokio::pin!(sleep);
        while page.next.is_none() && !wait.is_zero() {
            // Only here may the wait end: what was taken is returned.
            tokio::select! {
                biased;
                () = self.bridge.until_draining() => break,
                () = &mut sleep => break,
                changed = ready.changed() => if changed.is_err() { break },
                changed = broadcasts.changed() => if changed.is_err() { break },
            }
            page = self.take_for_sure(false, None).await?;
        }
        Ok(page)
    }

    /// Takes what is ready. A caller that has gone meanwhile does not leave what was taken with
    /// nobody: it is given back, and does not count as tried.
    async fn take_for_sure(
        &self,
        is_new_call: bool,
        confirm: Option<Batch>,
    ) -> Result<MailboxPage, Reject> {
        let (give, given) = tokio::sync::oneshot::channel();
        let caller = self.clone();
        // A task of its own goes on when the call is dropped.
        drop(actix::spawn(async move {
            let outcome = caller.take(is_new_call, confirm).await;
            if let Err(Ok(page)) = give.send(outcome) {
                caller.give_back(&page.taken());
            }
        }));
        given.await.unwrap_or(Err(Reject::Internal {
            detail: "a call of a mailbox was lost".into(),
        }))
    }

    fn give_back(&self, messages: &[(Seq, u32)]) {
        for some in messages.chunks(limits::RETURNED_AT_ONCE_MAX) {
            let back = Return {
                messages: some.to_vec(),
                ending: Ending::CallLost,
                rules: self.bridge.options().rules,
            };
            self.order(MailboxCommand::Return(back));
        }
    }

    async fn take(&self, is_new_call: bool, confirm: Option<Batch>) -> Result<MailboxPage, Reject> {
        let take = Take {
            is_new_call,
            confirm,
            messages_max: self.messages_max,
            bytes_max: limits::PAGE_BYTES_MAX,
            only_from: self.only_from.clone(),
            rules: self.bridge.options().rules,
        };
        let command = MailboxCommand::Take(take);
        let receipt = self.mailbox.ask(command, self.by.clone(), None).await?;
        let mut taken = Vec::new();
        let mut batch: Option<Batch> = None;
        for record in &receipt.envelopes {
            if let Event::MessageDelivered(delivered) = &record.event {
                taken.push((delivered.about.message, delivered.attempt));
                let first = batch.map_or(record.seq, |batch| batch.first);
                let last = record.seq;
                batch = Some(Batch { first, last });
            }
        }
        match self.page_of(taken.clone(), batch).await {
            Ok(page) => Ok(page),
            Err(reject) => {
                // It was not handed to anybody.
                self.give_back(&taken);
                Err(reject)
            }
        }
    }

    async fn page_of(
        &self,
        taken: Vec<(Seq, u32)>,
        batch: Option<Batch>,
    ) -> Result<MailboxPage, Reject> {
        let messages = self.bridge.bodies(self.by.client(), taken).await?;
        let mut page = MailboxPage {
            messages: messages.into_iter().map(|(r, n)| (r, Some(n))).collect(),
            ..MailboxPage::default()
        };
        let broadcast = self.add_broadcasts(&mut page).await?;
        let receipts = self.add_receipts(&mut page).await?;
        if !page.messages.is_empty() || !page.receipts.is_empty() {
            page.next = Some(Confirmed {
                epoch: self.bridge.epoch(),
                batch,
                broadcast,
                receipts,
            });
        }
        Ok(page)
    }

    /// Messages to `all` that the client has not confirmed yet. Returns how far that is.
    async fn add_broadcasts(&self, page: &mut MailboxPage) -> Result<Seq, Reject> {
        if self.only_from.is_some() {
            return Ok(Seq::ZERO);
        }
        let room = self.messages_max.saturating_sub(page.messages.len());
        let read = self.mailbox.broadcasts_read().await?;
        let after = read.max(self.broadcasts_after);
        if room == 0 {
            return Ok(after);
        }
        let now = self.bridge.clock().now();
        let is_news = |record: &Envelope| match &record.event {
            Event::MessageStored(stored) => now < stored.expires_at,
            _ => false,
        };
        let mut through = after;
        loop {
            let news = move |store: &dyn Store| store.page(&Stream::Broadcast, through, room);
            let records = self.bridge.reads().run(news).await?;
            let Some(last) = records.last().map(|record| record.seq) else {
                break;
            };
            through = last;
            let before = page.messages.len();
            let fresh = records.into_iter().filter(is_news);
            page.messages.extend(fresh.map(|record| (record, None)));
            if page.messages.len() > before {
                return Ok(through);
            }
        }
        if through > after {
            // All of them had expired: nobody need look at them again.
            self.order(MailboxCommand::BroadcastsRead { through });
        }
        Ok(through)
    }

    /// Receipts that were kept and are not confirmed, not even by this call. Returns how far that
    /// is.
    async fn add_receipts(&self, page: &mut MailboxPage) -> Result<Seq, Reject> {
        if self.only_from.is_some() {
            // A token that may not see all of them leaves them to one that may.
            return Ok(Seq::ZERO);
        }
        let after = self.receipts_after;
        let look = move |mailbox: &bridge_core::mailbox::Mailbox| {
            let kept = mailbox.receipts().range(after.next()..);
            let last = kept.clone().next_back().map_or(after, |(seq, _)| *seq);
            (kept.map(|(_, kept)| receipt_of(kept)).collect(), last)
        };
        let (receipts, last) = self.mailbox.look(look).await?;
        page.receipts = receipts;
        Ok(last)
    }
}
