//! What can be asked for.

use clap::Args;
use serde::Serialize;

use crate::target::Target;

/// Many sessions that come close together: how long each waits, and what it costs
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  perf connections
  perf connections --sessions 9000 --at-once 200 --seconds 60
  perf connections --sessions 5000 --rate 500 --output connections.json
  perf connections --url http://127.0.0.1:5001 --data-dir ~/.agent-bridge --server-pid 4711

Without --url it starts the release server that stands beside this program, with empty data in a
temporary folder, and ends it afterwards. Each session takes two open files of the server and one of
this program: see `ulimit -n`.")]
pub(crate) struct ConnectionsArgs {
    /// WebSocket sessions, each of another client
    #[arg(long, default_value_t = 500, value_parser = clap::value_parser!(u16).range(1..=20_000))]
    sessions: u16,
    /// Sessions that are being opened at the same time
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u16).range(1..=1_000))]
    at_once: u16,
    /// Sessions a second, at even distances, however many are being opened. Latency then counts from
    /// the moment a session was due
    #[arg(long, conflicts_with = "at_once", value_parser = clap::value_parser!(u32).range(1..=100_000))]
    rate: Option<u32>,
    /// How long they stay. Each second one of them is sent a message
    #[arg(long, default_value_t = 30, value_parser = clap::value_parser!(u16).range(1..=3_600))]
    seconds: u16,
    #[command(flatten)]
    pub(super) target: Target,
}

/// What is asked of the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub(super) struct Load {
    pub(super) sessions: usize,
    pub(super) seconds: u16,
    #[serde(flatten)]
    pub(super) arrival: Arrival,
}

/// When a session is opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(tag = "loop", rename_all = "snake_case")]
pub(super) enum Arrival {
    /// When another one has been welcomed.
    Closed {
        /// So many are being opened.
        at_once: usize,
    },
    /// When it is time, whatever the server does.
    Open { sessions_per_second: u32 },
}

impl ConnectionsArgs {
    pub(super) fn load(&self) -> Load {
        let at_once = usize::from(self.at_once);
        let closed = Arrival::Closed { at_once };
        let open = |sessions_per_second| Arrival::Open {
            sessions_per_second,
        };
        Load {
            sessions: self.sessions.into(),
            seconds: self.seconds,
            arrival: self.rate.map_or(closed, open),
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
        connections: ConnectionsArgs,
    }

    fn load(args: &[&str]) -> Result<Load, String> {
        let all = ["perf"].iter().chain(args);
        let cli = Cli::try_parse_from(all).map_err(|why| why.to_string())?;
        Ok(cli.connections.load())
    }

    #[test]
    fn the_defaults_are_the_scenario() {
        let expected = Load {
            sessions: 500,
            seconds: 30,
            arrival: Arrival::Closed { at_once: 50 },
        };
        assert_eq!(load(&[]), Ok(expected));
    }

    #[test]
    fn a_rate_is_an_open_loop() {
        let found = load(&["--rate", "500"]).expect("a load");
        let expected = Arrival::Open {
            sessions_per_second: 500,
        };
        assert_eq!(found.arrival, expected);
    }

    #[test]
    fn what_makes_no_sense_is_refused() {
        for wrong in [
            &["--sessions", "0"][..],
            &["--sessions", "20001"],
            &["--at-once", "0"],
            &["--seconds", "0"],
            &["--rate", "5", "--at-once", "5"],
        ] {
            assert!(load(wrong).is_err(), "{wrong:?}");
        }
    }
}
