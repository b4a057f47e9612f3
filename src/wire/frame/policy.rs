//! A room's policy, as people write it.

use bridge_core::ClientId;
use bridge_core::command::{SetPolicy, SetVetoHolders, SetWeights};
use bridge_core::limits;
use bridge_core::policy::{InvalidWeight, Policy, Role, RoleRule, Visibility, VoteWeight, Who};
use serde::{Deserialize, Serialize};

use super::object;

/// A room's policy. In answers it is complete.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
pub struct PolicyBody {
    /// Who finds and joins the room.
    #[serde(default)]
    pub visibility: Visibility,
    /// How roles that hold power are come by.
    #[serde(default)]
    pub roles: RoleRule,
    /// Who may create channels.
    #[serde(default)]
    pub create_channels: Who,
    /// Vote weight by role.
    #[serde(default, deserialize_with = "object::only")]
    pub weights: WeightsBody,
    /// Who may propose decisions.
    #[serde(default)]
    pub propose: Who,
    /// Who holds a veto.
    #[serde(default, deserialize_with = "object::only")]
    pub veto: VetoBody,
    /// For how many seconds veto holders hold an approval back.
    #[serde(default = "usual_veto_window")]
    pub veto_window_seconds: u32,
}

impl Default for PolicyBody {
    fn default() -> Self {
        Self {
            visibility: Visibility::default(),
            roles: RoleRule::default(),
            create_channels: Who::default(),
            weights: WeightsBody::default(),
            propose: Who::default(),
            veto: VetoBody::default(),
            veto_window_seconds: usual_veto_window(),
        }
    }
}

const fn usual_veto_window() -> u32 {
    limits::VETO_WINDOW_SECONDS_DEFAULT
}

/// What is to be changed of a room's policy. What is not named stays as it is.
#[derive(Debug, Default, Clone, PartialEq, Deserialize, Serialize)]
pub struct PolicyChangeBody {
    /// Who finds and joins the room.
    #[serde(default)]
    pub visibility: Option<Visibility>,
    /// How roles that hold power are come by.
    #[serde(default)]
    pub roles: Option<RoleRule>,
    /// Who may create channels.
    #[serde(default)]
    pub create_channels: Option<Who>,
    /// Vote weight by role.
    #[serde(default, deserialize_with = "object::or_null")]
    pub weights: Option<WeightsBody>,
    /// Who may propose decisions.
    #[serde(default)]
    pub propose: Option<Who>,
    /// Who holds a veto.
    #[serde(default, deserialize_with = "object::or_null")]
    pub veto: Option<VetoBody>,
    /// For how many seconds veto holders hold an approval back.
    #[serde(default)]
    pub veto_window_seconds: Option<u32>,
}

/// Vote weights, as people write them.
#[derive(Debug, Default, Clone, PartialEq, Deserialize, Serialize)]
pub struct WeightsBody {
    /// A coordinator's.
    #[serde(default)]
    pub coordinator: Option<WeightBody>,
    /// A reviewer's.
    #[serde(default)]
    pub reviewer: Option<WeightBody>,
    /// Everybody else's.
    #[serde(default)]
    pub others: Option<WeightBody>,
}

/// A vote weight, as people write it: 1.5.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize, Serialize)]
#[serde(try_from = "f64", into = "f64")]
pub struct WeightBody(pub VoteWeight);

impl TryFrom<f64> for WeightBody {
    type Error = InvalidWeight;

    fn try_from(weight: f64) -> Result<Self, InvalidWeight> {
        weight.try_into().map(Self)
    }
}

impl From<WeightBody> for f64 {
    fn from(body: WeightBody) -> Self {
        body.0.as_f64()
    }
}

/// Who holds a veto, as people write it.
#[derive(Debug, Default, Clone, PartialEq, Eq, Deserialize, Serialize)]
pub struct VetoBody {
    /// Members with one of these roles.
    #[serde(default)]
    pub roles: Option<Vec<Role>>,
    /// These members, whatever their role.
    #[serde(default)]
    pub clients: Option<Vec<ClientId>>,
}

impl From<WeightsBody> for SetWeights {
    fn from(body: WeightsBody) -> Self {
        let weight = |body: Option<WeightBody>| body.map(|WeightBody(weight)| weight);
        Self {
            coordinator: weight(body.coordinator),
            reviewer: weight(body.reviewer),
            others: weight(body.others),
        }
    }
}

impl From<VetoBody> for SetVetoHolders {
    fn from(body: VetoBody) -> Self {
        Self {
            roles: body.roles.map(each_once),
            clients: body.clients.map(each_once),
        }
    }
}

/// A list in its order, without what it names again.
fn each_once<T: Ord + Clone>(list: Vec<T>) -> Vec<T> {
    let mut seen = std::collections::BTreeSet::new();
    let mut list = list;
    list.retain(|item| seen.insert(item.clone()));
    list
}

impl From<PolicyChangeBody> for SetPolicy {
    fn from(body: PolicyChangeBody) -> Self {
        Self {
            visibility: body.visibility,
            roles: body.roles,
            create_channels: body.create_channels,
            weights: body.weights.unwrap_or_default().into(),
            propose: body.propose,
            veto: body.veto.unwrap_or_default().into(),
            veto_window_seconds: body.veto_window_seconds,
        }
    }
}

impl From<PolicyBody> for Policy {
    fn from(body: PolicyBody) -> Self {
        let usual = Self::default();
        Self {
            visibility: body.visibility,
            roles: body.roles,
            create_channels: body.create_channels,
            weights: SetWeights::from(body.weights).of(&usual.weights),
            propose: body.propose,
            veto: SetVetoHolders::from(body.veto).of(&usual.veto),
            veto_window_seconds: body.veto_window_seconds,
        }
    }
}

impl From<&Policy> for PolicyBody {
    fn from(policy: &Policy) -> Self {
        let (weights, veto) = (&policy.weights, &policy.veto);
        Self {
            visibility: policy.visibility,
            roles: policy.roles,
            create_channels: policy.create_channels,
            weights: WeightsBody {
                coordinator: Some(WeightBody(weights.coordinator)),
                reviewer: Some(WeightBody(weights.reviewer)),
                others: Some(WeightBody(weights.others)),
            },
            propose: policy.propose,
            veto: VetoBody {
                roles: Some(veto.roles.clone()),
                clients: Some(veto.clients.clone()),
            },
            veto_window_seconds: policy.veto_window_seconds,
        }
    }
}
