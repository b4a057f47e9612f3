//! What a room's policy says, and who may change it.

use crate::command::SetPolicy;
use crate::event::{Event, PolicyChanged};
use crate::limits;
use crate::policy::{Policy, Role, Visibility};
use crate::principal::Principal;
use crate::reject::Reject;
use crate::room::Room;

impl Room {
    pub(super) fn decide_set_policy(
        &self,
        change: &SetPolicy,
        by: &Principal,
    ) -> Result<Vec<Event>, Reject> {
        let otherwise = Reject::Forbidden("only a coordinator of the room may change its policy");
        self.must_lead(by, otherwise)?;
        let policy = with_password(changed(&self.policy, change), self.password.is_some());
        is_within_bounds(&policy)?;
        if policy == self.policy {
            return Ok(Vec::new());
        }
        Ok(vec![Event::PolicyChanged(Box::new(PolicyChanged {
            policy,
        }))])
    }

    /// Weights go with the policy; those of motions that are open stay as they were.
    pub(super) fn apply_policy(&mut self, changed: &PolicyChanged) {
        self.policy = changed.policy.clone();
        for member in self.members.values_mut() {
            member.weight = self.policy.weights.of(member.role);
        }
    }
}

fn changed(policy: &Policy, change: &SetPolicy) -> Policy {
    // Destructured, so that a new field does not compile until somebody has decided about it.
    let Policy {
        visibility,
        roles,
        create_channels,
        weights,
        propose,
        veto,
        veto_window_seconds,
    } = policy.clone();
    Policy {
        visibility: change.visibility.unwrap_or(visibility),
        roles: change.roles.unwrap_or(roles),
        create_channels: change.create_channels.unwrap_or(create_channels),
        weights: change.weights.of(&weights),
        propose: change.propose.unwrap_or(propose),
        veto: change.veto.of(&veto),
        veto_window_seconds: change.veto_window_seconds.unwrap_or(veto_window_seconds),
    }
}

/// A password would be of no use in a room that anybody may join.
pub(super) fn with_password(mut policy: Policy, has_password: bool) -> Policy {
    if has_password && policy.visibility == Visibility::Open {
        policy.visibility = Visibility::Listed;
    }
    policy
}

pub(super) fn is_within_bounds(policy: &Policy) -> Result<(), Reject> {
    let max = limits::VETO_WINDOW_SECONDS_MAX;
    if policy.veto_window_seconds > max {
        let why = format!("must be at most {max}");
        return Err(Reject::field("policy.veto_window_seconds", why));
    }
    let max = Role::ALL.len();
    if policy.veto.roles.len() > max {
        let why = format!("must name at most {max} roles");
        return Err(Reject::field("policy.veto.roles", why));
    }
    let max = limits::VETO_CLIENTS_MAX;
    if policy.veto.clients.len() > max {
        let why = format!("must name at most {max} clients");
        return Err(Reject::field("policy.veto.clients", why));
    }
    Ok(())
}
