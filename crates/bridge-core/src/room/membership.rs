//! Who is in a room, and as what.

use crate::command::{Close, Grant, Join, PasswordProof, Remove};
use crate::event::{
    Envelope, Event, MemberJoined, MemberLeft, MemberRemoved, RoleGranted, RoomClosed,
};
use crate::id::{ClientId, Seq, Timestamp};
use crate::limits;
use crate::policy::{Policy, Role, RoleRule, Visibility};
use crate::principal::Principal;
use crate::reject::Reject;
use crate::room::{Member, Room};

impl Room {
    pub(super) fn decide_join(
        &self,
        join: &Join,
        by: &Principal,
        now: Timestamp,
    ) -> Result<Vec<Event>, Reject> {
        let client = by.client();
        if self.is_member(client) {
            return Err(Reject::AlreadyAMember(self.id.clone()));
        }
        let granted = self.grants.get(client).copied();
        self.may_enter(join, granted)?;
        Reject::when_full(self.members.len(), "members", limits::ROOM_MEMBERS_MAX)?;
        let (role, requested) = self.role_on_entry(join.role, granted);
        let mut events = vec![Self::joining(client, role, &self.policy, requested)];
        // Somebody who comes back counts again, but not in what time has decided.
        events.extend(self.decided_by_time(now));
        Ok(events)
    }

    /// A grant opens every door. Without one an open room is open, a listed one needs its
    /// password, and a private one was not visible in the first place.
    fn may_enter(&self, join: &Join, granted: Option<Role>) -> Result<(), Reject> {
        if granted.is_some() || self.policy.visibility == Visibility::Open {
            return Ok(());
        }
        if self.policy.visibility == Visibility::Private {
            return Err(Reject::RoomNotFound(self.id.clone()));
        }
        match (&self.password, &join.proof) {
            (Some(hash), PasswordProof::Matches(proved)) if hash == proved => Ok(()),
            (Some(_), _) => Err(Reject::WrongPassword(self.id.clone())),
            (None, _) => Err(Reject::Forbidden(
                "this room is joined by invitation; ask its coordinator for a grant",
            )),
        }
    }

    fn role_on_entry(&self, wished: Option<Role>, granted: Option<Role>) -> (Role, Option<Role>) {
        let Some(wished) = wished else {
            return (granted.unwrap_or_default(), None);
        };
        let may_have = !wished.is_privileged()
            || granted == Some(wished)
            || self.policy.roles == RoleRule::Open;
        if may_have {
            return (wished, None);
        }
        (granted.unwrap_or_default(), Some(wished))
    }

    pub(super) fn joining(
        client: &ClientId,
        role: Role,
        policy: &Policy,
        requested_role: Option<Role>,
    ) -> Event {
        let weight = policy.weights.of(role);
        Event::MemberJoined(MemberJoined {
            client: client.clone(),
            role,
            weight,
            requested_role,
        })
    }

    pub(super) fn decide_leave(
        &self,
        by: &Principal,
        now: Timestamp,
    ) -> Result<Vec<Event>, Reject> {
        let client = by.client();
        self.member(client)?;
        let mut events = vec![Event::MemberLeft(MemberLeft {
            client: client.clone(),
        })];
        events.extend(self.succession(client));
        events.extend(self.motions_without(client, now));
        Ok(events)
    }

    /// When the last coordinator goes, the longest-standing member takes over.
    fn succession(&self, leaver: &ClientId) -> Option<Event> {
        let others = || self.members.iter().filter(|(client, _)| *client != leaver);
        let was_led = self
            .members
            .get(leaver)
            .is_some_and(|m| m.role == Role::Coordinator);
        if !was_led || others().any(|(_, m)| m.role == Role::Coordinator) {
            return None;
        }
        let (client, _) = others().min_by_key(|(_, member)| member.joined_seq)?;
        Some(self.granting(client, Role::Coordinator))
    }

    pub(super) fn decide_close(
        &self,
        close: &Close,
        by: &Principal,
        now: Timestamp,
    ) -> Result<Vec<Event>, Reject> {
        let otherwise = Reject::Forbidden("only a coordinator of the room may close it");
        self.must_lead(by, otherwise)?;
        let closed = Event::RoomClosed(RoomClosed {
            reason: close.reason.clone(),
        });
        let mut events = vec![closed];
        events.extend(self.motions_at_the_end(now));
        Ok(events)
    }

    pub(super) fn decide_grant(&self, grant: &Grant, by: &Principal) -> Result<Vec<Event>, Reject> {
        self.must_lead(by, Reject::RoleNotAllowed(grant.role))?;
        let is_new = !self.grants.contains_key(&grant.client);
        if is_new {
            Reject::when_full(self.grants.len(), "grants", limits::ROOM_GRANTS_MAX)?;
        }
        self.keeps_a_coordinator(&grant.client, grant.role)?;
        Ok(vec![self.granting(&grant.client, grant.role)])
    }

    /// A room with members always has somebody who leads it.
    fn keeps_a_coordinator(&self, client: &ClientId, role: Role) -> Result<(), Reject> {
        let leads_alone = self
            .members
            .iter()
            .all(|(other, member)| (other == client) == (member.role == Role::Coordinator))
            && self.is_member(client);
        if leads_alone && role != Role::Coordinator {
            return Err(Reject::Forbidden(
                "the room's only coordinator keeps that role; grant it to somebody else first",
            ));
        }
        Ok(())
    }

    fn granting(&self, client: &ClientId, role: Role) -> Event {
        let weight = self.policy.weights.of(role);
        Event::RoleGranted(RoleGranted {
            client: client.clone(),
            role,
            weight,
        })
    }

    pub(super) fn decide_remove(
        &self,
        remove: &Remove,
        by: &Principal,
    ) -> Result<Vec<Event>, Reject> {
        let otherwise = Reject::Forbidden("only a coordinator of the room may remove members");
        self.must_lead(by, otherwise)?;
        let client = &remove.client;
        if !self.is_member(client) && !self.grants.contains_key(client) {
            return Err(Reject::NoSuchMember {
                room: self.id.clone(),
                client: client.clone(),
            });
        }
        let removed = MemberRemoved {
            client: client.clone(),
            reason: remove.reason.clone(),
        };
        let mut events = vec![Event::MemberRemoved(removed)];
        events.extend(self.succession(client));
        Ok(events)
    }

    pub(super) fn apply_joined(&mut self, joined: &MemberJoined, envelope: &Envelope) {
        self.decisions.joined(&joined.client);
        self.members.insert(
            joined.client.clone(),
            Member {
                role: joined.role,
                weight: joined.weight,
                requested_role: joined.requested_role,
                joined_at: envelope.at,
                joined_seq: envelope.seq,
            },
        );
    }

    /// A grant stands until it is taken back, so whoever leaves may return.
    pub(super) fn apply_left(&mut self, left: &MemberLeft) {
        self.members.remove(&left.client);
        self.decisions.left(&left.client);
    }

    pub(super) fn apply_removed(&mut self, removed: &MemberRemoved) {
        self.members.remove(&removed.client);
        self.grants.remove(&removed.client);
    }

    pub(super) fn apply_granted(&mut self, granted: &RoleGranted) {
        if let Some(member) = self.members.get_mut(&granted.client) {
            member.role = granted.role;
            member.weight = granted.weight;
            member.requested_role = None;
        }
        self.grants.insert(granted.client.clone(), granted.role);
    }

    /// Since which record somebody is a member.
    #[must_use]
    pub fn member_since(&self, client: &ClientId) -> Option<Seq> {
        self.members.get(client).map(|member| member.joined_seq)
    }
}
