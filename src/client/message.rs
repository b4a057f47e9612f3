//! A message and what became of it, as its sender and its recipients read it.

use bridge_core::MessageId;
use bridge_core::message::{MessageKind, Priority, Recipients, Stage};
use serde::Deserialize;
use serde_json::Value;

/// A message, with its way to each recipient that the reader may know of.
#[derive(Debug, Clone, Deserialize)]
pub struct MessageFacts {
    /// The message.
    pub id: MessageId,
    /// Who sent it.
    pub from: String,
    /// To whom, all of them.
    pub to: Recipients,
    /// What it says to people.
    #[serde(default)]
    pub text: Option<String>,
    /// What it says to programs.
    #[serde(default)]
    pub payload: Option<Value>,
    /// What it is for.
    pub kind: MessageKind,
    /// How urgent it is.
    pub priority: Priority,
    /// The message that it answers.
    #[serde(default)]
    pub reply_to: Option<MessageId>,
    /// Whether it wants an answer.
    #[serde(default)]
    pub expects_reply: bool,
    /// Until when it waits for one.
    #[serde(default)]
    pub deadline: Option<String>,
    /// When it was stored.
    pub at: String,
    /// Its time is over then.
    pub expires_at: String,
    /// The ways. Who only received it sees its own; a message to `all` has none.
    #[serde(default)]
    pub recipients: Vec<RecipientFacts>,
}

/// What became of a message with one recipient.
#[derive(Debug, Clone, Deserialize)]
pub struct RecipientFacts {
    /// Which.
    pub client: String,
    /// How far it has come.
    pub stage: Stage,
    /// Since when.
    #[serde(default)]
    pub at: String,
    /// How often it was handed over.
    #[serde(default)]
    pub attempts: u32,
    /// Why, when it ended without being done.
    #[serde(default)]
    pub reason: Option<String>,
    /// Every step.
    #[serde(default)]
    pub history: Vec<Step>,
}

/// One step of a message's way.
#[derive(Debug, Clone, Default, Deserialize)]
pub struct Step {
    /// A stage; `returned` when an attempt ended without a confirmation; `extended` when one goes on
    /// although the clock, which was set forward, has passed the end of its lease.
    pub stage: String,
    /// When.
    pub at: String,
    /// Which attempt: 1 is the first.
    #[serde(default)]
    pub attempt: Option<u32>,
    /// How it was handed over.
    #[serde(default)]
    pub via: Option<String>,
    /// Until when its recipient may take to confirm it.
    #[serde(default)]
    pub until: Option<String>,
    /// Why it ended so.
    #[serde(default)]
    pub reason: Option<String>,
    /// What the recipient said about it.
    #[serde(default)]
    pub detail: Option<String>,
    /// Not tried again before.
    #[serde(default)]
    pub not_before: Option<String>,
    /// The message that answered it.
    #[serde(default)]
    pub reply: Option<MessageId>,
    /// The attempts of one that is dead.
    #[serde(default)]
    pub failures: Vec<FailureFacts>,
}

/// An attempt that failed.
#[derive(Debug, Clone, Deserialize)]
pub struct FailureFacts {
    /// Which: 1 is the first.
    pub attempt: u32,
    /// When it ended.
    pub at: String,
    /// How.
    pub reason: String,
    /// What the recipient said about it.
    #[serde(default)]
    pub detail: Option<String>,
}

impl MessageFacts {
    /// Whether nothing more will happen to it with any recipient.
    #[must_use]
    pub fn has_ended(&self) -> bool {
        self.recipients.iter().all(|r| r.stage.is_terminal())
    }
}

impl RecipientFacts {
    /// The message by which this recipient has answered, if it has.
    #[must_use]
    pub fn reply(&self) -> Option<MessageId> {
        self.history.iter().rev().find_map(|step| step.reply)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn it_has_ended_when_it_has_with_everybody() {
        let facts = |stages: &[&str]| -> MessageFacts {
            let way = |stage: &&str| json!({ "client": "bob", "stage": stage });
            let message = json!({
                "id": "msg_00000000000000000000000000000001", "from": "ann", "to": "bob",
                "text": "x", "kind": "message", "priority": 1, "at": "x", "expires_at": "x",
                "recipients": stages.iter().map(way).collect::<Vec<_>>(),
            });
            serde_json::from_value(message).expect("a message")
        };
        assert!(facts(&["done", "expired", "dead"]).has_ended());
        assert!(!facts(&["done", "seen"]).has_ended());
        assert!(facts(&[]).has_ended(), "a message to all has no stages");
    }
}
