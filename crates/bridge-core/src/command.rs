//! What clients ask of a room. Imperative, one struct each.

mod decision;

use serde::Serialize;
use sha2::{Digest, Sha256};

use crate::id::{ChannelName, ClientId, IdempotencyKey, MessageId, RoomId, Seq};
use crate::policy::{Policy, Role, VetoHolders};
use crate::text::{MessageText, Metadata, PasswordHash, Reason, Topic};

pub use decision::{
    Adopt, Amend, Argue, Critique, Propose, Resolve, SetPolicy, SetVetoHolders, SetWeights, Vote,
    Waive, Withdraw,
};

/// One command to a room.
///
/// It is serialised only to take its [`Fingerprint`]; what the sender did not choose (ids made by
/// the server, proofs) is therefore skipped.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum RoomCommand {
    /// Make the room.
    Create(CreateRoom),
    /// Become a member.
    Join(Join),
    /// Stop being one.
    Leave,
    /// End the room; its history stays.
    Close(Close),
    /// Give a client a role; a client that is no member is thereby invited.
    Grant(Grant),
    /// Take a member, or an invitation, out of the room.
    Remove(Remove),
    /// Make a channel.
    CreateChannel(CreateChannel),
    /// Say something.
    Post(Post),
    /// Change the room's policy.
    SetPolicy(SetPolicy),
    /// Put a motion to the vote.
    Propose(Propose),
    /// Vote.
    Vote(Vote),
    /// Propose another text for a motion.
    Amend(Amend),
    /// Say whether an amendment is to be adopted.
    Adopt(Adopt),
    /// Hold something against a message or a motion.
    Critique(Critique),
    /// Say that one's critique is met.
    Resolve(Resolve),
    /// Say that a critique need not be met.
    Waive(Waive),
    /// Speak for or against a motion.
    Argue(Argue),
    /// Take a motion back.
    Withdraw(Withdraw),
    /// Decide what time has decided: the server asks it of itself.
    Conclude,
}

/// Make a room; the sender becomes its first member and coordinator.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct CreateRoom {
    /// Its id, as its creator writes it: this spelling is kept.
    pub room: RoomId,
    /// What it is about.
    pub topic: Topic,
    /// Who may do what.
    pub policy: Policy,
    /// Hash of the password, made by the shell. Salted, so no part of the fingerprint.
    #[serde(skip)]
    pub password: Option<PasswordHash>,
}

/// Become a member.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Join {
    /// The role that is wished for.
    pub role: Option<Role>,
    /// Evidence that the sender knows the password.
    #[serde(skip)]
    pub proof: PasswordProof,
}

/// What the shell found out about the password that a client gave.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum PasswordProof {
    /// No password was given.
    #[default]
    None,
    /// One was given that does not fit.
    Wrong,
    /// One was given that fits this hash. It proves nothing once the room has another hash.
    Matches(PasswordHash),
}

/// End the room.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Close {
    /// Why.
    pub reason: Option<Reason>,
}

/// Give a client a role.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Grant {
    /// To whom.
    pub client: ClientId,
    /// Which.
    pub role: Role,
}

/// Take a member, or an invitation, out of the room.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Remove {
    /// Whom.
    pub client: ClientId,
    /// Why.
    pub reason: Option<Reason>,
}

/// Make a channel.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CreateChannel {
    /// Its name, unique in the room without regard to case.
    pub name: ChannelName,
    /// What it is about.
    pub topic: Topic,
}

/// Say something.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Post {
    /// The message's id, made by the server.
    #[serde(skip)]
    pub id: MessageId,
    /// Where in the room.
    pub channel: ChannelName,
    /// What.
    pub text: MessageText,
    /// The message that it answers.
    pub reply_to: Option<MessageId>,
    /// Where the shell found `reply_to` in this room, when the room asked it to look.
    #[serde(skip)]
    pub reply_seq: Option<Seq>,
    /// What the sender's program attached.
    pub metadata: Option<Metadata>,
}

impl RoomCommand {
    /// The command's name in logs and measurements.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Create(_) => "create_room",
            Self::Join(_) => "join",
            Self::Leave => "leave",
            Self::Close(_) => "close_room",
            Self::Grant(_) => "grant",
            Self::Remove(_) => "remove",
            Self::CreateChannel(_) => "create_channel",
            Self::Post(_) => "post",
            Self::SetPolicy(_) => "set_policy",
            Self::Propose(_) => "propose",
            Self::Vote(_) => "vote",
            Self::Amend(_) => "amend",
            Self::Adopt(_) => "adopt",
            Self::Critique(_) => "critique",
            Self::Resolve(_) => "resolve",
            Self::Waive(_) => "waive",
            Self::Argue(_) => "argue",
            Self::Withdraw(_) => "withdraw",
            Self::Conclude => "conclude",
        }
    }

    /// Roughly how many bytes it holds, for the bounds of queues.
    #[must_use]
    pub fn weight_bytes(&self) -> usize {
        let own = match self {
            Self::Post(post) => {
                post.text.len() + post.metadata.as_ref().map_or(0, Metadata::weight_bytes)
            }
            Self::Create(create) => create.topic.len() + create.policy.veto.weight_bytes(),
            Self::SetPolicy(SetPolicy { veto, .. }) => {
                veto.of(&VetoHolders::default()).weight_bytes()
            }
            Self::CreateChannel(channel) => channel.topic.len(),
            Self::Remove(Remove { reason, .. }) | Self::Close(Close { reason }) => {
                reason.as_ref().map_or(0, |r| r.len())
            }
            Self::Propose(propose) => propose.text.len(),
            Self::Vote(Vote { reason, .. }) => reason.as_ref().map_or(0, |r| r.len()),
            Self::Amend(amend) => amend.text.len(),
            Self::Critique(critique) => critique.text.len(),
            Self::Resolve(Resolve { text, .. }) | Self::Waive(Waive { text, .. }) => {
                text.as_ref().map_or(0, |t| t.len())
            }
            Self::Argue(argue) => {
                argue.text.len() + argue.evidence.iter().map(|e| e.len()).sum::<usize>()
            }
            Self::Adopt(_)
            | Self::Withdraw(_)
            | Self::Conclude
            | Self::Join(_)
            | Self::Leave
            | Self::Grant(_) => 0,
        };
        own + size_of::<Self>()
    }
}

/// What a sender asked for, in sixteen bytes: the same key with another fingerprint is a mistake.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fingerprint(pub [u8; 16]);

impl Fingerprint {
    /// The fingerprint of a command.
    #[must_use]
    pub fn of(command: &impl Serialize) -> Self {
        let mut hasher = HashWriter(Sha256::new());
        serde_json::to_writer(&mut hasher, command)
            .expect("a hash writer never fails, and a command's map keys are strings");
        let digest: [u8; 32] = hasher.0.finalize().into();
        let mut short = [0; 16];
        short.copy_from_slice(&digest[..16]);
        Self(short)
    }
}

/// The id of a room that its creator did not name, from its key: so that a repeat finds the room
/// that the first request made, instead of making another one.
#[must_use]
pub fn room_named_after(by: &ClientId, key: &IdempotencyKey) -> RoomId {
    let mut hasher = Sha256::new();
    hasher.update(by.folded());
    hasher.update([0]);
    hasher.update(key.as_str());
    let digest: [u8; 32] = hasher.finalize().into();
    let digits: String = digest[..8].iter().map(|b| format!("{b:02x}")).collect();
    let name = format!("room-{digits}");
    name.parse()
        .expect("letters, digits and a hyphen make a good name")
}

struct HashWriter(Sha256);

impl std::io::Write for HashWriter {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// An idempotency key with what it was used for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Key {
    /// The client's word.
    pub word: IdempotencyKey,
    /// What it asked for.
    pub fingerprint: Fingerprint,
}

impl Key {
    /// A key for a command.
    #[must_use]
    pub fn new(word: IdempotencyKey, command: &impl Serialize) -> Self {
        Self {
            word,
            fingerprint: Fingerprint::of(command),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    fn post(text: &str, id: u128) -> RoomCommand {
        RoomCommand::Post(Post {
            id: MessageId::from_uuid(Uuid::from_u128(id)),
            channel: ChannelName::main(),
            text: text.parse().expect("a valid text"),
            reply_to: None,
            reply_seq: None,
            metadata: None,
        })
    }

    #[test]
    fn a_fingerprint_is_of_what_the_sender_chose() {
        assert_eq!(
            Fingerprint::of(&post("a", 1)),
            Fingerprint::of(&post("a", 2))
        );
        assert_ne!(
            Fingerprint::of(&post("a", 1)),
            Fingerprint::of(&post("b", 1))
        );
        let leave = Fingerprint::of(&RoomCommand::Leave);
        let close = Fingerprint::of(&RoomCommand::Close(Close { reason: None }));
        assert_ne!(leave, close);
    }

    #[test]
    fn a_nameless_room_is_the_same_one_for_the_same_key_only() {
        let name = |by: &str, key: &str| {
            let by = by.parse().expect("a name");
            room_named_after(&by, &key.parse().expect("a key"))
        };
        assert_eq!(name("ann", "k"), name("ANN", "k"));
        assert_ne!(name("ann", "k"), name("ann", "K"));
        assert_ne!(name("ann", "k"), name("bob", "k"));
    }

    /// Fingerprints are kept in the log for as long as it lives, so their recipe may not change.
    #[test]
    fn the_recipe_of_fingerprints_is_kept() {
        let Fingerprint(bytes) = Fingerprint::of(&post("hello", 1));
        let hex: String = bytes.iter().map(|b| format!("{b:02x}")).collect();
        assert_eq!(hex, "64b125ea4bdb339bf5e88988f42da146");
    }
}
