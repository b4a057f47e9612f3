//! Sending messages, and saying what became of them.

use std::collections::BTreeSet;

use bridge_core::command::Key;
use bridge_core::event::{Envelope, Event, MessageStored, Stream};
use bridge_core::mailbox::{Ack, Deliver, MailboxCommand, Reserved};
use bridge_core::message::{AckStage, Outgoing, Recipients};
use bridge_core::ports::{Store, StoreError};
use bridge_core::principal::Action;
use bridge_core::text::Reason;
use bridge_core::{ClientId, IdempotencyKey, MessageId, Principal, Reject, SessionId, Timestamp};
use futures_util::StreamExt;

use super::{Bridge, near};
use crate::actors::handle::MailboxHandle;
use crate::actors::mailbox::{self, Place};
use crate::actors::ticket::{Answered, Receipt};

/// Mailboxes that get a message side by side.
const MAILBOXES_AT_ONCE: usize = 8;

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

/// What somebody says of a message.
#[derive(Debug, Clone)]
pub struct Acknowledgement {
    /// Which message.
    pub id: MessageId,
    /// How far one has come with it.
    pub stage: AckStage,
    /// What there is to say about it.
    pub reason: Option<Reason>,
}

impl Bridge {
    /// A client's mailbox, awake. It must be called on a thread that runs actors.
    pub(in crate::actors) fn mailbox(&self, client: &ClientId) -> Result<MailboxHandle, Reject> {
        let mailbox = self.mailboxes().get(client, || mailbox::wake(self, client));
        mailbox.map(MailboxHandle::from)
    }

    /// Sends a message and waits until it is durable with all its recipients.
    ///
    /// # Errors
    /// Why it was refused; then nothing is stored.
    pub async fn send(
        &self,
        mut message: Outgoing,
        by: Principal,
        key: Option<IdempotencyKey>,
    ) -> Result<Sent, Reject> {
        by.allows(Action::Message)?;
        self.trace(&mut message, &by).await?;
        let outcome = match message.to.clone() {
            Recipients::All => self.publish(message, by, key).await,
            Recipients::Clients(list) => {
                self.may_write_to(&list, &by).await?;
                match &list[..] {
                    [one] => self.send_to_one(one, message, by, key).await,
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
    pub(in crate::actors) fn is_plain(message: &Outgoing, by: &Principal) -> bool {
        let to_one = message.to.named().len() == 1;
        to_one && message.reply_to.is_none() && by.confined_to().is_none()
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
    ) -> Result<tokio::sync::oneshot::Receiver<Answered>, Reject> {
        by.allows(Action::Message)?;
        if let Some(given) = message.trace_given {
            message.trace = given.next()?;
        }
        let to = message.to.named().first().cloned();
        let to = to.ok_or_else(|| Reject::field("to", "must name at least one client"))?;
        let command = deliver(message, Reserved::Others(0));
        let key = key.map(|word| Key::new(word, &command));
        Ok(self.mailbox(&to)?.order(command, by, key, None))
    }

    /// What became of a plain message.
    ///
    /// # Errors
    /// Why it was refused.
    pub(in crate::actors) async fn sent_plain(
        &self,
        answer: tokio::sync::oneshot::Receiver<Answered>,
    ) -> Result<Sent, Reject> {
        let answer = answer.await.unwrap_or(Err(Reject::Internal {
            detail: "a ticket was lost".into(),
        }));
        match answer.and_then(|receipt| Sent::of(receipt.record()?, receipt.duplicate)) {
            Ok(sent) => Ok(sent),
            Err(reject) => Err(self.with_near_names(reject).await),
        }
    }

    async fn publish(
        &self,
        message: Outgoing,
        by: Principal,
        key: Option<IdempotencyKey>,
    ) -> Result<Sent, Reject> {
        by.allows(Action::Broadcast)?;
        let key = key.map(|word| Key::new(word, &message));
        let receipt = self.broadcast()?.publish(message, by, key).await?;
        Sent::of(receipt.record()?, receipt.duplicate)
    }

    async fn send_to_one(
        &self,
        to: &ClientId,
        message: Outgoing,
        by: Principal,
        key: Option<IdempotencyKey>,
    ) -> Result<Sent, Reject> {
        let command = deliver(message, Reserved::Others(0));
        let key = key.map(|word| Key::new(word, &command));
        let receipt = self.mailbox(to)?.ask(command, by, key).await?;
        Sent::of(receipt.record()?, receipt.duplicate)
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
        let _places = self.reserve_all(&message, &by, &word).await?;
        let command = deliver(message, Reserved::Mine);
        let key = Key::new(word, &command);
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

    async fn reserve_all(
        &self,
        message: &Outgoing,
        by: &Principal,
        word: &IdempotencyKey,
    ) -> Result<Vec<Place>, Reject> {
        let mut places = Vec::new();
        for client in message.to.named() {
            match self.mailbox(client)?.reserve(message.keep).await {
                Ok(place) => places.push(place),
                Err(reject) if self.has_key(client, by, word).await? => {
                    tracing::debug!(%client, %reject, "a repeat needs no place");
                }
                Err(reject) => return Err(reject),
            }
        }
        Ok(places)
    }

    async fn has_key(
        &self,
        mailbox: &ClientId,
        by: &Principal,
        word: &IdempotencyKey,
    ) -> Result<bool, Reject> {
        let (stream, by) = (Stream::Mailbox(mailbox.clone()), by.client().clone());
        let word = word.clone();
        let find = move |store: &dyn Store| store.key(&stream, &by, &word);
        Ok(self.reads().run(find).await?.is_some())
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
                // The key stands there for something that was sent to this one alone. The message
                // is at its home, so it must come here too, under a key that nothing else has.
                Err(Reject::KeyReused) => {
                    let key = key_of_list(stored, key)?;
                    mailbox.ask(command, sender, Some(key)).await.map(drop)
                }
                outcome => outcome.map(drop),
            }
        });
        let mut deliveries =
            futures_util::stream::iter(deliveries).buffer_unordered(MAILBOXES_AT_ONCE);
        while let Some(outcome) = deliveries.next().await {
            outcome?;
        }
        Ok(())
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
        let receipt = self.mailbox(to)?.ask(command, by, Some(key)).await?;
        Sent::of(receipt.record()?, receipt.duplicate)
    }

    /// Says what one has to say of a message, and waits until that is durable.
    ///
    /// # Errors
    /// Why it was refused.
    pub async fn acknowledge(
        &self,
        said: Acknowledgement,
        by: Principal,
        key: Option<IdempotencyKey>,
    ) -> Result<Sent, Reject> {
        let id = said.id;
        let answer = self.order_acknowledgement(said, by, key, None)?;
        self.acknowledged(id, answer).await
    }

    /// The same for a session, in the order of the calls; says where the answer comes.
    pub(in crate::actors) fn order_acknowledgement(
        &self,
        said: Acknowledgement,
        by: Principal,
        key: Option<IdempotencyKey>,
        origin: Option<SessionId>,
    ) -> Result<tokio::sync::oneshot::Receiver<Answered>, Reject> {
        by.allows(Action::Message)?;
        let Acknowledgement { id, stage, reason } = said;
        let ack = Ack {
            id,
            stage,
            reason,
            found: None,
            rules: self.options().rules,
        };
        let command = MailboxCommand::Ack(Box::new(ack));
        let key = key.map(|word| Key::new(word, &command));
        let mailbox = self.mailbox(by.client())?;
        Ok(mailbox.order(command, by, key, origin))
    }

    pub(in crate::actors) async fn acknowledged(
        &self,
        id: MessageId,
        answer: tokio::sync::oneshot::Receiver<Answered>,
    ) -> Result<Sent, Reject> {
        let answer = answer.await.unwrap_or(Err(Reject::Internal {
            detail: "a ticket was lost".into(),
        }));
        Sent::of_receipt(&answer?, id, self.clock().now())
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
        let found = found.ok_or(Reject::MessageNotFound(answered))?;
        message.trace = found.trace.next()?;
        Ok(())
    }

    /// A token that is limited to rooms writes to their members only; others are to it as if they
    /// were not there.
    async fn may_write_to(&self, to: &[ClientId], by: &Principal) -> Result<(), Reject> {
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

    fn made_up_key(&self) -> Result<IdempotencyKey, Reject> {
        let word = format!("request:{}", self.ids().uuid().simple());
        word.parse().map_err(|why| Reject::Internal {
            detail: format!("a key: {why}"),
        })
    }

    /// The same refusal, with names that are like the one that is not known.
    async fn with_near_names(&self, reject: Reject) -> Reject {
        let Reject::UnknownRecipient { client, near } = reject else {
            return reject;
        };
        if !near.is_empty() {
            return Reject::UnknownRecipient { client, near };
        }
        let like = client.clone();
        let max = bridge_core::limits::NEAR_NAMES_LOOKED_AT_MAX;
        let find = move |store: &dyn Store| store.clients_like(&like, max);
        // Without names it is still a refusal.
        let known = self.reads().run(find).await.unwrap_or_default();
        let near = near::among(&client, known.into_iter());
        Reject::UnknownRecipient { client, near }
    }
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

/// A message that a client got or sent.
fn message_of(
    store: &dyn Store,
    client: &ClientId,
    id: MessageId,
) -> Result<Option<MessageStored>, StoreError> {
    let got = store.delivery(&Stream::Mailbox(client.clone()), id)?;
    if let Some(delivery) = got {
        return Ok(stored_in(delivery.stored));
    }
    let history = store.message_history(id)?;
    let is_theirs = |record: &Envelope| record.by == *client || record.stream == Stream::Broadcast;
    Ok(history
        .into_iter()
        .next()
        .filter(is_theirs)
        .and_then(stored_in))
}

fn stored_in(record: Envelope) -> Option<MessageStored> {
    match record.event {
        Event::MessageStored(stored) => Some(*stored),
        _ => None,
    }
}
