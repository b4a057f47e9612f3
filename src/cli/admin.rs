//! `agent-bridge admin`: looking into a running server, and putting right what failed.

use std::process::ExitCode;

use clap::{Args, Subcommand};
use serde::Deserialize;
use serde_json::{Value, json};

use super::connection::{self, ConnectionArgs};
use super::context::{self, Context};
use super::output::OutputArgs;
use super::show::{Paint, table, visible};
use crate::client::ClientError;

/// Look into a running server, and put right what failed
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  agent-bridge admin actors
  agent-bridge admin actors --json
  agent-bridge admin release room:design
  agent-bridge admin log-level info,agent_bridge::actors=debug

The token must have the scope admin: agent-bridge token create --client NAME --scope admin")]
pub struct AdminArgs {
    #[command(flatten)]
    /// The server.
    pub connection: ConnectionArgs,
    #[command(flatten)]
    /// The form of the answer.
    pub output: OutputArgs,
    /// What to do.
    #[command(subcommand)]
    pub command: AdminCommand,
}

/// What an operator can do.
#[derive(Debug, Subcommand)]
pub enum AdminCommand {
    /// Show the parts of the server: how many live, how often they failed, what is held back
    Actors,
    /// Give a room, or another part that is held back, another chance
    ///
    /// A room that fails again and again is quarantined: it refuses everything, and the others go
    /// on. When its cause is gone this lets it begin anew; if it is not, it is held back again.
    Release(ReleaseArgs),
    /// Show or change what the server writes to its log, until it ends
    ///
    /// The configuration stays as it is: the next start begins with log.level again.
    LogLevel(LogLevelArgs),
}

/// What to log.
#[derive(Debug, Args)]
pub struct LogLevelArgs {
    /// error, warn, info, debug, trace, off, or a filter; without it the present one is shown
    #[arg(value_name = "LEVEL")]
    pub level: Option<String>,
}

/// What to release.
#[derive(Debug, Args)]
pub struct ReleaseArgs {
    /// As `admin actors` names it: room:design, mailbox:maya or broadcast:all
    #[arg(value_name = "ACTOR")]
    pub actor: String,
}

/// Does what the arguments say.
#[must_use]
pub fn run(args: AdminArgs) -> ExitCode {
    let AdminArgs {
        connection,
        output,
        command,
    } = args;
    context::run(connection, &output, |context| {
        let runtime = connection::runtime()?;
        runtime.block_on(connection::unless_interrupted(carry_out(context, command)))
    })
}

async fn carry_out(context: &mut Context, command: AdminCommand) -> Result<(), ClientError> {
    match command {
        AdminCommand::Actors => actors(context).await,
        AdminCommand::Release(args) => release(context, &args).await,
        AdminCommand::LogLevel(args) => log_level(context, &args).await,
    }
}

async fn actors(context: &mut Context) -> Result<(), ClientError> {
    let rest = &context.connection.rest;
    let stats = rest.get(&["v1", "admin", "stats"], &[]).await?;
    let tree = &stats["actors"];
    context
        .output
        .answer(tree, |paint| Ok(human(&context::read(tree)?, paint)))
}

async fn release(context: &mut Context, args: &ReleaseArgs) -> Result<(), ClientError> {
    let path = ["v1", "admin", "actors", "release"];
    let body = json!({ "actor": args.actor });
    let answer = context.connection.rest.post(&path, &body, None).await?;
    let became = match answer["released"].as_bool() {
        Some(true) => "begins anew",
        _ => "is not held back",
    };
    let human = |_| Ok(format!("{} {became}", named(&answer)));
    context.output.answer(&answer, human)
}

async fn log_level(context: &mut Context, args: &LogLevelArgs) -> Result<(), ClientError> {
    let (rest, path) = (&context.connection.rest, ["v1", "admin", "log-level"]);
    let answer = match &args.level {
        Some(level) => rest.put(&path, &json!({ "level": level })).await?,
        None => rest.get(&path, &[]).await?,
    };
    let word = |field: &str| visible(answer[field].as_str().unwrap_or("nothing"));
    let said = match answer.get("before") {
        Some(_) => format!("{} (it was {})", word("level"), word("before")),
        None => word("level"),
    };
    context.output.answer(&answer, |_| Ok(said))
}

fn named(answer: &Value) -> String {
    visible(answer["actor"].as_str().unwrap_or_default())
}

/// The tree, as the server tells it.
#[derive(Debug, Deserialize)]
struct Tree {
    parts: Vec<Part>,
    given_up: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Part {
    name: String,
    live: Option<u64>,
    failures: u64,
    quarantined: Vec<Held>,
}

#[derive(Debug, Deserialize)]
struct Held {
    actor: String,
    since: String,
}

fn human(tree: &Tree, paint: Paint) -> String {
    let rows: Vec<[String; 4]> = tree.parts.iter().map(row).collect();
    let mut text = table(["PART", "LIVE", "FAILURES", "HELD BACK"], &rows, paint);
    for held in tree.parts.iter().flat_map(|part| &part.quarantined) {
        let (actor, since) = (visible(&held.actor), visible(&held.since));
        text.push_str(&format!(
            "\n{actor} is held back since {since}; agent-bridge admin release {actor}"
        ));
    }
    if let Some(why) = &tree.given_up {
        text.push_str(&format!("\nThe server is about to end: {}", visible(why)));
    }
    text
}

fn row(part: &Part) -> [String; 4] {
    let held = part.quarantined.len();
    [
        visible(&part.name),
        part.live.map_or("-".to_owned(), |live| live.to_string()),
        part.failures.to_string(),
        if held == 0 {
            String::new()
        } else {
            held.to_string()
        },
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_held_back_is_named_with_the_way_out() {
        let held = json!({"actor": "room:den", "since": "2026-11-25T00:00:00.000Z"});
        let tree = json!({"given_up": null, "parts": [
            {"name": "rooms", "live": 3, "failures": 6, "quarantined": [held]},
            {"name": "requests", "live": null, "failures": 0, "quarantined": []},
        ]});
        let tree = context::read(&tree).expect("a tree");
        let text = human(&tree, Paint::new(false));
        assert!(
            text.contains("agent-bridge admin release room:den"),
            "{text}"
        );
        let lines: Vec<&str> = text.lines().collect();
        assert!(lines[1].starts_with("rooms"), "{text}");
        assert!(lines[2].contains('-'), "{text}");
    }
}
