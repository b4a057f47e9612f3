//! Saying what became of a message that one got.

use bridge_core::command::Key;
use bridge_core::event::Stream;
use bridge_core::mailbox::{Ack, MailboxCommand};
use bridge_core::message::AckStage;
use bridge_core::ports::Store;
use bridge_core::principal::Action;
use bridge_core::text::Reason;
use bridge_core::{IdempotencyKey, MessageId, Principal, Reject, SessionId};

use super::messages::Ordered;
use super::{Bridge, Sent};
use crate::actors::ticket::answered;
use crate::telemetry::metrics::Operation;

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
        self.may_acknowledge(said.id, &by).await?;
        let id = said.id;
        let answer = self.order_acknowledgement(said, by, key, None)?;
        self.acknowledged(id, answer).await
    }

    /// A token that is limited to rooms knows the messages of their members only.
    pub(in crate::actors) async fn may_acknowledge(
        &self,
        id: MessageId,
        by: &Principal,
    ) -> Result<(), Reject> {
        let Some(members) = self.correspondents(by).await? else {
            return Ok(());
        };
        let mailbox = Stream::Mailbox(by.client().clone());
        let find = move |store: &dyn Store| store.delivery(&mailbox, id);
        let found = self.reads().run(find).await?;
        match found {
            Some(delivery) if members.contains(&delivery.stored.by) => Ok(()),
            _ => Err(Reject::MessageNotFound(id)),
        }
    }

    /// The same for a session, in the order of the calls; says where the answer comes.
    pub(in crate::actors) fn order_acknowledgement(
        &self,
        said: Acknowledgement,
        by: Principal,
        key: Option<IdempotencyKey>,
        origin: Option<SessionId>,
    ) -> Result<Ordered, Reject> {
        by.allows(Action::Message)?;
        let measuring = self.metrics().measure(Operation::Acknowledge);
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
        let answer = mailbox.order(command, by, key, origin);
        Ok(Ordered { answer, measuring })
    }

    pub(in crate::actors) async fn acknowledged(
        &self,
        id: MessageId,
        ordered: Ordered,
    ) -> Result<Sent, Reject> {
        let answer = answered(ordered.answer).await;
        ordered
            .measuring
            .ended(&answer, |receipt| receipt.duplicate);
        let receipt = answer?;
        Sent::of_receipt(&receipt, id, self.clock().now())
    }
}
