//! Decisions over REST.

use bridge_core::decision::{Choice, Consent, Severity, Side, State, Target, VoteType};
use bridge_core::text::{Evidence, MessageText, Reason};
use bridge_core::{ChannelName, CritiqueId, DecisionId, IdempotencyKey, RoomId};
use serde::Deserialize;
use serde_json::{Value, json};

use super::RestClient;
use crate::client::decision::DecisionFacts;
use crate::client::error::ClientError;
use crate::client::session::without_nulls;

/// A decision as the server tells of it, and what that means.
#[derive(Debug, Clone)]
pub struct Decision {
    /// The answer.
    pub answer: Value,
    /// The same, read.
    pub facts: DecisionFacts,
}

impl Decision {
    pub(super) fn read(answer: Value) -> Result<Self, ClientError> {
        let facts = DecisionFacts::deserialize(&answer)
            .map_err(|why| ClientError::Protocol(why.to_string()))?;
        Ok(Self { answer, facts })
    }
}

/// A motion that is to be put to the vote.
#[derive(Debug, Clone)]
pub struct NewDecision {
    /// Its text.
    pub text: MessageText,
    /// Where in the room it belongs.
    pub channel: Option<ChannelName>,
    /// What it takes.
    pub vote_type: Option<VoteType>,
    /// How many must vote.
    pub quorum: Option<u32>,
    /// Seconds until its deadline.
    pub deadline_seconds: Option<u32>,
    /// Whether the proposer has no vote.
    pub exclude_proposer: bool,
    /// The decision of which it is an alternative.
    pub alternative_to: Option<DecisionId>,
    /// Under which a repeat is recognised.
    pub key: Option<IdempotencyKey>,
}

impl NewDecision {
    /// One with this text, and with what is usual.
    #[must_use]
    pub const fn new(text: MessageText) -> Self {
        Self {
            text,
            channel: None,
            vote_type: None,
            quorum: None,
            deadline_seconds: None,
            exclude_proposer: false,
            alternative_to: None,
            key: None,
        }
    }

    fn fields(&self) -> Value {
        without_nulls(json!({
            "text": self.text,
            "channel": self.channel,
            "vote_type": self.vote_type,
            "quorum": self.quorum,
            "deadline_seconds": self.deadline_seconds,
            "exclude_proposer": self.exclude_proposer.then_some(true),
            "alternative_to": self.alternative_to,
        }))
    }
}

/// A critique, and where it is made.
#[derive(Debug, Clone, Copy)]
pub struct NewCritique<'a> {
    /// The room of what is criticised.
    pub room: &'a RoomId,
    /// What is criticised.
    pub target: Target,
    /// How much weight it has.
    pub severity: Severity,
    /// What it says.
    pub text: &'a MessageText,
}

/// What may become of a critique.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Settled {
    /// It is met, says its author.
    Resolve,
    /// It need not be met.
    Waive,
}

impl Settled {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Resolve => "resolve",
            Self::Waive => "waive",
        }
    }
}

impl RestClient {
    /// A decision with its history.
    ///
    /// # Errors
    /// See [`ClientError`].
    pub async fn decision(&self, id: DecisionId) -> Result<Decision, ClientError> {
        let id = id.to_string();
        Decision::read(self.get(&["v1", "decisions", &id], &[]).await?)
    }

    /// The decisions of a room, the newest first: `{items, next}`.
    ///
    /// # Errors
    /// See [`ClientError`].
    pub async fn decisions(
        &self,
        room: &RoomId,
        state: Option<State>,
        limit: u64,
    ) -> Result<Value, ClientError> {
        let state = state.map(|state| ("state", state.to_string()));
        let path = ["v1", "rooms", room.as_str(), "decisions"];
        self.list_of(&path, state.as_slice(), limit).await
    }

    /// Puts a motion to the vote.
    ///
    /// # Errors
    /// See [`ClientError`].
    pub async fn propose(&self, room: &RoomId, new: &NewDecision) -> Result<Decision, ClientError> {
        let path = ["v1", "rooms", room.as_str(), "decisions"];
        let answer = self.post(&path, &new.fields(), new.key.clone()).await?;
        Decision::read(answer)
    }

    /// Votes on a version of a decision.
    ///
    /// # Errors
    /// See [`ClientError`].
    pub async fn vote(
        &self,
        (room, id): (&RoomId, DecisionId),
        version: u32,
        choice: Choice,
        reason: Option<&Reason>,
    ) -> Result<Decision, ClientError> {
        let body = json!({ "version": version, "choice": choice, "reason": reason });
        let id = id.to_string();
        let path = ["v1", "rooms", room.as_str(), "decisions", &id, "ballot"];
        Decision::read(self.put(&path, &without_nulls(body)).await?)
    }

    /// Takes a motion back.
    ///
    /// # Errors
    /// See [`ClientError`].
    pub async fn withdraw(&self, room: &RoomId, id: DecisionId) -> Result<Value, ClientError> {
        let id = id.to_string();
        let path = ["v1", "rooms", room.as_str(), "decisions", &id];
        self.delete(&path, None).await
    }

    /// Proposes another text in place of a version; the answer is the event.
    ///
    /// # Errors
    /// See [`ClientError`].
    pub async fn amend(
        &self,
        (room, id): (&RoomId, DecisionId),
        version: u32,
        text: &MessageText,
        key: Option<IdempotencyKey>,
    ) -> Result<Value, ClientError> {
        let body = json!({ "version": version, "text": text });
        let id = id.to_string();
        let path = ["v1", "rooms", room.as_str(), "decisions", &id, "amendments"];
        self.post(&path, &body, key).await
    }

    /// Says whether an amendment is to be adopted.
    ///
    /// # Errors
    /// See [`ClientError`].
    pub async fn adopt(
        &self,
        (room, id): (&RoomId, DecisionId),
        amendment: u32,
        choice: Consent,
    ) -> Result<Decision, ClientError> {
        let (id, amendment) = (id.to_string(), amendment.to_string());
        let path = [
            "v1",
            "rooms",
            room.as_str(),
            "decisions",
            &id,
            "amendments",
            &amendment,
            "ballot",
        ];
        Decision::read(self.put(&path, &json!({ "choice": choice })).await?)
    }

    /// Speaks for or against a decision; the answer is the event.
    ///
    /// # Errors
    /// See [`ClientError`].
    pub async fn argue(
        &self,
        (room, id): (&RoomId, DecisionId),
        (side, text): (Side, &MessageText),
        evidence: &[Evidence],
        key: Option<IdempotencyKey>,
    ) -> Result<Value, ClientError> {
        let body = json!({ "side": side, "text": text, "evidence": evidence });
        let id = id.to_string();
        let path = ["v1", "rooms", room.as_str(), "decisions", &id, "arguments"];
        self.post(&path, &body, key).await
    }

    /// Criticises a message or a decision; the answer is the event.
    ///
    /// # Errors
    /// See [`ClientError`].
    pub async fn critique(
        &self,
        new: NewCritique<'_>,
        key: Option<IdempotencyKey>,
    ) -> Result<Value, ClientError> {
        let body = json!({ "severity": new.severity, "text": new.text });
        let (list, id) = match new.target {
            Target::Message(id) => ("messages", id.to_string()),
            Target::Decision(id) => ("decisions", id.to_string()),
        };
        let path = ["v1", "rooms", new.room.as_str(), list, &id, "critiques"];
        self.post(&path, &body, key).await
    }

    /// Resolves or waives a critique; the answer is the event.
    ///
    /// # Errors
    /// See [`ClientError`].
    pub async fn settle(
        &self,
        room: &RoomId,
        critique: CritiqueId,
        settled: Settled,
        text: Option<&MessageText>,
    ) -> Result<Value, ClientError> {
        let body = without_nulls(json!({ "text": text }));
        let (id, how) = (critique.to_string(), settled.as_str());
        let path = ["v1", "rooms", room.as_str(), "critiques", &id, how];
        self.post(&path, &body, None).await
    }
}
