//! `agent-bridge token`

use std::process::ExitCode;
use std::time::Duration;

use bridge_core::ports::{Clock, Ids};
use bridge_core::{ClientId, Scope, Scopes, TokenId};
use clap::{Args, Subcommand};
use serde_json::json;

use super::lasting;
use super::serve::DataArgs;
use crate::app;
use crate::config::{Config, Overrides};
use crate::system::{SystemClock, SystemIds};
use crate::wire::time;

/// Make tokens
#[derive(Debug, Args)]
pub struct TokenArgs {
    #[command(subcommand)]
    command: TokenCommand,
}

#[derive(Debug, Subcommand)]
enum TokenCommand {
    /// Make a token for a client; the server need not run
    Create(CreateArgs),
}

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  agent-bridge token create --client maya
  agent-bridge token create --client ci --scope room:builds --ttl 12h
  export BRIDGE_TOKEN=$(agent-bridge token create --client maya)

Scopes: message, room, orchestrate (these three by default), broadcast, admin, metrics, and room:<id>,
which limits the token to that room.")]
struct CreateArgs {
    /// The client that the token stands for
    #[arg(long, value_name = "NAME")]
    client: ClientId,
    /// What it allows; may be given several times [default: message room orchestrate]
    #[arg(long = "scope", value_name = "SCOPE", value_delimiter = ',')]
    scopes: Vec<Scope>,
    /// How long it is good: a number with s, m, h or d
    #[arg(long, value_name = "TIME", default_value = "30d", value_parser = lifetime)]
    ttl: Duration,
    /// Print a JSON object
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    data: DataArgs,
}

/// Does what the command line says.
#[must_use]
pub fn run(args: TokenArgs) -> ExitCode {
    let TokenCommand::Create(args) = args.command;
    match create(args) {
        Ok(text) => {
            println!("{text}");
            ExitCode::SUCCESS
        }
        Err(why) => {
            eprintln!("error: {why}");
            ExitCode::FAILURE
        }
    }
}

fn create(args: CreateArgs) -> Result<String, String> {
    let overrides = Overrides {
        data_dir: args.data.data_dir,
        ..Overrides::default()
    };
    let config =
        Config::load(args.data.config.as_deref(), &overrides).map_err(|why| why.to_string())?;
    let tokens = app::tokens(&config).map_err(|why| why.to_string())?;
    let scopes = match args.scopes.is_empty() {
        true => Scopes::default(),
        false => Scopes::new(args.scopes).map_err(|why| why.to_string())?,
    };
    let id = TokenId::from_uuid(SystemIds::default().uuid());
    let issued = tokens.issue(&args.client, &scopes, args.ttl, id, SystemClock.now())?;
    if !args.json {
        return Ok(issued.token);
    }
    let object = json!({
        "token": issued.token,
        "client": args.client,
        "jti": issued.id,
        "expires_at": time::to_text(issued.expires_at),
        "scope": scopes.to_string(),
    });
    Ok(object.to_string())
}

/// `30d`, `12h`, `90m`, `45s`.
fn lifetime(text: &str) -> Result<Duration, String> {
    const YEARS_MAX: u64 = 10;
    match lasting::parse(text)? {
        Duration::ZERO => Err("a token must be good for a second at least".to_owned()),
        long if long.as_secs() > YEARS_MAX * 366 * 86_400 => {
            Err(format!("a token is good for {YEARS_MAX} years at most"))
        }
        lifetime => Ok(lifetime),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lifetimes_have_a_unit_and_a_bound() {
        assert_eq!(lifetime("30d"), Ok(Duration::from_secs(30 * 86_400)));
        assert_eq!(lifetime("45s"), Ok(Duration::from_secs(45)));
        for bad in [
            "",
            "30",
            "d",
            "-1d",
            "1.5h",
            "0s",
            "1w",
            "99999999999999999999d",
            "11000d",
            "日",
        ] {
            assert!(lifetime(bad).is_err(), "{bad:?}");
        }
    }
}
