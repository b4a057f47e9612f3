//! `agent-bridge listen`

use bridge_core::message::{AckStage, Recipients};
use serde_json::json;

use super::args::ListenArgs;
use crate::cli::context::Context;
use crate::cli::show::{message_json, message_line, receipt_json, receipt_line};
use crate::cli::signals;
use crate::client::{ClientError, Heard, Listen};
use crate::wire::frame::{Message, ReceiptBody, ResumedBody};

/// What is listened to, and what for.
struct Ear {
    args: ListenArgs,
    printed: u64,
    had_session: bool,
}

pub(super) async fn listen(context: &mut Context, args: ListenArgs) -> Result<(), ClientError> {
    let connection = &context.connection;
    let mut listen = Listen::new(&connection.address, &connection.client, &connection.token);
    let mut ear = Ear {
        args,
        printed: 0,
        had_session: false,
    };
    let interrupted = signals::told_to_stop();
    tokio::pin!(interrupted);
    // What was printed is acknowledged before the command ends by itself.
    while !ear.has_enough() || listen.owes() {
        let heard = tokio::select! {
            heard = listen.next() => heard?,
            told = &mut interrupted => {
                told?;
                break;
            }
        };
        ear.hear(context, &mut listen, heard)?;
    }
    listen.close().await;
    Ok(())
}

impl Ear {
    fn has_enough(&self) -> bool {
        self.args.count.is_some_and(|count| self.printed >= count)
    }

    fn hear(
        &mut self,
        context: &mut Context,
        listen: &mut Listen,
        heard: Heard,
    ) -> Result<(), ClientError> {
        match heard {
            Heard::Began(broadcast) => self.began(context, &broadcast),
            // It has come before the last acknowledgement was known to be durable; it comes again.
            Heard::Message { .. } if self.has_enough() => Ok(()),
            Heard::Message { message, is_repeat } => {
                self.message(context, listen, &message, is_repeat)
            }
            Heard::Receipt(receipt) if self.args.receipts => print_receipt(context, &receipt),
            Heard::Receipt(_) | Heard::Acknowledged(_) => Ok(()),
            Heard::NotAcknowledged { id, refusal } => {
                let note = format!("{id} is not acknowledged: {refusal}");
                context.output.remark(&note);
                Ok(())
            }
            Heard::Disconnected { why, pause } => {
                let seconds = pause.as_secs_f32();
                let note = format!("{why}; trying again in {seconds:.1} s");
                context.output.remark(&note);
                Ok(())
            }
        }
    }

    fn message(
        &mut self,
        context: &mut Context,
        listen: &mut Listen,
        message: &Message,
        is_repeat: bool,
    ) -> Result<(), ClientError> {
        let from = self.args.from.as_ref();
        if from.is_some_and(|from| !from.as_str().eq_ignore_ascii_case(&message.from)) {
            return Ok(());
        }
        let output = &mut context.output;
        match (is_repeat, output.is_json()) {
            (false, false) => output.line(&message_line(message, output.paint()))?,
            (false, true) => output.json_line(&message_json(message))?,
            (true, false) => {}
            (true, true) => output.json_line(&json!({
                "type": "repeated", "id": message.id, "from": message.from,
                "attempt": message.attempt,
            }))?,
        }
        self.printed += u64::from(!is_repeat);
        // A message to all has no stages: the server keeps a cursor for each client.
        if let Some(stage) = self.args.ack
            && message.to != Recipients::All
        {
            listen.acknowledge(message.id, AckStage::from(stage));
        }
        Ok(())
    }

    fn began(&mut self, context: &mut Context, broadcast: &ResumedBody) -> Result<(), ClientError> {
        let again = std::mem::replace(&mut self.had_session, true);
        let client = &context.connection.client;
        if context.output.is_json() {
            return context.output.json_line(&json!({
                "type": "listening", "client": client, "broadcast": broadcast, "again": again,
            }));
        }
        if !broadcast.complete {
            let note = "not complete: messages to all were missed that the log no longer has";
            context.output.remark(note);
        } else if again {
            context.output.remark("connected again");
        }
        Ok(())
    }
}

fn print_receipt(context: &mut Context, receipt: &ReceiptBody) -> Result<(), ClientError> {
    let output = &mut context.output;
    if output.is_json() {
        return output.json_line(&receipt_json(receipt));
    }
    output.line(&receipt_line(receipt, output.paint()))
}
