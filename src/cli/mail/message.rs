//! `agent-bridge message`

use std::time::Duration;

use bridge_core::message::AckStage;
use tokio::time::Instant;

use super::args::{AckArgs, ShowArgs};
use crate::cli::context::Context;
use crate::cli::show::timeline;
use crate::client::{ClientError, Looks};

pub(super) async fn show(context: &mut Context, args: &ShowArgs) -> Result<(), ClientError> {
    let rest = &context.connection.rest;
    let tracked = match args.wait {
        None => rest.message(args.id).await?,
        Some(seconds) => {
            let until = Instant::now() + Duration::from_secs(seconds.into());
            rest.until_ended(args.id, until, Looks::Seldom, |_| {})
                .await?
        }
    };
    context
        .output
        .answer(&tracked.answer, |paint| Ok(timeline(&tracked.facts, paint)))
}

pub(super) async fn ack(context: &mut Context, args: &AckArgs) -> Result<(), ClientError> {
    let AckArgs { id, stage, reason } = args;
    let rest = &context.connection.rest;
    let stage = AckStage::from(*stage);
    let answer = rest.acknowledge(*id, stage, reason.as_ref()).await?;
    context.output.answer(&answer, |_| {
        Ok(match stage {
            AckStage::Seen => format!("{id} is seen"),
            AckStage::Done => format!("{id} is done"),
            AckStage::Failed => format!("{id} has failed, and is handed over again later"),
        })
    })
}
