//! A room's policy, as people read it.

use bridge_core::policy::{RoleRule, Visibility, Who};

use super::visible;
use crate::wire::frame::{PolicyBody, WeightBody};

/// A policy, one thing a line.
#[must_use]
pub fn policy_page(policy: &PolicyBody) -> String {
    parts(policy)
        .map(|(what, says)| format!("{what:<16}{says}"))
        .join("\n")
}

/// A policy on one line.
#[must_use]
pub fn policy_words(policy: &PolicyBody) -> String {
    parts(policy)
        .map(|(what, says)| format!("{what} {says}"))
        .join(" · ")
}

fn parts(policy: &PolicyBody) -> [(&'static str, String); 7] {
    let weights = &policy.weights;
    let weight =
        |of: Option<WeightBody>| of.map_or_else(String::new, |of| f64::from(of).to_string());
    [
        ("visibility", visibility(policy.visibility).to_owned()),
        ("roles", roles(policy.roles).to_owned()),
        ("create channels", who(policy.create_channels).to_owned()),
        ("propose", who(policy.propose).to_owned()),
        ("veto", holders(policy)),
        ("veto window", exactly(policy.veto_window_seconds)),
        (
            "weights",
            format!(
                "coordinator={} reviewer={} others={}",
                weight(weights.coordinator),
                weight(weights.reviewer),
                weight(weights.others)
            ),
        ),
    ]
}

fn holders(policy: &PolicyBody) -> String {
    let roles = policy.veto.roles.iter().flatten();
    let roles = roles.map(|role| format!("every {role}"));
    let clients = policy.veto.clients.iter().flatten();
    let all: Vec<_> = roles
        .chain(clients.map(|client| visible(client.as_str())))
        .collect();
    if all.is_empty() {
        return "nobody".to_owned();
    }
    all.join(", ")
}

/// `90s`, unless a larger unit says the same: `2m`.
fn exactly(seconds: u32) -> String {
    let units = [(86_400, "d"), (3_600, "h"), (60, "m")];
    let fits = |(unit, _): &(u32, &str)| seconds > 0 && seconds.is_multiple_of(*unit);
    let (unit, word) = units.into_iter().find(fits).unwrap_or((1, "s"));
    format!("{}{word}", seconds / unit)
}

/// The word for who finds and joins the room.
#[must_use]
pub const fn visibility(of: Visibility) -> &'static str {
    match of {
        Visibility::Open => "open",
        Visibility::Listed => "listed",
        Visibility::Private => "private",
    }
}

const fn roles(rule: RoleRule) -> &'static str {
    match rule {
        RoleRule::Granted => "granted",
        RoleRule::Open => "open",
    }
}

const fn who(may: Who) -> &'static str {
    match may {
        Who::Members => "members",
        Who::Coordinators => "coordinators",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bridge_core::policy::Policy;
    use serde_json::json;

    #[test]
    fn a_policy_is_read_by_people() {
        let mut policy = PolicyBody::from(&Policy::default());
        let expected = "\
visibility      open
roles           granted
create channels members
propose         members
veto            every reviewer
veto window     1m
weights         coordinator=2 reviewer=1.5 others=1";
        assert_eq!(policy_page(&policy), expected);
        let veto = json!({"roles": ["tester", "coder"], "clients": ["ann"]});
        policy.veto = serde_json::from_value(veto).expect("holders");
        policy.veto_window_seconds = 90;
        let words = policy_words(&policy);
        assert!(
            words.contains("veto every tester, every coder, ann · veto window 90s · "),
            "{words}"
        );
        policy.veto = serde_json::from_value(json!({"roles": [], "clients": []})).expect("none");
        policy.veto_window_seconds = 0;
        let words = policy_words(&policy);
        assert!(words.contains("veto nobody · veto window 0s"), "{words}");
    }
}
