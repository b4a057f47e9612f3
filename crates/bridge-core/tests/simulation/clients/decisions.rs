//! What clients want of decisions.

use bridge_core::command::{
    Adopt, Amend, Argue, Critique, Propose, Resolve, RoomCommand, Vote, Waive, Withdraw,
};
use bridge_core::decision::{Choice, Consent, Motion, Severity, Side, Target, VoteType};
use bridge_core::room::Room;
use bridge_core::{ChannelName, CritiqueId, DecisionId, MessageId};
use uuid::Uuid;

use crate::rng::Rng;

/// Something about a motion of the room, as far as it has shown them; often about the wrong one, too late,
/// or by somebody who may not.
pub(crate) fn wish(rng: &mut Rng, number: usize, room: &Room) -> RoomCommand {
    let motions: Vec<&Motion> = room.open_motions().collect();
    if motions.is_empty() || rng.one_in(8) {
        return propose(rng, number, &motions);
    }
    let motion = rng.pick(&motions);
    // Now and then one that there never was.
    let decision = match rng.one_in(30) {
        true => DecisionId::from_uuid(Uuid::from_u128(rng.below(400) as u128)),
        false => motion.id,
    };
    let version = motion.version - u32::from(rng.one_in(20));
    match rng.below(24) {
        0..13 => vote(rng, decision, version),
        13..15 => RoomCommand::Amend(Amend {
            decision,
            version,
            text: format!("wish {number}").parse().expect("a valid text"),
        }),
        15..18 => RoomCommand::Adopt(Adopt {
            decision,
            amendment: motion.amendments_total(),
            choice: rng.pick(Consent::ALL),
        }),
        18..20 => critique(rng, number, decision),
        20 | 21 => answer(rng, motion),
        22 => RoomCommand::Argue(Argue {
            decision,
            side: rng.pick(Side::ALL),
            text: format!("wish {number}").parse().expect("a valid text"),
            evidence: Vec::new(),
        }),
        _ => RoomCommand::Withdraw(Withdraw { decision }),
    }
}

fn propose(rng: &mut Rng, number: usize, motions: &[&Motion]) -> RoomCommand {
    let alternative_to = match motions.is_empty() || rng.one_in(2) {
        true => None,
        false => Some(rng.pick(motions).id),
    };
    RoomCommand::Propose(Propose {
        id: DecisionId::from_uuid(Uuid::nil()),
        channel: ChannelName::main(),
        text: format!("wish {number}").parse().expect("a valid text"),
        vote_type: rng.pick(VoteType::ALL),
        quorum: None,
        deadline_seconds: 1 + u32::try_from(rng.below(90)).expect("a small number"),
        exclude_proposer: rng.one_in(5),
        alternative_to,
    })
}

fn vote(rng: &mut Rng, decision: DecisionId, version: u32) -> RoomCommand {
    let choice = match rng.below(12) {
        0..7 => Choice::Approve,
        7 | 8 => Choice::Reject,
        9 => Choice::Abstain,
        // Few hold one.
        _ => Choice::Veto,
    };
    RoomCommand::Vote(Vote {
        decision,
        version,
        choice,
        reason: Some("a reason".parse().expect("a valid reason")),
    })
}

fn critique(rng: &mut Rng, number: usize, decision: DecisionId) -> RoomCommand {
    let guess = MessageId::from_uuid(Uuid::from_u128(rng.below(400) as u128));
    let target = match rng.one_in(3) {
        true => Target::Message(guess),
        false => Target::Decision(decision),
    };
    RoomCommand::Critique(Critique {
        id: CritiqueId::from_uuid(Uuid::nil()),
        target,
        severity: rng.pick(Severity::ALL),
        text: format!("wish {number}").parse().expect("a valid text"),
        target_seq: None,
    })
}

fn answer(rng: &mut Rng, motion: &Motion) -> RoomCommand {
    let standing: Vec<CritiqueId> = motion.critiques().keys().copied().collect();
    let critique = match standing.is_empty() {
        true => CritiqueId::from_uuid(Uuid::from_u128(rng.below(400) as u128)),
        false => rng.pick(&standing),
    };
    match rng.one_in(2) {
        true => RoomCommand::Resolve(Resolve {
            critique,
            text: None,
        }),
        false => RoomCommand::Waive(Waive {
            critique,
            text: None,
        }),
    }
}
