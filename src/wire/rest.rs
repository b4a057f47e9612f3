//! Bodies and queries of REST that no frame has.

mod cursor;

use bridge_core::decision::State;
use bridge_core::policy::Role;
use bridge_core::text::{Reason, Topic};
use bridge_core::{ChannelName, ClientId, CritiqueId, DecisionId, Epoch, MessageId, RoomId, Seq};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

pub use cursor::{InvalidCursor, MailboxCursor};

use super::frame::{Password, PolicyBody, Rejected, object};

/// The header that names the life of the log of a backup.
pub const EPOCH: &str = "agent-bridge-epoch";

/// The body of `POST /v1/rooms`: the fields of `create_room`, and the room's id among them.
#[derive(Debug, Deserialize)]
pub struct CreateRoomRequest {
    /// Its id; without one the server makes one.
    #[serde(default)]
    pub room: Option<RoomId>,
    /// What it is about.
    #[serde(default = "Topic::none")]
    pub topic: Topic,
    /// What one must know to join.
    #[serde(default)]
    pub password: Option<Password>,
    /// Who may do what.
    #[serde(default, deserialize_with = "object::only")]
    pub policy: PolicyBody,
}

/// The body of `PUT …/members/{client}`.
#[derive(Debug, Deserialize)]
pub struct GrantRequest {
    /// Which role.
    pub role: Role,
}

/// The body, when there is one, of a `DELETE`.
#[derive(Debug, Default, Deserialize)]
pub struct ReasonBody {
    /// Why.
    #[serde(default)]
    pub reason: Option<Reason>,
}

/// The body of `POST /v1/admin/actors/release`.
#[derive(Debug, Deserialize)]
pub struct ReleaseRequest {
    /// What is held back, by its kind and name.
    pub actor: String,
}

/// The body of `PUT /v1/admin/log-level`.
#[derive(Debug, Deserialize)]
pub struct LogLevelRequest {
    /// A level or a filter.
    pub level: String,
}

/// The query of a list.
#[derive(Debug, Default, Deserialize)]
pub struct PageQuery {
    /// The `next` of the page before.
    #[serde(default)]
    pub after: Option<RoomId>,
    /// How many at most.
    #[serde(default)]
    pub limit: Option<usize>,
}

/// The query of `GET …/messages`.
#[derive(Debug, Default, Deserialize)]
pub struct MessagesQuery {
    /// Of one channel only.
    #[serde(default)]
    pub channel: Option<ChannelName>,
    /// The oldest ones after this seq.
    #[serde(default)]
    pub after: Option<Seq>,
    /// The newest ones before this seq.
    #[serde(default)]
    pub before: Option<Seq>,
    /// How many at most.
    #[serde(default)]
    pub limit: Option<usize>,
}

/// The query of `GET …/messages/{id}/thread`.
#[derive(Debug, Default, Deserialize)]
pub struct ThreadQuery {
    /// After this seq.
    #[serde(default)]
    pub after: Seq,
    /// How many at most.
    #[serde(default)]
    pub limit: Option<usize>,
}

/// The query of `GET …/events`.
#[derive(Debug, Default, Deserialize)]
pub struct EventsQuery {
    /// After this seq.
    #[serde(default)]
    pub after: Option<Seq>,
    /// Of which life of the log `after` is; without one, this.
    #[serde(default)]
    pub epoch: Option<Epoch>,
    /// How many at most.
    #[serde(default)]
    pub limit: Option<usize>,
    /// How many seconds to wait when there is none.
    #[serde(default)]
    pub wait: Option<u64>,
}

/// The answer of `POST /v1/tickets`. Not `Debug`: a ticket is not to be logged.
#[derive(Serialize)]
pub struct TicketBody {
    /// What opens one WebSocket.
    pub ticket: String,
    /// Until when.
    pub expires_at: String,
    /// For whom.
    pub client: ClientId,
}

/// The query of `GET /v1/messages/{id}`.
#[derive(Debug, Default, Deserialize)]
pub struct WaitQuery {
    /// How many seconds to wait for its end.
    #[serde(default)]
    pub wait: Option<u64>,
}

/// The query of `GET /v1/mailbox`.
#[derive(Debug, Default, Deserialize)]
pub struct MailboxQuery {
    /// The `next` of the answer before, which confirms what that returned.
    #[serde(default)]
    pub after: Option<MailboxCursor>,
    /// How many at most.
    #[serde(default)]
    pub limit: Option<usize>,
    /// How many seconds to wait when there is none.
    #[serde(default)]
    pub wait: Option<u64>,
    /// Whether only to show what waits.
    #[serde(default)]
    pub peek: bool,
}

/// The query of `GET /v1/dead-letters`.
#[derive(Debug, Default, Deserialize)]
pub struct DeadLettersQuery {
    /// The `next` of the page before.
    #[serde(default)]
    pub after: Option<MessageId>,
    /// How many at most.
    #[serde(default)]
    pub limit: Option<usize>,
}

/// The query of `GET …/decisions`.
#[derive(Debug, Default, Deserialize)]
pub struct DecisionsQuery {
    /// Only those in this state.
    #[serde(default)]
    pub state: Option<State>,
    /// The `next` of the page before.
    #[serde(default)]
    pub after: Option<DecisionId>,
    /// How many at most.
    #[serde(default)]
    pub limit: Option<usize>,
}

/// The query of `GET …/critiques`.
#[derive(Debug, Default, Deserialize)]
pub struct CritiquesQuery {
    /// Only those that stand, or only the others.
    #[serde(default)]
    pub state: Option<CritiquesOf>,
    /// The `next` of the page before.
    #[serde(default)]
    pub after: Option<CritiqueId>,
    /// How many at most.
    #[serde(default)]
    pub limit: Option<usize>,
}

/// Which critiques to list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CritiquesOf {
    /// Those that stand.
    Open,
    /// Those that are resolved or waived, or whose decision has ended.
    Closed,
}

/// The body of every error.
#[derive(Debug, Serialize, Deserialize)]
pub struct ErrorBody {
    /// What went wrong.
    pub error: ErrorFields,
    /// Under which the server's log has more.
    pub request_id: String,
}

/// What went wrong.
#[derive(Debug, Serialize, Deserialize)]
pub struct ErrorFields {
    /// As over WebSocket.
    #[serde(flatten)]
    pub rejected: Rejected,
    /// What the sentence speaks of, for programs: the field, the scope.
    #[serde(default)]
    pub details: Map<String, Value>,
}

/// A room in a list.
#[derive(Debug, Serialize)]
pub struct RoomListItem {
    /// The room.
    pub room: RoomId,
    /// What it is about.
    pub topic: String,
    /// Who finds and joins it.
    pub visibility: bridge_core::policy::Visibility,
    /// Whether it has a password.
    pub has_password: bool,
    /// When it was made.
    pub created_at: String,
    /// When it ended.
    pub closed_at: Option<String>,
    /// How many members it has.
    pub members_total: u64,
}

/// A list of rooms.
#[derive(Debug, Serialize)]
pub struct RoomList {
    /// The rooms of this page.
    pub items: Vec<RoomListItem>,
    /// The `after` of the next page; `null` when this is the last.
    pub next: Option<RoomId>,
}

/// The answer of `/status`.
#[derive(Debug, Serialize)]
pub struct StatusBody {
    /// Since the server started.
    pub uptime_seconds: u64,
    /// Messages ever posted.
    pub total_messages: u64,
    /// Live sessions.
    pub active_connections: usize,
    /// Rooms that are awake.
    pub active_rooms: usize,
    /// The server's version.
    pub version: &'static str,
}
