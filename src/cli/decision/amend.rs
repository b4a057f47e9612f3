//! `agent-bridge decision amend` and `adopt`

use bridge_core::decision::Consent;
use bridge_core::text::MessageText;
use bridge_core::{DecisionId, IdempotencyKey};

use super::args::{AdoptArgs, AmendArgs};
use super::vote::outcome;
use crate::cli::context::Context;
use crate::client::ClientError;

/// Another text for a decision.
pub(super) struct Amendment {
    decision: DecisionId,
    text: MessageText,
    version: Option<u32>,
    key: Option<IdempotencyKey>,
}

impl Amendment {
    pub(super) fn new(args: AmendArgs) -> Result<Self, ClientError> {
        let AmendArgs {
            decision,
            text,
            version,
            key,
        } = args;
        Ok(Self {
            decision,
            text: text.read()?,
            version,
            key,
        })
    }
}

pub(super) async fn amend(context: &mut Context, new: &Amendment) -> Result<(), ClientError> {
    let rest = &context.connection.rest;
    let id = new.decision;
    let facts = rest.decision(id).await?.facts;
    let version = new.version.unwrap_or(facts.version);
    let place = (&facts.room, id);
    let answer = rest
        .amend(place, version, &new.text, new.key.clone())
        .await?;
    context.output.answer(&answer, |_| {
        let number = &answer["amendment"];
        Ok(format!(
            "amendment {number} of version {version}; it is adopted by: \
             agent-bridge decision adopt {id} {number}"
        ))
    })
}

pub(super) async fn adopt(context: &mut Context, args: &AdoptArgs) -> Result<(), ClientError> {
    let AdoptArgs {
        decision: id,
        amendment,
        reject,
    } = args;
    let choice = if *reject {
        Consent::Reject
    } else {
        Consent::Approve
    };
    let rest = &context.connection.rest;
    let before = rest.decision(*id).await?.facts;
    let after = rest.adopt((&before.room, *id), *amendment, choice).await?;
    context.output.answer(&after.answer, |paint| {
        let (from, to) = (before.version, after.facts.version);
        let words = match choice {
            Consent::Approve if to > from => {
                format!("adopted the amendment {amendment}: the text is version {to} now")
            }
            Consent::Approve => format!("said yes to the amendment {amendment}"),
            Consent::Reject => format!("said no to the amendment {amendment}"),
        };
        Ok(outcome(&words, &after, paint))
    })
}
