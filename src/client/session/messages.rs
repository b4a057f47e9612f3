//! Direct messages: what is sent, and what is said of them.

use bridge_core::message::{AckStage, Body, MessageKind, Priority, Recipients, ReplyWanted, Trace};
use bridge_core::text::{Metadata, Reason};
use bridge_core::{IdempotencyKey, MessageId};
use serde_json::{Value, json};

use super::Session;
use super::requests::{framed, unexpected, without_nulls};
use crate::client::error::ClientError;
use crate::wire::frame::{ServerFrame, StoredBody};

/// A message that is to be sent.
#[derive(Debug, Clone)]
pub struct NewMessage {
    /// To whom.
    pub to: Recipients,
    /// What it says.
    pub body: Body,
    /// What it is for.
    pub kind: MessageKind,
    /// How urgent it is.
    pub priority: Priority,
    /// For how many seconds it may wait; without it, as the server has it.
    pub ttl_seconds: Option<u32>,
    /// The message that it answers.
    pub reply_to: Option<MessageId>,
    /// Whether it wants an answer, and within how many seconds.
    pub expects_reply: Option<ReplyWanted>,
    /// Whether a recipient that is not known yet is accepted.
    pub keep: bool,
    /// The trace of the message that it follows from.
    pub trace: Option<Trace>,
    /// What the sender's program attaches.
    pub metadata: Option<Metadata>,
    /// Under which a repeat is recognised; without one, a new one is made.
    pub key: Option<IdempotencyKey>,
}

impl NewMessage {
    /// A plain message.
    #[must_use]
    pub fn new(to: Recipients, body: Body) -> Self {
        Self {
            to,
            body,
            kind: MessageKind::default(),
            priority: Priority::default(),
            ttl_seconds: None,
            reply_to: None,
            expects_reply: None,
            keep: false,
            trace: None,
            metadata: None,
            key: None,
        }
    }

    /// The fields, as a frame and as the body of REST. The key is not among them: a frame carries
    /// it as a field, REST as a header.
    #[must_use]
    pub fn fields(&self) -> Value {
        let (text, payload) = match &self.body {
            Body::Text(text) => (Some(text), None),
            Body::Payload(payload) => (None, Some(payload)),
        };
        let deadline_seconds = self
            .expects_reply
            .and_then(|wanted| wanted.deadline_seconds);
        without_nulls(json!({
            "to": self.to,
            "text": text,
            "payload": payload,
            "kind": self.kind,
            "priority": self.priority,
            "ttl_seconds": self.ttl_seconds,
            "reply_to": self.reply_to,
            "expects_reply": self.expects_reply.map(|_| true),
            "deadline_seconds": deadline_seconds,
            "keep": self.keep.then_some(true),
            "trace": self.trace,
            "metadata": self.metadata,
        }))
    }
}

/// What a recipient says of a message, as a frame without a key.
pub(in crate::client) fn ack_frame(
    id: MessageId,
    stage: AckStage,
    reason: Option<&Reason>,
) -> Value {
    let fields = json!({ "id": id, "stage": stage, "reason": reason });
    framed("ack", without_nulls(fields))
}

impl Session {
    /// Sends a direct message; the answer comes when it is durable in every recipient's mailbox.
    ///
    /// # Errors
    /// See [`Session::request`].
    pub async fn send_message(&mut self, new: &NewMessage) -> Result<StoredBody, ClientError> {
        let mut fields = new.fields();
        if let Some(key) = &new.key {
            fields["key"] = json!(key);
        }
        self.store(framed("send", fields), "send").await
    }

    /// Says how far one has come with a message.
    ///
    /// # Errors
    /// See [`Session::request`].
    pub async fn acknowledge(
        &mut self,
        id: MessageId,
        stage: AckStage,
        reason: Option<&Reason>,
    ) -> Result<StoredBody, ClientError> {
        self.store(ack_frame(id, stage, reason), "ack").await
    }

    /// A request whose answer is that something is stored.
    pub(in crate::client) async fn store(
        &mut self,
        frame: Value,
        kind: &'static str,
    ) -> Result<StoredBody, ClientError> {
        match self.request(frame).await? {
            ServerFrame::Stored(stored) => Ok(stored),
            _ => Err(unexpected(kind)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bridge_core::text::Payload;

    #[test]
    fn only_what_was_chosen_is_sent() {
        let to = Recipients::parse(["bob"]).expect("a name");
        let text = Body::Text("hi".parse().expect("a text"));
        let plain = NewMessage::new(to.clone(), text);
        let fields = json!({ "to": "bob", "text": "hi", "kind": "message", "priority": 1 });
        assert_eq!(plain.fields(), fields);
        let payload = Payload::try_from(json!([1])).expect("a small one");
        let question = NewMessage {
            expects_reply: Some(ReplyWanted {
                deadline_seconds: Some(60),
            }),
            keep: true,
            ..NewMessage::new(to, Body::Payload(payload))
        };
        let fields = json!({
            "to": "bob", "payload": [1], "kind": "message", "priority": 1,
            "expects_reply": true, "deadline_seconds": 60, "keep": true,
        });
        assert_eq!(question.fields(), fields);
    }
}
