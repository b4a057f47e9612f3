//! `agent-bridge decision`: motions, ballots and what is said about them, from the command line.

mod args;
mod help;

mod amend;
mod debate;
mod list;
mod propose;
mod show;
mod vote;

use std::process::ExitCode;

use bridge_core::Timestamp;
use bridge_core::ports::Clock;

pub use args::{DecisionArgs, DecisionCommand};

use super::connection::until_interrupted;
use super::context::{self, Context};
use crate::client::{ClientError, Settled};
use crate::system::SystemClock;

/// Does what the arguments say.
#[must_use]
pub fn run(args: DecisionArgs) -> ExitCode {
    let DecisionArgs {
        connection,
        output,
        command,
    } = args;
    context::run(connection, &output, |context| carry_out(context, command))
}

/// Texts are read before the runtime takes over Ctrl-C: reading standard input can last.
fn carry_out(context: &mut Context, command: DecisionCommand) -> Result<(), ClientError> {
    match command {
        DecisionCommand::Propose(args) => {
            let (room, new) = propose::motion(args)?;
            until_interrupted(propose::propose(context, &room, &new))
        }
        DecisionCommand::List(args) => until_interrupted(list::list(context, &args)),
        DecisionCommand::Show(args) => until_interrupted(show::show(context, &args)),
        DecisionCommand::Vote(args) => until_interrupted(vote::vote(context, &args)),
        DecisionCommand::Amend(args) => {
            let new = amend::Amendment::new(args)?;
            until_interrupted(amend::amend(context, &new))
        }
        DecisionCommand::Adopt(args) => until_interrupted(amend::adopt(context, &args)),
        DecisionCommand::Argue(args) => {
            let new = debate::Argument::new(args)?;
            until_interrupted(debate::argue(context, &new))
        }
        DecisionCommand::Critique(args) => {
            let new = debate::Critique::new(args)?;
            until_interrupted(debate::critique(context, &new))
        }
        DecisionCommand::Resolve(args) => {
            let answer = debate::Answer::new(args, Settled::Resolve)?;
            until_interrupted(debate::settle(context, &answer))
        }
        DecisionCommand::Waive(args) => {
            let answer = debate::Answer::new(args, Settled::Waive)?;
            until_interrupted(debate::settle(context, &answer))
        }
        DecisionCommand::Withdraw(args) => until_interrupted(show::withdraw(context, &args)),
    }
}

fn now() -> Timestamp {
    SystemClock.now()
}
