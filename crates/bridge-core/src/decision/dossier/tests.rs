//! A motion's whole life, read from its records.

use uuid::Uuid;

use super::*;
use crate::decision::{Tally, Verdict, VoteType, Voter};
use crate::event::{
    Amended, AmendmentProposed, AmendmentVoted, Argued, Critiqued, Posted, Proposed, Resolved,
    Stream, Voted, Waived, Withdrawn,
};
use crate::id::{ChannelName, MessageId};
use crate::policy::VoteWeight;

fn client(name: &str) -> ClientId {
    name.parse().unwrap()
}

fn decision() -> DecisionId {
    DecisionId::from_uuid(Uuid::from_u128(1))
}

fn critique(n: u128) -> CritiqueId {
    CritiqueId::from_uuid(Uuid::from_u128(n))
}

fn text(text: &str) -> MessageText {
    text.parse().unwrap()
}

/// Records of the room, one after the other.
fn records(events: Vec<(&str, Event)>) -> Vec<Envelope> {
    let numbered = events.into_iter().enumerate();
    numbered
        .map(|(n, (by, event))| Envelope {
            stream: Stream::Room("den".parse().unwrap()),
            seq: Seq::new(n as u64 + 10),
            at: Timestamp::from_millis(1_000 + n as i64),
            by: client(by),
            key: None,
            event,
        })
        .collect()
}

fn proposed() -> Event {
    let voter = |name: &str| Voter {
        client: client(name),
        weight: VoteWeight::from_milli(1_000),
        veto: false,
    };
    Event::Proposed(Box::new(Proposed {
        decision: decision(),
        channel: ChannelName::main(),
        text: text("first"),
        vote_type: VoteType::Consensus,
        quorum: None,
        electorate: vec![voter("ann"), voter("bob")],
        deadline: Timestamp::from_millis(90_000),
        veto_until: None,
        veto_seconds: 0,
        alternative_to: None,
        root: None,
    }))
}

fn voted(voter: &str, version: u32, choice: Choice) -> (&str, Event) {
    let voted = Voted {
        decision: decision(),
        version,
        voter: client(voter),
        choice,
        reason: None,
    };
    (voter, Event::Voted(voted))
}

fn amendment(amendment: u32, version: u32, new: &str) -> Event {
    Event::AmendmentProposed(AmendmentProposed {
        decision: decision(),
        version,
        amendment,
        text: text(new),
    })
}

fn consented(amendment: u32, voter: &str, choice: Consent) -> (&str, Event) {
    let consent = AmendmentVoted {
        decision: decision(),
        amendment,
        voter: client(voter),
        choice,
    };
    (voter, Event::AmendmentVoted(consent))
}

fn amended(amendment: u32, new: &str) -> Event {
    Event::Amended(Amended {
        decision: decision(),
        amendment,
        version: 2,
        text: text(new),
        deadline: Timestamp::from_millis(99_000),
        veto_until: None,
    })
}

#[test]
fn texts_ballots_and_amendments_in_their_order() {
    let dossier = Dossier::of(&records(vec![
        ("ann", proposed()),
        voted("ann", 1, Choice::Approve),
        ("bob", amendment(1, 1, "one")),
        ("bob", amendment(2, 1, "two")),
        consented(2, "bob", Consent::Reject),
        consented(2, "bob", Consent::Approve),
        consented(2, "ann", Consent::Approve),
        ("ann", amended(2, "two")),
        voted("bob", 2, Choice::Abstain),
        voted("bob", 2, Choice::Approve),
        ("ann", amendment(3, 2, "three")),
    ]))
    .unwrap();
    assert_eq!((dossier.id(), dossier.room.as_str()), (decision(), "den"));
    assert_eq!(dossier.state, State::Open);
    assert_eq!(dossier.last_seq, Seq::new(20));
    let texts: Vec<_> = dossier
        .texts
        .iter()
        .map(|t| (t.version, &*t.text, t.by.as_str(), t.amendment))
        .collect();
    assert_eq!(
        texts,
        [(1, "first", "ann", None), (2, "two", "bob", Some(2))]
    );
    let counting: Vec<bool> = dossier.ballots.iter().map(|b| b.counts).collect();
    assert_eq!(counting, [false, false, true], "voided, replaced, counts");
    let states: Vec<_> = dossier.amendments.iter().map(|a| a.state).collect();
    let expected = [
        AmendmentState::Lapsed,
        AmendmentState::Adopted,
        AmendmentState::Open,
    ];
    assert_eq!(states, expected);
    let consents = &dossier.amendments[1].consents;
    let expected = [
        (client("ann"), Consent::Approve),
        (client("bob"), Consent::Approve),
    ];
    assert_eq!(consents[..], expected, "the last word of each");
    assert_eq!(dossier.motion.deadline, Timestamp::from_millis(99_000));
}

#[test]
fn the_end_says_how_it_was() {
    let end = Decided {
        decision: decision(),
        version: 1,
        verdict: Verdict::Rejected,
        tally: Tally::default(),
        not_voted: vec![client("ann")],
        left: vec![],
        superseded_by: None,
    };
    let critiqued = Event::Critiqued(Critiqued {
        critique: critique(1),
        target: Target::Decision(decision()),
        severity: Severity::Major,
        text: text("no"),
    });
    let dossier = Dossier::of(&records(vec![
        ("ann", proposed()),
        ("bob", amendment(1, 1, "one")),
        ("bob", critiqued),
        voted("bob", 1, Choice::Reject),
        ("bob", Event::Decided(Box::new(end.clone()))),
    ]))
    .unwrap();
    assert_eq!(dossier.state, State::Rejected);
    assert_eq!(dossier.decided, Some(end));
    assert_eq!(dossier.ended_at, Some(Timestamp::from_millis(1_004)));
    assert_eq!(dossier.amendments[0].state, AmendmentState::Lapsed);
    assert_eq!(dossier.critiques[0].state, CritiqueState::Lapsed);

    let withdrawn = Event::Withdrawn(Withdrawn {
        decision: decision(),
    });
    let dossier = Dossier::of(&records(vec![("ann", proposed()), ("ann", withdrawn)])).unwrap();
    assert_eq!((dossier.state, dossier.decided), (State::Withdrawn, None));
}

#[test]
fn critiques_and_arguments() {
    let target = Target::Decision(decision());
    let critiqued = |n| {
        Event::Critiqued(Critiqued {
            critique: critique(n),
            target,
            severity: Severity::Blocking,
            text: text("no"),
        })
    };
    let waived = |suffices| {
        Event::Waived(Waived {
            critique: critique(2),
            target,
            text: Some(text("enough")),
            suffices,
        })
    };
    let resolved = Event::Resolved(Resolved {
        critique: critique(1),
        target,
        text: Some(text("met")),
    });
    let argued = Event::Argued(Argued {
        decision: decision(),
        side: Side::Against,
        text: text("slow"),
        evidence: vec!["https://example.org".parse().unwrap()],
    });
    let dossier = Dossier::of(&records(vec![
        ("ann", proposed()),
        ("bob", critiqued(1)),
        ("bob", critiqued(2)),
        ("bob", critiqued(3)),
        ("bob", resolved),
        ("ann", waived(false)),
        ("bob", waived(true)),
        ("bob", argued),
    ]))
    .unwrap();
    let critiques: Vec<_> = dossier
        .critiques
        .iter()
        .map(|c| (c.state, c.waived_by.len(), c.answer.as_deref()))
        .collect();
    let expected = [
        (CritiqueState::Resolved, 0, Some("met")),
        (CritiqueState::Waived, 2, Some("enough")),
        (CritiqueState::Open, 0, None),
    ];
    assert_eq!(critiques, expected);
    assert_eq!(dossier.motion.held_by(), [critique(3)]);
    let argument = &dossier.arguments[0];
    assert_eq!((argument.side, argument.evidence.len()), (Side::Against, 1));
}

#[test]
fn what_does_not_begin_with_a_proposal_is_no_motion() {
    assert_eq!(Dossier::of(&[]), None);
    let post = Event::Posted(Posted {
        id: MessageId::from_uuid(Uuid::from_u128(1)),
        channel: ChannelName::main(),
        text: text("hello"),
        reply_to: None,
        mentions: vec![],
        metadata: None,
    });
    assert_eq!(Dossier::of(&records(vec![("ann", post)])), None);
}

/// Bob approved, left, and so abstained: the record of the end says so.
#[test]
fn whose_ballot_was_dropped_is_known_from_the_end() {
    let end = Decided {
        decision: decision(),
        version: 1,
        verdict: Verdict::Rejected,
        tally: Tally::default(),
        not_voted: vec![client("bob")],
        left: vec![client("bob")],
        superseded_by: None,
    };
    let dossier = Dossier::of(&records(vec![
        ("ann", proposed()),
        voted("bob", 1, Choice::Approve),
        voted("ann", 1, Choice::Reject),
        ("ann", Event::Decided(Box::new(end))),
    ]))
    .unwrap();
    let counting: Vec<bool> = dossier.ballots.iter().map(|b| b.counts).collect();
    assert_eq!(counting, [false, true]);
    assert_eq!(
        dossier.motion.counting(&client("bob")),
        Some(Choice::Abstain)
    );
    assert_eq!(dossier.motion.not_voted(), [client("bob")]);
}

#[test]
fn of_an_open_motion_the_room_knows_whose_ballot_was_dropped() {
    let dossier = Dossier::of(&records(vec![
        ("ann", proposed()),
        voted("bob", 1, Choice::Approve),
    ]))
    .unwrap();
    let mut live = dossier.motion.clone();
    live.left(&client("bob"));
    live.returned(&client("bob"));
    let dossier = dossier.as_of(&live);
    assert!(!dossier.ballots[0].counts);
    assert_eq!(dossier.motion.counting(&client("bob")), None);
}

#[test]
fn an_amendment_that_half_of_them_reject_has_lapsed() {
    let dossier = Dossier::of(&records(vec![
        ("ann", proposed()),
        ("bob", amendment(1, 1, "one")),
        ("bob", amendment(2, 1, "two")),
        consented(1, "ann", Consent::Reject),
    ]))
    .unwrap();
    let states: Vec<_> = dossier.amendments.iter().map(|a| a.state).collect();
    assert_eq!(states, [AmendmentState::Lapsed, AmendmentState::Open]);
}
