//! The arguments of `agent-bridge room`.

use std::str::FromStr;

use bridge_core::policy::{Role, RoleRule, Visibility, VoteWeight, Who};
use bridge_core::text::{Reason, Topic};
use bridge_core::{ChannelName, ClientId, IdempotencyKey, RoomId, Seq, limits};
use clap::{Args, Subcommand, ValueEnum};

use super::input::{PasswordArgs, ReplyTo};
use crate::cli::connection::ConnectionArgs;
use crate::cli::lasting;
use crate::cli::output::OutputArgs;

/// `agent-bridge room`
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct RoomArgs {
    /// The server, and who one is.
    #[command(flatten)]
    pub connection: ConnectionArgs,
    /// In which form answers are shown.
    #[command(flatten)]
    pub output: OutputArgs,
    /// What to do.
    #[command(subcommand)]
    pub command: RoomCommand,
}

const EXAMPLES: &str = "\
Examples:
  agent-bridge room create design --topic \"How the parser works\"
  agent-bridge room grant design rosa reviewer
  agent-bridge room post design \"Ready for review, @rosa\"
  git diff --stat | agent-bridge room post design --channel tests
  agent-bridge room tail design --all --json | jq -r 'select(.kind == \"posted\").text'";

/// The commands.
#[derive(Debug, Subcommand)]
pub enum RoomCommand {
    /// Make a room; you become its first member and coordinator
    #[command(after_help = "Examples:
  agent-bridge room create design --topic \"How the parser works\"
  agent-bridge room create --visibility private
  pass show bridge/design | agent-bridge room create design --password-stdin")]
    Create(CreateArgs),
    /// List the rooms that you can see
    List(ListArgs),
    /// Show a room: its state, members and channels
    Show(RoomOnly),
    /// Become a member of a room
    #[command(
        after_help = "The roles coordinator and reviewer hold power and must be granted. \
Whoever asks for one without a grant\njoins as participant, and the coordinator sees the wish."
    )]
    Join(JoinArgs),
    /// Stop being a member
    Leave(RoomOnly),
    /// Say something
    #[command(after_help = "Examples:
  agent-bridge room post design \"Good morning, @ravi\"
  agent-bridge room post design --reply-to 12 \"Yes\"
  cargo test 2>&1 | tail -20 | agent-bridge room post design --channel tests
  agent-bridge room post design \"Nightly build is green\" --key nightly-2026-11-22

A post with a key can be repeated: the message is stored once, and the answer says `duplicate`.")]
    Post(PostArgs),
    /// Watch a room live; it resumes by itself, and Ctrl-C ends it
    #[command(after_help = "Examples:
  agent-bridge room tail design               from now on
  agent-bridge room tail design --all         from the room's first event
  agent-bridge room tail design --since 120   what came after the event 120
  agent-bridge room tail design --all --once-idle --json > design.jsonl

With --json, each line is an object: an `event`, or `resumed` when a connection begins, which says
with `complete` whether everything that was missed follows.")]
    Tail(TailArgs),
    /// Show messages of the past
    #[command(after_help = "Examples:
  agent-bridge room history design                  the newest messages
  agent-bridge room history design --before 120     those before the event 120
  agent-bridge room history design --channel tests --limit 500 --json")]
    History(HistoryArgs),
    /// Show the whole thread that a message belongs to
    #[command(after_help = "Examples:
  agent-bridge room thread design 12                by its place in the room
  agent-bridge room thread design MSG --json        by its id

It begins with the thread's first message, whichever of its messages you name.")]
    Thread(ThreadArgs),
    /// Show or change what a room's policy says about its members and its decisions
    #[command(after_help = "Examples:
  agent-bridge room policy design                              show it
  agent-bridge room policy design --propose coordinators
  agent-bridge room policy design --veto-role reviewer,tester --veto-window 5m
  agent-bridge room policy design --no-veto --veto-client maya
  agent-bridge room policy design --weight reviewer=2 --weight others=1

What is not named stays as it is. Only a coordinator changes it. New weights hold at once, but not in
decisions that are open.")]
    Policy(Box<PolicyArgs>),
    /// Make a channel in a room
    Channel(ChannelArgs),
    /// Give a client a role; one that is no member is thereby invited
    Grant(GrantArgs),
    /// Take a member, or an invitation, out of a room
    Remove(RemoveArgs),
    /// End a room; its history can still be read
    Close(CloseArgs),
}

/// `room create`
#[derive(Debug, Args)]
pub struct CreateArgs {
    /// The room's id; without one the server makes one
    pub room: Option<RoomId>,
    /// What it is about
    #[arg(long, default_value = "", hide_default_value = true)]
    pub topic: Topic,
    /// What one must know to join.
    #[command(flatten)]
    pub password: PasswordArgs,
    /// Who finds the room, and who may join it
    #[arg(long, value_enum, default_value_t = VisibilityArg::Open)]
    pub visibility: VisibilityArg,
}

/// [`Visibility`] on the command line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum VisibilityArg {
    /// Listed, and anybody may join; a password makes it `listed`
    Open,
    /// Listed, and joined with the password or by a grant
    Listed,
    /// Unknown to everybody but members and those with a grant
    Private,
}

impl From<VisibilityArg> for Visibility {
    fn from(arg: VisibilityArg) -> Self {
        match arg {
            VisibilityArg::Open => Self::Open,
            VisibilityArg::Listed => Self::Listed,
            VisibilityArg::Private => Self::Private,
        }
    }
}

/// `room list`
#[derive(Debug, Args)]
pub struct ListArgs {
    /// Stop after so many rooms; without it, all of them
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub limit: Option<u64>,
}

/// A command about a room and nothing else.
#[derive(Debug, Args)]
pub struct RoomOnly {
    /// Which room
    pub room: RoomId,
}

/// `room join`
#[derive(Debug, Args)]
pub struct JoinArgs {
    /// Which room
    pub room: RoomId,
    /// The role that you wish for [default: what you were granted, or participant]
    #[arg(long)]
    pub role: Option<Role>,
    /// The room's password.
    #[command(flatten)]
    pub password: PasswordArgs,
}

/// `room post`
#[derive(Debug, Args)]
pub struct PostArgs {
    /// Which room
    pub room: RoomId,
    /// What to say; `-`, or nothing and a pipe, reads standard input
    pub text: Option<String>,
    /// Where in the room [default: main]
    #[arg(long, value_name = "CHANNEL")]
    pub channel: Option<ChannelName>,
    /// The message that it answers: its id, or its seq
    #[arg(long, value_name = "MSG")]
    pub reply_to: Option<ReplyTo>,
    /// A JSON object for programs that read the message
    #[arg(long, value_name = "JSON")]
    pub metadata: Option<String>,
    /// Under which a repeat of this post is recognised [default: a new one]
    #[arg(long, value_name = "KEY")]
    pub key: Option<IdempotencyKey>,
}

/// `room tail`
#[derive(Debug, Args)]
pub struct TailArgs {
    /// Which room
    pub room: RoomId,
    /// Begin after this event
    #[arg(long, value_name = "SEQ", value_parser = seq, conflicts_with = "all")]
    pub since: Option<Seq>,
    /// Begin with the room's first event
    #[arg(long)]
    pub all: bool,
    /// Only this channel; what concerns the whole room is shown, too
    #[arg(long, value_name = "CHANNEL")]
    pub channel: Option<ChannelName>,
    /// End as soon as everything that has happened until now was shown
    #[arg(long)]
    pub once_idle: bool,
}

/// `room history`
#[derive(Debug, Args)]
pub struct HistoryArgs {
    /// Which room
    pub room: RoomId,
    /// Only this channel
    #[arg(long, value_name = "CHANNEL")]
    pub channel: Option<ChannelName>,
    /// The newest messages before this event
    #[arg(long, value_name = "SEQ", value_parser = seq, conflicts_with = "after")]
    pub before: Option<Seq>,
    /// The oldest messages after this event
    #[arg(long, value_name = "SEQ", value_parser = seq)]
    pub after: Option<Seq>,
    /// How many at most
    #[arg(long, value_name = "N", default_value_t = 50,
        value_parser = clap::value_parser!(u64).range(1..=500))]
    pub limit: u64,
}

/// `room thread`
#[derive(Debug, Args)]
pub struct ThreadArgs {
    /// Which room
    pub room: RoomId,
    /// A message of the thread: its id, or its seq
    pub message: ReplyTo,
    /// The messages after this event
    #[arg(long, value_name = "SEQ", value_parser = seq)]
    pub after: Option<Seq>,
    /// How many at most
    #[arg(long, value_name = "N", default_value_t = 500,
        value_parser = clap::value_parser!(u64).range(1..=500))]
    pub limit: u64,
}

/// `room policy`
#[derive(Debug, Args)]
pub struct PolicyArgs {
    /// Which room
    pub room: RoomId,
    /// Who finds the room, and who may join it
    #[arg(long, value_enum)]
    pub visibility: Option<VisibilityArg>,
    /// How members come by the roles coordinator and reviewer
    #[arg(long, value_enum)]
    pub roles: Option<RolesArg>,
    /// Who may make channels
    #[arg(long, value_enum)]
    pub create_channels: Option<WhoArg>,
    /// Who may propose decisions
    #[arg(long, value_enum)]
    pub propose: Option<WhoArg>,
    /// The roles that hold a veto, in place of those that hold one
    #[arg(long, value_name = "ROLE", value_delimiter = ',')]
    pub veto_role: Vec<Role>,
    /// The clients that hold a veto, whatever their role, in place of those that hold one
    #[arg(long, value_name = "CLIENT", value_delimiter = ',')]
    pub veto_client: Vec<ClientId>,
    /// Nobody holds a veto but those who are named beside this
    #[arg(long)]
    pub no_veto: bool,
    /// How long an approval waits for veto holders: seconds, or a number with s, m, h or d
    #[arg(long, value_name = "TIME", value_parser = veto_seconds)]
    pub veto_window: Option<u32>,
    /// The vote weight of coordinator, reviewer or others
    #[arg(long, value_name = "ROLE=WEIGHT")]
    pub weight: Vec<WeightArg>,
}

fn veto_seconds(text: &str) -> Result<u32, String> {
    lasting::seconds(text, limits::VETO_WINDOW_SECONDS_MAX)
}

/// [`RoleRule`] on the command line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum RolesArg {
    /// A coordinator grants them
    Granted,
    /// Whoever asks has them
    Open,
}

impl From<RolesArg> for RoleRule {
    fn from(arg: RolesArg) -> Self {
        match arg {
            RolesArg::Granted => Self::Granted,
            RolesArg::Open => Self::Open,
        }
    }
}

/// [`Who`] on the command line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum WhoArg {
    /// Every member
    Members,
    /// Coordinators only
    Coordinators,
}

impl From<WhoArg> for Who {
    fn from(arg: WhoArg) -> Self {
        match arg {
            WhoArg::Members => Self::Members,
            WhoArg::Coordinators => Self::Coordinators,
        }
    }
}

/// Whose weight it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WeightOf {
    /// A coordinator's.
    Coordinator,
    /// A reviewer's.
    Reviewer,
    /// Everybody else's.
    Others,
}

/// `reviewer=1.5`
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WeightArg {
    /// Whose.
    pub of: WeightOf,
    /// How much.
    pub weight: VoteWeight,
}

impl FromStr for WeightArg {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        const EXPECTED: &str = "must be such as reviewer=1.5, of coordinator, reviewer or others";
        let (of, weight) = text.split_once('=').ok_or(EXPECTED)?;
        let of = match of {
            "coordinator" => WeightOf::Coordinator,
            "reviewer" => WeightOf::Reviewer,
            "others" => WeightOf::Others,
            _ => return Err(EXPECTED.to_owned()),
        };
        let number: f64 = weight.parse().map_err(|_| EXPECTED)?;
        let weight = VoteWeight::try_from(number).map_err(|why| why.to_string())?;
        Ok(Self { of, weight })
    }
}

/// `room channel`
#[derive(Debug, Args)]
pub struct ChannelArgs {
    /// Which room
    pub room: RoomId,
    /// The channel's name
    pub name: ChannelName,
    /// What it is about
    #[arg(long, default_value = "", hide_default_value = true)]
    pub topic: Topic,
}

/// `room grant`
#[derive(Debug, Args)]
pub struct GrantArgs {
    /// Which room
    pub room: RoomId,
    /// To whom
    pub client: ClientId,
    /// coordinator, researcher, coder, reviewer, tester, documenter or participant
    pub role: Role,
}

/// `room remove`
#[derive(Debug, Args)]
pub struct RemoveArgs {
    /// Which room
    pub room: RoomId,
    /// Whom
    pub client: ClientId,
    /// Why
    #[arg(long)]
    pub reason: Option<Reason>,
}

/// `room close`
#[derive(Debug, Args)]
pub struct CloseArgs {
    /// Which room
    pub room: RoomId,
    /// Why
    #[arg(long)]
    pub reason: Option<Reason>,
}

fn seq(text: &str) -> Result<Seq, std::num::ParseIntError> {
    text.strip_prefix('#').unwrap_or(text).parse().map(Seq::new)
}
