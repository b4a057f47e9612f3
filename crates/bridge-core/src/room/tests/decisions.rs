//! Decisions of a room.

mod adversary;
mod alternatives;
mod amendments;
mod arguments;
mod bounds;
mod critiques;
mod deadlines;
mod policies;
mod vetoes;
mod voting;
mod whoever_goes;

use super::*;
use crate::command::{
    Adopt, Amend, Argue, Critique, Propose, Resolve, SetPolicy, SetVetoHolders, SetWeights, Vote,
    Waive, Withdraw,
};
use crate::decision::{Choice, Consent, Motion, Severity, Side, State, Target, Verdict, VoteType};
use crate::event::Decided;
use crate::id::{CritiqueId, DecisionId};
use crate::limits;
use crate::policy::{VetoHolders, VoteWeight, Who};

const DAY: i64 = 24 * 3_600 * 1_000;

/// `ann` leads, and the others are members without power.
fn team(others: &[&str]) -> Scene {
    Scene::open_with(others)
}

/// The same with `rev`, who is a reviewer and so holds a veto.
fn team_with_reviewer(others: &[&str]) -> Scene {
    let mut scene = team(others);
    scene.done("rev", join());
    scene.done("ann", grant("rev", Role::Reviewer));
    scene
}

fn decision(n: u128) -> DecisionId {
    DecisionId::from_uuid(Uuid::from_u128(n))
}

fn critique_id(n: u128) -> CritiqueId {
    CritiqueId::from_uuid(Uuid::from_u128(n))
}

fn motion(n: u128, vote_type: VoteType) -> Propose {
    Propose {
        id: decision(n),
        channel: ChannelName::main(),
        text: "the text".parse().unwrap(),
        vote_type,
        quorum: None,
        deadline_seconds: limits::DECISION_SECONDS_DEFAULT,
        exclude_proposer: false,
        alternative_to: None,
    }
}

fn propose(n: u128, vote_type: VoteType) -> RoomCommand {
    RoomCommand::Propose(motion(n, vote_type))
}

fn vote(n: u128, choice: Choice) -> RoomCommand {
    vote_on(n, 1, choice)
}

fn vote_on(n: u128, version: u32, choice: Choice) -> RoomCommand {
    let reason = (choice == Choice::Veto).then(|| "not so".parse().unwrap());
    RoomCommand::Vote(Vote {
        decision: decision(n),
        version,
        choice,
        reason,
    })
}

fn approve(n: u128) -> RoomCommand {
    vote(n, Choice::Approve)
}

fn reject(n: u128) -> RoomCommand {
    vote(n, Choice::Reject)
}

fn amend(n: u128, version: u32, text: &str) -> RoomCommand {
    RoomCommand::Amend(Amend {
        decision: decision(n),
        version,
        text: text.parse().unwrap(),
    })
}

fn adopt(n: u128, amendment: u32, choice: Consent) -> RoomCommand {
    RoomCommand::Adopt(Adopt {
        decision: decision(n),
        amendment,
        choice,
    })
}

fn critique(id: u128, target: Target, severity: Severity) -> RoomCommand {
    RoomCommand::Critique(Critique {
        id: critique_id(id),
        target,
        severity,
        text: "it lacks something".parse().unwrap(),
        target_seq: None,
    })
}

fn block(id: u128, n: u128) -> RoomCommand {
    critique(id, Target::Decision(decision(n)), Severity::Blocking)
}

fn resolve(id: u128) -> RoomCommand {
    RoomCommand::Resolve(Resolve {
        critique: critique_id(id),
        text: None,
    })
}

fn waive(id: u128) -> RoomCommand {
    RoomCommand::Waive(Waive {
        critique: critique_id(id),
        text: None,
    })
}

fn argue(n: u128, side: Side) -> RoomCommand {
    RoomCommand::Argue(Argue {
        decision: decision(n),
        side,
        text: "because".parse().unwrap(),
        evidence: vec![],
    })
}

fn withdraw(n: u128) -> RoomCommand {
    RoomCommand::Withdraw(Withdraw {
        decision: decision(n),
    })
}

impl Scene {
    fn motion(&self, n: u128) -> &Motion {
        let motion = self.room().open_motion(decision(n));
        motion.unwrap_or_else(|| panic!("{n} is {:?}", self.state(n)))
    }

    fn state(&self, n: u128) -> Option<State> {
        let decisions = &self.room().decisions;
        match self.room().open_motion(decision(n)) {
            Some(_) => Some(State::Open),
            None => decisions.closed(decision(n)),
        }
    }

    /// The server looks, that much later.
    fn later(&mut self, millis: i64) -> Vec<Event> {
        self.now += millis;
        let system = crate::aggregate::system();
        let now = Timestamp::from_millis(self.now);
        let decision = self
            .ledger
            .submit(&RoomCommand::Conclude, &system, None, now);
        match decision.unwrap() {
            Decision::Nothing => Vec::new(),
            Decision::Append(_) => {
                let draft = self.ledger.confirm();
                self.log
                    .extend(draft.envelopes.iter().map(|e| (**e).clone()));
                draft.envelopes.iter().map(|e| e.event.clone()).collect()
            }
            other => panic!("no key, no duplicate: {other:?}"),
        }
    }

    /// After a test: the log says the same as the state, and a snapshot keeps all of it.
    fn is_its_log(&self) {
        assert_eq!(*self.room(), replayed(&self.log));
        let restored = Room::from_snapshot(&self.room().to_snapshot().unwrap()).unwrap();
        assert!(restored.open_motions().eq(self.room().open_motions()));
        assert_eq!(restored.due_at(), self.room().due_at());
    }
}

fn verdicts(events: &[Event]) -> Vec<(DecisionId, Verdict)> {
    let decided = events.iter().filter_map(|event| match event {
        Event::Decided(decided) => Some((decided.decision, decided.verdict)),
        _ => None,
    });
    decided.collect()
}

fn the_end(events: &[Event]) -> &Decided {
    let end = events.iter().find_map(|event| match event {
        Event::Decided(decided) => Some(&**decided),
        _ => None,
    });
    end.unwrap_or_else(|| panic!("not decided by {:?}", kinds(events)))
}

/// A room with a motion that has everything, one that has ended, and a critique of a post.
pub(super) fn one_of_everything() -> Scene {
    let mut scene = team_with_reviewer(&["bob", "cid"]);
    scene.done("ann", RoomCommand::Post(a_post("a plan", 3)));
    let target = Target::Message(message(3));
    scene.done("bob", critique(5, target, Severity::Minor));
    scene.done("ann", propose(1, VoteType::Weighted));
    scene.done("ann", withdraw(1));
    scene.done("ann", propose(2, VoteType::SimpleMajority));
    let rival = Propose {
        alternative_to: Some(decision(2)),
        quorum: Some(2),
        ..motion(3, VoteType::Quorum)
    };
    scene.done("bob", RoomCommand::Propose(rival));
    scene.done("bob", vote(3, Choice::Abstain));
    scene.done("bob", amend(3, 1, "another text"));
    scene.done("cid", adopt(3, 1, Consent::Reject));
    scene.done("rev", block(6, 3));
    scene.done("cid", waive(6));
    scene.done("cid", argue(3, Side::For));
    scene.done("cid", leave());
    scene
}
