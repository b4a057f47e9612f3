//! Direct messages from the command line.

mod args;
mod help;
mod values;

mod ask;
mod dead_letters;
mod inbox;
mod listen;
mod message;
mod send;

use std::process::ExitCode;

use bridge_core::text::MessageText;
use clap::Args;

pub use args::MailCommand;

use args::{Client, ContentArgs, MessageCommand};

use super::connection::{self, until_interrupted};
use super::context::{self, Context};
use super::input;
use crate::client::{ClientError, NewMessage};
use bridge_core::message::{Body, Recipients};

/// Does what the arguments say.
#[must_use]
pub fn run(command: MailCommand) -> ExitCode {
    match command {
        MailCommand::Send(client) => carry_out(*client, |context, args| {
            // Before the runtime takes over Ctrl-C: reading standard input can last.
            let new = send::message(args)?;
            until_interrupted(send::send(context, &new))
        }),
        MailCommand::Ask(client) => carry_out(*client, |context, args| {
            let question = ask::Question::new(args)?;
            until_interrupted(ask::ask(context, &question))
        }),
        // It ends by Ctrl-C, and says goodbye then.
        MailCommand::Listen(client) => carry_out(*client, |context, args| {
            connection::runtime()?.block_on(listen::listen(context, args))
        }),
        MailCommand::Inbox(client) => carry_out(*client, |context, args| {
            until_interrupted(inbox::inbox(context, &args))
        }),
        MailCommand::Message(client) => carry_out(*client, |context, args| match args.command {
            MessageCommand::Show(args) => until_interrupted(message::show(context, &args)),
            MessageCommand::Ack(args) => until_interrupted(message::ack(context, &args)),
        }),
        MailCommand::DeadLetters(client) => carry_out(*client, |context, args| {
            until_interrupted(dead_letters::dead_letters(context, &args))
        }),
    }
}

fn carry_out<T: Args>(
    client: Client<T>,
    work: impl FnOnce(&mut Context, T) -> Result<(), ClientError>,
) -> ExitCode {
    let Client {
        connection,
        output,
        args,
    } = client;
    context::run(connection, &output, |context| work(context, args))
}

/// What somebody wants to say. What the server would refuse is refused here, with a word about which
/// argument it was.
fn new_message(
    to: Recipients,
    text: Option<String>,
    content: ContentArgs,
) -> Result<NewMessage, ClientError> {
    let ContentArgs {
        payload,
        priority,
        reply_to,
        keep,
        metadata,
        trace,
        key,
    } = content;
    let body = match payload {
        Some(payload) => Body::Payload(input::payload(&payload)?),
        None => {
            let text: MessageText = input::text_or_stdin(text)?
                .parse()
                .map_err(|why| ClientError::Input(format!("the text {why}")))?;
            Body::Text(text)
        }
    };
    Ok(NewMessage {
        priority: priority.unwrap_or_default(),
        reply_to,
        keep,
        trace,
        metadata: metadata.as_deref().map(input::metadata).transpose()?,
        key,
        ..NewMessage::new(to, body)
    })
}

#[cfg(test)]
mod tests;
