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
    let teller = Teller { event, indent };
    match event.kind.as_str() {
        "policy_changed" => policy(event),
        "proposed" => teller.saying(proposed(event), "text"),
        "voted" | "amendment_proposed" | "amendment_voted" | "amended" => teller.of_text(),
        "veto_window_closed" => format!("→ {} does not wait for vetoes any more", teller.id()),
        "decided" => decided(event),
        "withdrawn" => format!("withdrew {}", teller.id()),
        "argued" => teller.argued(),
        kind => teller.of_critique(kind),
    }
}

/// An event that is put into words.
struct Teller<'a> {
    event: &'a RoomEvent,
    indent: &'a str,
}

impl Teller<'_> {
    fn field(&self, name: &str) -> String {
        self.event.text(name).map(visible).unwrap_or_default()
    }

    fn number(&self, name: &str) -> u64 {
        let number = self.event.fields.get(name).and_then(Value::as_u64);
        number.unwrap_or_default()
    }

    fn id(&self) -> String {
        self.field("decision")
    }

    /// With what somebody said, if anything.
    fn saying(&self, words: String, field: &str) -> String {
        match self.event.text(field) {
            None | Some("") => words,
            Some(text) => format!("{words}: {}", visible_lines(text, self.indent)),
        }
    }

    /// About a version or an amendment.
    fn of_text(&self) -> String {
        let (id, choice) = (self.id(), self.field("choice"));
        let (version, amendment) = (self.number("version"), self.number("amendment"));
        match self.event.kind.as_str() {
            "voted" => {
                let words = format!("voted {choice} on version {version} of {id}");
                self.saying(words, "reason")
            }
            "amendment_proposed" => self.saying(
                format!("proposed the amendment {amendment} of {id}"),
                "text",
            ),
            "amendment_voted" => format!("voted {choice} on the amendment {amendment} of {id}"),
            _ => {
                let words = format!(
                    "→ the amendment {amendment} is adopted, ballots are void: version {version} \
                     of {id}"
                );
                self.saying(words, "text")
            }
        }
    }

    fn argued(&self) -> String {
        let (side, id) = (self.field("side"), self.id());
        let words = self.saying(format!("spoke {side} {id}"), "text");
        let evidence = self.event.fields.get("evidence").and_then(Value::as_array);
        let pieces = evidence.into_iter().flatten().filter_map(Value::as_str);
        pieces.fold(words, |words, piece| {
            format!("{words} ({})", visible(piece))
        })
    }

    fn of_critique(&self, kind: &str) -> String {
        let critique = self.field("critique");
        let suffices = self.event.fields.get("suffices");
        let words = match kind {
            "critiqued" => {
                let (severity, target) = (self.field("severity"), self.field("target"));
                format!("criticised {target} ({severity}, {critique})")
            }
            "waived" if suffices == Some(&Value::Bool(false)) => format!("would waive {critique}"),
            kind => format!("{} {critique}", visible(kind)),
        };
        self.saying(words, "text")
    }
}

fn proposed(event: &RoomEvent) -> String {
    let field = |name| event.text(name).map(visible).unwrap_or_default();
    let words = format!(
        "put {} to the vote, by {}",
        field("decision"),
        field("vote_type")
    );
    match event.text("alternative_to") {
        Some(other) => format!("{words}, as an alternative to {}", visible(other)),
        None => words,
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
