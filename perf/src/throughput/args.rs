//! What can be asked for.

use std::fmt;

use clap::{Args, ValueEnum};
use serde::Serialize;

use crate::rooms::{Drive, Rate, Repeats};
use crate::target::Target;

/// Requests that one client may have under way over REST in an open loop, each on a connection of its
/// own. More than that are late, which counts.
const CONNECTIONS_EACH_MAX: usize = 32;
/// Of all clients together: ports of a loopback address are not endless.
const CONNECTIONS_MAX: usize = 20_000;

/// Durable messages a second from one client to another, and how long each takes
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  perf throughput
  perf throughput --rate 1000 --seconds 60 --runs 3 --output throughput.json
  perf throughput --over websocket --in-flight 16
  perf throughput --url http://127.0.0.1:5001 --data-dir ~/.agent-bridge

Every client sends to the next one of a ring, and has a session on which it gets what the one before
sends, and confirms it. Without --url it starts the release server that stands beside this program, with
empty data in a temporary folder, and ends it afterwards.")]
pub(crate) struct ThroughputArgs {
    /// Clients, each with one WebSocket session
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u16).range(2..=5_000))]
    clients: u16,
    /// How messages are sent
    #[arg(long, value_enum, default_value_t = Over::Rest)]
    over: Over,
    /// How long is measured
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u16).range(1..=600))]
    seconds: u16,
    /// How long the load lasts before that
    #[arg(long, default_value_t = 2, value_parser = clap::value_parser!(u16).range(0..=60))]
    warm_up: u16,
    /// Length of a message's text
    #[arg(long, default_value_t = 300, value_parser = clap::value_parser!(u16).range(64..=10_000))]
    text_bytes: u16,
    /// Closed loop: messages of each client that are not answered yet. Over REST each takes a
    /// connection of its own
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..=1_000))]
    in_flight: u16,
    #[command(flatten)]
    rate: Rate,
    #[command(flatten)]
    pub(super) repeats: Repeats,
    #[command(flatten)]
    pub(super) target: Target,
}

/// How messages are sent. They arrive on sessions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ValueEnum)]
#[serde(rename_all = "lowercase")]
pub(super) enum Over {
    /// POST /v1/messages, over connections that stay open
    Rest,
    /// On the client's session
    Websocket,
}

impl fmt::Display for Over {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Rest => "REST",
            Self::Websocket => "WebSockets",
        })
    }
}

/// What is asked of the server.
#[derive(Debug, Clone, Copy, Serialize)]
pub(super) struct Load {
    pub(super) clients: usize,
    pub(super) over: Over,
    pub(super) seconds: u16,
    pub(super) warm_up_seconds: u16,
    pub(super) text_bytes: usize,
    #[serde(flatten)]
    pub(super) drive: Drive,
}

impl ThroughputArgs {
    pub(super) fn load(&self) -> Result<Load, String> {
        let load = Load {
            clients: self.clients.into(),
            over: self.over,
            seconds: self.seconds,
            warm_up_seconds: self.warm_up,
            text_bytes: self.text_bytes.into(),
            drive: self.rate.drive(self.in_flight),
        };
        let connections = load.clients * load.connections_each();
        if connections <= CONNECTIONS_MAX {
            return Ok(load);
        }
        Err(format!(
            "{} clients with {} requests under way would take {connections} connections, and \
             {CONNECTIONS_MAX} are the most",
            load.clients,
            load.connections_each()
        ))
    }
}

impl Load {
    /// Connections that a client may have beside its session.
    pub(super) fn connections_each(&self) -> usize {
        match (self.over, self.drive) {
            (Over::Websocket, _) => 0,
            (Over::Rest, Drive::Closed { in_flight }) => in_flight as usize,
            (Over::Rest, Drive::Open { .. }) => {
                CONNECTIONS_EACH_MAX.min(CONNECTIONS_MAX / self.clients)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    #[derive(Debug, Parser)]
    struct Cli {
        #[command(flatten)]
        throughput: ThroughputArgs,
    }

    fn load(args: &[&str]) -> Result<Load, String> {
        let all = ["perf"].iter().chain(args);
        let cli = Cli::try_parse_from(all).map_err(|why| why.to_string())?;
        cli.throughput.load()
    }

    #[test]
    fn the_defaults_are_a_hundred_callers_with_one_request_each() {
        let load = load(&[]).expect("good defaults");
        assert_eq!((load.clients, load.over), (100, Over::Rest));
        assert_eq!(load.drive, Drive::Closed { in_flight: 1 });
        assert_eq!(load.connections_each(), 1);
    }

    #[test]
    fn connections_are_those_of_requests() {
        let each = |args: &[&str]| load(args).map(|load| load.connections_each());
        assert_eq!(each(&["--in-flight", "7"]), Ok(7));
        assert_eq!(each(&["--rate", "1000"]), Ok(CONNECTIONS_EACH_MAX));
        assert_eq!(each(&["--rate", "1000", "--clients", "5000"]), Ok(4));
        assert_eq!(each(&["--over", "websocket", "--in-flight", "1000"]), Ok(0));
    }

    #[test]
    fn what_makes_no_sense_is_refused() {
        for wrong in [
            &["--clients", "1"][..],
            &["--rate", "5", "--in-flight", "5"],
            &["--over", "pigeon"],
            &["--seconds", "0"],
            &["--text-bytes", "63"],
            &["--clients", "1000", "--in-flight", "21"],
        ] {
            assert!(load(wrong).is_err(), "{wrong:?}");
        }
    }
}
