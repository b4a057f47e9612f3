//! The object of a decision, and the fields of every event about one, to the letter.

mod events;

use bridge_core::decision::{Consent, Severity, Side, Target};
use bridge_core::event::{
    Amended, AmendmentProposed, AmendmentVoted, Argued, Critiqued, Envelope, Event, PolicyChanged,
    Proposed, Resolved, Stream, VetoWindowClosed, Voted, Waived, Withdrawn,
};
use bridge_core::policy::{Policy, VoteWeight};
use bridge_core::{MessageId, Seq};
use serde_json::{Value, json};
use uuid::Uuid;

use super::*;

const DEC: &str = "dec_00000000000000000000000000000001";
const CRIT: &str = "crit_00000000000000000000000000000002";
/// Of the texts `first` and `second`.
const SHA_FIRST: &str = "a7937b64b8caa58f03721bb6bacf5c78cb235febe0e70b1b84cd99541461a08e";
const SHA_SECOND: &str = "16367aacb67a4a017c8da8ab95682ccb390863780f7114dda0a0e0c55644c7c4";

fn decision() -> DecisionId {
    DecisionId::from_uuid(Uuid::from_u128(1))
}

fn critique() -> CritiqueId {
    CritiqueId::from_uuid(Uuid::from_u128(2))
}

fn client(name: &str) -> ClientId {
    name.parse().unwrap()
}

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_millis(1_795_335_330_000 + seconds * 1_000)
}

fn clock(seconds: i64) -> Value {
    json!(time::to_text(at(seconds)))
}

/// One record a second, as many as there are.
fn log(events: Vec<(&str, Event)>) -> Vec<Envelope> {
    let records = events.into_iter().zip(1..);
    records
        .map(|((by, event), n)| Envelope {
            stream: Stream::Room("Den".parse().unwrap()),
            seq: Seq::new(n),
            at: at(i64::try_from(n).unwrap()),
            by: client(by),
            key: None,
            event,
        })
        .collect()
}

fn voter(name: &str, milli: u32, veto: bool) -> Voter {
    Voter {
        client: client(name),
        weight: VoteWeight::from_milli(milli),
        veto,
    }
}

fn proposed(vote_type: VoteType) -> Event {
    Event::Proposed(Box::new(Proposed {
        decision: decision(),
        channel: "main".parse().unwrap(),
        text: "first".parse().unwrap(),
        vote_type,
        quorum: (vote_type == VoteType::Quorum).then_some(2),
        electorate: vec![
            voter("ann", 2_000, false),
            voter("bob", 1_000, false),
            voter("rev", 1_500, true),
        ],
        deadline: at(1_000),
        veto_until: Some(at(60)),
        alternative_to: None,
        root: None,
    }))
}

fn voted(voter: &str, version: u32, choice: Choice) -> Event {
    let reason = (choice == Choice::Reject).then(|| "no".parse().unwrap());
    Event::Voted(Voted {
        decision: decision(),
        version,
        voter: client(voter),
        choice,
        reason,
    })
}

fn amendment_proposed() -> Event {
    Event::AmendmentProposed(AmendmentProposed {
        decision: decision(),
        version: 1,
        amendment: 1,
        text: "second".parse().unwrap(),
    })
}

fn amendment_voted() -> Event {
    Event::AmendmentVoted(AmendmentVoted {
        decision: decision(),
        amendment: 1,
        voter: client("ann"),
        choice: Consent::Approve,
    })
}

fn amended() -> Event {
    Event::Amended(Amended {
        decision: decision(),
        amendment: 1,
        version: 2,
        text: "second".parse().unwrap(),
        deadline: at(1_000),
        veto_until: Some(at(65)),
    })
}

fn critiqued(severity: Severity) -> Event {
    Event::Critiqued(Critiqued {
        critique: critique(),
        target: Target::Decision(decision()),
        severity,
        text: "but".parse().unwrap(),
    })
}

fn waived(suffices: bool) -> Event {
    Event::Waived(Waived {
        critique: critique(),
        target: Target::Decision(decision()),
        text: Some("fine".parse().unwrap()),
        suffices,
    })
}

fn argued(side: Side) -> Event {
    Event::Argued(Argued {
        decision: decision(),
        side,
        text: "because".parse().unwrap(),
        evidence: vec!["https://example.org/1".parse().unwrap()],
    })
}

fn tally() -> Tally {
    Tally {
        approve: 2,
        reject: 0,
        abstain: 0,
        outstanding: 1,
        approve_milli: 3_000,
        reject_milli: 0,
        abstain_milli: 0,
        outstanding_milli: 1_500,
    }
}

fn decided(verdict: Verdict) -> Event {
    Event::Decided(Box::new(Decided {
        decision: decision(),
        version: 2,
        verdict,
        tally: tally(),
        not_voted: vec![client("rev")],
        superseded_by: None,
    }))
}

fn tally_json() -> Value {
    json!({
        "approve": 2, "reject": 0, "abstain": 0, "outstanding": 1,
        "weight": {"approve": 3.0, "reject": 0.0, "abstain": 0.0, "outstanding": 1.5},
    })
}

fn shown(records: &[Envelope], live: Option<&Motion>) -> Value {
    let dossier = Dossier::of(records).unwrap();
    serde_json::from_slice(&decision_text(&dossier, live)).unwrap()
}

#[test]
fn an_open_decision_to_the_letter() {
    let records = log(vec![
        ("ann", proposed(VoteType::Weighted)),
        ("bob", voted("bob", 1, Choice::Reject)),
        ("rev", critiqued(Severity::Blocking)),
    ]);
    let live = Dossier::of(&records).unwrap().motion;
    let expected = json!({
        "decision": DEC, "room": "Den", "channel": "main", "proposer": "ann",
        "proposed_at": clock(1), "state": "open", "verdict": null, "version": 1, "text": "first",
        "sha256": SHA_FIRST, "vote_type": "weighted", "quorum": null, "deadline": clock(1_000),
        "veto_until": clock(60), "ended_at": null, "alternative_to": null, "superseded_by": null,
        "tally": {
            "approve": 0, "reject": 1, "abstain": 0, "outstanding": 2,
            "weight": {"approve": 0.0, "reject": 1.0, "abstain": 0.0, "outstanding": 3.5},
        },
        "electorate": [
            {"client": "ann", "weight": 2.0, "veto": false, "power": 0.5, "choice": null},
            {"client": "bob", "weight": 1.0, "veto": false, "power": 0.5, "choice": "reject"},
            {"client": "rev", "weight": 1.5, "veto": true, "power": 0.5, "choice": null},
        ],
        "not_voted": ["ann", "rev"], "held_by": [CRIT], "waits_for": ["rev"], "warning": null,
        "texts": [
            {"version": 1, "text": "first", "by": "ann", "at": clock(1), "amendment": null},
        ],
        "ballots": [{
            "voter": "bob", "version": 1, "choice": "reject", "reason": "no", "at": clock(2),
            "counts": true,
        }],
        "amendments": [],
        "critiques": [{
            "critique": CRIT, "target": DEC, "severity": "blocking", "text": "but", "by": "rev",
            "at": clock(3), "state": "open", "waived_by": [], "answer": null,
        }],
        "arguments": {"for": [], "against": []},
    });
    assert_eq!(shown(&records, Some(&live)), expected);
}

/// What ended is told by its last record; the rest by what came before.
#[test]
fn a_decision_that_has_ended_to_the_letter() {
    let records = log(vec![
        ("ann", proposed(VoteType::SimpleMajority)),
        ("bob", voted("bob", 1, Choice::Reject)),
        ("bob", amendment_proposed()),
        ("ann", amendment_voted()),
        ("ann", amended()),
        ("rev", critiqued(Severity::Minor)),
        ("bob", waived(false)),
        ("ann", argued(Side::For)),
        ("bob", argued(Side::Against)),
        ("ann", voted("ann", 2, Choice::Approve)),
        ("bob", voted("bob", 2, Choice::Approve)),
        ("rev", voted("rev", 2, Choice::Approve)),
        ("bob", decided(Verdict::Approved)),
    ]);
    let ballot = |voter: &str, version: u32, choice: &str, second: i64, counts: bool| {
        let reason = (choice == "reject").then_some("no");
        json!({
            "voter": voter, "version": version, "choice": choice, "reason": reason,
            "at": clock(second), "counts": counts,
        })
    };
    let argument = |by: &str, second: i64| {
        json!([{
            "text": "because", "evidence": ["https://example.org/1"], "by": by,
            "at": clock(second),
        }])
    };
    let expected = json!({
        "decision": DEC, "room": "Den", "channel": "main", "proposer": "ann",
        "proposed_at": clock(1), "state": "approved", "verdict": "approved", "version": 2,
        "text": "second", "sha256": SHA_SECOND, "vote_type": "simple_majority", "quorum": null,
        "deadline": clock(1_000), "veto_until": null, "ended_at": clock(13),
        "alternative_to": null, "superseded_by": null, "tally": tally_json(),
        "electorate": [
            {"client": "ann", "weight": 2.0, "veto": false, "power": 0.5, "choice": "approve"},
            {"client": "bob", "weight": 1.0, "veto": false, "power": 0.5, "choice": "approve"},
            // It had left by then, and its ballot with it.
            {"client": "rev", "weight": 1.5, "veto": true, "power": 0.5, "choice": null},
        ],
        "not_voted": ["rev"], "held_by": [], "waits_for": [], "warning": null,
        "texts": [
            {"version": 1, "text": "first", "by": "ann", "at": clock(1), "amendment": null},
            {"version": 2, "text": "second", "by": "bob", "at": clock(5), "amendment": 1},
        ],
        "ballots": [
            ballot("bob", 1, "reject", 2, false),
            ballot("ann", 2, "approve", 10, true),
            ballot("bob", 2, "approve", 11, true),
            ballot("rev", 2, "approve", 12, false),
        ],
        "amendments": [{
            "amendment": 1, "version": 1, "text": "second", "by": "bob", "at": clock(3),
            "state": "adopted", "consents": [{"voter": "ann", "choice": "approve"}],
        }],
        "critiques": [{
            "critique": CRIT, "target": DEC, "severity": "minor", "text": "but", "by": "rev",
            "at": clock(6), "state": "lapsed", "waived_by": ["bob"], "answer": "fine",
        }],
        "arguments": {"for": argument("ann", 8), "against": argument("bob", 9)},
    });
    assert_eq!(shown(&records, None), expected);
}

#[test]
fn of_an_open_one_the_room_knows_best() {
    let records = log(vec![
        ("ann", proposed(VoteType::Consensus)),
        ("bob", voted("bob", 1, Choice::Approve)),
    ]);
    let mut live = Dossier::of(&records).unwrap().motion;
    live.left(&client("bob"), false);
    let object = shown(&records, Some(&live));
    assert_eq!(object["tally"]["abstain"], 1);
    assert_eq!(object["electorate"][1]["choice"], Value::Null);
    assert_eq!(object["ballots"][0]["counts"], false);
    assert_eq!(object["not_voted"], json!(["ann", "bob", "rev"]));
}

#[test]
fn a_list_leaves_the_histories_out() {
    let records = log(vec![("ann", proposed(VoteType::Quorum))]);
    let dossier = Dossier::of(&records).unwrap();
    let text = decisions_text([(&dossier, None)], Some(decision()));
    let list: Value = serde_json::from_slice(&text).unwrap();
    assert_eq!(list["next"], DEC);
    let item = list["items"][0].as_object().unwrap();
    let whole = shown(&records, None);
    let whole = whole.as_object().unwrap();
    let histories = ["texts", "ballots", "amendments", "critiques", "arguments"];
    for (name, value) in whole {
        let expected = (!histories.contains(&name.as_str())).then_some(value);
        assert_eq!(item.get(name), expected, "{name}");
    }
    assert_eq!(
        item["electorate"][0]["power"],
        Value::Null,
        "who stays away matters"
    );
}

/// A page of large ones ends early, and says where to go on.
#[test]
fn a_list_is_bounded_in_bytes_but_never_empty() {
    let records = log(vec![("ann", proposed(VoteType::Consensus))]);
    let long = "字".repeat(limits::TEXT_CHARS_MAX);
    let nth = |n: u128| {
        let mut dossier = Dossier::of(&records).unwrap();
        dossier.motion.text = long.parse().unwrap();
        dossier.motion.id = DecisionId::from_uuid(Uuid::from_u128(n));
        dossier
    };
    let dossiers: Vec<_> = (1..=100).map(nth).collect();
    let page = |dossiers: &[Dossier]| -> Value {
        let items = dossiers.iter().map(|dossier| (dossier, None));
        serde_json::from_slice(&decisions_text(items, Some(decision()))).unwrap()
    };
    let first = page(&dossiers);
    let items = first["items"].as_array().unwrap();
    assert!((30..40).contains(&items.len()), "{}", items.len());
    assert_eq!(first["next"], items.last().unwrap()["decision"]);
    assert_eq!(page(&dossiers[..30])["next"], DEC, "all of it is shown");

    let one = Dossier::of(&records).unwrap();
    let facts = [Facts::of(&one, None), Facts::of(&one, None)];
    assert_eq!(fitting(&facts, 1, 1).len(), 1);
    assert_eq!(fitting(&facts, 0, 1).len(), 0);
}

#[test]
fn what_does_not_fit_into_a_rooms_state_is_left_to_the_list() {
    let records = log(vec![("ann", proposed(VoteType::Consensus))]);
    let mut motion = Dossier::of(&records).unwrap().motion;
    let long = "字".repeat(limits::TEXT_CHARS_MAX);
    motion.text = long.parse().unwrap();
    let room = "Den".parse().unwrap();
    let motions = vec![motion; limits::OPEN_DECISIONS_MAX];
    let shown = open_decisions(&room, &motions);
    let bytes: usize = shown.iter().map(|text| text.get().len()).sum();
    assert!(bytes <= limits::OPEN_DECISIONS_BYTES_MAX, "{bytes}");
    assert_eq!(
        shown.len(),
        limits::OPEN_DECISIONS_BYTES_MAX / (bytes / shown.len())
    );
    assert_eq!(open_decisions(&room, &motions[..3]).len(), 3);
}

#[test]
fn a_warning_says_what_and_whom() {
    let code = |warning| serde_json::to_value(WarningBody::from(warning)).unwrap();
    let alone = code(Warning::OneDecides(client("ann")));
    assert_eq!(
        (&alone["code"], &alone["client"]),
        (&json!("one_decides"), &json!("ann"))
    );
    let enough = code(Warning::OneIsEnough);
    assert_eq!(
        (&enough["code"], &enough["client"]),
        (&json!("one_is_enough"), &Value::Null)
    );
    assert!(alone["message"].is_string() && enough["message"].is_string());
}
