//! A room's state as JSON, in `joined` and in REST.

use bridge_core::policy::Role;
use bridge_core::room::{Channel, InsideView, MemberView, RoomView};
use bridge_core::{ClientId, Epoch, RoomId, Seq};
use serde::Serialize;
use serde_json::value::RawValue;

use super::decision::open_decisions;
use super::json;
use crate::wire::frame::PolicyBody;
use crate::wire::time;

/// The JSON text of a room, as REST shows it.
#[must_use]
pub fn room_text(view: &RoomView, epoch: Option<Epoch>) -> Vec<u8> {
    json(&RoomBody::new(view, epoch))
}

/// The JSON text of a room's channels, for those who may see them.
#[must_use]
pub fn channels_text(view: &RoomView) -> Option<Vec<u8>> {
    #[derive(Serialize)]
    struct List<'a> {
        items: Vec<ChannelBody<'a>>,
        next: Option<()>,
    }
    let inside = view.inside.as_ref()?;
    let items = inside.channels.iter().map(channel).collect();
    Some(json(&List { items, next: None }))
}

#[derive(Serialize)]
pub(super) struct RoomBody<'a> {
    room: &'a RoomId,
    head: Seq,
    #[serde(skip_serializing_if = "Option::is_none")]
    epoch: Option<Epoch>,
    topic: &'a str,
    policy: PolicyBody,
    has_password: bool,
    created_at: String,
    created_by: Option<&'a ClientId>,
    closed_at: Option<String>,
    members_total: usize,
    #[serde(flatten)]
    inside: Option<Inside<'a>>,
}

#[derive(Serialize)]
struct Inside<'a> {
    members: Vec<MemberBody<'a>>,
    channels: Vec<ChannelBody<'a>>,
    posts: u64,
    /// The oldest first, as many as fit; the list of decisions has the rest.
    open_decisions: Vec<Box<RawValue>>,
    open_decisions_total: usize,
}

#[derive(Serialize)]
struct MemberBody<'a> {
    client: &'a ClientId,
    role: Role,
    weight: f64,
    requested_role: Option<Role>,
    joined_at: String,
    online: bool,
}

#[derive(Serialize)]
struct ChannelBody<'a> {
    name: &'a str,
    topic: &'a str,
    created_at: String,
}

impl<'a> RoomBody<'a> {
    pub(super) fn new(view: &'a RoomView, epoch: Option<Epoch>) -> Self {
        Self {
            room: &view.room,
            head: view.head,
            epoch,
            topic: &view.topic,
            policy: (&view.policy).into(),
            has_password: view.has_password,
            created_at: time::to_text(view.created_at),
            created_by: view.created_by.as_ref(),
            closed_at: view.closed_at.map(time::to_text),
            members_total: view.members_total,
            inside: view
                .inside
                .as_ref()
                .map(|inside| Inside::new(&view.room, inside)),
        }
    }
}

impl<'a> Inside<'a> {
    fn new(room: &RoomId, view: &'a InsideView) -> Self {
        Self {
            members: view.members.iter().map(member).collect(),
            channels: view.channels.iter().map(channel).collect(),
            posts: view.posts,
            open_decisions: open_decisions(room, &view.open_motions),
            open_decisions_total: view.open_motions.len(),
        }
    }
}

fn member(view: &MemberView) -> MemberBody<'_> {
    MemberBody {
        client: &view.client,
        role: view.member.role,
        weight: view.member.weight.as_f64(),
        requested_role: view.member.requested_role,
        joined_at: time::to_text(view.member.joined_at),
        online: view.online,
    }
}

fn channel(channel: &Channel) -> ChannelBody<'_> {
    ChannelBody {
        name: channel.name.as_str(),
        topic: &channel.topic,
        created_at: time::to_text(channel.created_at),
    }
}
