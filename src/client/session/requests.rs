//! The requests of the protocol as methods: thin, so that a frame looks like its documentation.

use bridge_core::policy::Role;
use bridge_core::{ChannelName, ClientId, IdempotencyKey, MessageId, RoomId, Seq};
use serde_json::{Map, Value, json};

use super::Session;
use crate::client::error::ClientError;
use crate::wire::frame::{Joined, Password, PolicyBody, RoomEvent, ServerFrame};

/// A room that is to be made.
#[derive(Debug, Default)]
pub struct NewRoom {
    /// Its id; without one the server makes one.
    pub room: Option<RoomId>,
    /// What it is about.
    pub topic: String,
    /// What one must know to join.
    pub password: Option<Password>,
    /// Who may do what.
    pub policy: PolicyBody,
}

/// A message that is to be posted.
#[derive(Debug, Clone, Default)]
pub struct NewPost {
    /// Where in the room; without one, `main`.
    pub channel: Option<ChannelName>,
    /// What.
    pub text: String,
    /// The message that it answers.
    pub reply_to: Option<MessageId>,
    /// Under which a repeat is recognised; without one, a new one is made.
    pub key: Option<IdempotencyKey>,
    /// What the sender's program attaches.
    pub metadata: Option<Value>,
}

impl NewRoom {
    /// The fields, as a frame and as the body of REST.
    #[must_use]
    pub fn fields(&self) -> Value {
        let password = self.password.as_ref().map(Password::reveal);
        without_nulls(json!({
            "room": self.room,
            "topic": self.topic,
            "password": password,
            "policy": self.policy,
        }))
    }
}

impl NewPost {
    /// The fields, as a frame and as the body of REST. The key is not among them: a frame carries
    /// it as a field, REST as a header.
    #[must_use]
    pub fn fields(&self) -> Value {
        without_nulls(json!({
            "channel": self.channel,
            "text": self.text,
            "reply_to": self.reply_to,
            "metadata": self.metadata,
        }))
    }
}

impl Session {
    /// Makes a room; the answer is the event `room_created`.
    ///
    /// # Errors
    /// See [`Session::request`].
    pub async fn create_room(&mut self, new: &NewRoom) -> Result<RoomEvent, ClientError> {
        self.change("create_room", new.fields()).await
    }

    /// Becomes a member of a room. Its events after `since` follow; without it, those from now on.
    ///
    /// # Errors
    /// See [`Session::request`].
    pub async fn join(
        &mut self,
        room: &RoomId,
        role: Option<Role>,
        password: Option<&Password>,
        since: Option<Seq>,
    ) -> Result<Joined, ClientError> {
        let password = password.map(Password::reveal);
        let fields = json!({ "room": room, "role": role, "password": password, "since": since });
        match self.request(framed("join", without_nulls(fields))).await? {
            ServerFrame::Joined(joined) => {
                let complete = joined.fields.get("complete") == Some(&Value::Bool(true));
                let from = since.filter(|_| complete).unwrap_or(joined.head);
                self.order.start(room, from);
                Ok(joined)
            }
            _ => Err(unexpected("join")),
        }
    }

    /// Stops being a member.
    ///
    /// # Errors
    /// See [`Session::request`].
    pub async fn leave(&mut self, room: &RoomId) -> Result<RoomEvent, ClientError> {
        self.change("leave", json!({ "room": room })).await
    }

    /// Gives a client a role; one that is no member is thereby invited.
    ///
    /// # Errors
    /// See [`Session::request`].
    pub async fn grant(
        &mut self,
        room: &RoomId,
        client: &ClientId,
        role: Role,
    ) -> Result<RoomEvent, ClientError> {
        self.change(
            "grant",
            json!({ "room": room, "client": client, "role": role }),
        )
        .await
    }

    /// Takes a member, or an invitation, out of a room.
    ///
    /// # Errors
    /// See [`Session::request`].
    pub async fn remove(
        &mut self,
        room: &RoomId,
        client: &ClientId,
        reason: Option<&str>,
    ) -> Result<RoomEvent, ClientError> {
        let fields = json!({ "room": room, "client": client, "reason": reason });
        self.change("remove", without_nulls(fields)).await
    }

    /// Makes a channel.
    ///
    /// # Errors
    /// See [`Session::request`].
    pub async fn create_channel(
        &mut self,
        room: &RoomId,
        name: &ChannelName,
        topic: &str,
    ) -> Result<RoomEvent, ClientError> {
        let fields = json!({ "room": room, "name": name, "topic": topic });
        self.change("create_channel", fields).await
    }

    /// Says something. The event's `duplicate` says whether the key was known, and this is the
    /// original one.
    ///
    /// # Errors
    /// See [`Session::request`].
    pub async fn post(&mut self, room: &RoomId, post: &NewPost) -> Result<RoomEvent, ClientError> {
        let mut fields = post.fields();
        fields["room"] = json!(room);
        if let Some(key) = &post.key {
            fields["key"] = json!(key);
        }
        self.change("post", fields).await
    }

    /// Asks for a sign of life; the answer is the server's time.
    ///
    /// # Errors
    /// See [`Session::request`].
    pub async fn ping(&mut self) -> Result<String, ClientError> {
        match self.request(json!({ "type": "ping" })).await? {
            ServerFrame::Pong { at, .. } => Ok(at),
            _ => Err(unexpected("ping")),
        }
    }

    /// A request whose answer is the event that it causes.
    async fn change(
        &mut self,
        kind: &'static str,
        fields: Value,
    ) -> Result<RoomEvent, ClientError> {
        match self.request(framed(kind, fields)).await? {
            ServerFrame::Event(event) => Ok(event),
            _ => Err(unexpected(kind)),
        }
    }
}

pub(super) fn framed(kind: &'static str, mut fields: Value) -> Value {
    fields["type"] = json!(kind);
    fields
}

pub(super) fn unexpected(kind: &'static str) -> ClientError {
    ClientError::Protocol(format!("{kind} was answered by something else"))
}

/// A field that is not given is left out, which is shorter and means the same.
pub(crate) fn without_nulls(object: Value) -> Value {
    match object {
        Value::Object(fields) => {
            let given: Map<_, _> = fields.into_iter().filter(|(_, v)| !v.is_null()).collect();
            Value::Object(given)
        }
        other => other,
    }
}
