//! `agent-bridge decision propose`

use bridge_core::RoomId;

use super::args::ProposeArgs;
use crate::cli::context::Context;
use crate::client::{ClientError, NewDecision};

/// What is proposed, and where.
pub(super) fn motion(args: ProposeArgs) -> Result<(RoomId, NewDecision), ClientError> {
    let ProposeArgs {
        room,
        text,
        vote_type,
        quorum,
        deadline,
        exclude_proposer,
        alternative_to,
        channel,
        key,
    } = args;
    let new = NewDecision {
        channel,
        vote_type,
        quorum,
        deadline_seconds: deadline,
        exclude_proposer,
        alternative_to,
        key,
        ..NewDecision::new(text.read()?)
    };
    Ok((room, new))
}

pub(super) async fn propose(
    context: &mut Context,
    room: &RoomId,
    new: &NewDecision,
) -> Result<(), ClientError> {
    let proposed = context.connection.rest.propose(room, new).await?;
    let facts = &proposed.facts;
    context
        .output
        .answer(&proposed.answer, |_| Ok(facts.decision.to_string()))?;
    if let Some(warning) = &facts.warning
        && !context.output.is_json()
    {
        context.output.remark(&format!("note: {}", warning.message));
    }
    Ok(())
}
