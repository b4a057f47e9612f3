//! `agent-bridge room policy`

use serde_json::json;

use super::Context;
use super::args::{PolicyArgs, WeightArg, WeightOf};
use super::view::{self, RoomBody};
use crate::cli::show::{Paint, policy_page};
use crate::client::ClientError;
use crate::wire::frame::{PolicyChangeBody, VetoBody, WeightBody, WeightsBody};

pub(super) async fn policy(context: &mut Context, args: PolicyArgs) -> Result<(), ClientError> {
    let room = args.room.clone();
    let path = ["v1", "rooms", room.as_str()];
    let rest = &context.connection.rest;
    let answer = match change(args) {
        None => rest.get(&path, &[]).await?,
        Some(change) => rest.patch(&path, &json!({ "policy": change })).await?,
    };
    let human = |_: Paint| {
        let body: RoomBody = view::read(&answer)?;
        Ok(policy_page(&body.policy))
    };
    context.output.answer(&answer["policy"], human)
}

/// What is to be changed; nothing when nothing was named.
fn change(args: PolicyArgs) -> Option<PolicyChangeBody> {
    let PolicyArgs {
        room: _,
        visibility,
        roles,
        create_channels,
        propose,
        veto_role,
        veto_client,
        no_veto,
        veto_window,
        weight,
    } = args;
    // An empty list takes the veto from all.
    let veto = VetoBody {
        roles: (no_veto || !veto_role.is_empty()).then_some(veto_role),
        clients: (no_veto || !veto_client.is_empty()).then_some(veto_client),
    };
    let weights = weights(&weight);
    let change = PolicyChangeBody {
        visibility: visibility.map(Into::into),
        roles: roles.map(Into::into),
        create_channels: create_channels.map(Into::into),
        weights: (weights != WeightsBody::default()).then_some(weights),
        propose: propose.map(Into::into),
        veto: (veto != VetoBody::default()).then_some(veto),
        veto_window_seconds: veto_window,
    };
    (change != PolicyChangeBody::default()).then_some(change)
}

fn weights(args: &[WeightArg]) -> WeightsBody {
    let mut weights = WeightsBody::default();
    for WeightArg { of, weight } in args {
        let place = match of {
            WeightOf::Coordinator => &mut weights.coordinator,
            WeightOf::Reviewer => &mut weights.reviewer,
            WeightOf::Others => &mut weights.others,
        };
        *place = Some(WeightBody(*weight));
    }
    weights
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;
    use serde_json::Value;

    #[derive(Debug, Parser)]
    struct Command {
        #[command(flatten)]
        args: PolicyArgs,
    }

    fn parsed(words: &[&str]) -> Result<Option<PolicyChangeBody>, String> {
        let words = [&["policy", "den"], words].concat();
        let command = Command::try_parse_from(words).map_err(|why| why.to_string())?;
        Ok(change(command.args))
    }

    #[test]
    fn only_what_is_named_is_changed() {
        assert_eq!(parsed(&[]), Ok(None));
        let table = [
            (
                vec!["--propose", "coordinators"],
                json!({"propose": "coordinators"}),
            ),
            (
                vec!["--veto-role", "tester", "--veto-role", "coder"],
                json!({"veto": {"roles": ["tester", "coder"]}}),
            ),
            (
                vec!["--veto-client", "ann,bob"],
                json!({"veto": {"clients": ["ann", "bob"]}}),
            ),
            (
                vec!["--no-veto"],
                json!({"veto": {"roles": [], "clients": []}}),
            ),
            (
                vec!["--no-veto", "--veto-client", "ann"],
                json!({"veto": {"roles": [], "clients": ["ann"]}}),
            ),
            (
                vec!["--veto-window", "2m"],
                json!({"veto_window_seconds": 120}),
            ),
            (
                vec!["--veto-window", "0"],
                json!({"veto_window_seconds": 0}),
            ),
            (
                vec!["--weight", "reviewer=2.5", "--weight", "others=0"],
                json!({"weights": {"reviewer": 2.5, "others": 0.0}}),
            ),
            (
                vec![
                    "--visibility",
                    "private",
                    "--roles",
                    "open",
                    "--create-channels",
                    "members",
                ],
                json!({"visibility": "private", "roles": "open", "create_channels": "members"}),
            ),
        ];
        for (words, expected) in table {
            let change = parsed(&words).expect("good arguments").expect("a change");
            let wanted: PolicyChangeBody = serde_json::from_value(expected).expect("a change");
            assert_eq!(change, wanted, "{words:?}");
        }
    }

    #[test]
    fn bad_words_are_told() {
        for (words, part) in [
            (["--weight", "reviewer"], "reviewer=1.5"),
            (["--weight", "tester=1"], "reviewer=1.5"),
            (["--weight", "others=-1"], "a number from 0 to"),
            (["--weight", "others=1.2345"], "a number from 0 to"),
            (["--weight", "others=NaN"], "a number from 0 to"),
            (["--veto-role", "boss"], "unknown role"),
            (["--veto-window", "8d"], "at most 604800 seconds"),
            (["--propose", "everybody"], "coordinators"),
        ] {
            let why = parsed(&words).expect_err("a bad word");
            assert!(why.contains(part), "{words:?}: {why}");
        }
    }

    #[test]
    fn a_change_has_no_more_fields_than_the_server_reads() {
        let change = parsed(&["--no-veto"]).expect("good").expect("a change");
        let sent = json!({ "policy": change });
        assert_eq!(sent["policy"]["propose"], Value::Null);
        assert_eq!(sent["policy"]["veto"]["roles"], json!([]));
    }
}
