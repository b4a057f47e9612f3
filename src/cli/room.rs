//! `agent-bridge room`: rooms from the command line.

mod args;
mod input;
mod view;

mod browse;
mod manage;
mod messages;
mod policy;
mod tail;
mod thread;

use std::process::ExitCode;

pub use args::{RoomArgs, RoomCommand};

use super::connection;
use super::context::{self, Context};
use crate::client::ClientError;

/// Does what the arguments say.
#[must_use]
pub fn run(args: RoomArgs) -> ExitCode {
    let RoomArgs {
        connection,
        output,
        command,
    } = args;
    context::run(connection, &output, |context| carry_out(context, command))
}

fn carry_out(context: &mut Context, command: RoomCommand) -> Result<(), ClientError> {
    // Before the runtime takes over Ctrl-C: reading standard input can last.
    let command = input::read(command)?;
    let runtime = connection::runtime()?;
    let work = async {
        match command {
            // It ends by Ctrl-C, and says goodbye then.
            RoomCommand::Tail(args) => tail::tail(context, args).await,
            command => connection::unless_interrupted(dispatch(context, command)).await,
        }
    };
    runtime.block_on(work)
}

async fn dispatch(context: &mut Context, command: RoomCommand) -> Result<(), ClientError> {
    match command {
        RoomCommand::Create(args) => manage::create(context, args).await,
        RoomCommand::List(args) => browse::list(context, &args).await,
        RoomCommand::Show(args) => browse::show(context, &args).await,
        RoomCommand::Join(args) => manage::join(context, &args).await,
        RoomCommand::Leave(args) => manage::leave(context, &args).await,
        RoomCommand::Post(args) => messages::post(context, args).await,
        RoomCommand::Tail(args) => tail::tail(context, args).await,
        RoomCommand::History(args) => messages::history(context, &args).await,
        RoomCommand::Thread(args) => thread::thread(context, &args).await,
        RoomCommand::Policy(args) => policy::policy(context, *args).await,
        RoomCommand::Channel(args) => manage::channel(context, &args).await,
        RoomCommand::Grant(args) => manage::grant(context, &args).await,
        RoomCommand::Remove(args) => manage::remove(context, &args).await,
        RoomCommand::Close(args) => manage::close(context, &args).await,
    }
}
