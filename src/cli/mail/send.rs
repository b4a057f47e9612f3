//! `agent-bridge send`

use bridge_core::message::{MessageKind, ReplyWanted};

use super::args::SendArgs;
use crate::cli::context::{self, Context};
use crate::client::{ClientError, NewMessage};
use crate::wire::frame::StoredBody;

pub(super) fn message(args: SendArgs) -> Result<NewMessage, ClientError> {
    let SendArgs {
        to,
        text,
        content,
        kind,
        ttl,
        expects_reply,
        deadline,
    } = args;
    let wanted = ReplyWanted {
        deadline_seconds: deadline,
    };
    Ok(NewMessage {
        kind: kind.map_or_else(MessageKind::default, MessageKind::from),
        ttl_seconds: ttl,
        expects_reply: expects_reply.then_some(wanted),
        ..super::new_message(to, text, content)?
    })
}

pub(super) async fn send(context: &mut Context, new: &NewMessage) -> Result<(), ClientError> {
    let answer = context.connection.rest.send_message(new).await?;
    let stored: StoredBody = context::read(&answer)?;
    context
        .output
        .answer(&answer, |_| Ok(stored.id.to_string()))?;
    if stored.duplicate && !context.output.is_json() {
        let note = "note: it was there already, under this key";
        context.output.remark(note);
    }
    Ok(())
}
