//! `agent-bridge decision vote`

use super::args::VoteArgs;
use super::now;
use crate::cli::context::Context;
use crate::cli::show::{Paint, decision_outlook, quoted, state_word};
use crate::client::{ClientError, Decision, DecisionFacts};

pub(super) async fn vote(context: &mut Context, args: &VoteArgs) -> Result<(), ClientError> {
    let VoteArgs {
        decision: id,
        choice,
        version,
        reason,
    } = args;
    let read = context.connection.rest.decision(*id).await?;
    let version = match version {
        Some(version) => *version,
        None => {
            print(context, &read.facts)?;
            read.facts.version
        }
    };
    let rest = &context.connection.rest;
    let place = (&read.facts.room, *id);
    let voted = rest.vote(place, version, *choice, reason.as_ref()).await?;
    context.output.answer(&voted.answer, |paint| {
        let words = format!("voted {choice} on version {version}");
        Ok(outcome(&words, &voted, paint))
    })
}

/// What one is about to vote on. Programs find it in the answer; it is not to stand before that.
fn print(context: &mut Context, facts: &DecisionFacts) -> Result<(), ClientError> {
    let DecisionFacts {
        decision,
        version,
        sha256,
        text,
        ..
    } = facts;
    let title = format!("version {version} of {decision}, sha256 {sha256}");
    if context.output.is_json() {
        context.output.remark(&format!("voting on {title}"));
        return Ok(());
    }
    let title = context
        .output
        .paint()
        .dim(&crate::cli::show::visible(&title));
    context.output.line(&format!("{title}\n{}", quoted(text)))
}

/// What was done, and what became of the decision.
pub(super) fn outcome(words: &str, decision: &Decision, paint: Paint) -> String {
    let facts = &decision.facts;
    let state = state_word(facts.state, paint);
    let mut lines = vec![format!("{words}; {} is {state}", facts.decision)];
    lines.extend(decision_outlook(facts, now(), paint));
    lines.join("\n")
}
