//! `agent-bridge ask`

use std::io::{self, IsTerminal, Write};
use std::time::Duration;

use bridge_core::limits;
use bridge_core::message::{AckStage, Recipients, Stage};

use super::args::AskArgs;
use crate::cli::context::Context;
use crate::cli::show::{body, visible};
use crate::client::message::RecipientFacts;
use crate::client::{ClientError, Looks, MessageFacts, NewMessage, ask as client};

/// A question, and how long its answer may take.
pub(super) struct Question {
    message: NewMessage,
    within: Duration,
}

impl Question {
    pub(super) fn new(args: AskArgs) -> Result<Self, ClientError> {
        let AskArgs {
            to,
            text,
            timeout,
            content,
        } = args;
        let message = NewMessage {
            // A message must not end before its answer is due.
            ttl_seconds: (timeout > limits::TTL_SECONDS_DEFAULT).then_some(timeout),
            ..super::new_message(Recipients::one(to), text, content)?
        };
        let within = Duration::from_secs(timeout.into());
        Ok(Self { message, within })
    }
}

pub(super) async fn ask(context: &mut Context, question: &Question) -> Result<(), ClientError> {
    let rest = &context.connection.rest;
    let is_watched = io::stderr().is_terminal() && !context.output.is_json();
    let looks = if is_watched {
        Looks::Often
    } else {
        Looks::Seldom
    };
    let mut line = StageLine::default();
    let tell = |facts: &MessageFacts| {
        if is_watched {
            line.show(facts);
        }
    };
    let Question { message, within } = question;
    let reply = client::ask(rest, message, *within, looks, tell).await;
    drop(line);
    let reply = reply?;
    let facts = &reply.facts;
    context
        .output
        .answer(&reply.answer, |_| Ok(body(facts, "")))?;
    // It is on the screen, or in a program's hands: whatever goes wrong now is no failure to ask.
    let done = rest.acknowledge(facts.id, AckStage::Done, None).await;
    if let Err(why) = done {
        let note = format!("note: the answer {} stays in your mailbox: {why}", facts.id);
        context.output.remark(&note);
    }
    Ok(())
}

/// The stages of a question in one line of stderr, which grows.
#[derive(Debug, Default)]
struct StageLine {
    shown: Option<(Stage, u32)>,
}

impl StageLine {
    fn show(&mut self, facts: &MessageFacts) {
        let Some(way) = facts.recipients.first() else {
            return;
        };
        if let Some(more) = self.more(facts, way) {
            let mut err = io::stderr().lock();
            // When stderr is gone, there is nobody left to be told.
            drop(write!(err, "{more}").and_then(|()| err.flush()));
        }
    }

    /// What is new since the last look.
    fn more(&mut self, facts: &MessageFacts, way: &RecipientFacts) -> Option<String> {
        let now = (way.stage, way.attempts);
        let before = self.shown.replace(now);
        let stage = match now {
            (Stage::Delivered, attempt @ 2..) => format!("delivered (attempt {attempt})"),
            (stage, _) => stage.to_string(),
        };
        match before {
            None => {
                let client = visible(&way.client);
                Some(format!("{} to {client}: {stage}", facts.id))
            }
            Some(before) if before == now => None,
            Some(_) => Some(format!(" → {stage}")),
        }
    }
}

impl Drop for StageLine {
    fn drop(&mut self) {
        if self.shown.is_some() {
            drop(writeln!(io::stderr()));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_line_of_stages_grows() {
        let facts = |stage: &str, attempts: u32| -> MessageFacts {
            serde_json::from_value(json!({
                "id": "msg_00000000000000000000000000000001", "from": "ann", "to": "bob",
                "text": "x", "kind": "message", "priority": 1, "at": "x", "expires_at": "x",
                "recipients": [{ "client": "bob\u{1b}", "stage": stage, "attempts": attempts }],
            }))
            .expect("a message")
        };
        let mut line = StageLine::default();
        let mut all = String::new();
        for (stage, attempts) in [
            ("stored", 0),
            ("stored", 0),
            ("delivered", 1),
            ("delivered", 2),
            ("seen", 2),
            ("done", 2),
        ] {
            let facts = facts(stage, attempts);
            all.extend(line.more(&facts, &facts.recipients[0]));
        }
        let expected = "msg_00000000000000000000000000000001 to bob␛: \
                        stored → delivered → delivered (attempt 2) → seen → done";
        assert_eq!(all, expected);
    }
}
