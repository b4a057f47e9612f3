//! The arguments of the commands about direct messages.

use bridge_core::message::{AckStage, MessageKind, Priority, Recipients, Trace};
use bridge_core::text::Reason;
use bridge_core::{ClientId, IdempotencyKey, MessageId};
use clap::{Args, Subcommand, ValueEnum};

use super::help;
use super::values::{one_client, priority, recipients, seconds};
use crate::cli::connection::ConnectionArgs;
use crate::cli::output::OutputArgs;

/// The commands.
#[derive(Debug, Subcommand)]
pub enum MailCommand {
    /// Send a direct message to a client, to several, or to all
    #[command(after_help = help::SEND)]
    Send(Box<Client<SendArgs>>),
    /// Ask a client something, and wait for its answer
    #[command(after_help = help::ASK)]
    Ask(Box<Client<AskArgs>>),
    /// Receive your messages live; it resumes by itself, and Ctrl-C ends it
    #[command(after_help = help::LISTEN)]
    Listen(Box<Client<ListenArgs>>),
    /// Look at what waits in your mailbox, without taking it
    #[command(after_help = help::INBOX)]
    Inbox(Box<Client<InboxArgs>>),
    /// Show what became of a message, or say how far you have come with it
    #[command(after_help = help::MESSAGE)]
    Message(Box<Client<MessageArgs>>),
    /// List the messages that were given up, with the reason of every attempt
    #[command(after_help = help::DEAD_LETTERS)]
    DeadLetters(Box<Client<DeadLettersArgs>>),
}

/// A command of a client.
#[derive(Debug, Args)]
pub struct Client<T: Args> {
    /// The server, and who one is.
    #[command(flatten)]
    pub connection: ConnectionArgs,
    /// In which form answers are shown.
    #[command(flatten)]
    pub output: OutputArgs,
    /// What to do.
    #[command(flatten)]
    pub args: T,
}

/// `send`
#[derive(Debug, Args)]
pub struct SendArgs {
    /// To whom: a client, several with commas between them, or all
    #[arg(value_name = "TO", value_parser = recipients)]
    pub to: Recipients,
    /// What to say; `-`, or nothing and a pipe, reads standard input
    #[arg(conflicts_with = "payload")]
    pub text: Option<String>,
    /// What it carries.
    #[command(flatten)]
    pub content: ContentArgs,
    /// What it is for [default: message]
    #[arg(long, value_enum)]
    pub kind: Option<KindArg>,
    /// How long it may wait: a number with s, m, h or d [default: 7d, and 1h for all]
    #[arg(long, value_name = "TIME", value_parser = seconds)]
    pub ttl: Option<u32>,
    /// It wants an answer; its sender is told when none comes
    #[arg(long)]
    pub expects_reply: bool,
    /// Until when: a number with s, m, h or d [default: until the message expires]
    #[arg(long, value_name = "TIME", value_parser = seconds, requires = "expects_reply")]
    pub deadline: Option<u32>,
}

/// What a message carries, whatever it is for.
#[derive(Debug, Args)]
pub struct ContentArgs {
    /// JSON for programs, in place of a text; @FILE reads a file, and @- standard input
    #[arg(long, value_name = "JSON|@FILE")]
    pub payload: Option<String>,
    /// How urgent it is, from 0 to 3; 3 comes first [default: 1]
    #[arg(long, value_name = "N", value_parser = priority)]
    pub priority: Option<Priority>,
    /// The message that it answers
    #[arg(long, value_name = "ID")]
    pub reply_to: Option<MessageId>,
    /// Keep it for a client that is not known yet
    #[arg(long)]
    pub keep: bool,
    /// A JSON object for programs that read the message
    #[arg(long, value_name = "JSON")]
    pub metadata: Option<String>,
    /// The trace of the message that this one follows from, when it answers none
    #[arg(long, value_name = "TRACE")]
    pub trace: Option<Trace>,
    /// Under which a repeat of this message is recognised [default: a new one]
    #[arg(long, value_name = "KEY")]
    pub key: Option<IdempotencyKey>,
}

/// [`MessageKind`] on the command line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum KindArg {
    /// You say something
    Message,
    /// You ask for something to be done
    Command,
    /// You answer
    Response,
}

impl From<KindArg> for MessageKind {
    fn from(arg: KindArg) -> Self {
        match arg {
            KindArg::Message => Self::Message,
            KindArg::Command => Self::Command,
            KindArg::Response => Self::Response,
        }
    }
}

/// `ask`
#[derive(Debug, Args)]
pub struct AskArgs {
    /// Whom: one client
    #[arg(value_name = "TO", value_parser = one_client)]
    pub to: ClientId,
    /// What to ask; `-`, or nothing and a pipe, reads standard input
    #[arg(conflicts_with = "payload")]
    pub text: Option<String>,
    /// How long to wait for the answer: a number with s, m, h or d
    #[arg(long, value_name = "TIME", default_value = "2m", value_parser = seconds)]
    pub timeout: u32,
    /// What it carries.
    #[command(flatten)]
    pub content: ContentArgs,
}

/// `listen`
#[derive(Debug, Args)]
pub struct ListenArgs {
    /// Acknowledge each message after it was printed [default: do not]
    #[arg(long, value_enum, value_name = "STAGE")]
    pub ack: Option<SettleArg>,
    /// Print the receipts of messages that you sent, too
    #[arg(long)]
    pub receipts: bool,
    /// Print, and acknowledge, only what this client sent
    #[arg(long, value_name = "CLIENT")]
    pub from: Option<ClientId>,
    /// End after so many messages
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub count: Option<u64>,
}

/// What may be said of many messages at once: nobody fails at all of them for the same reason.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum SettleArg {
    /// You have it; it is not handed over again
    Seen,
    /// You have finished with it
    Done,
}

impl From<SettleArg> for AckStage {
    fn from(arg: SettleArg) -> Self {
        match arg {
            SettleArg::Seen => Self::Seen,
            SettleArg::Done => Self::Done,
        }
    }
}

/// `inbox`
#[derive(Debug, Args)]
pub struct InboxArgs {
    /// Acknowledge each message after it was shown
    #[arg(long, value_enum, value_name = "STAGE")]
    pub ack: Option<SettleArg>,
    /// How many at most
    #[arg(long, value_name = "N", default_value_t = 50,
        value_parser = clap::value_parser!(u64).range(1..=500))]
    pub limit: u64,
}

/// `message`
#[derive(Debug, Args)]
pub struct MessageArgs {
    /// What to do.
    #[command(subcommand)]
    pub command: MessageCommand,
}

/// The commands about one message.
#[derive(Debug, Subcommand)]
pub enum MessageCommand {
    /// Show a message, and its way to each recipient
    #[command(after_help = help::MESSAGE_SHOW)]
    Show(ShowArgs),
    /// Say how far you have come with a message that you received
    #[command(after_help = help::MESSAGE_ACK)]
    Ack(AckArgs),
}

/// `message show`
#[derive(Debug, Args)]
pub struct ShowArgs {
    /// Which message
    pub id: MessageId,
    /// Wait until it has ended with every recipient, but not longer than this
    #[arg(long, value_name = "TIME", value_parser = seconds)]
    pub wait: Option<u32>,
}

/// `message ack`
#[derive(Debug, Args)]
pub struct AckArgs {
    /// Which message
    pub id: MessageId,
    /// How far you have come with it
    #[arg(value_enum)]
    pub stage: AckArg,
    /// What there is to say about it; its sender reads it when it failed
    #[arg(long)]
    pub reason: Option<Reason>,
}

/// [`AckStage`] on the command line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum AckArg {
    /// You have it; it is not handed over again
    Seen,
    /// You have finished with it
    Done,
    /// You could not do it; it is handed over again later
    Failed,
}

impl From<AckArg> for AckStage {
    fn from(arg: AckArg) -> Self {
        match arg {
            AckArg::Seen => Self::Seen,
            AckArg::Done => Self::Done,
            AckArg::Failed => Self::Failed,
        }
    }
}

/// `dead-letters`
#[derive(Debug, Args)]
pub struct DeadLettersArgs {
    /// Everybody's, not only those that you sent or were to get; needs the scope admin
    #[arg(long)]
    pub all: bool,
    /// How many at most
    #[arg(long, value_name = "N", default_value_t = 50,
        value_parser = clap::value_parser!(u64).range(1..))]
    pub limit: u64,
}
