//! The fields of every event about a decision.

use super::*;
use crate::wire::encode::event;

/// The kind's own fields, without those of every event.
fn fields(happened: Event) -> Value {
    let records = log(vec![("ann", happened)]);
    let mut text: Value = serde_json::from_slice(event(&records[0]).as_bytes()).unwrap();
    let fields = text.as_object_mut().unwrap();
    for common in ["type", "room", "seq", "at", "by"] {
        assert!(fields.remove(common).is_some(), "{common}");
    }
    text
}

#[test]
fn the_fields_of_a_motion_and_its_votes() {
    let voters = json!([
        {"client": "ann", "weight": 2.0, "veto": false},
        {"client": "bob", "weight": 1.0, "veto": false},
        {"client": "rev", "weight": 1.5, "veto": true},
    ]);
    let expected = json!({
        "kind": "proposed", "decision": DEC, "version": 1, "channel": "main", "text": "first",
        "vote_type": "quorum", "quorum": 2, "electorate": voters, "deadline": clock(1_000),
        "veto_until": clock(60), "alternative_to": null,
    });
    assert_eq!(fields(proposed(VoteType::Quorum)), expected);
    let expected = json!({
        "kind": "voted", "decision": DEC, "version": 1, "voter": "bob", "choice": "reject",
        "reason": "no",
    });
    assert_eq!(fields(voted("bob", 1, Choice::Reject)), expected);
    let expected = json!({
        "kind": "decided", "decision": DEC, "version": 2, "verdict": "approved",
        "tally": tally_json(), "not_voted": ["rev"], "superseded_by": null,
    });
    assert_eq!(fields(decided(Verdict::Approved)), expected);
    let closed = Event::VetoWindowClosed(VetoWindowClosed {
        decision: decision(),
        version: 1,
    });
    let expected = json!({"kind": "veto_window_closed", "decision": DEC, "version": 1});
    assert_eq!(fields(closed), expected);
    let withdrawn = Event::Withdrawn(Withdrawn {
        decision: decision(),
    });
    assert_eq!(
        fields(withdrawn),
        json!({"kind": "withdrawn", "decision": DEC})
    );
}

#[test]
fn the_fields_of_amendments() {
    let expected = json!({
        "kind": "amendment_proposed", "decision": DEC, "version": 1, "amendment": 1,
        "text": "second",
    });
    assert_eq!(fields(amendment_proposed()), expected);
    let expected = json!({
        "kind": "amendment_voted", "decision": DEC, "amendment": 1, "voter": "ann",
        "choice": "approve",
    });
    assert_eq!(fields(amendment_voted()), expected);
    let expected = json!({
        "kind": "amended", "decision": DEC, "amendment": 1, "version": 2, "text": "second",
        "deadline": clock(1_000), "veto_until": clock(65),
    });
    assert_eq!(fields(amended()), expected);
}

#[test]
fn the_fields_of_critiques_and_arguments() {
    let expected = json!({
        "kind": "critiqued", "critique": CRIT, "target": DEC, "severity": "blocking",
        "text": "but",
    });
    assert_eq!(fields(critiqued(Severity::Blocking)), expected);
    let message = MessageId::from_uuid(Uuid::from_u128(3));
    let resolved = Event::Resolved(Resolved {
        critique: critique(),
        target: Target::Message(message),
        text: None,
    });
    let expected = json!({
        "kind": "resolved", "critique": CRIT, "target": "msg_00000000000000000000000000000003",
        "text": null,
    });
    assert_eq!(fields(resolved), expected);
    let expected = json!({
        "kind": "waived", "critique": CRIT, "target": DEC, "text": "fine", "suffices": true,
    });
    assert_eq!(fields(waived(true)), expected);
    let expected = json!({
        "kind": "argued", "decision": DEC, "side": "against", "text": "because",
        "evidence": ["https://example.org/1"],
    });
    assert_eq!(fields(argued(Side::Against)), expected);
}

#[test]
fn a_changed_policy_is_told_whole() {
    let changed = Event::PolicyChanged(Box::new(PolicyChanged {
        policy: Policy::default(),
    }));
    let policy = json!({
        "visibility": "open", "roles": "granted", "create_channels": "members",
        "weights": {"coordinator": 2.0, "reviewer": 1.5, "others": 1.0}, "propose": "members",
        "veto": {"roles": ["reviewer"], "clients": []}, "veto_window_seconds": 60,
    });
    assert_eq!(
        fields(changed),
        json!({"kind": "policy_changed", "policy": policy})
    );
}
