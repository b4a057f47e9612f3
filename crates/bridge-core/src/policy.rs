//! Roles, weights, and what a room's policy says about them.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::id::ClientId;
use crate::limits;

/// What a member does in a room.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Leads the room: grants roles, removes members, closes the room. Granted, never claimed.
    Coordinator,
    /// Gathers facts.
    Researcher,
    /// Writes code.
    Coder,
    /// Checks work, and may hold a veto. Granted, never claimed.
    Reviewer,
    /// Tests.
    Tester,
    /// Writes documents.
    Documenter,
    /// Takes part. What somebody gets who asks for nothing.
    #[default]
    Participant,
}

impl Role {
    /// Every role, the most powerful first.
    pub const ALL: [Self; 7] = [
        Self::Coordinator,
        Self::Researcher,
        Self::Coder,
        Self::Reviewer,
        Self::Tester,
        Self::Documenter,
        Self::Participant,
    ];

    /// The word of the protocol.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Coordinator => "coordinator",
            Self::Researcher => "researcher",
            Self::Coder => "coder",
            Self::Reviewer => "reviewer",
            Self::Tester => "tester",
            Self::Documenter => "documenter",
            Self::Participant => "participant",
        }
    }

    /// Whether the role holds power, and must therefore be granted.
    #[must_use]
    pub const fn is_privileged(self) -> bool {
        matches!(self, Self::Coordinator | Self::Reviewer)
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A word that names no role.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "unknown role {0:?}; roles are coordinator, researcher, coder, reviewer, tester, documenter, \
     participant"
)]
pub struct UnknownRole(String);

impl FromStr for Role {
    type Err = UnknownRole;

    fn from_str(text: &str) -> Result<Self, UnknownRole> {
        Self::ALL
            .into_iter()
            .find(|role| role.as_str() == text)
            .ok_or_else(|| UnknownRole(text.to_owned()))
    }
}

/// How much a member's ballot counts, in thousandths, so that sums are exact.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct VoteWeight(u32);

/// A number that is no weight.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "a vote weight is a number from 0 to {} with at most three decimals",
    max_weight()
)]
pub struct InvalidWeight;

const fn max_weight() -> u32 {
    limits::VOTE_WEIGHT_MILLI_MAX / 1_000
}

impl VoteWeight {
    /// A weight from thousandths, as the log keeps it.
    #[must_use]
    pub const fn from_milli(milli: u32) -> Self {
        Self(milli)
    }

    /// Thousandths.
    #[must_use]
    pub const fn milli(self) -> u32 {
        self.0
    }

    /// The number that people see.
    #[must_use]
    pub fn as_f64(self) -> f64 {
        f64::from(self.0) / 1_000.0
    }
}

impl TryFrom<f64> for VoteWeight {
    type Error = InvalidWeight;

    fn try_from(weight: f64) -> Result<Self, InvalidWeight> {
        let milli = (weight * 1_000.0).round();
        let exact = (weight * 1_000.0 - milli).abs() < 1e-6;
        if !exact || !(0.0..=f64::from(limits::VOTE_WEIGHT_MILLI_MAX)).contains(&milli) {
            return Err(InvalidWeight);
        }
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "range checked"
        )]
        Ok(Self(milli as u32))
    }
}

/// Who finds a room, and who may join it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Visibility {
    /// Listed, and anybody may join.
    #[default]
    Open,
    /// Listed, and joined with the password or by a grant.
    Listed,
    /// Unknown to everybody but members and those with a grant.
    Private,
}

/// How a member comes by a role that holds power.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RoleRule {
    /// Somebody who has the power grants it.
    #[default]
    Granted,
    /// Whoever asks has it.
    Open,
}

/// Who may do a thing in a room.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Who {
    /// Every member.
    #[default]
    Members,
    /// Coordinators only.
    Coordinators,
}

/// Vote weight by role.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Weights {
    /// A coordinator's.
    pub coordinator: VoteWeight,
    /// A reviewer's.
    pub reviewer: VoteWeight,
    /// Everybody else's.
    pub others: VoteWeight,
}

impl Default for Weights {
    fn default() -> Self {
        Self {
            coordinator: VoteWeight::from_milli(2_000),
            reviewer: VoteWeight::from_milli(1_500),
            others: VoteWeight::from_milli(1_000),
        }
    }
}

impl Weights {
    /// The weight of a role.
    #[must_use]
    pub const fn of(&self, role: Role) -> VoteWeight {
        match role {
            Role::Coordinator => self.coordinator,
            Role::Reviewer => self.reviewer,
            _ => self.others,
        }
    }
}

/// Who may end a motion by a veto.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct VetoHolders {
    /// Members with one of these roles.
    pub roles: Vec<Role>,
    /// These members, whatever their role.
    pub clients: Vec<ClientId>,
}

impl Default for VetoHolders {
    fn default() -> Self {
        Self {
            roles: vec![Role::Reviewer],
            clients: Vec::new(),
        }
    }
}

impl VetoHolders {
    /// Roughly how many bytes it holds.
    #[must_use]
    pub fn weight_bytes(&self) -> usize {
        let names: usize = self
            .clients
            .iter()
            .map(|client| client.as_str().len())
            .sum();
        names + self.clients.len() * size_of::<ClientId>() + self.roles.len() * size_of::<Role>()
    }

    /// Whether a member is one of them.
    #[must_use]
    pub fn include(&self, client: &ClientId, role: Role) -> bool {
        self.roles.contains(&role) || self.clients.contains(client)
    }
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

const fn default_veto_window() -> u32 {
    limits::VETO_WINDOW_SECONDS_DEFAULT
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands a reference")]
const fn is_default_veto_window(seconds: &u32) -> bool {
    *seconds == limits::VETO_WINDOW_SECONDS_DEFAULT
}

/// What a room's creator decided about it.
///
/// Fields that came after the first version are left out when they say what is usual: a repeat of a
/// request from before them has the same fingerprint.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Policy {
    /// Who finds and joins the room.
    pub visibility: Visibility,
    /// How roles that hold power are come by.
    pub roles: RoleRule,
    /// Who may create channels.
    pub create_channels: Who,
    /// Vote weight by role.
    pub weights: Weights,
    /// Who may propose decisions.
    #[serde(skip_serializing_if = "is_default")]
    pub propose: Who,
    /// Who holds a veto.
    #[serde(skip_serializing_if = "is_default")]
    pub veto: VetoHolders,
    /// For how many seconds after a proposal, or its last amendment, a veto holder who has not voted
    /// keeps it from being approved.
    #[serde(
        default = "default_veto_window",
        skip_serializing_if = "is_default_veto_window"
    )]
    pub veto_window_seconds: u32,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            visibility: Visibility::default(),
            roles: RoleRule::default(),
            create_channels: Who::default(),
            weights: Weights::default(),
            propose: Who::default(),
            veto: VetoHolders::default(),
            veto_window_seconds: default_veto_window(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weights_are_exact_and_bounded() {
        assert_eq!(VoteWeight::try_from(1.5).map(VoteWeight::milli), Ok(1_500));
        assert_eq!(VoteWeight::try_from(0.001).map(VoteWeight::milli), Ok(1));
        for bad in [-1.0, 0.0001, 1_000.001, f64::NAN, f64::INFINITY] {
            assert_eq!(VoteWeight::try_from(bad), Err(InvalidWeight), "{bad}");
        }
    }

    #[test]
    fn every_role_has_one_word() {
        for role in Role::ALL {
            assert_eq!(role.as_str().parse(), Ok(role));
            assert_eq!(serde_json::to_value(role).expect("a word"), role.as_str());
        }
        assert!("Coordinator".parse::<Role>().is_err());
        assert!("member".parse::<Role>().is_err());
    }
}
