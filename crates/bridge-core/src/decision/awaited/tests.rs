//! What waits for whom, step by step.

use uuid::Uuid;

use super::*;
use crate::decision::{Choice, Consent, Target, VoteType, Voter};
use crate::event::{
    Amended, AmendmentProposed, AmendmentVoted, Critiqued, Event, Proposed, Resolved, Voted,
};
use crate::id::{ChannelName, DecisionId, Timestamp};
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

/// Ann's motion, on which Bob, Cem and Dan may vote, and she may not.
fn motion() -> Motion {
    let voter = |name: &str| Voter {
        client: client(name),
        weight: VoteWeight::from_milli(1_000),
        veto: false,
    };
    let proposed = Proposed {
        decision: decision(),
        channel: ChannelName::main(),
        text: "first".parse().unwrap(),
        vote_type: VoteType::Consensus,
        quorum: None,
        electorate: vec![voter("bob"), voter("cem"), voter("dan")],
        deadline: Timestamp::from_millis(90_000),
        veto_until: None,
        veto_seconds: 0,
        alternative_to: None,
        root: None,
    };
    Motion::new(&proposed, &client("ann"), Timestamp::from_millis(1))
}

fn apply(motion: &mut Motion, by: &str, event: Event) {
    motion.apply(&event, &client(by));
}

fn vote(motion: &mut Motion, by: &str) {
    let voted = Voted {
        decision: decision(),
        version: motion.version,
        voter: client(by),
        choice: Choice::Approve,
        reason: None,
    };
    apply(motion, by, Event::Voted(voted));
}

fn amend(motion: &mut Motion, by: &str, number: u32) {
    let proposed = AmendmentProposed {
        decision: decision(),
        version: motion.version,
        amendment: number,
        text: "second".parse().unwrap(),
    };
    apply(motion, by, Event::AmendmentProposed(proposed));
}

fn consent(motion: &mut Motion, by: &str, number: u32, choice: Consent) {
    let voted = AmendmentVoted {
        decision: decision(),
        amendment: number,
        voter: client(by),
        choice,
    };
    apply(motion, by, Event::AmendmentVoted(voted));
}

fn criticise(motion: &mut Motion, by: &str, n: u128, severity: Severity) {
    let critiqued = Critiqued {
        critique: critique(n),
        target: Target::Decision(decision()),
        severity,
        text: "slow".parse().unwrap(),
    };
    apply(motion, by, Event::Critiqued(critiqued));
}

fn of(motion: &Motion, name: &str) -> Vec<Awaited> {
    motion.awaited_of(&client(name))
}

#[test]
fn a_ballot_is_awaited_of_who_may_vote_and_has_not() {
    let mut motion = motion();
    assert_eq!(of(&motion, "ann"), [], "she has no vote");
    assert_eq!(of(&motion, "dora"), [], "a stranger");
    assert_eq!(of(&motion, "BOB"), [Awaited::Ballot]);
    vote(&mut motion, "bob");
    assert_eq!(of(&motion, "bob"), []);
    assert_eq!(of(&motion, "cem"), [Awaited::Ballot]);
    // Who has left counts as abstaining, and may vote again when it is back.
    motion.left(&client("bob"));
    assert_eq!(of(&motion, "bob"), []);
    motion.returned(&client("bob"));
    assert_eq!(of(&motion, "bob"), [Awaited::Ballot]);
    // Another text wants another ballot.
    vote(&mut motion, "bob");
    let amended = Amended {
        decision: decision(),
        amendment: 1,
        version: 2,
        text: "second".parse().unwrap(),
        deadline: Timestamp::from_millis(90_000),
        veto_until: None,
    };
    apply(&mut motion, "ann", Event::Amended(amended));
    assert_eq!(of(&motion, "bob"), [Awaited::Ballot]);
}

#[test]
fn a_word_on_an_amendment_is_awaited_of_voters_and_first_of_the_proposer() {
    let mut motion = motion();
    amend(&mut motion, "bob", 1);
    amend(&mut motion, "cem", 2);
    let both = [Awaited::Consent(1), Awaited::Consent(2)];
    assert_eq!(of(&motion, "ann"), both, "she may adopt alone");
    assert_eq!(of(&motion, "bob")[1..], both, "the author too");
    consent(&mut motion, "bob", 1, Consent::Reject);
    assert_eq!(of(&motion, "bob")[1..], both[1..]);
    consent(&mut motion, "bob", 2, Consent::Approve);
    assert_eq!(of(&motion, "bob"), [Awaited::Ballot]);
    vote(&mut motion, "cem");
    assert_eq!(of(&motion, "ann"), [], "now it takes the voters");
    assert_eq!(of(&motion, "cem"), both);
}

#[test]
fn a_blocking_critique_is_awaited_of_its_author_and_the_proposer() {
    let mut motion = motion();
    criticise(&mut motion, "bob", 1, Severity::Major);
    assert_eq!(of(&motion, "ann"), []);
    criticise(&mut motion, "bob", 2, Severity::Blocking);
    let of_it = |yours| Awaited::Critique {
        critique: critique(2),
        yours,
    };
    assert_eq!(of(&motion, "ann"), [of_it(false)]);
    assert_eq!(of(&motion, "bob"), [Awaited::Ballot, of_it(true)]);
    assert_eq!(of(&motion, "cem"), [Awaited::Ballot]);
    let resolved = Resolved {
        critique: critique(2),
        target: Target::Decision(decision()),
        text: None,
    };
    apply(&mut motion, "bob", Event::Resolved(resolved));
    assert_eq!(of(&motion, "ann"), []);
    assert_eq!(of(&motion, "bob"), [Awaited::Ballot]);
}
