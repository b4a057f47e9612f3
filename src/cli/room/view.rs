//! Answers of the server, as far as people are shown them. JSON output never passes through here.

use serde::Deserialize;

pub(super) use crate::cli::context::read;
pub(super) use crate::cli::show::visibility;
use crate::wire::frame::{PolicyBody, RoomEvent};
use bridge_core::policy::Visibility;
use bridge_core::{Epoch, RoomId, Seq};

/// A room.
#[derive(Debug, Deserialize)]
pub(super) struct RoomBody {
    pub(super) room: RoomId,
    pub(super) head: Seq,
    #[serde(default)]
    pub(super) epoch: Option<Epoch>,
    pub(super) topic: String,
    pub(super) policy: PolicyBody,
    pub(super) has_password: bool,
    pub(super) created_at: String,
    pub(super) created_by: Option<String>,
    pub(super) closed_at: Option<String>,
    pub(super) members_total: u64,
    /// Only members are shown the rest.
    #[serde(default)]
    pub(super) members: Option<Vec<MemberBody>>,
    #[serde(default)]
    pub(super) channels: Vec<ChannelBody>,
    #[serde(default)]
    pub(super) posts: u64,
}

/// A member.
#[derive(Debug, Deserialize)]
pub(super) struct MemberBody {
    pub(super) client: String,
    pub(super) role: String,
    pub(super) weight: f64,
    pub(super) requested_role: Option<String>,
    pub(super) joined_at: String,
    pub(super) online: bool,
}

/// A channel.
#[derive(Debug, Deserialize)]
pub(super) struct ChannelBody {
    pub(super) name: String,
    pub(super) topic: String,
}

/// A room in a list.
#[derive(Debug, Deserialize)]
pub(super) struct RoomItem {
    pub(super) room: RoomId,
    pub(super) topic: String,
    pub(super) visibility: Visibility,
    pub(super) has_password: bool,
    pub(super) closed_at: Option<String>,
    pub(super) members_total: u64,
}

/// A page of events.
#[derive(Debug, Deserialize)]
pub(super) struct EventPage {
    pub(super) items: Vec<RoomEvent>,
    #[serde(default)]
    pub(super) next: Option<Seq>,
    #[serde(default)]
    pub(super) previous: Option<Seq>,
}
