//! The arguments of `agent-bridge decision`.

use bridge_core::decision::{Choice, Severity, Side, State, Target, VoteType};
use bridge_core::text::{Evidence, MessageText, Reason};
use bridge_core::{ChannelName, CritiqueId, DecisionId, IdempotencyKey, RoomId, limits};
use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::{Args, Subcommand};

use super::help;
use crate::cli::connection::ConnectionArgs;
use crate::cli::input;
use crate::cli::lasting;
use crate::cli::output::OutputArgs;
use crate::client::ClientError;

/// `agent-bridge decision`
#[derive(Debug, Args)]
#[command(after_help = help::DECISION)]
pub struct DecisionArgs {
    /// The server, and who one is.
    #[command(flatten)]
    pub connection: ConnectionArgs,
    /// In which form answers are shown.
    #[command(flatten)]
    pub output: OutputArgs,
    /// What to do.
    #[command(subcommand)]
    pub command: DecisionCommand,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum DecisionCommand {
    /// Put a motion to the vote in a room
    #[command(after_help = help::PROPOSE)]
    Propose(ProposeArgs),
    /// List the decisions of a room, the newest first
    List(ListArgs),
    /// Show a decision: its text, who has voted what, and what it waits for
    #[command(after_help = help::SHOW)]
    Show(ShowArgs),
    /// Vote; a later ballot replaces an earlier one
    #[command(after_help = help::VOTE)]
    Vote(VoteArgs),
    /// Propose another text
    #[command(after_help = help::AMEND)]
    Amend(AmendArgs),
    /// Say whether an amendment is to be adopted
    #[command(after_help = help::ADOPT)]
    Adopt(AdoptArgs),
    /// Speak for or against a decision
    #[command(after_help = help::ARGUE)]
    Argue(ArgueArgs),
    /// Criticise a decision, or a message; a blocking critique holds an approval back
    #[command(after_help = help::CRITIQUE)]
    Critique(CritiqueArgs),
    /// Say that your critique is met
    #[command(after_help = help::SETTLE)]
    Resolve(SettleArgs),
    /// Say that a critique need not be met
    #[command(after_help = help::SETTLE)]
    Waive(SettleArgs),
    /// Take a motion back; only its proposer may, and only before the first ballot
    Withdraw(ShowArgs),
}

/// A text: an argument, a file, or standard input.
#[derive(Debug, Args)]
pub struct TextArgs {
    /// What to say; `-`, or nothing and a pipe, reads standard input
    #[arg(conflicts_with = "file")]
    text: Option<String>,
    /// Take the text from a file, to the letter
    #[arg(long, value_name = "FILE")]
    file: Option<String>,
}

impl TextArgs {
    /// The text.
    ///
    /// # Errors
    /// When there is none, or it is no text that the server would take.
    pub fn read(self) -> Result<MessageText, ClientError> {
        let text = match self.file {
            Some(path) => input::text_file(&path)?,
            None => input::text_or_stdin(self.text)?,
        };
        text.parse()
            .map_err(|why| ClientError::Input(format!("the text {why}")))
    }
}

/// `decision propose`
#[derive(Debug, Args)]
pub struct ProposeArgs {
    /// Which room
    pub room: RoomId,
    /// The text.
    #[command(flatten)]
    pub text: TextArgs,
    /// What it takes to be approved [default: simple_majority]
    #[arg(long, value_name = "TYPE", value_parser = vote_type())]
    pub vote_type: Option<VoteType>,
    /// How many must have voted, with the vote type quorum [default: half of them, and two at least]
    #[arg(long, value_name = "N")]
    pub quorum: Option<u32>,
    /// How long it may be voted on: seconds, or a number with s, m, h or d [default: 1d]
    #[arg(long, value_name = "TIME", value_parser = decision_seconds)]
    pub deadline: Option<u32>,
    /// Have no vote on it yourself
    #[arg(long)]
    pub exclude_proposer: bool,
    /// An open decision: when one of the two is approved, the other is superseded
    #[arg(long, value_name = "DECISION")]
    pub alternative_to: Option<DecisionId>,
    /// Where in the room it belongs [default: main]
    #[arg(long, value_name = "CHANNEL")]
    pub channel: Option<ChannelName>,
    /// Under which a repeat of this motion is recognised [default: a new one]
    #[arg(long, value_name = "KEY")]
    pub key: Option<IdempotencyKey>,
}

/// `decision list`
#[derive(Debug, Args)]
pub struct ListArgs {
    /// Which room
    pub room: RoomId,
    /// Only those that are this
    #[arg(long, value_parser = state())]
    pub state: Option<State>,
    /// How many at most
    #[arg(long, value_name = "N", default_value_t = 50,
        value_parser = clap::value_parser!(u64).range(1..))]
    pub limit: u64,
}

/// A command about a decision and nothing else.
#[derive(Debug, Args)]
pub struct ShowArgs {
    /// Which decision
    pub decision: DecisionId,
}

/// `decision vote`
#[derive(Debug, Args)]
pub struct VoteArgs {
    /// Which decision
    pub decision: DecisionId,
    /// Your ballot
    #[arg(value_parser = choice())]
    pub choice: Choice,
    /// The version of the text that you have read [default: the one that is printed first]
    #[arg(long, value_name = "N")]
    pub version: Option<u32>,
    /// Why; a veto must say it
    #[arg(long)]
    pub reason: Option<Reason>,
}

/// `decision amend`
#[derive(Debug, Args)]
pub struct AmendArgs {
    /// Which decision
    pub decision: DecisionId,
    /// The text.
    #[command(flatten)]
    pub text: TextArgs,
    /// The version that it would replace [default: the one that stands]
    #[arg(long, value_name = "N")]
    pub version: Option<u32>,
    /// Under which a repeat of this amendment is recognised [default: a new one]
    #[arg(long, value_name = "KEY")]
    pub key: Option<IdempotencyKey>,
}

/// `decision adopt`
#[derive(Debug, Args)]
pub struct AdoptArgs {
    /// Which decision
    pub decision: DecisionId,
    /// The number of the amendment
    pub amendment: u32,
    /// Say that it is not to be adopted
    #[arg(long)]
    pub reject: bool,
}

/// `decision argue`
#[derive(Debug, Args)]
pub struct ArgueArgs {
    /// Which decision
    pub decision: DecisionId,
    /// For what you speak
    #[arg(value_parser = side())]
    pub side: Side,
    /// The text.
    #[command(flatten)]
    pub text: TextArgs,
    /// What it rests on: a link, or the id of a file; up to ten of them
    #[arg(long, value_name = "LINK|ID")]
    pub evidence: Vec<Evidence>,
    /// Under which a repeat of this argument is recognised [default: a new one]
    #[arg(long, value_name = "KEY")]
    pub key: Option<IdempotencyKey>,
}

/// `decision critique`
#[derive(Debug, Args)]
pub struct CritiqueArgs {
    /// Of what: the id of a decision, or of a message
    #[arg(value_name = "DECISION|MSG")]
    pub target: Target,
    /// How much weight it has
    #[arg(value_parser = severity())]
    pub severity: Severity,
    /// The text.
    #[command(flatten)]
    pub text: TextArgs,
    /// The room; a decision is found without it, a message is not
    #[arg(long, value_name = "ROOM")]
    pub room: Option<RoomId>,
    /// Under which a repeat of this critique is recognised [default: a new one]
    #[arg(long, value_name = "KEY")]
    pub key: Option<IdempotencyKey>,
}

/// `decision resolve`, and `decision waive`
#[derive(Debug, Args)]
pub struct SettleArgs {
    /// Which critique
    pub critique: CritiqueId,
    /// What there is to say about it; `-` reads standard input
    pub text: Option<String>,
    /// Where it was made.
    #[command(flatten)]
    pub place: PlaceArgs,
}

/// Where a critique was made: its id does not say it.
#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
pub struct PlaceArgs {
    /// The room in which it was made
    #[arg(long, value_name = "ROOM")]
    pub room: Option<RoomId>,
    /// The decision that it is of
    #[arg(long, value_name = "DECISION")]
    pub decision: Option<DecisionId>,
}

/// A value out of a list of words, as `--help` shows them.
macro_rules! words {
    ($name:ident, $type:ident) => {
        fn $name() -> impl TypedValueParser<Value = $type> {
            let words = $type::ALL.iter().map(|one| one.as_str());
            PossibleValuesParser::new(words).try_map(|word| {
                let found = $type::ALL.iter().find(|one| one.as_str() == word);
                found.copied().ok_or("is none of them")
            })
        }
    };
}

words!(vote_type, VoteType);
words!(state, State);
words!(choice, Choice);
words!(side, Side);
words!(severity, Severity);

fn decision_seconds(text: &str) -> Result<u32, String> {
    match lasting::seconds(text, limits::DECISION_SECONDS_MAX)? {
        0 => Err("must be a second at least".to_owned()),
        some => Ok(some),
    }
}
