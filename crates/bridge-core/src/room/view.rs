//! What may be shown of a room.

use crate::decision::Motion;
use crate::id::{ClientId, RoomId, Seq, Timestamp};
use crate::policy::Policy;
use crate::principal::Principal;
use crate::reject::Reject;
use crate::room::{Channel, Life, Member, Room};
use crate::text::Topic;

/// A room as its members, or strangers, see it.
#[derive(Debug, Clone, PartialEq)]
pub struct RoomView {
    /// Its id.
    pub room: RoomId,
    /// Its last record.
    pub head: Seq,
    /// What it is about.
    pub topic: Topic,
    /// What its creator decided about it.
    pub policy: Policy,
    /// Whether it has a password.
    pub has_password: bool,
    /// When it was made.
    pub created_at: Timestamp,
    /// Who made it.
    pub created_by: Option<ClientId>,
    /// When it ended.
    pub closed_at: Option<Timestamp>,
    /// How many members it has.
    pub members_total: usize,
    /// What only members and administrators see.
    pub inside: Option<InsideView>,
}

/// What only members and administrators see of a room.
#[derive(Debug, Clone, PartialEq)]
pub struct InsideView {
    /// Its members by name.
    pub members: Vec<MemberView>,
    /// Its channels by name.
    pub channels: Vec<Channel>,
    /// How many messages were posted in it.
    pub posts: u64,
    /// Motions that are not decided yet, the oldest first.
    pub open_motions: Vec<Motion>,
}

/// A member of a room.
#[derive(Debug, Clone, PartialEq)]
pub struct MemberView {
    /// Who.
    pub client: ClientId,
    /// As what.
    pub member: Member,
    /// Whether it has a session in the room.
    pub online: bool,
}

impl Room {
    /// What a principal may see of the room; `online` says who has a session in it.
    ///
    /// # Errors
    /// [`Reject::RoomNotFound`] when it may not know that there is one.
    pub fn view(
        &self,
        viewer: &Principal,
        online: impl Fn(&ClientId) -> bool,
    ) -> Result<RoomView, Reject> {
        if self.life == Life::Vacant || !self.is_visible_to(viewer) {
            return Err(Reject::RoomNotFound(self.id.clone()));
        }
        let mut view = self.view_from_inside(online);
        if !self.is_member(viewer.client()) && !viewer.is_admin() {
            view.inside = None;
        }
        Ok(view)
    }

    /// The room as its members see it.
    #[must_use]
    pub fn view_from_inside(&self, online: impl Fn(&ClientId) -> bool) -> RoomView {
        RoomView {
            room: self.id.clone(),
            head: self.head,
            topic: self.topic.clone(),
            policy: self.policy.clone(),
            has_password: self.password.is_some(),
            created_at: self.created_at,
            created_by: self.created_by.clone(),
            closed_at: self.closed_at,
            members_total: self.members.len(),
            inside: Some(InsideView {
                members: self.member_views(online),
                channels: self.channels().cloned().collect(),
                posts: self.posts,
                open_motions: self.open_motions().cloned().collect(),
            }),
        }
    }

    fn member_views(&self, online: impl Fn(&ClientId) -> bool) -> Vec<MemberView> {
        let members = self.members.iter();
        members
            .map(|(client, member)| MemberView {
                client: client.clone(),
                member: member.clone(),
                online: online(client),
            })
            .collect()
    }
}
