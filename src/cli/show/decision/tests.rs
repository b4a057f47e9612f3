use super::*;
use serde::Deserialize;
use serde_json::{Value, json};

const CRITIQUE: &str = "crit_00000000000000000000000000000001";

/// One of four members who vote on PostgreSQL.
pub(crate) fn a_decision() -> Value {
    let voter = |client: &str, weight: f64, power: f64, veto: bool, choice: Value| json!({"client": client, "weight": weight, "veto": veto, "power": power, "choice": choice});
    json!({
        "decision": "dec_00000000000000000000000000000001", "room": "den", "channel": "main",
        "proposer": "ann", "proposed_at": "2026-11-22T08:15:30.250Z", "state": "open",
        "verdict": null, "version": 2, "text": "Use PostgreSQL\nfrom \u{1b}16 on",
        "sha256": "abcdef", "vote_type": "simple_majority", "quorum": null,
        "deadline": "2026-11-23T08:15:30.250Z", "veto_until": "2026-11-22T08:16:30.250Z",
        "ended_at": null, "alternative_to": null, "superseded_by": null,
        "tally": {
            "approve": 2, "reject": 1, "abstain": 0, "outstanding": 1,
            "weight": {"approve": 3.0, "reject": 1.5, "abstain": 0.0, "outstanding": 1.0},
        },
        "electorate": [
            voter("ann", 2.0, 0.375, false, json!("approve")),
            voter("bob", 1.0, 0.375, false, json!("approve")),
            voter("cem", 1.5, 0.375, true, json!("reject")),
            voter("dan", 1.0, 0.375, true, Value::Null),
        ],
        "not_voted": ["dan"], "held_by": [], "waits_for": ["dan"],
        "warning": {"code": "one_is_enough", "client": null, "message": "one ballot is enough"},
    })
}

fn page(change: impl FnOnce(&mut Value)) -> String {
    let mut answer = a_decision();
    change(&mut answer);
    let facts = DecisionFacts::deserialize(&answer).expect("a decision");
    let now = time::from_text("2026-11-22T08:15:50.250Z").expect("a time");
    decision_page(&facts, now, Paint::new(false))
}

#[test]
fn an_open_decision_says_what_it_waits_for() {
    let expected = "\
dec_00000000000000000000000000000001  open  version 2
by ann in den [main] since 2026-11-22 08:15:30 · takes a simple majority · until 2026-11-23 08:15:30, in 23h 59m (UTC)
sha256 abcdef
│ Use PostgreSQL
│ from ␛16 on

2 approve · 1 reject · 0 abstain · 1 outstanding (in weight 3 · 1.5 · 0 · 1)
held back by a blocking critique: crit_00000000000000000000000000000001
an approval waits for dan, who may veto, until 2026-11-22 08:16:30, in 40s
note: one ballot is enough

VOTER  WEIGHT  POWER  VETO  VOTE     WHY
ann    2       38 %         approve
bob    1       38 %         approve
cem    1.5     38 %   yes   reject   too dear␊
dan    1       38 %   yes   not yet";
    let shown = page(|answer| {
        answer["held_by"] = json!([CRITIQUE]);
        answer["ballots"] = json!([
            {"voter": "cem", "version": 1, "choice": "reject", "reason": "old", "counts": false},
            {"voter": "cem", "version": 2, "choice": "reject", "reason": "too dear\n", "counts": true},
        ]);
    });
    assert_eq!(shown, expected);
}

#[test]
fn what_was_said_about_it_follows() {
    let shown = page(|answer| {
        answer["amendments"] = json!([{
            "amendment": 1, "version": 1, "text": "from 16 on", "by": "bob", "at": "x",
            "state": "adopted", "consents": [
                {"voter": "ann", "choice": "approve"}, {"voter": "cem", "choice": "reject"},
            ],
        }]);
        answer["critiques"] = json!([{
            "critique": CRITIQUE, "target": answer["decision"], "severity": "blocking",
            "text": "Who makes\nthe backups?", "by": "cem", "at": "x", "state": "resolved",
            "waived_by": ["ann"], "answer": "Bob does",
        }]);
        answer["arguments"] = json!({
            "for": [{"text": "We know it", "evidence": ["https://example.org/\u{202e}"], "by": "ann"}],
            "against": [{"text": "A server more", "evidence": [], "by": "dan"}],
        });
    });
    let expected = "
amendment 1 of version 1, by bob: adopted · for it: ann · against it: cem
│ from 16 on

blocking crit_00000000000000000000000000000001, by cem: resolved · waived by ann
│ Who makes
│ the backups?
answer: Bob does

for it, by ann · 1 piece of evidence
│ We know it
- https://example.org/\\u{202e}

against it, by dan
│ A server more";
    assert!(shown.ends_with(expected), "{shown}");
}

#[test]
fn what_is_over_waits_for_nothing() {
    let shown = page(|answer| {
        answer["state"] = json!("superseded");
        answer["ended_at"] = json!("2026-11-22T08:20:00.000Z");
        answer["superseded_by"] = json!("dec_00000000000000000000000000000002");
        answer["held_by"] = json!([CRITIQUE]);
        answer["vote_type"] = json!("quorum");
        answer["quorum"] = json!(3);
        answer["electorate"][0]["power"] = Value::Null;
    });
    assert!(
        shown.contains("takes a quorum of 3 · ended 2026-11-22 08:20:00 (UTC)"),
        "{shown}"
    );
    assert!(
        shown.contains("superseded by dec_00000000000000000000000000000002\n"),
        "{shown}"
    );
    assert!(
        shown.contains("\ndan    1       38 %   yes   not\n") || shown.ends_with("yes   not"),
        "{shown}"
    );
    assert!(
        !shown.contains("waits for") && !shown.contains("held back"),
        "{shown}"
    );
}
