//! A room's state in bytes, so that waking a room does not read its whole log.

use serde::{Deserialize, Serialize};

use crate::aggregate::SnapshotError;
use crate::id::{ChannelName, ClientId, RoomId, Seq, Timestamp};
use crate::owner::RecentKeys;
use crate::policy::{Policy, Role, VoteWeight};
use crate::room::decisions::Decisions;
use crate::room::{Channel, Life, Member, RecentPosts, Room};
use crate::text::{PasswordHash, Topic};

/// The form of the bytes. A snapshot of another form is not read: the log has everything.
pub const SNAPSHOT_FORMAT: i32 = 2;

#[derive(Serialize, Deserialize)]
struct Stored {
    id: RoomId,
    open: bool,
    head: Seq,
    last_at: Timestamp,
    created_at: Timestamp,
    created_by: Option<ClientId>,
    closed_at: Option<Timestamp>,
    topic: Topic,
    policy: Policy,
    password: Option<PasswordHash>,
    members: Vec<StoredMember>,
    grants: Vec<(ClientId, Role)>,
    channels: Vec<StoredChannel>,
    posts: u64,
    decisions: Decisions,
}

#[derive(Serialize, Deserialize)]
struct StoredMember {
    client: ClientId,
    role: Role,
    weight: VoteWeight,
    requested_role: Option<Role>,
    joined_at: Timestamp,
    joined_seq: Seq,
}

#[derive(Serialize, Deserialize)]
struct StoredChannel {
    name: ChannelName,
    topic: Topic,
    created_at: Timestamp,
}

impl Room {
    /// The state in bytes, or `None` for a room that nobody has made.
    #[must_use]
    pub fn to_snapshot(&self) -> Option<Vec<u8>> {
        // Destructured, so that a new field does not compile until somebody has decided about it.
        let Self {
            id,
            life,
            head,
            last_at,
            created_at,
            created_by,
            closed_at,
            topic,
            policy,
            password,
            members,
            grants,
            channels,
            posts,
            decisions,
            // Caches.
            keys: _,
            recent_posts: _,
        } = self.clone();
        let open = match life {
            Life::Vacant => return None,
            Life::Open => true,
            Life::Closed => false,
        };
        let stored = Stored {
            id,
            open,
            head,
            last_at,
            created_at,
            created_by,
            closed_at,
            topic,
            policy,
            password,
            members: members.into_iter().map(StoredMember::from).collect(),
            grants: grants.into_iter().collect(),
            channels: channels.into_values().map(StoredChannel::from).collect(),
            posts,
            decisions,
        };
        Some(
            serde_json::to_vec(&stored).expect("no map key of a snapshot is anything but a string"),
        )
    }

    /// The room from the bytes of [`Room::to_snapshot`].
    ///
    /// # Errors
    /// When the bytes are not a snapshot of this format.
    pub fn from_snapshot(bytes: &[u8]) -> Result<Self, SnapshotError> {
        let stored: Stored = serde_json::from_slice(bytes)?;
        let channels = stored
            .channels
            .into_iter()
            .map(|c| (c.name.folded(), Channel::from(c)));
        Ok(Self {
            id: stored.id,
            life: if stored.open {
                Life::Open
            } else {
                Life::Closed
            },
            head: stored.head,
            last_at: stored.last_at,
            created_at: stored.created_at,
            created_by: stored.created_by,
            closed_at: stored.closed_at,
            topic: stored.topic,
            policy: stored.policy,
            password: stored.password,
            members: stored
                .members
                .into_iter()
                .map(|m| (m.client.clone(), m.into()))
                .collect(),
            grants: stored.grants.into_iter().collect(),
            channels: channels.collect(),
            posts: stored.posts,
            decisions: stored.decisions,
            keys: RecentKeys::default(),
            recent_posts: RecentPosts::default(),
        })
    }
}

impl From<(ClientId, Member)> for StoredMember {
    fn from((client, member): (ClientId, Member)) -> Self {
        let Member {
            role,
            weight,
            requested_role,
            joined_at,
            joined_seq,
        } = member;
        Self {
            client,
            role,
            weight,
            requested_role,
            joined_at,
            joined_seq,
        }
    }
}

impl From<StoredMember> for Member {
    fn from(stored: StoredMember) -> Self {
        let StoredMember {
            client: _,
            role,
            weight,
            requested_role,
            joined_at,
            joined_seq,
        } = stored;
        Self {
            role,
            weight,
            requested_role,
            joined_at,
            joined_seq,
        }
    }
}

impl From<Channel> for StoredChannel {
    fn from(channel: Channel) -> Self {
        let Channel {
            name,
            topic,
            created_at,
        } = channel;
        Self {
            name,
            topic,
            created_at,
        }
    }
}

impl From<StoredChannel> for Channel {
    fn from(stored: StoredChannel) -> Self {
        let StoredChannel {
            name,
            topic,
            created_at,
        } = stored;
        Self {
            name,
            topic,
            created_at,
        }
    }
}
