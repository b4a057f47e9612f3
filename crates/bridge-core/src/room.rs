//! A room: what it is after its log, and what it makes of a command.
//!
//! [`Room::decide`] looks and never changes; [`Room::apply`] changes and never refuses. The
//! [`crate::owner`] around it knows of appends in flight and of requests that wait for an answer.

mod channels;
mod decisions;
mod membership;
mod mentions;
mod policy;
mod posts;
mod recent;
mod snapshot;
mod view;

use std::collections::BTreeMap;

use crate::aggregate::{Aggregate, SnapshotError, Undecided, assert_next};
use crate::command::{CreateRoom, RoomCommand};
use crate::event::{Envelope, Event, RoomCreated, Stream};
use crate::id::{ChannelName, ClientId, MessageId, RoomId, Seq, Timestamp};
use crate::owner::RecentKeys;
use crate::policy::{Policy, Role, Visibility, VoteWeight};
use crate::principal::{Action, Principal};
use crate::reject::Reject;
use crate::text::{PasswordHash, Topic};
use decisions::Decisions;

pub use recent::RecentPosts;
pub use snapshot::SNAPSHOT_FORMAT;
pub use view::{InsideView, MemberView, RoomView};

/// Where a room is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Life {
    /// Nobody has made it yet.
    Vacant,
    /// It takes commands.
    Open,
    /// It has ended; only its history is left.
    Closed,
}

/// A client in a room.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    /// What it does there.
    pub role: Role,
    /// How much its ballot counts.
    pub weight: VoteWeight,
    /// The role that it asked for and was not given yet.
    pub requested_role: Option<Role>,
    /// Since when.
    pub joined_at: Timestamp,
    /// Since which record: the smallest is the longest-standing member.
    pub joined_seq: Seq,
}

/// A topic inside a room.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Channel {
    /// Its name, as it was first written.
    pub name: ChannelName,
    /// What it is about.
    pub topic: Topic,
    /// Since when.
    pub created_at: Timestamp,
}

/// The state of a room after the first `head` records of its log.
#[derive(Debug, Clone, PartialEq)]
pub struct Room {
    id: RoomId,
    life: Life,
    head: Seq,
    last_at: Timestamp,
    created_at: Timestamp,
    created_by: Option<ClientId>,
    closed_at: Option<Timestamp>,
    topic: Topic,
    policy: Policy,
    password: Option<PasswordHash>,
    members: BTreeMap<ClientId, Member>,
    grants: BTreeMap<ClientId, Role>,
    channels: BTreeMap<String, Channel>,
    posts: u64,
    decisions: Decisions,
    keys: RecentKeys,
    recent_posts: RecentPosts,
}

impl Room {
    /// A room before its first record.
    #[must_use]
    pub fn vacant(id: RoomId) -> Self {
        Self {
            id,
            life: Life::Vacant,
            head: Seq::ZERO,
            last_at: Timestamp::default(),
            created_at: Timestamp::default(),
            created_by: None,
            closed_at: None,
            topic: Topic::none(),
            policy: Policy::default(),
            password: None,
            members: BTreeMap::new(),
            grants: BTreeMap::new(),
            channels: BTreeMap::new(),
            posts: 0,
            decisions: Decisions::default(),
            keys: RecentKeys::default(),
            recent_posts: RecentPosts::default(),
        }
    }

    /// Its id, as its creator wrote it.
    #[must_use]
    pub const fn id(&self) -> &RoomId {
        &self.id
    }

    /// Where it is in its life.
    #[must_use]
    pub const fn life(&self) -> Life {
        self.life
    }

    /// Its last record; [`Seq::ZERO`] when there is none.
    #[must_use]
    pub const fn head(&self) -> Seq {
        self.head
    }

    /// When it was made.
    #[must_use]
    pub const fn created_at(&self) -> Timestamp {
        self.created_at
    }

    /// Who made it.
    #[must_use]
    pub const fn created_by(&self) -> Option<&ClientId> {
        self.created_by.as_ref()
    }

    /// When it ended.
    #[must_use]
    pub const fn closed_at(&self) -> Option<Timestamp> {
        self.closed_at
    }

    /// What it is about.
    #[must_use]
    pub const fn topic(&self) -> &Topic {
        &self.topic
    }

    /// What its creator decided about it.
    #[must_use]
    pub const fn policy(&self) -> &Policy {
        &self.policy
    }

    /// The hash of its password, for the shell to verify a password against.
    #[must_use]
    pub const fn password(&self) -> Option<&PasswordHash> {
        self.password.as_ref()
    }

    /// Its members by name.
    #[must_use]
    pub const fn members(&self) -> &BTreeMap<ClientId, Member> {
        &self.members
    }

    /// Its channels, by folded name.
    pub fn channels(&self) -> impl Iterator<Item = &Channel> {
        self.channels.values()
    }

    /// How many messages were posted in it.
    #[must_use]
    pub const fn posts(&self) -> u64 {
        self.posts
    }

    /// Whether somebody may read its log: members only.
    #[must_use]
    pub fn is_member(&self, client: &ClientId) -> bool {
        self.members.contains_key(client)
    }

    /// Whether somebody may know that the room exists.
    #[must_use]
    pub fn is_visible_to(&self, principal: &Principal) -> bool {
        let client = principal.client();
        match self.life {
            Life::Vacant => false,
            Life::Open | Life::Closed => {
                self.policy.visibility != Visibility::Private
                    || self.members.contains_key(client)
                    || self.grants.contains_key(client)
                    || principal.is_admin()
            }
        }
    }

    /// What somebody is told who asks for what only members have.
    #[must_use]
    pub fn stranger(&self, principal: &Principal) -> Reject {
        if self.is_visible_to(principal) {
            Reject::NotAMember(self.id.clone())
        } else {
            Reject::RoomNotFound(self.id.clone())
        }
    }

    /// What follows from a command, or why nothing does. Changes nothing.
    ///
    /// # Errors
    /// Why the command is refused, or the message that the shell must look up first: a post may
    /// answer one that the room does not remember.
    pub fn decide(
        &self,
        command: &RoomCommand,
        by: &Principal,
        now: Timestamp,
    ) -> Result<Vec<Event>, Undecided<MessageId>> {
        by.allows(Action::UseRoom(&self.id))?;
        if let RoomCommand::Create(create) = command {
            return Ok(self.decide_create(create, by)?);
        }
        if *command == RoomCommand::Conclude {
            return Ok(self.decide_conclude(by, now)?);
        }
        if !self.is_visible_to(by) {
            return Err(Reject::RoomNotFound(self.id.clone()).into());
        }
        // Leaving is always possible, or a closed room would follow its members for ever.
        if self.life == Life::Closed && *command != RoomCommand::Leave {
            return Err(Reject::RoomClosed(self.id.clone()).into());
        }
        match command {
            RoomCommand::Create(_) | RoomCommand::Conclude => unreachable!("handled above"),
            RoomCommand::SetPolicy(change) => Ok(self.decide_set_policy(change, by)?),
            RoomCommand::Join(join) => Ok(self.decide_join(join, by, now)?),
            RoomCommand::Leave => Ok(self.decide_leave(by, now)?),
            RoomCommand::Close(close) => Ok(self.decide_close(close, by, now)?),
            RoomCommand::Grant(grant) => Ok(self.decide_grant(grant, by)?),
            RoomCommand::Remove(remove) => Ok(self.decide_remove(remove, by)?),
            RoomCommand::CreateChannel(channel) => Ok(self.decide_create_channel(channel, by)?),
            RoomCommand::Post(post) => self.decide_post(post, by),
            RoomCommand::Propose(_)
            | RoomCommand::Vote(_)
            | RoomCommand::Amend(_)
            | RoomCommand::Adopt(_)
            | RoomCommand::Critique(_)
            | RoomCommand::Resolve(_)
            | RoomCommand::Waive(_)
            | RoomCommand::Argue(_)
            | RoomCommand::Withdraw(_) => self.decide_about_motions(command, by, now),
        }
    }

    fn decide_create(&self, create: &CreateRoom, by: &Principal) -> Result<Vec<Event>, Reject> {
        if self.life != Life::Vacant {
            return Err(Reject::RoomExists(self.id.clone()));
        }
        policy::is_within_bounds(&create.policy)?;
        let policy = policy::with_password(create.policy.clone(), create.password.is_some());
        let first = Self::joining(by.client(), Role::Coordinator, &policy, None);
        let created = RoomCreated {
            topic: create.topic.clone(),
            policy,
            password: create.password.clone(),
        };
        Ok(vec![Event::RoomCreated(created), first])
    }

    /// Takes in the next record.
    ///
    /// # Panics
    /// When the record is not this stream's next one: then the caller mixed up two logs, and
    /// going on would spread the damage.
    pub fn apply(&mut self, envelope: &Envelope) {
        assert_next(envelope, &self.stream(), self.head);
        self.head = envelope.seq;
        self.last_at = envelope.at;
        if let Some(key) = &envelope.key {
            self.keys.note(&envelope.by, key, envelope.seq);
        }
        match &envelope.event {
            Event::RoomCreated(created) => self.apply_created(created, envelope),
            Event::MemberJoined(joined) => self.apply_joined(joined, envelope),
            Event::MemberLeft(left) => self.apply_left(left),
            Event::MemberRemoved(removed) => self.apply_removed(removed),
            Event::RoleGranted(granted) => self.apply_granted(granted),
            Event::ChannelCreated(created) => self.apply_channel(created, envelope.at),
            Event::Posted(posted) => self.apply_posted(posted),
            Event::RoomClosed(_) => {
                self.life = Life::Closed;
                self.closed_at = Some(envelope.at);
            }
            Event::PolicyChanged(changed) => self.apply_policy(changed),
            event if event.is_about_decisions() => self.apply_about_motions(envelope),
            other => unreachable!("a room never decides on {}", other.kind()),
        }
    }

    fn apply_created(&mut self, created: &RoomCreated, envelope: &Envelope) {
        // The creator's spelling is the room's; until now it was that of whoever asked first.
        if let Stream::Room(id) = &envelope.stream {
            self.id = id.clone();
        }
        self.life = Life::Open;
        self.created_at = envelope.at;
        self.created_by = Some(envelope.by.clone());
        self.topic = created.topic.clone();
        self.policy = created.policy.clone();
        self.password = created.password.clone();
        self.insert_channel(ChannelName::main(), Topic::none(), envelope.at);
    }

    fn member(&self, client: &ClientId) -> Result<&Member, Reject> {
        self.members
            .get(client)
            .ok_or_else(|| Reject::NotAMember(self.id.clone()))
    }

    fn leads(&self, principal: &Principal) -> bool {
        principal.is_admin()
            || self
                .members
                .get(principal.client())
                .is_some_and(|member| member.role == Role::Coordinator)
    }

    /// Strangers are told that they are strangers; members, that they lack the power.
    fn must_lead(&self, by: &Principal, otherwise: Reject) -> Result<(), Reject> {
        if self.leads(by) {
            return Ok(());
        }
        self.member(by.client())?;
        Err(otherwise)
    }
}

impl Aggregate for Room {
    type Command = RoomCommand;
    type Question = MessageId;
    const SNAPSHOT_FORMAT: i32 = SNAPSHOT_FORMAT;

    fn empty(stream: &Stream) -> Self {
        match stream {
            Stream::Room(id) => Self::vacant(id.clone()),
            other => unreachable!("{other} is not the stream of a room"),
        }
    }

    fn stream(&self) -> Stream {
        Stream::Room(self.id.clone())
    }

    fn spelling(&self, command: &RoomCommand) -> Stream {
        match command {
            RoomCommand::Create(create) => Stream::Room(create.room.clone()),
            _ => self.stream(),
        }
    }

    fn head(&self) -> Seq {
        self.head
    }

    fn last_at(&self) -> Timestamp {
        self.last_at
    }

    fn keys(&self) -> &RecentKeys {
        &self.keys
    }

    fn admits(&self, by: &Principal) -> Result<(), Reject> {
        by.allows(Action::UseRoom(&self.id))
    }

    fn decide(
        &self,
        command: &RoomCommand,
        by: &Principal,
        now: Timestamp,
    ) -> Result<Vec<Event>, Undecided<MessageId>> {
        self.decide(command, by, now)
    }

    fn apply(&mut self, envelope: &Envelope) {
        self.apply(envelope);
    }

    fn to_snapshot(&self) -> Option<Vec<u8>> {
        self.to_snapshot()
    }

    fn from_snapshot(bytes: &[u8]) -> Result<Self, SnapshotError> {
        Self::from_snapshot(bytes)
    }
}

#[cfg(test)]
mod tests;
