//! `agent-bridge decision show` and `withdraw`

use super::args::ShowArgs;
use super::now;
use crate::cli::context::Context;
use crate::cli::show::decision_page;
use crate::client::ClientError;

pub(super) async fn show(context: &mut Context, args: &ShowArgs) -> Result<(), ClientError> {
    let decision = context.connection.rest.decision(args.decision).await?;
    context.output.answer(&decision.answer, |paint| {
        Ok(decision_page(&decision.facts, now(), paint))
    })
}

pub(super) async fn withdraw(context: &mut Context, args: &ShowArgs) -> Result<(), ClientError> {
    let id = args.decision;
    let rest = &context.connection.rest;
    let room = rest.decision(id).await?.facts.room;
    let answer = rest.withdraw(&room, id).await?;
    context
        .output
        .answer(&answer, |_| Ok(format!("withdrew {id}")))
}
