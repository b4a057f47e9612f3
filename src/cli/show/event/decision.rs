//! Events about decisions in words.

use serde::Deserialize;
use serde_json::Value;

use crate::cli::show::{policy_words, visible, visible_lines};
use crate::wire::frame::{PolicyBody, RoomEvent};

/// The kinds of events that have their words here.
pub(super) const KINDS: &[&str] = &[
    "policy_changed",
    "proposed",
    "voted",
    "amendment_proposed",
    "amendment_voted",
    "amended",
    "veto_window_closed",
    "decided",
    "withdrawn",
    "critiqued",
    "resolved",
    "waived",
    "argued",
];

/// Puts an event of one of these kinds into words. Lines after the first begin with `indent`.
pub(super) fn words(event: &RoomEvent, indent: &str) -> String {
    let field = |name| event.text(name).map(visible).unwrap_or_default();
    let number = |name| {
        event
            .fields
            .get(name)
            .and_then(Value::as_u64)
            .unwrap_or_default()
    };
    let saying = |words: String, what| match event.text(what) {
        None | Some("") => words,
        Some(text) => format!("{words}: {}", visible_lines(text, indent)),
    };
    let id = field("decision");
    match event.kind.as_str() {
        "policy_changed" => policy(event),
        "proposed" => {
            let words = format!("put {id} to the vote, by {}", field("vote_type"));
            let words = match event.text("alternative_to") {
                Some(other) => format!("{words}, as an alternative to {}", visible(other)),
                None => words,
            };
            saying(words, "text")
        }
        "voted" => {
            let words = format!(
                "voted {} on version {} of {id}",
                field("choice"),
                number("version")
            );
            saying(words, "reason")
        }
        "amendment_proposed" => {
            let words = format!("proposed the amendment {} of {id}", number("amendment"));
            saying(words, "text")
        }
        "amendment_voted" => {
            format!(
                "voted {} on the amendment {} of {id}",
                field("choice"),
                number("amendment")
            )
        }
        "amended" => {
            let (amendment, version) = (number("amendment"), number("version"));
            let words = format!(
                "→ the amendment {amendment} is adopted, ballots are void: version {version} of {id}"
            );
            saying(words, "text")
        }
        "veto_window_closed" => format!("→ {id} does not wait for vetoes any more"),
        "decided" => decided(event),
        "withdrawn" => format!("withdrew {id}"),
        "argued" => {
            let words = saying(format!("spoke {} {id}", field("side")), "text");
            let evidence = event.fields.get("evidence").and_then(Value::as_array);
            let pieces = evidence.into_iter().flatten().filter_map(Value::as_str);
            pieces.fold(words, |words, piece| {
                format!("{words} ({})", visible(piece))
            })
        }
        "critiqued" => {
            let (severity, target) = (field("severity"), field("target"));
            saying(
                format!("criticised {target} ({severity}, {})", field("critique")),
                "text",
            )
        }
        "waived" if event.fields.get("suffices") == Some(&Value::Bool(false)) => {
            saying(format!("would waive {}", field("critique")), "text")
        }
        kind => saying(format!("{} {}", visible(kind), field("critique")), "text"),
    }
}

fn policy(event: &RoomEvent) -> String {
    let policy = event.fields.get("policy").map(PolicyBody::deserialize);
    match policy {
        Some(Ok(policy)) => format!("changed the policy: {}", policy_words(&policy)),
        _ => "changed the policy".to_owned(),
    }
}

fn decided(event: &RoomEvent) -> String {
    let field = |name| event.text(name).map(visible).unwrap_or_default();
    let tally = event.fields.get("tally");
    let count = |name| {
        tally
            .and_then(|tally| tally.get(name)?.as_u64())
            .unwrap_or_default()
    };
    let (id, verdict) = (field("decision"), field("verdict"));
    if let Some(other) = event.text("superseded_by") {
        return format!("→ {id} is {verdict} by {}", visible(other));
    }
    let version = event
        .fields
        .get("version")
        .and_then(Value::as_u64)
        .unwrap_or_default();
    format!(
        "→ version {version} of {id} is {verdict}: {} approve · {} reject · {} abstain · {} \
         outstanding",
        count("approve"),
        count("reject"),
        count("abstain"),
        count("outstanding")
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::show::tell;
    use bridge_core::policy::Policy;
    use serde_json::json;

    fn told(kind: &str, fields: &Value) -> String {
        let mut event = fields.clone();
        for (name, value) in [("room", "r"), ("at", "x"), ("by", "ann"), ("kind", kind)] {
            event[name] = json!(value);
        }
        event["seq"] = json!(7);
        tell(&RoomEvent::deserialize(event).expect("an event"), "  ").words
    }

    #[test]
    fn every_kind_has_words() {
        let policy = PolicyBody::from(&Policy::default());
        let tally = json!({"approve": 3, "reject": 0, "abstain": 1, "outstanding": 0});
        let table = [
            (
                json!({"policy": policy}),
                "changed the policy: visibility open · roles granted",
            ),
            (
                json!({"decision": "d", "vote_type": "consensus", "text": "a\n\u{1b}b"}),
                "put d to the vote, by consensus: a\n  ␛b",
            ),
            (
                json!({"decision": "d", "version": 2, "choice": "veto", "reason": "no"}),
                "voted veto on version 2 of d: no",
            ),
            (
                json!({"decision": "d", "amendment": 1, "text": "t"}),
                "proposed the amendment 1 of d: t",
            ),
            (
                json!({"decision": "d", "amendment": 1, "choice": "reject"}),
                "voted reject on the amendment 1 of d",
            ),
            (
                json!({"decision": "d", "amendment": 1, "version": 2, "text": "t"}),
                "→ the amendment 1 is adopted, ballots are void: version 2 of d: t",
            ),
            (
                json!({"decision": "d", "version": 2}),
                "→ d does not wait for vetoes any more",
            ),
            (
                json!({"decision": "d", "verdict": "approved", "version": 2, "tally": tally}),
                "→ version 2 of d is approved: 3 approve · 0 reject · 1 abstain · 0 outstanding",
            ),
            (json!({"decision": "d"}), "withdrew d"),
            (
                json!({"target": "d", "critique": "c", "severity": "blocking", "text": "t"}),
                "criticised d (blocking, c): t",
            ),
            (
                json!({"target": "d", "critique": "c", "text": null}),
                "resolved c",
            ),
            (
                json!({"target": "d", "critique": "c", "text": "t", "suffices": true}),
                "waived c: t",
            ),
            (
                json!({"decision": "d", "side": "for", "text": "t", "evidence": ["e\n"]}),
                "spoke for d: t (e␊)",
            ),
        ];
        assert_eq!(table.len(), KINDS.len());
        for ((fields, words), kind) in table.iter().zip(KINDS) {
            let shown = told(kind, fields);
            assert!(shown.starts_with(words), "{kind}: {shown}");
            // Whatever a newer server leaves out.
            assert!(!told(kind, &json!({})).is_empty(), "{kind}");
        }
    }

    #[test]
    fn some_have_more_to_say() {
        let superseded = json!({"decision": "d", "verdict": "superseded", "superseded_by": "e"});
        assert_eq!(told("decided", &superseded), "→ d is superseded by e");
        let alone = json!({"critique": "c", "suffices": false, "text": null});
        assert_eq!(told("waived", &alone), "would waive c");
        let rival = json!({"decision": "d", "vote_type": "consensus", "alternative_to": "e"});
        assert_eq!(
            told("proposed", &rival),
            "put d to the vote, by consensus, as an alternative to e"
        );
    }
}
