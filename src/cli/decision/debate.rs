//! `agent-bridge decision argue`, `critique`, `resolve` and `waive`

use bridge_core::decision::{Severity, Side, Target};
use bridge_core::text::{Evidence, MessageText};
use bridge_core::{CritiqueId, DecisionId, IdempotencyKey, RoomId};

use super::args::{ArgueArgs, CritiqueArgs, PlaceArgs, SettleArgs};
use crate::cli::context::Context;
use crate::cli::input::text_or_stdin;
use crate::cli::show::visible;
use crate::client::{ClientError, NewCritique, RestClient, Settled};

/// Something for or against a decision.
pub(super) struct Argument {
    decision: DecisionId,
    side: Side,
    text: MessageText,
    evidence: Vec<Evidence>,
    key: Option<IdempotencyKey>,
}

impl Argument {
    pub(super) fn new(args: ArgueArgs) -> Result<Self, ClientError> {
        let ArgueArgs {
            decision,
            side,
            text,
            evidence,
            key,
        } = args;
        Ok(Self {
            decision,
            side,
            text: text.read()?,
            evidence,
            key,
        })
    }
}

pub(super) async fn argue(context: &mut Context, new: &Argument) -> Result<(), ClientError> {
    let rest = &context.connection.rest;
    let id = new.decision;
    let room = rest.decision(id).await?.facts.room;
    let said = (new.side, &new.text);
    let answer = rest
        .argue((&room, id), said, &new.evidence, new.key.clone())
        .await?;
    let side = new.side;
    context
        .output
        .answer(&answer, |_| Ok(format!("spoke {side} {id}")))
}

/// Something that is held against a decision or a message.
pub(super) struct Critique {
    target: Target,
    room: Option<RoomId>,
    severity: Severity,
    text: MessageText,
    key: Option<IdempotencyKey>,
}

impl Critique {
    pub(super) fn new(args: CritiqueArgs) -> Result<Self, ClientError> {
        let CritiqueArgs {
            target,
            severity,
            text,
            room,
            key,
        } = args;
        if room.is_none() && target.decision().is_none() {
            let why = "a message is looked for in one room: --room says in which";
            return Err(ClientError::Input(why.to_owned()));
        }
        Ok(Self {
            target,
            room,
            severity,
            text: text.read()?,
            key,
        })
    }
}

pub(super) async fn critique(context: &mut Context, new: &Critique) -> Result<(), ClientError> {
    let rest = &context.connection.rest;
    let room = room_of(rest, new.room.as_ref(), new.target.decision()).await?;
    let made = NewCritique {
        room: &room,
        target: new.target,
        severity: new.severity,
        text: &new.text,
    };
    let answer = rest.critique(made, new.key.clone()).await?;
    context.output.answer(&answer, |_| {
        let id = visible(answer["critique"].as_str().unwrap_or_default());
        let severity = new.severity;
        Ok(format!(
            "{severity} {id}; when it is met: agent-bridge decision resolve {id} --room {room}"
        ))
    })
}

/// What one says of a critique.
pub(super) struct Answer {
    critique: CritiqueId,
    place: PlaceArgs,
    settled: Settled,
    text: Option<MessageText>,
}

impl Answer {
    pub(super) fn new(args: SettleArgs, settled: Settled) -> Result<Self, ClientError> {
        let SettleArgs {
            critique,
            text,
            place,
        } = args;
        let text = match text {
            None => None,
            given => {
                let text = text_or_stdin(given)?;
                let invalid = |why| ClientError::Input(format!("the text {why}"));
                Some(text.parse().map_err(invalid)?)
            }
        };
        Ok(Self {
            critique,
            place,
            settled,
            text,
        })
    }
}

pub(super) async fn settle(context: &mut Context, new: &Answer) -> Result<(), ClientError> {
    let rest = &context.connection.rest;
    let id = new.critique;
    let room = room_of(rest, new.place.room.as_ref(), new.place.decision).await?;
    let answer = rest
        .settle(&room, id, new.settled, new.text.as_ref())
        .await?;
    context.output.answer(&answer, |_| {
        Ok(match new.settled {
            Settled::Resolve => format!("{id} is resolved"),
            Settled::Waive if answer["suffices"] == true => format!("{id} is waived"),
            Settled::Waive => {
                format!("you waive {id}; it stands until more than half of those who may vote do")
            }
        })
    })
}

/// The room that was named, or that of a decision.
async fn room_of(
    rest: &RestClient,
    named: Option<&RoomId>,
    decision: Option<DecisionId>,
) -> Result<RoomId, ClientError> {
    match (named, decision) {
        (Some(room), _) => Ok(room.clone()),
        (None, Some(id)) => Ok(rest.decision(id).await?.facts.room),
        (None, None) => Err(ClientError::Input("--room says in which room".to_owned())),
    }
}
