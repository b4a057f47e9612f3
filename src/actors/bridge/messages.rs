//! Sending messages, and saying what became of them.

use bridge_core::command::Key;
use bridge_core::event::{Envelope, Event, MessageStored, Stream};
use bridge_core::mailbox::{Deliver, MailboxCommand, Reserved};
use bridge_core::message::{Outgoing, Recipients, Trace};
use bridge_core::ports::{Store, StoreError};
use bridge_core::principal::Action;
use bridge_core::{ClientId, IdempotencyKey, MessageId, Principal, Reject, Timestamp, limits};
use bytes::Bytes;
use futures_util::StreamExt;
use tokio::sync::oneshot;

use super::Bridge;
use crate::actors::handle::MailboxHandle;
use crate::actors::mailbox::{self, MailboxKind, Place};
use crate::actors::ticket::{Answered, Receipt, answered};
use crate::telemetry::metrics::Measuring;
use crate::wire::encode;
use crate::wire::frame::Ref;

/// Something that was handed in: where its answer comes, and how long that takes.
#[derive(Debug)]
pub(in crate::actors) struct Ordered {
    pub(in crate::actors) answer: oneshot::Receiver<Answered>,
    pub(in crate::actors) measuring: Measuring,
}

/// A message, or an acknowledgement, that is durable.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sent {
    /// The message.
    pub id: MessageId,
    /// Since when.
    pub at: Timestamp,
    /// Whether this is the original answer to a repeated request, or there was nothing to do.
    pub duplicate: bool,
}

impl Sent {
    /// What a record says was done with a message.
    ///
    /// # Errors
    /// When it is about no message.
    pub(in crate::actors) fn of(record: &Envelope, duplicate: bool) -> Result<Self, Reject> {
        let id = match &record.event {
            Event::MessageStored(stored) => Some(stored.id),
            other => other.about().map(|about| about.id),
        };
        let id = id.ok_or_else(|| Reject::Internal {
            detail: format!("{} is about no message", record.event.kind()),
        })?;
        Ok(Self {
            id,
            at: record.at,
            duplicate,
        })
    }

    /// The frame by which a session hears of it.
    pub(in crate::actors) fn frame(receipt: &Receipt, reference: Option<&Ref>) -> Bytes {
        let record = receipt.record();
        match record.and_then(|record| Self::of(record, receipt.duplicate)) {
            Ok(sent) => encode::stored(reference, sent.id, sent.at, sent.duplicate),
            Err(reject) => encode::rejected(reference, &reject),
        }
    }

    /// What a receipt says of a message; without a record there was nothing to do.
    pub(in crate::actors) fn of_receipt(
        receipt: &Receipt,
        id: MessageId,
        now: Timestamp,
    ) -> Result<Self, Reject> {
        match receipt.first() {
            Some(record) => Self::of(record, receipt.duplicate),
            None => Ok(Self {
                id,
                at: now,
                duplicate: true,
            }),
        }
    }
}

impl Bridge {
    /// A client's mailbox, awake. It must be called on a thread that runs actors.
    pub(in crate::actors) fn mailbox(&self, client: &ClientId) -> Result<MailboxHandle, Reject> {
        let stream = || Stream::Mailbox(client.clone());
        let may_start = |has_died| self.may_start::<MailboxKind>(&stream(), has_died);
        let start = || mailbox::wake(self, client);
        let mailbox = self.mailboxes().get(client, may_start, start);
        mailbox.map(MailboxHandle::from)
    }

    /// Sends a message and waits until it is durable with all its recipients.
    ///
    /// # Errors
    /// Why it was refused; then nothing is stored.
    pub async fn send(
        &self,
        message: Outgoing,
        by: Principal,
        key: Option<IdempotencyKey>,
    ) -> Result<Sent, Reject> {
        let measuring = self.measure_message(&message, &by);
        let outcome = self.send_to(message, by, key).await;
        measuring.ended(&outcome, |sent| sent.duplicate);
        outcome
    }

    async fn send_to(
        &self,
        mut message: Outgoing,
        by: Principal,
        key: Option<IdempotencyKey>,
    ) -> Result<Sent, Reject> {
        by.allows(match message.to {
            Recipients::All => Action::Broadcast,
            Recipients::Clients(_) => Action::Message,
        })?;
        self.trace(&mut message, &by).await?;
        let outcome = match message.to.clone() {
            Recipients::All => self.publish(message, by, key).await,
            Recipients::Clients(list) => {
                self.may_write_to(&list, &by).await?;
                self.are_known(&list, message.keep).await?;
                match &list[..] {
                    [one] => match self.hand_in(one, message, by, key) {
                        Ok(answer) => sent(answered(answer).await),
                        Err(reject) => Err(reject),
                    },
                    _ => self.send_to_several(message, by, key).await,
                }
            }
        };
        match outcome {
            Ok(sent) => Ok(sent),
            Err(reject) => Err(self.with_near_names(reject).await),
        }
    }

    /// Whether a message can be handed in without looking anything up first.
    pub(in crate::actors) fn is_plain(&self, message: &Outgoing, by: &Principal) -> bool {
        let [to] = message.to.named() else {
            return false;
        };
        let may_be_stored = message.keep || self.is_surely_known(to);
        may_be_stored && message.reply_to.is_none() && by.confined_to().is_none()
    }

    /// Hands a plain message in, in the order of the calls, and says where its answer comes.
    ///
    /// # Errors
    /// Why it was refused at once.
    pub(in crate::actors) fn send_plain(
        &self,
        mut message: Outgoing,
        by: Principal,
        key: Option<IdempotencyKey>,
    ) -> Result<Ordered, Reject> {
        let measuring = self.measure_message(&message, &by);
        let handed_in = by.allows(Action::Message).and_then(|()| {
            if let Some(given) = message.trace_given {
                message.trace = given.next()?;
            }
            let to = message.to.named().first().cloned();
            let to = to.ok_or_else(|| Reject::field("to", "must name at least one client"))?;
            self.hand_in(&to, message, by, key)
        });
        match handed_in {
            Ok(answer) => Ok(Ordered { answer, measuring }),
            Err(reject) => {
                measuring.refused(&reject);
                Err(reject)
            }
        }
    }

    /// Hands a message in at its only recipient's mailbox.
    fn hand_in(
        &self,
        to: &ClientId,
        message: Outgoing,
        by: Principal,
        key: Option<IdempotencyKey>,
    ) -> Result<oneshot::Receiver<Answered>, Reject> {
        let command = deliver(message, Reserved::Others(0));
        let key = key.map(|word| Key::new(word, &command));
        Ok(self.mailbox(to)?.order(command, by, key, None))
    }

    /// What became of a plain message.
    ///
    /// # Errors
    /// Why it was refused.
    pub(in crate::actors) async fn sent_plain(&self, ordered: Ordered) -> Result<Sent, Reject> {
        let outcome = sent(answered(ordered.answer).await);
        ordered.measuring.ended(&outcome, |sent| sent.duplicate);
        match outcome {
            Ok(sent) => Ok(sent),
            Err(reject) => Err(self.with_near_names(reject).await),
        }
    }

    /// A name that nobody has ever heard of wakes no mailbox.
    async fn are_known(&self, to: &[ClientId], keep: bool) -> Result<(), Reject> {
        if keep {
            return Ok(());
        }
        match self.strangers_among(to).await? {
            None => Ok(()),
            Some(stranger) => {
                let reject = Reject::UnknownRecipient {
                    client: stranger,
                    near: Vec::new(),
                };
                Err(self.with_near_names(reject).await)
            }
        }
    }

    async fn publish(
        &self,
        message: Outgoing,
        by: Principal,
        key: Option<IdempotencyKey>,
    ) -> Result<Sent, Reject> {
        let key = key.map(|word| Key::new(word, &message));
        sent(self.broadcast()?.publish(message, by, key).await)
    }

    /// Every mailbox promises a place before the first one gets the message. The first one, its
    /// home, decides under which id all the others get it: so a repeat that meets half of the
    /// mailboxes filled goes on where the first request ended.
    async fn send_to_several(
        &self,
        message: Outgoing,
        by: Principal,
        key: Option<IdempotencyKey>,
    ) -> Result<Sent, Reject> {
        let word = match key {
            Some(word) => word,
            None => self.made_up_key()?,
        };
        let home = message.to.home().cloned();
        let home = home.ok_or_else(|| Reject::field("to", "must name at least one client"))?;
        let (named, keep) = (message.to.named().to_vec(), message.keep);
        let command = deliver(message, Reserved::Mine);
        let key = Key::new(word, &command);
        // Where its home has it, it is stored, and nothing can refuse it any more.
        let _places = match self.is_at_home(&home, &named, &by, &key).await? {
            true => Vec::new(),
            false => self.reserve_all(&named, keep).await?,
        };
        let receipt = self
            .mailbox(&home)?
            .ask(command, by.clone(), Some(key.clone()))
            .await?;
        let record = receipt.record()?;
        let Event::MessageStored(stored) = &record.event else {
            return Err(Reject::KeyReused);
        };
        match self
            .deliver_to_others(by.client(), &home, stored, &key)
            .await
        {
            Ok(()) => Sent::of(record, receipt.duplicate),
            Err(reject) => {
                // It is in one mailbox, so it will be in all of them; the follower sees to that.
                tracing::warn!(%reject, "a message to several is not everywhere yet");
                Err(Reject::OutcomeUnknown)
            }
        }
    }

    /// Whether the message is at its home: then this is a repeat.
    ///
    /// # Errors
    /// [`Reject::KeyReused`] when one of the mailboxes knows the key from another message.
    async fn is_at_home(
        &self,
        home: &ClientId,
        named: &[ClientId],
        by: &Principal,
        key: &Key,
    ) -> Result<bool, Reject> {
        let (home, named) = (home.clone(), named.to_vec());
        let (sender, key) = (by.client().clone(), key.clone());
        let find = move |store: &dyn Store| {
            let mut is_at_home = false;
            for client in named {
                let is_home = client == home;
                let found = store.key(&Stream::Mailbox(client), &sender, &key.word)?;
                match found {
                    Some((_, fingerprint)) if fingerprint != key.fingerprint => return Ok(None),
                    Some(_) => is_at_home |= is_home,
                    None => {}
                }
            }
            Ok(Some(is_at_home))
        };
        self.reads().run(find).await?.ok_or(Reject::KeyReused)
    }

    async fn reserve_all(&self, named: &[ClientId], keep: bool) -> Result<Vec<Place>, Reject> {
        let mut places = Vec::new();
        for client in named {
            places.push(self.mailbox(client)?.reserve(keep).await?);
        }
        Ok(places)
    }

    /// Puts a message that is at its home into the mailboxes of its other recipients.
    pub(in crate::actors) async fn deliver_to_others(
        &self,
        by: &ClientId,
        home: &ClientId,
        stored: &MessageStored,
        key: &Key,
    ) -> Result<(), Reject> {
        let others = stored.to.named().iter().filter(|client| *client != home);
        let deliveries = others.map(|client| async move {
            let mut command = deliver(Outgoing::of(stored), Reserved::Mine);
            if let MailboxCommand::Deliver(deliver) = &mut command {
                deliver.as_at_home = Some(Box::new(stored.clone()));
            }
            let sender = Principal::new(by.clone(), bridge_core::Scopes::default());
            let mailbox = self.mailbox(client)?;
            let delivered = mailbox.ask(command.clone(), sender.clone(), Some(key.clone()));
            match delivered.await {
                // The key was used there a moment ago for something that was sent to this one alone.
                // The message is at its home, so it must come here too, under a key of its own.
                Err(Reject::KeyReused) => {
                    let key = key_of_list(stored, key)?;
                    mailbox.ask(command, sender, Some(key)).await.map(drop)
                }
                outcome => outcome.map(drop),
            }
        });
        let mut deliveries =
            futures_util::stream::iter(deliveries).buffer_unordered(limits::MAILBOXES_AT_ONCE_MAX);
        // One that fails does not keep it from the others.
        let mut all = Ok(());
        while let Some(outcome) = deliveries.next().await {
            all = all.and(outcome);
        }
        all
    }

    /// Puts a message of the server's own into a mailbox.
    pub(in crate::actors) async fn deliver_as(
        &self,
        by: Principal,
        to: &ClientId,
        message: Outgoing,
        key: Key,
    ) -> Result<Sent, Reject> {
        let command = deliver(message, Reserved::Others(0));
        sent(self.mailbox(to)?.ask(command, by, Some(key)).await)
    }

    /// The chain that a message belongs to: that of the message that it answers, which must be one
    /// that its sender got or sent; or the one that it was given; or a new one.
    async fn trace(&self, message: &mut Outgoing, by: &Principal) -> Result<(), Reject> {
        let Some(answered) = message.reply_to else {
            if let Some(given) = message.trace_given {
                message.trace = given.next()?;
            }
            return Ok(());
        };
        let client = by.client().clone();
        let find = move |store: &dyn Store| message_of(store, &client, answered);
        let found = self.reads().run(find).await?;
        let (from, trace) = found.ok_or(Reject::MessageNotFound(answered))?;
        let members = self.correspondents(by).await?;
        let is_mine = from == *by.client();
        if !is_mine && members.is_some_and(|members| !members.contains(&from)) {
            return Err(Reject::MessageNotFound(answered));
        }
        message.trace = trace.next()?;
        Ok(())
    }

    fn made_up_key(&self) -> Result<IdempotencyKey, Reject> {
        let word = format!("request:{}", self.ids().uuid().simple());
        word.parse().map_err(|why| Reject::Internal {
            detail: format!("a key: {why}"),
        })
    }
}

fn sent(answer: Answered) -> Result<Sent, Reject> {
    let receipt = answer?;
    Sent::of(receipt.record()?, receipt.duplicate)
}

/// The key under which a message to several comes to a mailbox where its sender's own key is taken.
fn key_of_list(stored: &MessageStored, key: &Key) -> Result<Key, Reject> {
    let word = format!("list:{}", stored.id);
    let word = word.parse().map_err(|why| Reject::Internal {
        detail: format!("the key {word:?}: {why}"),
    })?;
    let fingerprint = key.fingerprint;
    Ok(Key { word, fingerprint })
}

fn deliver(message: Outgoing, reserved: Reserved) -> MailboxCommand {
    MailboxCommand::Deliver(Box::new(Deliver {
        message,
        reserved,
        as_at_home: None,
    }))
}

/// The sender and the trace of a message that a client got or sent.
fn message_of(
    store: &dyn Store,
    client: &ClientId,
    id: MessageId,
) -> Result<Option<(ClientId, Trace)>, StoreError> {
    let facts = |record: Envelope| match record.event {
        Event::MessageStored(stored) => Some((record.by, stored.trace)),
        _ => None,
    };
    let got = store.delivery(&Stream::Mailbox(client.clone()), id)?;
    if let Some(delivery) = got {
        return Ok(facts(delivery.stored));
    }
    let history = store.message_history(id)?;
    let is_theirs = |record: &Envelope| record.by == *client || record.stream == Stream::Broadcast;
    Ok(history.into_iter().next().filter(is_theirs).and_then(facts))
}
